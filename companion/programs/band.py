"""Where a step asks the pressure to be, on this tool: the lower of the program and the limits in force."""

import dataclasses
import math
from dataclasses import dataclass

from companion.programs.program import CHOSEN, Step
from companion.safety.causes import BY_KEY
from companion.safety.dose import tune
from companion.safety.limits import GuardContext, regions, whole_body
from companion.safety.scale import CONTACT_KPA
from sessions.events import Level

NARROWEST = 0.8  # of its top: breath and sway move a load by a tenth, so a narrower band cannot be kept
# The guard's first word about a peak comes here; a band ends below it.
QUIET_RATIO = 0.95 * next(row.set_at for row in BY_KEY["peak"].rows if row.level is Level.NOTICE)


@dataclass(frozen=True, slots=True)
class Band:
    """Mean contact pressure on the tool in use; of a ball that gives no newtons, percent of its full scale."""

    low_kpa: float
    high_kpa: float
    on_kpa: float  # from here on it counts as pressing, below it as resting
    rest_s: float  # the rest constant of the region
    judged: bool

    @property
    def edges(self) -> tuple[float, float]:
        return self.low_kpa, self.high_kpa


def band_of(step: Step, context: GuardContext) -> Band | None:
    """None where the limits leave nothing to guide to. Without newtons only contact is asked for."""
    there = context_at(step, context)
    tuning = tune(there)
    if not tuning.judged:
        return Band(CONTACT_KPA, 100.0, CONTACT_KPA, tuning.rest_s, judged=False)
    limits = tuning.limits
    scale = (whole_body()["reference_area_cm2"] / limits.area_cm2) ** 0.5
    low, high = (edge * scale for edge in step.band_kpa)
    high = min(high, limits.working_kpa[1], QUIET_RATIO * limits.mean_max_kpa)
    low = max(CONTACT_KPA, min(low, NARROWEST * high))
    if low > high * (1.0 + NARROWEST) / 2:
        return None
    return Band(round(low, 2), math.floor(100 * high) / 100, tuning.on_kpa, tuning.rest_s, judged=True)


def context_at(step: Step, context: GuardContext) -> GuardContext:
    """What the guard knows where this step is done."""
    side = context.side if step.side == CHOSEN else step.side
    return dataclasses.replace(context, region=step.region, side=side, rolling=step.rolling)


def shut(step: Step, context: GuardContext) -> str:
    """Why this step is not done now: "locked", "resting", "tool", "limits"; else empty."""
    there = context_at(step, context)
    if there.is_locked:
        return "locked"
    if there.is_resting:
        return "resting"
    wanted = regions()[step.region].tools
    if wanted and there.tool not in wanted:
        return "tool"
    return "" if band_of(step, context) is not None else "limits"
