"""A device's own clock, which wraps and begins anew, made one that only rises."""

from enum import Enum

AHEAD_S = 10.0  # it may run so far ahead of arrivals; more, and it has begun anew
BACK_S = 1.0  # so far back it is an old stamp; more, and it has begun anew
U32 = 1 << 32


class Turn(Enum):
    ON = "on"  # later than the one before
    BACK = "back"  # not later: no scan of now
    ANEW = "anew"  # another count: what came before is of another run


class DeviceClock:
    """Ticks of `tick_us` microseconds that wrap at 2^32. `place` never raises, whatever the ticks."""

    def __init__(self, tick_us: int = 1) -> None:
        self._tick_us = tick_us
        self._wide = 0
        self._arrival_s: float | None = None
        self.t_us = 0  # of the newest stamp, unwrapped

    def restart(self) -> None:
        self._arrival_s = None

    def place(self, ticks: int, arrival_s: float) -> Turn:
        if self._arrival_s is None:
            self._set(ticks, arrival_s)
            return Turn.ON
        ahead = (ticks - self._wide) % U32
        back = (self._wide - ticks) % U32
        if back * self._tick_us <= BACK_S * 1e6:  # the same stamp, too
            return Turn.BACK
        if ahead * self._tick_us > (max(0.0, arrival_s - self._arrival_s) + AHEAD_S) * 1e6:
            self._set(ticks, arrival_s)
            return Turn.ANEW
        self._set(self._wide + ahead, arrival_s)
        return Turn.ON

    def _set(self, wide: int, arrival_s: float) -> None:
        self._wide, self._arrival_s = wide, arrival_s
        self.t_us = wide * self._tick_us
