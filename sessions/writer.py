"""One session's rows on their way into the file: the journal's SQL. Used from one thread."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from sessions.completion import complete
from sessions.database import Database
from sessions.draft import ChunkRow, Pending
from sessions.events import Closed, Totals
from sessions.lock import RecordingLock
from sessions.record import EventRow, text
from sessions.schema import CHUNK, DEVICE, EVENT, PERSON, SESSION

BUSY_S = 1.0  # a commit is retried anyway; meanwhile the queue is to be drained
CACHE_KB = 256  # rows are only put at the end: with more, memory would grow for hours until the cache is full


class SessionWriter:
    """Writes one session into one log; makes both where they are missing. All calls raise SessionError."""

    def __init__(self, path: Path, session: str) -> None:
        self._path = path
        self._session = session
        self._lock = RecordingLock(path, session)
        self._database: Database | None = None
        self._key: int | None = None  # of the session row

    @property
    def begun(self) -> bool:
        """Whether the file has the session."""
        return self._key is not None

    def moved(self) -> tuple[tuple[ChunkRow, ...], tuple[EventRow, ...]] | None:
        """None while the path leads to the open file. Else all rows written so far, to be written again.

        Somebody deleted or replaced the log: the open file still has them, though nobody can find it.
        SessionError where it cannot be read: then they are gone.
        """
        if self._database is None or not self._database.replaced():
            return None
        database, key = self._database, self._key
        self._database, self._key = None, None
        self._lock.close()
        try:
            return _rows(database, key)
        finally:
            database.close()

    def write(self, pending: Pending) -> None:
        """One commit. All of it is on disk when this returns, or nothing."""
        database = self._open()
        with database.writing() as connection:
            key = self._session_key(connection, pending.session)
            if pending.unit is not None:
                connection.execute(update(SESSION).where(SESSION.c.id == key).values(unit=text(pending.unit)))
            _put(connection, CHUNK, [{"session_id": key, **row._asdict()} for row in pending.chunks])
            _put(connection, EVENT, [{"session_id": key, **row._asdict()} for row in pending.events])
        self._key = key

    def complete(self, totals: Totals | None, closed: Closed | None) -> None:
        """The session is over: merge its chunks and sum it up, in one transaction."""
        database = self._open()
        assert self._key is not None
        try:
            with database.writing() as connection:
                complete(connection, self._key, "complete", totals, closed)
        finally:
            database.tidy()  # after a failure too: on a full disk an emptied side file is the room for the next try

    def close(self) -> None:
        """Let go of file and lock. What is not complete by now, the next who opens the log recovers."""
        if self._database is not None:
            self._database.close()
        self._lock.close()

    def _open(self) -> Database:
        if self._database is None:
            self._database = Database(self._path, BUSY_S, CACHE_KB)
            self._lock.take()  # before there is a session others might think abandoned
        return self._database

    def _session_key(self, connection: Connection, columns: Mapping[str, Any]) -> int:
        if self._key is not None:
            return self._key
        mine = select(SESSION.c.id).where(SESSION.c.uuid == self._session)
        if connection.scalar(mine) is None:
            row = {"uuid": self._session, "state": "recording", **columns}
            row["person_id"] = key_of(connection, PERSON, {"name": row.pop("person")})
            row["device_id"] = device_key(connection, row["profile"])
            connection.execute(insert(SESSION).values(row))
        return int(connection.execute(mine).scalar_one())


def _rows(database: Database, key: int | None) -> tuple[tuple[ChunkRow, ...], tuple[EventRow, ...]]:
    with database.reading() as connection:
        chunks = select(*(CHUNK.c[name] for name in ChunkRow._fields)).where(CHUNK.c.session_id == key)
        events = select(*(EVENT.c[name] for name in EventRow._fields)).where(EVENT.c.session_id == key)
        return (
            tuple(ChunkRow(*row) for row in connection.execute(chunks)),
            tuple(EventRow(*row) for row in connection.execute(events)),
        )


def device_key(connection: Connection, profile: Mapping[str, Any]) -> int:
    names = {name: text(profile.get(name) or "") for name in ("kind", "serial", "model")}
    key = key_of(connection, DEVICE, names, profile=profile)
    connection.execute(update(DEVICE).where(DEVICE.c.id == key).values(profile=profile))
    return key


def key_of(connection: Connection, table: Table, unique: Mapping[str, Any], **others: Any) -> int:
    """The key of the row with these columns, made where it is missing."""
    connection.execute(upsert(table).values(**unique, **others).on_conflict_do_nothing())
    found = select(table.c.id).where(*(table.c[name] == value for name, value in unique.items()))
    return int(connection.execute(found).scalar_one())


def _put(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, or replace those of the same session and seq."""
    if not rows:
        return
    statement = upsert(table)
    fresh = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    connection.execute(
        statement.on_conflict_do_update(index_elements=[table.c.session_id, table.c.seq], set_=fresh), rows
    )
