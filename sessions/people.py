"""What is kept of each person beside the sessions: three columns of JSON, and a list of every change to them.

What the columns mean is the matter of those who fill them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from sessions.database import Database
from sessions.errors import RecordingError
from sessions.events import Fields
from sessions.record import microseconds, plain_fields, text
from sessions.schema import PERSON, PERSON_CHANGE, SESSION

COLUMNS = ("screening", "limits", "locks")
Kept = Mapping[str, Fields]  # column -> what it holds; {} where nothing is known


@dataclass(frozen=True, slots=True)
class Change:
    """One change of what is kept."""

    at: datetime  # aware, UTC
    kind: str
    fields: Fields


class People:
    """The people of one log. All calls raise SessionError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self) -> list[str]:
        with self._database.reading() as connection:
            return list(connection.scalars(select(PERSON.c.name).order_by(PERSON.c.id)))

    def kept(self, name: str) -> Kept:
        """Of one nobody knows: nothing."""
        with self._database.reading() as connection:
            return _kept(connection, name)

    def change(
        self,
        name: str,
        at: datetime,
        kind: str,
        fields: Fields,
        make: Callable[[Kept], Kept],
        *,
        not_while_recording: bool = False,
    ) -> Kept:
        """Replace what is kept by what `make` makes of it, and add the change to the list: all of it, or nothing.

        What `make` raises leaves everything as it was. RecordingError where a session is being recorded and this is
        a change that must not be made meanwhile.
        """
        with self._database.writing() as connection:
            if not_while_recording:
                _require_idle(connection)
            fresh = make(_kept(connection, name))
            connection.execute(upsert(PERSON).values(name=text(name)).on_conflict_do_nothing())
            columns: dict[str, Any] = {column: plain_fields(fresh.get(column) or {}) for column in COLUMNS}
            connection.execute(update(PERSON).where(PERSON.c.name == text(name)).values(columns))
            key = connection.scalar(select(PERSON.c.id).where(PERSON.c.name == text(name)))
            row = {"person_id": key, "at_us": microseconds(at), "kind": text(kind), "fields": plain_fields(fields)}
            connection.execute(insert(PERSON_CHANGE).values(row))
            return _kept(connection, name)

    def changes(self, name: str) -> list[Change]:
        """The oldest first."""
        statement = (
            select(PERSON_CHANGE.c.at_us, PERSON_CHANGE.c.kind, PERSON_CHANGE.c.fields)
            .join(PERSON)
            .where(PERSON.c.name == text(name))
            .order_by(PERSON_CHANGE.c.id)
        )
        with self._database.reading() as connection:
            rows = connection.execute(statement).all()
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return [Change(epoch + timedelta(microseconds=row.at_us), row.kind, row.fields) for row in rows]


def _kept(connection: Connection, name: str) -> Kept:
    statement = select(*(PERSON.c[column] for column in COLUMNS)).where(PERSON.c.name == text(name))
    row = connection.execute(statement).mappings().first()
    return {column: {} if row is None else (row[column] or {}) for column in COLUMNS}


def _require_idle(connection: Connection) -> None:
    found = connection.scalar(select(SESSION.c.uuid).where(SESSION.c.state == "recording"))
    if found is not None:
        raise RecordingError(f"Session {found} is being recorded.", "End it first.")
