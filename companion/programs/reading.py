"""From the text of a file to a program or a plan. Every complaint is one line that names the file and the step."""

from collections.abc import Mapping
from dataclasses import dataclass

from companion.errors import ConfigError
from companion.programs.program import (
    CHOSEN,
    REPEATS_MAX,
    REST_MAX,
    SECONDS_MAX,
    SIDES,
    TECHNIQUES,
    Avoided,
    Course,
    Program,
    Stage,
    Step,
)
from companion.safety.limits import regions, table, tools
from companion.safety.rows import read_toml
from companion.safety.sites import avoided, sites
from companion.safety.table import Reader

STEPS_MAX = 60
STAGES_MAX = 20
WEEKS_MAX = 52
TITLE_MAX = 60
TEXT_MAX = 400  # a cue is spoken: longer is no cue
BAND_RANGE = (0.0, 1000.0)  # what a number may be at all; what it should be is checked against the limits

PROGRAM_KEYS = frozenset(
    ("title", "about", "position", "technique", "tool", "stretch", "cautions", "avoid", "sources", "steps")
)
STEP_KEYS = frozenset(
    (
        *("title", "site", "region", "side", "tool", "technique", "band_kpa", "seconds", "repeats", "rest_s"),
        *("cue", "note", "caution", "sources"),
    )
)
COURSE_KEYS = frozenset(("title", "about", "cautions", "sources", "weeks"))
STAGE_KEYS = frozenset(("weeks", "days", "programs"))


@dataclass(frozen=True, slots=True)
class Include:
    """In a step's place: all steps of another program."""

    key: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A program whose includes are not filled in yet."""

    program: Program  # without steps
    rows: tuple[Step | Include, ...]


def read_file(text: str, name: str, key: str, origin: str, path: str) -> Draft | Course:
    """`name` is the file in messages. Raises ConfigError."""
    try:
        root = read_toml(text, name)
    except RecursionError as error:
        raise ConfigError(f"{name}: nested too deep") from error
    names = root.row_keys()
    if "weeks" in names and "steps" not in names:
        return _course(root, key, origin, path)
    return _program(root, key, origin, path)


def step_place(number: int, title: object) -> str:
    """How a step is named in messages."""
    told = f" ({title})" if isinstance(title, str) and title and title.isprintable() and len(title) <= TITLE_MAX else ""
    return f"step {number}{told}"


def _program(root: Reader, key: str, origin: str, path: str) -> Draft:
    root.allow(PROGRAM_KEYS)
    tool = _one_of(root, "tool", tools(), "hard")
    rows = _rows(root, "steps", STEPS_MAX)
    if not rows:
        raise root.fail("steps is missing: a program has at least one [[steps]]")
    program = Program(
        key=key,
        title=_text(root, "title", longest=TITLE_MAX),
        about=_text(root, "about", ""),
        position=_text(root, "position", ""),
        technique=_text(root, "technique", ""),
        tool=tool,
        steps=(),
        stretch=_text(root, "stretch", ""),
        cautions=_texts(root, "cautions"),
        avoid=_avoid(root),
        sources=_sources(root),
        origin=origin,
        path=path,
    )
    steps = tuple(_step(root, number, row, tool) for number, row in enumerate(rows, start=1))
    return Draft(program, steps)


def _step(root: Reader, number: int, given: object, tool: str) -> Step | Include:
    title = given.get("title") if isinstance(given, Mapping) else None
    row = Reader(f"{root.where}: {step_place(number, title)}", given)
    if "include" in row.row_keys():
        row.allow(frozenset(("include",)))
        return Include(row.text("include"))
    row.allow(STEP_KEYS)
    site = _site(row)
    region = _one_of(row, "region", regions(), sites()[site].region)
    if region != sites()[site].region:
        raise row.fail(f"region = {region}, but {site} lies in {sites()[site].region}")
    return Step(
        title=_text(row, "title", longest=TITLE_MAX),
        site=site,
        region=region,
        side=_one_of(row, "side", SIDES, CHOSEN if regions()[region].sided else "both"),
        tool=_one_of(row, "tool", tools(), tool),
        technique=_one_of(row, "technique", TECHNIQUES),
        band_kpa=row.pair("band_kpa", BAND_RANGE),
        seconds=row.number("seconds", (1.0, SECONDS_MAX)),
        repeats=_whole(row, "repeats", (1, REPEATS_MAX), 1),
        rest_s=row.number("rest_s", (0.0, REST_MAX)) if "rest_s" in row.row_keys() else 0.0,
        cue=_text(row, "cue"),
        note=_text(row, "note", ""),
        caution=_text(row, "caution", ""),
        sources=_sources(row),
    )


def _site(row: Reader) -> str:
    site = row.text("site")
    if site in avoided():
        raise row.fail(f"site = {site}: left alone: {avoided()[site].why}")
    return _one_of(row, "site", sites())


def _course(root: Reader, key: str, origin: str, path: str) -> Course:
    root.allow(COURSE_KEYS)
    stages = []
    for number, given in enumerate(_rows(root, "weeks", STAGES_MAX), start=1):
        row = Reader(f"{root.where}: weeks {number}", given)
        row.allow(STAGE_KEYS)
        weeks = _whole(row, "weeks", (1, WEEKS_MAX), 1) if "weeks" in row.row_keys() else None
        programs = row.texts("programs")
        if not programs:
            raise row.fail("programs is missing: name at least one")
        stages.append(Stage(weeks, _whole(row, "days", (1, 7)), programs))
    if not stages:
        raise root.fail("weeks is missing: a plan has at least one [[weeks]]")
    if any(stage.weeks is None for stage in stages[:-1]):
        raise root.fail("only the last [[weeks]] may leave out how many weeks it lasts")
    return Course(
        key=key,
        title=_text(root, "title", longest=TITLE_MAX),
        about=_text(root, "about", ""),
        stages=tuple(stages),
        cautions=_texts(root, "cautions"),
        sources=_sources(root),
        origin=origin,
        path=path,
    )


# --- values ---


def _rows(root: Reader, key: str, most: int) -> list[object]:
    if key not in root.row_keys():
        return []
    rows = root.value(key)
    if not isinstance(rows, list):
        raise root.fail(f"{key} must be tables: write [[{key}]]")
    if len(rows) > most:
        raise root.fail(f"{len(rows)} {key}; allowed are up to {most}")
    return list(rows)


def _text(row: Reader, key: str, default: str | None = None, longest: int = TEXT_MAX) -> str:
    text = " ".join(row.text(key, default).split())
    if not text.isprintable():
        raise row.fail(f"{key} has characters that do not print")
    if len(text) > longest:
        raise row.fail(f"{key} has {len(text)} characters; allowed are {longest}")
    return text


def _texts(row: Reader, key: str) -> tuple[str, ...]:
    texts = tuple(" ".join(text.split()) for text in row.texts(key))
    if not all(text.isprintable() and len(text) <= TEXT_MAX for text in texts):
        raise row.fail(f"{key} has a text that does not print, or is longer than {TEXT_MAX}")
    return texts


def _sources(row: Reader) -> tuple[str, ...]:
    """Codes of limits.toml, guides, or any words of the user's own; a code that is not there is a slip."""
    found = _texts(row, "sources")
    for code in found:
        if code[:1] in "FM" and code[1:2].isdigit() and code not in table().sources:
            raise row.fail(f"sources names {code}, which is not in the sources of limits.toml")
    return found


def _avoid(root: Reader) -> tuple[Avoided, ...]:
    keys = root.texts("avoid")
    for key in keys:
        if key not in avoided():
            raise root.fail(f"avoid names {key}; allowed: {', '.join(avoided())}")
    return tuple(Avoided(key, avoided()[key].title, avoided()[key].why) for key in keys)


def _one_of(row: Reader, key: str, known: Mapping[str, object] | tuple[str, ...], default: str | None = None) -> str:
    value = row.text(key, default)
    if value not in known:
        shown = value if value.isprintable() and len(value) <= TITLE_MAX else "?"
        raise row.fail(f"{key} = {shown} is not known; allowed: {', '.join(known)}")
    return value


def _whole(row: Reader, key: str, allowed: tuple[int, int], default: int | None = None) -> int:
    if default is not None and key not in row.row_keys():
        return default
    value = row.number(key, allowed)
    if value != int(value):
        raise row.fail(f"{key} = {value:g}; allowed is a whole number of {allowed[0]} to {allowed[1]}")
    return int(value)
