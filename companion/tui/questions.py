"""The screen that asks, before the first session and then weekly; and the app that shows it alone."""

import asyncio
import textwrap
from contextlib import suppress
from typing import ClassVar, Literal

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from companion.tui import keys, palette, words
from companion.tui.aside import aside
from companion.tui.deck import FAILURES
from companion.tui.sheet import Filling, Result, Sheet
from companion.tui.terminal import TerminalWatch, require_terminal
from companion.tui.tones import Row, Tone
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar

INTERRUPTED = 130  # the exit code of one who leaves by ctrl+c
Left = Literal["kept", "skipped"]


class QuestionsScreen(Screen[Result | Left]):
    """Gives "kept", "skipped", or why no session may begin."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("questions")

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self._sheet = sheet
        self._filling = Filling(sheet.questions, preface=sheet.preface)
        self._result: Result | None = None  # a refusal that is being shown
        self._busy = False

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield Lines(id="sheet")
        yield Lines(id="said")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.query_one(KeyLine).show(self.BINDINGS)
        self._hint()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        self.query_one(TitleBar).show((("knead", Tone.STRONG), (f"  {self._sheet.title}", Tone.PLAIN)), ())
        sheet: Widget = self.query_one("#sheet", Lines)
        width, height = sheet.size.width, sheet.size.height
        rows = self._refusal(width) if self._result is not None else self._filling.rows(width, height)
        self.query_one("#sheet", Lines).paint(rows)

    def _refusal(self, width: int) -> tuple[Row, ...]:
        assert self._result is not None
        said = [words.plain(self._result.refused, 300), "", words.plain(self._result.advice, 300)]
        lines = [line for text in said for line in (textwrap.wrap(text, max(20, width - 4)) or [""])]
        return ((), (("  NO SESSION", Tone.STOP),), (), *(((f"  {line}", Tone.STRONG),) for line in lines))

    def say(self, text: str, hint: str = "") -> None:
        rows: tuple[Row, ...] = (((f" {words.plain(text, 300)}", Tone.STRONG),),)
        self.query_one("#said", Lines).paint((*rows, ((f" {words.plain(hint, 300)}", Tone.QUIET),)))

    def _hint(self) -> None:
        left = len(self._filling.open)
        done = "all answered: press enter" if not left else f"{left} to answer"
        self.say(f"{self._filling.here.allowed()};  {done}", self._sheet.skipping)

    def on_key(self, event: events.Key) -> None:
        """Digits and the letters of a side; the other keys are bound."""
        if self._result is not None:
            event.stop()
            event.prevent_default()
            self.dismiss(self._result)
            return
        key = event.character if event.character in tuple("0123456789.lrbu") else event.key
        if key == "backspace" or (len(key) == 1 and key not in "ynajk"):
            event.stop()
            self.action_answer(key)

    def action_answer(self, key: str) -> None:
        if self._filling.press(key):
            self._hint()
        else:
            self.say(f"allowed is {self._filling.here.allowed()}", self._sheet.skipping)
        self._show()

    def action_rest(self) -> None:
        self._filling.none_of_this_part()
        self._hint()
        self._show()

    def action_move(self, by: int) -> None:
        self._filling.move(by)
        self._hint()
        self._show()

    async def action_keep(self) -> None:
        filling = self._filling
        filling.settle()
        if filling.open:
            filling.cursor = filling.open[0]
            self._hint()
            self._show()
        elif not self._busy:
            self._busy = True
            try:
                result = await aside(lambda: self._sheet.keep(filling.answers))
            except FAILURES as error:
                self.say(str(error), getattr(error, "hint", ""))
                return
            finally:
                self._busy = False
            if not result.refused:
                self.dismiss("kept")
                return
            self._result = result
            self.say("press any key to go back")
            self.query_one(KeyLine).show(())
            self._show()

    async def action_skip(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            await aside(self._sheet.skip)
        except FAILURES as error:
            self.say(str(error), getattr(error, "hint", ""))
            return
        finally:
            self._busy = False
        self.dismiss("skipped")


class QuestionsApp(App[Result | Left]):
    """One sheet alone, before a session that was asked for on the command line. Ctrl+C leaves without an answer."""

    TITLE = "knead"
    CSS_PATH: ClassVar[str] = "companion.tcss"
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c,ctrl+q", "quit", show=False, priority=True)]

    def __init__(self, sheet: Sheet, theme: str) -> None:
        super().__init__()
        self._sheet = sheet
        self._running_loop: asyncio.AbstractEventLoop | None = None
        for item in palette.themes():
            self.register_theme(item)
        wanted = "mono" if self.no_color else theme
        self.theme = wanted if wanted in self.available_themes else palette.DEFAULT_THEME

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return palette.themes()[0].variables

    def on_mount(self) -> None:
        self._running_loop = asyncio.get_running_loop()
        self.push_screen(QuestionsScreen(self._sheet), self.exit)

    def leave_from_outside(self) -> None:
        """End the app, from any thread and at once."""
        loop = self._running_loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(self.exit)


def ask(sheet: Sheet, theme: str) -> Result | Left | int:
    """Show a sheet until it is answered or skipped; an exit code if the person, a signal or the terminal left.

    Raises ConfigError where there is no terminal.
    """
    require_terminal()
    app = QuestionsApp(sheet, theme)
    with TerminalWatch(lambda: None, app.leave_from_outside) as watch:
        try:
            answer = app.run(mouse=False)
        except OSError:
            if watch.signal is None:  # else the terminal is gone, and nothing more can be written to it
                raise
            answer = None
    if watch.exit_code is not None:
        return watch.exit_code
    return INTERRUPTED if answer is None else answer
