"""A whole session, or a part of it, as a trace with its gaps and events."""

from collections.abc import Sequence

import numpy as np
from textual import events

from companion.tui.curve import AXIS_CELLS, lane, time_row, trace_rows
from companion.tui.deck import Gap
from companion.tui.tones import Tone
from companion.tui.widgets.painted import Painted
from sessions.events import Event, Floats

SHORTEST_S = 2.0  # the closest one can look
JUMP_SPAN_S = 60.0  # what is seen around a moment that was gone to


class SessionPlot(Painted):
    """Zooms and pans; never draws what was not measured."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self._t_s: Floats = np.zeros(0)
        self._kpa: Floats = np.zeros(0)
        self._gaps: Sequence[Gap] = ()
        self._events: Sequence[Event] = ()
        self._loaded = False
        self.from_s = self.to_s = 0.0

    def load(self, t_s: Floats, pressure_kpa: Floats, gaps: Sequence[Gap], happened: Sequence[Event]) -> None:
        order = np.argsort(t_s, kind="stable")  # back-filled scans may stand after later ones
        self._t_s, self._kpa = np.asarray(t_s)[order], np.asarray(pressure_kpa)[order]
        self._gaps, self._events, self._loaded = gaps, happened, True
        self.fit()

    def happened(self, happened: Sequence[Event]) -> None:
        """What stands on the lane has changed."""
        self._events = happened
        self._draw()

    @property
    def length_s(self) -> float:
        return float(self._t_s[-1]) if len(self._t_s) else 0.0

    def fit(self) -> None:
        """The whole session."""
        self.from_s, self.to_s = 0.0, self.length_s + 1e-6
        self._draw()

    def zoom(self, factor: float) -> None:
        """Look closer (factor below 1) or from further away, at the same middle."""
        middle = (self.from_s + self.to_s) / 2
        span_s = min(max((self.to_s - self.from_s) * factor, SHORTEST_S), self.length_s + 1e-6)
        self._look_at(middle - span_s / 2, span_s)

    def pan(self, parts: float) -> None:
        """Move along by a part of what is seen."""
        span_s = self.to_s - self.from_s
        self._look_at(self.from_s + parts * span_s, span_s)

    def go_to(self, at_s: float) -> None:
        """Have a moment in the middle of what is seen; from far away, look closer."""
        span_s = min(self.to_s - self.from_s, JUMP_SPAN_S)
        self._look_at(at_s - span_s / 2, span_s)

    def _look_at(self, from_s: float, span_s: float) -> None:
        self.from_s = min(max(0.0, from_s), max(0.0, self.length_s + 1e-6 - span_s))
        self.to_s = self.from_s + span_s
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        width, height = self.size.width - AXIS_CELLS, self.size.height - 2
        if width < 2 or height < 1 or not self._loaded:
            self.paint(())
            return
        if len(self._t_s) == 0:
            self.paint((((" nothing was measured", Tone.QUIET),),))
            return
        plot = trace_rows(self._t_s, self._kpa, self.from_s, self.to_s, width, height)
        signs = lane(self._gaps, self._events, self.from_s, self.to_s, width)
        self.paint((*plot, ((" " * AXIS_CELLS + signs, Tone.STRONG),), time_row(self.from_s, self.to_s, width)))
