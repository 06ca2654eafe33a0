"""Stored values mean what they meant live."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from companion.contact import UNIT_NAMES, Contact
from companion.timeline import Placed
from firmware_protocol.driver import Profile, Unit
from sessions.events import Json
from sessions.quantities import GRID, Meaning

EXTREMES = st.sampled_from([-32768, -32767, -32766, 0, 29399, 29400, 32766, 32767])
PROFILE: dict[str, Json] = {"lsb": 0.01, "full_scale": 30000}


@given(
    hnp.arrays(np.int16, st.tuples(st.integers(1, 30), st.integers(1, 16)), elements=EXTREMES | st.integers(-99, 9999)),
    st.sampled_from(Unit),
    st.sampled_from([1e-4, 0.01, 0.0333, 1.0, 500.0]),
    st.sampled_from([0, 30000, 32000]),
    st.floats(1.0, 100.0),
)
@settings(max_examples=150, deadline=None)
def test_what_is_read_back_is_what_was_live(
    values: np.ndarray, unit: Unit, lsb: float, full_scale: int, area_cm2: float
) -> None:
    scans, channels = values.shape
    profile = Profile("knead", "", "", "", "", channels, unit, lsb, 500, 0, 0, 0, True, full_scale, 0, 0, 0)
    t_s = np.arange(scans) / 100
    placed = Placed(t_s, values, 0, 0, 0, segment=0, lost=0, fresh=True, arrival_s=0.0, period_s=0.01, late=True)
    live = Contact(profile, area_cm2).feed(placed)
    meaning = Meaning({"lsb": lsb, "full_scale": full_scale}, UNIT_NAMES[unit])
    cells = meaning.cells(values)
    load = meaning.load(values, cells)
    assert np.array_equal(cells, live.cells, equal_nan=True)
    assert np.array_equal(load, live.load, equal_nan=True)
    assert np.array_equal(meaning.saturated(values), live.saturated)
    pressure_kpa = meaning.pressure_kpa(load, np.full(scans, area_cm2))
    assert np.array_equal(pressure_kpa, live.pressure_kpa, equal_nan=True)


@given(st.floats(1e-6, 10.0), st.integers(-32766, 32766))
def test_values_lie_on_the_grid_next_to_what_was_measured(lsb: float, count: int) -> None:
    newtons = float(Meaning({"lsb": lsb}, "N").cells(np.array([[count]], np.int16))[0, 0])
    assert newtons / GRID == round(newtons / GRID)
    assert abs(newtons - count * lsb) <= GRID / 2 + 1e-9


def test_the_ends_of_the_range() -> None:
    values = np.array([[-32768], [-32767], [-32766], [0], [29399], [29400], [32767]], np.int16)
    meaning = Meaning(PROFILE, "N")
    cells = meaning.cells(values)
    assert np.isnan(cells)[:, 0].tolist() == [True, True, False, False, False, False, True]
    assert meaning.saturated(values).tolist() == [False, True, False, False, False, True, True]
    assert meaning.load(values, cells)[-1] == pytest.approx(0.93 * 300, abs=GRID)


@pytest.mark.parametrize("profile", [{}, {"lsb": None}, {"lsb": "0.01"}, {"lsb": math.nan, "full_scale": 3}])
def test_a_profile_that_does_not_say_leaves_all_unknown(profile: dict[str, Json]) -> None:
    meaning = Meaning(profile, "N")
    values = np.array([[5, 6]], np.int16)
    assert np.isnan(meaning.load(values, meaning.cells(values))).all()


def test_pressure_needs_newtons_and_an_area() -> None:
    load, area_cm2 = np.array([60.0, 60.0]), np.array([12.0, math.nan])
    assert Meaning(PROFILE, "N").pressure_kpa(load, area_cm2).tolist() == pytest.approx([50.0, math.nan], nan_ok=True)
    assert np.isnan(Meaning(PROFILE, "counts").pressure_kpa(load, area_cm2)).all()
