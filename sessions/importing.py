"""Sessions from elsewhere: another library or its backup, our own CSV, force over time as other apps write it.

The file is only read. A session the log has already is recognised, by its id or by its scans, and left as it is. Each
session comes in whole, or not at all; one that cannot be read does not keep the others out.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, insert, select

from sessions import reading
from sessions.backup import unpacked
from sessions.batches import join
from sessions.csvimport import HINT, is_own, read_csv
from sessions.database import Database
from sessions.errors import ImportedError, SessionError, StoreTooNewError, UnreadableError
from sessions.home import NAME
from sessions.incoming import Incoming, put, twin
from sessions.people import carry_people
from sessions.progressor import Setting, facts_of, read_progressor
from sessions.record import opened_of
from sessions.replacing import directory_beside
from sessions.schema import CHUNK, EVENT, PERSON, REGION, SESSION
from sessions.session import widened
from sessions.sidefiles import copy_of
from sessions.store import Store
from sessions.writer import device_key, key_of

SQLITE = b"SQLite format 3\0"
ZIP = b"PK\x03\x04"
ZIP_BYTES = 256 << 20  # unpacked, of one file in an archive
ZIP_FILES = 1000
LINE = 4096  # of the first line of a text
DELIMITERS = ",;\t"


@dataclass(slots=True)
class Imported:
    """What became of each session of a file."""

    added: list[str] = field(default_factory=list)  # ids
    known: list[str] = field(default_factory=list)  # ids of those the log had
    refused: list[str] = field(default_factory=list)  # why, one line each
    people: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of whom which columns came along


def import_file(source: Path, database: Path, setting: Setting) -> Imported:
    """Add what `source` holds to the log at `database`. ImportedError where it is nothing of the kind."""
    kind = _beginning(source)
    if kind[:16] == SQLITE:
        with directory_beside(database) as beside:
            return _library(copy_of(source, beside), source, database)
    if kind[: len(NAME)] == NAME.encode():
        with directory_beside(database) as beside, unpacked(source, beside) as copy:
            return _library(copy, source, database)
    if kind[:4] == ZIP:
        return _take_in(_zipped(source, setting), database)
    return _take_in(_text(source, kind, setting), database)


def _beginning(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            found = file.read(LINE)
    except OSError as error:
        raise ImportedError(f"{source} cannot be read: {error.strerror or error}.", "Check its name.") from error
    if not found.strip():
        raise ImportedError(f"{source} is empty. Nothing was imported.", HINT)
    return found


def _take_in(sessions: Iterator[Incoming], database: Path) -> Imported:
    told = Imported()
    with closing(Database(database)) as log:
        for given in sessions:
            with log.writing() as connection:
                found = twin(connection, given)
                if found is None:
                    put(connection, given)
            (told.added if found is None else told.known).append(found or given.id)
    return told


# --- text ---


def _text(source: Path, beginning: bytes, setting: Setting) -> Iterator[Incoming]:
    if b"\0" in beginning:
        raise ImportedError(f"{source} is no text, no library and no backup. Nothing was imported.", HINT)
    first = beginning.decode("utf-8-sig", "replace").splitlines()[0]
    delimiter = max(DELIMITERS, key=first.count)
    with source.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        if is_own([cell.strip().strip('"') for cell in first.split(delimiter)]):
            yield from list(read_csv(file, delimiter, source.name, setting.started_at))
        else:
            yield read_progressor(file, _delimiter(file), source.name, setting, {})


def _delimiter(file: TextIO) -> str:
    """What separates the columns of a text that begins with anything."""
    head = [file.readline(LINE) for _ in range(20)]
    file.seek(0)
    return max(DELIMITERS, key=lambda sign: sum(sign in line for line in head))


def _zipped(source: Path, setting: Setting) -> Iterator[Incoming]:
    """`info.csv` and `data_set_N.csv` of one session."""
    try:
        with zipfile.ZipFile(source) as archive:
            names = [entry.filename for entry in archive.infolist()[:ZIP_FILES] if entry.filename.endswith(".csv")]
            infos = [name for name in names if name.rsplit("/", 1)[-1] == "info.csv"]
            with _member(archive, infos[0]) if infos else io.StringIO() as file:
                facts: Mapping[str, str] = facts_of(file)
            for name in sorted(set(names) - set(infos)):
                with _member(archive, name) as file:
                    delimiter = _delimiter(file)
                    yield read_progressor(file, delimiter, f"{source.name}: {name}", setting, facts)
            if set(names) <= set(infos):
                raise ImportedError(f"{source} has no table of samples. Nothing was imported.", HINT)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise ImportedError(f"{source} cannot be unpacked: {error}. Nothing was imported.", HINT) from error


def _member(archive: zipfile.ZipFile, name: str) -> TextIO:
    with archive.open(name) as packed:
        data = packed.read(ZIP_BYTES + 1)
    if len(data) > ZIP_BYTES:
        raise ImportedError(f"{name} is too large. Nothing was imported.", HINT)
    return io.StringIO(data.decode("utf-8-sig", "replace"), newline="")


# --- another library ---


def _library(copy: Path, source: Path, database: Path) -> Imported:
    told = Imported()
    with _as_library(copy, source) as other, closing(Database(database)) as log:
        with other.reading() as connection:
            keys = connection.execute(select(SESSION.c.id, SESSION.c.uuid).order_by(SESSION.c.started_us)).all()
        for _, name in keys:
            try:
                with other.reading() as theirs, log.writing() as ours:
                    found = _carry(theirs, ours, name)
                (told.added if found is None else told.known).append(found or name)
            except UnreadableError as error:
                told.refused.append(str(error))
        with other.reading() as theirs, log.writing() as ours:
            told.people |= carry_people(theirs, ours)
    return told


@contextmanager
def _as_library(copy: Path, source: Path) -> Iterator[Database]:
    try:
        Store(copy).close()  # completes what was being recorded
        database = Database(copy)
    except StoreTooNewError:
        raise
    except SessionError as error:
        said = str(error).replace(str(copy), str(source))
        raise ImportedError(f"{said} Nothing was imported.", error.hint) from error
    with closing(database):
        yield database


def _carry(theirs: Connection, ours: Connection, name: str) -> str | None:
    """Copy one session row by row; the id of the one that is the same, where there is one."""
    found = reading.find(theirs, name, reading.WHOLE)
    parts = reading.parts(theirs, found)
    reading.events(theirs, found)  # all of it can be read, or it stays out
    whole = join(widened(parts)) if parts else None
    same = twin(ours, Incoming(name, opened_of(found), found["unit"] or "", whole, ()))
    if same is not None:
        return same
    mine = select(*SESSION.columns).where(SESSION.c.uuid == name)
    row = dict(theirs.execute(mine).mappings().one())
    their_key = row.pop("id")
    row["person_id"] = key_of(ours, PERSON, {"name": found["person"]})
    row["device_id"] = device_key(ours, found["profile"])
    ours.execute(insert(SESSION).values(row))
    key = ours.execute(select(SESSION.c.id).where(SESSION.c.uuid == name)).scalar_one()
    for table in (REGION, CHUNK, EVENT):
        rows = theirs.execute(select(table).where(table.c.session_id == their_key)).mappings()
        if copied := [{**each, "session_id": key} for each in rows]:
            ours.execute(insert(table), copied)
    return None
