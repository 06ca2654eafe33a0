"""From a foreign device's numbers to the 16-bit counts that all values travel in, and its zero."""

import math
from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from firmware_protocol.driver import Unit
from firmware_protocol.foreign.known import Known, Points
from firmware_protocol.messages import MAX_VALUE, NO_VALUE, SATURATED

Floats = NDArray[np.float64]
Counts = NDArray[np.int16]

LSB_N = 0.05  # finer than any of these devices resolves, and reaches 1638 N
TRUST = 0.05  # R28: a zero beyond this share of full scale was taken under load
MOVED = 0.01  # R28: of full scale, while a zero is taken
COARSEST = 128.0  # counts beyond 2^22 are none further on
ROOM = 1.1  # a stated full scale is shown with this much above it

_NO_ENDS = ((-math.inf, 0.0), (math.inf, 0.0))


class Scale:
    """`newtons`: per channel what one step of its numbers is, None unknown. Where all channels have points or newtons
    the unit is newtons, in steps of `fine_n`; else the numbers stay counts, in steps of `coarse`. `rail`: numbers of
    this size are the converter's end.
    """

    def __init__(
        self,
        known: Known,
        newtons: Sequence[float | None],
        *,
        fine_n: float = LSB_N,
        coarse: float = 1.0,
        rail: float = math.inf,
    ) -> None:
        self.channels = len(newtons)
        self._points: tuple[Points, ...] = known.points if len(known.points) == self.channels else ()
        told = [step for step in newtons if step is not None]
        in_newtons = bool(self._points) or len(told) == self.channels
        self.unit = Unit.NEWTON if in_newtons else Unit.RAW
        self.cal_crc = checksum(self._points)
        self._factors = np.array(told if in_newtons and not self._points else [1.0] * self.channels)
        if known.invert and not self._points:  # points say themselves which way pressing goes
            self._factors = -self._factors
        self._rail = min(rail, known.full_scale or math.inf)
        # Of a line two points are enough, wherever it ends. Points that bend say nothing of what lies beyond the last.
        bends = known.full_scale is None and any(len(points) > 2 for points in self._points)
        ends = [(points[0], points[-1]) if bends else _NO_ENDS for points in self._points] or [_NO_ENDS]
        self._least = np.array([low[0] if low[1] > high[1] else -math.inf for low, high in ends])
        self._most = np.array([high[0] if high[1] > low[1] else math.inf for low, high in ends])
        self._zero = np.zeros(self.channels)
        most = 0.0
        if known.full_scale is not None:
            most = float(np.abs(self._meant(np.full((1, self.channels), known.full_scale))).min())
        elif known.full_scale_n is not None and in_newtons:
            most = known.full_scale_n
        elif bends:
            most = min(max(low[1], high[1]) for low, high in ends)
        self.lsb = _step(fine_n, most) if in_newtons else min(_step(coarse, most), COARSEST)
        self.full_scale = min(round(most / self.lsb), MAX_VALUE)  # in lsb; 0 unknown
        if len(known.zero) == self.channels:
            self._zero = self._meant(np.array([known.zero]))[0]

    def counts(self, numbers: Floats) -> Counts:
        """(scans, channels), read-only: after points and zero; NaN has no value."""
        with np.errstate(invalid="ignore", over="ignore"):
            steps = np.rint((self._meant(numbers) - self._zero) / self.lsb)
            ends = self._ends(numbers) | (np.abs(steps) > MAX_VALUE)
        steps = np.where(ends, np.copysign(SATURATED, steps), steps)
        counts: Counts = np.where(np.isfinite(numbers) & np.isfinite(steps), steps, NO_VALUE).astype(np.int16)
        counts.setflags(write=False)
        return counts

    def moved(self, numbers: Floats) -> bool:
        """Whether a channel moved by more than a zero may while it is taken."""
        steps = np.ptp(self._meant(numbers), axis=0) / self.lsb
        return bool(steps.max() > MOVED * (self.full_scale or MAX_VALUE))

    def at_end(self, numbers: Floats) -> bool:
        return bool((~np.isfinite(numbers)).any() or self._ends(numbers).any())

    def zero(self, numbers: Floats) -> tuple[int, bool]:
        """What these (channels,) numbers mean is zero from now on: the largest in lsb, and whether to trust it."""
        self._zero = self._meant(numbers[None, :])[0]
        value = round(float(self._zero[np.abs(self._zero).argmax()]) / self.lsb)
        return value, abs(value) <= TRUST * (self.full_scale or MAX_VALUE)

    def _ends(self, numbers: Floats) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = np.abs(numbers) >= self._rail
        return found | (numbers > self._most) | (numbers < self._least)

    def _meant(self, numbers: Floats) -> Floats:
        if not self._points:
            return np.asarray(numbers * self._factors)
        columns = [_along(points, numbers[:, channel]) for channel, points in enumerate(self._points)]
        return np.stack(columns, axis=1)


def _along(points: Points, numbers: Floats) -> Floats:
    """Piecewise linear, the end pieces extended (R30)."""
    raw, newton = np.array(points).T
    upper = np.clip(np.searchsorted(raw, numbers, side="left"), 1, len(raw) - 1)
    slope = (newton[upper] - newton[upper - 1]) / (raw[upper] - raw[upper - 1])
    return np.asarray(newton[upper - 1] + (numbers - raw[upper - 1]) * slope)


def _step(least: float, most: float) -> float:
    """A step of whole multiples of `least` with which `most` is well within 16 bits."""
    return least * max(1, math.ceil(ROOM * most / (MAX_VALUE * least)))


def checksum(points: tuple[Points, ...]) -> int:
    """Changes whenever the points do; 0: none."""
    return crc32(repr(points).encode()) & 0xFFFF or 1 if points else 0
