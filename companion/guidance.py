"""A program by name, made ready for one session. Refused where all of it is closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from companion.errors import ConfigError, RefusedError
from companion.past import Past
from companion.programs import words
from companion.programs.band import shut
from companion.programs.library import load_library
from companion.programs.program import Program, Routine, Step
from companion.safety.limits import GuardContext, tools


@dataclass(frozen=True, slots=True)
class Guidance:
    routine: Routine
    region: str  # of the first step that may be done
    side: str


def prepare(name: str, side: str, programs: Path, known: Past, *, simulated: bool, tool: str | None = None) -> Guidance:
    """`programs`: where the user's own lie. `tool`: as the person said; None: the one it is made for.

    Raises ConfigError (no such program, or it is broken) and RefusedError (nothing of it may be done now).
    """
    routine = load_library(programs).program(name).routine(side)
    opens = _open(routine.steps, known, tool, simulated=simulated)
    return Guidance(routine, opens.region, opens.side)


def check_region(program: Program, region: str) -> None:
    """Raises ConfigError where a region was asked for that the program does not work on."""
    if region not in program.regions:
        there = ", ".join(program.regions)
        raise ConfigError(f"the program {program.key} is for {there}, not for {region}", "leave --region out")


def _open(steps: Sequence[Step], known: Past, chosen: str | None, *, simulated: bool) -> Step:
    """The first that may be done."""
    refused: list[RefusedError] = []
    for step in steps:
        try:
            known.refuse(step.region, step.side)
        except RefusedError as error:
            refused.append(error)
            continue
        tool = tools()[chosen or step.tool]
        context = GuardContext(region=step.region, side=step.side, tool=tool.key, area_cm2=tool.area_cm2)
        why = shut(step, known.apply(context, simulated=simulated))
        if not why:
            return step
        hint = f"it is made for: --tool {step.tool}" if why == "tool" else "knead today says when again"
        refused.append(RefusedError(f"{step.region} is left out: {words.SHUT[why]}", hint))
    raise refused[0]
