"""The settings: what holds, where it comes from, and a change of it."""

import textwrap
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType

from companion.tui import keys, words
from companion.tui.aside import aside
from companion.tui.books import Setting
from companion.tui.deck import FAILURES, Deck
from companion.tui.messages import SettingChanged
from companion.tui.page import ListPage
from companion.tui.tones import Rows, Tone
from companion.tui.widgets.entry import Entry
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar
from companion.tui.widgets.table import Table

_COLUMNS = (("SETTING", 16), ("VALUE", 18), ("FROM", 14), ("WHAT", 60))


class SettingsScreen(ListPage):
    AUTO_FOCUS: ClassVar[str | None] = "#settings"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("settings")

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._book = deck.settings
        self._rows: tuple[Setting, ...] = ()
        self._told_row = -1

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield Table(id="settings")
        yield Lines(id="said")
        yield Entry(id="entry")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.table.titles(_COLUMNS)
        self.query_one(KeyLine).show(self.BINDINGS)
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self._title)

    def _title(self) -> None:
        self.head("settings", words.plain(self._book.place, 60))

    def say(self, text: str, hint: str = "", tone: Tone | None = None) -> None:
        below = textwrap.wrap(words.plain(hint, 300), max(20, self.size.width - 2))
        rows: Rows = (
            ((f" {words.plain(text, 300)}", tone or self.TONE),),
            *(((f" {line}", Tone.QUIET),) for line in below),
        )
        self.query_one("#said", Lines).paint(rows)

    @work(exclusive=True, group="read")
    async def _read(self, said: str = "") -> None:
        try:
            rows = await aside(self._book.rows, self)
        except FAILURES as error:
            self.say(words.failure(error), tone=Tone.CAUTION)
            return
        self._rows = tuple(rows)
        self.table.fill((setting.name, _cells(setting)) for setting in self._rows)
        self._tell(said)

    def on_data_table_row_highlighted(self) -> None:
        if self.table.cursor_row != self._told_row:  # else the list was only filled anew
            self._tell()

    def _tell(self, said: str = "") -> None:
        here, self._told_row = self._here(), self.table.cursor_row
        if here is not None:
            self.say(said or f"{here.name}: {here.what}", f"allowed: {here.allowed}")

    def _here(self) -> Setting | None:
        place = self.table.place
        return self._rows[place] if place is not None else None

    # --- changing ---

    def action_turn(self, way: int) -> None:
        """The next of a setting's options, or the one before."""
        here = self._here()
        if here is None:
            return
        if not here.options:
            self.action_type()
            return
        place = here.options.index(here.value) if here.value in here.options else -1 if way > 0 else 0
        self._write(here.name, here.options[(place + way) % len(here.options)])

    def action_type(self) -> None:
        here = self._here()
        if here is not None:
            self.entry.ask(f"{here.name}: {here.allowed}", here.value, lambda text: self._typed(here, text))

    def _typed(self, here: Setting, text: str) -> None:
        if text.strip():
            self._write(here.name, text)
        else:
            self.say("nothing is changed", "r takes the default again")

    def action_reset(self) -> None:
        here = self._here()
        if here is not None:
            self._write(here.name, "")

    @work(group="write")
    async def _write(self, name: str, text: str) -> None:
        app = self.app

        def write() -> str:
            said = self._book.write(name, text)
            app.post_message(SettingChanged(name, text))  # it holds, also where this screen was left meanwhile
            return said

        try:
            said = await aside(write, self)
        except FAILURES as error:
            self.say(words.failure(error), tone=Tone.CAUTION)
            return
        self._read(said)

    def action_accept(self) -> None:
        self.action_turn(1)


def _cells(setting: Setting) -> tuple[str, ...]:
    value = words.plain(setting.value, 40) or "-"
    return (words.plain(setting.name, 16), value, words.plain(setting.origin, 20), words.plain(setting.what, 80))
