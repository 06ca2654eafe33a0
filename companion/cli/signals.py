"""Ending by a signal: noted at once, acted on by whoever waits."""

import signal
from types import FrameType, TracebackType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last on Windows only, SIGHUP elsewhere only


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
