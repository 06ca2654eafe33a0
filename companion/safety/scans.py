"""Scans as the guard takes them: in order, with a value, without holes; and what had to be dropped for that."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sessions.events import Floats

Bools = NDArray[np.bool_]
least, most = np.minimum.reduce, np.maximum.reduce  # NaN if any is; without the detour of the methods
UNKNOWN_S, UNKNOWN_PERIODS = 0.25, 3.0  # without a value for this long, whichever is longer, it is unknown
NEGATIVE_KPA = 10.0  # below minus this a value is no noise: the zero is wrong


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the guard judges: scans in session time, in newtons, after the despiking and before the low-pass.

    Where the ball gives no newtons, the three forces are its index, in the unit of `GuardContext.full_scale_n`.
    """

    t_s: Floats  # (scans,)
    force_n: Floats  # (scans,) total, median of 3; NaN where it reaches back to an unknown scan
    raw_n: Floats  # (scans,) total as it came; NaN unknown or saturated
    cells_n: Floats  # (scans, channels) median of 3
    ramp_kpa_s: Floats  # (scans,) rise of the mean contact pressure; NaN unknown
    saturated: Bools  # (scans,) the load is at least what the ball can show
    period_s: float  # nominal
    arrival_s: float  # of the newest scan, host clock
    fresh: bool = False  # windows begin anew: a gap or a new segment lies before
    lost: int = 0  # scans missing before this batch; the guard takes the time from t_s
    gap_s: float = 0.0  # time missing before this batch; likewise
    trusted: bool = True  # False: the zero is not to be trusted, so the values are unknown


@dataclass(frozen=True, slots=True, eq=False)
class Scans:
    """A run of scans that follow each other. Times in whole microseconds."""

    t_s: Floats
    t_us: Floats
    dt_us: Floats  # since the scan before; one period after a hole, which is time longer than a value may be old
    force_n: Floats  # never NaN: raw where the median is unknown, the least it can be where saturated
    raw_n: Floats  # never NaN, likewise
    peak_n: Floats  # median of 3, NaN where unknown; where saturated, the least it can be
    cells_n: Floats
    ramp_kpa_s: Floats
    saturated: Bools | None  # None: none is
    low_n: float  # of `force_n`
    high_n: float

    def __len__(self) -> int:
        return len(self.t_us)

    def cut(self, start: int, stop: int) -> "Scans":
        run = slice(start, stop)
        force_n = self.force_n[run]
        return Scans(
            self.t_s[run],
            self.t_us[run],
            self.dt_us[run],
            force_n,
            self.raw_n[run],
            self.peak_n[run],
            self.cells_n[run],
            self.ramp_kpa_s[run],
            None if self.saturated is None else self.saturated[run],
            float(least(force_n)),
            float(most(force_n)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Dropped:
    """Scans without a usable value: NaN, negative beyond noise, or not later than the one before."""

    t_s: Floats
    t_us: Floats
    below: Bools  # negative beyond noise: the zero is wrong


class Intake:
    """Sorts what comes into runs of `Scans` and `Dropped`."""

    def __init__(self) -> None:
        self.last_us: float | None = None  # of the last scan that had a value
        self._force_n = 0.0  # the last known

    def take(self, judged: Judged, floor_n: float, least_n: float) -> Iterator[Scans | Dropped]:
        """Values below `floor_n` are none; a saturated one counts as `least_n`, or as the last if that was more."""
        t_us = np.rint(judged.t_s * 1e6)
        if len(t_us) == 0:
            return
        period_us = float(round(judged.period_s * 1e6))
        hole_us = unknown_us(judged.period_s)
        dt_us = np.empty(len(t_us))
        np.subtract(t_us[1:], t_us[:-1], out=dt_us[1:])
        dt_us[0] = period_us if self.last_us is None else t_us[0] - self.last_us
        raw, force = judged.raw_n, judged.force_n
        clean = (  # all False with NaN
            least(raw) >= floor_n
            and most(raw) < math.inf
            and least(dt_us) > 0.0
            and most(dt_us) <= hole_us
            and not np.count_nonzero(judged.saturated)
        )
        if clean:
            low_n, high_n = float(least(force)), float(most(force))
            if not (low_n > -math.inf and high_n < math.inf):
                force = np.where(np.isfinite(force), force, raw)
                low_n, high_n = float(least(force)), float(most(force))
            self.last_us, self._force_n = t_us.item(-1), force.item(-1)
            cells, ramp = judged.cells_n, judged.ramp_kpa_s
            yield Scans(judged.t_s, t_us, dt_us, force, raw, judged.force_n, cells, ramp, None, low_n, high_n)
            return
        for start, stop, fine in self._runs(judged, t_us, floor_n, hole_us):
            if fine:
                yield self._scans(judged, t_us, slice(start, stop), period_us, hole_us, least_n)
            else:
                yield Dropped(judged.t_s[start:stop], t_us[start:stop], judged.raw_n[start:stop] < floor_n)

    def _runs(self, judged: Judged, t_us: Floats, floor_n: float, hole_us: float) -> list[tuple[int, int, bool]]:
        """(start, stop, fine), broken also where a hole lies between two fine scans."""
        with np.errstate(invalid="ignore"):
            usable = (np.isfinite(judged.raw_n) & (judged.raw_n >= floor_n)) | judged.saturated
        runs: list[tuple[int, int, bool]] = []
        last_us = self.last_us
        for at, (moment, has_value) in enumerate(zip(t_us.tolist(), usable.tolist(), strict=True)):
            fine = has_value and (last_us is None or moment > last_us)
            broken = fine and last_us is not None and moment - last_us > hole_us
            if fine:
                last_us = moment
            if runs and runs[-1][2] == fine and not broken:
                runs[-1] = (runs[-1][0], at + 1, fine)
            else:
                runs.append((at, at + 1, fine))
        return runs

    def _scans(
        self, judged: Judged, t_us: Floats, run: slice, period_us: float, hole_us: float, least_n: float
    ) -> Scans:
        times = t_us[run]
        dt_us = np.empty(len(times))
        np.subtract(times[1:], times[:-1], out=dt_us[1:])
        since_us = period_us if self.last_us is None else float(times[0]) - self.last_us
        dt_us[0] = period_us if since_us > hole_us else since_us
        saturated = judged.saturated[run]
        force = np.where(np.isfinite(judged.force_n[run]), judged.force_n[run], judged.raw_n[run])
        raw = judged.raw_n[run].copy()
        for at in np.flatnonzero(saturated).tolist():
            before = float(force[at - 1]) if at else self._force_n
            force[at] = raw[at] = max(least_n, before)
        self.last_us, self._force_n = float(times[-1]), float(force[-1])
        return Scans(
            judged.t_s[run],
            times,
            dt_us,
            force,
            raw,
            np.where(saturated, force, judged.force_n[run]),
            judged.cells_n[run],
            judged.ramp_kpa_s[run],
            saturated if saturated.any() else None,
            float(least(force)),
            float(most(force)),
        )


class Seconds:
    """Cuts runs behind each scan that passes a whole second of session time."""

    def __init__(self) -> None:
        self._second: int | None = None

    def cut(self, run: Scans) -> list[tuple[Scans, bool]]:
        """The parts, and whether their last scan passes a second."""
        if self._second is None:
            self._second = int(run.t_us[0] // 1e6)
        if run.t_us[-1] < (self._second + 1) * 1e6:
            return [(run, False)]
        parts: list[tuple[Scans, bool]] = []
        start, count = 0, len(run)
        while start < count:
            at = max(start, int(run.t_us.searchsorted((self._second + 1) * 1e6)))
            passes = at < count
            stop = at + 1 if passes else count
            parts.append((run.cut(start, stop), passes))
            if passes:
                self._second = int(run.t_us[at] // 1e6)
            start = stop
        return parts


def unknown_us(period_s: float) -> float:
    """How old a value may be before it is unknown."""
    return round(max(UNKNOWN_S, UNKNOWN_PERIODS * period_s) * 1e6)
