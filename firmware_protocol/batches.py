"""Scans on their way into SAMPLES and BACKFILL: what goes into one message, what is dropped in a jam (R24 to R27)."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_protocol.messages import SampleBatch
from firmware_protocol.scanner import Scans

MAX_SPAN_US = 655_350  # R24: the span is a u16 of 10 us
ROUNDING_US = 2  # of two times
UNEVEN_US = 1_000  # R25: scans of one batch are evenly apart within this, or a quarter of the period


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    index: int
    t_us: int
    row: NDArray[np.int16]


def batch_of(index: int, first_us: int, last_us: int, values: NDArray[np.int16], backfill: bool = False) -> SampleBatch:
    """The message, with the low halves of wide numbers."""
    span_10us = round((last_us - first_us) / 10)
    return SampleBatch(index & 0xFFFF, first_us & 0xFFFFFFFF, span_10us, values, backfill)


class LiveScans:
    """Scans for one link, oldest first: closed batches, then the open one. Bounded: the oldest give way."""

    def __init__(self) -> None:
        self._scans: deque[_Scan] = deque()
        self._closed: deque[int] = deque()  # lengths of the batches ready to go
        self._open = 0  # length of the one still growing
        self._latency_us = self._capacity = 0
        self._period_us = 1.0
        self.jammed = False  # the link did not take what was ready

    def start(self, period_us: float, latency_us: int, capacity: int) -> None:
        """Discards what waits."""
        self.discard()
        self._period_us, self._latency_us, self._capacity = period_us, latency_us, capacity

    def discard(self) -> None:
        self._scans.clear()
        self._closed.clear()
        self._open = 0
        self.jammed = False

    def __len__(self) -> int:
        return len(self._scans)

    @property
    def ready(self) -> bool:
        return bool(self._closed)

    def close(self) -> None:
        """The open batch may go: its next scan is missed, or none will come."""
        if self._open:
            self._closed.append(self._open)
            self._open = 0

    def add(self, scans: Scans, room: int) -> int:
        """Append scans; `room` is how many fit one message. How many old ones had to go."""
        for index, t_us, row in zip(scans.index.tolist(), scans.t_us.tolist(), scans.values, strict=True):
            if self._open and self._scans[-1].index + 1 != index:
                self.close()
            self._scans.append(_Scan(index, t_us, row))
            self._open += 1
            first_us = self._scans[-self._open].t_us
            if self._open >= room or t_us + self._period_us - first_us > self._latency_us + ROUNDING_US:
                self.close()
        dropped = max(0, len(self._scans) - self._capacity)
        for _ in range(dropped):
            self._drop()
        return dropped

    def to_go(self, room: int) -> int:
        """After how many more scans the open batch will be ready."""
        span = int((self._latency_us + ROUNDING_US) / self._period_us) + 1
        return max(1, min(span, room) - self._open)

    def take(self, room: int) -> SampleBatch | None:
        """The next batch that is ready. In a jam batches grow."""
        if not self._closed:
            self.jammed = False
            return None
        count = self._closed.popleft()
        if count > room:  # the link shrank meanwhile
            self._closed.appendleft(count - room)
            count = room
        while self.jammed and self._closed and self._joins(count, count + self._closed[0], room):
            count += self._closed.popleft()
        scans = [self._scans.popleft() for _ in range(count)]
        return batch_of(scans[0].index, scans[0].t_us, scans[-1].t_us, np.stack([scan.row for scan in scans]))

    def _joins(self, count: int, more: int, room: int) -> bool:
        first, last = self._scans[0], self._scans[more - 1]
        span_us = last.t_us - first.t_us
        one_clock = abs(span_us - (more - 1) * self._period_us) < self._period_us
        return more <= room and last.index - first.index == more - 1 and one_clock and span_us <= MAX_SPAN_US

    def _drop(self) -> None:
        self._scans.popleft()
        if not self._closed:
            self._open -= 1
        elif self._closed[0] == 1:
            self._closed.popleft()
        else:
            self._closed[0] -= 1


class LoggedScans:
    """What one LOG_READ will still give to a link."""

    def __init__(self, scans: Scans, period_us: float) -> None:
        self._scans = scans
        self._period_us = period_us
        self._at = 0

    def take(self, room: int) -> SampleBatch | None:
        scans, at = self._scans, self._at
        if at >= len(scans):
            return None
        end = min(at + room, len(scans))
        uneven_us = np.abs(np.diff(scans.t_us[at:end]) - self._period_us)  # large where the clock was set meanwhile
        near = (np.diff(scans.index[at:end]) == 1) & (uneven_us <= max(UNEVEN_US, self._period_us / 4))
        near &= scans.t_us[at + 1 : end] - scans.t_us[at] <= MAX_SPAN_US
        count = len(near) + 1 if near.all() else int(np.argmin(near)) + 1
        self._at = last = at + count
        return batch_of(
            int(scans.index[at]), int(scans.t_us[at]), int(scans.t_us[last - 1]), scans.values[at:last], True
        )
