"""The signals that the rows of the alarm table watch, made from measured scans."""

import math
from dataclasses import dataclass

import numpy as np

from companion.safety.dose import Tuning
from companion.safety.meters import Measured
from companion.safety.scans import Bools, Scans, least, most
from companion.safety.watch import ALWAYS, NEVER, Signal
from sessions.events import Floats


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of the present region besides its limits."""

    closed: bool  # its load is unknown
    locked: bool
    resting: bool = False
    battery_low: bool = False
    touched: bool = False  # something has pressed in this session before these scans


def pressure(scans: Scans, tuning: Tuning) -> dict[str, Signal]:
    """x by the limits in force ("ratio") and by those that stop ("strict"), whole ball and single cells."""
    if not tuning.judged:
        return {}
    peak = scans.peak_n
    if peak is scans.force_n:
        low, high = scans.low_n, scans.high_n
    else:
        low, high = float(least(peak)), float(most(peak))
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
    saturated = measured.scans.saturated
    signals = {
        "saturated": NEVER if saturated is None else Signal(0.0, 1.0, lambda: saturated.astype(np.float64)),
        "closed": _pressing(measured) if place.closed else NEVER,
        "locked": _pressing(measured) if place.locked else NEVER,
        "resting": _pressing(measured) if place.resting else NEVER,
        "battery": ALWAYS if place.battery_low else NEVER,
        "battery_first": _before_contact(measured) if place.battery_low and not place.touched else NEVER,
    }
    if tuning.judged:
        signals |= {
            **_hold(measured),
            "static": _flag(measured.static),
            "standing": _flag(measured.standing),
            "firm": _flag(measured.firm),
            "ramp": _ramp(measured, tuning),
        }
    return signals


def _flag(mask: Bools | bool) -> Signal:
    if isinstance(mask, bool):
        return ALWAYS if mask else NEVER
    return Signal(0.0, 1.0, lambda: mask.astype(np.float64))


def _pressing(measured: Measured) -> Signal:
    loaded = measured.pressing()
    return _flag(False if loaded is None else loaded)


def _before_contact(measured: Measured) -> Signal:
    """Up to the session's first contact."""
    contact = measured.contact
    if isinstance(contact, bool):
        return _flag(not contact)
    return _flag(~np.logical_or.accumulate(contact))


def _hold(measured: Measured) -> dict[str, Signal]:
    hold = measured.hold
    if hold is None:
        return {}
    high = float(most(hold))

    def pressed() -> Floats:
        loaded = measured.pressing()
        return np.zeros(len(hold)) if loaded is None else np.where(loaded, hold, 0.0)

    return {
        "hold": Signal(float(least(hold)), high, lambda: hold),
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

    return Signal(-math.inf, float(most(ramp)) * tuning.peq_per_mean, make)
