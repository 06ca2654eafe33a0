"""Events to a stream, without ever making the engine wait.

The engine's thread only lays an event into a bounded queue; our own thread turns it into lines and writes them. A
reader that is slow loses readings here, never alerts, and is told how many: the journal has them all. A reader that
has gone is told by `reader_gone`, any other failure to write by `error`; the session knows nothing of either.
"""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol, TextIO

from sessions.events import Event, Reading

READINGS_MAX = 2_000  # over three minutes at ten batches a second, a few kilobytes each
EVENTS_MAX = 20_000  # all other events are rare and small
STALL_S = 5.0  # at the end a reader that takes nothing for this long is given up


class Lines(Protocol):
    """What turns an event into text, in our thread."""

    def lines(self, event: Event) -> Iterable[str]:
        """For the stream."""
        ...

    def words(self, event: Event) -> Iterable[str]:
        """For the stream of words beside it."""
        ...

    def dropped(self, readings: int) -> Iterable[str]:
        """Say that so many readings were not printed."""
        ...


@dataclass(frozen=True, slots=True)
class _Said:
    lines: Callable[[], Iterable[str]]


class Outlet:
    """An observer that prints. `close` writes what waits and ends the thread."""

    def __init__(self, lines: Lines, stream: TextIO | None, words: TextIO | None) -> None:
        """A stream that is None was closed on purpose, and nothing is written to it."""
        self.reader_gone = False
        self.error = ""
        self.unprinted = 0  # readings
        self.patient = False  # a source that can wait does; a ball cannot
        self._lines = lines
        self._write = _writer(stream)
        self._write_words = _writer(words)
        self._queue: SimpleQueue[Event | _Said | None] = SimpleQueue()
        self._announced = 0
        self._taken = 0  # items the thread is done with: it has stalled when this stands still
        self._thread = threading.Thread(target=self._run, name="knead printer", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        if self.dead:
            return
        self._wait_for_reader()
        waiting = self._queue.qsize()
        if waiting < (READINGS_MAX if isinstance(event, Reading) else EVENTS_MAX):
            self._queue.put(event)
        elif isinstance(event, Reading):
            self.unprinted += 1

    def _wait_for_reader(self) -> None:
        while self.patient and not self.dead and self._queue.qsize() >= READINGS_MAX:
            time.sleep(0.005)

    def say(self, line: str) -> None:
        """A finished line, after all that waits."""
        self.say_last(lambda: (line,))

    def say_last(self, lines: Callable[[], Iterable[str]]) -> None:
        """Lines that are made once all that waits has been printed."""
        if not self.dead and self._queue.qsize() < EVENTS_MAX:
            self._queue.put(_Said(lines))

    @property
    def unwritten(self) -> str:
        """Why a line is missing after `close`; empty if none is. A reader that went away wanted no more."""
        if self.reader_gone:
            return ""
        if self.error:
            return self.error
        if self._thread.is_alive():
            return "their reader has stalled"
        return f"{self.unprinted} readings, their reader was too slow" if self.unprinted else ""

    @property
    def dead(self) -> bool:
        return self.reader_gone or bool(self.error)

    def close(self, stall_s: float = STALL_S, give_up: Callable[[], bool] = lambda: False) -> None:
        """Wait while the reader takes lines."""
        self._queue.put(None)
        taken, since_s = self._taken, time.monotonic()
        while self._thread.is_alive():
            self._thread.join(0.05)
            now_s = time.monotonic()
            if self._taken != taken:
                taken, since_s = self._taken, now_s
            elif now_s - since_s > stall_s or give_up():
                return

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                self._print(item)
            except BrokenPipeError:
                self.reader_gone = True
            except Exception as error:  # the thread's edge: a fault in a line must not look like a crash
                self.error = str(error) or repr(error)
            if self.dead:
                return
            self._taken += 1

    def _print(self, item: Event | _Said) -> None:
        if (missing := self.unprinted - self._announced) > 0:
            self._announced += missing
            self._write_all(self._lines.dropped(missing))
        if isinstance(item, _Said):
            self._write_all(item.lines())
            return
        if words := _text(self._lines.words(item)):
            with contextlib.suppress(OSError, ValueError):  # nobody hears them; the lines go on
                self._write_words(words)
        self._write_all(self._lines.lines(item))

    def _write_all(self, lines: Iterable[str]) -> None:
        if text := _text(lines):
            self._write(text)


def _text(lines: Iterable[str]) -> str:
    return "".join(line + "\n" for line in lines)


def _writer(stream: TextIO | None) -> Callable[[str], None]:
    """How to write text at once.

    Straight to the descriptor where there is one: a thread that hangs in a buffered stream would hold its lock, and
    the interpreter could not end. A Windows console takes text only.
    """
    if stream is None:
        return lambda _text: None
    if os.name == "posix":
        with contextlib.suppress(OSError, ValueError):
            return _descriptor_writer(stream.fileno(), stream.encoding)

    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write


def _descriptor_writer(descriptor: int, encoding: str) -> Callable[[str], None]:
    def write(text: str) -> None:
        data = memoryview(text.encode(encoding, "backslashreplace"))
        while data:
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:  # another program has set this pipe or terminal so
                select.select([], [descriptor], [])

    return write
