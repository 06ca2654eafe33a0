"""Silence, holes, bad data and an untrusted zero: unknown is said, booked, and never taken for free."""

import numpy as np
import pytest

from tests.guard_story import Story, brief, notices


def test_silence_is_unknown_then_an_alarm_then_closes_the_region() -> None:
    story = Story()
    story.press(60.0, 1.0)
    arrived_s = 1000.99
    guard = story.guard
    assert guard.deadline() == pytest.approx(arrived_s + 0.25)
    assert guard.tick(arrived_s + 0.24, 1.23) == []
    said = guard.tick(arrived_s + 0.25, 1.24)
    assert notices(said, "value") == [(1.24, "unknown")]
    assert guard.deadline() == pytest.approx(arrived_s + 1.0)
    said = guard.tick(arrived_s + 1.0, 1.99)
    assert brief(said) == [(1.99, "silence", "technical", "raised")]
    assert guard.tick(arrived_s + 30.0, 31.0) == []
    assert guard.deadline() == pytest.approx(arrived_s + 60.0)
    assert notices(guard.tick(arrived_s + 60.0, 61.0), "region") == [(61.0, "closed")]
    assert guard.deadline() is None
    story.wait(61.0)
    back = story.press(60.0, 0.6)
    assert notices(back, "value") == [(62.0, "known")]
    assert brief(back, "silence") == [(62.0, "silence", "ok", "cleared")]
    assert notices(back, "region") == [], "said once"
    assert ("closed", "caution", "raised") in [alert[1:] for alert in brief(back)], "its load is unknown: move on"


@pytest.mark.parametrize("hz", [2, 8, 10, 100])
def test_every_deadline_is_kept_by_its_tick(hz: float) -> None:
    """Three and six periods where those are longer; a tick at the deadline always has something to say."""
    story = Story(hz=hz)
    story.press(60.0, 10.0)
    start = 1000.0 + (round(10.0 * hz) - 1) / hz
    dues = []
    while (due := story.guard.deadline()) is not None:
        assert story.guard.tick(due, 11.0), due
        dues.append(due - start)
    assert dues == pytest.approx([max(0.25, 3 / hz), max(1.0, 6 / hz), 60.0])


def test_a_silence_while_free_closes_nothing_and_books_nothing() -> None:
    story = Story()
    story.press(0.0, 1.0)
    story.guard.tick(1002.0, 2.0)
    assert story.guard.deadline() is None
    story.wait(90.0)
    story.press(0.0, 1.0)
    row = story.totals().regions[0]
    assert (row.contact_s, row.estimated_s, row.dose_kpa_s) == (0.0, 0.0, 0.0)
    assert notices(story.said, "region") == []


@pytest.mark.parametrize(("kpa", "booked"), [(100.0, 100.0), (20.0, 72.0)], ids=["last", "mid-range"])
def test_time_lost_under_load_is_booked(kpa: float, booked: float) -> None:
    story = Story()
    story.press(kpa, 2.0)
    story.wait(5.0)
    story.press(kpa, 2.0)
    row = story.totals().regions[0]
    assert row.estimated_s == pytest.approx(5.0)
    assert row.contact_s == pytest.approx(8.99, abs=0.03)
    seconds = sum(row.zone_s)
    assert row.dose_kpa_s == pytest.approx((kpa - 9) * seconds + (booked - 9) * 5.0, rel=0.01)
    assert row.hold_load > 0


def test_no_more_than_a_minute_is_booked_and_the_region_is_closed() -> None:
    story = Story()
    story.press(60.0, 2.0)
    story.wait(200.0)
    story.press(60.0, 1.0)
    assert story.totals().regions[0].estimated_s == 60.0
    assert notices(story.said, "region") == [(202.0, "closed")]


def test_an_end_in_silence_is_booked_too() -> None:
    story = Story()
    story.press(60.0, 2.0)
    (totals,) = story.guard.finish(12.0)
    assert totals.t_s == 12.0
    assert totals.regions[0].estimated_s == pytest.approx(10.0, abs=0.02)
    (calm,) = Story().guard.finish(0.0)
    assert calm.contact_s == 0.0


def test_scans_without_a_value_become_unknown_and_an_alarm_by_their_own_time() -> None:
    story = Story()
    story.press(60.0, 1.0)
    story.feed(np.full(150, np.nan))
    assert notices(story.said, "value") == [(1.25, "unknown")]
    assert (2.0, "silence", "technical", "raised") in story.alerts()
    assert story.alerts("dropped") == [(1.2, "dropped", "technical", "raised")]
    story.press(60.0, 1.5)
    assert notices(story.said, "value")[-1] == (2.5, "known")
    assert story.alerts("silence")[-1] == (2.5, "silence", "ok", "cleared")
    assert story.alerts("dropped")[-1] == (3.49, "dropped", "ok", "cleared")


def test_negative_and_backward_scans_are_dropped() -> None:
    story = Story()
    story.press(60.0, 1.0)
    story.feed(np.full(30, -13.0))  # below -10 kPa
    assert [alert[1:] for alert in story.alerts()] == [("dropped", "technical", "raised")]
    story.now_s = 0.5
    story.press(60.0, 0.5)
    assert story.totals().contact_s == pytest.approx(1.0, abs=0.02), "the second half came twice, and counts once"


def test_an_untrusted_zero_makes_the_value_unknown_but_still_stops() -> None:
    story = Story()
    story.press(60.0, 1.0)
    story.press(60.0, 0.5, trusted=False)
    assert notices(story.said, "value") == [(1.0, "unknown")]
    assert story.alerts() == [(1.25, "zero", "technical", "raised")]
    story.press(200.0, 0.2, trusted=False)
    story.press(0.0, 5.0, trusted=False)
    assert story.alerts("peak") == [(1.6, "peak", "stop", "raised")], "free by a wrong zero is not free"
    story.press(0.0, 3.0)
    assert notices(story.said, "value")[-1] == (6.7, "known")
    assert story.alerts("zero")[-1] == (6.7, "zero", "ok", "cleared")
    assert story.alerts("peak")[-1] == (8.7, "peak", "stop", "latched")
    assert story.totals().regions[0].estimated_s == pytest.approx(5.7)
