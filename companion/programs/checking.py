"""What is wrong with a program, and what could be better.

A fault means that it asks for more than the limits, for whom they are widest (a ball of its tool, factor 1): it is
never run. Advice is about how it is made: it should start gently, rise slowly, breathe, and end with easing off.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from companion.programs.program import STATIC, Program, Step
from companion.safety.dose import DOSE_FLOOR_KPA, HOLD_RANGE_S
from companion.safety.limits import regions, whole_body
from companion.safety.rolling import PACE
from companion.safety.scale import CONTACT_KPA, HOLD_FLOOR_KPA

BREATH = 0.9  # breath and sway move a load by a tenth: a narrower band cannot be kept
RISE = 0.4  # of the working top: more from one step to the next is no slow rise


@dataclass(frozen=True, slots=True)
class Finding:
    """`step` is None where it is about the whole."""

    step: int | None
    reason: str


def faults(program: Program) -> list[Finding]:
    """Why it is not run. Empty: it may be."""
    found = [Finding(number, why) for number, step in enumerate(program.steps, start=1) for why in _step(program, step)]
    return found + [Finding(None, why) for why in _sums(program)]


def advice(program: Program) -> list[Finding]:
    """What a bundled program must not have. A user's own is run all the same."""
    found = [*_course_of_pressure(program)]
    if not program.sources:
        found.append(Finding(None, "sources is empty: say what it rests on"))
    if not program.stretch:
        found.append(Finding(None, "stretch is empty: end with a reminder to stretch"))
    if not any("breath" in step.cue for step in program.steps):
        found.append(Finding(None, "no cue speaks of breathing"))
    return found


def hold_s(step: Step, kpa: float) -> float:
    """How long this pressure may be held there, by the formula of `safety.dose`, on 12 cm2 and for factor 1."""
    base = regions()[step.region].base
    low, high = HOLD_RANGE_S
    return min(max(base.hold_s * (base.working_kpa[1] / kpa) ** 4, low), high)


def _step(program: Program, step: Step) -> Iterator[str]:
    region = regions()[step.region]
    low, high = step.band_kpa
    bottom, top = region.base.working_kpa
    if region.off_by_default or step.region == "unknown":
        yield f"region = {step.region}: no program is for it"
    if region.tools and step.tool not in region.tools:
        yield f"tool = {step.tool}: {step.region} takes only {', '.join(region.tools)}"
    if step.tool != program.tool:
        yield f"tool = {step.tool}, but the program is for {program.tool}: one ball measures at a time"
    if high > top:
        yield f"band_kpa goes up to {high:g}: the limits of {step.region} end work at {top:g}"
    if low < CONTACT_KPA:
        yield f"band_kpa begins at {low:g}: contact begins at {CONTACT_KPA:g}"
    if low > BREATH * high:
        yield f"band_kpa = [{low:g}, {high:g}] is too narrow: breathing alone moves the pressure by more"
    if region.light_only and high > bottom:
        yield f"band_kpa goes up to {high:g}: only up to {bottom:g} in {step.region}, a light touch"
    if region.roll_only and not step.rolling and high > max(HOLD_FLOOR_KPA, bottom / 2):
        yield f"technique = {step.technique}: {step.region} is for rolling only"
    pace = PACE if step.rolling else 1.0
    allowed_s = hold_s(step, high) / pace
    if step.seconds > allowed_s:
        at = f"seconds = {step.seconds:g} at up to {high:g} kPa"
        yield f"{at}: the limits of {step.region} end it at {allowed_s:.0f} s"


def _sums(program: Program) -> Iterator[str]:
    for region, side in dict.fromkeys((step.region, step.side) for step in program.steps):
        steps = [step for step in program.steps if step.region == region and (step.side == side or side != "both")]
        row = regions()[region].base
        contact_s = sum(step.work_s for step in steps)
        if contact_s > row.session_s:
            yield f"{contact_s:g} s in {region}: its limit for a session is {row.session_s:g}"
        dose = sum((step.band_kpa[1] - DOSE_FLOOR_KPA) * step.work_s for step in steps)
        if dose > row.dose_kpa_s:
            yield f"up to {dose:.0f} kPa*s in {region}: its dose limit for a session is {row.dose_kpa_s:g}"
    most_s = whole_body()["session_s"]
    both_s = sum(step.work_s for step in program.routine("both").steps)
    if both_s > most_s:
        yield f"{both_s:g} s of contact with both sides: a session ends at {most_s:g}"


def _course_of_pressure(program: Program) -> Iterator[Finding]:
    before = 0.0
    for number, step in enumerate(program.steps, start=1):
        bottom, top = regions()[step.region].base.working_kpa
        share = step.band_kpa[1] / top
        if number == 1 and (step.technique in STATIC or step.band_kpa[1] > bottom):
            yield Finding(number, f"start gently: light strokes up to {bottom:g} kPa, no hold")
        if share - before > RISE + math.ulp(1.0) and number > 1:
            yield Finding(number, f"rise slowly: the band's top rises by {share - before:.0%} of the working range")
        before = max(before, share) if number > 1 else share
    last = program.steps[-1]
    if last.technique != "ease" or last.band_kpa[1] > regions()[last.region].base.working_kpa[0]:
        yield Finding(len(program.steps), "end with easing off, below the working range")
