"""What is known of a person before a session begins: answers, own limits, locks, and the last days from the log.

Gathered once by the composition root, for the guard's one frozen context. The past warns at contact; it refuses only
after an emergency or clinician-first answer, when the person is not sober, and in a locked region.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from companion import remembered
from companion.errors import ConfigError, RefusedError
from companion.safety.carried import (
    History,
    Left,
    Outing,
    Why,
    carried_rows,
    carried_s,
    first_sessions,
    left_today,
    rests,
)
from companion.safety.days import rule
from companion.safety.limits import DEFAULT_TOOL, GuardContext, combined_factor, effective, regions, whole_body
from companion.safety.lowered import Lowered, read_lowered
from companion.safety.person import Lock, Person, read_person
from companion.safety.screening import Standing, Verdict, judge
from sessions.errors import SessionError
from sessions.wording import span

LIMITS_FILE = "limits.toml"  # the user's own, beside the settings
_NO_LOWERED: Mapping[str, Lowered] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Past:
    """Of one person, at one moment."""

    person: Person
    now: datetime  # aware
    verdict: Verdict
    history: History = field(default_factory=History)
    lowered: Mapping[str, Lowered] = field(default_factory=lambda: _NO_LOWERED)
    problems: tuple[str, ...] = ()  # what could not be read, one line each
    started: bool = True  # whether the first sessions' rule is to be looked at
    known: bool = True  # False: there is a log, and it could not be opened

    @property
    def factor_k(self) -> float:
        """Of a real session."""
        return self._factor_k(self.is_first)

    @property
    def is_first(self) -> bool:
        return self.started and first_sessions(self.history)

    def _factor_k(self, first: bool) -> float:
        if not self.verdict.screened:
            return whole_body()["unscreened_factor"]
        factors = [*self.verdict.factors.values(), *([rule("first_sessions_factor")] if first else [])]
        return combined_factor(factors)

    # --- for the guard ---

    def apply(self, context: GuardContext, *, simulated: bool) -> GuardContext:
        """The context with all that is known. A simulated session neither counts nor is counted."""
        first = self.is_first and not simulated
        factor_k = self._factor_k(first)
        known = dataclasses.replace(
            context,
            screened=self.verdict.screened,
            factor_k=factor_k,
            body_kg=self.verdict.body_kg,
            personal=self.person.personal(factor_k),
            lowered={key: dict(row.columns) for key, row in self.lowered.items()},
            locked=tuple(sorted({*self.verdict.skipped, *(_name(lock) for lock in self.locks())})),
        )
        if simulated:
            return known
        return dataclasses.replace(
            known,
            session_limit_s=whole_body()["first_session_s" if first else "session_s"],
            carried=carried_rows(self.history, self.now),
            carried_s=carried_s(self.history, self.now),
            resting=tuple(_resting(self)),
        )

    def locks(self) -> tuple[Lock, ...]:
        """Regions a session is refused in now."""
        return tuple(lock for lock in self.person.locks if lock.refuses and lock.stands(self.now))

    def refuse(self, region: str, side: str) -> None:
        """Raises RefusedError where no session may begin."""
        if self.verdict.standing is not Standing.FREE:
            said = {
                Standing.EMERGENCY: "no session, after this answer",
                Standing.CLINICIAN: "no session until a clinician has agreed",
                Standing.NOW: "no session now",
            }[self.verdict.standing]
            raise RefusedError(f"{said}: {self.verdict.reasons[0]}", self.verdict.advice)
        for lock in self.locks():
            if lock.covers(region, side):
                hint = "choose another region: knead today"
                if lock.until is None:
                    hint = f"when it is gone: knead screen --gone {region}"
                raise RefusedError(f"{_name(lock)} is locked{_until(lock.until)}: {lock.why}", hint)
        sides = (region, *(f"{region} {one}" for one in ("left", "right") if side in (one, "both")))
        for name in self.verdict.skipped:
            if name in sides:
                raise RefusedError(f"{name} is left out, after what you answered", "choose another region: knead today")

    # --- for people ---

    def today(self, region: str, side: str) -> Left:
        """What a region and side may still get."""
        dose = effective(region, factor_k=self.factor_k, lowered=self._lowered(region)).dose_kpa_s
        skipped = [
            Lock(region, part if sided else "both", "left out after your answer", None)
            for name in self.verdict.skipped
            for key, sided, part in [name.partition(" ")]
            if key == region
        ]
        return left_today(self.history, [*self.person.locks, *skipped], region, side, dose, self.now)

    def sides(self, region: str) -> tuple[Left, ...]:
        """One row for a region, or one for each side where they differ."""
        left, right = self.today(region, "left"), self.today(region, "right")
        alike = [(one.free, one.left_s, one.again, one.reasons) for one in (left, right)]
        if not regions()[region].sided or alike[0] == alike[1]:
            return (self.today(region, "both"),)
        return (left, right)

    @property
    def left_s(self) -> float:
        """Contact left today on the whole body."""
        return max(0.0, whole_body()["day_s"] - carried_s(self.history, self.now))

    def advice(self) -> tuple[str, ...]:
        """What the last days advise, one line each; none of it is a rule."""
        said = []
        recent = [one for one in self.history.outings if self.now - one.ended < timedelta(hours=rule("day_h"))]
        if sum(one.contact_s >= rule("counts_from_s") for one in recent) >= rule("sessions_advised"):
            said.append("One session a day is advised, two at most.")
        said += self._lower()
        pains = [one for one in self.history.outings if one.gain is not None][-int(rule("no_gain_sessions")) :]
        if len(pains) >= rule("no_gain_sessions") and sum(one.gain or 0 for one in pains) <= 0:
            said.append("Ten sessions without less pain: stop, and see a professional.")
        return tuple(said)

    def _lower(self) -> list[str]:
        """Where sessions ended by stops: lower limits, as the command that sets them, and somebody to ask."""
        since = timedelta(days=rule("stopped_days"))
        stopped = {one.session for one in self.history.outings if one.stopped and self.now - one.ended < since}
        if len(stopped) < rule("stopped_sessions"):
            return []
        pressed = {visit.region for visit in self.history.visits if visit.session in stopped and visit.contact_s > 0}
        own = self.person.personal(self.factor_k)
        sets = []
        for region in (key for key in regions() if key in pressed):
            now = effective(
                region, factor_k=self.factor_k, personal=own.get(region, 1.0), lowered=self._lowered(region)
            )
            lower = math.floor(rule("stopped_factor") * now.mean_max_kpa)
            sets.append(f"knead limits set --region {region} --tool {DEFAULT_TOOL} {lower}")
        how = f": {', '.join(sets)}" if sets else ""
        return [
            f"{len(stopped)} sessions in {rule('stopped_days'):g} days were ended by stops: lower your limits, times "
            f"{rule('stopped_factor'):g} is suggested{how}; and have it looked at by a professional."
        ]

    def words(self, region: str, side: str, *, simulated: bool = False) -> tuple[str, ...]:
        """What is to be said as a session begins, one line each."""
        told = {
            "week": "the questions are older than a week, so limits are halved: knead screen",
            "check": "no short check in the last two hours, so limits are halved: knead screen --check",
        }
        said = [*self.problems]
        if self.verdict.missing in told:
            said.append(told[self.verdict.missing])
        if simulated:
            return tuple(said)
        if self.is_first and self.known:
            minutes = whole_body()["first_session_s"] / 60
            times = f"limits times {rule('first_sessions_factor'):g}, " if self.verdict.screened else ""
            said.append(f"one of your first three sessions: {times}{minutes:g} minutes of contact")
        said += [line[0].lower() + line[1:].rstrip(".") for line in self._lower()]
        for text, until in rests(self.history, self.person.locks, region, side, self.now):
            said.append(f"{place_of(region, side)}: {text}, rest it{_until(until)}")
        left = self.today(region, side)
        if left.free and left.used_s > 0:
            said.append(f"{place_of(region, side)}: {span(left.left_s)} of contact left today")
        if self.left_s < whole_body()["day_s"]:
            said.append(f"{span(self.left_s)} of contact left today in all")
        if self.after_due() is not None:
            said.append("how was the day after your last session? knead screen --next-day")
        return tuple(said)

    def after_due(self) -> Outing | None:
        """The session whose next day is still to be asked about."""
        for one in reversed(self.history.outings):
            age = self.now - one.ended
            if one.contact_s < rule("counts_from_s"):
                continue
            next_day = one.ended.astimezone().date() < self.now.astimezone().date() and age >= timedelta(hours=6)
            fresh = age <= timedelta(hours=rule("ask_after_h")) and one.session != self.person.asked_after
            return one if next_day and fresh else None
        return None

    def places(self, session: str) -> dict[tuple[str, str], datetime]:
        """Where a session pressed, and when it ended."""
        return {
            (visit.region, visit.side): visit.ended
            for visit in self.history.visits
            if visit.session == session and visit.contact_s > 0
        }

    def _lowered(self, region: str) -> Mapping[str, float]:
        row = self.lowered.get(region)
        return {} if row is None else row.columns


def nobody(now: datetime, name: str = "me") -> Past:
    """Nothing is known: what a demonstration and a tare go by."""
    return Past(Person(name), now, judge(None, None, now), started=False)


# --- from the log ---


def gather(database: Path, limits_file: Path, name: str, now: datetime) -> Past:
    """Read all that is known of a person. Raises SessionError where the log cannot be read; makes no log."""
    problems: list[str] = []
    lowered = own_file(limits_file, problems)
    person, history = Person(name), History()
    if database.exists():
        from sessions.store import Store

        with Store(database) as store:
            try:
                person = read_person(name, store.people.kept(name))
            except ConfigError as error:
                problems.append(f"{error}; {error.hint}")
            history, symptoms = remembered.history(store, name, now)
        person = person.with_locks(*symptoms).without_old(now)
    if history.in_future(now):
        problems.append("the log has a session in the future: is the clock right? It counts as of now")
    verdict = judge(person.screening, person.check, now)
    return Past(person, now, verdict, history.until(now), lowered, tuple(problems))


def unknown(error: SessionError, limits_file: Path, name: str, now: datetime) -> Past:
    """What a session goes by where the log cannot be opened: its alarms wait for no disk. Nothing is known, and said.

    The shorter time of a first session holds, since nobody can tell that it is none.
    """
    why = str(error).rstrip(".")
    problems = [f"{why}; answers, locks and the last days are unknown, so limits are halved and the session is short"]
    lowered = own_file(limits_file, problems)
    return Past(Person(name), now, judge(None, None, now), History(), lowered, tuple(problems), known=False)


def own_file(path: Path, problems: list[str]) -> Mapping[str, Lowered]:
    """What the user's own limits file makes less. Anything wrong in it is one line, and then it counts for nothing."""
    try:
        return read_lowered(path.read_text("utf-8"), str(path))
    except FileNotFoundError:
        return _NO_LOWERED
    except ConfigError as error:
        problems.append(f"{error}: the built-in limits stand")
    except OSError as error:
        problems.append(f"{path}: {error.strerror or error}: the built-in limits stand")
    except UnicodeDecodeError as error:
        problems.append(f"{path}: byte {error.start} is no UTF-8 text: the built-in limits stand")
    return _NO_LOWERED


# --- words ---


def _name(lock: Lock) -> str:
    return place_of(lock.region, lock.side)


def place_of(region: str, side: str) -> str:
    return region if side == "both" else f"{region} {side}"


def _until(until: datetime | None) -> str:
    if until is None:
        return ""
    return f" until {until.astimezone():%a %d %b %H:%M}"


def _resting(past: Past) -> list[str]:
    names = []
    for region in regions():
        reasons: list[tuple[Why, ...]] = [
            rests(past.history, past.person.locks, region, side, past.now) for side in ("left", "right")
        ]
        if all(reasons):
            names.append(region)
        else:
            names += [f"{region} {side}" for side, why in zip(("left", "right"), reasons, strict=True) if why]
    return names
