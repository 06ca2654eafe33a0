"""`knead programs`: what one may be led through, and what is wrong with a file of one's own."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from companion.cli.options import FILE, document, setting, settings
from companion.cli.text import clean, table

if TYPE_CHECKING:
    from companion.config import Settings
    from companion.programs.library import Entry, Library
    from companion.programs.program import Course, Program
    from sessions.events import Json

_WIDTH = 79
_FAULT_MAX = 400


@click.group(help="List, show and check programs: what a guided session is led by.")
def programs() -> None:
    pass


@programs.command("list", help="All programs there are, and what is left alone. Broken ones say why.")
@document
def list_(as_json: bool) -> None:
    from companion.safety.sites import avoided

    held = settings()
    library = _library(held)
    if as_json:
        avoid: list[Json] = [{"site": row.key, "title": row.title, "why": row.why} for row in avoided().values()]
        rows: list[Json] = [_row(entry, library) for entry in library.entries.values()]
        told = {"schema": 1, "programs": rows, "avoid": avoid, "folder": str(held.paths.programs_dir)}
        click.echo(json.dumps(told, indent=2))
        return
    for line in _listed(library):
        click.echo(line)
    click.echo("\nLeft alone, whatever the pressure:")
    for row in avoided().values():
        click.echo(f"  {row.title}: {row.why}")
    click.echo(f"\nYour own programs lie in {clean(str(held.paths.programs_dir), 200)}")


@programs.command(help="One program, step by step, with the bands that hold for you; or a plan, and how it goes.")
@click.argument("program")
@setting("side")
@setting("tool")
@setting("person")
@document
def show(program: str, side: str | None, tool: str | None, person: str | None, as_json: bool) -> None:
    from companion.cli.program_pages import course_json, course_lines, program_json, program_lines
    from companion.programs.program import Program

    held = settings(side=side, tool=tool, person=person)
    library = _library(held)
    item = library.item(program)
    if isinstance(item, Program):
        if as_json:
            click.echo(json.dumps({"schema": 1, "program": program_json(item, held)}, indent=2))
            return
        lines = program_lines(item, held)
    else:
        if as_json:
            click.echo(json.dumps({"schema": 1, "plan": course_json(item, held)}, indent=2))
            return
        lines = course_lines(item, library, held)
    for line in lines:
        click.echo(line)


@programs.command(help="Check a FILE, or all programs. Exit code 2 where one is broken.")
@click.argument("file", type=FILE, nargs=-1)
@document
def check(file: tuple[Path, ...], as_json: bool) -> None:
    from companion.programs.checking import advice
    from companion.programs.library import check_file
    from companion.programs.program import Program

    held = settings()
    library = _library(held)
    entries = [check_file(path, held.paths.programs_dir) for path in file] or list(library.entries.values())
    found = [(entry, advice(entry.item) if isinstance(entry.item, Program) else []) for entry in entries]
    broken = [entry for entry in entries if entry.item is None]
    if as_json:
        rows: list[Json] = [
            {
                "key": entry.key,
                "path": entry.path,
                "origin": entry.origin,
                "broken": entry.item is None,
                "fault": clean(entry.fault, _FAULT_MAX) or None,
                "advice": [{"step": finding.step, "reason": finding.reason} for finding in advised],
            }
            for entry, advised in found
        ]
        click.echo(json.dumps({"schema": 1, "checked": rows}, indent=2))
    else:
        for entry, advised in found:
            for finding in advised:
                step = "" if finding.step is None else f"step {finding.step}: "
                click.echo(f"{clean(entry.key)}: {step}{finding.reason}")
            if entry.item is None:
                click.echo(f"BROKEN {clean(entry.fault, _FAULT_MAX)}")
        click.echo(f"{len(entries)} checked, {len(broken)} broken.")
    if broken:
        raise Exit(2)


# --- for other commands ---


def program_keys(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """For a shell."""
    return [program.key for program in _library(settings()).programs() if program.key.startswith(incomplete)]


def check_program(name: str, region: str | None, held: "Settings") -> None:
    """Before anything else begins. `region` as asked for on the command line. Raises ConfigError."""
    from companion.guidance import check_region

    program = _library(held).program(name)
    if region is not None:
        check_region(program, region)


def _library(held: "Settings") -> "Library":
    from companion.programs.library import load_library

    return load_library(held.paths.programs_dir)


# --- rows ---


def _listed(library: "Library") -> list[str]:
    rows = [(program.key, f"{program.whole_s / 60:.0f}", _titled(program)) for program in library.programs()]
    lines = table(("PROGRAM", "MIN/SIDE", "TITLE"), rows, frozenset({1})) if rows else []
    for course in library.courses():
        lines += ["", f"Plan {course.key}: {course.title}. {course.about}".rstrip()]
    broken = library.broken()
    if broken:
        lines += ["", "Broken, and not run:", *(f"  {clean(entry.fault, _FAULT_MAX)}" for entry in broken)]
    return [part for line in lines for part in _wrapped(line)]


def _wrapped(line: str) -> Sequence[str]:
    if not line.startswith("Plan "):
        return (line,)
    return click.wrap_text(line, _WIDTH, subsequent_indent="  ").split("\n")


def _titled(program: "Program") -> str:
    return program.title if program.origin == "bundled" else f"{clean(program.title)} (yours)"


def _row(entry: "Entry", library: "Library") -> "dict[str, Json]":
    from companion.programs.program import Program

    known: dict[str, Json] = {"key": entry.key, "origin": entry.origin, "path": entry.path}
    item = entry.item
    if item is None:
        return known | {
            "kind": "unknown",
            "broken": True,
            "fault": clean(entry.fault, _FAULT_MAX),
            "title": None,
            "sites": [],
            "regions": [],
            "technique": None,
        }
    if isinstance(item, Program):
        about: dict[str, Json] = {
            "kind": "program",
            "sites": list(item.sites),
            "regions": list(item.regions),
            "technique": item.technique,
            "techniques": list(dict.fromkeys(step.technique for step in item.steps)),
            "tool": item.tool,
            "one_sided": item.one_sided,
            "steps": len(item.steps),
            "seconds": item.whole_s,
            "avoid": [row.site for row in item.avoid],
        }
    else:
        about = _plan_row(item, library)
    return known | {"broken": False, "fault": None, "title": item.title, "about": item.about} | about


def _plan_row(course: "Course", library: "Library") -> "dict[str, Json]":
    items = [library.program(key) for key in course.programs]
    return {
        "kind": "plan",
        "sites": list(dict.fromkeys(site for item in items for site in item.sites)),
        "regions": list(dict.fromkeys(region for item in items for region in item.regions)),
        "technique": "a plan over weeks",
        "programs": list(course.programs),
        "weeks": [{"weeks": stage.weeks, "days": stage.days} for stage in course.stages],
    }
