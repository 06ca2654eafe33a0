"""What is counted over weeks: by hand, with what is missing said, and nothing of what does not count."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from sessions.filters import parse
from sessions.store import Store
from sessions.trends import Visit, first_monday, monday_of, trends
from tests.benchmarks.library import TODAY, build

DAY = date(2026, 11, 20)  # a Friday
NEXT = iter(range(10_000))


def visit(
    days_ago: int,
    before: int | None = None,
    after: int | None = None,
    *,
    side: str = "left",
    contact_s: float | None = 600.0,
    zone_kpa: float | None = 40.0,
    zone_s: float | None = 300.0,
    session: int | None = None,
    stops: int = 0,
) -> Visit:
    number = next(NEXT) if session is None else session
    return Visit(
        number, DAY - timedelta(days=days_ago), "glute", side, contact_s, zone_s, zone_kpa, before, after, 1, stops
    )


def test_numbers_by_hand() -> None:
    (trend,) = trends([visit(14, 6, 4), visit(7, 5), visit(1, 5, 2, stops=1), visit(0, None, 1, zone_kpa=None)], DAY, 4)
    assert (trend.sessions, trend.scored, trend.no_before, trend.no_after) == (4, 2, 1, 1)
    assert trend.pain_before == pytest.approx(16 / 3)
    assert trend.pain_after == pytest.approx(7 / 3)
    assert trend.change == -2.5
    assert trend.minutes == pytest.approx(40.0)
    assert (trend.zone_kpa, trend.without_zone) == (40.0, 1)
    assert (trend.cautions, trend.stops) == (4, 1)
    assert [week.sessions for week in trend.weeks] == [0, 1, 1, 2]
    assert [week.pain_before for week in trend.weeks] == [None, 6.0, 5.0, 5.0]
    assert trend.slope_before == pytest.approx(-0.5)
    assert trend.slope_after is None, "two weeks with a score are too few"


def test_pressure_is_weighed_by_the_time_in_the_zone() -> None:
    (trend,) = trends([visit(0, zone_s=300.0, zone_kpa=60.0), visit(1, zone_s=900.0, zone_kpa=20.0)], DAY, 1)
    assert trend.zone_kpa == pytest.approx(30.0)


def test_pressure_counts_for_each_place_of_a_session() -> None:
    both = [visit(0, 6, 3, session=5, contact_s=60.0, side="right", zone_kpa=50.0), visit(0, 6, 3, session=5)]
    main, other = trends(both, DAY, 1)
    assert (main.side, main.zone_kpa, other.side, other.zone_kpa) == ("left", 40.0, "right", 50.0)


def test_a_score_counts_once_for_the_place_with_the_most_contact() -> None:
    both = [visit(0, 6, 3, session=5, contact_s=60.0, side="right"), visit(0, 6, 3, session=5, contact_s=600.0)]
    main, other = trends(both, DAY, 1)
    assert (main.side, main.sessions, main.pain_before) == ("left", 1, 6.0)
    assert (other.side, other.sessions, other.pain_before, other.minutes) == ("right", 0, None, 1.0)


def test_weeks_begin_on_mondays_and_old_or_future_ones_do_not_count() -> None:
    assert monday_of(DAY) == first_monday(DAY, 1) == date(2026, 11, 16)
    assert trends([visit(5), visit(-1)], DAY, 1) == []
    (trend,) = trends([visit(4)], DAY, 1)
    assert trend.sessions == 1


def test_simulated_sessions_and_other_people_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "knead.db"
    build(path, 200, 2)
    with Store(path) as store:
        real = store.find(parse("simulated:no since:2026", TODAY.date()))
        visits = store.visits(person="me", today=TODAY.date(), weeks=47)  # from Monday, 29 Dec 2025
        assert store.visits(person="you", today=TODAY.date(), weeks=47) == []
    found = trends(visits, TODAY.date(), 47)
    assert sum(trend.sessions for trend in found) == len(real)
    assert sum(trend.stops for trend in found) == sum(row.alerts_by_level["stop"] for row in real)
    assert sum(trend.scored for trend in found) == sum(None not in (row.pain_before, row.pain_after) for row in real)
