"""The programs: what there is, what each one does, and the start of one on a side."""

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from companion.programs.library import Entry
from companion.programs.program import Program
from companion.tui import keys, words
from companion.tui.aside import aside
from companion.tui.books import ProgramPage
from companion.tui.deck import FAILURES, Deck
from companion.tui.leaflet import avoided_rows, leaflet_rows, list_cells
from companion.tui.messages import StartLive
from companion.tui.page import ListPage
from companion.tui.tones import Row, Tone
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar
from companion.tui.widgets.table import Table

_AVOID = "places to leave alone"
_LENGTH = 6  # cells of the column of lengths
_TITLES = ((100, 38), (80, 26), (0, 14))  # columns of the screen from which the titles have so many cells


class ProgramsScreen(ListPage):
    """`address`: the ball a program would begin on; empty where none is chosen."""

    AUTO_FOCUS: ClassVar[str | None] = "#programs"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("programs")

    def __init__(self, deck: Deck, address: str = "") -> None:
        super().__init__()
        self._deck = deck
        self._address = address
        self._page: ProgramPage | None = None
        self._side = deck.side if deck.side in ("left", "right") else "left"
        self._scrolled = 0
        self._busy = False

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        with Horizontal(id="both"):
            yield Table(id="programs", show_header=False)
            yield Lines(id="leaflet")
        yield Lines(id="said")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.query_one(KeyLine).show(self.BINDINGS)
        self.say("reading the programs ...")
        self._read()

    def on_resize(self) -> None:
        self._fill()
        self.call_after_refresh(self._show)

    # --- the list ---

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        try:
            self._page = await aside(self._deck.programs, self)
        except FAILURES as error:
            self.say(words.failure(error), tone=Tone.CAUTION)
            return
        self._fill()
        self._show()

    def _fill(self) -> None:
        """The list, as wide as the screen lets it be."""
        page, table = self._page, self.table
        if page is None:
            return
        place, titles = table.cursor_row, next(cells for least, cells in _TITLES if self.size.width >= least)
        table.clear(columns=True)
        table.titles((("PROGRAM", titles), ("LENGTH", _LENGTH)))
        table.styles.width = titles + _LENGTH + 6
        cells = [*(list_cells(entry) for entry in page.entries), (_AVOID, "avoid")]
        table.fill(((str(number), each) for number, each in enumerate(cells)), otherwise=place)

    def _here(self) -> Entry | None:
        place = self.table.place
        entries = self._page.entries if self._page is not None else ()
        return entries[place] if place is not None and place < len(entries) else None

    def on_data_table_row_highlighted(self) -> None:
        self._scrolled = 0
        self._show()

    def _show(self) -> None:
        page, entry, leaflet = self._page, self._here(), self.query_one("#leaflet", Lines)
        ball = f"on {words.plain(self._address, 40)}" if self._address else "no ball is chosen"
        self.head("programs", ball)
        if page is None:
            return
        width, height = leaflet.size.width, leaflet.size.height
        rows = avoided_rows(page.avoided, width) if entry is None else self._leaflet(page, entry, width)
        self._scrolled = min(self._scrolled, max(0, len(rows) - height))
        leaflet.paint(tuple(rows[self._scrolled : self._scrolled + height]))
        left = len(rows) - height - self._scrolled
        more = f"space: {left} more lines" if left > 0 else "space: back to the top" if self._scrolled else ""
        self._tell(entry, more)

    def _leaflet(self, page: ProgramPage, entry: Entry, width: int) -> list[Row]:
        sided = isinstance(entry.item, Program) and entry.item.one_sided
        mine = page.mine.get((entry.key, self._side if sided else "both"), ())
        return leaflet_rows(entry, self._side, width, page.notes.get(entry.key, ()), mine)

    def _tell(self, entry: Entry | None, more: str) -> None:
        broken = sum(entry.item is None for entry in self._page.entries) if self._page is not None else 0
        warned = f"{broken} broken, at the end; " if broken else ""
        match entry.item if entry is not None else None:
            case Program() as program if program.one_sided:
                self.say(f"enter begins it, side {self._side}: l left, r right, b both", warned + more)
            case Program():
                self.say("enter begins it", warned + more)
            case _:
                self.say("", warned + more)

    # --- what is done ---

    def action_side(self, side: str) -> None:
        self._side = side
        self._show()

    def action_turn_side(self) -> None:
        sides = ("left", "right", "both")
        self.action_side(sides[(sides.index(self._side) + 1) % len(sides)])

    def action_start(self) -> None:
        entry = self._here()
        if entry is None:
            self.say("these places are left alone", "choose a program")
        elif entry.item is None:
            self.say("this program is broken, and not run", words.plain(entry.fault, 300), Tone.CAUTION)
        elif not isinstance(entry.item, Program):
            self.say("a plan over weeks: begin one of its programs", tone=Tone.CAUTION)
        elif not self._address:
            self.say("no ball is chosen", "1 goes back to the balls: choose one there", Tone.CAUTION)
        else:
            side = self._side if entry.item.one_sided else "both"
            self.say(f"beginning on {self._address} ...")
            self.post_message(StartLive(self._address, entry.key, side))

    def action_more(self) -> None:
        """The next page of the leaflet; from its end, the first."""
        before, height = self._scrolled, self.query_one("#leaflet", Lines).size.height
        self._scrolled += max(1, height - 2)
        self._show()
        if self._scrolled == before:
            self._scrolled = 0
            self._show()
