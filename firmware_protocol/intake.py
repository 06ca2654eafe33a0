"""Scans as they come in: placed, their holes noted and filled, and a link that is too slow for them seen.

Joins placement.py, backfill.py and drops.py; knows no request but LOG_READ and no state of the conversation.
"""

from firmware_protocol.backfill import Backfill
from firmware_protocol.driver import Continuity, Samples, Started
from firmware_protocol.drops import DropWatch, slower
from firmware_protocol.messages import LogRead, LogReadReply, SampleBatch, StartReply
from firmware_protocol.placement import Misplaced, Placement


class Intake:
    """The scans of one session."""

    def __init__(self) -> None:
        self.placement = Placement()
        self._backfill = Backfill()
        self._drops = DropWatch()
        self._logged = False  # the ball keeps a log
        self._tag_unbroken = True
        self._asked_s = 0.0  # START, by the caller's clock
        self.period_us = 0  # nominal
        self.too_fast = False  # the ball dropped over 1 % for 5 s (R53)

    def opened(self) -> None:
        """A new link."""
        self._drops.new_link()

    def interrupted(self) -> None:
        """HELLO or the end of a link cancelled what was read from the log."""
        self._backfill.interrupt()

    def start(self, boot_id: int, logged: bool, reply: StartReply, now_s: float, asked_s: float) -> Started:
        """START was answered, which was asked at `asked_s`; `logged`: the ball has LOG_READ."""
        self._asked_s = asked_s
        begun = self.placement.start(boot_id, reply.run, reply.next_index, reply.t_us, reply.period_us)
        if begun.continuity is not Continuity.SAME_RUN:
            self._backfill.forget()
        self._logged, self.period_us = logged, reply.period_us
        self._hole(begun.expected, begun.next_index if begun.continuity is Continuity.SAME_RUN else begun.expected)
        self._drops.start()
        self.too_fast = False
        return Started(
            continuity=begun.continuity,
            boot_id=boot_id,
            run=reply.run,
            period_s=reply.period_us / 1_000_000,
            next_index=begun.next_index,
            t_us=reply.t_us,
            expected=begun.expected,
            arrival_s=now_s,
        )

    def unsolicited(self, tag: int) -> None:
        """Call it with the tag of each unsolicited message, before the message itself."""
        self._tag_unbroken = self._drops.unbroken(tag)

    def live(self, batch: SampleBatch, now_s: float) -> Samples | Misplaced:
        """SAMPLES."""
        scans = len(batch.values)
        span_us = 10 * batch.span_10us
        placed = self.placement.place(batch.index, batch.t_us, span_us, scans, 1e6 * (now_s - self._asked_s))
        if isinstance(placed, Misplaced):
            return placed
        if placed.lost:
            self._hole(placed.index - placed.lost, placed.index)
        self.too_fast = self._drops.feed(placed.t_us, scans, placed.lost if self._tag_unbroken else 0)
        return Samples(batch.values, placed.index, placed.t_us, span_us, now_s)

    def late(self, batch: SampleBatch, now_s: float) -> Samples | Misplaced:
        """BACKFILL."""
        placed = self._backfill.place(batch, self.placement.period_us, now_s)
        if isinstance(placed, Misplaced):
            return placed
        return Samples(batch.values, placed.index, placed.t_us, 10 * batch.span_10us, now_s, late=True)

    def slower_hz(self, asked_hz: int) -> int | None:
        """Half the rate, if the ball drops too much and there is a slower one (R53)."""
        return slower(asked_hz, self.period_us) if self.too_fast else None

    def log_read(self) -> LogRead | None:
        """What to ask of the ball's log next."""
        return self._backfill.ask()

    def log_told(self, reply: LogReadReply, now_s: float) -> None:
        self._backfill.replied(reply, now_s)

    def log_refused(self) -> None:
        self._backfill.refused()

    def tick(self, now_s: float) -> None:
        self._backfill.tick(now_s)

    def deadline(self) -> float | None:
        return self._backfill.deadline()

    def _hole(self, first: int, end: int) -> None:
        if self._logged:
            self._backfill.add(first, end)
