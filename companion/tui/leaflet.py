"""A program, a plan or a broken file as rows of text: what it does, where, how hard at most, and what to leave alone.

Knows no Textual.
"""

import textwrap
from collections.abc import Iterator, Sequence

from companion.programs.library import Entry
from companion.programs.program import Course, Program, Step
from companion.tui import words
from companion.tui.books import Mine
from companion.tui.tones import Row, Tone

SIDES = ("left", "right", "both")
_NAME = 10  # cells of the names on the left
PUBLISHED = "Bands at most, on 12 cm2, by judgement: the lower of these and your limits holds."
MINE = "Bands as they hold for you now, by judgement; knead programs show has the published ones."


def minutes(seconds: float) -> str:
    return f"{max(1, round(seconds / 60))} min"


def list_cells(entry: Entry) -> tuple[str, str]:
    """Title and length, for a list."""
    match entry.item:
        case Program() as program:
            mine = "" if program.origin == "bundled" else "* "
            return mine + words.plain(program.title, 60), minutes(program.whole_s)
        case Course() as course:
            return words.plain(course.title, 60), "plan"
        case None:
            return f"! {words.plain(entry.key, 60)}", "broken"


def leaflet_rows(
    entry: Entry, side: str, width: int, notes: Sequence[str] = (), mine: Sequence[Mine] = ()
) -> list[Row]:
    """`mine`: a row a step, as it holds for the person; none where that is not known."""
    match entry.item:
        case Program() as program:
            return [*_program(program, side, width, mine), *_notes(notes, width), *_origin(entry, width)]
        case Course() as course:
            return [*_course(course, width), *_notes(notes, width), *_origin(entry, width)]
        case None:
            rows = [
                *_head(f"{entry.key}: broken, and not run", width),
                (),
                *_text(entry.fault, width, Tone.CAUTION),
                (),
            ]
            return [*rows, *_text(f"Mend {entry.path}, then look again: knead programs check", width)]


def avoided_rows(places: Sequence[tuple[str, str]], width: int) -> list[Row]:
    rows: list[Row] = [*_head("Places to leave alone", width), ()]
    for title, why in places:
        rows += [((f" {words.plain(title, 70)}", Tone.STRONG),), *_text(why, width, indent="   ")]
    return rows


def _program(program: Program, side: str, width: int, mine: Sequence[Mine]) -> Iterator[Row]:
    yield from _head(program.title, width)
    if program.one_sided:
        marks = (f" [{one}] " if one == side else f"  {one}  " for one in SIDES)
        yield (
            (" side ", Tone.QUIET),
            *((mark, Tone.CURSOR if mark.startswith(" [") else Tone.PLAIN) for mark in marks),
        )
    yield from _text(program.about, width)
    yield from _fact("places", ", ".join(site.replace("_", " ") for site in program.sites), width)
    yield from _fact("regions", ", ".join(program.regions), width)
    yield from _fact("tool", program.tool, width)
    yield from _fact("length", f"{minutes(program.whole_s)}{' a side' if program.one_sided else ''}", width)
    yield from _fact("how", program.technique, width)
    yield from _fact("position", program.position, width)
    yield ()
    yield ((f" {'STEP':<{_step_cells(width)}} {'kPa':>7} {'HOLD':>9} {'REST':>5}", Tone.STRONG),)
    for number, step in enumerate(program.steps, start=1):
        here = mine[number - 1] if number <= len(mine) else None
        yield ((_step(number, step, width, here), Tone.PLAIN),)
        if here is not None and here.closed:
            yield from _text(f"left out: {here.closed}", width, Tone.CAUTION, indent="     ")
        if step.caution:
            yield from _text(step.caution, width, Tone.CAUTION, indent="     ")
    yield from _text(MINE if mine else PUBLISHED, width, Tone.QUIET)
    yield ()
    yield from _fact("then", program.stretch, width)
    for place in program.avoid:
        yield from _fact("avoid", f"{place.title}: {place.why}", width, Tone.CAUTION)
    for caution in program.cautions:
        yield from _fact("note", caution, width)
    yield from _fact("sources", ", ".join(program.sources), width, Tone.QUIET)


def _step_cells(width: int) -> int:
    return max(8, width - 27)


def _step(number: int, step: Step, width: int, mine: Mine | None) -> str:
    low, high = step.band_kpa
    band = f"{low:.0f}-{high:.0f}" if mine is None else mine.band or "-"
    times = f"{step.seconds:.0f} s" + (f" x {step.repeats}" if step.repeats > 1 else "")
    rest = f"{step.rest_s:.0f} s" if step.rest_s else "-"
    room = _step_cells(width)
    title = words.plain(f"{number} {step.title}", 60)
    return f" {title[:room]:<{room}} {band:>7} {times:>9} {rest:>5}"


def _course(course: Course, width: int) -> Iterator[Row]:
    yield from _head(course.title, width)
    yield from _text(course.about, width)
    yield ()
    for stage in course.stages:
        span = "from then on" if stage.weeks is None else f"{stage.weeks} weeks"
        yield from _fact(span, f"{stage.days} days a week: {', '.join(stage.programs)}", width)
    yield ()
    for caution in course.cautions:
        yield from _fact("note", caution, width)
    yield from _fact("sources", ", ".join(course.sources), width, Tone.QUIET)


def _notes(notes: Sequence[str], width: int) -> Iterator[Row]:
    if notes:
        yield ()
    for note in notes:
        yield from _text(note, width, Tone.STRONG)


def _origin(entry: Entry, width: int) -> Iterator[Row]:
    told = "came with knead" if entry.origin == "bundled" else f"yours: {entry.path}"
    yield from _fact("file", f"{entry.key}; {told}", width, Tone.QUIET)


def _head(text: str, width: int) -> Iterator[Row]:
    return _text(text, width, Tone.STRONG)


def _text(text: str, width: int, tone: Tone = Tone.PLAIN, indent: str = " ") -> Iterator[Row]:
    for line in textwrap.wrap(words.plain(text, 1000), max(20, width - len(indent) - 1)):
        yield ((f"{indent}{line}", tone),)


def _fact(name: str, text: str, width: int, tone: Tone = Tone.PLAIN) -> Iterator[Row]:
    lead = max(_NAME, len(name) + 1)
    for at, line in enumerate(textwrap.wrap(words.plain(text, 1000), max(20, width - lead - 2))):
        yield ((f" {name if at == 0 else '':<{lead}}", Tone.QUIET), (line, tone))
