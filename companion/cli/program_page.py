"""The programs as the screens ask for them: as they hold for the person now, and how the plans go."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from companion.compose import gather
from companion.past import nobody
from companion.programs import words
from companion.programs.band import band_of, shut
from companion.programs.library import load_library
from companion.programs.program import Course, Program, Step
from companion.safety.limits import SIDES, GuardContext, tools
from companion.safety.sites import avoided
from companion.tui.books import Mine, ProgramPage
from sessions.errors import SessionError

if TYPE_CHECKING:
    from companion.config import Settings


def program_page(settings: "Settings") -> ProgramPage:
    """What is broken stands last. Where the log cannot be read, nothing is known of the person."""
    from companion.cli.program_pages import adherence_lines

    entries = load_library(settings.paths.programs_dir).entries.values()
    known = _known(settings)
    mine: dict[tuple[str, str], tuple[Mine, ...]] = {}
    notes: dict[str, list[str]] = {}
    for entry in entries:
        match entry.item:
            case Program() as program:
                tool = tools()[settings.tool or program.tool]
                for side in SIDES:
                    context = replace(known, tool=tool.key, area_cm2=tool.area_cm2, side=side)
                    mine[entry.key, side] = tuple(_mine(step, context) for step in program.steps)
            case Course() as course:
                try:
                    notes[entry.key] = adherence_lines(course, settings)
                except SessionError as error:
                    notes[entry.key] = [str(error)]
            case None:
                pass
    ordered = sorted(entries, key=lambda entry: entry.item is None)
    return ProgramPage(ordered, [(place.title, place.why) for place in avoided().values()], notes, mine)


def _known(settings: "Settings") -> GuardContext:
    try:
        past = gather(settings)
    except SessionError:
        past = nobody(datetime.now(UTC), settings.person)
    return past.apply(GuardContext(person=settings.person), simulated=False)


def _mine(step: Step, context: GuardContext) -> Mine:
    closed, band = shut(step, context), band_of(step, context)
    if closed or band is None:
        return Mine("", words.SHUT[closed or "limits"])
    return Mine(f"{band.low_kpa:.0f}-{band.high_kpa:.0f}")
