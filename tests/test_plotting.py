"""The character renderer: nothing measured is lost, nothing missing is drawn."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.tui.plotting import (
    BinRing,
    area_rows,
    big_rows,
    braille_rows,
    bridged,
    envelope,
    fitting_rows,
    nice_top,
)
from sessions.events import Floats

NAN = math.nan


def ring_of(*batches: tuple[Floats, Floats], window_s: float = 10.0, bins: int = 20) -> BinRing:
    ring = BinRing(window_s, bins)
    for t_s, values in batches:
        ring.feed(t_s, values)
    return ring


def brute(t_s: Floats, values: Floats, window_s: float, bins: int) -> tuple[list[float], list[float]]:
    """Least and greatest value per bin, scan by scan."""
    width_s = window_s / bins
    head = max(math.floor(t / width_s) for t in t_s)
    found: dict[int, list[float]] = {}
    for t, value in zip(t_s, values, strict=True):
        if not math.isnan(value):
            found.setdefault(math.floor(t / width_s), []).append(value)
    numbers = range(head - bins + 1, head + 1)
    return [min(found.get(n, [NAN])) for n in numbers], [max(found.get(n, [NAN])) for n in numbers]


scans = st.lists(
    st.tuples(st.floats(0, 40, allow_nan=False), st.one_of(st.floats(-50, 200, allow_nan=False), st.just(NAN))),
    min_size=1,
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(scans, st.lists(st.integers(0, 60), max_size=4))
def test_bins_are_those_of_a_scan_by_scan_count_in_any_split(
    points: list[tuple[float, float]], cuts: list[int]
) -> None:
    points = sorted(points, key=lambda point: point[0])
    t_s, values = np.array([p[0] for p in points]), np.array([p[1] for p in points])
    ring = BinRing(10.0, 20)
    edges = sorted({0, *(min(cut, len(points)) for cut in cuts), len(points)})
    for start, end in itertools.pairwise(edges):
        ring.feed(t_s[start:end], values[start:end])
    lo, hi = ring.ordered()
    expected_lo, expected_hi = brute(t_s, values, 10.0, 20)
    np.testing.assert_array_equal(lo, expected_lo)
    np.testing.assert_array_equal(hi, expected_hi)


def test_a_peak_of_one_scan_stays_in_its_bin_as_the_window_scrolls() -> None:
    t_s = np.arange(0.0, 8.0, 0.01)
    values = np.zeros(len(t_s))
    values[500] = 99.0
    ring = ring_of((t_s, values))
    before = int(np.nanargmax(ring.ordered()[1]))
    ring.feed(np.array([8.6]), np.array([0.0]))
    lo, hi = ring.ordered()
    assert hi[before - 2] == 99.0
    assert lo[before - 2] == 0.0
    assert np.nansum(hi) == 99.0


def test_missing_time_is_blank_and_late_scans_fill_it() -> None:
    ring = ring_of((np.array([0.1, 5.1]), np.array([1.0, 2.0])))
    assert np.isnan(ring.ordered()[0][-10:-1]).all()
    ring.feed(np.array([3.1]), np.array([7.0]))  # back-filled
    assert ring.ordered()[0][-5] == 7.0
    assert ring.head == 10


def test_what_is_older_than_the_window_changes_nothing() -> None:
    ring = ring_of((np.array([100.0]), np.array([1.0])))
    before = ring.ordered()
    ring.feed(np.array([50.0, 89.9]), np.array([9.0, 9.0]))
    np.testing.assert_array_equal(ring.ordered(), before)


@pytest.mark.parametrize("t_s", [NAN, math.inf, -math.inf])
def test_a_time_that_is_no_number_is_dropped(t_s: float) -> None:
    ring = ring_of((np.array([1.0]), np.array([5.0])))
    ring.feed(np.array([t_s]), np.array([9.0]))
    ring.advance(t_s)
    assert ring.head == 2
    assert np.nanmax(ring.ordered()[1]) == 5.0


def test_time_that_passes_without_data_moves_the_window_on() -> None:
    ring = ring_of((np.array([1.0]), np.array([5.0])))
    ring.advance(4.0)
    assert ring.ordered()[1][-7] == 5.0
    ring.advance(1e9)
    assert np.isnan(ring.ordered()[1]).all()


@settings(max_examples=40, deadline=None)
@given(scans, st.floats(0, 20), st.floats(0.5, 20))
def test_the_envelope_keeps_the_extremes_of_every_stretch(
    points: list[tuple[float, float]], from_s: float, span_s: float
) -> None:
    t_s, values = np.array([p[0] for p in points]), np.array([p[1] for p in points])
    lo, hi = envelope(t_s, values, from_s, from_s + span_s, 16)
    inside = values[(t_s >= from_s) & (t_s < from_s + span_s) & ~np.isnan(values)]
    if len(inside):
        assert np.nanmin(lo) == inside.min()
        assert np.nanmax(hi) == inside.max()
    else:
        assert np.isnan(lo).all()
        assert np.isnan(hi).all()


def test_an_empty_stretch_of_time_has_an_empty_envelope() -> None:
    lo, hi = envelope(np.array([1.0]), np.array([1.0]), 2.0, 2.0, 4)
    assert np.isnan(lo).all()
    assert np.isnan(hi).all()


def test_neighbouring_scans_are_bridged_and_gaps_are_not() -> None:
    lo = np.array([NAN, 1.0, NAN, NAN, 4.0, NAN, NAN, NAN, 8.0, NAN])
    filled, _ = bridged((lo, lo + 1), 2)
    np.testing.assert_array_equal(filled, [NAN, 1.0, 1.0, 1.0, 4.0, NAN, NAN, NAN, 8.0, NAN])
    np.testing.assert_array_equal(bridged((lo, lo), 0)[0], lo)


def test_a_rising_line_in_dots() -> None:
    values = np.arange(8.0)
    assert braille_rows((values, values), 2, 0.0, 7.0) == ["  ⡠⠊", "⡠⠊  "]


def test_neighbours_are_joined_and_a_blank_is_a_space() -> None:
    lo = np.array([0.0, 7.0, NAN, NAN, 7.0, 7.0])
    assert braille_rows((lo, lo), 2, 0.0, 7.0) == ["⢸ ⠉", "⡸  "]


def test_a_single_spike_is_drawn_from_bottom_to_top() -> None:
    lo, hi = np.zeros(2), np.array([0.0, 7.0])
    assert braille_rows((lo, hi), 2, 0.0, 7.0) == ["⢸", "⣸"]


def test_values_off_the_scale_lie_on_its_edge() -> None:
    lo = np.array([-100.0, -100.0, 900.0, 900.0])
    assert braille_rows((lo, lo), 1, 0.0, 3.0) == ["⣀⠏"]


def test_thresholds_are_dotted_inside_the_scale_only() -> None:
    blank = np.full(16, NAN)
    assert braille_rows((blank, blank), 1, 0.0, 3.0, (3.5, 2.0)) == ["⠂ ⠂ ⠂ ⠂ "]
    assert braille_rows((blank, blank), 1, 0.0, 3.0, (0.0, 3.0)) == ["        "]


def test_an_area_in_eighths() -> None:
    assert area_rows([0.0, 4.0, 8.0, 12.0, 16.0, 99.0, NAN], 2, 0.0, 16.0) == ["   ▄██ ", " ▄████ "]


@pytest.mark.parametrize(("scale", "height", "width"), [(1, 4, 11), (2, 7, 22), (4, 14, 44)])
def test_letters_have_the_size_they_say(scale: int, height: int, width: int) -> None:
    rows = big_rows("47", scale)
    assert len(rows) == height
    assert {len(row) for row in rows} == {width}


def test_a_large_one() -> None:
    assert big_rows("1", 1) == [" ▄█  ", "  █  ", "  █  ", " ▀▀▀ "]


def test_a_letter_nobody_drew_is_blank() -> None:
    assert set("".join(big_rows("é", 1))) == {" "}
    assert big_rows("", 1) == []


@given(st.integers(0, 99999), st.integers(0, 80), st.integers(0, 20))
def test_a_number_is_shown_whole_or_not_at_all(number: int, width: int, height: int) -> None:
    text = str(number)
    rows = fitting_rows(text, width, height)
    assert len(rows) <= height
    assert all(len(row) <= width for row in rows)
    if len(rows) == 1:
        assert rows[0] in (text, "#" * width)


@pytest.mark.parametrize(
    ("value", "top"), [(0.0, 1.0), (NAN, 1.0), (1.0, 1.0), (121.0, 150.0), (151.0, 200.0), (999, 1000)]
)
def test_an_axis_ends_at_a_round_number_above(value: float, top: float) -> None:
    assert nice_top(value) == top


def test_what_draws_and_what_watches_needs_no_terminal_library() -> None:
    modules = "plotting, liveview, face, words, deck, tones, scanring"
    code = f"import sys; from companion.tui import {modules}; print({{'textual', 'rich'}} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
