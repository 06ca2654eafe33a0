"""How a plan over weeks goes, from the log. Pure: days in, counts out.

A day counts once, however many sessions it had. Weeks are seven days from the first day of the present run; a pause of
more than two weeks begins a new run. What is said is what was counted, with what is missing; nothing about causes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import NamedTuple

from sessions.events import Json

WEEK_DAYS = 7
PAUSE_DAYS = 14  # longer, and the plan begins anew


class Asked(NamedTuple):
    """So many weeks (None: from then on), on so many days each."""

    weeks: int | None
    days: int


class Guided(NamedTuple):
    """One session of a program of the plan."""

    day: date  # at the place and in the offset of the session
    program: str


@dataclass(frozen=True, slots=True)
class PlanWeek:
    number: int  # from 1
    begins: date
    asked: int  # days
    done: int
    over: bool  # its seven days have passed

    @property
    def missing(self) -> int:
        """Days; of a week under way only those that no day is left for are missing yet."""
        return max(0, self.asked - self.done)


@dataclass(frozen=True, slots=True)
class Adherence:
    """`sessions` is n: all sessions of the run. No weeks: the plan has not begun."""

    began: date | None
    sessions: int
    weeks: tuple[PlanWeek, ...]
    left: int  # days of the present week that are still to do, and can be

    @property
    def asked(self) -> int:
        """Days, over the weeks that are over."""
        return sum(week.asked for week in self.weeks if week.over)

    @property
    def done(self) -> int:
        return sum(min(week.done, week.asked) for week in self.weeks if week.over)

    @property
    def share(self) -> float | None:
        """Of the days asked for; None before a week is over."""
        return self.done / self.asked if self.asked else None

    def to_json(self) -> dict[str, Json]:
        weeks: list[Json] = [
            {**asdict(week), "begins": week.begins.isoformat(), "missing": week.missing if week.over else None}
            for week in self.weeks
        ]
        return {
            "began": None if self.began is None else self.began.isoformat(),
            "sessions": self.sessions,
            "days_asked": self.asked,
            "days_done": self.done,
            "days_missing": self.asked - self.done,
            "share": self.share,
            "days_left_this_week": self.left,
            "weeks": weeks,
        }

    def lines(self, plan: str) -> list[str]:
        if self.began is None:
            return [f"Plan {plan}: not begun. Simulated sessions do not count."]
        count = f"n = {self.sessions} session{'s' if self.sessions != 1 else ''} since {self.began:%d %b %Y}"
        whole = "no week is over yet"
        if self.share is not None:
            whole = f"{self.done} of {self.asked} days ({self.share:.0%}), {self.asked - self.done} missing"
        lines = [f"Plan {plan}: {whole}; {count}"]
        for week in self.weeks:
            state = f"{week.missing} missing" if week.over else f"{self.left} to do"
            lines.append(f"  week {week.number} from {week.begins:%d %b}: {week.done} of {week.asked} days, {state}")
        return lines


def adherence(stages: Sequence[Asked], sessions: Iterable[Guided], today: date) -> Adherence:
    """Of the run that reaches up to today, or was the last. `stages` in order; the last one goes on where it may."""
    past = sorted(each.day for each in sessions if each.day <= today)
    run: list[date] = []
    for day in past:
        if run and (day - run[-1]).days > PAUSE_DAYS:
            run = []
        run.append(day)
    if not run or (today - run[-1]).days > PAUSE_DAYS:
        return Adherence(None, 0, (), 0)
    began = run[0]
    days = set(run)
    weeks = []
    for number in range((today - began).days // WEEK_DAYS + 1):
        asked = _asked(stages, number)
        if asked is None:
            break
        begins = began + timedelta(days=number * WEEK_DAYS)
        done = sum(begins + timedelta(days=day) in days for day in range(WEEK_DAYS))
        weeks.append(PlanWeek(number + 1, begins, asked, done, (today - begins).days >= WEEK_DAYS))
    present = weeks[-1] if weeks and not weeks[-1].over else None
    left = 0
    if present is not None:
        still = WEEK_DAYS - (today - present.begins).days - (today in days)
        left = min(present.missing, still)
    return Adherence(began, len(run), tuple(weeks), left)


def _asked(stages: Sequence[Asked], number: int) -> int | None:
    """Days of week `number`, from 0; None: the plan is over."""
    for stage in stages:
        if stage.weeks is None or number < stage.weeks:
            return stage.days
        number -= stage.weeks
    return None
