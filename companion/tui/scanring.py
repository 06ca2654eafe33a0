"""The newest scans, written by one thread and read by any."""

import numpy as np

from sessions.events import Floats


class ScanRing:
    """Times and values of the newest scans, numbered from 0. A reader takes only scans it was told are there.

    No lock: only half of the ring is ever handed out, and the other half is the one being written. A reader would
    have to sleep for as long as 32 768 scans take, between two lines, to be overtaken.
    """

    KEPT = 1 << 15  # 30 s and more up to 1092 scans a second

    def __init__(self) -> None:
        self._t_s = np.full(2 * self.KEPT, np.nan)
        self._values = np.full(2 * self.KEPT, np.nan)
        self.count = 0

    def append(self, t_s: Floats, values: Floats) -> None:
        """By the one writer. `count` grows by all scans, though only the newest are kept."""
        first = self.count + max(0, len(t_s) - self.KEPT)
        end = self.count + len(t_s)
        slots = np.arange(first, end) % len(self._t_s)
        self._t_s[slots] = t_s[-self.KEPT :]
        self._values[slots] = values[-self.KEPT :]
        self.count = end

    def between(self, first: int, end: int) -> tuple[Floats, Floats]:
        """Copies of the scans numbered [first, end), as far as they are still kept."""
        slots = np.arange(max(first, end - self.KEPT, 0), end) % len(self._t_s)
        return self._t_s[slots], self._values[slots]
