"""The log: every session kept, with a preview that shows its shape."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable

from companion.tui import words
from companion.tui.aside import aside
from companion.tui.deck import FAILURES, Deck, SessionRow
from companion.tui.messages import GoBack, GoHome, OpenSession, ShowHelp
from companion.tui.tones import Tone
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar
from companion.tui.widgets.preview import Preview

_COLUMNS = (
    ("WHEN", 17),
    ("LENGTH", 7),
    ("ON", 18),
    ("PEAK", 5),
    ("CONTACT", 7),
    ("STOPS", 5),
    ("PAIN", 7),
    ("STATE", 20),
)
_SETTLE_S = 0.15  # the cursor rests this long before a session is read for its preview


class SessionsScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", key_display="enter", priority=True),
        Binding("delete,backspace", "ask_delete", "Delete", key_display="del"),
        Binding("1", "home", "Home"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q,escape", "leave", "Back", key_display="q"),
        Binding("y", "delete", show=False),
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
    ]

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._deck = deck
        self._sessions: Sequence[SessionRow] = ()
        self._asked: SessionRow | None = None  # whose deletion waits for its second key

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield DataTable[Text](id="sessions", cursor_type="row")
        yield Preview(id="preview")
        yield Lines(id="said")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        for title, width in _COLUMNS:
            self._table.add_column(Text(title), width=width)
        self.query_one(KeyLine).show(self.BINDINGS)
        self.say("reading the log ...")

    def on_screen_resume(self) -> None:
        self._refill()

    def on_resize(self) -> None:
        self.call_after_refresh(self._title)

    def _title(self) -> None:
        count = (f"{len(self._sessions)} sessions ", Tone.PLAIN)
        self.query_one(TitleBar).show((("knead", Tone.STRONG), ("  sessions", Tone.PLAIN)), (count,))

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one("#sessions", DataTable)

    def say(self, text: str, tone: Tone = Tone.QUIET) -> None:
        self.query_one("#said", Lines).paint((((" " + words.plain(text, 300), tone),),))

    @work(exclusive=True, group="log")
    async def _refill(self) -> None:
        await self._read()

    async def _read(self) -> None:
        try:
            self._sessions = await aside(self._deck.sessions)
        except FAILURES as error:
            self.say(words.failure(error), Tone.CAUTION)
            return
        chosen = self._table.cursor_row
        self._table.clear()
        for row in self._sessions:
            self._table.add_row(
                *(Text(cell, no_wrap=True, overflow="ellipsis") for cell in session_cells(row)), key=row.id
            )
        if self._sessions:
            self._table.move_cursor(row=min(chosen, len(self._sessions) - 1))
        self._title()
        self.say("" if self._sessions else "nothing yet: connect a ball, or press 1 and then d for a demonstration")

    def _chosen(self) -> SessionRow | None:
        row = self._table.cursor_row
        return self._sessions[row] if 0 <= row < len(self._sessions) else None

    # --- the preview ---

    def on_data_table_row_highlighted(self) -> None:
        self._asked = None
        row = self._chosen()
        if row is not None:
            self.query_one(Preview).clear()
            self._preview(row)

    @work(exclusive=True, group="preview")
    async def _preview(self, row: SessionRow) -> None:
        await asyncio.sleep(_SETTLE_S)
        try:
            data = await aside(lambda: self._deck.load(row.id))
        except FAILURES as error:
            self.say(words.failure(error), Tone.CAUTION)
            return
        self.query_one(Preview).show(np.asarray(data.t_s), np.asarray(data.pressure_kpa))

    # --- opening and deleting ---

    def action_open(self) -> None:
        row = self._chosen()
        if row is not None:
            self.post_message(OpenSession(row))

    def action_ask_delete(self) -> None:
        """One key never deletes: the second must be another one."""
        self._asked = self._chosen()
        if self._asked is not None:
            self.say(f"delete the session of {words.moment(self._asked.started_at)} for good? y deletes", Tone.CAUTION)

    def action_delete(self) -> None:
        if self._asked is not None and self._asked is self._chosen():
            self._delete(self._asked)
        self._asked = None

    @work(group="delete")
    async def _delete(self, row: SessionRow) -> None:
        try:
            await aside(lambda: self._deck.delete(row.id))
        except FAILURES as error:
            self.say(words.failure(error), Tone.CAUTION)
            return
        await self._read()
        self.say(f"deleted the session of {words.moment(row.started_at)}")

    # --- leaving ---

    def action_down(self) -> None:
        self._table.action_cursor_down()

    def action_up(self) -> None:
        self._table.action_cursor_up()

    def action_home(self) -> None:
        self.post_message(GoHome())

    def action_help(self) -> None:
        self.post_message(ShowHelp())

    def action_leave(self) -> None:
        self.post_message(GoBack())


def session_cells(row: SessionRow) -> tuple[str, ...]:
    """A session as a line of the table."""
    pain = f"{words.UNKNOWN if row.pain_before is None else row.pain_before} > "
    pain += words.UNKNOWN if row.pain_after is None else str(row.pain_after)
    return (
        words.moment(row.started_at),
        words.clock(row.duration_s),
        words.place(row.region, row.side),
        words.number(row.peak_kpa),
        words.clock(row.contact_s),
        str(row.alerts_by_level.get("stop", 0)),
        "" if row.pain_before is None and row.pain_after is None else pain,
        words.plain(row.state, 12) + (" simulated" if row.simulated else ""),
    )
