"""All programs there are: those this version comes with, and the user's own. What is broken is listed, with the reason.

A user's file takes the name of a bundled one: then it stands for it, broken or not.
"""

import dataclasses
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from companion.errors import ConfigError
from companion.plaintext import plain
from companion.programs.checking import faults
from companion.programs.program import Course, Program, Step
from companion.programs.reading import STEPS_MAX, Draft, read_file, step_place

BUNDLED, YOURS = "bundled", "yours"
BYTES_MAX = 1 << 18  # far beyond any program
FILES_MAX = 500
NAME_MAX = 60
FAULT_MAX = 500
HINT = "knead programs check says what is wrong"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file. `item` is None where it is broken, and then `fault` says why, in one line with file and step."""

    key: str
    origin: str
    path: str
    item: Program | Course | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Library:
    entries: Mapping[str, Entry]

    def program(self, name: str) -> Program:
        """Raises ConfigError: there is none, it is broken, or it is a plan."""
        entry = self._entry(name)
        if isinstance(entry.item, Course):
            first = entry.item.stages[0].programs[0]
            raise ConfigError(f"{entry.key} is a plan over weeks", f"run one of its programs: --program {first}")
        assert entry.item is not None
        return entry.item

    def item(self, name: str) -> Program | Course:
        """Raises ConfigError: there is none, or it is broken."""
        found = self._entry(name).item
        assert found is not None
        return found

    def programs(self) -> list[Program]:
        return [entry.item for entry in self.entries.values() if isinstance(entry.item, Program)]

    def courses(self) -> list[Course]:
        return [entry.item for entry in self.entries.values() if isinstance(entry.item, Course)]

    def broken(self) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.item is None]

    def _entry(self, name: str) -> Entry:
        entry = self.entries.get(key_of(name))
        if entry is None:
            from difflib import get_close_matches

            near = get_close_matches(key_of(name), self.entries, n=1)
            shown = name if name.isprintable() and len(name) <= NAME_MAX else "?"
            hint = f"is {near[0]} meant? knead programs list shows all" if near else "knead programs list shows all"
            raise ConfigError(f"there is no program {shown}", hint)
        if entry.item is None:
            raise ConfigError(f"this program is broken, and not run: {entry.fault}", HINT)
        return entry


def key_of(name: str) -> str:
    """As a program is called: `gluteus_medius` is `gluteus-medius`."""
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def load_library(own: Path | None) -> Library:
    """`own`: the user's folder, which need not be there. Never raises."""
    drafts = dict(_bundled())
    drafts |= _of_folder(own) if own is not None else {}
    return Library({key: _finished(key, drafts) for key in sorted(drafts, key=lambda key: _order(drafts[key]))})


def check_file(path: Path, own: Path | None) -> Entry:
    """One file that need not lie in the folder; it may include what the library has."""
    drafts = dict(_bundled())
    drafts |= _of_folder(own) if own is not None else {}
    key = key_of(path.stem)
    drafts[key] = _read(path, YOURS)
    return _finished(key, drafts)


_Found = Entry | Draft | Course


def _order(found: _Found) -> tuple[bool, bool, str]:
    """The bundled ones first, plans after programs."""
    if isinstance(found, Draft):
        return found.program.origin != BUNDLED, False, found.program.key
    return found.origin != BUNDLED, isinstance(found, Course), found.key


@cache
def _bundled() -> Mapping[str, _Found]:
    found: dict[str, _Found] = {}
    for file in sorted(files(__package__ or "companion.programs").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            key = key_of(file.name.removesuffix(".toml"))
            try:
                found[key] = read_file(file.read_text(encoding="utf-8"), file.name, key, BUNDLED, file.name)
            except ConfigError as error:
                found[key] = Entry(key, BUNDLED, file.name, None, _line(error))
    return found


def _of_folder(folder: Path) -> dict[str, _Found]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".toml")[:FILES_MAX]
    except OSError:  # none of one's own
        return {}
    return {key_of(path.stem): _read(path, YOURS) for path in paths}


def _read(path: Path, origin: str) -> _Found:
    key = key_of(path.stem)
    name = path.name if path.name.isprintable() and len(path.name) <= NAME_MAX else "a file whose name does not print"
    if not key or not key.isprintable() or len(key) > NAME_MAX:
        return Entry(
            "unnamed", origin, name, None, f"{name}: its name must print, and have up to {NAME_MAX} characters"
        )
    try:
        return read_file(_text_of(path, name), name, key, origin, str(path))
    except ConfigError as error:
        return Entry(key, origin, str(path), None, _line(error))


def _text_of(path: Path, name: str) -> str:
    """A plain file: a pipe could keep us waiting for ever. Raises ConfigError."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{name}: it is no file")
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"{name}: it cannot be read: {error.strerror or error}") from error
    if len(data) > BYTES_MAX:
        raise ConfigError(f"{name}: it is longer than {BYTES_MAX >> 10} KiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: it is no UTF-8 text") from error


def _line(error: ConfigError) -> str:
    """Whatever a file's own words do: one line that prints."""
    return plain(str(error), FAULT_MAX)


# --- includes, and what the limits say ---


def _finished(key: str, drafts: Mapping[str, _Found]) -> Entry:
    found = drafts[key]
    if isinstance(found, Entry):
        return found
    path = found.path if isinstance(found, Course) else found.program.path
    origin = found.origin if isinstance(found, Course) else found.program.origin
    name = Path(path).name
    try:
        if isinstance(found, Course):
            _check_course(found, drafts, name)
            return Entry(key, origin, path, found)
        program = dataclasses.replace(found.program, steps=_steps(found, drafts, name, (key,)))
        _check(program, name)
    except ConfigError as error:
        return Entry(key, origin, path, None, _line(error))
    return Entry(key, origin, path, program)


def _check(program: Program, name: str) -> None:
    for finding in faults(program):
        where = name
        if finding.step is not None:
            where += f": {step_place(finding.step, program.steps[finding.step - 1].title)}"
        raise ConfigError(f"{where}: {finding.reason}")


def _steps(draft: Draft, drafts: Mapping[str, _Found], name: str, path: tuple[str, ...]) -> tuple[Step, ...]:
    """All steps, those of other programs in their places. Raises ConfigError."""
    steps: list[Step] = []
    for number, row in enumerate(draft.rows, start=1):
        if isinstance(row, Step):
            steps.append(row)
            continue
        key = key_of(row.key)
        where = f"{name}: {step_place(number, None)}"
        if key in path:
            raise ConfigError(f"{where}: include goes round in a circle: {' > '.join((*path, key))}")
        other = drafts.get(key)
        if not isinstance(other, Draft):
            what = {Entry: "is broken", Course: "is a plan, not a program"}.get(type(other), "is not there")
            raise ConfigError(f"{where}: include = {key}, which {what}")
        steps += _steps(other, drafts, name, (*path, key))
        if len(steps) > STEPS_MAX:
            raise ConfigError(f"{where}: more than {STEPS_MAX} steps with all that is included")
    return tuple(steps)


def _check_course(course: Course, drafts: Mapping[str, _Found], name: str) -> None:
    for number, stage in enumerate(course.stages, start=1):
        for given in stage.programs:
            where = f"{name}: weeks {number}"
            key = key_of(given)
            if key == course.key:
                raise ConfigError(f"{where}: programs goes round in a circle: {key} > {key}")
            other = drafts.get(key)
            if isinstance(other, Course):
                raise ConfigError(f"{where}: programs names {key}, which is a plan, not a program")
            if other is None or _finished(key, drafts).item is None:
                what = "is not there" if other is None else "is broken"
                raise ConfigError(f"{where}: programs names {key}, which {what}")
