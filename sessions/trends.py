"""How sessions went over weeks, per region and side. Pure: rows in, numbers out.

What is said is what was counted, with how many sessions stand behind it and how many scores are missing; nothing is
said about causes. A score is of a whole session, and so are its warnings: they count for the place with the most
contact of that session. Minutes, and the pressure while in the working zone, count for each place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from statistics import fmean, median
from typing import NamedTuple

from sessions.events import Json

WEEK = timedelta(days=7)
SLOPE_WEEKS = 3  # a slope over fewer weeks with scores would be a guess


class Visit(NamedTuple):
    """What one ended session gave one place. None is unknown."""

    session: int
    day: date  # at the place and in the offset of the session
    region: str
    side: str
    contact_s: float | None
    zone_s: float | None  # in the working zone there
    zone_kpa: float | None  # mean over that time
    pain_before: int | None
    pain_after: int | None
    cautions: int
    stops: int


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from a Monday on. Means are over the sessions with a score; None where there is none."""

    monday: date
    sessions: int
    minutes: float
    pain_before: float | None
    pain_after: float | None
    change: float | None
    zone_kpa: float | None  # mean while in the working zone
    cautions: int
    stops: int


@dataclass(frozen=True, slots=True)
class Trend:
    """One region and side over all weeks asked for."""

    region: str
    side: str
    sessions: int
    scored: int  # sessions with both scores
    no_before: int  # sessions without that score
    no_after: int
    pain_before: float | None  # means
    pain_after: float | None
    change: float | None  # median over the sessions with both
    slope_before: float | None  # points a week, least squares over the weekly means
    slope_after: float | None
    minutes: float
    zone_kpa: float | None  # mean while in the working zone
    without_zone: int  # sessions that were never in it, or whose pressure is not known
    cautions: int
    stops: int
    weeks: tuple[Week, ...]

    def to_json(self) -> dict[str, Json]:
        weeks: list[Json] = [{**asdict(week), "monday": week.monday.isoformat()} for week in self.weeks]
        return {**asdict(self), "weeks": weeks}


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def first_monday(today: date, weeks: int) -> date:
    """Of the oldest of so many weeks, the present one included."""
    try:
        return monday_of(today) - (weeks - 1) * WEEK
    except OverflowError:
        return date.min


def trends(visits: Iterable[Visit], today: date, weeks: int) -> list[Trend]:
    """The places with sessions in the last `weeks` weeks, those with the most sessions first."""
    first = first_monday(today, weeks)
    by_place: dict[tuple[str, str], list[Visit]] = {}
    for visit in _main_marked(visits):
        if first <= visit.day <= today:
            by_place.setdefault((visit.region, visit.side), []).append(visit)
    mondays = [first + number * WEEK for number in range(weeks)]
    found = [_trend(region, side, mine, mondays) for (region, side), mine in by_place.items()]
    return sorted(found, key=lambda trend: (-trend.sessions, -trend.minutes, trend.region, trend.side))


def _main_marked(visits: Iterable[Visit]) -> Iterable[Visit]:
    """What is of a whole session is left to its place with the most contact."""
    by_session: dict[int, list[Visit]] = {}
    for visit in visits:
        by_session.setdefault(visit.session, []).append(visit)
    for places in by_session.values():
        main = max(places, key=lambda visit: visit.contact_s or 0.0)
        for visit in places:
            if visit is main:
                yield visit
            elif visit.contact_s:
                yield visit._replace(session=-1, pain_before=None, pain_after=None, cautions=0, stops=0)


def _trend(region: str, side: str, visits: Sequence[Visit], mondays: Sequence[date]) -> Trend:
    by_week: list[list[Visit]] = [[] for _ in mondays]
    first = mondays[0].toordinal()
    for visit in visits:
        by_week[(visit.day.toordinal() - first) // 7].append(visit)
    weeks = tuple(_week(monday, mine) for monday, mine in zip(mondays, by_week, strict=True))
    mains = [visit for visit in visits if visit.session != -1]
    changes = _changes(mains)
    return Trend(
        region=region,
        side=side,
        sessions=len(mains),
        scored=len(changes),
        no_before=sum(visit.pain_before is None for visit in mains),
        no_after=sum(visit.pain_after is None for visit in mains),
        pain_before=_mean(visit.pain_before for visit in mains),
        pain_after=_mean(visit.pain_after for visit in mains),
        change=float(median(changes)) if changes else None,
        slope_before=_slope([week.pain_before for week in weeks]),
        slope_after=_slope([week.pain_after for week in weeks]),
        minutes=_minutes(visits),
        zone_kpa=_pressure(visits),
        without_zone=sum(visit.zone_kpa is None for visit in mains),
        cautions=sum(visit.cautions for visit in mains),
        stops=sum(visit.stops for visit in mains),
        weeks=weeks,
    )


def _week(monday: date, visits: Sequence[Visit]) -> Week:
    if not visits:
        return Week(monday, 0, 0.0, None, None, None, None, 0, 0)
    mains = [visit for visit in visits if visit.session != -1]
    return Week(
        monday=monday,
        sessions=len(mains),
        minutes=_minutes(visits),
        pain_before=_mean(visit.pain_before for visit in mains),
        pain_after=_mean(visit.pain_after for visit in mains),
        change=_mean(_changes(mains)),
        zone_kpa=_pressure(visits),
        cautions=sum(visit.cautions for visit in mains),
        stops=sum(visit.stops for visit in mains),
    )


def _changes(visits: Iterable[Visit]) -> list[int]:
    return [
        visit.pain_after - visit.pain_before
        for visit in visits
        if visit.pain_before is not None and visit.pain_after is not None
    ]


def _minutes(visits: Iterable[Visit]) -> float:
    return sum(visit.contact_s or 0.0 for visit in visits) / 60


def _mean(values: Iterable[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _pressure(visits: Iterable[Visit]) -> float | None:
    """The mean over all time in the working zone."""
    known = [(visit.zone_kpa, visit.zone_s or 0.0) for visit in visits if visit.zone_kpa is not None]
    zone_s = sum(seconds for _, seconds in known)
    return sum(mean * seconds for mean, seconds in known) / zone_s if zone_s > 0 else None


def _slope(weekly: Sequence[float | None]) -> float | None:
    known = [(number, value) for number, value in enumerate(weekly) if value is not None]
    if len(known) < SLOPE_WEEKS:
        return None
    middle = fmean(number for number, _ in known)
    spread = sum((number - middle) ** 2 for number, _ in known)
    return sum((number - middle) * value for number, value in known) / spread


def to_json(found: Sequence[Trend], weeks: int, simulated: int) -> Mapping[str, Json]:
    """The document of `trends --json`."""
    return {"schema": 1, "weeks": weeks, "simulated_left_out": simulated, "trends": [each.to_json() for each in found]}
