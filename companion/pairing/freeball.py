"""The numbers of a ball that lies free: noise, zero, drift, cells that stand still, and whether it was touched. Pure.

Bounds marked E are our own judgement: nobody has measured them.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_protocol.messages import NO_VALUE, SATURATED
from sessions.events import Fields, Floats, Json

SCANS_LEAST = 8  # for a standard deviation worth its name; a scale that only advertises gives few
AREA_CM2 = 8.0  # the smallest ball, so the strictest: a newton is 1.25 kPa

# In newtons; and in parts of full scale, for a ball that gives none.
QUIET_N, NOISY_N = 0.5, 1.9  # E: three times the noise against 10 % of the lowest working limit (57 N), the deadband
QUIET_PART, NOISY_PART = 0.001, 0.005  # E
OFF_KPA, NEAR_KPA = 10.0, 3.0  # a zero further off is to be set anew (safety.md 4); below contact's end it is none
OFF_PART, NEAR_PART = 0.05, 0.01  # R28
DRIFT_N_MIN, RUNAWAY_N_MIN = 0.5, 2.0  # E: half an hour of it is a load that is not there
DRIFT_PART, RUNAWAY_PART = 0.0005, 0.002  # E, a minute
TOUCHED_KPA, TOUCHED_PART = 5.0, 0.05  # contact begins here; then it did not lie free
TOUCH_S = 0.5
TOUCH_SHARE = 0.075  # E: of contact; 0.3 N for half a second looks like 0.5 N a minute of drift
TOUCH_SIGMAS, MAD_SIGMA = 8.0, 1.4826  # the median of deviations times this is a normal standard deviation


@dataclass(frozen=True, slots=True)
class Scale:
    """Bounds in the ball's unit, `drift` and `runaway` a minute; None where nothing is known to measure them by."""

    unit: str
    quiet: float | None
    noisy: float | None
    near: float | None
    off: float | None
    drift: float | None
    runaway: float | None
    touched: float | None


class FreeBall:
    """The numbers of the scans of a check, in the ball's unit (`unit`: N, kPa gas or counts).

    `values` are counts (scans, channels) as the ball sent them, `t_s` their session seconds; at least one scan. Of the
    sum of all cells: `zero` is its median, `noise` the standard deviation about its line, `per_min` that line's slope
    with the standard `error`; NaN where there are too few sound scans. `dead` channels never had a value, `still` ones
    never changed theirs; `still_s` is the longest time that any channel stood at one.
    """

    def __init__(self, device: Fields, t_s: Floats, values: NDArray[np.int16]) -> None:
        lsb = _number(device.get("lsb")) or 1.0
        self.unit = {1: "N", 2: "kPa gas"}.get(int(_number(device.get("unit"))), "counts")
        self.scale = _scale(self.unit, _number(device.get("full_scale")) * lsb)
        self.values, self.t_s = values, t_s
        invalid = (values == NO_VALUE) | (np.abs(values.astype(np.int32)) == SATURATED)
        self.dead = [channel for channel in range(values.shape[1]) if bool(invalid[:, channel].all())]
        sound = ~invalid.any(axis=1)
        self.sound = int(sound.sum())
        load = values[sound].astype(np.float64).sum(axis=1) * lsb
        self.zero = float(np.median(load)) if self.sound else math.nan
        self.touched = self.scale.touched is not None and _touched(t_s[sound], load, TOUCH_SHARE * self.scale.touched)
        self.noise, self.per_min, self.error = _line(t_s[sound], load)
        still = [(channel, _unchanged_s(t_s, values[:, channel])) for channel in range(values.shape[1])]
        self.still = [channel for channel, seconds in still if seconds >= t_s[-1] - t_s[0]]
        self.still_s = max(seconds for _, seconds in still)


def _touched(t_s: Floats, load: Floats, least: float) -> bool:
    """Whether the means of neighbouring half seconds lie further apart than noise explains, and by `least`.

    Drift is slower, noise is shorter; a hand, also one just taken away, is neither.
    """
    if len(load) < SCANS_LEAST:
        return False
    parts = ((t_s - t_s[0]) / TOUCH_S).astype(np.int64)
    counts = np.bincount(parts)
    there = counts > 0
    means = np.bincount(parts, weights=load)[there] / counts[there]
    if len(means) < 2:
        return False
    around = load - means[np.cumsum(there)[parts] - 1]
    sigma = MAD_SIGMA * float(np.median(np.abs(around)))  # of most scans; those under a hand do not widen it
    bounds = np.maximum(least, TOUCH_SIGMAS * sigma / np.sqrt(np.minimum(counts[there][1:], counts[there][:-1])))
    return bool((np.abs(np.diff(means)) > bounds).any())


def _line(t_s: Floats, load: Floats) -> tuple[float, float, float]:
    """Standard deviation about the best line, its slope per minute, and the slope's standard error."""
    if len(load) < SCANS_LEAST or t_s[-1] <= t_s[0]:
        return math.nan, math.nan, math.nan
    from_middle = t_s - t_s.mean()
    squares = float(from_middle @ from_middle)
    slope = float(from_middle @ (load - load.mean())) / squares
    rest = load - load.mean() - slope * from_middle
    noise = math.sqrt(float(rest @ rest) / (len(load) - 2))
    return noise, 60.0 * slope, 60.0 * noise / math.sqrt(squares)


def _unchanged_s(t_s: Floats, values: NDArray[np.int16]) -> float:
    """The longest time a channel stood at one value."""
    edges = np.flatnonzero(np.diff(values)) + 1
    marks = np.concatenate(([t_s[0]], t_s[edges], [t_s[-1]]))
    return float(np.diff(marks).max())


def _scale(unit: str, full_scale: float) -> Scale:
    if unit == "N":
        per_kpa = AREA_CM2 / 10.0
        return Scale(
            unit,
            quiet=QUIET_N,
            noisy=NOISY_N,
            near=NEAR_KPA * per_kpa,
            off=OFF_KPA * per_kpa,
            drift=DRIFT_N_MIN,
            runaway=RUNAWAY_N_MIN,
            touched=TOUCHED_KPA * per_kpa,
        )
    if not full_scale > 0:  # not known
        return Scale(unit, None, None, None, None, None, None, None)
    parts = (QUIET_PART, NOISY_PART, NEAR_PART, OFF_PART, DRIFT_PART, RUNAWAY_PART, TOUCHED_PART)
    return Scale(unit, *(part * full_scale for part in parts))


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
