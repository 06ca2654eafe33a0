"""The pair screen: choose a ball, know it by its buzz, zero it, check it, name it, keep it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, Literal, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from companion.tui import keys, words
from companion.tui.acquaintance import Acquaintance
from companion.tui.aside import aside, is_going
from companion.tui.deck import FAILURES, Deck
from companion.tui.messages import GoBack, StartLive
from companion.tui.nearby import Nearby
from companion.tui.page import ListPage
from companion.tui.pairing import BARS, Near, Said
from companion.tui.tones import Tone
from companion.tui.widgets.entry import Entry
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar

PAUSE_S = 1.0  # between two looks around
T = TypeVar("T")
Mode = Literal["choose", "steps", "settle", "kept"]
_KEYS: dict[Mode, tuple[str, ...]] = {
    "choose": ("go", "address", "help", "leave"),
    "steps": ("yes", "no", "again", "skip", "leave"),
    "settle": ("go", "yes", "size", "name", "leave"),
    "kept": ("go", "leave"),
}
_WHERE: dict[Mode, str] = {"choose": "choose a ball", "settle": "what is known of it", "kept": "kept"}


class PairScreen(ListPage):
    AUTO_FOCUS: ClassVar[str | None] = ""
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("pair")

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._pairing = deck.pairing
        self._mode: Mode = "choose"
        self._ball = Acquaintance("")
        self._described = ""  # the one that was told of last
        self._busy = False

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield Nearby(id="near")
        yield Lines(id="steps")
        yield Lines(id="said")
        yield Entry(id="entry")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self._turn("choose")
        self.say("looking for balls ...", "wake the ball: press it, or its button")
        self._look()
        self.set_interval(0.5, self._progress)

    def on_unmount(self) -> None:
        if self._mode == "steps":
            self._ball.leave()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # --- what is seen ---

    @property
    def table(self) -> Nearby:
        return self.query_one(Nearby)

    def _turn(self, mode: Mode) -> None:
        self._mode = mode
        self.table.display = mode == "choose"
        self.query_one("#steps", Lines).display = mode != "choose"
        shown = {f"pair.{deed}" for deed in _KEYS[mode]}
        line = [key for key in self.BINDINGS if isinstance(key, Binding) and key.id in shown]
        self.query_one(KeyLine).show(line)
        if mode == "choose":
            self.table.focus()
        self.call_after_refresh(self._show)

    def _still(self, mode: Mode) -> bool:
        """Whether that is what this screen does, after a wait."""
        return not is_going(self) and self._mode == mode

    def _show(self) -> None:
        where = self._ball.address if self._mode == "steps" else _WHERE[self._mode]
        self.head(f"pair: {words.plain(where)}")
        panel = self.query_one("#steps", Lines)
        if self._mode != "choose":
            rows = self._ball.step_rows if self._mode == "steps" else self._ball.settle_rows
            panel.paint(rows(panel.size.width, panel.size.height))

    def _progress(self) -> None:
        if self._still("steps"):
            self._show()

    # --- choosing ---

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        """Again and again while a ball is to be chosen."""
        tell = _from_afar(self._found)
        while self._still("choose"):
            try:
                found = await aside(lambda: self._pairing.near(tell), self)
            except FAILURES as error:
                self.say(str(error), getattr(error, "hint", ""), Tone.CAUTION)
                await asyncio.sleep(PAUSE_S)
                continue
            if not self._still("choose"):
                return
            self.table.only(found)
            if not found:
                self.say("no ball in sight", "wake it: press it, or its button; or plug it in", Tone.CAUTION)
            await asyncio.sleep(PAUSE_S)

    def _found(self, near: Near) -> None:
        if not self._still("choose"):
            return
        first = not self.table.balls
        self.table.found(near)
        if first:
            self.say("choose your ball", "enter pairs it")

    def on_data_table_row_highlighted(self) -> None:
        near = self.table.chosen
        if near is not None and self._mode == "choose" and near.address != self._described:
            self._described = near.address
            signal = f", {near.rssi_dbm} dBm of {'#' * BARS}" if near.rssi_dbm is not None else ""
            self.say(
                f"{words.plain(near.name)}{signal}",
                near.problem or f"{words.plain(near.address)}  {words.plain(near.detail)}",
            )

    def action_move(self, rows: int) -> None:
        if self._mode == "choose":
            super().action_move(rows)

    def action_type_address(self) -> None:
        if self._mode == "choose":
            self.ask("an address: serial:/dev/ttyACM0, ble:NAME, sim:calm", "", self._begin)

    # --- the steps ---

    def _begin(self, address: str) -> None:
        address = address.strip()
        if address and self._mode == "choose":
            self._ball = Acquaintance(address)
            self._turn("steps")
            self.say("connecting ...", "your system may ask whether to pair: say yes")
            self._meet(self._ball)

    @work(group="meet")
    async def _meet(self, ball: Acquaintance) -> None:
        hear = _from_afar(self._hear)
        try:
            meeting = await aside(lambda: self._pairing.meet(ball.address, hear), self)
            if not self._still("steps"):
                return
            ball.meeting = meeting
            outcome = await aside(meeting.run, self)
        except FAILURES as error:
            self._failed(str(error), getattr(error, "hint", ""))
            return
        if not self._still("steps"):
            return
        if outcome.code:
            self._failed(outcome.text, outcome.hint)
            return
        ball.checked()
        self._turn("settle")
        self._tell_settling()

    def _tell_settling(self) -> None:
        yes = "y: its size is as it says; " if self._ball.meeting is not None and self._ball.meeting.claim else ""
        self.say("checked: name it, say its size, and keep it", f"{yes}what nobody says takes the stricter value")

    def _hear(self, said: Said) -> None:
        if not self._still("steps"):
            return
        self._ball.hear(said)
        self.say(said.text, said.hint)
        self._show()

    def _failed(self, text: str, hint: str) -> None:
        self._ball = Acquaintance(self._ball.address)
        self._turn("choose")
        self.say(text, hint, Tone.CAUTION)
        self._look()

    def _answer(self, yes: bool | None) -> None:
        if self._mode == "steps":
            self._ball.answer(yes)
            self._show()

    def action_say_yes(self) -> None:
        if self._mode == "settle":
            self._ball.believe()
            self._show()
        else:
            self._answer(True)

    def action_say_no(self) -> None:
        self._answer(False)

    def action_again(self) -> None:
        self._answer(None)

    def action_skip(self) -> None:
        if self._mode == "steps":
            self._ball.skip()

    # --- what is kept ---

    def action_type_name(self) -> None:
        if self._mode == "settle":
            self.ask("what to call it", self._ball.called, self._named)

    def _named(self, name: str) -> None:
        self._ball.name(name)
        self._tell_settling()
        self._show()

    def action_type_size(self) -> None:
        if self._mode == "settle":
            self.ask("hard, tennis, soft, roller or nub, a contact area in cm2, or both", "", self._sized)

    def _sized(self, text: str) -> None:
        try:
            self._ball.measure(text)
        except ValueError:
            self.say(
                "that is no size", "hard, tennis, soft, roller or nub, an area of 0.5 to 200 cm2, or both", Tone.CAUTION
            )
        else:
            self._tell_settling()
        self._show()

    async def _keep(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            await aside(self._ball.keep)
        except FAILURES as error:
            self.say(str(error), getattr(error, "hint", ""), Tone.CAUTION)
            return
        finally:
            self._busy = False
        self._turn("kept")
        self.say(f"{words.plain(self._ball.called)} is remembered", "a session finds it by its serial, wherever it is")

    # --- keys that change with the mode ---

    async def action_go_on(self) -> None:
        match self._mode:
            case "choose":
                near = self.table.chosen
                if near is None:
                    self.say("no ball is chosen", "wake it, or type its address with t", Tone.CAUTION)
                elif near.problem:
                    self.say(near.problem, "then look again", Tone.CAUTION)
                else:
                    self._begin(near.address)
            case "settle":
                await self._keep()
            case "kept":
                self.post_message(GoBack(self))
                self.post_message(StartLive(self._ball.called))
            case _:
                pass

    def action_leave(self) -> None:
        if self._mode == "steps" and self._ball.meeting is not None:
            self._ball.leave()
            self.say("giving up ...", "nothing is kept")
        elif self._mode == "settle":
            self._failed("nothing was kept", "")
        else:
            super().action_leave()


def _from_afar(call: Callable[[T], object]) -> Callable[[T], None]:
    """The same call for another thread: it does not wait, and comes to nothing once the screen has gone."""
    loop = asyncio.get_running_loop()

    def tell(news: T) -> None:
        with suppress(RuntimeError):  # the loop has closed
            loop.call_soon_threadsafe(call, news)

    return tell
