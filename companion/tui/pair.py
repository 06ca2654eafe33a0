"""The pair screen: choose a ball, know it by its buzz, zero it, check it, name it, keep it."""

import asyncio
from contextlib import suppress
from typing import ClassVar, Literal

from rich.text import Text
from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable

from companion.tui import keys, words
from companion.tui.aside import aside, is_going
from companion.tui.deck import FAILURES, Deck
from companion.tui.messages import GoBack, ShowHelp, StartLive
from companion.tui.pairing import BARS, Meeting, Near, Said, Size, near_cells, settle_rows, size_of, step_rows
from companion.tui.tones import Row, Tone
from companion.tui.widgets.entry import Entry
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar

PAUSE_S = 1.0  # between two looks around
_COLUMNS = (("BALL", 20), ("SIGNAL", 7), ("KIND", 12), ("BATTERY", 7), ("STATE", 14), ("ADDRESS", 40))
_KEPT_LINES = 200  # of what was said
Mode = Literal["choose", "steps", "settle", "kept"]
_KEYS: dict[Mode, tuple[str, ...]] = {
    "choose": ("go", "address", "help", "leave"),
    "steps": ("yes", "no", "again", "skip", "leave"),
    "settle": ("go", "yes", "size", "name", "leave"),
    "kept": ("go", "leave"),
}


class PairScreen(Screen[None]):
    AUTO_FOCUS: ClassVar[str | None] = ""
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("pair")

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._pairing = deck.pairing
        self._mode: Mode = "choose"
        self._near: dict[str, Near] = {}
        self._meeting: Meeting | None = None
        self._listed: dict[str, tuple[str, ...]] = {}  # as the table shows them
        self._described = ""  # the one that was told of last
        self._address = ""
        self._heard: list[Said] = []
        self._asked: Said | None = None
        self._called = ""
        self._as_large = Size()
        self._told: tuple[str, ...] = ()
        self._busy = False

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield DataTable[Text](id="near", cursor_type="row")
        yield Lines(id="steps")
        yield Lines(id="said")
        yield Entry(id="entry")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        for title, width in _COLUMNS:
            self._table.add_column(Text(title), width=width)
        self._turn("choose")
        self.say("looking for balls ...", "wake the ball: press it, or its button")
        self._look()
        self.set_interval(0.5, self._progress)

    def on_unmount(self) -> None:
        if self._meeting is not None and self._mode == "steps":
            self._meeting.leave()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # --- what is seen ---

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one("#near", DataTable)

    @property
    def _entry(self) -> Entry:
        return self.query_one(Entry)

    def say(self, text: str, hint: str = "", tone: Tone = Tone.STRONG) -> None:
        rows: tuple[Row, ...] = (((f" {words.plain(text, 300)}", tone),),)
        self.query_one("#said", Lines).paint((*rows, ((f" {words.plain(hint, 300)}", Tone.QUIET),)))

    def _turn(self, mode: Mode) -> None:
        self._mode = mode
        self._table.display = mode == "choose"
        self.query_one("#steps", Lines).display = mode != "choose"
        shown = {f"pair.{deed}" for deed in _KEYS[mode]}
        line = [key for key in self.BINDINGS if isinstance(key, Binding) and key.id in shown]
        self.query_one(KeyLine).show(line)
        if mode == "choose":
            self._table.focus()
        self.call_after_refresh(self._show)

    def _still(self, mode: Mode) -> bool:
        """Whether that is what this screen does, after a wait."""
        return not is_going(self) and self._mode == mode

    def _show(self) -> None:
        where = {"choose": "choose a ball", "steps": self._address, "settle": "what is known of it", "kept": "kept"}
        title = f"  pair: {words.plain(where[self._mode])}"
        self.query_one(TitleBar).show((("knead", Tone.STRONG), (title, Tone.PLAIN)), ())
        panel = self.query_one("#steps", Lines)
        width, height = panel.size.width, panel.size.height
        if self._mode == "steps":
            done_s = 0.0 if self._meeting is None else self._meeting.checked_s
            panel.paint(step_rows(self._heard, self._asked, done_s, width, height))
        elif self._meeting is not None:
            panel.paint(settle_rows(self._meeting, self._called, self._as_large, self._told, width, height))

    def _progress(self) -> None:
        if self._still("steps"):
            self._show()

    # --- choosing ---

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        """Again and again while a ball is to be chosen."""
        loop = asyncio.get_running_loop()

        def tell(near: Near) -> None:
            with suppress(RuntimeError):  # the screen has gone
                loop.call_soon_threadsafe(self._found, near)

        while self._still("choose"):
            try:
                found = await aside(lambda: self._pairing.near(tell), self)
            except FAILURES as error:
                self.say(str(error), getattr(error, "hint", ""), Tone.CAUTION)
                await asyncio.sleep(PAUSE_S)
                continue
            if not self._still("choose"):
                return
            gone = self._near.keys() - {near.address for near in found}
            for near in found:
                self._near[near.address] = near
            for address in gone:
                del self._near[address]
            self._list()
            if not self._near:
                self.say("no ball in sight", "wake it: press it, or its button; or plug it in", Tone.CAUTION)
            await asyncio.sleep(PAUSE_S)

    def _found(self, near: Near) -> None:
        if not self._still("choose"):
            return
        first = not self._near
        self._near[near.address] = near
        self._list()
        if first:
            self.say("choose your ball", "enter pairs it")

    def _list(self) -> None:
        """Anew where anything has changed; the cursor stays on its ball."""
        rows = {address: near_cells(near) for address, near in self._near.items()}
        if rows == self._listed:
            return
        row = self._table.cursor_row
        chosen = [*self._listed][row] if 0 <= row < len(self._listed) else None
        self._listed = rows
        self._table.clear()
        for address, cells in rows.items():
            self._table.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in cells), key=address)
        if chosen in rows:
            self._table.move_cursor(row=[*rows].index(chosen))

    def _chosen(self) -> Near | None:
        row, listed = self._table.cursor_row, [*self._listed]
        return self._near.get(listed[row]) if 0 <= row < len(listed) else None

    def on_data_table_row_highlighted(self) -> None:
        near = self._chosen()
        if near is not None and self._mode == "choose" and near.address != self._described:
            self._described = near.address
            signal = f", {near.rssi_dbm} dBm of {'#' * BARS}" if near.rssi_dbm is not None else ""
            self.say(f"{words.plain(near.name)}{signal}", near.problem or near.detail or "enter pairs it")

    def action_down(self) -> None:
        if self._mode == "choose":
            self._table.action_cursor_down()

    def action_up(self) -> None:
        if self._mode == "choose":
            self._table.action_cursor_up()

    def action_type_address(self) -> None:
        if self._mode == "choose":
            self._entry.ask("an address: serial:/dev/ttyACM0, ble:NAME, sim:calm", "", self._begin)

    # --- the steps ---

    def _begin(self, address: str) -> None:
        address = address.strip()
        if address and self._mode == "choose":
            self._address = address
            self._heard, self._asked = [], None
            self._turn("steps")
            self.say("connecting ...", "your system may ask whether to pair: say yes")
            self._meet(address)

    @work(group="meet")
    async def _meet(self, address: str) -> None:
        loop = asyncio.get_running_loop()

        def hear(said: Said) -> None:
            with suppress(RuntimeError):  # the screen has gone
                loop.call_soon_threadsafe(self._hear, said)

        try:
            meeting = await aside(lambda: self._pairing.meet(address, hear), self)
            if not self._still("steps"):
                return
            self._meeting = meeting
            outcome = await aside(meeting.run, self)
        except FAILURES as error:
            self._failed(str(error), getattr(error, "hint", ""))
            return
        if not self._still("steps"):
            return
        if outcome.code:
            self._failed(outcome.text, outcome.hint)
            return
        self._called, self._as_large, self._told = meeting.nickname, Size(), ()
        self._turn("settle")
        self.say("checked: name it, say its size, and keep it", "what nobody says takes the stricter value")

    def _hear(self, said: Said) -> None:
        if not self._still("steps"):
            return
        self._heard = [*self._heard, said][-_KEPT_LINES:]
        self._asked = said if said.key else None
        self.say(said.text, said.hint)
        self._show()

    def _failed(self, text: str, hint: str) -> None:
        self._meeting = None
        self._asked = None
        self._turn("choose")
        self.say(text, hint, Tone.CAUTION)
        self._look()

    def _answer(self, yes: bool | None) -> None:
        asked, meeting = self._asked, self._meeting
        if asked is None or meeting is None or (yes is None and not asked.again):
            return
        meeting.answer(yes)
        if yes is not None:
            self._asked = None
            self._show()

    def action_say_yes(self) -> None:
        if self._mode == "steps":
            self._answer(True)
        elif self._mode == "settle" and self._meeting is not None and self._meeting.claim:
            self._as_large = Size(as_told=True)
            self._show()

    def action_say_no(self) -> None:
        if self._mode == "steps":
            self._answer(False)

    def action_again(self) -> None:
        if self._mode == "steps":
            self._answer(None)

    def action_skip(self) -> None:
        if self._mode == "steps" and self._meeting is not None:
            self._asked = None
            self._meeting.skip()

    # --- what is kept ---

    def action_type_name(self) -> None:
        if self._mode == "settle":
            self._entry.ask("what to call it", self._called, self._named)

    def _named(self, name: str) -> None:
        self._called = name.strip() or self._called
        self._show()

    def action_type_size(self) -> None:
        if self._mode == "settle":
            self._entry.ask("hard, tennis, soft, roller or nub, a contact area in cm2, or both", "", self._sized)

    def _sized(self, text: str) -> None:
        try:
            self._as_large = size_of(text)
        except ValueError:
            self.say(
                "that is no size", "hard, tennis, soft, roller or nub, an area of 0.5 to 200 cm2, or both", Tone.CAUTION
            )
        self._show()

    async def _keep(self) -> None:
        meeting = self._meeting
        if meeting is None or self._busy:
            return
        self._busy = True
        try:
            self._told = tuple(await aside(lambda: meeting.keep(self._called, self._as_large)))
        except FAILURES as error:
            self.say(str(error), getattr(error, "hint", ""), Tone.CAUTION)
            return
        finally:
            self._busy = False
        self._turn("kept")
        self.say(f"{words.plain(self._called)} is remembered", "a session finds it by its serial, wherever it is")

    # --- keys that change with the mode ---

    async def action_go(self) -> None:
        if self._entry.display:
            self._entry.accept()
            if self._mode == "choose":
                self._table.focus()
            return
        match self._mode:
            case "choose":
                near = self._chosen()
                if near is None:
                    self.say("no ball is chosen", "wake it, or type its address with t", Tone.CAUTION)
                elif near.problem:
                    self.say(near.problem, "then look again", Tone.CAUTION)
                else:
                    self._begin(near.address)
            case "settle":
                await self._keep()
            case "kept":
                self.post_message(GoBack())
                self.post_message(StartLive(self._called))
            case _:
                pass

    def action_leave(self) -> None:
        if self._entry.display:
            self._entry.close()
            if self._mode == "choose":
                self._table.focus()
        elif self._mode == "steps" and self._meeting is not None:
            self._meeting.leave()
            self.say("giving up ...", "nothing is kept")
        elif self._mode == "settle":
            self._failed("nothing was kept", "")
        else:
            self.post_message(GoBack())

    def action_help(self) -> None:
        self.post_message(ShowHelp())

    def on_key(self, event: events.Key) -> None:
        """While something is typed, letters are letters."""
        if self._entry.display:
            event.prevent_default()
