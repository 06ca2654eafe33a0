"""What the last days leave for today: halved dose, shared caps, rests, weeks, and when a region is free again."""

import dataclasses
import math
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.safety.carried import (
    History,
    Left,
    Outing,
    Visit,
    carried_rows,
    carried_s,
    first_sessions,
    left_today,
    rests,
)
from companion.safety.causes import CAUSES
from companion.safety.limits import Carried
from companion.safety.person import Lock
from companion.safety.watch import Meter, SumWatch
from tests.guard_story import GLUTE, Story
from tests.test_screening import NOW

H = timedelta(hours=1)
DOSE = 24000.0


def history(*visits: tuple[str, str, timedelta, float, float], **outing: Any) -> History:
    """Each visit a session of its own: region, side, how long ago it ended, contact, dose."""
    made = tuple(
        Visit(str(number), region, side, NOW - ago, contact_s, dose, DOSE)
        for number, (region, side, ago, contact_s, dose) in enumerate(visits)
    )
    return History(made, tuple(Outing(one.session, one.ended, one.contact_s, **outing) for one in made))


def left(past: History, region: str = "glute", side: str = "left", locks: tuple[Lock, ...] = ()) -> Left:
    return left_today(past, locks, region, side, DOSE, NOW)


def why(past: History, region: str = "glute", side: str = "left", at: datetime = NOW) -> list[str]:
    return [text for text, _ in rests(past, (), region, side, at)]


def test_dose_halves_every_twelve_hours_and_contact_counts_for_a_day() -> None:
    past = history(("glute", "left", 12 * H, 100.0, 8000.0), ("glute", "left", 25 * H, 500.0, 9000.0))
    (row,) = carried_rows(past, NOW)
    assert (row.region, row.side, row.contact_s) == ("glute", "left", 100.0)
    assert row.dose_kpa_s == pytest.approx(4000)
    assert carried_s(past, NOW) == 100.0


def test_sides_stay_apart() -> None:
    past = history(("glute", "left", 7 * H, 100.0, 1.0), ("glute", "right", 7 * H, 50.0, 1.0))
    assert {(row.side, row.contact_s) for row in carried_rows(past, NOW)} == {("left", 100.0), ("right", 50.0)}


def test_a_region_rests_six_hours_and_a_full_day_twenty_four() -> None:
    assert why(history(("glute", "left", 5 * H, 100.0, 100.0))) == ["used a short while ago"]
    assert why(history(("glute", "left", 6 * H, 100.0, 100.0))) == []
    full = history(("glute", "left", 23 * H, 100.0, 0.75 * DOSE))
    assert why(full) == ["a full dose"]
    assert why(history(("glute", "left", 24 * H, 100.0, 0.75 * DOSE))) == []


def test_rest_is_of_the_same_region_and_side() -> None:
    past = history(("glute", "left", 1 * H, 100.0, 100.0))
    assert why(past, side="right") == []
    assert why(past, side="both") == ["used a short while ago"]
    assert why(past, "calf") == []
    assert why(history(("glute", "left", 1 * H, 20.0, 100.0))) == []  # a touch is no visit


def test_two_sessions_are_a_day() -> None:
    past = history(("calf", "left", 10 * H, 100.0, 1.0), ("sole", "left", 8 * H, 100.0, 1.0))
    ((text, until),) = rests(past, (), "glute", "left", NOW)
    assert (text, until) == ("2 sessions in 24 hours", NOW + 14 * H)


def test_after_a_crash_everything_rests_six_hours() -> None:
    past = history(("calf", "left", 2 * H, 100.0, 1.0), crashed=True)
    assert rests(past, (), "glute", "left", NOW) == (("a session was cut short, its dose is not known", NOW + 4 * H),)


def days(region: str, *ago: int, dose: float = 0.6 * DOSE) -> History:
    return history(*((region, "left", timedelta(days=one), 100.0, dose) for one in ago))


@pytest.mark.parametrize(
    ("region", "ago", "rest"),
    [
        ("glute", (6, 5, 4, 3, 2), True),  # five days in its first two weeks
        ("glute", (5, 4, 3, 2), False),
        ("glute", (30, 5, 4, 2), True),  # then three
        ("glute", (30, 5, 4), False),
        ("lumbar", (6, 4, 2), True),  # three from the start
        ("lumbar", (6, 4), False),
        ("neck", (8, 6, 4), False),
    ],
)
def test_days_of_a_week(region: str, ago: tuple[int, ...], rest: bool) -> None:
    assert bool(why(days(region, *ago), region)) is rest


def test_light_days_may_be_daily() -> None:
    assert why(days("glute", 30, 6, 5, 4, 3, 2, dose=0.4 * DOSE)) == []
    assert why(days("lumbar", 30, 6, 5, 4, dose=0.4 * DOSE), "lumbar") != []


def test_the_week_ends_seven_days_after_its_oldest_day() -> None:
    past = days("lumbar", 6, 4, 2)
    assert left(past, "lumbar").again == NOW + timedelta(days=1)


def test_soreness_is_said() -> None:
    sore = Lock("glute", "left", "sore the day after", NOW + 10 * H, refuses=False)
    assert rests(History(), (sore,), "glute", "left", NOW) == (("sore the day after", NOW + 10 * H),)
    assert rests(History(), (sore,), "glute", "left", NOW + 11 * H) == ()


# --- today ---


def test_nothing_used_is_free_up_to_the_sessions_cap() -> None:
    free = left(History())
    assert (free.free, free.left_s, free.cap_s, free.again, free.dose_limit_kpa_s) == (True, 600, 900, None, 36000)


def test_the_buttock_shares_one_day() -> None:
    past = history(("piriformis", "left", 7 * H, 500.0, 1.0), ("trochanter", "left", 8 * H, 60.0, 1.0))
    assert left(past).used_s == 560.0
    assert left(past, side="right").used_s == 0.0
    assert left(past, "calf").used_s == 0.0


def test_a_used_day_is_free_when_it_drops_out() -> None:
    past = history(("glute", "left", 20 * H, 900.0, 100.0))
    used = left(past)
    assert (used.left_s, used.free) == (0.0, False)
    assert used.again == NOW + 4 * H


def test_the_whole_bodys_day_counts_everywhere() -> None:
    past = history(("calf", "left", 7 * H, 450.0, 1.0), ("quadriceps", "left", 30 * H, 540.0, 1.0))
    assert left(past).left_s == 600.0
    much = History(past.visits, (Outing("x", NOW - 7 * H, 1790.0),))
    assert left(much).left_s == pytest.approx(10.0)


def test_a_rest_says_when_again() -> None:
    used = left(history(("glute", "left", 5 * H, 100.0, 100.0)))
    assert (used.free, used.left_s, used.again, used.locked) == (False, 0.0, NOW + H, False)


def test_a_bruise_has_no_end() -> None:
    used = left(History(), locks=(Lock("glute", "left", "a bruise", None),))
    assert (used.free, used.again, used.endless, used.locked) == (False, None, True, True)


def test_a_symptom_ends_after_its_day() -> None:
    used = left(History(), locks=(Lock("glute", "left", "numb", NOW + 3 * H),))
    assert (used.locked, used.again) == (True, NOW + 3 * H)


# --- clocks and firsts ---


def test_a_clock_that_jumped_back_counts_as_now() -> None:
    past = history(("glute", "left", -48 * H, 100.0, 1000.0))
    assert past.in_future(NOW)
    (row,) = carried_rows(past.until(NOW), NOW)
    assert row.dose_kpa_s == 1000.0
    assert left(past.until(NOW)).again == NOW + 6 * H


def test_the_first_three_sessions_with_contact() -> None:
    three = [("glute", "left", timedelta(days=number), 100.0, 1.0) for number in (30, 20, 10)]
    assert first_sessions(History())
    assert first_sessions(history(*three[:2], ("calf", "left", 7 * H, 3.0, 1.0)))
    assert not first_sessions(history(*three))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["glute", "piriformis", "calf", "lumbar"]),
            st.sampled_from(["left", "right", "both"]),
            st.integers(0, 200).map(lambda hours: hours * H),
            st.floats(0, 1000),
            st.floats(0, DOSE),
        ),
        max_size=8,
    ),
    st.sampled_from(["glute", "calf", "lumbar"]),
)
def test_when_again_is_free_and_not_before(visits: list[tuple[str, str, timedelta, float, float]], region: str) -> None:
    past = history(*sorted(visits, key=lambda visit: -visit[2]))
    now = left(past, region)
    if now.free:
        assert now.again is None
        return
    assert now.again is not None
    assert left_today(past, (), region, "left", DOSE, now.again).free
    assert not left_today(past, (), region, "left", DOSE, now.again - timedelta(seconds=1)).free or (
        now.again - NOW
    ) % H == timedelta(0)


@pytest.mark.parametrize("carried", [0.0, 5e4, 1e18, 1e308, math.inf])
def test_whatever_a_log_says_was_carried_holds_up_no_alarm(carried: float) -> None:
    """A damaged or foreign log may say anything, and nobody counts up to it tenth by tenth."""
    story = Story(dataclasses.replace(GLUTE, carried=(Carried("glute", "left", carried, carried),), carried_s=carried))
    story.press(30.0, 5.0)
    told = {cause for _, cause, _, _ in story.alerts()}
    assert told >= ({"day", "day_dose"} if carried else set())
    assert len(story.alerts()) < 8
    story.press(200.0, 0.5)
    assert (story.alerts("peak")[-1][2:]) == ("stop", "raised")


def test_tenths_are_counted_as_one_by_one() -> None:
    (cause,) = (cause for cause in CAUSES if cause.key == "dose")
    for base in (0.0, 70.0, 79.0, 81.0, 99.99, 100.0, 123.4, 1e4, 54321.0):
        watch = SumWatch(cause)
        watch.allow(100.0, base)
        course = np.array([1.0, 5.0, 9.0, 11.0, 12.0, 40.0])
        watch.run(Meter(40.0, lambda course=course: course), lambda: np.ones(6, np.bool_))  # type: ignore[misc]  # bound
        assert watch.told == max(int((base + 40.0) // 10), 7), base
