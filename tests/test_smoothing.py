"""Despiking, low-pass and ramp: exact, in any split, with one constant delay."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.smoothing import CUTOFF_HZ, GRID, RANGE, TAP_ONE, FirBank, Smoothed, Smoother, design
from sessions.events import Floats

PERIOD_S = 0.01
RATES_HZ = (10, 12.5, 20, 40, 80, 93.7, 100, 200, 500)
Answer = tuple[bytes, bytes, bytes]


def noise(scans: int, columns: int, seed: int = 0) -> Floats:
    """Forces of some hundred newtons on the grid."""
    rng = np.random.default_rng(seed)
    walk: Floats = np.cumsum(rng.normal(0, 3, (scans, columns)), axis=0) + rng.normal(0, 1, (scans, columns))
    return np.rint(walk / GRID) * GRID + 0.0


def joined(parts: list[Smoothed]) -> Answer:
    return (
        np.concatenate([part.despiked for part in parts]).tobytes(),
        np.concatenate([part.smooth for part in parts]).tobytes(),
        np.concatenate([part.ramp_per_s for part in parts]).tobytes(),
    )


def in_batches(x: Floats, cuts: list[int], fresh_at: frozenset[int] = frozenset()) -> Answer:
    """Fed in batches of the given sizes, the rest at once. A batch also ends where a fresh stretch begins."""
    smoother = Smoother(x.shape[1], PERIOD_S)
    edges = {0, len(x)} | {at for at in fresh_at if at < len(x)}
    at = 0
    for cut in cuts:
        at += cut
        edges.add(min(at, len(x)))
    ordered = sorted(edges)
    return joined([smoother.feed(x[start:stop], fresh=start in fresh_at) for start, stop in pairwise(ordered)])


def plainly(x: Floats, period_s: float) -> Answer:
    """The same in whole numbers, one window at a time: slow and obvious."""
    lowpass, ramp = design(period_s)
    length = len(lowpass)
    shape = x.shape
    despiked, smooth, ramps = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    for column in range(shape[1]):
        for scan in range(2, shape[0]):
            three = x[scan - 2 : scan + 1, column]
            if not np.isnan(three).any():
                despiked[scan, column] = sorted(three)[1]
        for scan in range(length - 1, shape[0]):
            window = despiked[scan - length + 1 : scan + 1, column]
            if not np.isnan(window).any():
                counts = [int(value / GRID) for value in window]
                smooth[scan, column] = sum(map(int.__mul__, counts, lowpass)) * GRID / TAP_ONE
                ramps[scan, column] = sum(map(int.__mul__, counts, ramp)) * GRID / TAP_ONE
    return despiked.tobytes(), smooth.tobytes(), ramps.tobytes()


# --- exactness ---


@pytest.mark.parametrize("rate_hz", [10, 80, 100, 500])
def test_it_equals_sums_of_whole_numbers(rate_hz: int) -> None:
    x = noise(400, 3)
    x[137, 1] = x[200:203, 0] = np.nan
    assert joined([Smoother(3, 1 / rate_hz).feed(x)]) == plainly(x, 1 / rate_hz)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 17),
    st.lists(st.one_of(st.integers(1, 12), st.integers(13, 120)), max_size=60),
    st.lists(st.tuples(st.integers(0, 599), st.integers(0, 16)), max_size=6),
    st.frozensets(st.integers(0, 599), max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_any_split_gives_the_same_bits(
    columns: int, cuts: list[int], holes: list[tuple[int, int]], fresh_at: frozenset[int], seed: int
) -> None:
    x = noise(600, columns, seed)
    for scan, column in holes:
        x[scan, column % columns] = np.nan
    whole = in_batches(x, [], fresh_at)
    assert in_batches(x, cuts, fresh_at) == whole


def test_scan_by_scan_gives_the_same_bits() -> None:
    x = noise(1500, 5)
    x[700, 2] = np.nan
    assert in_batches(x, [1] * len(x)) == in_batches(x, [])


def test_a_replay_of_a_minute_equals_the_session() -> None:
    x = noise(6000, 5)
    assert in_batches(x, [6000]) == in_batches(x, [5] * 1200)


def test_negative_zeros_make_no_difference() -> None:
    x = np.zeros((60, 2))
    x[::3] = -0.0
    assert in_batches(x, [1] * 60) == in_batches(np.zeros((60, 2)), [])


def test_the_largest_values_are_still_exact() -> None:
    x = noise(200, 2)
    x[50:150] += RANGE / 2
    assert in_batches(x, [7] * 30) == in_batches(x, []) == plainly(x, PERIOD_S)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300, 2 * RANGE, -np.nan])
def test_what_is_out_of_range_is_unknown(value: float) -> None:
    x = noise(200, 2)
    x[50:54, 1] = value
    holed = x.copy()
    holed[50:54, 1] = np.nan
    # the median lets in range what stands at the edge of the stretch; elsewhere it is as if there were no value
    whole = Smoother(2, PERIOD_S).feed(x)
    assert np.isnan(whole.despiked[52:54, 1]).all()
    assert not np.isinf(whole.smooth).any()
    assert in_batches(x, [3] * 70) == in_batches(x, [])
    assert np.array_equal(whole.smooth[75:], Smoother(2, PERIOD_S).feed(holed).smooth[75:])


# --- unknown values ---


def test_until_the_window_is_full_nothing_is_known() -> None:
    smoothed = Smoother(1, PERIOD_S).feed(noise(40, 1))
    taps = len(design(PERIOD_S)[0])
    assert np.isnan(smoothed.despiked[:, 0]).tolist() == [True] * 2 + [False] * 38
    for column in (smoothed.smooth, smoothed.ramp_per_s):
        assert np.isnan(column[:, 0]).tolist() == [True] * (taps + 1) + [False] * (39 - taps)


def test_fresh_forgets_what_came_before() -> None:
    x = noise(100, 2)
    smoother = Smoother(2, PERIOD_S)
    smoother.feed(noise(333, 2, seed=9))
    assert joined([smoother.feed(x, fresh=True)]) == joined([Smoother(2, PERIOD_S).feed(x)])


@pytest.mark.parametrize("batch", [1, 5, 32, 200])
def test_a_hole_is_gone_after_one_window_and_stays_in_its_column(batch: int) -> None:
    x = noise(200, 2)
    holed = x.copy()
    holed[100, 1] = np.nan
    smoother, other = Smoother(2, PERIOD_S), Smoother(2, PERIOD_S)
    parts = [smoother.feed(holed[at : at + batch]) for at in range(0, 200, batch)]
    smooth = np.concatenate([part.smooth for part in parts])
    expected = other.feed(x).smooth.copy()
    expected[100 : 100 + len(design(PERIOD_S)[0]) + 2, 1] = np.nan
    assert np.array_equal(smooth, expected, equal_nan=True)


# --- what it does to a signal ---


@pytest.mark.parametrize("batch", [1, 3, 40])
def test_a_spike_of_one_scan_does_not_pass(batch: int) -> None:
    x = np.full((80, 1), 50.0)
    x[40] = 900.0
    x[60] = -900.0
    smoother = Smoother(1, PERIOD_S)
    for at in range(0, 80, batch):
        smoothed = smoother.feed(x[at : at + batch])
        for column in (smoothed.despiked, smoothed.smooth):
            assert np.all(np.isnan(column) | (column == 50.0))


def test_what_lasts_two_scans_passes_the_median() -> None:
    x = np.full((80, 1), 50.0)
    x[40:42] = 900.0
    despiked = Smoother(1, PERIOD_S).feed(x).despiked[:, 0]
    assert np.flatnonzero(despiked == 900.0).tolist() == [41, 42]  # one scan late


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_delay_is_constant_and_known(rate_hz: float) -> None:
    smoother = Smoother(1, 1 / rate_hz)
    scans = smoother.delay_s * rate_hz
    assert scans == pytest.approx(round(scans))
    assert smoother.delay_s <= max(0.086, 2 / rate_hz)


@pytest.mark.parametrize("hz", [0.5, 1.0, 3.0, 6.0])
def test_a_sine_is_delayed_by_the_same_time_at_every_frequency(hz: float) -> None:
    """The FIR alone (the median bends a sine's crests): its answer is the sine, scaled, `half` scans ago."""
    taps = design(PERIOD_S)
    half = len(taps[0]) // 2
    x = np.rint(100 * np.sin(2 * math.pi * hz * np.arange(500) * PERIOD_S) / GRID)[:, np.newaxis] * GRID
    lowpass, ramp = FirBank(taps, 1).feed(x)[2 * half :, :, 0].T
    middle = x[half:-half, 0]
    gain = float(lowpass @ middle) / float(middle @ middle)
    assert lowpass == pytest.approx(gain * middle, abs=0.01)
    assert gain == pytest.approx({0.5: 0.998, 1.0: 0.991, 3.0: 0.919, 6.0: math.sqrt(0.5)}[hz], abs=0.002)
    # the derivative leads by a quarter of a period at that same moment: no part of it is in phase
    assert abs(float(ramp @ middle)) < 2e-3 * float(np.linalg.norm(ramp) * np.linalg.norm(middle))


def test_a_step_comes_through_point_symmetric_at_the_delay() -> None:
    x = np.zeros((100, 1))
    x[50:] = 80.0
    smoother = Smoother(1, PERIOD_S)
    smoothed = smoother.feed(x)
    rise = smoothed.smooth[30:90, 0]
    scans = round(smoother.delay_s / PERIOD_S)
    middle = 50 + scans - 30  # the scan that describes the first one after the step
    for away in range(20):
        assert rise[middle + away] + rise[middle - 1 - away] == 80.0
    assert rise[-1] == 80.0
    assert rise.max() < 81.0  # hardly any overshoot: a limit is not crossed by the filter
    assert int(np.argmax(smoothed.ramp_per_s[30:, 0])) in (middle, middle - 1)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_ramp_of_a_ramp_is_its_slope(rate_hz: float) -> None:
    slope = 150.0  # N/s
    x = np.rint(slope / rate_hz * np.arange(400) / GRID)[:, np.newaxis] * GRID
    smoother = Smoother(1, 1 / rate_hz)
    smoothed = smoother.feed(x)
    known = ~np.isnan(smoothed.ramp_per_s[:, 0])
    assert smoothed.ramp_per_s[known, 0] == pytest.approx(slope, rel=2e-3)
    assert np.mean(smoothed.ramp_per_s[known, 0]) == pytest.approx(slope, rel=1e-4)
    behind = x[:, 0] - slope * smoother.delay_s
    assert smoothed.smooth[known, 0] == pytest.approx(behind[known], abs=0.01)


def test_what_stands_still_has_no_ramp() -> None:
    smoothed = Smoother(1, PERIOD_S).feed(np.full((50, 1), 123.5))
    assert np.all(smoothed.smooth[20:] == 123.5)
    assert np.all(smoothed.ramp_per_s[20:] == 0.0)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_taps_are_whole_symmetric_and_cut_where_stated(rate_hz: float) -> None:
    lowpass, ramp = design(1 / rate_hz)
    assert len(lowpass) == len(ramp)
    assert len(lowpass) % 2 == 1
    assert lowpass == lowpass[::-1]
    assert ramp == tuple(-tap for tap in ramp[::-1])
    assert sum(lowpass) == TAP_ONE
    offsets = np.arange(len(lowpass)) - len(lowpass) // 2
    cutoff = min(CUTOFF_HZ / rate_hz, 0.3)
    assert np.cos(2 * np.pi * cutoff * offsets) @ lowpass / TAP_ONE == pytest.approx(math.sqrt(0.5), abs=0.01)


# --- edges ---


@pytest.mark.parametrize("period_s", [1e-9, 1e-6, 0.0005, 30.0, 4000.0])
def test_a_ball_may_claim_any_period(period_s: float) -> None:
    smoother = Smoother(2, period_s)
    assert smoother.period_s == period_s
    assert smoother.feed(noise(500, 2)).smooth.shape == (500, 2)


def test_answers_are_read_only_and_stay_as_they_were() -> None:
    smoother = Smoother(2, PERIOD_S)
    x = noise(3000, 2)
    parts, copies = [], []
    for at in range(0, 3000, 7):
        parts.append(smoother.feed(x[at : at + 7], fresh=at == 1400))
        copies.append(joined(parts[-1:]))
    assert [joined([part]) for part in parts] == copies
    last = parts[-1]
    assert not any(array.flags.writeable for array in (last.despiked, last.smooth, last.ramp_per_s))


@pytest.mark.parametrize("scans", [10, 5000])
def test_an_absurd_value_is_found_in_small_and_large_batches(scans: int) -> None:
    x = noise(scans, 2)
    x[5:8, 1] = 1e300
    smoothed = Smoother(2, PERIOD_S).feed(x)
    assert np.isnan(smoothed.despiked[7:9, 1]).all()
    assert not np.isnan(smoothed.despiked[2:, 0]).any()


def test_a_batch_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="columns"):
        Smoother(4, PERIOD_S).feed(np.zeros((5, 1)))


def test_no_scans_give_none() -> None:
    assert Smoother(3, PERIOD_S).feed(np.zeros((0, 3))).smooth.shape == (0, 3)


def test_taps_that_could_round_are_refused() -> None:
    with pytest.raises(ValueError, match="exact"):
        FirBank(((20 * TAP_ONE, 20 * TAP_ONE),), 1)


def test_the_description_is_enough_to_compute_it_again() -> None:
    smoother = Smoother(1, PERIOD_S)
    described = json.loads(json.dumps(smoother.describe()))
    assert described["version"] == 1
    x = noise(60, 1)
    smoothed = smoother.feed(x)
    despiked = np.median([x[:-2, 0], x[1:-1, 0], x[2:, 0]], axis=0)
    for name, found in (("lowpass_taps", smoothed.smooth), ("ramp_taps", smoothed.ramp_per_s)):
        again = np.correlate(despiked, np.array(described[name]) / described["tap_one"], "valid")
        assert np.array_equal(again, found[-len(again) :, 0])
    assert described["delay_s"] == smoother.delay_s
