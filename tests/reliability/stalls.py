"""How long the machine itself stood still: what no program on it can promise away."""

import os
import threading
from collections import deque
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

_NAP_S = 0.02


class Stalls:
    """Writes and syncs a few bytes again and again, in a thread; notes what took longer than it should.

    A promise such as "on disk within a second" is about a machine that runs and a disk that answers. On a busy one
    the time by which even this loop was late is allowed on top, and is told in the table.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "stalls"
        self._late: deque[tuple[float, float]] = deque()  # when it ended, by how much it was late
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def since(self, at_s: float) -> float:
        """The longest stall that ended after a moment of the monotonic clock."""
        return max((late_s for ended_s, late_s in list(self._late) if ended_s >= at_s), default=0.0)

    @property
    def worst_s(self) -> float:
        return self.since(0.0)

    def _run(self) -> None:
        handle = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            while not self._stop.is_set():
                began_s = monotonic()
                self._stop.wait(_NAP_S)
                os.pwrite(handle, b"0123456789", 0)
                os.fsync(handle)
                now_s = monotonic()
                late_s = now_s - began_s - _NAP_S
                if late_s > 5 * _NAP_S:
                    self._late.append((now_s, late_s))
        finally:
            os.close(handle)
