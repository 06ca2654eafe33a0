"""The terminal may go, and the program may be told to end. Either way the session is saved first.

Textual's loop cannot be trusted with this: it stands still while a terminal does not read, and its input thread spins
at the end of standard input. So signals are taken by Python's own handlers, and a hang-up is noticed by a thread.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import Any

from companion.errors import ConfigError

_SIGNALS = ("SIGHUP", "SIGTERM", "SIGINT", "SIGBREAK")
_HANGUP = 1  # SIGHUP, also where a system has none: what the exit code says of a terminal that went
_POLL_MS = 500
_LEAVE_S = 3.0  # for the screen to end in order, after the session is saved


def require_terminal() -> None:
    """Raises ConfigError unless standard input and standard error, which the screen is written to, are terminals."""
    if not (_is_terminal(sys.__stdin__) and _is_terminal(sys.__stderr__)):
        raise ConfigError("the screen needs a terminal", "use --plain or --jsonl where there is none")


def _is_terminal(stream: Any) -> bool:
    with suppress(AttributeError, ValueError, OSError):
        return bool(stream.isatty())
    return False


class TerminalWatch:
    """While entered, a signal or a lost terminal first calls `save`, then `leave`, each once, in a thread of its own.

    `save` waits until all is on disk. `leave` asks the screen to end, and must not wait. A screen that has not
    ended soon after (it may be stuck in a write) is ended with the process, whose terminal is put back in order.
    """

    def __init__(self, save: Callable[[], object], leave: Callable[[], object]) -> None:
        self.signal: int | None = None  # what ended us
        self._save = save
        self._leave = leave
        self._left = threading.Event()
        self._before: dict[int, Any] = {}
        self._modes: list[Any] | None = None
        self._lock = threading.Lock()

    @property
    def exit_code(self) -> int | None:
        """128 + n, or None if nothing has ended us."""
        return None if self.signal is None else 128 + self.signal

    def __enter__(self) -> "TerminalWatch":
        self._modes = _modes()
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is not None:
                self._before[number] = signal.signal(number, self._on_signal)
        threading.Thread(target=self._watch, name="knead terminal", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # In the main thread, between any two of its instructions: another thread does what takes time.
        threading.Thread(target=self._end, args=(number,), name="knead ending", daemon=True).start()

    def _watch(self) -> None:
        """Notice that the terminal has hung up although no signal told us (nohup, a detached process)."""
        poll = _hangup_poll()
        while poll is not None and not self._left.is_set():
            if poll():
                self._end(_HANGUP)
                return

    def _end(self, number: int) -> None:
        with self._lock:
            if self.signal is not None:
                return
            self.signal = number
        try:
            self._save()
        finally:
            self._leave()
            if not self._left.wait(_LEAVE_S):
                _restore(self._modes)
                os._exit(128 + number)


def _hangup_poll() -> Callable[[], bool] | None:
    """A call that waits up to half a second and says whether standard input has hung up; None where none can."""
    if not hasattr(select, "poll"):
        return None  # Windows: closing the console ends the process
    poller = select.poll()
    poller.register(0, 0)  # errors and hang-up are reported unasked, and no input is taken
    gone = select.POLLHUP | select.POLLERR
    if any(events & select.POLLNVAL for _, events in poller.poll(0)):
        return None  # this system cannot poll a terminal
    return lambda: any(events & gone for _, events in poller.poll(_POLL_MS))


def _modes() -> list[Any] | None:
    """How the terminal is set now; None where there is no such thing."""
    if sys.platform == "win32":
        return None
    import termios

    try:
        return termios.tcgetattr(0)
    except (termios.error, OSError):
        return None


def _restore(modes: list[Any] | None) -> None:
    if sys.platform == "win32" or modes is None:
        return
    import termios

    with suppress(termios.error, OSError):
        termios.tcsetattr(0, termios.TCSANOW, modes)


def frames_per_second(asked: float | None, env: Mapping[str, str]) -> float:
    """What was asked for; else 10, and 5 over SSH, where every frame is sent."""
    if asked is not None:
        return min(30.0, max(1.0, asked))
    return 5.0 if env.get("SSH_CONNECTION") or env.get("SSH_TTY") else 10.0
