"""Runs of scans from a device that does not number them: held until their rate is known, then placed in batches.

Indexes are counted here and never go back. What was lost is not counted, for nobody can tell: it is a hole in time.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from firmware_protocol.driver import Continuity, Samples, Started
from firmware_protocol.foreign.pace import HOLE_PERIODS, Pace, Watch
from firmware_protocol.foreign.scale import Counts, Floats

HELD_SCANS = 4096  # while the rate is being measured
BATCH_SCANS = 512
STAMP_US = 10  # a device's own time is kept to this, as the native protocol's is


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Scans that came at once: (scans, channels) numbers as the device sent them, NaN no value."""

    numbers: Floats
    stamps_us: Sequence[int] | None  # the device's own clock, unwrapped and rising; None: it has none
    arrival_s: float


class Runs:
    """`least_s`: what comes faster is not measured faster."""

    def __init__(self, least_s: float) -> None:
        self.clocked = False
        self.next_index = 0
        self._least_s = least_s
        self._count = 0  # of runs
        self._last_us: int | None = None  # the device's own clock, of the last scan of this run
        self._pace, self._watch = Pace(), Watch(1.0, clocked=False)
        self._held: deque[Rows] = deque()
        self._held_scans = 0

    @property
    def period_s(self) -> float:
        """Of the present run, or of the last."""
        return self._watch.period_s

    def anew(self) -> None:
        """What comes next is another run: its rate is to be measured first."""
        self._pace = Pace()
        self._held.clear()
        self._held_scans = 0

    def settled(self, arrival_s: float) -> float | None:
        """The rate of what is held, once it is known. What came at one moment counts as one, however it was cut: so
        only when the next moment has come."""
        if not self._held or arrival_s <= self._held[-1].arrival_s:
            return None
        return self._pace.settled(clocked=self.clocked, least_s=self._least_s)

    def hold(self, rows: Rows) -> int:
        """Until the rate is known; how many of the oldest had to be dropped for want of room."""
        self._held.append(rows)
        self._held_scans += len(rows.numbers)
        _tell(self._pace, rows)
        dropped = 0
        while self._held_scans > HELD_SCANS and len(self._held) > 1:
            scans = len(self._held.popleft().numbers)
            self._held_scans -= scans
            dropped += scans
        return dropped

    def begin(self, continuity: Continuity, period_s: float) -> tuple[Started, list[Rows]]:
        """A run begins, with all that was held."""
        held = list(self._held)
        self.anew()
        self._count += 1
        self._last_us = None
        self._watch = Watch(period_s, clocked=self.clocked, least_s=self._least_s)
        return self._started(continuity, held[0]), held

    def follow(self, rows: Rows, since_s: float, hole_s: float) -> Started | None:
        """More scans of the run, so long after the ones before; the new rate if it has changed."""
        told = None
        if since_s > hole_s:
            self._watch.restart()
        elif since_s > 0 and self._watch.changed():
            told = self._started(Continuity.GOES_ON, rows)
        _tell(self._watch, rows)
        return told

    def place(self, rows: Rows, counts: Counts) -> Iterator[Samples]:
        """`counts` are those of the rows."""
        start = 0
        hole_us = round(HOLE_PERIODS * self.period_s * 1e6)
        for stop in _cuts(rows, hole_us):
            at_us, span_us, hole = round(rows.arrival_s * 1e6), 0, False
            if rows.stamps_us is not None:
                at_us, span_us = rows.stamps_us[start], rows.stamps_us[stop - 1] - rows.stamps_us[start]
                hole = self._last_us is not None and at_us - self._last_us > hole_us
                self._last_us = at_us + span_us
            yield Samples(counts[start:stop], self.next_index, at_us, span_us, rows.arrival_s, hole=hole)
            self.next_index += stop - start
            start = stop

    def _started(self, continuity: Continuity, rows: Rows) -> Started:
        return Started(
            continuity=continuity,
            boot_id=self._count,
            run=self._count & 0xFF,
            period_s=self.period_s,
            next_index=self.next_index,
            t_us=round(rows.arrival_s * 1e6) if rows.stamps_us is None else rows.stamps_us[0],
            expected=self.next_index,
            arrival_s=rows.arrival_s,
        )


def _tell(pace: Pace | Watch, rows: Rows) -> None:
    if rows.stamps_us is None:
        pace.add(rows.arrival_s, len(rows.numbers))
        return
    for stamp_us in rows.stamps_us:
        pace.add(stamp_us * 1e-6)


def _cuts(rows: Rows, hole_us: int) -> list[int]:
    """Where batches end: a batch's scans lie evenly between its first and last (R25), and without a hole."""
    scans, stamps = len(rows.numbers), rows.stamps_us
    if stamps is None:
        return [*range(BATCH_SCANS, scans, BATCH_SCANS), scans]
    cuts, start = [], 0
    for at in range(1, scans):
        even_us = stamps[start] + (at - start) * (stamps[start + 1] - stamps[start])
        hole = stamps[at] - stamps[at - 1] > hole_us
        if hole or at - start >= BATCH_SCANS or abs(stamps[at] - even_us) > STAMP_US:
            cuts.append(at)
            start = at
    return [*cuts, scans]
