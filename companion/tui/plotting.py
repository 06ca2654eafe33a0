"""Drawing with characters: numpy in, one string per text row out. Knows no terminal and no Textual.

Bins keep the smallest and the largest value of a fixed stretch of absolute time, so that a peak neither shimmers as
the window scrolls nor is lost however short it is. What was not measured is NaN, and stays blank.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from companion.tui.glyphs import GLYPHS, ROWS
from sessions.events import Floats

Bins = tuple[Floats, Floats]  # (lo, hi), one pair per column of dots, oldest first

_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.uint8)
_BRAILLE = 0x2800
_EIGHTHS = np.array([ord(sign) for sign in " ▁▂▃▄▅▆▇█"], dtype="<u4")
_HALVES = np.array([ord(sign) for sign in " ▀▄█"], dtype="<u4")
_DASH = "┄"
_DOTTED = 4  # a threshold is dotted at every fourth column of dots
LEAST_TOP = 10.0  # of a pressure axis, in kPa: the noise of an untouched ball is not to look like a session
SCALES = (4, 2, 1)  # of large letters: 14, 7 and 4 rows


class BinRing:
    """The newest `bins` stretches of time, each with its least and greatest value."""

    def __init__(self, window_s: float, bins: int) -> None:
        self.bins = bins
        self.bin_s = window_s / bins
        self.head = -1  # number of the newest bin, counted from time 0
        self._lo = np.full(bins, np.nan)
        self._hi = np.full(bins, np.nan)

    def feed(self, t_s: Floats, values: Floats) -> None:
        """Take scans in any order. Times that are no number are dropped; values that are none stay unknown."""
        timed = np.isfinite(t_s)
        if not timed.any():
            return
        at = np.floor(t_s[timed] / self.bin_s).astype(np.int64)
        values = values[timed]
        self._reach(int(at.max()))
        kept = (at > self.head - self.bins) & np.isfinite(values)
        slots = at[kept] % self.bins
        np.fmin.at(self._lo, slots, values[kept])
        np.fmax.at(self._hi, slots, values[kept])

    def advance(self, t_s: float) -> None:
        """Let time pass without data: what the window shows moves on, and the missing time is blank."""
        if math.isfinite(t_s):
            self._reach(math.floor(t_s / self.bin_s))

    def ordered(self) -> Bins:
        """Copies, oldest bin first."""
        shift = -((self.head + 1) % self.bins)
        return np.roll(self._lo, shift), np.roll(self._hi, shift)

    def _reach(self, head: int) -> None:
        if head <= self.head:
            return
        fresh = np.arange(max(self.head + 1, head - self.bins + 1), head + 1) % self.bins
        self._lo[fresh] = self._hi[fresh] = np.nan
        self.head = head


def envelope(t_s: Floats, values: Floats, from_s: float, to_s: float, bins: int) -> Bins:
    """The least and greatest value in each of `bins` equal stretches of [from_s, to_s); NaN where there is none."""
    lo, hi = np.full(bins, np.nan), np.full(bins, np.nan)
    if to_s <= from_s:
        return lo, hi
    kept = (t_s >= from_s) & (t_s < to_s) & np.isfinite(values)
    at = np.minimum(((t_s[kept] - from_s) * (bins / (to_s - from_s))).astype(np.int64), bins - 1)
    np.fmin.at(lo, at, values[kept])
    np.fmax.at(hi, at, values[kept])
    return lo, hi


def bridged(bins: Bins, most: int) -> Bins:
    """Fill runs of at most `most` empty bins between two full ones with the value before them.

    For scans that are further apart than bins are wide: between two neighbours nothing is missing.
    """
    lo, hi = bins
    full = np.isfinite(lo)
    if most <= 0 or full.all() or not full.any():
        return bins
    places = np.arange(len(lo))
    before = np.maximum.accumulate(np.where(full, places, -1))
    after = np.minimum.accumulate(np.where(full, places, len(lo))[::-1])[::-1]
    short = ~full & (before >= 0) & (after < len(lo)) & (after - before - 1 <= most)
    source = np.where(short, before, places)
    return lo[source], hi[source]


def braille_rows(
    bins: Bins, rows: int, low: float, high: float, thresholds: tuple[float, ...] = (), band: tuple[float, ...] = ()
) -> list[str]:
    """The trace as dots, two columns of them per cell. `bins` has an even number of columns.

    `thresholds` are dotted, the edges of a `band` twice as close.
    Neighbours are joined by a vertical line, except across a blank. Values outside the scale lie on its edge.
    """
    lo, hi = bins
    height, columns = rows * 4, len(lo)
    scale = (height - 1) / (high - low)
    with np.errstate(invalid="ignore"):
        top = np.clip(np.rint((high - hi) * scale), 0, height - 1)
        bottom = np.clip(np.rint((high - lo) * scale), 0, height - 1)
        above, below = np.roll(bottom, 1), np.roll(top, 1)
        above[:1] = below[:1] = np.nan
        joined_top = np.where(above + 1 < top, above + 1, top)
        joined_bottom = np.where(below - 1 > bottom, below - 1, bottom)
        level = np.arange(height)[:, None]
        dots = (level >= joined_top) & (level <= joined_bottom)  # NaN compares False: a blank
    for threshold in thresholds:
        if low < threshold < high:
            dots[round((high - threshold) * scale), ::_DOTTED] = True
    for edge in band:
        if low <= edge < high:
            dots[round((high - edge) * scale), :: _DOTTED // 2] = True
    weights: NDArray[np.uint8] = dots.reshape(rows, 4, columns // 2, 2) * _DOTS[None, :, None, :]
    cells = weights.sum((1, 3), dtype=np.uint8)
    # A blank cell is a real space: one byte instead of three, and nothing to read aloud or copy.
    return _text(np.where(cells, cells.astype("<u4") + _BRAILLE, ord(" ")))


def area_rows(high_values: ArrayLike, rows: int, low: float, high: float, band: tuple[float, ...] = ()) -> list[str]:
    """A solid area in eighths of a cell, one column per value: readable across a room.

    The edges of a `band` are dashed where the area leaves them blank.
    """
    values = np.asarray(high_values, dtype=float)
    eighths = np.nan_to_num((values - low) / (high - low) * rows * 8, nan=0.0)
    floor = np.arange(rows - 1, -1, -1)[:, None] * 8
    drawn = _text(_EIGHTHS[np.clip(np.rint(eighths[None, :] - floor), 0, 8).astype(np.intp)])
    for edge in band:
        if low <= edge < high:
            row = min(rows - 1, int((high - edge) / (high - low) * rows))
            drawn[row] = drawn[row].replace(" ", _DASH)
    return drawn


def big_rows(text: str, scale: int) -> list[str]:
    """Large letters, 5 * scale cells wide. Scale 1 is 4 rows high, 2 is 7, 4 is 14. Unknown signs are blank."""
    gap = np.zeros((ROWS, 1), dtype=bool)
    parts: list[NDArray[np.bool_]] = []
    for sign in text:
        parts += [GLYPHS.get(sign, GLYPHS[" "]), gap]
    if not parts:
        return []
    dots = np.kron(np.hstack(parts[:-1]), np.ones((scale, scale), dtype=bool)).astype(bool)
    if len(dots) % 2:
        dots = np.vstack([dots, np.zeros((1, dots.shape[1]), dtype=bool)])
    return _text(_HALVES[dots[0::2] * 1 + dots[1::2] * 2])


def fitting_rows(text: str, width: int, height: int, largest: int = SCALES[0]) -> list[str]:
    """Large letters as large as they fit; or the text itself; or, lest half a number be read, `###`."""
    for scale in SCALES:
        rows = big_rows(text, scale) if scale <= largest else []
        if rows and len(rows) <= height and len(rows[0]) <= width:
            return rows
    return [text if len(text) <= width else "#" * width] if height > 0 else []


def nice_top(value: float) -> float:
    """The next round number at or above a value: the end of an axis."""
    if not math.isfinite(value) or value <= 0:
        return 1.0
    ten = 10.0 ** math.floor(math.log10(value))
    return next(step * ten for step in (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0) if step * ten >= value)


def _text(codes: NDArray[np.generic]) -> list[str]:
    rows, columns = codes.shape
    text = codes.astype("<u4").tobytes().decode("utf-32-le")
    return [text[row * columns : (row + 1) * columns] for row in range(rows)]
