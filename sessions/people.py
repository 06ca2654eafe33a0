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


def carry_people(theirs: Connection, ours: Connection) -> dict[str, tuple[str, ...]]:
    """What another log keeps of each person, where ours keeps nothing; which columns of whom.

    What ours keeps stays, but for lists (of locked regions), which grow: of two logs the more careful one is right.
    """
    carried: dict[str, tuple[str, ...]] = {}
    for name in map(text, theirs.scalars(select(PERSON.c.name).order_by(PERSON.c.id)).all()):
        found, mine = _kept(theirs, name), _kept(ours, name)
        fresh = {column: _joined(mine[column], found[column]) for column in COLUMNS}
        if fresh == mine:
            continue
        carried[name] = tuple(column for column in COLUMNS if fresh[column] != mine[column])
        ours.execute(upsert(PERSON).values(name=name).on_conflict_do_nothing())
        ours.execute(update(PERSON).where(PERSON.c.name == name).values(fresh))
        key = ours.scalar(select(PERSON.c.id).where(PERSON.c.name == name))
        columns = ("at_us", "kind", "fields")
        listed = select(*(PERSON_CHANGE.c[column] for column in columns)).join(PERSON).where(PERSON.c.name == name)
        rows = theirs.execute(listed.order_by(PERSON_CHANGE.c.id)).mappings()
        known = {(row.at_us, row.kind) for row in ours.execute(listed)}
        if new := [{**row, "person_id": key} for row in rows if (row["at_us"], row["kind"]) not in known]:
            ours.execute(insert(PERSON_CHANGE), new)
    return carried


def _joined(mine: Fields, found: object) -> Fields:
    """`found` is of a file anybody may have written."""
    if not isinstance(found, Mapping):
        return mine
    found = plain_fields(found)
    if not mine:
        return found
    grown: dict[str, Any] = dict(mine)
    for key, more in found.items():
        held = mine.get(key)
        if isinstance(held, list) and isinstance(more, list):
            grown[key] = [*held, *(item for item in more if item not in held)]
    return grown


def _kept(connection: Connection, name: str) -> Kept:
    statement = select(*(PERSON.c[column] for column in COLUMNS)).where(PERSON.c.name == text(name))
    row = connection.execute(statement).mappings().first()
    return {column: {} if row is None else (row[column] or {}) for column in COLUMNS}


def _require_idle(connection: Connection) -> None:
    found = connection.scalar(select(SESSION.c.uuid).where(SESSION.c.state == "recording"))
    if found is not None:
        raise RecordingError(f"Session {found} is being recorded.", "End it first.")
