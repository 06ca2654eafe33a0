"""Holes in a run, and asking the ball's log for what is in them (R50). Sans-IO; knows no link.

A hole is a range of wide indexes. It is read in pieces of at most 1000 scans, one at a time. What a reply promised
and did not come is asked for again, three times in all; what the log no longer has (or the ball never took) is lost.
"""

from collections import deque
from dataclasses import dataclass

from firmware_protocol.messages import LogRead, LogReadReply, SampleBatch
from firmware_protocol.placement import (
    INDEX_BITS,
    LOOSE,
    TIME_BITS,
    WIDE_INDEX_BITS,
    Misplaced,
    Placed,
    in_step,
    nearest,
)

READ_SCANS = 1000  # R50
ASKED = 3  # R50
SILENCE_S = 2.0  # R50
MAX_HOLES = 64  # more are forgotten, oldest first: a link that bad loses faster than a log can be read
MAX_HOLE_SCANS = 300_000  # 600 s of run-on (R40) at 500 Hz; of a longer hole the newest are asked for


@dataclass(frozen=True, slots=True)
class Hole:
    """Scans first .. end - 1, still to be asked for `tries` times."""

    first: int
    end: int
    tries: int = ASKED


@dataclass(slots=True)
class _Read:
    """The LOG_READ under way. Without a reply yet `promised_end` is `first`."""

    hole: Hole
    promised_end: int
    t_us: int = 0  # of the newest scan placed, or of the reply's start ...
    index: int = 0  # ... and its index
    due_s: float | None = None  # done then, if nothing more comes


class Backfill:
    """The holes of one run, and the one being read."""

    def __init__(self) -> None:
        self._holes: deque[Hole] = deque(maxlen=MAX_HOLES)
        self._read: _Read | None = None
        self._missing: list[Hole] = []  # of the piece being read

    def forget(self) -> None:
        """Another run or clock: its log is gone (R36)."""
        self._holes.clear()
        self._read = None

    def interrupt(self) -> None:
        """HELLO or another link cancelled the read (R37): ask again later, at no cost in tries."""
        if self._read is not None:
            self._read = None
            self._holes.extendleft(reversed(self._missing))

    def add(self, first: int, end: int) -> None:
        if end > first:
            self._holes.append(Hole(max(first, end - MAX_HOLE_SCANS), end))

    @property
    def reading(self) -> bool:
        return self._read is not None

    def deadline(self) -> float | None:
        return None if self._read is None else self._read.due_s

    def ask(self) -> LogRead | None:
        """The next piece to read; None if there is no hole, or a read is under way."""
        if self._read is not None or not self._holes:
            return None
        hole = self._holes.popleft()
        end = min(hole.end, hole.first + READ_SCANS)
        if end < hole.end:
            self._holes.appendleft(Hole(end, hole.end, hole.tries))
        piece = Hole(hole.first, end, hole.tries)
        self._read, self._missing = _Read(piece, piece.first), [piece]
        return LogRead(piece.first & ((1 << WIDE_INDEX_BITS) - 1), end - piece.first)

    def refused(self) -> None:
        """The ball has nothing to give for this piece: lost."""
        self._read = None

    def replied(self, reply: LogReadReply, now_s: float) -> None:
        """What will come is told: the rest of the piece is lost (R37)."""
        read = self._read
        if read is None:
            return
        start = nearest(reply.start, WIDE_INDEX_BITS, read.hole.first)
        first, end = max(start, read.hole.first), min(start + reply.count, read.hole.end)
        if first >= end:
            self._read = None
            return
        self._missing = [Hole(first, end, read.hole.tries)]
        read.promised_end, read.t_us, read.index = end, reply.t_us, start
        read.due_s = now_s + SILENCE_S

    def place(self, batch: SampleBatch, period_us: float, now_s: float) -> Placed | Misplaced:
        """Where a BACKFILL belongs: it has to be among what is read, not yet there, and in step with time (R48)."""
        read = self._read
        if read is None or read.due_s is None:
            return Misplaced.ANCHOR
        scans = len(batch.values)
        index = nearest(batch.index, INDEX_BITS, read.index)
        t_us = nearest(batch.t_us, TIME_BITS, read.t_us)
        hole = next((h for h in self._missing if h.first <= index and index + scans <= h.end), None)
        if hole is None:
            return Misplaced.STALE
        span_us = 10 * batch.span_10us
        elapsed_us = t_us - read.t_us
        if elapsed_us < 0 or not all(
            in_step(step, us, period_us, LOOSE) for step, us in ((index - read.index, elapsed_us), (scans - 1, span_us))
        ):
            return Misplaced.ORDER
        self._take(hole, index, index + scans)
        read.index, read.t_us = index + scans - 1, t_us + span_us
        read.due_s = now_s + SILENCE_S
        if read.index + 1 >= read.promised_end:
            self._finish()
        return Placed(index, t_us, 0)

    def tick(self, now_s: float) -> None:
        if self._read is not None and self._read.due_s is not None and now_s >= self._read.due_s:
            self._finish()

    def _take(self, hole: Hole, first: int, end: int) -> None:
        at = self._missing.index(hole)
        rest = [Hole(hole.first, first, hole.tries), Hole(end, hole.end, hole.tries)]
        self._missing[at : at + 1] = [part for part in rest if part.end > part.first]

    def _finish(self) -> None:
        self._read = None
        again = [Hole(h.first, h.end, h.tries - 1) for h in self._missing if h.tries > 1]
        self._holes.extendleft(reversed(again))
