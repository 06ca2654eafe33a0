"""The course of a run: wished for, asked about, begun, ended, saved, and told of."""

import gc
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from textual.app import App

from companion.tui import places
from companion.tui.aside import aside
from companion.tui.deck import FAILURES, Deck, Live
from companion.tui.live import LiveScreen
from companion.tui.messages import StartLive

SAVE_S = 40.0  # the engine's way out, and the journal's; longer means that something is lost


class Saying(Protocol):
    def __call__(self, text: str, hint: str = "", /) -> object: ...


class Course:
    """One run at a time, on the app it is given; or, with `only`, that run alone, whose end is the app's.

    `watch` is told of a run that begins, `say` has a line for the person, `home` brings the first screen back.
    """

    def __init__(
        self,
        app: App[int],
        deck: Deck,
        only: Live | None,
        *,
        watch: Callable[[Live], object],
        say: Saying,
        home: Callable[[], Awaitable[object]],
    ) -> None:
        self.live = only  # the run under way
        self._app, self._deck = app, deck
        self._watch, self._say, self._home = watch, say, home
        self._only = only is not None
        self._starting = False
        self._saving = False
        self._leaving = False
        self._code: int | None = None  # how the only run ended, while one is still asked about it

    # --- beginning ---

    def begin(self, wish: StartLive) -> None:
        if self.live is None and not self._starting:
            self._starting = True
            self._app.run_worker(self._begin(wish), group="live")

    async def _begin(self, wish: StartLive) -> None:
        try:
            if wish.address != "demo" and not await self._ask(wish.address):
                return
            live = await aside(partial(self._make, wish))
        except FAILURES as error:
            self._say(str(error), getattr(error, "hint", ""))
            if self._leaving:
                self._app.exit(0)
            return
        finally:
            self._starting = False
        self.live = live
        self._watch(live)
        await self._app.push_screen(LiveScreen(live))
        if self._leaving:
            live.run.stop("user")

    def _make(self, wish: StartLive) -> Live:
        deck, address = self._deck, wish.address
        if wish.program and deck.guided is not None:
            live = deck.guided(address, wish.program, wish.side)
        else:
            live = deck.demo() if address == "demo" else deck.live(address)
        spare()
        live.run.start()
        return live

    async def _ask(self, address: str) -> bool:
        """Ask all that is due before a session; False where none may begin."""
        from companion.tui.questions import QuestionsScreen
        from companion.tui.sheet import Result

        while (sheet := await aside(lambda: self._deck.sheet(address))) is not None:
            answer = await self._app.push_screen_wait(QuestionsScreen(sheet))
            if isinstance(answer, Result):
                self._say(answer.refused, answer.advice)
                return False
            if answer == "skipped" and sheet.final:
                return True
        return True

    # --- ending ---

    def end(self) -> None:
        """Ask the run to end and to save."""
        if self.live is not None:
            self.live.run.stop("user")
            self._app.set_timer(SAVE_S, partial(self._give_up, self.live))
            for screen in self._app.screen_stack:
                if isinstance(screen, LiveScreen):
                    screen.ending = True

    def _give_up(self, live: Live) -> None:
        """An engine that does not end, a fault of this program, must not keep anybody here."""
        if live is self.live and live.run.outcome is None:
            self._app.exit(1)

    def ended(self, live: Live) -> None:
        """The engine has: wait, aside, until the journal has, too."""
        if not self._saving:
            self._saving = True
            self._app.run_worker(self._save(live), group="live")

    async def _save(self, live: Live) -> None:
        in_time = await aside(lambda: live.join(SAVE_S))
        outcome = live.run.outcome
        code = 1 if outcome is None or not in_time else outcome.code
        session = live.run.session_id if in_time else None
        if self._leaving or (self._only and session is None):
            self._app.exit(code)
            return
        live.view.wake = None
        if self._only:
            self._code = code
        else:
            self.live, self._saving = None, False
            await self._home()
        if not in_time:
            self._say("the session could not be saved in time", "see knead sessions recover")
        elif outcome is not None:
            self._say(outcome.text or _ended(live, session), outcome.hint)
        if session is not None:
            await self._app.push_screen(places.after(self._deck, session, "" if outcome is None else outcome.text))

    async def told(self) -> None:
        """All was said about a session."""
        if self._code is not None:
            self._app.exit(self._code)
        else:
            await self._home()

    # --- leaving ---

    def leave(self) -> None:
        """Out, saving: what runs is ended first, and its end ends the app."""
        from companion.tui.questions import QuestionsScreen

        self._leaving = True
        if self._code is not None:
            self._app.exit(self._code)
        elif self.live is not None:
            self.end()
        elif not self._starting or any(isinstance(screen, QuestionsScreen) for screen in self._app.screen_stack):
            self._app.exit(0)

    def end_and_wait(self) -> bool:
        """End what still runs, from any thread; True once it is saved."""
        live = self.live
        if live is None:
            return True
        if live.run.outcome is None:
            live.run.stop("signal")
        return live.join(SAVE_S)


def _ended(live: Live, session: str | None) -> str:
    if session is not None:
        return "the session has ended and is saved"
    return "ended before a first reading: there is nothing to save" if live.recorded else "ended, and not recorded"


def spare() -> None:
    """Keep the garbage collector from what is imported by now: it lives as long as we do.

    A full collection that looked through it stops every thread, the engine's too, for 30 to 120 ms (measured); without
    it, for a few. What is garbage now stays, too: less than it would cost the first frame to look for it.
    """
    gc.freeze()
