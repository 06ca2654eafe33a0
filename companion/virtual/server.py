"""Moves bytes between a virtual ball and a port, in a thread of its own, and keeps the ball's appointments."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

_MOST_WAIT_S = 0.25  # a clock that was set forward from outside is noticed by then
_LEAST_WAIT_S = 0.001  # an appointment that stays overdue must not spin
_JAM_POLL_S = 0.005  # how often a full port is tried again; it has no event of its own
_JOIN_S = 5.0


class Ball(Protocol):
    """What is served: `simulator.virtual.VirtualBall`, or a device that speaks otherwise. See there."""

    @property
    def renamed(self) -> bool: ...
    @property
    def greetings(self) -> int: ...
    def connected(self, now_s: float) -> None: ...
    def disconnected(self, now_s: float) -> None: ...
    def present(self, now_s: float) -> bool: ...
    def feed(self, data: bytes, now_s: float) -> None: ...
    def tick(self, now_s: float) -> None: ...
    def outgoing(self) -> bytes: ...
    def deadline_s(self) -> float | None: ...


class Outlet(Protocol):
    """What a ball is plugged into. Nothing here ever waits; only the server's thread uses it once it runs."""

    @property
    def address(self) -> str:
        """As the companion takes it; that of the newest port."""
        ...

    @property
    def connected(self) -> bool:
        """Somebody may be listening."""
        ...

    def plug(self) -> None:
        """Make the port appear. CompanionError if that cannot be."""
        ...

    def unplug(self) -> None:
        """Make the port vanish, with whoever has it open. Allowed when there is none."""
        ...

    def waits(self) -> Sequence[socket.socket | int]:
        """What becomes readable when `read` has something to do."""
        ...

    def read(self) -> bytes:
        """What was sent to the ball, 4 KiB at most; empty if nothing. May change `connected`, once a call."""
        ...

    def write(self, data: bytes) -> int:
        """How much of `data` was taken; 0 if the port is full. May change `connected` to False."""
        ...

    def discard(self) -> None:
        """Drop what was written and not yet read, as far as this kind of port can."""
        ...


class Server:
    """Serves `ball` at `outlet` from its making, which is when the port is there, to `close`, or the end of `with`.

    Raises CompanionError if the port cannot be made.
    `clock` gives the ball's seconds and may run faster than real time: `speed` tells how much, for the waits.
    What goes wrong in the thread ends it and is told to `on_error` there, or else raised by `close`.
    """

    def __init__(
        self,
        ball: Ball,
        outlet: Outlet,
        *,
        clock: Callable[[], float] = time.monotonic,
        speed: float = 1.0,
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        self.ball = ball
        self._outlet = outlet
        self._clock = clock
        self._speed = speed
        self._on_error = on_error
        self._error: Exception | None = None
        self._plugged = False
        self._linked = False  # what the ball was told last
        self._pending = b""  # taken from the ball, not yet by the port
        self._ending = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="virtual-ball", daemon=True)
        self._plug()
        self._waker, self._woken = socket.socketpair()
        self._thread.start()

    @property
    def address(self) -> str:
        """Where the ball is to be found. A ball that was away may be back under another one."""
        return self._outlet.address

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until serving has ended; False if it has not by then."""
        return self._ended.wait(timeout_s)

    def close(self) -> None:
        """The port is gone when this returns. May be called again, and from any thread."""
        self._ending.set()
        if self._thread.is_alive():
            with contextlib.suppress(OSError):  # closed by another thread meanwhile
                self._waker.send(b"\0")
            if threading.current_thread() is self._thread:
                return
            self._thread.join(_JOIN_S)
        self._ended.set()
        self._outlet.unplug()
        self._waker.close()
        self._woken.close()
        if self._error is not None and self._on_error is None:
            error, self._error = self._error, None
            raise error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self._keep_appointments()
                self._wait()
                self._read()
        # The thread's end is the only place to see a failure of any kind; it is handed on, never swallowed.
        except Exception as error:
            self._error = error
            if self._on_error is not None:
                self._on_error(error)
        finally:
            self._outlet.unplug()
            self._ended.set()

    def _keep_appointments(self) -> None:
        now_s = self._clock()
        self.ball.tick(now_s)
        present = self.ball.present(now_s)
        self._write()
        if self._plugged and not present:
            self._outlet.unplug()
            self._plugged = False
            self._tell_link()
        elif present and not self._plugged:
            self._plug()
            self._write()

    def _plug(self) -> None:
        self._outlet.plug()
        self._plugged = True
        self._tell_link()

    def _tell_link(self) -> None:
        if self._outlet.connected == self._linked:
            return
        self._linked = self._outlet.connected
        self._pending = b""
        if self._linked:
            self.ball.connected(self._clock())
        else:
            self.ball.disconnected(self._clock())

    def _write(self) -> None:
        """Only when the port has taken all is the ball asked for more: a full port is the ball's own jam."""
        while self._linked:
            self._pending = self._pending or self.ball.outgoing()
            if not self._pending:
                return
            taken = self._outlet.write(self._pending)
            self._pending = self._pending[taken:]
            self._tell_link()
            if not taken:
                return

    def _wait(self) -> None:
        wait_s = _JAM_POLL_S if self._pending else _MOST_WAIT_S
        due_s = self.ball.deadline_s()
        if due_s is not None:
            wait_s = min(wait_s, (due_s - self._clock()) / self._speed)
        select.select([self._woken, *self._outlet.waits()], [], [], max(wait_s, _LEAST_WAIT_S))

    def _read(self) -> None:
        if not self._plugged:
            return
        data = self._outlet.read()
        self._tell_link()
        if not (data and self._linked):
            return
        greetings = self.ball.greetings
        self.ball.feed(data, self._clock())
        if self.ball.greetings != greetings:
            # A new conversation: what waits is of an old one, which perhaps nobody read. The 00 closes a cut frame.
            self._outlet.discard()
            self._pending = b"\0"
