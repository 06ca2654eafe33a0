"""Ending by a signal: noted at once, acted on by whoever waits."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last on Windows only, SIGHUP elsewhere only


class Ended(KeyboardInterrupt):
    """What ctrl+c is, for the other ending signals: a command that cleans up after the one does after all."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def raised() -> Iterator[None]:
    """While entered, an ending signal raises Ended, instead of ending the process with all left as it lies.

    Ctrl+c keeps Python's own handler, one that was ignored (nohup) stays ignored. Outside the main thread: nothing.
    """
    before = {}
    try:
        for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
            if signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, _raise)
    except ValueError:
        pass  # not the main thread, which alone hears of signals
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(number: int, _frame: FrameType | None) -> None:
    raise Ended(number)


class Signals:
    """While open, the ending signals only count. One that was ignored (nohup, a shell's &) stays ignored.

    The handler sets two plain attributes: an Event's or a queue's lock might be held by the very code it interrupts.
    """

    def __init__(self) -> None:
        self.caught: int | None = None  # the first
        self.count = 0
        self._before: dict[int, signal._HANDLER] = {}

    @property
    def code(self) -> int | None:
        """The exit code, 128 + the signal's number; None before one came."""
        return None if self.caught is None else 128 + self.caught

    def __enter__(self) -> "Signals":
        for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.caught is None:
            self.caught = number
        self.count += 1
