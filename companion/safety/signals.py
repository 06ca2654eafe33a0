"""The signals that the rows of the alarm table watch, made from measured scans."""

import math
from dataclasses import dataclass

import numpy as np

from companion.safety.dose import Tuning
from companion.safety.meters import Measured
from companion.safety.scans import Bools, Scans
from companion.safety.watch import Signal
from sessions.events import Floats


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of the present region besides its limits."""

    closed: bool  # its load is unknown
    locked: bool
    resting: bool = False


def pressure(scans: Scans, tuning: Tuning) -> dict[str, Signal]:
    """x by the limits in force ("ratio") and by those that stop ("strict"), whole ball and single cells."""
    if not tuning.judged:
        return {}
    peak = scans.peak_n
    low, high = float(peak.min()), float(peak.max())
    cell: Floats | None = None
    cell_high = 0.0
    if tuning.ratio_per_cell_n > 0.0 and scans.cells_n.shape[1]:
        cell = np.fmax.reduce(scans.cells_n, axis=1)
        cell_high = float(np.fmax.reduce(cell))

    def signal(per_n: float, per_cell_n: float) -> Signal:
        top = high * per_n
        if cell_high * per_cell_n > top:
            top = cell_high * per_cell_n

        def make() -> Floats:
            whole = peak * per_n
            return whole if cell is None else np.fmax(whole, cell * per_cell_n)

        return Signal(low * per_n, top, make)

    return {
        "ratio": signal(tuning.ratio_per_n, tuning.ratio_per_cell_n),
        "strict": signal(tuning.strict_per_n, tuning.strict_per_cell_n),
    }


def of_body(measured: Measured, tuning: Tuning, place: Place) -> dict[str, Signal]:
    """All the others; only of scans whose zero is trusted."""
    count = len(measured.scans)
    zero = Signal(0.0, 0.0, lambda: np.zeros(count))
    saturated = measured.scans.saturated
    signals = {
        "saturated": zero if saturated is None else Signal(0.0, 1.0, lambda: saturated.astype(np.float64)),
        "closed": _pressing(measured) if place.closed else zero,
        "locked": _pressing(measured) if place.locked else zero,
        "resting": _pressing(measured) if place.resting else zero,
    }
    if tuning.judged:
        signals |= {
            **_hold(measured),
            "static": _flag(measured.static, count),
            "ramp": _ramp(measured, tuning),
        }
    return signals


def _flag(mask: Bools | bool, count: int) -> Signal:
    if isinstance(mask, bool):
        value = 1.0 if mask else 0.0
        return Signal(value, value, lambda: np.full(count, value))
    return Signal(0.0, 1.0, lambda: mask.astype(np.float64))


def _pressing(measured: Measured) -> Signal:
    loaded = measured.pressing()
    return _flag(False if loaded is None else loaded, len(measured.scans))


def _hold(measured: Measured) -> dict[str, Signal]:
    hold = measured.hold
    if hold is None:
        return {}
    high = float(hold.max())

    def pressed() -> Floats:
        loaded = measured.pressing()
        return np.zeros(len(hold)) if loaded is None else np.where(loaded, hold, 0.0)

    return {
        "hold": Signal(float(hold.min()), high, lambda: hold),
        "pressed_hold": Signal(0.0, high, pressed),
    }


def _ramp(measured: Measured, tuning: Tuning) -> Signal:
    """Rise of the point-equivalent pressure; 0 below a part of the working range, so that getting on is quiet."""
    ramp = measured.scans.ramp_kpa_s

    def make() -> Floats:
        counts = measured.p_kpa >= tuning.ramp_floor_kpa
        if measured.onset is not None:
            counts = counts & measured.onset
        return np.where(counts, ramp * tuning.peq_per_mean, 0.0)

    return Signal(-math.inf, float(ramp.max()) * tuning.peq_per_mean, make)
