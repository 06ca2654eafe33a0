"""Calibration points (R30, R32)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.calibration import checksum, to_newton, to_raw
from firmware_protocol.messages import CalPoint, CalSet

POINTS = (CalPoint(-1200, 0.0), CalPoint(0, 10.0), CalPoint(845_000, 196.125))


@pytest.mark.parametrize(
    ("raw", "newton"), [(-1200, 0.0), (-600, 5.0), (0, 10.0), (845_000, 196.125), (-2400, -10.0), (1_690_000, 382.25)]
)
def test_piecewise_linear_and_extended(raw: int, newton: float) -> None:
    """R30"""
    assert to_newton(POINTS, raw) == pytest.approx(newton)
    assert to_raw(POINTS, newton) == pytest.approx(raw)


@given(
    raws=st.lists(st.integers(-(1 << 23), 1 << 23), min_size=2, max_size=8, unique=True),
    falling=st.booleans(),
    at=st.floats(-1, 1),
)
def test_back_and_forth(raws: list[int], falling: bool, at: float) -> None:
    """R30: strictly rising or strictly falling, so there is a way back."""
    sign = -1 if falling else 1
    points = tuple(CalPoint(raw, sign * 10.0 * i) for i, raw in enumerate(sorted(raws)))
    newton = 40 * at
    assert to_newton(points, to_raw(points, newton)) == pytest.approx(newton, abs=1e-6)


def test_checksum() -> None:
    """R32, G10: over channels that have points, in channel order; none: 0."""
    table = CalSet(0, 9820, (POINTS[0], POINTS[2]))
    assert checksum({0: table}) == 0xAFB0
    assert checksum({}) == checksum({0: CalSet(0, 9820, ())}) == 0
    other = CalSet(1, 0, POINTS)
    assert checksum({1: other, 0: table}) == checksum({0: table, 1: other})
    assert checksum({0: table, 1: other}) != checksum({0: table})
