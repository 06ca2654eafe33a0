"""The live view: one snapshot at a time, whole, and never older than the last event."""

import dataclasses
import math
import threading

import numpy as np
import pytest

from companion.tui.liveview import EVENTS_KEPT, LiveView, Marks
from companion.tui.scanring import ScanRing
from companion.tui.snapshot import STALE_S, Snapshot
from sessions.events import Action, Closed, Event, Fields, Level, Phase
from tests.tui_plays import MARKS, alert, notice, opened, reading, totals


def fed(*events: Event, view: LiveView | None = None) -> Snapshot:
    view = view or LiveView(lambda _: MARKS)
    for event in events:
        view(event)
    return view.snapshot()


# --- readings ---


def test_the_newest_scan_is_shown() -> None:
    snapshot = fed(opened(), reading(1.0, [10.0, 20.0, 47.0], arrival_s=5.0))
    assert snapshot.t_s == pytest.approx(1.02)
    assert (snapshot.value, snapshot.arrival_s, snapshot.count) == (47.0, 5.0, 3)
    assert snapshot.zone == 2
    assert snapshot.period_s == pytest.approx(0.01)
    assert snapshot.stale_after_s == STALE_S


def test_before_the_first_scan_nothing_is_known() -> None:
    snapshot = LiveView().snapshot()
    assert math.isnan(snapshot.value)
    assert snapshot.zone is None


def test_a_snapshot_does_not_change_after_it_was_given() -> None:
    view = LiveView()
    view(reading(0.0, 10.0))
    before = view.snapshot()
    view(reading(0.01, 99.0))
    assert before.value == 10.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.count = 7  # type: ignore[misc]  # that it cannot be is what is tested


def test_where_the_smooth_value_is_not_yet_known_the_raw_one_stands() -> None:
    assert fed(reading(0.0, [5.0, 6.0], smooth_kpa=np.array([math.nan, math.nan]))).value == 6.0


def test_an_unknown_pressure_has_no_zone() -> None:
    assert fed(opened(), reading(0.0, [math.nan])).zone is None


def test_counts_are_shown_as_they_are_and_have_no_zone() -> None:
    nothing = np.full(1, math.nan)
    snapshot = fed(opened(), reading(0.0, 4.0, unit="counts", pressure_kpa=nothing, smooth_kpa=nothing))
    assert not snapshot.judged
    assert snapshot.value == pytest.approx(4.8)
    assert snapshot.zone is None


def test_a_slow_ball_has_three_scan_periods() -> None:
    assert fed(*(reading(n * 0.2, 1.0, arrival_s=n * 0.2) for n in range(3))).stale_after_s == pytest.approx(0.6)


def test_a_gap_is_not_a_scan_period() -> None:
    steady = [reading(n * 0.01, 1.0) for n in range(5)]
    assert fed(*steady, reading(0.9, 1.0)).period_s == pytest.approx(0.01)
    assert fed(*steady, reading(0.05, 1.0, lost=1)).period_s == pytest.approx(0.01)


def test_rate_and_loss_are_those_of_the_last_seconds() -> None:
    view = LiveView()
    for n in range(60):
        view(reading(n * 0.1, np.ones(10), arrival_s=n * 0.1, lost=10 if n == 5 else 0))
    assert view.snapshot().rate_hz == pytest.approx(100.0)
    assert view.snapshot().loss == 0.0  # it was more than three seconds ago
    assert view.snapshot().lost == 10
    view(reading(6.0, np.ones(10), arrival_s=6.0, lost=30))
    assert view.snapshot().loss == pytest.approx(30 / 340)


def test_back_filled_scans_fill_the_plot_and_are_not_the_newest() -> None:
    view = LiveView()
    view(reading(5.0, 40.0, arrival_s=5.0))
    view(reading(2.0, [99.0, 98.0], arrival_s=5.1, late=True))
    snapshot = view.snapshot()
    assert (snapshot.value, snapshot.t_s, snapshot.arrival_s) == (40.0, 5.0, 5.0)
    assert snapshot.count == 3
    assert view.ring.between(0, 3)[1].tolist() == [40.0, 99.0, 98.0]


def test_an_empty_batch_is_no_news() -> None:
    assert fed(reading(0.0, 7.0), reading(0.1, [])).value == 7.0


# --- alerts ---


def test_the_highest_active_alert_is_the_level_shown() -> None:
    snapshot = fed(alert("hold", Level.NOTICE), alert("peak", Level.STOP), alert("dose", Level.CAUTION))
    assert snapshot.level is Level.STOP
    assert [item.cause for item in snapshot.alerts] == ["peak", "dose", "hold"]


def test_a_cleared_alert_is_gone() -> None:
    snapshot = fed(alert("hold", Level.NOTICE), alert("hold", Level.OK, Phase.CLEARED))
    assert (snapshot.alerts, snapshot.level) == ((), Level.OK)


def test_an_alert_of_another_region_is_another_alert() -> None:
    snapshot = fed(alert("time", Level.CAUTION), alert("time", Level.OK, Phase.CLEARED, region="calf"))
    assert len(snapshot.alerts) == 1


def test_the_life_of_a_stop() -> None:
    view = LiveView()
    raised = fed(alert("peak", Level.STOP, text="stop, come off"), view=view)
    assert (raised.level, raised.stopped) == (Level.STOP, False)
    latched = fed(alert("peak", Level.STOP, Phase.LATCHED, text="confirm"), view=view)
    assert (latched.level, latched.stopped) == (Level.OK, True)
    assert latched.latched[0].text == "stop, come off"
    again = fed(alert("peak", Level.STOP), view=view)
    assert (again.level, again.stopped) == (Level.STOP, False)
    fed(alert("peak", Level.STOP, Phase.LATCHED), view=view)
    done = fed(alert("peak", Level.OK, Phase.CONFIRMED), view=view)
    assert (done.level, done.stopped, done.alerts) == (Level.OK, False, ())


def test_a_silenced_alert_still_stands() -> None:
    view = LiveView()
    snapshot = fed(alert("hold", Level.CAUTION), alert("hold", Level.CAUTION, Phase.SILENCED), view=view)
    assert (snapshot.level, snapshot.silenced) == (Level.CAUTION, frozenset({"hold"}))
    assert fed(alert("hold", Level.STOP, Phase.ESCALATED), view=view).silenced == frozenset()


def test_an_alert_that_says_nothing_new_keeps_its_words() -> None:
    snapshot = fed(alert("peak", Level.CAUTION, text="lighten"), alert("peak", Level.CAUTION, text=""))
    assert snapshot.alerts[0].text == "lighten"


def test_a_technical_alert_ranks_above_caution_only_under_load() -> None:
    view = LiveView(lambda _: MARKS)
    loaded = fed(reading(0.0, 50.0), alert("silence", Level.TECHNICAL), alert("hold", Level.CAUTION), view=view)
    assert loaded.level is Level.TECHNICAL
    assert fed(reading(0.1, math.nan), view=view).level is Level.TECHNICAL  # not known to be free
    assert fed(reading(0.2, 0.5), view=view).level is Level.CAUTION


def test_contact_ends_lower_than_it_begins() -> None:
    view = LiveView()
    assert [fed(reading(n, kpa), view=view).loaded for n, kpa in enumerate((4.0, 5.0, 4.0, 2.9, 4.0))] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_an_alert_wakes_the_screen_with_the_snapshot_that_holds_it() -> None:
    view = LiveView()
    seen: list[Level] = []
    view.wake = lambda: seen.append(view.snapshot().level)
    fed(reading(0.0, 1.0), totals(0.0), notice("link"), view=view)
    assert seen == []
    fed(alert("peak", Level.STOP), view=view)
    assert seen == [Level.STOP]


# --- everything else ---


def test_events_are_numbered_and_the_last_are_kept() -> None:
    view = LiveView()
    for n in range(EVENTS_KEPT + 50):
        view(notice("link", str(n)))
        view(reading(n * 0.01, 1.0))
        view(totals(n))
    numbers = [item.number for item in view.snapshot().events]
    assert numbers == list(range(50, EVENTS_KEPT + 50))


def test_what_notices_tell() -> None:
    snapshot = fed(
        notice("link", "cable pulled", state="lost"),
        notice("value", state="unknown"),
        notice("storage", t_s=10.0, state="waiting", seconds=3.5),
        notice("status", battery_pct=87),
    )
    assert (snapshot.link, snapshot.known) == ("lost", False)
    assert (snapshot.storage, snapshot.stored_to_s, snapshot.battery_pct) == ("waiting", 6.5, 87)
    assert fed(notice("status", battery_pct=None)).battery_pct is None


def test_totals_of_the_present_place_are_shown() -> None:
    view = LiveView()
    assert fed(opened(), totals(3.0), view=view).here is not None
    assert fed(Action("side", {"side": "right"}), view=view).here is None


def test_zones_follow_region_and_tool() -> None:
    contexts: list[Fields] = []

    def marks_of(context: Fields) -> Marks:
        contexts.append(context)
        return MARKS

    view = LiveView(marks_of)
    context = {"region": "glute", "tool": "hard", "area_cm2": 9.0}
    fed(opened(context=context), Action("region", {"region": "calf"}), Action("tool", {"tool": "roller"}), view=view)
    assert contexts[0] == context
    assert contexts[1] == {"region": "calf", "tool": "hard", "area_cm2": 9.0}
    assert contexts[2] == {"region": "calf", "tool": "roller"}  # its own area stands
    assert (view.snapshot().region, view.snapshot().tool) == ("calf", "roller")


def test_a_refused_move_is_taken_back() -> None:
    view = LiveView(lambda context: MARKS if context.get("region") == "piriformis" else None)
    fed(opened(), Action("region", {"region": "shin"}), view=view)
    assert view.snapshot().marks is None
    snapshot = fed(notice("refused", "not changed", request="region"), view=view)
    assert (snapshot.region, snapshot.marks) == ("piriformis", MARKS)


def test_the_end_is_shown() -> None:
    assert fed(Closed(9.0, "user")).closed == Closed(9.0, "user")


# --- the ring ---


def test_the_ring_keeps_the_newest_scans() -> None:
    ring = ScanRing()
    total = 0
    for size in (5, ScanRing.KEPT - 3, 1000, 3 * ScanRing.KEPT, 17):
        numbers = np.arange(total, total + size, dtype=float)
        ring.append(numbers, -numbers)
        total += size
        t_s, values = ring.between(total - 10, total)
        assert t_s.tolist() == list(range(max(0, total - 10), total))
        assert (values == -t_s).all()
    assert ring.count == total
    assert len(ring.between(0, total)[0]) == ScanRing.KEPT


def test_a_reader_beside_the_writer_sees_whole_scans() -> None:
    """Times and values belong together, and follow each other, however the threads interleave."""
    view = LiveView()
    stop = threading.Event()
    wrong: list[str] = []

    def read() -> None:
        taken = 0
        while not stop.is_set():
            count = view.snapshot().count
            t_s, values = view.ring.between(taken, count)
            if len(t_s) and not (np.array_equal(t_s, values) and np.all(np.diff(t_s) > 0)):
                wrong.append(f"{taken} to {count}")
            taken = count

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(4000):
        t_s = np.arange(n * 20, n * 20 + 20, dtype=float)
        view(dataclasses.replace(reading(0.0, t_s), t_s=t_s))
    stop.set()
    reader.join(10)
    assert wrong == []
    assert view.snapshot().count == 80_000


def test_a_pause_is_the_persons_and_not_that_of_the_ball() -> None:
    view = LiveView()
    view(Action("pause", {"by": "release", "on": True}, 3.0))
    assert not view.snapshot().paused
    view(Action("pause", {}, 4.0))
    assert view.snapshot().paused
    view(Action("pause", {"by": "contact", "on": False}, 5.0))
    assert not view.snapshot().paused
