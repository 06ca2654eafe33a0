"""The last thirty seconds of pressure."""

import math

from textual import events

from companion.tui.curve import AXIS_CELLS, axis_rows
from companion.tui.face import Now
from companion.tui.plotting import LEAST_TOP, BinRing, area_rows, braille_rows, bridged, nice_top
from companion.tui.scanring import ScanRing
from companion.tui.tones import Row, Rows, Tone
from companion.tui.widgets.painted import Painted

WINDOW_S = 30.0
_BAND_ROOM = 1.25  # of its upper edge: the band of a program has most of the height
_LOW = 4  # rows: with no more than these the times are left out


class Trace(Painted):
    """A trace of dots, or (`solid`) an area one can see from afar. Drawn anew only when a new bin has begun.

    A thirty second window on 115 cells changes 7.7 times a second: more frames would show the same picture.
    """

    def __init__(self, *, id: str | None = None, solid: bool = False) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self._solid = solid
        self._bins = BinRing(WINDOW_S, 2)
        self._taken = 0  # scans of the ring already in the bins
        self._drawn: tuple[object, ...] = ()
        self._shown: tuple[Now, ScanRing] | None = None

    def on_resize(self, event: events.Resize) -> None:
        columns = max(1, event.size.width - AXIS_CELLS) * (1 if self._solid else 2)
        self._bins = BinRing(WINDOW_S, columns)
        self._taken = 0
        self._drawn = ()
        if self._shown is not None:
            self.show(*self._shown)

    def show(self, now: Now, ring: ScanRing) -> None:
        """Take what is new in the ring and, if that opens a bin, draw."""
        self._shown = now, ring
        snapshot = now.snapshot
        if snapshot.count > self._taken:
            self._bins.feed(*ring.between(self._taken, snapshot.count))
            self._taken = snapshot.count
        if now.stale:  # what shows must move on, or a lost signal would look like a steady one
            self._bins.advance(now.session_s)
        drawn = (self._bins.head, snapshot.marks, _band(now), self.size)
        if drawn != self._drawn:
            self._drawn = drawn
            self.paint(self._draw(now))

    def _draw(self, now: Now) -> Rows:
        timed = self.size.height > _LOW
        width, height = self.size.width - AXIS_CELLS, self.size.height - timed
        if width < 2 or height < 1:
            return ()
        snapshot = now.snapshot
        period_s = snapshot.period_s if math.isfinite(snapshot.period_s) else 0.0
        bins = bridged(self._bins.ordered(), math.ceil(1.5 * period_s / self._bins.bin_s) - 1)
        seen = max((value for value in bins[1].tolist() if value == value), default=0.0)
        marks = snapshot.marks
        edges, band = marks.edges if marks is not None else (), _band(now)
        usual = marks.over * 1.1 if marks is not None else LEAST_TOP
        top = nice_top(max(seen, band[1] * _BAND_ROOM if band else usual))
        lines = () if band else edges[1:]  # the lowest lies so close to zero that it would only hide the trace
        if self._solid:
            drawn = area_rows(bins[1], height, 0.0, top, band)
        else:
            drawn = braille_rows(bins, height, 0.0, top, lines, band)
        axis = axis_rows(height, top, edges, band)
        rows = tuple(((label, tone), (text, tone)) for (label, tone), text in zip(axis, drawn, strict=True))
        return (*rows, _time_row(width)) if timed else rows


def _band(now: Now) -> tuple[float, ...]:
    """Where a program wants the pressure."""
    return () if now.coach is None or not now.snapshot.judged else now.coach.band_kpa


def _time_row(width: int) -> Row:
    left, right = f"-{WINDOW_S:.0f} s", "now"
    return ((" " * AXIS_CELLS + left + right.rjust(max(0, width - len(left))), Tone.QUIET),)
