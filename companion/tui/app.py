"""The app: which screen stands, when the danger screen covers it, and how all of it ends."""

import asyncio
import gc
import os
import time
from contextlib import suppress
from typing import ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen

from companion.tui import keys, palette, places
from companion.tui.course import Course, spare
from companion.tui.danger import DangerScreen
from companion.tui.deck import Deck, Live
from companion.tui.face import Now, look
from companion.tui.live import LiveScreen
from companion.tui.messages import (
    Asked,
    Do,
    GoBack,
    GoHome,
    GoTo,
    OpenSession,
    SettingChanged,
    ShowComparison,
    ShowHelp,
    StartLive,
)
from companion.tui.rebinding import rebound, table
from companion.tui.terminal import TerminalWatch, frames_per_second, require_terminal
from sessions.events import Action, Level

_TWICE_S = 3.0


class KneadApp(App[int]):
    """Home and what is opened from it; or, given a run, only that run until it ends.

    Reads the live view on its own timer. Returns the exit code.
    """

    TITLE = "knead"
    CSS_PATH: ClassVar[str] = "companion.tcss"
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False  # nothing may cover the danger screen
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("app")

    def __init__(self, deck: Deck, start: Live | None = None) -> None:
        super().__init__()
        self._deck = deck
        self._course = Course(self, deck, start, watch=self._watch_view, say=self._say, home=self._go_home)
        self._danger = DangerScreen()  # one for all stops: to mount it anew each time would take its time
        self._in_danger = False
        self._running_loop: asyncio.AbstractEventLoop | None = None
        self._asked_to_leave_s = -_TWICE_S
        self.install_screen(self._danger, "danger")
        self.rebound = rebound(deck.keys)
        self.set_keymap(self.rebound)
        for theme in palette.themes():
            self.register_theme(theme)
        wanted = "mono" if self.no_color else deck.theme
        self.theme = wanted if wanted in self.available_themes else palette.DEFAULT_THEME

    @property
    def live(self) -> Live | None:
        """The run under way."""
        return self._course.live

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return palette.themes()[0].variables

    def get_default_screen(self) -> Screen[None]:
        if self.live is not None:
            return LiveScreen(self.live)
        from companion.tui.home import HomeScreen

        return HomeScreen(self._deck)

    def on_mount(self) -> None:
        self._running_loop = asyncio.get_running_loop()
        if self.live is not None:
            self._watch_view(self.live)
        self.set_interval(1 / frames_per_second(self._deck.fps, os.environ), self._frame)

    # --- frames ---

    def _watch_view(self, live: Live) -> None:
        """Have the view wake us on an alert: at once, and without ever making the engine wait."""
        loop = self._running_loop
        if loop is None:
            return

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has closed: there is no screen to wake
                loop.call_soon_threadsafe(self.call_next, self._frame)

        live.view.wake = wake

    def now(self) -> Now | None:
        """This moment of the run under way."""
        return None if self.live is None else look(self.live)

    async def _frame(self) -> None:
        live, now = self.live, self.now()
        if live is None or now is None:
            return
        await self._cover(now)
        if not self.screen_stack:
            return  # we are being closed
        screen = self.screen
        if isinstance(screen, LiveScreen | DangerScreen) and screen.is_mounted:
            screen.show(now)
        if live.run.outcome is not None:
            self._course.ended(live)

    async def _cover(self, now: Now) -> None:
        """The danger screen stands exactly while a stop does."""
        stop = now.snapshot.level is Level.STOP and now.snapshot.closed is None
        if stop and not self._in_danger:
            self._in_danger = True
            self._danger.show(now)
            await self.push_screen(self._danger)
        elif not stop and self._in_danger and self.screen is self._danger:
            self._in_danger = False
            await self.pop_screen()

    # --- the run ---

    def on_start_live(self, message: StartLive) -> None:
        self._course.begin(message)

    def on_do(self, message: Do) -> None:
        if self.live is not None:
            self.live.run.submit(Action(message.kind, message.fields))

    def on_end_live(self) -> None:
        self._course.end()

    async def on_finished(self) -> None:
        """All was said about a session."""
        await self._course.told()

    # --- screens ---

    def _heeded(self, asked: Asked) -> bool:
        """Whether who asks still stands; the danger screen is not to be left."""
        return asked.by in self.screen_stack[-1:] and not self._in_danger

    async def on_go_to(self, message: GoTo) -> None:
        if self.live is None and self._heeded(message):
            await self._go_home()
            from companion.tui.home import HomeScreen

            home = self.screen_stack[0]
            place = places.place(message.place, self._deck, home.address if isinstance(home, HomeScreen) else "")
            if place is not None:
                await self.push_screen(place)

    def on_setting_changed(self, message: SettingChanged) -> None:
        """Colours change at once."""
        if message.name == "theme" and not self.no_color:
            self.theme = message.text if message.text in self.available_themes else palette.DEFAULT_THEME

    def on_open_session(self, message: OpenSession) -> None:
        if self._heeded(message):
            self.push_screen(places.session(self._deck, message.row))

    def on_show_comparison(self, message: ShowComparison) -> None:
        if self._heeded(message):
            self.push_screen(places.comparison(self._deck, message.sessions))

    def on_show_help(self, message: ShowHelp) -> None:
        if self._heeded(message):
            self.push_screen(places.keys_of(keys.name_of(self.screen.BINDINGS), self._deck))

    async def on_go_back(self, message: GoBack) -> None:
        if not self._heeded(message):
            return
        if len(self.screen_stack) > 1:
            await self.pop_screen()
        else:
            self.action_leave_all()

    async def on_go_home(self, message: GoHome) -> None:
        if self._heeded(message):
            await self._go_home()

    async def _go_home(self) -> None:
        self._in_danger = False
        while len(self.screen_stack) > 1:
            await self.pop_screen()

    def _say(self, text: str, hint: str = "") -> None:
        """On the first screen, or on the live one."""
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen):
                screen.say(text)
                return
        from companion.tui.home import HomeScreen
        from companion.tui.programs import ProgramsScreen

        for screen in reversed(self.screen_stack):
            if isinstance(screen, HomeScreen | ProgramsScreen):
                screen.say(text, hint)
                return

    def action_deeds(self) -> None:
        """All that can be done here, by name."""
        from companion.tui.deeds import DeedsScreen, deeds_of

        screen = self.screen
        ids = [binding.id or "" for _, binding in screen._bindings]
        names = {name.partition(".")[0] for name in ids if name}
        if self._in_danger or isinstance(screen, DeedsScreen) or len(names) != 1:
            return
        deeds = deeds_of(names.pop(), table(self._deck.keys))

        async def do(action: str | None) -> None:
            if action and not self._in_danger:
                await self.run_action(action, default_namespace=screen)

        self.push_screen(DeedsScreen(deeds), do)

    # --- leaving ---

    def action_leave_all(self) -> None:
        """Out, saving: what runs is ended first, and its end ends the app."""
        self._course.leave()

    def action_leave_all_twice(self) -> None:
        """A reflex of the hand must not end a session."""
        now_s = time.monotonic()
        if now_s - self._asked_to_leave_s < _TWICE_S:
            self.action_leave_all()
            return
        self._asked_to_leave_s = now_s
        self._say("press ctrl+c again to leave; a session is saved")

    def end_and_wait(self) -> bool:
        """End what still runs, from any thread; True once it is saved."""
        return self._course.end_and_wait()

    def leave_from_outside(self) -> None:
        """End the app, from any thread and at once. What runs has been ended and saved before."""
        loop = self._running_loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(self.exit, 0)


def run_tui(deck: Deck, start: Live | None = None) -> int:
    """Show the screens until the user leaves, and give the exit code.

    With `start`, a run made but not started, only that is shown: the app closes when it has ended, with its outcome's
    code. Whatever ends the app, a run is ended and saved first. A signal n, or 1 for a lost terminal, gives 128 + n.
    Raises ConfigError where there is no terminal.
    """
    require_terminal()
    spare()
    app = KneadApp(deck, start)
    if start is not None:
        start.run.start()
    with TerminalWatch(app.end_and_wait, app.leave_from_outside) as watch:
        try:
            code = app.run(mouse=False)  # so that the terminal's own selection works
        except OSError:
            if watch.signal is None:  # else the terminal is gone, and nothing more can be written to it
                raise
            code = None
        finally:
            saved = app.end_and_wait()
            deck.trash.empty(deck.delete)
            gc.unfreeze()
    if watch.exit_code is not None:
        return watch.exit_code
    return 1 if code is None or not saved else code
