"""Whether a ball that is said to roll really does: the force then varies.

The coefficient of variation of the force over the last 5 s of unbroken contact is at least 0.20; the hold load then
grows at a quarter of its pace. Both numbers are choices (E).
"""

import numpy as np

from sessions.events import Floats

WINDOW_US = 5e6
VARIATION = 0.20
PACE = 0.25


class Rolling:
    """Keeps the running sums of one contact; any split gives the same bits, for the sums run from its first scan."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Contact was broken."""
        self._t_us = np.empty(0)  # of the scans of the window, and one before it
        self._count = np.empty(0)
        self._sum = np.empty(0)
        self._squares = np.empty(0)
        self._since_us: float | None = None

    def feed(self, t_us: Floats, force_n: Floats) -> Floats:
        """(scans,) the pace at which the hold load grows, for scans that are all in contact."""
        if self._since_us is None:
            self._since_us = float(t_us[0])
        scans = len(t_us)
        self._t_us = np.concatenate((self._t_us, t_us))
        self._count = _carry_on(self._count, np.ones(scans))
        self._sum = _carry_on(self._sum, force_n)
        self._squares = _carry_on(self._squares, force_n * force_n)
        here = np.arange(len(self._t_us) - scans, len(self._t_us))
        before = self._t_us.searchsorted(t_us - WINDOW_US, side="right") - 1
        full = (t_us - self._since_us >= WINDOW_US) & (before >= 0)
        start = np.maximum(before, 0)
        count = self._count[here] - self._count[start]
        mean = (self._sum[here] - self._sum[start]) / np.maximum(count, 1.0)
        variance = (self._squares[here] - self._squares[start]) / np.maximum(count, 1.0) - mean * mean
        rolls = full & (variance >= VARIATION * VARIATION * mean * mean)
        self._forget(int(start[-1]))
        return np.where(rolls, PACE, 1.0)

    def _forget(self, first: int) -> None:
        self._t_us, self._count = self._t_us[first:], self._count[first:]
        self._sum, self._squares = self._sum[first:], self._squares[first:]


def _carry_on(course: Floats, steps: Floats) -> Floats:
    """The running sum, continued in order."""
    last = course[-1:] if len(course) else np.zeros(1)
    return np.concatenate((course, np.add.accumulate(np.concatenate((last, steps)))[1:]))
