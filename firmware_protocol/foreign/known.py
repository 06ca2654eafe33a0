"""What is known of a foreign device beforehand: the settings of its stored profile, by these names.

    unit        what one step of its numbers is: a key of NEWTONS, or "counts"; beats what the device names
    points      per channel, two or more [number, newton]: numbers as the device sends them, strictly rising
    zero        per channel: the number at no load, from a tare
    full_scale  the number at the end of its range: what reaches it is saturated
    full_scale_n  the same in newtons, where that is what is known
    invert      true: pressing makes its numbers fall
    columns     of text lines, from the left: "force", "time_s", "time_ms", "time_us", or "-" for what is no matter
    baud        of a serial port; the transport's affair

A setting that is no such thing is as if it were not there.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

GRAVITY = 9.80665  # newtons of a kilogram, by definition
POUND = 0.45359237  # kilograms, by definition
NEWTONS: Mapping[str, float] = {
    "N": 1.0,
    "mN": 1e-3,
    "kN": 1e3,
    "kg": GRAVITY,
    "g": GRAVITY / 1000,
    "lb": POUND * GRAVITY,
    "oz": POUND / 16 * GRAVITY,
    "st": 14 * POUND * GRAVITY,
    "jin": 0.5 * GRAVITY,
}
COUNTS = "counts"
ROLES = ("force", "time_s", "time_ms", "time_us", "-")
NAMES = ("unit", "points", "zero", "full_scale", "full_scale_n", "invert", "columns")
MAX_CHANNELS = 16
MAX_POINTS = 8
MAX_COLUMNS = 64
LARGEST = 1e12  # no device counts further
LEAST_STEP, MOST_N = 1e-6, 1e6  # of points: finer and heavier ones are none

Points = tuple[tuple[float, float], ...]  # (number, newton), numbers strictly rising


@dataclass(frozen=True, slots=True)
class Known:
    """None and empty: not known."""

    unit: str | None = None
    points: tuple[Points, ...] = ()
    zero: tuple[float, ...] = ()
    full_scale: float | None = None
    full_scale_n: float | None = None
    invert: bool = False
    columns: tuple[str, ...] = ()


def known_of(settings: Mapping[str, object]) -> Known:
    unit, full_scale, columns = settings.get("unit"), settings.get("full_scale"), settings.get("columns")
    channels = _list(settings.get("points"))
    points = [points_of(channel) for channel in channels]
    zero = [_number(value) for value in _list(settings.get("zero"))]
    roles = columns.split(",") if isinstance(columns, str) else _list(columns)
    scale, scale_n = _number(full_scale), _number(settings.get("full_scale_n"))
    return Known(
        unit=unit if isinstance(unit, str) and (unit in NEWTONS or unit == COUNTS) else None,
        points=tuple(points) if points and all(points) and len(points) <= MAX_CHANNELS else (),
        zero=tuple(zero) if all(map(math.isfinite, zero)) and len(zero) <= MAX_CHANNELS else (),
        full_scale=scale if scale > 0 else None,
        full_scale_n=scale_n if scale_n > 0 else None,
        invert=settings.get("invert") in (True, "true"),
        columns=tuple(map(str, roles)) if len(roles) <= MAX_COLUMNS and all(role in ROLES for role in roles) else (),
    )


def points_of(told: object) -> Points:
    """The points of one channel; none where they are none (PROTOCOL.md R30 for their order)."""
    pairs = [tuple(map(_number, _list(pair))) for pair in _list(told)]
    if not 2 <= len(pairs) <= MAX_POINTS or any(len(pair) != 2 for pair in pairs):
        return ()
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(pairs)]
    rising = all(raw > LEAST_STEP for raw, _ in steps) and all(abs(newton) < MOST_N for _, newton in pairs)  # not NaN
    one_way = all(newton > 0 for _, newton in steps) or all(newton < 0 for _, newton in steps)
    return tuple((raw, newton) for raw, newton in pairs) if rising and one_way else ()


def _list(told: object) -> Sequence[object]:
    return told if isinstance(told, list | tuple) else ()


def _number(told: object) -> float:
    """NaN where it is none."""
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return math.nan
    try:
        number = float(told)
    except (ValueError, OverflowError):
        return math.nan
    return number if abs(number) <= LARGEST else math.nan
