"""What the keys do, what the words mean, and what this is not."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from companion.tui import keys
from companion.tui.guidebook import help_text
from companion.tui.keys import Key
from companion.tui.messages import GoBack
from companion.tui.tones import Tone
from companion.tui.widgets.lines import KeyLine, TitleBar


class HelpScreen(Screen[None]):
    """`first`: the screen it was asked for on. `table`: the keys as they are now."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("help")

    def __init__(self, first: str = "", table: Mapping[str, Sequence[Key]] = keys.TABLE) -> None:
        super().__init__()
        self._text = help_text(first, table)

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        with VerticalScroll(id="help"):
            yield Static(Content(self._text))
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.query_one(KeyLine).show(self.BINDINGS)

    def on_resize(self) -> None:
        self.call_after_refresh(self._title)

    def _title(self) -> None:
        self.query_one(TitleBar).show((("knead", Tone.STRONG), ("  help", Tone.PLAIN)), ())

    def action_scroll(self, rows: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)

    def action_page(self, way: int) -> None:
        scroll = self.query_one(VerticalScroll)
        scroll.scroll_relative(y=way * max(1, scroll.size.height - 2), animate=False)

    def action_leave(self) -> None:
        self.post_message(GoBack(self))
