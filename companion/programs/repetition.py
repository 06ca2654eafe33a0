"""The clock of one repetition: it counts the scans inside the band, and nothing else.

A state machine per scan, so any split is the same. A scan counts for the time since the scan before it; after a hole,
for one period.
"""

from dataclasses import dataclass
from enum import Enum

from companion.programs.view import Where

LEFT_US = 1e6  # out of the band for so long it is said
ROLL_LEFT_US = 2.5e6  # a stroke goes out of the band and comes back
BACK_US = 0.3e6
WAIT_US = 5e6  # for the first scan in the band, before it is said where to go
AGAIN_US = 10e6
COUNTS = ((10, 15.0), (3, 6.0), (2, 6.0), (1, 6.0))  # seconds left, and how long a repetition must be to say so
BREATHE_US = 15e6  # after the first reminder, every so often
BREATHE_SHARE = 1 / 3
BREATHE_APART_US = 1.2e6  # from the words before and after it


class Mark(Enum):
    START = "start"
    LEFT = "left"
    BAND = "band"
    COUNT = "count"
    BREATHE = "breathe"
    DONE = "done"


Marked = tuple[Mark, int]  # of a count, the seconds left
_NONE: tuple[Marked, ...] = ()


@dataclass(slots=True)
class Repetition:
    """Made anew for each. `began_us`: session time from which the person is waited for."""

    seconds: float
    began_us: float
    rolling: bool
    held_us: float = 0.0
    from_us: float | None = None  # the first scan in the band
    where: Where = Where.UNKNOWN
    _out_us: float | None = None  # out of the band since
    _in_us: float | None = None
    _said_us: float | None = None  # that it is out
    _counted: int = 0  # of COUNTS
    _breathe_us: float = 0.0  # the next reminder

    def __post_init__(self) -> None:
        self._breathe_us = self.seconds * 1e6 * BREATHE_SHARE
        self._out_us = self.began_us

    @property
    def total_us(self) -> float:
        return self.seconds * 1e6

    def again(self, t_us: float) -> None:
        """After a pause: waited for anew."""
        self._out_us, self._in_us, self._said_us = t_us, None, None

    def scan(self, t_us: float, dt_us: float, where: Where) -> tuple[Marked, ...]:
        """The next scan; what it marks, in order."""
        self.where = where
        if where is Where.IN:
            return self._inside(t_us, dt_us)
        self._in_us = None
        if where is Where.UNKNOWN:
            return _NONE
        if self._out_us is None:
            self._out_us = t_us
        return self._outside(t_us)

    def _inside(self, t_us: float, dt_us: float) -> tuple[Marked, ...]:
        out: list[Marked] = []
        self._out_us = None
        if self._in_us is None:
            self._in_us = t_us
        if self.from_us is None:
            self.from_us, self._said_us = t_us, None
            out.append((Mark.START, 0))
        elif self._said_us is not None and t_us - self._in_us >= BACK_US:
            self._said_us = None
            out.append((Mark.BAND, 0))
        self.held_us += dt_us
        left_us = self.total_us - self.held_us
        if left_us <= 0.0:
            return (*out, (Mark.DONE, 0))
        while self._counted < len(COUNTS) and left_us <= COUNTS[self._counted][0] * 1e6:
            count, least_s = COUNTS[self._counted]
            self._counted += 1
            if self.seconds >= least_s and left_us > (count - 1) * 1e6:
                out.append((Mark.COUNT, count))
        if self.held_us >= self._breathe_us:
            self._breathe_us += BREATHE_US
            if all(abs(left_us - count * 1e6) >= BREATHE_APART_US for count, _ in COUNTS):
                out.append((Mark.BREATHE, 0))
        return tuple(out)

    def _outside(self, t_us: float) -> tuple[Marked, ...]:
        assert self._out_us is not None
        if self._said_us is not None:
            due = t_us - self._said_us >= AGAIN_US
        elif self.from_us is None:
            due = t_us - self._out_us >= WAIT_US
        else:
            due = t_us - self._out_us >= (ROLL_LEFT_US if self.rolling else LEFT_US)
        if not due:
            return _NONE
        self._said_us = t_us
        return ((Mark.LEFT, 0),)


PRESSED_US = 3e6  # pressed for so long in a rest, it is said


@dataclass(slots=True)
class Rest:
    """Time off the ball. What presses at `on_kpa` or more is no rest."""

    number: int  # the step it follows
    seconds: float  # at least
    rested_us: float = 0.0
    _pressed_us: float | None = None
    _said_us: float | None = None

    def scan(self, t_us: float, dt_us: float, p_kpa: float, on_kpa: float) -> bool:
        """The next scan. True: it is time to say so, for it is pressed."""
        if not p_kpa >= on_kpa:
            self._pressed_us = None
            self.rested_us += dt_us if p_kpa == p_kpa else 0.0
            return False
        self._pressed_us = t_us if self._pressed_us is None else self._pressed_us
        if t_us - self._pressed_us < PRESSED_US or (self._said_us is not None and t_us - self._said_us < AGAIN_US):
            return False
        self._said_us = t_us
        return True

    @property
    def left_s(self) -> float:
        return max(0.0, self.seconds - self.rested_us * 1e-6)
