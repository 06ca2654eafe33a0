"""How far apart scans are, measured before the first is told: clones run at 10 Hz where 80 is written."""

import math
from collections import deque
from statistics import median

SETTLED_SCANS, SETTLED_S = 6, 0.5  # enough of a steady stream to know its rate within a tenth
SLOW_SCANS, SLOW_S = 2, 2.0  # a slow one is not waited for any longer
LEAST_S, MOST_S = 0.001, 10.0
CHANGED = 0.2  # R23: a nominal period is within 20 % of the truth; beyond, it is told anew
HOLE_PERIODS = 2.5  # a step longer than this is a loss, of nobody knows how many
EVEN_STEPS, EVEN = 5, 1.3  # so many in a row, the longest no more than so much longer than the shortest, are a rate
WINDOW_S = 10.0  # a changed rate is believed after
KEPT = 64


class Pace:
    """Feed it each scan's moment on the device's clock; without one, each arrival and how many came with it."""

    def __init__(self) -> None:
        self._first_s: float | None = None
        self._last_s = 0.0
        self._scans = 0  # since the first moment, without those that came with it
        self._at_once = 0  # those
        self._steps: deque[float] = deque(maxlen=KEPT)  # the newest

    @property
    def spent_s(self) -> float:
        return 0.0 if self._first_s is None else self._last_s - self._first_s

    def add(self, at_s: float, scans: int = 1) -> None:
        if self._first_s is None:
            self._first_s, self._at_once = at_s, scans
        elif at_s > self._last_s:
            self._scans += scans
            self._steps.append((at_s - self._last_s) / scans)
        elif self._scans:
            self._scans += scans
        else:
            self._at_once += scans
        self._last_s = at_s

    def settled(self, *, clocked: bool, least_s: float = LEAST_S) -> float | None:
        """Seconds between scans, once they are known; never less than `least_s`."""
        scans = self._scans + 1
        enough = scans >= SETTLED_SCANS and self.spent_s >= SETTLED_S
        if not enough and not (scans >= SLOW_SCANS and self.spent_s >= SLOW_S):
            return None
        period_s = median(self._steps) if clocked else self.spent_s / self._scans
        return min(max(period_s, least_s), MOST_S)


class Watch:
    """Whether a rate that was told has changed since. A much slower clocked one is believed after a few even steps,
    because each of them looks like a loss."""

    def __init__(self, period_s: float, *, clocked: bool, least_s: float = LEAST_S) -> None:
        self.period_s = period_s
        self._least_s = least_s
        self._clocked = clocked
        self._pace = Pace()
        self._last_s = math.nan
        self._steps: deque[float] = deque(maxlen=EVEN_STEPS)

    def add(self, at_s: float, scans: int = 1) -> None:
        self._pace.add(at_s, scans)
        if at_s > self._last_s:  # not the first, and no other scan of the same moment
            self._steps.append(at_s - self._last_s)
        self._last_s = at_s

    def changed(self) -> bool:
        """True: `period_s` is another one now."""
        steps = self._steps
        slower = self._clocked and len(steps) == EVEN_STEPS and min(steps) > HOLE_PERIODS * self.period_s
        if slower and max(steps) <= EVEN * min(steps):
            self.period_s = min(median(steps), MOST_S)
            self._pace = Pace()
            return True
        if self._pace.spent_s < WINDOW_S:
            return False
        measured, self._pace = self._pace.settled(clocked=self._clocked, least_s=self._least_s), Pace()
        if measured is None or abs(measured - self.period_s) <= CHANGED * self.period_s:
            return False
        self.period_s = measured
        return True

    def restart(self) -> None:
        """A hole: what lies across it is no rate."""
        self._pace = Pace()
        self._last_s = math.nan
