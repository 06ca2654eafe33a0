"""The smoothing of a stream of scans: spikes out, noise down, and how fast the load rises.

    scans -> median of 3 -> low-pass FIR   -> smooth
                         -> derivative FIR -> ramp_per_s

Any split of the input gives the same bits. This is not luck but arithmetic: the input lies on a grid of 2^-10, the taps
are whole 4096ths, and within `RANGE` every partial sum then fits in the 53 bits of a double. No addition rounds, so the
order in which BLAS adds does not matter, nor does its version, its threads or the processor.

Both filters are symmetric about the same scan, so the delay is one constant for all frequencies. Both are rows of one
banded matrix, so a batch costs one multiplication:

    | l l l . . |             one row per filter and scan: l low-pass, r derivative;
    | r r r . . |   x(t-4)    with 15 taps and 5 scans the matrix is 10 x 19
    | . l l l . | . x(t-3)
    | . r r r . |   x(t-2)
    | . . l l l |   x(t-1)
    | . . r r r |   x(t)

A window that holds an unknown value (NaN, infinite, out of range) or that reaches back before the start gives NaN:
nothing is filled in, and one window later the trace is gone.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sessions.events import Floats, Json

VERSION = 1  # of the parameters in `describe()`
GRID = 2.0**-10  # what every input is a multiple of
TAP_ONE = 4096  # taps are whole numbers of 1/4096
RANGE = 2.0**26  # greater inputs are unknown: their sums would need more than 53 bits
MAX_GAIN = 32  # sum of a filter's absolute taps; 2^26 * 2^5, in steps of 2^-22, is 53 bits

WINDOW_S = 0.15  # with the median and a 40 ms batch it leaves 70 ms of the allowed 200 ms to the link
CUTOFF_HZ = 6.0  # -3 dB; what a hand does to a ball is slower, its tremor (8 to 12 Hz) is faster
PERIOD_S = (0.001, 10.0)  # a ball that claims another period is smoothed with the nearest of these
DESPIKE_DELAY_SCANS = 1  # the median of 3 describes the middle one

_SLAB_ROWS = 256  # scans kept per allocation; small enough for a level 2 cache
_DIRECT_SCANS = 20  # up to here one matrix per batch length is fastest, beyond it blocks (measured)
_SQUARES = RANGE * RANGE

# Beyond some 10 000 elements BLAS shares a sum among threads, which then wait for each other on a busy machine: ten
# times slower, measured. No live batch comes near; a replay's may.
BLAS_ELEMENTS = 8192

Taps = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """As many scans as were fed; all arrays (scans, columns), read-only.

    `despiked[i]` describes the scan `despike_delay_scans` before scan i, `smooth[i]` and `ramp_per_s[i]` the moment
    `delay_s` before it.
    """

    despiked: Floats
    smooth: Floats
    ramp_per_s: Floats


class FirBank:
    """Several FIR filters of one length over the same columns, in one pass, with carried state.

    `taps` are whole 4096ths, oldest scan first. Inputs are multiples of 2^-10 and free of negative zeros; what is not
    within `RANGE` is unknown. `feed(x)` takes (scans, columns) and gives (scans, filters, columns), read-only.
    Whoever computes the input in place writes it to `room(scans)` and calls `run(scans)` instead.
    """

    def __init__(self, taps: Taps, columns: int) -> None:
        if max(sum(map(abs, row)) for row in taps) > MAX_GAIN * TAP_ONE:
            raise ValueError("taps too large for exact sums")
        self._taps = taps
        self._filters = len(taps)
        self._columns = columns
        self._past = len(taps[0]) - 1
        self._block = max(8, len(taps[0]) // 2)
        self._bands: dict[int, Floats] = {}
        self._capacity = 0  # rows of the slab that may be written
        self._end = 0  # rows of the slab that are written
        self._known = 0  # rows without a hole before `_end`; counted up to `_past`, which is all that matters
        self.reset()

    def reset(self) -> None:
        """Forget: what came before is unknown."""
        self._open_slab(0, np.full((self._past, self._columns), np.nan))
        self._known = 0

    def room(self, scans: int) -> Floats:
        """Where the next scans are to be written, (scans, columns), uninitialised."""
        end = self._end
        if end + scans > self._capacity:
            self._open_slab(scans, self._slab[end - self._past : end])
            end = self._end
        return self._slab[end : end + scans]

    def feed(self, x: Floats) -> Floats:
        scans = len(x)
        self.room(scans)[:] = x
        return self.run(scans)

    def run(self, scans: int) -> Floats:
        """Filter the scans that were written to `room(scans)`."""
        start = self._end
        end = self._end = start + scans
        rows = self._slab[start:end]
        # One sum of squares tells whether every value is a number and within range (a comparison with NaN is False).
        if sum_of_squares(rows) <= _SQUARES and self._known >= self._past:
            out = self._multiply(self._slab, start - self._past, scans)
        else:
            out = self._run_with_holes(start, scans)
        out.setflags(write=False)
        return out

    def _multiply(self, source: Floats, first: int, scans: int) -> Floats:
        """(scans, filters, columns) from the rows of `source` from `first` on, all known."""
        if scans <= _DIRECT_SCANS:
            band = self._band(scans)
            out: Floats = np.dot(band, source[first : first + scans + self._past])
            return out.reshape(scans, self._filters, self._columns)
        # Overlapping blocks, one small matrix for all of them. The last block may read on past the last scan: the slab
        # has zeros or old numbers there, and those rows are cut off again.
        block = self._block
        blocks = -(-scans // block)
        stride = source.strides[0]
        overlapping: Floats = np.ndarray(
            (blocks, block + self._past, self._columns),
            np.float64,
            source,
            first * stride,
            (block * stride, stride, source.itemsize),
        )
        out = np.matmul(self._band(block), overlapping)
        return out.reshape(blocks * block, self._filters, self._columns)[:scans]

    def _run_with_holes(self, start: int, scans: int) -> Floats:
        """The same sums where every value of a window is known, NaN elsewhere."""
        past = self._past
        rows = self._slab[start : start + scans]
        rows[~(np.abs(rows) <= RANGE)] = np.nan
        window = self._slab[start - past : start + scans]
        hole = np.isnan(window)
        filled = np.zeros((past + scans + self._block, self._columns))
        np.copyto(filled[: past + scans], window, where=~hole)
        out = self._multiply(filled, 0, scans)
        holes_before = np.zeros((past + scans + 1, self._columns), dtype=np.intp)
        np.cumsum(hole, axis=0, out=holes_before[1:])
        holed = holes_before[past + 1 :] != holes_before[:scans]
        np.copyto(out, np.nan, where=holed[:, np.newaxis, :])
        holed_rows = np.flatnonzero(hole.any(axis=1))
        self._known = past + scans - 1 - int(holed_rows[-1]) if len(holed_rows) else past
        return out

    def _band(self, scans: int) -> Floats:
        band = self._bands.get(scans)
        if band is None:
            band = self._bands[scans] = _band_matrix(self._taps, scans)
        return band

    def _open_slab(self, scans: int, past: Floats) -> None:
        """Rows are written once and handed out as views, so a full slab is left to its readers."""
        self._capacity = max(_SLAB_ROWS, self._past + scans)
        self._slab = np.zeros((self._capacity + self._block, self._columns))
        self._slab[: self._past] = past
        self._end = self._past


class Smoother:
    """Despikes, low-passes and differentiates `columns` columns at once; state carried from batch to batch.

    Inputs are (scans, columns) multiples of 2^-10 in any unit, NaN where unknown, one scan every `period_s`. A period
    that is off by some per cent (R23 allows a ball 20) scales `ramp_per_s` and the cut-off by as much, nothing else.
    `fresh` says that the scans before are not the neighbours of these: the windows start anew. `despiked` is known from
    the 3rd scan of a start on, the others from scan 2 + taps on.
    """

    despike_delay_scans = DESPIKE_DELAY_SCANS

    def __init__(self, columns: int, period_s: float, taps: Taps | None = None) -> None:
        """`taps`: as described once, low-pass and derivative; None: those of this version."""
        self.period_s = period_s
        self._columns = columns
        self._design_s = min(max(period_s, PERIOD_S[0]), PERIOD_S[1])
        self._taps = design(self._design_s) if taps is None else taps
        self._bank = FirBank(self._taps, columns)
        self._raw = np.empty((2 * _SLAB_ROWS, columns))
        self._raw_end = 0
        self._forget()

    @property
    def delay_s(self) -> float:
        """Age of what `smooth` and `ramp_per_s` describe, the same for all frequencies."""
        return (DESPIKE_DELAY_SCANS + len(self._taps[0]) // 2) * self._design_s

    def describe(self) -> dict[str, Json]:
        """All that is needed to compute it again."""
        lowpass, ramp = self._taps
        return {
            "version": VERSION,
            "period_s": self._design_s,
            "scan_s": self.period_s,
            "delay_s": self.delay_s,
            "despike": "median of 3 scans",
            "despike_delay_scans": DESPIKE_DELAY_SCANS,
            "grid": GRID,
            "range": RANGE,
            "tap_one": TAP_ONE,
            "lowpass_taps": list(lowpass),
            "ramp_taps": list(ramp),
        }

    def feed(self, x: Floats, fresh: bool = False) -> Smoothed:
        scans, columns = x.shape
        if columns != self._columns:
            raise ValueError(f"{columns} columns instead of {self._columns}")
        if fresh:
            self._bank.reset()
            self._forget()
        end = self._raw_end + scans
        if end > len(self._raw):
            end = self._rewind(scans)
        raw = self._raw
        newest = raw[end - scans : end]
        np.add(x, 0.0, out=newest)  # a copy, in which -0.0 has become 0.0: which zero is the least would be chance
        middle = raw[end - scans - 1 : end - 1]
        oldest = raw[end - scans - 2 : end - 2]
        self._raw_end = end
        despiked = self._bank.room(scans)
        np.minimum(oldest, middle, out=despiked)
        high = np.maximum(oldest, middle)
        np.minimum(high, newest, out=high)
        np.maximum(despiked, high, out=despiked)
        filtered = self._bank.run(scans)
        despiked.setflags(write=False)
        return Smoothed(despiked, filtered[:, 0], filtered[:, 1])

    def _forget(self) -> None:
        self._raw[:2] = np.nan
        self._raw_end = 2

    def _rewind(self, scans: int) -> int:
        """Room for more scans behind the last two; where they will end."""
        last = self._raw[self._raw_end - 2 : self._raw_end].copy()
        if scans + 2 > len(self._raw):
            self._raw = np.empty((2 + scans, self._columns))
        self._raw[:2] = last
        return 2 + scans


def sum_of_squares(x: Floats) -> float:
    """NaN if any element is; the cheapest look at all elements there is."""
    if x.size <= BLAS_ELEMENTS:
        return float(np.vdot(x, x))
    flat = x.ravel()
    return float(np.einsum("i,i->", flat, flat))


@lru_cache(maxsize=64)
def design(period_s: float) -> Taps:
    """(low-pass taps, derivative taps), whole 4096ths, oldest scan first, an odd number of them."""
    half = max(1, round((WINDOW_S / period_s - 1) / 2))
    offsets = np.arange(-half, half + 1)
    window: Floats = 0.5 + 0.5 * np.cos(np.pi * offsets / (half + 1))  # Hann, without its zero ends
    return _lowpass(offsets, window, period_s), _derivative(offsets, window, period_s)


def _lowpass(offsets: NDArray[np.int_], window: Floats, period_s: float) -> tuple[int, ...]:
    """A windowed sinc, its edge moved until the response at the cut-off is -3 dB. The taps sum to one."""
    cutoff = min(CUTOFF_HZ * period_s, 0.3)  # cycles per scan; slow balls have nothing above half a cycle
    cosine = np.cos(2 * np.pi * cutoff * offsets)
    low, high = 0.0, 0.5
    kernel = window
    for _ in range(40):
        edge = (low + high) / 2
        kernel = window * np.sinc(2 * edge * offsets)
        kernel = kernel / kernel.sum()
        if float(kernel @ cosine) < math.sqrt(0.5):
            low = edge
        else:
            high = edge
    taps = np.rint(kernel * TAP_ONE).astype(int)
    taps[len(taps) // 2] += TAP_ONE - int(taps.sum())
    return tuple(taps.tolist())


def _derivative(offsets: NDArray[np.int_], window: Floats, period_s: float) -> tuple[int, ...]:
    """Slope of the weighted least-squares line: right for a ramp, and at the middle of a parabola."""
    slope = offsets * window / (period_s * float(offsets * offsets @ window))
    taps = np.rint(slope * TAP_ONE).astype(int)
    # What rounding did to the slope of a ramp is put back where it weighs least.
    short = TAP_ONE / period_s - int(offsets @ taps)
    middle = len(taps) // 2
    taps[middle + 1] += round(short / 2)
    taps[middle - 1] -= round(short / 2)
    return tuple(taps.tolist())


@lru_cache(maxsize=256)
def _band_matrix(taps: Taps, scans: int) -> Floats:
    """(scans * filters, scans + taps - 1): row `i * filters + f` is filter f, shifted by i. Shared, read-only."""
    length = len(taps[0])
    band = np.zeros((scans, len(taps), scans + length - 1))
    for scan in range(scans):
        band[scan, :, scan : scan + length] = taps
    matrix: Floats = band.reshape(scans * len(taps), scans + length - 1) / TAP_ONE
    matrix.setflags(write=False)
    return matrix
