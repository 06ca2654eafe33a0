"""The first screen: the balls in reach, and how the last session went."""

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType

from companion.tui import keys, words
from companion.tui.aside import aside
from companion.tui.deck import FAILURES, Deck, Device, SessionRow
from companion.tui.messages import StartLive
from companion.tui.page import ListPage
from companion.tui.tones import Row, Tone
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar
from companion.tui.widgets.table import Table

LOOK_EVERY_S = 2.0
TODAY_ROWS = 4
SOUND_ROWS = 3
_ASK_SOUND = "sound   a tone and the words sound check were played: did you hear them?   y yes   n no"
_SCHEMES = {"serial": "serial", "sim": "virtual", "ble": "Bluetooth", "replay": "replay"}
_COLUMNS = (("BALL", 20), ("LINK", 9), ("STATE", 14), ("ADDRESS", 28), ("WHAT IT IS", 37))


class HomeScreen(ListPage):
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("home")

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._deck = deck
        self._devices: Sequence[Device] = ()
        self._busy = False
        self._sound_said: tuple[str, Tone] | None = None
        self._sound_asked = False  # the question whether it was heard stands

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield Table(id="balls")
        yield Lines(id="last")
        yield Lines(id="today")
        yield Lines(id="preface")
        yield Lines(id="sound")
        yield Lines(id="said")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.table.titles(_COLUMNS)
        self.query_one(KeyLine).show(self.BINDINGS)
        self.query_one("#last", Lines).paint(((("last session: reading the log ...", Tone.QUIET),),))
        self.say("looking for balls ...")
        self.set_interval(LOOK_EVERY_S, self._look_if_shown)
        self._test_sound(asked=False)

    def on_screen_resume(self) -> None:
        self.action_look()
        self._read_log()

    def on_resize(self) -> None:
        self.call_after_refresh(self._title)
        lines = textwrap.wrap(self._deck.preface, max(20, self.size.width - 2))
        preface = self.query_one("#preface", Lines)
        preface.styles.height = len(lines)
        preface.paint(tuple(((line, Tone.QUIET),) for line in lines))
        if self._sound_said is not None:
            self._tell_sound(*self._sound_said)

    def _title(self) -> None:
        self.head("balls")

    # --- balls ---

    def _look_if_shown(self) -> None:
        if self.is_current:
            self.action_look()

    def action_look(self) -> None:
        self._look()

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        try:
            found = await aside(self._deck.devices, self)
        except FAILURES as error:
            self.say(str(error), getattr(error, "hint", ""))
            return
        first = not self._devices
        shown = tuple({device.address: device for device in found}.values())
        if [_cells(device) for device in shown] != [_cells(device) for device in self._devices] or first:
            self._devices = shown
            self.table.fill(((device.address, _cells(device)) for device in shown), otherwise=first_choice(shown))
        if first and not shown:
            self.say("no ball in sight", "plug one in, or press d for a demonstration without hardware")

    def _chosen(self) -> Device | None:
        place = self.table.place
        return self._devices[place] if place is not None and place < len(self._devices) else None

    def on_data_table_row_highlighted(self) -> None:
        device = self._chosen()
        if device is not None:
            name, link, state, address, detail = _cells(device)
            self.say(f"{name}, {link}, {state}", device.problem or f"{address}  {detail}")

    @property
    def address(self) -> str:
        """Of the chosen ball; empty where it cannot be used, or there is none."""
        device = self._chosen()
        return device.address if device is not None and not device.problem else ""

    def action_connect(self) -> None:
        device = self._chosen()
        if device is None:
            self.say("no ball is chosen", "press d for a demonstration without hardware")
        else:
            self.post_message(StartLive(device.address))

    def action_demo(self) -> None:
        self.post_message(StartLive("demo"))

    def action_tare(self) -> None:
        device = self._chosen()
        if device is not None and not self._busy:
            self._busy = True
            self.say(f"zeroing {device.name}: leave it alone for a moment ...")
            self._tare(device.address)

    @work(group="tare")
    async def _tare(self, address: str) -> None:
        try:
            outcome = await aside(lambda: self._deck.tare(address), self)
        except FAILURES as error:
            self.say(str(error), getattr(error, "hint", ""))
        else:
            self.say(outcome.text or "zeroed", outcome.hint)
        finally:
            self._busy = False

    # --- the sound ---

    def action_sound(self) -> None:
        self._test_sound(asked=True)

    def action_heard(self, yes: bool) -> None:
        """An answer, while the question stands."""
        if self._sound_asked:
            self._sound_asked = False
            self._keep_heard(yes)

    @work(exclusive=True, group="sound")
    async def _test_sound(self, *, asked: bool) -> None:
        """On the first start, and until somebody has heard it: without sound the screen stands in, and says so."""
        try:
            if not asked and not await aside(self._deck.sound.due, self):
                return
            self._tell_sound("sound   a tone and two words are played ...", Tone.PLAIN)
            failure = await aside(self._deck.sound.play, self)
        except FAILURES as error:
            failure = words.failure(error)
        if failure:
            self._tell_sound(f"no sound, the screen stands in: {failure}", Tone.CAUTION)
            return
        self._sound_asked = True
        self._tell_sound(
            'sound   a tone and the words "sound check" were played: did you hear them?  y / n', Tone.STRONG
        )

    @work(exclusive=True, group="sound")
    async def _keep_heard(self, yes: bool) -> None:
        try:
            said = await aside(lambda: self._deck.sound.heard(yes), self)
        except FAILURES as error:
            said = words.failure(error)
        self._tell_sound(f"sound   {said}", Tone.PLAIN if yes else Tone.CAUTION)

    def _tell_sound(self, text: str, tone: Tone) -> None:
        for line in self.query("#sound").results(Lines):  # none, where the screen was left meanwhile
            line.display = True
            self._sound_said = text, tone
            lines = textwrap.wrap(words.plain(text, 300), max(20, self.size.width - 2))
            line.fit(tuple(((part, tone),) for part in lines[:SOUND_ROWS]))

    # --- the log ---

    @work(exclusive=True, group="log")
    async def _read_log(self) -> None:
        rows: list[Row]
        try:
            rows_of_log = await aside(self._deck.sessions, self)
            sessions = [row for row in rows_of_log if row.id not in self._deck.trash]
        except FAILURES as error:
            rows = [((f"last session: {words.failure(error)}", Tone.CAUTION),)]
        else:
            rows = last_session(sessions)
        for last in self.query("#last").results(Lines):  # none, where the screen was left meanwhile
            last.fit(tuple(rows))
        await self._read_today()

    async def _read_today(self) -> None:
        """What is left today; the first lines are those that fit."""
        try:
            lines = [*await aside(self._deck.today, self)]
        except FAILURES as error:
            lines = [f"today: {error}"]
        if len(lines) > TODAY_ROWS:
            lines = [*lines[: TODAY_ROWS - 1], f"and {len(lines) - TODAY_ROWS + 1} more: knead today"]
        rows = tuple(
            ((words.plain(line, 200), Tone.PLAIN if number else Tone.STRONG),) for number, line in enumerate(lines)
        )
        for today in self.query("#today").results(Lines):  # none, where the screen was left meanwhile
            today.fit(rows)


def _cells(device: Device) -> tuple[str, ...]:
    scheme = device.address.partition(":")[0]
    state = "cannot be used" if device.problem else "known" if device.known else "new"
    name = words.plain(device.name) or "(unnamed)"
    detail = words.plain(device.detail)
    link = _SCHEMES.get(scheme, words.plain(scheme, 9))
    return (name, link, state, words.plain(device.address), detail)


def first_choice(devices: Sequence[Device]) -> int:
    """Where the cursor begins: on a ball that was used before; else on a virtual one, which answers; else on top.

    A computer may have serial ports that nothing is behind.
    """
    usable = [place for place, device in enumerate(devices) if not device.problem]
    virtual = [place for place in usable if devices[place].address.startswith("sim:")]
    used = [place for place in usable if devices[place].known and place not in virtual]
    return next(iter((*used, *virtual, *usable)), 0)


def last_session(sessions: Sequence[SessionRow]) -> list[Row]:
    """The newest session in three lines."""
    if not sessions:
        return [(("last session: none yet", Tone.QUIET),)]
    row = sessions[0]
    when = f"last session  {words.moment(row.started_at)}  {words.clock(row.duration_s)}"
    simulated = "  (simulated)" if row.simulated else ""
    counts = row.alerts_by_level
    stops, cautions = counts.get("stop", 0), counts.get("caution", 0)
    return [
        ((when, Tone.STRONG), (simulated, Tone.QUIET)),
        ((f"{words.place(row.region, row.side)}, peak {words.number(row.peak_kpa)} kPa", Tone.PLAIN),),
        ((f"stops {stops}, cautions {cautions}, state {words.plain(row.state, 20)}", Tone.PLAIN),),
    ]
