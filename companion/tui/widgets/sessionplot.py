"""A whole session, or a part of it, as a trace with its gaps and events."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from textual import events

from companion.tui import words
from companion.tui.deck import Gap
from companion.tui.plotting import LEAST_TOP, braille_rows, bridged, envelope, nice_top
from companion.tui.tones import Row, Rows, Tone
from companion.tui.widgets.painted import Painted
from companion.tui.widgets.trace import AXIS_CELLS, axis_rows
from sessions.events import Action, Alert, Event, Floats, Level, Phase

SHORTEST_S = 2.0  # the closest one can look
_GAP_SIGN, _MARK_SIGN, _CAUTION_SIGN, _STOP_SIGN = "~", "m", "!", "X"


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
        lane = "".join(_lane(self._gaps, self._events, self.from_s, self.to_s, width))
        self.paint((*plot, ((" " * AXIS_CELLS + lane, Tone.STRONG),), _time_row(self.from_s, self.to_s, width)))


def trace_rows(t_s: Floats, kpa: Floats, from_s: float, to_s: float, width: int, height: int) -> Rows:
    """The part of a session in [from_s, to_s), with its axis. Scans next to each other are joined; gaps are not."""
    bins = envelope(t_s, kpa, from_s, to_s, 2 * width)
    steps = np.diff(t_s[:: max(1, len(t_s) // 100_000)] if len(t_s) > 200_000 else t_s)
    period_s = float(np.median(steps)) if len(steps) else 0.0
    bins = bridged(bins, math.ceil(1.5 * period_s / ((to_s - from_s) / (2 * width))) - 1)
    known = kpa[np.isfinite(kpa)]
    top = nice_top(max(LEAST_TOP, float(known.max()) if len(known) else 0.0))
    drawn = braille_rows(bins, height, 0.0, top)
    axis = axis_rows(height, top, ())
    return tuple(((label, tone), (text, Tone.PLAIN)) for (label, tone), text in zip(axis, drawn, strict=True))


def _lane(gaps: Iterable[Gap], happened: Iterable[Event], from_s: float, to_s: float, width: int) -> list[str]:
    """One sign per cell for what happened in it; the more urgent one stands."""
    lane = [" "] * width
    per_s = width / (to_s - from_s)
    for gap in gaps:
        first, last = int((gap.from_s - from_s) * per_s), int((gap.to_s - from_s) * per_s)
        for cell in range(max(0, first), min(width - 1, last) + 1):
            lane[cell] = _GAP_SIGN
    signs = [(at, sign) for at, sign in ((_time_of(event), sign_of(event)) for event in happened) if sign]
    for wanted in (_MARK_SIGN, _CAUTION_SIGN, _STOP_SIGN):
        for at_s, sign in signs:
            if sign == wanted and from_s <= at_s < to_s:
                lane[min(width - 1, int((at_s - from_s) * per_s))] = sign
    return lane


def _time_of(event: Event) -> float:
    at_s = getattr(event, "t_s", None)
    return at_s if isinstance(at_s, int | float) else -1.0


def sign_of(event: Event) -> str:
    """The sign of an event on the lane under the plot; empty for what has none."""
    match event:
        case Alert(level=Level.STOP, phase=Phase.RAISED | Phase.ESCALATED):
            return _STOP_SIGN
        case Alert(level=Level.CAUTION | Level.TECHNICAL, phase=Phase.RAISED | Phase.ESCALATED):
            return _CAUTION_SIGN
        case Action(kind="mark"):
            return _MARK_SIGN
        case _:
            return ""


def _time_row(from_s: float, to_s: float, width: int) -> Row:
    left, right = words.clock(from_s), words.clock(to_s)
    legend = f"{_GAP_SIGN} gap  {_STOP_SIGN} stop  {_CAUTION_SIGN} warning  {_MARK_SIGN} mark"
    room = max(0, width - len(left) - len(right))
    return ((" " * AXIS_CELLS + left + (legend if len(legend) + 4 < room else "").center(room) + right, Tone.QUIET),)
