"""What the pressure of a ball adds up to: the hold load H, the dose D and the clocks of a region and side.

    T(p) = clamp(k * T0 * (W/p)^4, 5 s, 120 s)    how long p may be held; T0 the region's hold, W its working top
    p >= p_on:  H += m*dt/T(p)                    p_on = max(10, half the working bottom); p is the mean of 0.5 s
    p <  p_on:  H *= exp(-dt/R)                   R the region's rest; m is 1, or 0.25 while really rolling
    D += max(0, p - 9)*dt                         does not recover within a session

H = 1 is the limit; a new hold is offered at 0.37. The exponent lies under the 5.5 to 7 that F6 implies (E), the clamp
7.5 times under the 15 min that F25 shows to harm above 32 kPa; 9 kPa is F25's threshold of long exposure; the dose
limits are 144000 kPa*s (M3) divided by 6 to 60. None of this is a measured harm limit of ball massage.

Sums run scan after scan from the carried value, so that any split gives the same bits: clocks are whole microseconds,
H and D are accumulated in order, and a rest is one exponential from its first moment.
"""

import dataclasses
import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from companion.safety.limits import GuardContext, whole_body, zone_edges_kpa
from companion.safety.scale import CONTACT_KPA, HOLD_FLOOR_KPA, STOP_RATIO
from companion.safety.table import RegionLimits
from sessions.events import Floats, RegionTotals

HOLD_RANGE_S = (5.0, 120.0)
DOSE_FLOOR_KPA = 9.0
HOLD_COUNTS_S = 5.0  # a hold is one from the shortest T(p) on
UNJUDGED_FULL_SCALE = 32767.0  # an index without a known full scale
_FORGOTTEN = 1e-9  # a hold load below this is none


@dataclass(frozen=True, slots=True)
class Tuning:
    """The context in the numbers the sums need, for one region, tool and person."""

    limits: RegionLimits
    judged: bool
    kpa_per_n: float  # mean contact pressure; percent of full scale where not judged
    peq_per_mean: float
    ratio_per_n: float  # x by the limits in force
    strict_per_n: float  # x by the unraised limits, STOP_RATIO where the force cap is reached
    ratio_per_cell_n: float  # 0: cells are not judged
    strict_per_cell_n: float
    on_kpa: float
    mid_kpa: float
    working_top_kpa: float
    rest_s: float
    ramp_floor_kpa: float
    edges: tuple[float, ...]  # of the zones
    full_scale_n: float | None
    shown_short: bool  # the ball cannot show a limit with a margin, so that limit is lowered

    def saturated_n(self, channels: int) -> float:
        """What a saturated scan counts as: the full scale, or where other cells may show less, the limit."""
        if not self.judged:
            return 100.0 / self.kpa_per_n
        return self.full_scale_n if self.full_scale_n and channels == 1 else self.limits.force_max_n

    def hold_s(self, p_kpa: Floats) -> Floats:
        """T(p), for pressures above 0."""
        part = self.working_top_kpa / p_kpa
        part *= part
        part *= part
        part *= self.limits.hold_s
        return np.minimum(np.maximum(part, HOLD_RANGE_S[0]), HOLD_RANGE_S[1])


def tune(context: GuardContext) -> Tuning:
    limits, strict = context.limits(), context.limits(raised=False)
    root = math.sqrt(limits.area_cm2)
    judged = context.judged
    cell_root = math.sqrt(context.cell_cm2) if judged and context.cell_cm2 else math.inf
    ratio = max(10.0 / root / limits.peq_max_kpa, 1.0 / limits.force_max_n)
    hard = max(10.0 / root / strict.peq_max_kpa, 1.0 / strict.force_max_n)
    if strict.force_cap_n is not None:
        hard = max(hard, STOP_RATIO / strict.force_cap_n)
    per_cell, strict_per_cell = (_per_cell(context, cell_root, row.peq_max_kpa) for row in (limits, strict))
    whole = dataclasses.replace(context, full_scale_n=None).limits()
    short = limits.force_max_n < whole.force_max_n or per_cell > 10.0 / cell_root / limits.peq_max_kpa
    bottom, top = limits.working_kpa
    return Tuning(
        limits=limits,
        judged=judged,
        kpa_per_n=10.0 / limits.area_cm2 if judged else 100.0 / (context.full_scale_n or UNJUDGED_FULL_SCALE),
        peq_per_mean=root,
        ratio_per_n=ratio if judged else 0.0,
        strict_per_n=hard if judged else 0.0,
        ratio_per_cell_n=per_cell,
        strict_per_cell_n=strict_per_cell,
        on_kpa=max(HOLD_FLOOR_KPA, 0.5 * bottom) if judged else CONTACT_KPA,
        mid_kpa=0.5 * (bottom + top),
        working_top_kpa=top,
        rest_s=limits.rest_s,
        ramp_floor_kpa=whole_body()["ramp_from_working"] * top,
        edges=zone_edges_kpa(limits) if judged else (CONTACT_KPA, math.inf, math.inf, math.inf),
        full_scale_n=context.full_scale_n,
        shown_short=judged and short,
    )


def _per_cell(context: GuardContext, cell_root: float, peq_max_kpa: float) -> float:
    """x of one cell per newton; a cell that cannot show the limit with a margin has a lower one, as the whole ball."""
    if math.isinf(cell_root):
        return 0.0
    body, full_n, limit_n = whole_body(), context.full_scale_n, 0.1 * cell_root * peq_max_kpa
    if full_n is not None and full_n < body["full_scale_margin"] * limit_n:
        return 1.0 / (body["full_scale_part"] * full_n)
    return 10.0 / cell_root / peq_max_kpa


@dataclass(slots=True)
class HoldLoad:
    """H, up to the last scan it was fed."""

    rest_s: float
    value: float = 0.0
    at_us: float = 0.0  # of the last scan
    _peak: float = 0.0  # where the present rest began,
    _since_us: float | None = None  # and when; None while pressed

    def feed(self, t_us: Floats, dt_s: Floats, p_kpa: Floats, tuning: Tuning, rolling: Floats | None) -> Floats:
        """(scans,) H at each scan."""
        low, high = np.minimum.reduce(p_kpa), np.maximum.reduce(p_kpa)
        if low >= tuning.on_kpa:
            return self._press(t_us, dt_s, p_kpa, tuning, rolling)
        if high < tuning.on_kpa:
            return self._rest(t_us)
        pressed = p_kpa >= tuning.on_kpa
        edges = [0, *(np.flatnonzero(pressed[1:] != pressed[:-1]) + 1).tolist(), len(t_us)]
        parts = []
        for start, stop in pairwise(edges):
            run = slice(start, stop)
            m = None if rolling is None else rolling[run]
            parts.append(
                self._press(t_us[run], dt_s[run], p_kpa[run], tuning, m) if pressed[start] else self._rest(t_us[run])
            )
        return np.concatenate(parts)

    def book(self, seconds: float, p_kpa: float, until_us: float, tuning: Tuning) -> None:
        """Time that was not measured, spent at `p_kpa`."""
        if p_kpa < tuning.on_kpa:
            self.pass_to(until_us)
            return
        self.value += seconds / float(tuning.hold_s(np.array([p_kpa]))[0])
        self._since_us, self.at_us = None, until_us

    def release(self) -> None:
        """From the last scan on, nothing presses here."""
        if self._since_us is None:
            self._peak, self._since_us = self.value, self.at_us

    def pass_to(self, t_us: float) -> float:
        """H at `t_us`, at rest since the last scan or before."""
        self.release()
        self.value, self.at_us = self._decayed(t_us), t_us
        return self.value

    def adopt(self, other: "HoldLoad") -> None:
        """Carry on from another side over the same tissue."""
        self.value, self.at_us = other.value, other.at_us
        self._peak, self._since_us = other._peak, other._since_us

    def _press(self, t_us: Floats, dt_s: Floats, p_kpa: Floats, tuning: Tuning, rolling: Floats | None) -> Floats:
        steps = np.empty(len(t_us) + 1)
        steps[0] = self.value
        np.divide(dt_s, tuning.hold_s(p_kpa), out=steps[1:])
        if rolling is not None:
            steps[1:] *= rolling
        course: Floats = np.add.accumulate(steps)[1:]
        self.value, self.at_us, self._since_us = float(course[-1]), float(t_us[-1]), None
        return course

    def _rest(self, t_us: Floats) -> Floats:
        self.release()
        self.at_us = float(t_us[-1])
        if self._peak < _FORGOTTEN:
            self._peak = self.value = 0.0
            return np.zeros(len(t_us))
        course = np.array([self._decayed(moment) for moment in t_us.tolist()])
        self.value = float(course[-1])
        return course

    def _decayed(self, t_us: float) -> float:
        assert self._since_us is not None
        return self._peak * math.exp((self._since_us - t_us) / (1e6 * self.rest_s))


@dataclass(slots=True)
class Account:
    """What a region and side got so far in this session."""

    region: str
    side: str
    dose_limit_kpa_s: float
    hold: HoldLoad
    contact_us: float = 0.0
    dose_kpa_s: float = 0.0
    zone_us: Floats = field(default_factory=lambda: np.zeros(5))
    holds: int = 0
    held_us: float = 0.0  # length of the present static hold
    peak_kpa: float = 0.0
    peak_force_n: float = 0.0
    estimated_s: float = 0.0

    def dose(self, p_kpa: Floats, dt_s: Floats) -> Floats:
        """Add; (scans,) D at each scan."""
        steps = np.empty(len(p_kpa) + 1)
        steps[0] = self.dose_kpa_s
        excess = p_kpa - DOSE_FLOOR_KPA
        np.maximum(excess, 0.0, out=excess)
        np.multiply(excess, dt_s, out=steps[1:])
        course: Floats = np.add.accumulate(steps)[1:]
        self.dose_kpa_s = float(course[-1])
        return course

    def book(self, seconds: float, p_kpa: float, until_us: float, tuning: Tuning) -> None:
        """Time lost under load, at an estimated pressure."""
        self.contact_us += float(round(seconds * 1e6))
        self.estimated_s += seconds
        if tuning.judged:
            self.dose_kpa_s += max(0.0, p_kpa - DOSE_FLOOR_KPA) * seconds
            self.hold.book(seconds, p_kpa, until_us, tuning)

    def totals(self, *, judged: bool) -> RegionTotals:
        rest, light, work, high, over = (float(zone) * 1e-6 for zone in self.zone_us)
        return RegionTotals(
            region=self.region,
            side=self.side,
            contact_s=self.contact_us * 1e-6,
            dose_kpa_s=self.dose_kpa_s,
            dose_limit_kpa_s=self.dose_limit_kpa_s,
            hold_load=self.hold.value,
            hold_s=self.held_us * 1e-6,
            holds=self.holds,
            peak_kpa=self.peak_kpa if judged else math.nan,
            peak_force_n=self.peak_force_n if judged else math.nan,
            zone_s=(rest, light, work, high, over),
            estimated_s=self.estimated_s,
        )


def overlaps(side: str, other: str) -> bool:
    """Whether two sides share tissue."""
    return side == other or "both" in (side, other)
