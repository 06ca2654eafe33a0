"""Writes a capture: takes records at once and in memory, and has them on disk within half a second.

A disk that refuses is a state, not the end: what came waits in memory, up to a bound, and is written when it can be.
"""

import contextlib
import os
import threading
from collections import deque
from pathlib import Path

from companion.captures.format import HEADER, Record, Setup, encode, of_setup
from companion.errors import ConfigError

FLUSH_S = 0.5  # written and synced at least so often
WAITING_BYTES = 32 << 20  # over 6 hours of four cells at 100 Hz


class CaptureWriter:
    """A capture being written. Call it with records, from one thread; `close` writes what is left.

    Raises ConfigError where the file exists or cannot be made. It is readable by its owner alone.
    """

    def __init__(self, path: Path, setup: Setup) -> None:
        self.path = path
        self.problem = ""  # why what came is not on disk; empty where all is well
        self._handle = _create(path)
        self._length = 0  # of the file, whole records only
        self._queue: deque[bytes] = deque()
        self._taken = 0  # caller: bytes put into the queue, ever
        self._written = 0  # writer: of these, on disk
        self._lost = False  # caller: there was no room, so nothing more is taken
        self._closing = threading.Event()
        self._pending = b""
        try:
            self._pending = HEADER + encode(of_setup(setup))
            self._flush()
        except OSError as error:
            os.close(self._handle)
            with contextlib.suppress(OSError):
                path.unlink()
            text = f"the capture {path} cannot be written: {error.strerror or error}"
            raise ConfigError(text, "name a file on a disk that has room") from error
        self._thread = threading.Thread(target=self._run, name="knead capture", daemon=True)
        self._thread.start()

    def __call__(self, record: Record) -> None:
        """Take a record. Never waits, never raises for what the disk does."""
        if self._lost or self._closing.is_set():
            return
        data = encode(record)
        if self._taken - self._written + len(data) > WAITING_BYTES:
            self._lost = True  # a hole inside would be no capture: it ends here
            return
        self._taken += len(data)
        self._queue.append(data)

    def close(self, timeout_s: float = 10.0) -> str:
        """Write what is left. Gives why it is not whole, or an empty line."""
        self._closing.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            return self.problem or f"the disk did not answer within {timeout_s:g} s"
        if self._lost:
            return self.problem or "the disk was too slow"
        return self.problem

    def _run(self) -> None:
        while True:
            closing = self._closing.wait(FLUSH_S)
            self._take()
            self._attempt()
            if closing:
                break
        with contextlib.suppress(OSError):
            os.close(self._handle)

    def _take(self) -> None:
        waiting = []
        while self._queue:
            waiting.append(self._queue.popleft())
        self._pending += b"".join(waiting)

    def _attempt(self) -> None:
        try:
            self._flush()
        except OSError as error:
            self.problem = f"{error.strerror or error}"
            with contextlib.suppress(OSError):  # half a record is no capture
                os.ftruncate(self._handle, self._length)
                os.lseek(self._handle, self._length, os.SEEK_SET)
        else:
            self.problem = ""

    def _flush(self) -> None:
        """All that waits, on the disk and not only in its cache."""
        if not self._pending:
            return
        rest = memoryview(self._pending)
        while rest:
            rest = rest[os.write(self._handle, rest) :]
        os.fsync(self._handle)
        self._length += len(self._pending)
        self._written += len(self._pending)
        self._pending = b""


def _create(path: Path) -> int:
    """A new file of our own. Nothing is overwritten, and no link is followed to another place."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags, 0o600)
    except FileExistsError as error:
        raise ConfigError(f"{path} exists, and no capture overwrites a file", "name another file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"the capture {path} cannot be made: {reason}", "name a file in a directory of yours") from (
            error
        )
