"""Envelopes lose no peak and fill no gap."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.events import Floats
from sessions.summary import envelope, statistics, usual_distance_s

NAN = math.nan


def curve(seconds: float = 10.0, hz: float = 100.0) -> tuple[Floats, Floats]:
    t_s = np.arange(round(seconds * hz), dtype=np.float64) / hz
    return t_s, np.sin(t_s)


@given(
    st.lists(st.floats(-100, 100) | st.just(NAN), min_size=2, max_size=80),
    st.integers(1, 30),
)
@settings(max_examples=150, deadline=None)
def test_each_bin_holds_the_extremes_of_its_own_samples(y: list[float], bins: int) -> None:
    t_s = np.arange(len(y), dtype=np.float64)
    low, high = envelope(t_s, np.array(y), bins, gap_s=0.0)
    width = t_s[-1] / bins
    at = np.minimum((t_s / width + 1e-9).astype(int), bins - 1)
    for number in range(bins):
        known = [value for value, bin_ in zip(y, at, strict=True) if bin_ == number and not math.isnan(value)]
        expected = (min(known), max(known)) if known else (NAN, NAN)
        assert (low[number], high[number]) == pytest.approx(expected, nan_ok=True)


def test_a_single_peak_survives_any_number_of_bins() -> None:
    t_s, y = curve()
    y[517] = 99.0
    for bins in (1, 7, 80, 999):
        assert np.nanmax(envelope(t_s, y, bins)[1]) == 99.0


def test_a_gap_is_a_hole() -> None:
    t_s, y = curve()
    kept = (t_s < 4) | (t_s > 6)
    low, high = envelope(t_s[kept], y[kept], 100)
    assert np.isnan(low[42:59]).all()
    assert np.isnan(high[42:59]).all()
    assert np.isfinite(low[:39]).all()
    assert np.isfinite(low[61:]).all()


def test_unknown_values_are_a_hole_too() -> None:
    t_s, y = curve()
    y[400:600] = NAN
    low, _ = envelope(t_s, y, 100)
    assert np.isnan(low[41:59]).all()
    assert np.isfinite(np.delete(low, np.arange(39, 61))).all()


def test_a_close_view_has_no_holes_between_samples() -> None:
    t_s, y = curve(1.0, 20.0)
    low, high = envelope(t_s, y, 400)
    centres = (np.arange(400) + 0.5) * t_s[-1] / 400
    assert np.isfinite(low).all()
    assert low == pytest.approx(np.sin(centres), abs=0.01)
    assert (high >= low).all()


def test_a_part_of_the_curve() -> None:
    t_s, y = curve()
    low, high = envelope(t_s, y, 10, from_s=2.0, to_s=3.0)
    inside = (t_s >= 2.0) & (t_s <= 3.0)
    assert high.max() == y[inside].max()
    assert low.min() == y[inside].min()


def test_before_and_after_the_curve_nothing_is_drawn() -> None:
    t_s, y = curve(1.0)
    low, _ = envelope(t_s, y, 30, from_s=-1.0, to_s=2.0)
    assert np.isnan(low[:9]).all()
    assert np.isfinite(low[10:19]).all()
    assert np.isnan(low[21:]).all()


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_samples(count: int) -> None:
    low, high = envelope(np.zeros(count), np.full(count, 3.0), 4)
    assert np.isfinite(low).sum() == np.isfinite(high).sum() == count


def test_statistics_leave_the_unknown_out() -> None:
    t_s = np.arange(100.0) / 10
    y = np.arange(100.0)
    y[50:60] = NAN
    found = statistics(t_s, y)
    assert (found.known, found.peak) == (90, 99.0)
    assert found.peak_t_s == pytest.approx(9.9)
    assert found.known_s == pytest.approx(9.0)
    assert found.mean == pytest.approx(np.nanmean(y))
    assert found.median == pytest.approx(np.nanmedian(y))
    assert found.p95 == pytest.approx(np.nanpercentile(y, 95))


def test_statistics_of_nothing_are_unknown_not_zero() -> None:
    found = statistics(np.arange(3.0), np.full(3, NAN))
    assert found.known == 0
    assert math.isnan(found.peak)
    assert math.isnan(found.mean)
    assert usual_distance_s(np.zeros(1)) == 0.0
