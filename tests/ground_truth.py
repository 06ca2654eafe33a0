"""What the force really did, and what of it is too much: written from the rules alone, for whole arrays of clean force.

Nothing here is the guard's. The numbers of the alarm table stand here once more, as digits; only the rows of the
regions are read from the data. Forces are the true ones, without noise, quantum, median or delay.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from companion.safety.limits import GuardContext, regions
from sessions.events import Floats

Bools = NDArray[np.bool_]
AREAS_CM2 = {"hard": 8.0, "tennis": 12.0, "soft": 20.0, "roller": 50.0, "nub": 3.0}


@dataclass(frozen=True, slots=True)
class Rules:
    """One region, tool and person."""

    area_cm2: float
    force_max_n: float
    peq_max_kpa: float
    force_cap_n: float
    working_kpa: tuple[float, float]
    hold_s: float
    rest_s: float
    dose_kpa_s: float
    session_s: float

    @property
    def on_kpa(self) -> float:
        return max(10.0, self.working_kpa[0] / 2)

    def kpa(self, force_n: Floats) -> Floats:
        return 10.0 * force_n / self.area_cm2

    def x(self, force_n: Floats) -> Floats:
        peq = 10.0 * force_n / math.sqrt(self.area_cm2)
        return np.maximum(peq / self.peq_max_kpa, force_n / self.force_max_n)

    def allowed_s(self, p_kpa: Floats) -> Floats:
        """T(p)."""
        with np.errstate(divide="ignore"):
            return np.clip(self.hold_s * (self.working_kpa[1] / p_kpa) ** 4, 5.0, 120.0)


def rules(context: GuardContext) -> Rules:
    row, k, area = regions()[context.region].base, context.factor_k, AREAS_CM2[context.tool]
    roller = context.tool == "roller"
    most_n = 0.5 * (context.body_kg or 60.0) * 9.81 if roller else float(row.force_cap_n or math.inf)
    to_area = math.sqrt(12.0 / area)
    top = k * row.working_kpa[1] * to_area
    return Rules(
        area,
        k * min(0.1 * row.peq_max_kpa * math.sqrt(area), most_n),
        k * row.peq_max_kpa,
        math.inf if roller else k * most_n,
        (min(row.working_kpa[0] * to_area, top), top),
        k * row.hold_s,
        row.rest_s,
        k * row.dose_kpa_s,
        row.session_s,
    )


def lasting(holds: Bools, seconds: float, hz: float) -> Bools:
    """Where a condition has held for so long without a break."""
    count = len(holds)
    at = np.arange(count)
    last_off = np.maximum.accumulate(np.where(holds, -1, at))
    return holds & (at - last_off - 1 >= round(seconds * hz))


def first(holds: Bools) -> int | None:
    at = int(holds.argmax())
    return at if holds[at] else None


def mean_of_half_a_second(values: Floats, hz: float) -> Floats:
    width = max(1, round(0.5 * hz))
    sums = np.concatenate(([0.0], np.cumsum(values)))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def contact(p_kpa: Floats, hz: float) -> Bools:
    """From 5 kPa for 0.2 s, until below 3 kPa for 0.5 s. Free for 3 s, from 0.6 s on: before, it may be a squeeze."""
    touching = np.zeros(len(p_kpa), np.bool_)
    for _, on_at, off_at in _contacts(p_kpa, hz):
        touching[on_at:off_at] = True
    return touching


def touched_s(p_kpa: Floats, hz: float) -> Floats:
    """(scans,) the time of contact: once a touch is known to be contact, from its first scan on."""
    scans = np.zeros(len(p_kpa))
    for start, on_at, off_at in _contacts(p_kpa, hz):
        scans[on_at:off_at] = 1.0
        scans[on_at : on_at + 1] += on_at - start
    return np.cumsum(scans) / hz


def _contacts(p_kpa: Floats, hz: float) -> list[tuple[int, int, int]]:
    """The first scan of each, where it is known to be one, and one behind its last."""
    found: list[tuple[int, int, int]] = []
    free_from = let_go = short = after = 0
    presses, rests = stretches(p_kpa >= 5.0), stretches(p_kpa < 3.0)
    for begin, end in presses:
        if end <= after:
            continue
        start = max(begin, after)
        rested = start - max(free_from, let_go) >= 3.0 * hz
        on_at = start + round((0.6 if rested or short == 1 else 0.2) * hz)
        if end <= on_at:  # too short: of two such the first may be squeezes
            short = 1 if rested else short + (short > 0)
            let_go = end
            continue
        free_from = next(
            (max(off, on_at) for off, until in rests if until - max(off, on_at) > round(0.5 * hz)), len(p_kpa)
        )
        after = min(len(p_kpa), free_from + round(0.5 * hz))
        found.append((start, on_at, after))
        short = 0
    return found


def stretches(holds: Bools) -> list[tuple[int, int]]:
    """Where a condition holds without a break: first, and one behind the last."""
    padded = np.concatenate(([False], holds, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def hold_load(p_kpa: Floats, row: Rules, hz: float) -> Floats:
    """H, run by run: it adds up while pressed and falls while not."""
    mean = mean_of_half_a_second(p_kpa, hz)
    pressed = mean >= row.on_kpa
    edges = [0, *(np.flatnonzero(pressed[1:] != pressed[:-1]) + 1).tolist(), len(mean)]
    course, height = np.zeros(len(mean)), 0.0
    for start, stop in pairwise(edges):
        if pressed[start]:
            course[start:stop] = height + np.cumsum(1 / hz / row.allowed_s(mean[start:stop]))
        else:
            course[start:stop] = height * np.exp(-np.arange(1, stop - start + 1) / hz / row.rest_s)
        height = float(course[stop - 1])
    return course


def dose(p_kpa: Floats, hz: float) -> Floats:
    return np.cumsum(np.maximum(0.0, p_kpa - 9.0)) / hz


def rise(force_n: Floats, row: Rules, hz: float) -> Floats:
    """Of the point-equivalent pressure, kPa/s, where it counts: if by the time that a filter of 0.15 s knows it there
    are 30 % of the working top."""
    peq = 10.0 * force_n / math.sqrt(row.area_cm2)
    at, half = np.arange(len(peq)), max(1, round(0.075 * hz))  # the mean slope of 0.15 s, or tremor is all there is
    ahead, behind = np.minimum(at + half, len(peq) - 1), np.maximum(at - half, 0)
    slope = (peq[ahead] - peq[behind]) * hz / (ahead - behind)
    later = np.minimum(np.arange(len(peq)) + round(0.1 * hz), len(peq) - 1)
    return np.where(row.kpa(force_n)[later] >= 0.3 * row.working_kpa[1], slope, 0.0)


def rise_of_late(force_n: Floats, row: Rules, hz: float, seconds: float) -> Floats:
    """Of the point-equivalent pressure, kPa/s: the mean of the last so many seconds, which is all anybody can know."""
    peq = 10.0 * force_n / math.sqrt(row.area_cm2)
    back = max(1, round(seconds * hz))
    slope = np.zeros(len(peq))
    slope[back:] = (peq[back:] - peq[:-back]) * hz / back
    return slope
