"""Placing scans: unwrapping, order, continuity (R46 to R49)."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_protocol.driver import Continuity
from firmware_protocol.placement import Begun, Misplaced, Placed, Placement, nearest

BOOT = 0xDEADBEEF
PERIOD_US = 10_000


def started(next_index: int = 1000, t_us: int = 12_340_000, period_us: int = PERIOD_US) -> Placement:
    placement = Placement()
    assert placement.start(BOOT, 1, next_index, t_us, period_us).continuity is Continuity.FIRST
    return placement


def place(placement: Placement, index: int, t_us: int, scans: int = 5, period_us: int = PERIOD_US) -> object:
    """A batch as an honest ball would send it: low halves only."""
    span_us = (scans - 1) * period_us
    return placement.place(index & 0xFFFF, t_us & 0xFFFFFFFF, span_us, scans)


@given(st.integers(0, 1 << 70), st.integers(-(1 << 31) + 1, (1 << 31) - 1))
def test_nearest_finds_what_is_less_than_half_a_wrap_away(around: int, off: int) -> None:
    """R48"""
    assert nearest((around + off) & 0xFFFFFFFF, 32, around) == around + off


def test_no_start_no_place() -> None:
    """R46"""
    assert place(Placement(), 0, 0) is Misplaced.ANCHOR


def test_the_first_batch_is_anchored_at_start() -> None:
    """R46, R48"""
    placement = started()
    assert place(placement, 1000, 12_345_678) == Placed(1000, 12_345_678, 0)
    assert placement.expected == 1005
    assert place(placement, 1005, 12_395_678) == Placed(1005, 12_395_678, 0)


def test_a_batch_of_before_start_or_a_duplicate_is_stale() -> None:
    """R46, R49"""
    placement = started()
    assert place(placement, 995, 12_295_678) is Misplaced.STALE
    assert place(placement, 1000, 12_345_678) == Placed(1000, 12_345_678, 0)
    assert place(placement, 1000, 12_345_678) is Misplaced.STALE
    assert place(placement, 1003, 12_375_678) is Misplaced.STALE  # overlaps
    assert placement.expected == 1005


def test_a_step_forward_is_a_hole() -> None:
    """R49"""
    placement = started()
    assert place(placement, 1000, 12_345_678) == Placed(1000, 12_345_678, 0)
    assert place(placement, 1055, 12_895_678) == Placed(1055, 12_895_678, 50)


def test_a_hole_before_the_first_batch() -> None:
    """R46"""
    assert place(started(), 1005, 12_395_678) == Placed(1005, 12_395_678, 5)


def test_time_and_index_wrap_without_a_hole() -> None:
    """R48; G16 and G17"""
    wrap_us = 1 << 32
    placement = started(65_534 - 10, wrap_us - 20_000 - 100_000 - 50_000)
    assert place(placement, 65_524, wrap_us - 120_000, 10) == Placed(65_524, wrap_us - 120_000, 0)
    assert placement.place(65_534, 0xFFFFB1E0, 40_000, 5) == Placed(65_534, wrap_us - 20_000, 0)
    assert placement.place(3, 30_000, 40_000, 5) == Placed(65_539, wrap_us + 30_000, 0)


def test_time_told_by_time_is_what_the_next_scan_is_near_to() -> None:
    """R48: without it two thirds of a wrap of silence would be taken for a third of a wrap back."""
    placement = started(0, 0)
    later_us = 3 << 30
    placement.saw_time(later_us)
    assert placement.widen_time((later_us + 500) & 0xFFFFFFFF) == later_us + 500


@pytest.mark.parametrize(("index", "t_us"), [(0, 31_000_000), (3_100, 31_000_000), (200, 100_000)])
def test_a_first_batch_far_off_is_out_of_order(index: int, t_us: int) -> None:
    """R49: more than 30 s from START, or an index that leads time."""
    placement = started(0, 0)
    assert place(placement, index, t_us) is Misplaced.ORDER
    assert placement.expected == 0


def test_no_batch_is_more_than_30_s_off() -> None:
    """R48, R49: so much silence ends sending; before a second was seen index and time alone could agree by chance."""
    placement = started(0, 0)
    assert place(placement, 0, 10_000) == Placed(0, 10_000, 0)
    assert place(placement, 3_010, 30_110_000) is Misplaced.ORDER
    assert place(placement, 2_990, 29_910_000) == Placed(2_990, 29_910_000, 2_985)


def test_the_first_batch_is_not_of_a_time_that_has_not_come() -> None:
    """R49: what is left of the boot before fits index and time, and lies ahead of both."""
    placement = started()
    span_us = 4 * PERIOD_US
    assert placement.place(1900, 21_345_678, span_us, 5, 50_000) is Misplaced.ORDER
    assert placement.place(1104, 13_385_678, span_us, 5, 50_000) is Misplaced.ORDER
    assert placement.place(1100, 13_345_678, span_us, 5, 50_000) == Placed(1100, 13_345_678, 100)
    assert placement.place(1900, 21_345_678, span_us, 5, 60_000) == Placed(1900, 21_345_678, 795), "later, clumps may"


def test_conversions_that_settle_delay_the_first_batch() -> None:
    """R23: an HX711 needs 0.4 s, in which there are no slots."""
    assert place(started(0, 0), 0, 410_000) == Placed(0, 410_000, 0)


@pytest.mark.parametrize("ratio", [0.8, 1 / 1.17, 1.0, 1.2])
def test_the_period_is_measured_over_the_run(ratio: float) -> None:
    """R49: a converter 17 % off its nominal rate may have a hole early, and a long one once it was measured."""
    placement = started(0, 0)
    true_us = PERIOD_US * ratio
    index = 0
    while index * true_us < 1_200_000:
        assert place(placement, index, round((index + 1) * true_us), 5, round(true_us)) != Misplaced.ORDER
        index += 5
        if index == 10:
            index = 50  # a hole before anything was measured
    assert placement.period_us == pytest.approx(true_us, rel=0.002)
    far = index + 2000
    assert place(placement, far, round((far + 1) * true_us), 5, round(true_us)) == Placed(
        far, round((far + 1) * true_us), 2000
    )


def test_index_and_time_out_of_step_are_dropped() -> None:
    """R49: 1 % or 2 scans once a second was seen; 25 % before."""
    placement = started(0, 0)
    assert place(placement, 0, 10_000) == Placed(0, 10_000, 0)
    assert place(placement, 100, 10_000 + 1_400_000) is Misplaced.ORDER  # 40 % off, too early to know the period
    assert place(placement, 100, 10_000 + 1_200_000) == Placed(100, 1_210_000, 95)
    settled = started(0, 0)
    for index in range(0, 200, 5):
        assert place(settled, index, (index + 1) * PERIOD_US) == Placed(index, (index + 1) * PERIOD_US, 0)
    assert place(settled, 1200, 1216 * PERIOD_US) is Misplaced.ORDER
    assert place(settled, 1200, 1210 * PERIOD_US) == Placed(1200, 1210 * PERIOD_US, 1000)


def test_time_never_goes_back_and_a_span_fits_its_scans() -> None:
    """R49"""
    placement = started(0, 0)
    assert place(placement, 0, 10_000) == Placed(0, 10_000, 0)
    assert placement.place(5, 49_990, 40_000, 5) is Misplaced.ORDER
    assert placement.place(5, 60_000, 600_000, 5) is Misplaced.ORDER
    assert placement.place(5, 60_000, 40_000, 5) == Placed(5, 60_000, 0)


def test_the_same_run_goes_on_over_links_with_a_hole() -> None:
    """R47: [expected before, next_index)."""
    placement = started(0, 0)
    place(placement, 0, 10_000)
    assert placement.start(BOOT, 1, 300, 3_005_000, PERIOD_US) == Begun(Continuity.SAME_RUN, 300, 5)
    assert place(placement, 295, 2_960_000) is Misplaced.STALE
    assert place(placement, 300, 3_010_000) == Placed(300, 3_010_000, 0)


def test_the_measured_period_lasts_as_long_as_the_run() -> None:
    """R49"""
    placement = started(0, 0)
    for index in range(0, 200, 5):
        place(placement, index, round((index + 1) * 8_547), 5, 8_547)
    measured = placement.period_us
    placement.start(BOOT, 1, 1000, 8_549_000, PERIOD_US)
    assert placement.period_us == measured
    placement.start(BOOT, 2, 1000, 8_550_000, PERIOD_US)
    assert placement.period_us == PERIOD_US


@pytest.mark.parametrize(
    ("boot", "run", "index", "t_us", "continuity"),
    [
        (BOOT, 2, 300, 3_000_000, Continuity.OTHER_RUN),
        (BOOT + 1, 1, 300, 3_000_000, Continuity.NEW_CLOCK),
        (BOOT, 1, 300, 20_000, Continuity.NEW_CLOCK),
        (BOOT, 1, 4, 3_000_000, Continuity.NEW_CLOCK),
    ],
)
def test_how_a_start_joins(boot: int, run: int, index: int, t_us: int, continuity: Continuity) -> None:
    """R47, R20, R21: another run is not measured; another boot, clock or an index that went back is a new segment."""
    placement = started(0, 0)
    place(placement, 0, 10_000)
    begun = placement.start(boot, run, index, t_us, PERIOD_US)
    assert begun.continuity is continuity
    assert begun.next_index == index
    assert begun.expected == (5 if continuity is Continuity.OTHER_RUN else index)


def test_the_index_of_replies_wraps_too() -> None:
    """R21, R47: the index is a u32 and never reset."""
    near = (1 << 32) - 3
    placement = started(near, 0)
    assert place(placement, near, 10_000) == Placed(near, 10_000, 0)
    assert placement.start(BOOT, 1, 7, 105_000, PERIOD_US) == Begun(Continuity.SAME_RUN, (1 << 32) + 7, near + 5)
    assert placement.widen_index(8) == (1 << 32) + 8


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    hz=st.sampled_from([10, 80, 100, 500]),
    first=st.integers(0, (1 << 32) - 1),
    t_us=st.integers(0, 1 << 40),
)
def test_honest_batches_with_losses_are_placed_where_they_were_taken(seed: int, hz: int, first: int, t_us: int) -> None:
    """R48, R49: jitter within R25, holes up to 25 s, any place in the wraps; none placed wrong, none dropped."""
    rng = random.Random(seed)
    period_us = 1_000_000 / hz * rng.uniform(0.84, 1.19)
    placement = Placement()
    placement.start(BOOT, 1, first, t_us, round(1_000_000 / hz))
    jitter_us = min(1_000, period_us / 4) / 2
    slot = 0
    for _ in range(60):
        scans = rng.randint(1, 8)
        stamp = t_us + round((slot + 1) * period_us + rng.uniform(-jitter_us, jitter_us))
        placed = placement.place(
            (first + slot) & 0xFFFF, stamp & 0xFFFFFFFF, 10 * round((scans - 1) * period_us / 10), scans
        )
        assert isinstance(placed, Placed), (slot, stamp)
        assert (placed.index, placed.t_us) == (first + slot, stamp)
        slot += scans + (rng.randint(0, 25 * hz) if rng.random() < 0.1 else 0)


@given(st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, (1 << 32) - 1), st.integers(0, 655_350)), max_size=50))
def test_whatever_comes_index_and_time_only_go_forward(batches: list[tuple[int, int, int]]) -> None:
    """R49, R54"""
    placement = started()
    newest = (999, 0)
    for index, t_us, span_us in batches:
        placed = placement.place(index, t_us, span_us, 5)
        if isinstance(placed, Placed):
            assert placed.index > newest[0]
            assert placed.t_us >= newest[1]
            newest = (placed.index + 4, placed.t_us + span_us)
