"""Where the pressure stands among the zones."""

from companion.tui.face import Now, gauge_rows
from companion.tui.widgets.painted import Painted


class Gauge(Painted):
    """Zone words, a bar of their patterns, and a marker: three signs besides the colour."""

    def show(self, now: Now) -> None:
        self.paint(gauge_rows(now, self.size.width, bar_rows=max(1, self.size.height - 2)))
