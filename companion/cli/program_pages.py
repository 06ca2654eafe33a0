"""A program or a plan as a page, for people and for programs."""

from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from companion.cli.text import clean, table
from companion.safety.limits import tools
from companion.safety.sites import sites

if TYPE_CHECKING:
    from companion.config import Settings
    from companion.programs.library import Library
    from companion.programs.program import Course, Program, Step
    from companion.safety.limits import GuardContext
    from sessions.adherence import Adherence
    from sessions.events import Json

_WIDTH = 79
_HEADS = ("#", "STEP", "SIDE", "DO", "BAND", "FOR YOU", "SECONDS", "REST")


def program_lines(program: "Program", held: "Settings") -> list[str]:
    context = _context(program, held)
    tool = tools()[context.tool]
    lines = [clean(program.title), *_para(program.about), ""]
    lines += _para(program.position)
    minutes = program.whole_s / 60
    sided = "a side" if program.one_sided else "in all"
    lines += ["", f"Technique  {clean(program.technique)}", f"Tool       {tools()[program.tool].title}"]
    lines += [f"Time       about {minutes:.0f} min {sided}", ""]
    rows = [_cells(number, step, context) for number, step in enumerate(program.steps, start=1)]
    lines += table(_HEADS, rows, frozenset({0, 6, 7}))
    lines += ["", *_para(_bands_of(context, tool.title)), ""]
    for number, step in enumerate(program.steps, start=1):
        lines += _para(f"{number}. {step.cue}", "   ")
        lines += _para(f"   Where: {sites()[step.site].title}, {sites()[step.site].where}", "   ")
        for word, text in (("Note", step.note), ("Care", step.caution)):
            lines += _para(f"   {word}: {text}", "   ") if text else []
    lines += ["", *_para(f"Then stretch: {program.stretch}")] if program.stretch else []
    lines += ["", *(line for caution in program.cautions for line in _para(f"- {caution}", "  "))]
    lines += [line for row in program.avoid for line in _para(f"- Leave alone: {row.title}: {row.why}", "  ")]
    lines += ["", *_para(f"Sources: {', '.join(program.sources) or 'none'}. knead limits show has the list.")]
    return [*lines, f"File: {clean(program.path, 200)}, {program.origin}"]


def program_json(program: "Program", held: "Settings") -> "dict[str, Json]":
    from companion.programs.band import band_of

    context = _context(program, held)
    steps: list[Json] = []
    for step in program.steps:
        band = band_of(step, context)
        steps.append(step.to_json() | {"band_in_force_kpa": None if band is None else list(band.edges)})
    return {
        "key": program.key,
        "origin": program.origin,
        "path": program.path,
        "title": program.title,
        "about": program.about,
        "position": program.position,
        "technique": program.technique,
        "tool": program.tool,
        "sites": list(program.sites),
        "regions": list(program.regions),
        "one_sided": program.one_sided,
        "seconds": program.whole_s,
        "steps": steps,
        "stretch": program.stretch,
        "cautions": list(program.cautions),
        "avoid": [row.to_json() for row in program.avoid],
        "sources": list(program.sources),
        "in_force_for": {"tool": context.tool, "factor_k": context.factor_k, "person": context.person},
    }


def course_lines(course: "Course", library: "Library", held: "Settings") -> list[str]:
    lines = [clean(course.title), *_para(course.about), ""]
    for stage in course.stages:
        length = "From then on" if stage.weeks is None else f"{stage.weeks} week{'s' if stage.weeks > 1 else ''}"
        turns = ", ".join(clean(library.program(key).key) for key in stage.programs)
        lines += _para(f"{length}, {stage.days} days a week, in turn: {turns}", "  ")
    lines += ["", *adherence_lines(course, held), ""]
    lines += [line for caution in course.cautions for line in _para(f"- {caution}", "  ")]
    return [*lines, "", *_para(f"Sources: {', '.join(course.sources) or 'none'}"), f"File: {clean(course.path, 200)}"]


def course_json(course: "Course", held: "Settings") -> "dict[str, Json]":
    stages: list[Json] = [
        {"weeks": stage.weeks, "days": stage.days, "programs": list(stage.programs)} for stage in course.stages
    ]
    return {
        "key": course.key,
        "origin": course.origin,
        "path": course.path,
        "title": course.title,
        "about": course.about,
        "weeks": stages,
        "cautions": list(course.cautions),
        "sources": list(course.sources),
        "adherence": adherence_of(course, held).to_json(),
    }


def adherence_lines(course: "Course", held: "Settings") -> list[str]:
    """How the plan goes, from the log; with n, and what is missing."""
    return adherence_of(course, held).lines(course.key)


def adherence_of(course: "Course", held: "Settings") -> "Adherence":
    """Raises SessionError."""
    from companion.cli.log import opened_log
    from companion.cli.plans import kept_to

    with opened_log() as store:
        return kept_to(store, course, held.person, _today())


def _today() -> date:
    return datetime.now().astimezone().date()


def _context(program: "Program", held: "Settings") -> "GuardContext":
    """What would hold for this person now."""
    from dataclasses import replace

    from companion.cli.past import known_past
    from companion.safety.limits import GuardContext

    tool = tools()[held.tool or program.tool]
    step = program.steps[0]
    context = GuardContext(region=step.region, side="both", tool=tool.key, area_cm2=tool.area_cm2)
    return known_past(held).apply(replace(context, person=held.person), simulated=False)


def _cells(number: int, step: "Step", context: "GuardContext") -> tuple[str, ...]:
    from companion.programs import words
    from companion.programs.band import band_of, shut

    low, high = step.band_kpa
    band = band_of(step, context)
    mine = words.SHUT[shut(step, context) or "limits"] if band is None else f"{band.low_kpa:.0f}-{band.high_kpa:.0f}"
    times = f"{step.repeats} x {step.seconds:g}" if step.repeats > 1 else f"{step.seconds:g}"
    rest = f"{step.rest_s:g}" if step.rest_s else "-"
    side = "" if step.side == "chosen" else step.side
    return str(number), clean(step.title, 40), side, step.technique, f"{low:g}-{high:g}", mine, times, rest


def _bands_of(context: "GuardContext", tool: str) -> str:
    why = "" if context.screened else ": nobody was screened"
    return (
        f"BAND is kPa on 12 cm2. FOR YOU is kPa on the {tool.lower()}, at most what your limits allow "
        f"(times {context.factor_k:g}{why}). Seconds count only inside it."
    )


def _para(text: str, indent: str = "") -> list[str]:
    shown = clean(text, 1000)
    if not shown:
        return []
    first = " " * (len(text) - len(text.lstrip()))
    return click.wrap_text(shown, _WIDTH, initial_indent=first, subsequent_indent=indent or first).split("\n")
