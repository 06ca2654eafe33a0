"""A damaged log: all that can still be read of it, row by row, in a new one. The damaged file is kept.

SQLite gives up on a whole query at the first damaged page. Here each table is asked for its row numbers, from an index
where that can be read, then for the rows in stretches that are halved until only what is damaged is left out.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import JSON, Table, func, select

from sessions.database import Database
from sessions.errors import UnreadableError
from sessions.home import NAME
from sessions.replacing import directory_beside, put_in_place, refuse_recording
from sessions.schema import CHUNK, METADATA, SESSION, require
from sessions.sidefiles import copy_of
from sessions.store import Store

ROWS_A_PAGE = 64  # more do not fit a page of ours; only asked where no index tells the row numbers
HINT = "Restore it from a backup."

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What became of a damaged log."""

    sessions: int  # there now
    lost: dict[str, int]  # table -> rows that could not be read
    short: list[str]  # ids of sessions some of whose samples are gone
    kept: Path | None  # where the damaged log lies


def is_sound(database: Path) -> bool:
    """Whether SQLite finds nothing wrong with the pages of a log."""
    try:
        with closing(Database(database)) as log, log.reading() as connection:
            return bool(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one() == "ok")
    except UnreadableError:
        return False


def salvage(database: Path) -> Salvaged:
    """Put what can be read of the log in its place. UnreadableError where there is no session left to read: the page
    that says where the sessions lie is gone.

    StoreBusyError while a session is recorded. Until the new log is whole, nothing is changed.
    """
    refuse_recording(database)
    with directory_beside(database) as beside:
        fresh = beside / f"fresh-{NAME}"
        old = copy_of(database, beside)
        Database(fresh).close()
        lost = _carry_all(old, fresh, database)
        Store(fresh).close()  # completes what a crash had left
        with closing(Database(fresh)) as log:
            sessions, short = _counted(log)
            log.tidy()
        if not sessions and lost:
            raise UnreadableError(f"No session can be read of the log {database}. Nothing was changed.", HINT)
        return Salvaged(sessions, lost, short if "chunk" in lost else [], put_in_place(fresh, database))


def _carry_all(old: Path, fresh: Path, database: Path) -> dict[str, int]:
    """Rows lost, by table. Those of a session that is lost go with it."""
    lost: dict[str, int] = {}
    with closing(sqlite3.connect(old)) as theirs, closing(sqlite3.connect(fresh)) as ours:
        try:
            require(int(theirs.execute("PRAGMA user_version").fetchone()[0]))
            pages = int(theirs.execute("PRAGMA page_count").fetchone()[0])
            theirs.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.DatabaseError as error:
            raise UnreadableError(f"Nothing can be read of the log {database}: {error}.", HINT) from error
        ours.execute("PRAGMA foreign_keys = ON")
        for table in METADATA.sorted_tables:
            taken = _Taken(theirs, table, pages * ROWS_A_PAGE)
            marks = ", ".join("?" * len(taken.columns))
            put = f"INSERT OR IGNORE INTO {table.name} ({', '.join(taken.columns)}) VALUES ({marks})"  # noqa: S608  # names of our own
            for row in taken.rows():
                if table is SESSION:
                    _stand_in(ours, dict(zip(taken.columns, row, strict=True)))
                try:
                    ours.execute(put, row)
                except sqlite3.IntegrityError:  # what it belongs to is gone
                    taken.lost += 1
            if taken.lost:
                lost[table.name] = taken.lost
        ours.commit()
    return lost


def _stand_in(ours: sqlite3.Connection, session: Mapping[str, object]) -> None:
    """A name for a person or a ball whose own row is gone, so that the session is not."""
    person, device = session.get("person_id"), session.get("device_id")
    ours.execute("INSERT OR IGNORE INTO person (id, name) VALUES (?, ?)", (person, f"person {person}"))
    ours.execute(
        "INSERT OR IGNORE INTO device (id, kind, serial, model, profile) VALUES (?, 'unknown', '', ?, ?)",
        (device, f"ball {device}", session.get("profile")),
    )


class _Taken:
    """The rows of one table that can be read."""

    def __init__(self, connection: sqlite3.Connection, table: Table, most: int) -> None:
        self._connection, self._name, self._most = connection, table.name, most
        self.lost = 0
        try:
            there = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
        except sqlite3.DatabaseError:
            there = set()
        known = [column for column in table.columns if column.name in there]
        self.columns = [column.name for column in known]
        self._documents = [place for place, column in enumerate(known) if isinstance(column.type, JSON)]

    def rows(self) -> Iterator[Row]:
        if self.columns:
            yield from self._stretch(self._numbers())

    def _numbers(self) -> Sequence[int]:
        """Of all rows; where that cannot be told, all there may be."""
        try:
            return [row[0] for row in self._connection.execute(f"SELECT rowid FROM {self._name}")]  # noqa: S608  # ours
        except sqlite3.DatabaseError:
            return range(1, self._most + 1)

    def _stretch(self, numbers: Sequence[int]) -> Iterator[Row]:
        if not numbers:
            return
        first, last = min(numbers[0], numbers[-1]), max(numbers[0], numbers[-1])
        wanted = f"SELECT {', '.join(self.columns)} FROM {self._name} WHERE rowid BETWEEN ? AND ?"  # noqa: S608  # ours
        try:
            found = self._connection.execute(wanted, (first, last)).fetchall()
        except (sqlite3.DatabaseError, OverflowError):
            if len(numbers) == 1:
                self.lost += not isinstance(numbers, range)
                return
            half = len(numbers) // 2
            yield from self._stretch(numbers[:half])
            yield from self._stretch(numbers[half:])
            return
        for row in found:
            if self._is_sound(row):
                yield row
            else:
                self.lost += 1

    def _is_sound(self, row: Row) -> bool:
        try:
            for place in self._documents:
                if (text := row[place]) is not None:
                    json.loads(str(text))
        except ValueError:
            return False
        return True


def _counted(log: Database) -> tuple[int, list[str]]:
    """Sessions, and the ids of those that have fewer scans than they are said to have."""
    taken = select(func.coalesce(func.sum(CHUNK.c.scans), 0)).where(CHUNK.c.session_id == SESSION.c.id)
    short = select(SESSION.c.uuid).where(SESSION.c.scans > taken.scalar_subquery()).order_by(SESSION.c.started_us)
    with log.reading() as connection:
        sessions = int(connection.execute(select(func.count()).select_from(SESSION)).scalar_one())
        return sessions, list(connection.scalars(short))
