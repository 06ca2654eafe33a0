"""A whole session at a glance."""

import numpy as np
from textual import events

from companion.tui.plotting import LEAST_TOP, area_rows, envelope, nice_top
from companion.tui.tones import Rows, Tone
from companion.tui.widgets.painted import Painted
from sessions.events import Floats


class Preview(Painted):
    """A solid area over the whole width, with its scale in words above it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self._data: tuple[Floats, Floats] | None = None

    def clear(self) -> None:
        self._data = None
        self.paint(())

    def show(self, t_s: Floats, pressure_kpa: Floats) -> None:
        self._data = (t_s, pressure_kpa)
        self.paint(preview_rows(t_s, pressure_kpa, self.size.width, self.size.height))

    def on_resize(self, event: events.Resize) -> None:
        if self._data is not None:
            self.paint(preview_rows(*self._data, event.size.width, event.size.height))


def preview_rows(t_s: Floats, pressure_kpa: Floats, width: int, height: int) -> Rows:
    """The greatest pressure of each column's stretch of time; blank where nothing was measured."""
    if width < 1 or height < 2:
        return ()
    if not np.isfinite(pressure_kpa).any():
        return ((("no pressure is known" if len(t_s) else "nothing was measured", Tone.QUIET),),)
    _, hi = envelope(t_s, pressure_kpa, float(t_s[0]), float(t_s[-1]) + 1e-9, width)
    peak = max((value for value in hi.tolist() if value == value), default=0.0)
    top = nice_top(max(peak, LEAST_TOP))
    area = area_rows(hi, height - 1, 0.0, top)
    head = (f"0 to {top:.0f} kPa", Tone.QUIET)
    return ((head,), *(((row, Tone.LIGHT),) for row in area))
