"""The log: sessions found by a filter, with a preview of each; only as many lines are read as are looked at."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.coordinate import Coordinate

from companion.tui import keys, words
from companion.tui.aside import aside
from companion.tui.deck import FAILURES, Deck, SessionRow
from companion.tui.messages import GoHome, OpenSession, ShowComparison
from companion.tui.page import ListPage
from companion.tui.reviewing import EXPORTED
from companion.tui.tones import Tone
from companion.tui.widgets.entry import Entry
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar
from companion.tui.widgets.preview import Preview
from companion.tui.widgets.table import Table

PAGE = 200  # lines read at once
MARGIN = 60  # lines below the cursor that are to be there
SELECTED, SIMULATED = "■", "s"
MOST_COMPARED = 5
_COLUMNS = (
    ("", 2),
    ("WHEN", 17),
    ("LENGTH", 7),
    ("ON", 14),
    ("PEAK", 4),
    ("CONTACT", 7),
    ("STOPS", 5),
    ("PAIN", 6),
    ("PROGRAM", 14),
    ("NOTE", 24),
    ("STATE", 20),
)
_SORTS = ("-date", "date", "-length", "-peak", "-contact", "-pain", "change", "area", "program")
_SETTLE_S = 0.15  # the cursor rests this long before a session is read for its preview
_UNREADABLE = (*FAILURES, ValueError)  # a filter that is none, too


class SessionsScreen(ListPage):
    TONE: ClassVar[Tone] = Tone.QUIET
    AUTO_FOCUS: ClassVar[str | None] = "#sessions"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("sessions")

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._deck = deck
        self._sessions: list[SessionRow] = []
        self._read_lines = 0  # of the log, hidden ones included
        self._fitting = self._whole = 0
        self._filter = ""
        self._sort = 0
        self._selected: list[str] = []
        self._asked: SessionRow | None = None  # whose deletion waits for its second key

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield Table(id="sessions")
        yield Preview(id="preview")
        yield Lines(id="said")
        yield Entry(id="entry")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.table.titles(_COLUMNS)
        self.query_one(KeyLine).show(self.BINDINGS)
        self.say("reading the log ...")

    def on_screen_resume(self) -> None:
        self._refill()

    def on_resize(self) -> None:
        self.call_after_refresh(self._title)

    def _title(self) -> None:
        hidden = len(self._deck.trash)
        whole = max(0, self._whole - hidden)
        parts = [f"{whole} session" + ("" if whole == 1 else "s")]
        if self._filter:
            parts.append(f"{self._fitting} fit")
        if self._selected:
            parts.append(f"{len(self._selected)} selected")
        self.head(f"sessions  {words.plain(self._filter, 200)}", " · ".join(parts), Tone.PLAIN)

    # --- reading ---

    @work(exclusive=True, group="log")
    async def _refill(self, *, anew: bool = False) -> None:
        await self._read(anew=anew)

    async def _read(self, *, anew: bool = False) -> bool:
        """Read what is shown again; `anew` from the first page, with the cursor at the top."""
        table = self.table
        wanted = PAGE if anew else max(PAGE, self._read_lines)
        try:
            page = await aside(lambda: self._deck.review.find(self._filter, _SORTS[self._sort], 0, wanted), self)
        except _UNREADABLE as error:
            self.say(words.failure(error), tone=Tone.CAUTION)
            return False
        chosen = 0 if anew else table.cursor_row
        self._fitting, self._whole = page.fitting, page.whole
        self._sessions, self._read_lines = [], 0
        table.clear()
        self._append(page.rows)
        if self._sessions:
            table.move_cursor(row=min(chosen, len(self._sessions) - 1))
        else:
            self.query_one(Preview).clear()
        self._title()
        nothing = "nothing yet: connect a ball, or press 1 and then d for a demonstration"
        self.say("" if self._sessions else "none fits: / changes what is looked for" if self._whole else nothing)
        return True

    def _append(self, rows: Sequence[SessionRow]) -> None:
        self._read_lines += len(rows)
        for row in rows:
            if row.id not in self._deck.trash:
                self._sessions.append(row)
                self.table.add(row.id, (self._signs(row), *session_cells(row)))

    @work(exclusive=True, group="more")
    async def _more(self) -> None:
        begin, text, sort = self._read_lines, self._filter, self._sort
        try:
            page = await aside(lambda: self._deck.review.find(text, _SORTS[sort], begin, PAGE), self)
        except _UNREADABLE as error:
            self.say(words.failure(error), tone=Tone.CAUTION)
            return
        if (begin, text, sort) == (self._read_lines, self._filter, self._sort):
            known = {row.id for row in self._sessions}  # one that came meanwhile has moved the others on
            self._append([row for row in page.rows if row.id not in known])

    def _chosen(self) -> SessionRow | None:
        place = self.table.place
        return self._sessions[place] if place is not None and place < len(self._sessions) else None

    # --- finding ---

    def action_filter(self) -> None:
        self.ask("area:glute side:left since:2026-10 pain:>4 stop:yes words", self._filter, self._find)

    def _find(self, text: str) -> None:
        self._filter = text.strip()
        self._refill(anew=True)

    def action_sort(self) -> None:
        self._sort = (self._sort + 1) % len(_SORTS)
        self._resort()

    @work(exclusive=True, group="log")
    async def _resort(self) -> None:
        if await self._read(anew=True):
            name = _SORTS[self._sort]
            self.say(f"by {name.lstrip('-')}, {'falling' if name.startswith('-') else 'rising'}")

    # --- the preview ---

    def on_data_table_row_highlighted(self) -> None:
        self._asked = None
        row = self._chosen()
        if row is not None:
            self.query_one(Preview).clear()
            self._preview(row)
        if self.table.cursor_row > len(self._sessions) - MARGIN and self._read_lines < self._fitting:
            self._more()

    @work(exclusive=True, group="preview")
    async def _preview(self, row: SessionRow) -> None:
        await asyncio.sleep(_SETTLE_S)
        try:
            data = await aside(lambda: self._deck.load(row.id), self)
        except FAILURES as error:
            self.say(words.failure(error), tone=Tone.CAUTION)
            return
        for preview in self.query(Preview):  # none is left if the screen has gone meanwhile
            preview.show(np.asarray(data.t_s), np.asarray(data.pressure_kpa))

    # --- selecting ---

    def _signs(self, row: SessionRow) -> str:
        return (SELECTED if row.id in self._selected else " ") + (SIMULATED if row.simulated else " ")

    def action_select(self) -> None:
        row = self._chosen()
        if row is None:
            return
        if row.id in self._selected:
            self._selected.remove(row.id)
        else:
            self._selected.append(row.id)
        self.table.update_cell_at(Coordinate(self.table.cursor_row, 0), Text(self._signs(row)))
        self._title()

    def action_compare(self) -> None:
        if 2 <= len(self._selected) <= MOST_COMPARED:
            self.post_message(ShowComparison(self, self._selected))
        else:
            self.say(f"select 2 to {MOST_COMPARED} sessions with space; c lays them over each other", tone=Tone.CAUTION)

    def action_trends(self) -> None:
        self.post_message(ShowComparison(self))

    # --- handing on ---

    def action_export(self) -> None:
        row = self._chosen()
        if row is None:
            return
        chosen = list(self._selected) or [row.id]
        self.ask(EXPORTED, self._deck.review.proposed(row.started_at), lambda text: self._export(chosen, text))

    @work(group="write")
    async def _export(self, chosen: Sequence[str], text: str) -> None:
        if not text.strip():
            self.say("nothing written")
            return
        try:
            self.say(await aside(lambda: self._deck.review.export(chosen, text), self), tone=Tone.STRONG)
        except _UNREADABLE as error:
            self.say(words.failure(error), tone=Tone.CAUTION)

    # --- opening and deleting ---

    def action_open(self) -> None:
        row = self._chosen()
        if row is not None:
            self.post_message(OpenSession(self, row))

    def action_ask_delete(self) -> None:
        """One key never deletes: the second must be another one."""
        self._asked = self._chosen()
        if self._asked is not None:
            self.say(f"delete the session of {words.moment(self._asked.started_at)}? y deletes", tone=Tone.CAUTION)

    def action_delete(self) -> None:
        row, self._asked = self._asked, None
        if row is None or row is not self._chosen():
            return
        if row.state == "recording":
            self.say("this session is being recorded: end it first", tone=Tone.CAUTION)
            return
        self._deck.trash.put(row.id)
        self._selected = [name for name in self._selected if name != row.id]
        self._reread(f"deleted the session of {words.moment(row.started_at)}; u brings it back until you leave knead")

    def action_undo(self) -> None:
        if self._deck.trash.undo() is None:
            self.say("nothing to bring back")
        else:
            self._reread("brought back")

    @work(exclusive=True, group="log")
    async def _reread(self, said: str) -> None:
        if await self._read():
            self.say(said)

    # --- leaving ---

    def action_home(self) -> None:
        self.post_message(GoHome(self))


def session_cells(row: SessionRow) -> tuple[str, ...]:
    """A session as a line of the table, without its signs."""
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
        words.plain(row.program or "", 14),
        words.plain(row.note or "", 24),
        words.plain(row.state, 12) + (" simulated" if row.simulated else ""),
    )
