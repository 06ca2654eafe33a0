"""Session time: placing, gaps, and the host moment of a session moment."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.timeline import KEPT_BUCKETS, Gap, HostClock, Placed, Timeline
from firmware_protocol.driver import Continuity, Samples, Started

PERIOD_US = 10_000
BOOT_US = 5_000_000  # the ball had been on for 5 s
HOST_S = 1000.0  # the host's clock at that moment


def started(
    continuity: Continuity = Continuity.FIRST,
    *,
    next_index: int = 100,
    t_us: int = BOOT_US,
    arrival_s: float = HOST_S,
    period_s: float = 0.01,
) -> Started:
    return Started(continuity, 1, 1, period_s, next_index, t_us, next_index, arrival_s)


def samples(
    index: int,
    scans: int = 5,
    *,
    t_us: int | None = None,
    span_us: int | None = None,
    arrival_s: float | None = None,
    late: bool = False,
) -> Samples:
    """Scan i of the run is taken i periods after START; a batch arrives 5 ms after its last scan."""
    at_us = BOOT_US + (index - 100) * PERIOD_US if t_us is None else t_us
    span = (scans - 1) * PERIOD_US if span_us is None else span_us
    arrival = HOST_S + (at_us + span - BOOT_US) * 1e-6 + 0.005 if arrival_s is None else arrival_s
    return Samples(np.zeros((scans, 2), np.int16), index, at_us, span, arrival, late)


def running(*, has_clock: bool = True, period_s: float = 0.01) -> Timeline:
    """After one batch of five scans, 0 to 40 ms."""
    timeline = Timeline(has_clock)
    assert timeline.start(started(period_s=period_s)) == []
    assert len(timeline.feed(samples(100))) == 1
    return timeline


def only(found: list[Placed | Gap]) -> Placed:
    (placed,) = found
    assert isinstance(placed, Placed)
    return placed


def gap_and_batch(found: list[Placed | Gap]) -> tuple[Gap, Placed]:
    gap, placed = found
    assert isinstance(gap, Gap)
    assert isinstance(placed, Placed)
    assert placed.fresh
    assert (placed.lost, placed.t_s[0]) == (gap.lost, gap.to_s)
    return gap, placed


# --- placing ---


def test_the_first_scan_is_the_origin() -> None:
    timeline = Timeline()
    timeline.start(started())
    placed = only(timeline.feed(samples(100)))
    assert placed.t_s.tolist() == pytest.approx([0.0, 0.01, 0.02, 0.03, 0.04], abs=1e-12)
    assert (placed.fresh, placed.lost, placed.segment, placed.period_s, placed.index) == (True, 0, 0, 0.01, 100)
    assert timeline.origin_host_s == pytest.approx(HOST_S + 0.005)
    with pytest.raises(ValueError, match="read-only"):
        placed.t_s[0] = 1.0


def test_scans_lie_evenly_over_the_span_whatever_the_nominal_period() -> None:
    placed = only(running(period_s=0.0125).feed(samples(105, 4, span_us=32_010)))
    assert np.diff(placed.t_s).tolist() == pytest.approx([0.010_67] * 3, abs=1e-9)
    assert not placed.fresh


def test_one_scan_alone() -> None:
    assert only(running().feed(samples(105, 1))).t_s.tolist() == [pytest.approx(0.05)]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_any_split_gives_the_same_times(cuts: list[int]) -> None:
    total = sum(cuts)
    whole = Timeline()
    whole.start(started())
    expected = only(whole.feed(samples(100, total))).t_s
    split = Timeline()
    split.start(started())
    index, parts = 100, []
    for scans in cuts:
        parts.append(only(split.feed(samples(index, scans))).t_s)
        index += scans
    assert np.concatenate(parts).tobytes() == expected.tobytes()


def test_before_start_nothing_counts() -> None:
    timeline = Timeline()
    assert timeline.feed(samples(100)) == []
    assert timeline.dropped == 5
    assert timeline.origin_host_s is None
    assert timeline.session_s(HOST_S) == 0.0


@pytest.mark.parametrize(
    "again",
    [
        samples(100),  # a duplicate
        samples(103),  # overlaps
        samples(105, t_us=BOOT_US + 40_000),  # the last scan's moment once more
        samples(105, t_us=BOOT_US - 1),  # backward
        samples(105, span_us=0),  # all in one moment
        samples(105, t_us=2**64),  # no time a session reaches
        samples(105, 0),
    ],
)
def test_duplicate_and_backward_times_are_dropped_and_counted(again: Samples) -> None:
    timeline = running()
    assert timeline.feed(again) == []
    assert timeline.dropped == len(again.values)
    assert only(timeline.feed(samples(105))).t_s[0] == pytest.approx(0.05)


def test_scans_missing_at_the_very_start_are_counted() -> None:
    timeline = Timeline()
    timeline.start(started())
    placed = only(timeline.feed(samples(103)))
    assert (placed.lost, placed.t_s[0]) == (3, 0.0)


# --- gaps ---


def test_a_step_of_the_index_is_a_loss() -> None:
    gap, placed = gap_and_batch(running().feed(samples(112)))
    assert (gap.lost, gap.cause) == (7, "lost")
    assert (gap.from_s, gap.to_s) == pytest.approx((0.04, 0.12))
    assert placed.segment == 0


def test_a_new_link_to_the_same_run_counts_what_was_not_received() -> None:
    timeline = running()
    timeline.start(started(Continuity.SAME_RUN, next_index=350, t_us=BOOT_US + 2_500_000, arrival_s=HOST_S + 2.5))
    gap, _ = gap_and_batch(timeline.feed(samples(350)))
    assert (gap.lost, gap.cause) == (245, "link")
    assert gap.to_s - gap.from_s == pytest.approx(2.46)
    assert not only(timeline.feed(samples(355))).fresh


def test_a_new_link_that_missed_nothing_leaves_no_gap() -> None:
    timeline = running()
    timeline.start(started(Continuity.SAME_RUN, next_index=105))
    assert not only(timeline.feed(samples(105))).fresh


def test_between_two_runs_nothing_was_measured() -> None:
    timeline = running()
    start_us = BOOT_US + 9_000_000
    timeline.start(started(Continuity.OTHER_RUN, next_index=110, t_us=start_us, arrival_s=HOST_S + 9, period_s=0.02))
    gap, placed = gap_and_batch(timeline.feed(samples(112, t_us=start_us + 40_000)))
    assert (gap.lost, gap.cause) == (2, "other_run")  # two were taken after START
    assert (gap.from_s, gap.to_s) == pytest.approx((0.04, 9.04))
    assert (placed.segment, placed.period_s) == (0, 0.02)


def test_a_reboot_is_a_new_segment_placed_by_host_time() -> None:
    timeline = running()
    timeline.start(started(Continuity.NEW_CLOCK, next_index=0, t_us=700_000, arrival_s=HOST_S + 20.0))
    gap, placed = gap_and_batch(timeline.feed(samples(0, t_us=750_000, arrival_s=HOST_S + 20.1)))
    assert (gap.lost, gap.cause, placed.segment, placed.t_us) == (0, "reboot", 1, 750_000)
    assert gap.to_s == pytest.approx(20.0 + 0.05 - 0.005)
    assert timeline.host_s(gap.to_s) == pytest.approx(HOST_S + 20.06)
    assert only(timeline.feed(samples(5, t_us=800_000, arrival_s=HOST_S + 20.15))).segment == 1


def test_time_never_goes_back_over_a_reboot() -> None:
    timeline = running()
    timeline.start(started(Continuity.NEW_CLOCK, next_index=0, t_us=900_000, arrival_s=HOST_S + 0.01))
    gap, placed = gap_and_batch(timeline.feed(samples(0, t_us=900_000, arrival_s=HOST_S + 0.05)))
    assert gap.to_s == pytest.approx(0.05)  # one period after the last scan
    assert np.all(np.diff(placed.t_s) > 0)


def test_a_second_link_before_the_first_batch_keeps_the_graver_cause() -> None:
    timeline = running()
    timeline.start(started(Continuity.NEW_CLOCK, next_index=0, t_us=700_000, arrival_s=HOST_S + 20))
    timeline.start(started(Continuity.SAME_RUN, next_index=100, t_us=1_700_000, arrival_s=HOST_S + 21))
    gap, placed = gap_and_batch(timeline.feed(samples(100, t_us=1_700_000, arrival_s=HOST_S + 21.1)))
    assert (gap.cause, gap.lost, placed.segment) == ("reboot", 100, 1)
    assert gap.to_s == pytest.approx(21.0 - 0.005)


def test_a_host_that_slept_finds_the_ball_ahead() -> None:
    timeline = running()
    gap, _ = gap_and_batch(timeline.feed(samples(360_100, arrival_s=HOST_S + 0.2)))
    assert (gap.cause, gap.lost) == ("suspended", 359_995)
    assert gap.to_s == pytest.approx(3600.0)
    assert timeline.session_s(HOST_S + 0.2) == pytest.approx(3600.04)  # the envelope starts anew


def test_a_stepped_host_clock_finds_the_ball_behind() -> None:
    timeline = running()
    gap, _ = gap_and_batch(timeline.feed(samples(105, arrival_s=HOST_S + 3600)))
    assert (gap.cause, gap.lost) == ("suspended", 0)
    assert timeline.session_s(HOST_S + 3600) == pytest.approx(0.09)
    assert not only(timeline.feed(samples(110, arrival_s=HOST_S + 3600.05))).fresh


def test_a_host_clock_that_went_on_during_sleep_must_be_told() -> None:
    timeline = running()
    timeline.suspended()
    timeline.start(started(Continuity.SAME_RUN, next_index=360_000))
    gap, _ = gap_and_batch(timeline.feed(samples(360_100)))
    assert (gap.cause, gap.lost) == ("suspended", 359_995)


def test_a_sleep_before_the_session_is_no_gap_in_it() -> None:
    timeline = Timeline()
    timeline.suspended()
    timeline.start(started())
    assert only(timeline.feed(samples(100))).fresh
    assert not only(timeline.feed(samples(105))).fresh


def test_a_long_outage_is_no_sleep() -> None:
    timeline = running()
    timeline.start(started(Continuity.SAME_RUN, next_index=6000))
    assert gap_and_batch(timeline.feed(samples(6000)))[0].cause == "link"


def test_late_scans_are_placed_and_change_nothing() -> None:
    timeline = running()
    gap_and_batch(timeline.feed(samples(115)))
    before = timeline.session_s(HOST_S + 1)
    late = only(timeline.feed(samples(105, 10, arrival_s=HOST_S + 3.0, late=True)))
    assert late.t_s.tolist() == pytest.approx(np.arange(5, 15) * 0.01)
    assert (late.late, late.fresh, late.lost) == (True, False, 0)
    assert timeline.session_s(HOST_S + 1) == before
    assert not only(timeline.feed(samples(120))).fresh


def test_late_scans_from_before_the_session_are_dropped() -> None:
    timeline = running()
    assert timeline.feed(samples(90, late=True)) == []
    assert timeline.dropped == 5


# --- balls without a clock ---


def stamped(timeline: Timeline, index: int, scans: int, arrival_s: float) -> list[Placed | Gap]:
    return timeline.feed(samples(index, scans, t_us=0, span_us=0, arrival_s=arrival_s))


def test_without_a_clock_the_last_scan_is_as_old_as_its_arrival() -> None:
    timeline = Timeline(has_clock=False)
    timeline.start(started(next_index=0))
    first = only(stamped(timeline, 0, 3, HOST_S))
    assert first.t_s.tolist() == pytest.approx([0.0, 0.01, 0.02])
    second = only(stamped(timeline, 3, 2, HOST_S + 0.5))
    assert second.t_s.tolist() == pytest.approx([0.51, 0.52])
    assert timeline.session_s(HOST_S + 1) == pytest.approx(1.02)
    assert (second.t_us - first.t_us, second.span_us) == (510_000, 10_000)


def test_without_a_clock_clumps_stay_in_order() -> None:
    timeline = Timeline(has_clock=False)
    timeline.start(started(next_index=0))
    parts = [only(stamped(timeline, 5 * k, 5, HOST_S + 0.03 * (k // 2))).t_s for k in range(40)]
    t_s = np.concatenate(parts)
    assert np.all(np.diff(t_s) > 0)
    assert t_s[-1] == pytest.approx(0.04 + 0.03 * 19, abs=1e-4)  # never runs ahead of the arrivals


def test_without_a_clock_a_pause_is_a_gap_of_unknown_loss() -> None:
    timeline = Timeline(has_clock=False)
    timeline.start(started(next_index=0))
    stamped(timeline, 0, 1, HOST_S)
    assert len(stamped(timeline, 1, 1, HOST_S + 0.9)) == 1
    gap, _ = gap_and_batch(stamped(timeline, 2, 1, HOST_S + 2.0))
    assert (gap.lost, gap.cause) == (0, "lost")
    assert (gap.from_s, gap.to_s) == pytest.approx((0.9, 2.0))
    timeline.start(started(Continuity.SAME_RUN, next_index=3))
    assert gap_and_batch(stamped(timeline, 3, 1, HOST_S + 2.5))[0].cause == "link"


@pytest.mark.parametrize("has_clock", [True, False])
def test_a_rate_that_is_told_anew_is_no_gap(has_clock: bool) -> None:
    timeline = running(has_clock=has_clock)
    timeline.start(started(Continuity.GOES_ON, next_index=105, period_s=0.02))
    placed = only(timeline.feed(samples(105)))
    assert (placed.period_s, placed.fresh, placed.segment) == (0.02, False, 0)


def test_loss_that_nobody_numbered_is_a_gap_of_unknown_count() -> None:
    timeline = running()
    after = samples(105, t_us=BOOT_US + 200_000)
    gap, placed = gap_and_batch(timeline.feed(replace(after, hole=True)))
    assert (gap.lost, gap.cause) == (0, "lost")
    assert (gap.from_s, gap.to_s) == pytest.approx((0.04, 0.2))
    assert placed.segment == 0
    assert len(timeline.feed(samples(110, t_us=BOOT_US + 250_000))) == 1


# --- the host's clock ---


def arrivals(rate_error: float, jitter_s: float, seconds: float, seed: int) -> list[tuple[float, float, float]]:
    """(true host moment, arrival, ball time) of each batch of 40 ms; every hundredth comes half a second late."""
    rng = random.Random(seed)
    found = []
    for k in range(int(seconds / 0.05)):
        true_s = k * 0.05
        delay_s = rng.uniform(0.0, jitter_s) + (0.5 if k % 100 == 99 else 0.0)
        found.append((HOST_S + true_s, HOST_S + true_s + delay_s, true_s / (1 + rate_error)))
    return found


@pytest.mark.parametrize("ppm", [-200, -20, 0, 200])
@pytest.mark.parametrize("jitter_s", [0.0, 0.01, 0.04])
def test_host_time_is_known_within_milliseconds(ppm: int, jitter_s: float) -> None:
    """R51: the lower envelope of arrivals, at rate 1 until a minute has come, then fitted within 500 ppm."""
    clock = HostClock()
    worst = {False: 0.0, True: 0.0}
    for true_s, arrival_s, t_s in arrivals(ppm * 1e-6, jitter_s, 400.0, seed=ppm):
        clock.observe(arrival_s, t_s)
        settled = t_s > 61.0
        if t_s > 2.0:
            worst[settled] = max(worst[settled], abs(clock.host_s(t_s) - true_s))
            assert clock.session_s(clock.host_s(t_s)) == pytest.approx(t_s, abs=1e-9)
    assert worst[False] < 0.015
    assert worst[True] < 0.005
    assert clock.rate_error == pytest.approx(ppm * 1e-6, abs=20e-6)


def test_no_rate_before_a_minute_and_none_beyond_500_ppm() -> None:
    clock = HostClock()
    for _, arrival_s, t_s in arrivals(0.01, 0.0, 55.0, seed=1):
        clock.observe(arrival_s, t_s)
    assert clock.rate_error == 0.0
    for _, arrival_s, t_s in arrivals(0.01, 0.0, 100.0, seed=1)[1100:]:
        clock.observe(arrival_s, t_s)
    assert clock.rate_error == 500e-6


def test_a_congested_minute_does_not_tilt_the_clock() -> None:
    clock = HostClock()
    for true_s, arrival_s, t_s in arrivals(0.0, 0.01, 200.0, seed=2):
        clock.observe(arrival_s + (0.08 if 90 < t_s < 115 else 0.0), t_s)
        if t_s > 61:
            assert clock.host_s(t_s) == pytest.approx(true_s, abs=0.002)
    assert abs(clock.rate_error) < 20e-6


def test_the_envelope_forgets_after_half_a_minute() -> None:
    clock = HostClock()
    clock.observe(10.0, 10.0)
    for second in range(11, 60):
        clock.observe(second + 0.02, float(second))
        expected = 0.0 if second <= 40 else 0.02
        assert clock.host_s(float(second)) - second == pytest.approx(expected)


def test_memory_is_bounded() -> None:
    clock = HostClock()
    for second in range(2 * KEPT_BUCKETS):
        clock.observe(float(second), float(second))
    assert len(clock._points) == KEPT_BUCKETS
