"""Where scans belong: wide time and index from the wire's narrow ones, and what cannot be placed (R46 to R49).

Time and index of a scan travel as low halves. Both are widened to the nearest value that the scans before make
likely: time first, then the index through the period measured so far. What contradicts is not placed.
"""

from dataclasses import dataclass
from enum import Enum

from firmware_protocol.driver import Continuity

TIME_BITS = 32  # of t_us in SAMPLES, BACKFILL, EVENT
INDEX_BITS = 16  # of the index in SAMPLES and BACKFILL
WIDE_INDEX_BITS = 32  # of the index in replies
WITHIN_US = 30_000_000  # R48, R49: so much silence ends sending, so no batch is further off from START or the last one
SETTLED_US = 1_000_000  # R49: after this much of a run its period is measured
LOOSE, TIGHT = 0.25, 0.01  # R49: share by which index and time may disagree before and after that
LEEWAY_SCANS = 2  # R49
NOMINAL_WITHIN = 1.2  # R23: the period START tells is within 20 % of the truth
AHEAD_US = 1_000_000  # R49: so much of the ball's time may pass beyond that of whoever asked for START
STAMP_US = 1_000  # R25: a scan's time is true within this, or a quarter of the period


class Misplaced(Enum):
    """Why a batch was dropped; the values are R54's reasons."""

    STALE = "stale"
    ORDER = "order"
    ANCHOR = "anchor"


@dataclass(frozen=True, slots=True)
class Placed:
    """Wide index and time of a batch's first scan. `lost`: slots between it and what was expected (a hole)."""

    index: int
    t_us: int
    lost: int


@dataclass(frozen=True, slots=True)
class Begun:
    """How a START joins what came before (R47). `expected` equals `next_index` where nothing was expected."""

    continuity: Continuity
    next_index: int
    expected: int


def nearest(narrow: int, bits: int, around: int) -> int:
    """The number with these low `bits` that lies nearest to `around`."""
    half = 1 << (bits - 1)
    return around - half + ((narrow - around + half) & ((1 << bits) - 1))


def in_step(scans: int, elapsed_us: float, period_us: float, share: float) -> bool:
    """Whether an index step and a time step tell of the same thing (R49)."""
    due = elapsed_us / period_us
    return abs(scans - due) <= max(LEEWAY_SCANS, share * max(scans, due))


class Placement:
    """Places the scans of one session, over any number of links, runs and boots.

    Before the first `start` nothing can be placed (`anchor`).
    """

    __slots__ = (
        "_begun", "_boot_id", "_first", "_i0", "_last", "_newest_us", "_nominal_us", "_run", "_t0", "expected"
    )  # fmt: skip

    def __init__(self) -> None:
        self.expected: int | None = None  # wide index of the scan to come
        self._boot_id = 0
        self._run = -1
        self._nominal_us = 0
        self._newest_us = 0  # newest wide time told by START, TIME or a scan
        self._i0 = 0  # anchor of the index: the last scan, or START's next_index ...
        self._t0 = 0  # ... and the time that goes with it
        self._first: tuple[int, int] | None = None  # first scan of the run, kept over links
        self._last = (0, 0)  # last scan of the run, if there is a first
        self._begun = False  # a scan came since START

    @property
    def period_us(self) -> float:
        """Measured over the run once it gave a second; until then the nominal one (R49)."""
        return self._measured_us() or self._nominal_us

    def start(self, boot_id: int, run: int, next_index: int, t_us: int, period_us: int) -> Begun:
        """START was answered: a new anchor (R47). `next_index` and `t_us` as in the reply."""
        begun = self._join(boot_id, run, next_index, t_us)
        if begun.continuity is not Continuity.SAME_RUN:
            self._first = None
        same_clock = begun.continuity in (Continuity.SAME_RUN, Continuity.OTHER_RUN)
        self._newest_us = max(self._newest_us, t_us) if same_clock else t_us
        self._boot_id, self._run, self._nominal_us = boot_id, run, period_us
        self._i0, self._t0, self._begun = begun.next_index, t_us, False
        self.expected = begun.next_index
        return begun

    def _join(self, boot_id: int, run: int, next_index: int, t_us: int) -> Begun:
        if self.expected is None:
            return Begun(Continuity.FIRST, next_index, next_index)
        wide = nearest(next_index, WIDE_INDEX_BITS, self.expected)
        # An index below the expected one contradicts R21 as a clock that went back contradicts R20.
        back = t_us + max(STAMP_US, self._nominal_us // 4) < self._newest_us or wide < self.expected
        if boot_id != self._boot_id or back:
            return Begun(Continuity.NEW_CLOCK, next_index, next_index)
        same = run == self._run
        return Begun(Continuity.SAME_RUN if same else Continuity.OTHER_RUN, wide, self.expected)

    def saw_time(self, t_us: int) -> None:
        """TIME was answered: time of the next scan is widened around it (R48)."""
        self._newest_us = max(self._newest_us, t_us)

    def widen_time(self, t_us: int) -> int:
        """Wide time of a low half, not below 0 (R48)."""
        wide = nearest(t_us, TIME_BITS, self._newest_us)
        return wide if wide >= 0 else t_us

    def widen_index(self, index: int) -> int:
        """Wide index of the u32 in a reply."""
        return index if self.expected is None else nearest(index, WIDE_INDEX_BITS, self.expected)

    def place(self, index: int, t_us: int, span_us: int, scans: int, since_us: float = WITHIN_US) -> Placed | Misplaced:
        """Where a SAMPLES batch belongs; a batch that is not placed changes nothing (R48, R49).

        `since_us`: how long ago START was asked, by the clock of the caller.
        """
        expected = self.expected
        if expected is None:
            return Misplaced.ANCHOR
        t = nearest(t_us, TIME_BITS, self._newest_us)
        period_us = self.period_us
        i = nearest(index, INDEX_BITS, self._i0 + round((t - self._t0) / period_us))
        if i < expected:
            return Misplaced.STALE
        if t < 0 or not self._in_order(i, t, period_us) or not in_step(scans - 1, span_us, period_us, LOOSE):
            return Misplaced.ORDER
        if not self._begun and t + span_us - self._t0 > since_us + AHEAD_US:
            return Misplaced.ORDER  # of the clock before a restart: by this one it is not taken yet
        if self._first is None:
            self._first = (i, t)
        self._begun = True
        self._last = self._i0, self._t0 = i + scans - 1, t + span_us
        self._newest_us = max(self._newest_us, self._t0)
        self.expected = i + scans
        return Placed(i, t, i - expected)

    def _in_order(self, index: int, t_us: int, period_us: float) -> bool:
        elapsed_us = t_us - self._t0
        if abs(elapsed_us) > WITHIN_US:
            return False
        if not self._begun:
            # Slots begin up to a second after START (R23), so here the index may lag behind time, but not lead.
            lead_us = (index - self._i0) * period_us - NOMINAL_WITHIN * elapsed_us
            return lead_us <= LEEWAY_SCANS * period_us
        share = LOOSE if self._measured_us() is None else TIGHT
        return elapsed_us >= 0 and in_step(index - self._i0, elapsed_us, period_us, share)

    def _measured_us(self) -> float | None:
        if self._first is None:
            return None
        scans, elapsed_us = self._last[0] - self._first[0], self._last[1] - self._first[1]
        return elapsed_us / scans if scans > 0 and elapsed_us >= SETTLED_US else None
