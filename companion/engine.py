"""The only loop: moves bytes from transport to pipeline and events to observers, and keeps appointments.

It owns a thread with its own asyncio loop. Nothing it does waits for a screen, a disk or a loudspeaker: observers
only take an event and return, and one that raises is detached. Others reach it by `submit`, which returns at once.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from companion.clock import Clock
from companion.ending import AWAY_S as AWAY_S
from companion.ending import End, Ending
from companion.ending import Outcome as Outcome
from companion.errors import CompanionError, LinkLostError, TransportError, UnavailableError
from companion.observing import Observer as Observer
from companion.observing import Observers
from companion.stages import Output, Stages
from companion.transports import Transport
from firmware_protocol.driver import Chunk, Close, Send
from sessions.events import Action, Event, Notice, Reading

BACKOFF_S = (0.25, 0.5, 1.0, 2.0, 4.0)  # R-table of PROTOCOL.md section 5, state DOWN; the last one repeats
INBOX_MAX = 256


class Engine:
    """Runs one session in its own thread. `start`, then `submit` and `stop` from any thread, then `join`."""

    def __init__(
        self,
        transport: Callable[[], Transport],
        pipeline: Stages,
        observers: Sequence[Observer],
        clock: Clock,
        *,
        seconds: float | None = None,
        away_s: float = AWAY_S,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """`transport` is made inside the engine's loop. `seconds`: session seconds after which to end.

        `away_s`: how long a ball that has measured may be away before that ends the session.
        """
        self.failure: BaseException | None = None  # a fault of this program, for whoever debugs it
        self._make_transport = transport
        self._pipeline = pipeline
        self._observers = Observers(observers, self._session_s, "the session goes on")
        self._clock = clock
        self._ending = Ending(clock, pipeline, self._ask_stop, seconds=seconds, away_s=away_s)
        self._on_end = on_end
        self._inbox: deque[Action] = deque()
        self._notices: deque[Notice] = deque()
        self._rejected = False  # the newest link was to another ball
        self._complaint = ""  # why it cannot be opened, as told last
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._ready = threading.Event()
        self._outcome: Outcome | None = None
        self._thread = threading.Thread(target=self._main, name="knead engine", daemon=True)

    # --- from any thread ---

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def submit(self, action: Action) -> bool:
        """Hand an action over; False if the engine has ended or has 256 unread."""
        return len(self._inbox) < INBOX_MAX and self._post(self._inbox.append, action)

    def stop(self, cause: str, outcome: Outcome | None = None) -> None:
        """End the session and save it. Idempotent: the first cause stands."""
        self._post(self._ending.ask, cause, outcome or Outcome(0))

    def tell(self, notice: Notice) -> None:
        """A notice from outside the pipeline (the journal, a cue player) for all observers."""
        self._post(self._notices.append, notice)

    def join(self, timeout_s: float | None = None) -> bool:
        """True once the thread has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def outcome(self) -> Outcome | None:
        """None while running."""
        return self._outcome

    def _post(self, call: Callable[..., None], *args: object) -> bool:
        loop = self._loop
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(self._handed, call, args)
        except RuntimeError:  # the loop has closed
            return False
        return True

    # --- in the engine's thread ---

    def _handed(self, call: Callable[..., None], args: tuple[object, ...]) -> None:
        call(*args)
        self._wake.set()

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except Exception as error:  # the thread's edge: a fault becomes an outcome, not a traceback
            self.failure = error
            self._outcome = Outcome(1, f"a fault of this program ended the session: {error!r}", "please report it")
        finally:
            self._ready.set()
            if self._on_end is not None:
                self._on_end()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ending.begin()
        self._ready.set()
        end = End(Outcome(1), "error")
        transport: Transport | None = None
        try:
            transport = self._make_transport()
            await self._session(transport)
        except End as reached:
            end = reached
        except CompanionError as error:
            end = End(Outcome(error.exit_code, str(error), error.hint), "error")
        finally:
            if transport is not None:
                await transport.close()
            for event in self._pipeline.finish(self._clock.now_s(), end.cause):
                self._emit(event)
        self._outcome = end.outcome

    async def _session(self, transport: Transport) -> None:
        """Link after link until something raises `End`."""
        attempt = 0
        while True:
            try:
                await self._meanwhile(transport.open())
            except TransportError as error:
                if not self._ending.measured and attempt == 0:
                    raise End(Outcome(error.exit_code, str(error), error.hint), "no ball") from error
                self._complain(error)
            else:
                self._ending.linked()
                self._complaint = ""
                if await self._link(transport):
                    attempt = 0
                self._ending.away()
            await self._meanwhile(transport.close())
            await self._back_off(transport, BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
            attempt = 0 if self._rejected else attempt + 1
            self._rejected = False

    async def _meanwhile(self, work: Coroutine[Any, Any, None]) -> None:
        """Open or close, while the user's and the guard's appointments are kept."""
        working = asyncio.ensure_future(work)
        try:
            while not working.done():
                await self._pause((working,), None)
                await self._handle(self._due(), None)
            working.result()
        finally:
            working.cancel()

    def _complain(self, error: TransportError) -> None:
        """Say once why the ball cannot come back, where that is no matter of the ball."""
        text = f"{error}; {error.hint}" if error.hint else str(error)
        if isinstance(error, UnavailableError) and text != self._complaint:
            self._complaint = text
            self._emit(Notice(self._session_s(), "away", text, {"state": "away"}))

    async def _link(self, transport: Transport) -> bool:
        """One link, from open to lost or closed. True if it brought readings."""
        brought = False
        receive: asyncio.Future[Chunk] | None = None
        try:
            if await self._handle(self._pipeline.opened(self._clock.now_s()), transport):
                return brought
            receive = asyncio.ensure_future(transport.receive())
            while True:
                await self._pause((receive,), None)
                out: list[Output] = []
                if receive.done():
                    chunk = receive.result()
                    receive = asyncio.ensure_future(transport.receive())
                    out = self._pipeline.feed(chunk)
                    brought = brought or any(isinstance(event, Reading) for event in out)
                if await self._handle(out + self._due(), transport):
                    return brought
        except LinkLostError as error:
            await self._handle(self._pipeline.closed(self._clock.now_s(), str(error)), None)
            return brought
        finally:
            if receive is not None:
                receive.cancel()
                await asyncio.wait((receive,))
                if not receive.cancelled():
                    receive.exception()  # it, too, may say that the link is lost; that is known by now

    async def _back_off(self, transport: Transport, wait_s: float) -> None:
        """Wait to try again: the back-off, or the ball being seen, whichever comes first."""
        until_s = self._clock.now_s() + wait_s * self._clock.speed
        seen = asyncio.ensure_future(transport.returned())
        try:
            while not seen.done() and self._clock.now_s() < until_s:
                await self._pause((seen,), until_s)
                await self._handle(self._due(), None)
        finally:
            seen.cancel()

    async def _pause(self, tasks: tuple["asyncio.Future[Any]", ...], until_s: float | None) -> None:
        """Until a task is done, something is due, or another thread has handed something over."""
        due = [self._pipeline.deadline(), self._ending.at_s(), until_s]
        timeout_s = min((self._clock.wait_s(at_s) for at_s in due if at_s is not None), default=None)
        wake = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((*tasks, wake), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wake.cancel()
            self._wake.clear()

    # --- appointments ---

    def _due(self) -> list[Output]:
        """What the clock and the inbox ask for now. Raises `End`."""
        now_s = self._clock.now_s()
        out: list[Output] = []
        while self._notices:
            out.append(self._notices.popleft())
        while self._inbox:
            out += self._pipeline.act(self._inbox.popleft(), now_s)
        at_s = self._pipeline.deadline()
        if at_s is not None and at_s <= now_s:
            out += self._pipeline.tick(now_s)
        self._ending.check(now_s)
        return out

    def _ask_stop(self, cause: str) -> None:
        self._inbox.append(Action("end", {"cause": cause}))
        self._wake.set()

    # --- out ---

    async def _handle(self, out: Sequence[Output], transport: Transport | None) -> bool:
        """Events to the observers, then bytes to the transport, each in order. True if the link is to be closed.

        No event waits for a link that takes its time, and none is lost with one that breaks.
        """
        close: Close | None = None
        sends: list[Send] = []
        for item in out:
            match item:
                case Send():
                    sends.append(item)
                case Close():
                    close = item
                case _:
                    self._emit(item)
        if transport is not None:
            for send in sends:
                await transport.send(send)
        if close is None:
            return False
        self._ending.check_asked()
        if close.cause == "wrong_ball" and transport is not None and transport.reject():
            self._rejected = True
            self._ending.rejected()
        else:
            self._ending.check_close(close)
        await self._handle(self._pipeline.closed(self._clock.now_s(), close.text), None)
        return True

    def _emit(self, event: Event) -> None:
        if isinstance(event, Reading):
            self._ending.measured = True
        elif isinstance(event, Notice) and event.kind == "over":
            self._ending.ask(str(event.fields.get("cause", "over")), Outcome(0, event.text))
        self._observers.tell(event)

    def _session_s(self) -> float:
        """0 before the first reading."""
        return self._pipeline.session_s(self._clock.now_s()) or 0.0
