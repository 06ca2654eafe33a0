"""What a person asks of a ball to calibrate it, as requests, and straight lines through what was measured. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from firmware_protocol.messages import MAX_POINTS, CalGet, CalPoint, CalSet, Raw, Request
from sessions.events import Action, Json

AVERAGE_MS = (50, 5000)  # R28
MOST_CHANNELS, MOST_RAW = 16, 2**31 - 1
STRAIGHT = 0.02  # of the heaviest: residuals beyond it are a bend, not noise
LIGHT_N = 50.0  # a line through less is a guess for a body


def request_of(action: Action) -> Request | None:
    """`raw`, `points` and `calibrate`; None for what is none of them, or cannot be."""
    told = action.fields
    channel = told.get("channel", 0)
    if not isinstance(channel, int) or not 0 <= channel < MOST_CHANNELS:
        return None
    match action.kind:
        case "raw":
            avg_ms = told.get("avg_ms", 0)
            return Raw(avg_ms) if isinstance(avg_ms, int) and (not avg_ms or _within(avg_ms, AVERAGE_MS)) else None
        case "points":
            return CalGet(channel)
        case "calibrate":
            day, points = told.get("day", 0), _points(told.get("points"))
            fits = isinstance(day, int) and 0 <= day <= 0xFFFF
            return None if points is None or not isinstance(day, int) or not fits else CalSet(channel, day, points)
    return None


@dataclass(frozen=True, slots=True)
class Point:
    """A known weight, and the mean number that was measured under it."""

    newton: float
    number: float
    moved: float = 0.0  # by how much three means of it differed


@dataclass(frozen=True, slots=True)
class Fit:
    """What is to be stored, and how far the points lie off the line through them."""

    points: tuple[tuple[float, float], ...]  # (number, newton), numbers rising
    residuals_n: tuple[float, ...]  # of the points as they were given
    newton_per_step: float
    straight: bool
    remarks: tuple[str, ...]


class NoLineError(ValueError):
    """The points are none that could be calibrated by; `str()` says why."""


def fit(points: Sequence[Point]) -> Fit:
    """A line through the points; where they bend, as an FSR's do, the points themselves. Raises NoLineError."""
    if not 2 <= len(points) <= MAX_POINTS:
        given = f"{len(points)} point{'' if len(points) == 1 else 's'}"
        raise NoLineError(f"{given}: two to {MAX_POINTS} are needed, one of them without a load")
    ordered = sorted(points, key=lambda point: point.number)
    steps = [(b.number - a.number, b.newton - a.newton) for a, b in pairwise(ordered)]
    if not all(number > 0 for number, _ in steps):
        raise NoLineError("two weights gave the same number: does anything rest on the sensor?")
    if not (all(newton > 0 for _, newton in steps) or all(newton < 0 for _, newton in steps)):
        raise NoLineError("the numbers do not follow the weights: one of them was not what it should be")
    numbers, newtons = (np.array(column) for column in zip(*((p.number, p.newton) for p in ordered), strict=True))
    slope, offset = np.polyfit(numbers, newtons, 1)
    span = float(np.ptp(newtons))
    residuals = tuple(float(point.newton - (slope * point.number + offset)) for point in points)
    straight = max(map(abs, residuals)) <= STRAIGHT * span
    kept = [(float(number), float(newton)) for number, newton in zip(numbers, newtons, strict=True)]
    if straight and len(points) > 2:
        kept = [(number, float(slope * number + offset)) for number in (kept[0][0], kept[-1][0])]
    return Fit(tuple(kept), residuals, float(slope), straight, tuple(_remarks(points, span, float(slope), straight)))


def _remarks(points: Sequence[Point], span: float, slope: float, straight: bool) -> list[str]:
    said = []
    if len(points) == 2:
        said.append("two points fit any line: a third would show how straight it is")
    if not straight:
        said.append("it bends: straight pieces hold between the points, and the heaviest is the end of its range")
    if span < LIGHT_N:
        said.append(f"the heaviest point is {span:.0f} N: a body presses harder, so use more weight if you can")
    said += [
        f"the point of {point.newton:.1f} N moved by {abs(point.moved * slope):.1f} N while it was measured"
        for point in points
        if abs(point.moved * slope) > max(0.5, 0.01 * span)
    ]
    return said


def _points(told: Json) -> tuple[CalPoint, ...] | None:
    if not isinstance(told, list) or len(told) > MAX_POINTS:
        return None
    points = []
    for pair in told:
        match pair:
            case [int() | float() as raw, int() | float() as newton] if abs(raw) <= MOST_RAW and abs(newton) < 1e6:
                points.append(CalPoint(round(raw), float(newton)))
            case _:
                return None
    return tuple(points)


def _within(value: int, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= value <= bounds[1]
