"""What became of a program in a session, line by line."""

from collections.abc import Iterator

from companion.cli.text import clean, number, place, span
from sessions.steps import Hold, ProgramDone, StepDone

WHY = {
    "user": "skipped",
    "locked": "locked",
    "resting": "at rest",
    "enough": "it had enough",
    "tool": "another tool",
    "limits": "no room within the limits",
}
ENDS = {"done": "to its end", "closed": "all of it was closed"}


def program_lines(done: ProgramDone) -> Iterator[str]:
    whole = sum(step.state == "done" for step in done.steps)
    count = "" if done.count is None else f" of {done.count}"
    yield f"Steps     {whole}{count} done, {ENDS.get(done.cause or '', 'ended before its end')}"
    for step in done.steps:
        yield from _step(step)


def _step(step: StepDone) -> Iterator[str]:
    band = "" if step.band_kpa is None else f", {number(step.band_kpa[0], 1)} to {number(step.band_kpa[1], 1)} kPa"
    where = clean(place(step.site.replace("_", " ") or step.region, step.side))
    yield f"  {step.number} {clean(step.title or 'step', 60)}: {where}, {clean(step.technique)}{band}".rstrip(": ,")
    if step.holds:
        held = ", ".join(_hold(hold) for hold in step.holds)
        yield f"    in band {held} s, of {step.repeats} x {step.seconds:g} s; {span(step.held_s)} in all"
    if step.skipped and step.state == "skipped":
        yield f"    left out: {WHY.get(step.skipped, clean(step.skipped))}"
    elif not step.holds:
        yield "    not held"


def _hold(hold: Hold) -> str:
    mark = {"limit": " (limit)", "closed": " (closed)", "next": " (skipped)"}.get(hold.cause, "")
    return f"{number(hold.held_s, 1)}{mark}"
