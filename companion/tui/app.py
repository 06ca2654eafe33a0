"""The app: which screen stands, when the danger screen covers it, and how all of it ends."""

import asyncio
import gc
import os
import time
from contextlib import suppress
from functools import partial
from typing import ClassVar

from textual import work
from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen
from textual.worker import Worker

from companion.tui import keys, palette, places
from companion.tui.aside import aside
from companion.tui.danger import DangerScreen
from companion.tui.deck import FAILURES, Deck, Live
from companion.tui.face import Now, look
from companion.tui.live import LiveScreen
from companion.tui.messages import Do, GoTo, OpenSession, SettingChanged, ShowComparison, StartLive
from companion.tui.rebinding import rebound, table
from companion.tui.terminal import TerminalWatch, frames_per_second, require_terminal
from sessions.events import Action, Level

SAVE_S = 40.0  # the engine's way out, and the journal's; longer means that something is lost
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
        self._live: Live | None = start
        self._only_live = start is not None
        self._danger = DangerScreen()  # one for all stops: to mount it anew each time would take its time
        self._in_danger = False
        self._starting = False
        self._saving: Worker[None] | None = None
        self._leaving = False
        self._code: int | None = None  # how the only run ended, while one is still asked about it
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
        return self._live

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return palette.themes()[0].variables

    def get_default_screen(self) -> Screen[None]:
        if self._live is not None:
            return LiveScreen(self._live)
        from companion.tui.home import HomeScreen

        return HomeScreen(self._deck)

    def on_mount(self) -> None:
        self._running_loop = asyncio.get_running_loop()
        self._watch_view()
        self.set_interval(1 / frames_per_second(self._deck.fps, os.environ), self._frame)

    # --- frames ---

    def _watch_view(self) -> None:
        """Have the view wake us on an alert: at once, and without ever making the engine wait."""
        live, loop = self._live, self._running_loop
        if live is None or loop is None:
            return

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has closed: there is no screen to wake
                loop.call_soon_threadsafe(self.call_next, self._frame)

        live.view.wake = wake

    def now(self) -> Now | None:
        """This moment of the run under way."""
        return None if self._live is None else look(self._live)

    async def _frame(self) -> None:
        live, now = self._live, self.now()
        if live is None or now is None:
            return
        await self._cover(now)
        if not self.screen_stack:
            return  # we are being closed
        screen = self.screen
        if isinstance(screen, LiveScreen | DangerScreen) and screen.is_mounted:
            screen.show(now)
        if live.run.outcome is not None:
            self._save(live)

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

    # --- a run's life ---

    def on_start_live(self, message: StartLive) -> None:
        if self._live is None and not self._starting:
            self._starting = True
            self._start(message)

    @work(group="live")
    async def _start(self, wish: StartLive) -> None:
        deck, address = self._deck, wish.address

        def make() -> Live:
            if wish.program and deck.guided is not None:
                live = deck.guided(address, wish.program, wish.side)
            else:
                live = deck.demo() if address == "demo" else deck.live(address)
            _spare()
            live.run.start()
            return live

        try:
            if address != "demo" and not await self._ask(address):
                return
            live = await aside(make)
        except FAILURES as error:
            self._say(str(error), getattr(error, "hint", ""))
            if self._leaving:
                self.exit(0)
            return
        finally:
            self._starting = False
        self._live = live
        self._watch_view()
        await self.push_screen(LiveScreen(live))
        if self._leaving:
            live.run.stop("user")

    async def _ask(self, address: str) -> bool:
        """Ask all that is due before a session; False where none may begin."""
        from companion.tui.questions import QuestionsScreen
        from companion.tui.sheet import Result

        while (sheet := await aside(lambda: self._deck.sheet(address))) is not None:
            answer = await self.push_screen_wait(QuestionsScreen(sheet))
            if isinstance(answer, Result):
                self._say(answer.refused, answer.advice)
                return False
            if answer == "skipped" and sheet.final:
                return True
        return True

    def on_do(self, message: Do) -> None:
        if self._live is not None:
            self._live.run.submit(Action(message.kind, message.fields))

    def on_end_live(self) -> None:
        self._end()

    def _end(self) -> None:
        if self._live is not None:
            self._live.run.stop("user")
            self.set_timer(SAVE_S, partial(self._give_up, self._live))
            for screen in self.screen_stack:
                if isinstance(screen, LiveScreen):
                    screen.ending = True

    def _give_up(self, live: Live) -> None:
        """An engine that does not end, a fault of this program, must not keep anybody here."""
        if live is self._live and live.run.outcome is None:
            self.exit(1)

    def _save(self, live: Live) -> None:
        """The engine has ended: wait, aside, until the journal has, too."""
        if self._saving is None:
            self._saving = self._saved(live)

    @work(group="live")
    async def _saved(self, live: Live) -> None:
        in_time = await aside(lambda: live.join(SAVE_S))
        outcome = live.run.outcome
        code = 1 if outcome is None or not in_time else outcome.code
        session = live.run.session_id if in_time else None
        if self._leaving or (self._only_live and session is None):
            self.exit(code)
            return
        live.view.wake = None
        if self._only_live:
            self._code = code
        else:
            self._live, self._saving, self._in_danger = None, None, False
            await self._go_home()
        if not in_time:
            self._say("the session could not be saved in time", "see knead sessions recover")
        elif outcome is not None:
            self._say(outcome.text or "the session has ended and is saved", outcome.hint)
        if session is not None:
            await self.push_screen(places.after(self._deck, session, "" if outcome is None else outcome.text))

    async def on_finished(self) -> None:
        """All was said about a session."""
        if self._code is not None:
            self.exit(self._code)
        else:
            await self._go_home()

    # --- screens ---

    async def on_go_to(self, message: GoTo) -> None:
        if self._live is None and not self._in_danger:
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
        self.push_screen(places.session(self._deck, message.row))

    def on_show_comparison(self, message: ShowComparison) -> None:
        self.push_screen(places.comparison(self._deck, message.sessions))

    def on_show_help(self) -> None:
        if not self._in_danger:
            self.push_screen(places.keys_of(keys.name_of(self.screen.BINDINGS), self._deck))

    async def on_go_back(self) -> None:
        if self._in_danger:
            return  # asked for before the danger screen came; it is not to be left
        if len(self.screen_stack) > 1:
            await self.pop_screen()
        else:
            self.action_leave_all()

    async def on_go_home(self) -> None:
        await self._go_home()

    async def _go_home(self) -> None:
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
        from companion.tui.questions import QuestionsScreen

        self._leaving = True
        if self._code is not None:
            self.exit(self._code)
        elif self._live is not None:
            self._end()
        elif not self._starting or isinstance(self.screen, QuestionsScreen):
            self.exit(0)

    def action_leave_all_twice(self) -> None:
        """A reflex of the hand must not end a session."""
        now_s = time.monotonic()
        if now_s - self._asked_to_leave_s < _TWICE_S:
            self.action_leave_all()
            return
        self._asked_to_leave_s = now_s
        self._say("press ctrl+c again to leave; a session is saved")

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
    _spare()
    app = KneadApp(deck, start)
    if start is not None:
        start.run.start()
    with TerminalWatch(lambda: _ended(app), app.leave_from_outside) as watch:
        try:
            code = app.run(mouse=False)  # so that the terminal's own selection works
        except OSError:
            if watch.signal is None:  # else the terminal is gone, and nothing more can be written to it
                raise
            code = None
        finally:
            saved = _ended(app)
            deck.trash.empty(deck.delete)
            gc.unfreeze()
    if watch.exit_code is not None:
        return watch.exit_code
    return 1 if code is None or not saved else code


def _spare() -> None:
    """Keep the garbage collector from what is imported by now: it lives as long as we do.

    A full collection that looked through it stops every thread, the engine's too, for 30 to 120 ms (measured); without
    it, for a few. What is garbage now stays, too: less than it would cost the first frame to look for it.
    """
    gc.freeze()


def _ended(app: KneadApp) -> bool:
    """End what still runs; True once it is saved."""
    live = app.live
    if live is None:
        return True
    if live.run.outcome is None:
        live.run.stop("signal")
    return live.join(SAVE_S)
