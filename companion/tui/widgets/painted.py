"""The base of our widgets: rows of spans, painted as they are."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from companion.tui import palette
from companion.tui.tones import Rows, Tone


class Painted(Widget):
    """A widget that shows rows of spans from its top left corner. Repaints only when the rows differ.

    Every segment carries a style: Textual's monochrome filter, which NO_COLOR turns on, fails on one without.
    """

    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id, classes=classes)
        self._rows: Rows = ()

    @property
    def rows(self) -> Rows:
        return self._rows

    @property
    def text(self) -> str:
        """What is shown, without its tones."""
        return "\n".join("".join(text for text, _ in row) for row in self._rows)

    def paint(self, rows: Rows) -> None:
        """Show these rows from now on."""
        if rows != self._rows:
            self._rows = rows
            self.refresh()

    def tone(self, tone: Tone) -> Style:
        """A tone as it looks here and now."""
        return palette.style(self.app.theme, tone)

    def render_line(self, y: int) -> Strip:
        base, width = self.rich_style, self.size.width
        if y >= len(self._rows):
            return Strip.blank(width, base)
        segments = [Segment(text, base + self.tone(tone)) for text, tone in self._rows[y] if text]
        return Strip(segments).adjust_cell_length(width, base)
