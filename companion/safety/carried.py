"""What the last day and week leave for today: carried contact and dose, rests, and when a region is free again.

Pure: `now` is an argument. A visit counts as of its end. Day = rolling 24 h, week = rolling 7 days. Carried dose
halves every 12 h (E). Nothing here refuses a recording: it warns at contact and closes guided steps; locks refuse.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from companion.safety.days import day_table, rule
from companion.safety.dose import overlaps
from companion.safety.limits import Carried, regions, whole_body
from companion.safety.person import Lock

Why = tuple[str, datetime | None]  # the rule in words, and when it ends


@dataclass(frozen=True, slots=True)
class Visit:
    """What one session gave one region and side."""

    session: str
    region: str
    side: str
    ended: datetime
    contact_s: float
    dose_kpa_s: float
    dose_limit_kpa_s: float


@dataclass(frozen=True, slots=True)
class Outing:
    """One session as a whole."""

    session: str
    ended: datetime
    contact_s: float
    crashed: bool = False
    stopped: bool = False  # ended by the guard
    gain: int | None = None  # how much less it hurt after it, of 10; None: not said


@dataclass(frozen=True, slots=True)
class History:
    """A person's real sessions, the oldest first. Simulated ones are not among them."""

    visits: tuple[Visit, ...] = ()
    outings: tuple[Outing, ...] = ()

    def until(self, now: datetime) -> "History":
        """With nothing in the future: where a clock has jumped back, what it says counts as of now."""
        visits = tuple(visit if visit.ended <= now else replace(visit, ended=now) for visit in self.visits)
        outings = tuple(one if one.ended <= now else replace(one, ended=now) for one in self.outings)
        return History(visits, outings)

    def in_future(self, now: datetime) -> bool:
        return any(one.ended > now + timedelta(minutes=5) for one in self.outings)


def carried_rows(history: History, now: datetime) -> tuple[Carried, ...]:
    """Contact and dose of the last 24 hours, per region and side."""
    sums: dict[tuple[str, str], tuple[float, float]] = {}
    for visit in history.visits:
        age_h = (now - visit.ended) / timedelta(hours=1)
        if age_h < rule("day_h") and visit.region in regions():
            contact_s, dose = sums.get((visit.region, visit.side), (0.0, 0.0))
            left = 0.5 ** (max(0.0, age_h) / rule("dose_half_h"))
            sums[visit.region, visit.side] = (contact_s + visit.contact_s, dose + visit.dose_kpa_s * left)
    return tuple(Carried(region, side, *both) for (region, side), both in sums.items())


def carried_s(history: History, now: datetime) -> float:
    """Contact of the whole body in the last 24 hours."""
    return sum(one.contact_s for one in _of_day(history, now))


def first_sessions(history: History) -> bool:
    """Whether the next session is one of the first three."""
    counting = [one for one in history.outings if one.contact_s >= rule("counts_from_s")]
    return len(counting) < whole_body()["first_sessions"]


def rests(history: History, locks: Iterable[Lock], region: str, side: str, now: datetime) -> tuple[Why, ...]:
    """Why a region should be left alone now, with the end of each reason. Locks are not among them."""
    found = [
        *_after_crash(history, now),
        *_after_sessions(history, now),
        *_after_visits(history, region, side, now),
        *_of_week(history, region, side, now),
        *((lock.why, lock.until) for lock in locks if not lock.refuses and lock.covers(region, side)),
    ]
    return tuple((text, until) for text, until in found if until is None or until > now)


def _of_day(history: History, now: datetime) -> list[Outing]:
    return [one for one in history.outings if now - one.ended < timedelta(hours=rule("day_h"))]


def _after_crash(history: History, now: datetime) -> Iterator[Why]:
    for one in history.outings:
        if one.crashed:
            yield "a session was cut short, its dose is not known", one.ended + timedelta(hours=rule("crash_rest_h"))


def _after_sessions(history: History, now: datetime) -> Iterator[Why]:
    counting = [one for one in _of_day(history, now) if one.contact_s >= rule("counts_from_s")]
    most = int(rule("sessions_most"))
    if len(counting) >= most:
        ends = sorted(one.ended for one in counting)
        yield f"{len(counting)} sessions in 24 hours", ends[-most] + timedelta(hours=rule("day_h"))


def _counting(history: History, region: str, side: str) -> list[Visit]:
    return [
        visit
        for visit in history.visits
        if visit.region == region and overlaps(visit.side, side) and visit.contact_s >= rule("counts_from_s")
    ]


def _after_visits(history: History, region: str, side: str, now: datetime) -> Iterator[Why]:
    for visit in _counting(history, region, side):
        full = visit.dose_limit_kpa_s > 0 and visit.dose_kpa_s >= rule("full_dose") * visit.dose_limit_kpa_s
        hours = rule("full_rest_h") if full else whole_body()["same_region_rest_h"]
        until = visit.ended + timedelta(hours=hours)
        if until > now:
            yield "a full dose" if full else "used a short while ago", until


def _of_week(history: History, region: str, side: str, now: datetime) -> Iterator[Why]:
    """So many days of seven. Today is no new day where it is one of them already."""
    counting = _counting(history, region, side)
    week = [visit for visit in counting if now - visit.ended < timedelta(days=7)]
    days: dict[str, list[Visit]] = {}
    for visit in week:
        days.setdefault(_day(visit.ended), []).append(visit)
    days.pop(_day(now), None)
    most = _days_most(region, counting, days.values(), now)
    if len(days) >= most:
        lasts = sorted(max(visit.ended for visit in day) for day in days.values())
        yield f"{len(days)} days in 7", lasts[-most] + timedelta(days=7)


def _day(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d}"


def _days_most(region: str, counting: Sequence[Visit], days: Iterable[Sequence[Visit]], now: datetime) -> int:
    if region not in day_table().frequent:
        return int(rule("week_days"))
    if all(_light(day) for day in days):
        return 7
    new = not counting or now - counting[0].ended < timedelta(weeks=rule("early_weeks"))
    return int(rule("early_days") if new else rule("week_days"))


def _light(day: Sequence[Visit]) -> bool:
    return all(visit.dose_limit_kpa_s > 0 for visit in day) and sum(
        visit.dose_kpa_s / visit.dose_limit_kpa_s for visit in day
    ) <= rule("light_dose")


# --- what is left today ---


@dataclass(frozen=True, slots=True)
class Left:
    """What a region and side may still get today, and when it is free again."""

    region: str
    side: str
    used_s: float  # of the group that shares its day
    cap_s: float
    dose_kpa_s: float
    dose_limit_kpa_s: float  # of the day
    left_s: float  # 0 while a rule says to wait
    reasons: tuple[Why, ...]
    locked: bool
    again: datetime | None  # None: now, or where `endless`, when the person says so
    endless: bool = False

    @property
    def free(self) -> bool:
        return not self.reasons and self.left_s > 0


def left_today(
    history: History, locks: Sequence[Lock], region: str, side: str, dose_limit_kpa_s: float, now: datetime
) -> Left:
    """`dose_limit_kpa_s`: of one session, with the person's factor."""
    here = _left(history, locks, region, side, dose_limit_kpa_s, now)
    if here.free:
        return here
    if any(until is None for _, until in here.reasons):
        return replace(here, endless=True)
    hours = (now + timedelta(hours=hour) for hour in range(1, 7 * 24 + 1))
    ends = (until for _, until in here.reasons if until is not None)
    drops = (one.ended + timedelta(hours=rule("day_h")) for one in _of_day(history, now))
    for at in sorted({*hours, *ends, *drops}):
        if at > now and _left(history, locks, region, side, dose_limit_kpa_s, at).free:
            return replace(here, again=at)
    return here


def _left(
    history: History, locks: Sequence[Lock], region: str, side: str, dose_limit_kpa_s: float, now: datetime
) -> Left:
    rows = carried_rows(history, now)
    group = regions()[region].day_group
    shared = {key for key, other in regions().items() if other.day_group == group}
    cap_s = max(regions()[key].base.day_s for key in shared)
    used_s = _sides((row.side, row.contact_s) for row in rows if row.region in shared and overlaps(row.side, side))
    dose = _sides((row.side, row.dose_kpa_s) for row in rows if row.region == region and overlaps(row.side, side))
    dose_limit = whole_body()["day_dose_factor"] * dose_limit_kpa_s
    total_left_s = whole_body()["day_s"] - carried_s(history, now)
    shut: list[Why] = [(lock.why, lock.until) for lock in locks if _shuts(lock, region, side, now)]
    reasons = [*shut, *rests(history, locks, region, side, now)]
    left_s = min(cap_s - used_s, total_left_s, regions()[region].base.session_s)
    if left_s < 1 or dose >= dose_limit:
        left_s = 0.0
    return Left(
        region, side, used_s, cap_s, dose, dose_limit, 0.0 if reasons else left_s, tuple(reasons), bool(shut), None
    )


def _shuts(lock: Lock, region: str, side: str, now: datetime) -> bool:
    return lock.refuses and lock.stands(now) and lock.covers(region, side)


def _sides(parts: Iterable[tuple[str, float]]) -> float:
    """Of left and right, the larger counts."""
    sums: Mapping[str, list[float]] = {"left": [], "right": [], "both": []}
    for side, value in parts:
        sums[side].append(value)
    return sum(sums["both"]) + max(sum(sums["left"]), sum(sums["right"]))
