"""Slots, runs and the log of a ball (R20 to R23, R36). Time is the ball's own, microseconds since boot."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SECOND_US = 1_000_000
RUNS = 256  # R22: run counts mod 256


@dataclass(frozen=True, slots=True, eq=False)
class Scans:
    """Scans with their slots; (n,), (n,) and (n, channels)."""

    index: NDArray[np.int64]  # wide
    t_us: NDArray[np.int64]  # wide
    values: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.index)


class Scanner:
    """Makes slots from the clock. `index` is the next slot to come; it stands still unless scanning."""

    def __init__(self, period_ratio: float, settle_us: int, first_index: int = 0) -> None:
        self._ratio = period_ratio
        self._settle_us = settle_us
        self.index = first_index
        self.run = 0
        self.rate_hz = 0  # 0: IDLE
        self._run_hz = 0  # of the newest run, also when it is over
        self._origin_us = 0.0  # one period before slot `_first`
        self._first = first_index
        self._missing = 0

    @property
    def scanning(self) -> bool:
        return self.rate_hz > 0

    @property
    def nominal_us(self) -> int:
        """What START tells."""
        return round(SECOND_US / self.rate_hz)

    @property
    def period_us(self) -> float:
        """Of the newest run; there has been one."""
        return SECOND_US / self._run_hz * self._ratio

    def begin(self, rate_hz: int, now_us: int) -> bool:
        """Scan at this rate; True if that is a new run (R22)."""
        if rate_hz == self.rate_hz:
            return False
        self.rate_hz = self._run_hz = rate_hz
        self.run = (self.run + 1) % RUNS
        self._origin_us, self._first = float(now_us + self._settle_us), self.index
        return True

    def stop(self) -> None:
        self.rate_hz = 0
        self._missing = 0

    def step_clock(self, by_us: int) -> None:
        """The clock jumps; the slots keep their pace."""
        self._origin_us += by_us

    def miss(self, slots: int) -> None:
        """The next slots are missed: they use up their numbers (R21)."""
        self._missing += slots

    def slot_us(self, index: int) -> int:
        """When the conversion of a slot of this run ends."""
        return round(self._origin_us + (index - self._first + 1) * self.period_us)

    def due(self, now_us: int) -> int:
        """Slots due by now."""
        if not self.scanning:
            return 0
        count = max(0, int((now_us - self._origin_us) / self.period_us) - (self.index - self._first))
        while self.slot_us(self.index + count) <= now_us:
            count += 1
        while count and self.slot_us(self.index + count - 1) > now_us:
            count -= 1
        return count

    def skip(self, due: int) -> int:
        """Pass over the missed ones of `due` slots; how many they were."""
        skipped = min(due, self._missing)
        self._missing -= skipped
        self.index += skipped
        return skipped

    def take(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Index and time of the next slots, which are then over."""
        index = np.arange(self.index, self.index + count, dtype=np.int64)
        t_us = np.rint(self._origin_us + (index - self._first + 1) * self.period_us).astype(np.int64)
        self.index += count
        return index, t_us


class ScanLog:
    """A ring of the newest scans of the newest run."""

    def __init__(self, capacity: int, channels: int) -> None:
        self._capacity = capacity
        self._index = np.zeros(capacity, np.int64)
        self._t_us = np.zeros(capacity, np.int64)
        self._values = np.zeros((capacity, channels), np.int16)
        self._written = 0

    def clear(self) -> None:
        self._written = 0

    def write(self, scans: Scans) -> None:
        kept = min(len(scans), self._capacity)
        if not kept:
            return
        at = (self._written + len(scans) - kept + np.arange(kept)) % self._capacity
        self._index[at] = scans.index[-kept:]
        self._t_us[at] = scans.t_us[-kept:]
        self._values[at] = scans.values[-kept:]
        self._written += len(scans)

    def read(self, first: int, end: int) -> Scans:
        """What exists of slots first .. end - 1; reading deletes nothing (R37)."""
        kept = min(self._written, self._capacity)
        order = (self._written - kept + np.arange(kept)) % self._capacity
        index = self._index[order]
        low, high = np.searchsorted(index, (first, end))
        wanted = order[low:high]
        return Scans(self._index[wanted], self._t_us[wanted], self._values[wanted])
