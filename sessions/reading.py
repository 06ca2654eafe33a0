"""One session, read from the tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, func, select

from sessions.batches import Part
from sessions.codec import decode
from sessions.errors import NotFoundError, UnreadableError
from sessions.events import NO_FIELDS, Action
from sessions.record import (
    TOTALS,
    EventRow,
    Kept,
    after_of,
    event_of,
    in_order,
    number,
    region_of,
    started_at,
    totals_of,
)
from sessions.schema import CHUNK, DEVICE, EVENT, PERSON, REGION, SESSION
from sessions.session import SessionRow, Told

LAST = "last"
LIST_HINT = "`knead sessions list` shows all."

Found = Mapping[Any, Any]

_TABLES = ("profile", "smoothing", "context", "routine")
_LONG = (*_TABLES, "software")  # not read for a list
LINE = (
    *(column for column in SESSION.columns if column.name not in _LONG),
    PERSON.c.name.label("person"),
    func.coalesce(func.nullif(DEVICE.c.serial, ""), func.nullif(DEVICE.c.model, ""), DEVICE.c.kind).label("device"),
)
WHOLE = (*LINE, *(SESSION.c[name] for name in _LONG))
TABLES = SESSION.join(PERSON).join(DEVICE)


def newest_first(columns: Sequence[Any]) -> Select[Any]:
    """All sessions with their person and device."""
    return select(*columns).select_from(TABLES).order_by(SESSION.c.started_us.desc(), SESSION.c.id.desc())


def find(connection: Connection, session: str, columns: Sequence[Any] = LINE) -> Found:
    """The row of the session with this id, or the beginning of one, or "last". NotFoundError.

    UnreadableError where what it was judged by is none.
    """
    statement = newest_first(columns)
    if session == LAST:
        found = connection.execute(statement.limit(1)).mappings().all()
    elif re.fullmatch(r"[0-9a-fA-F-]{1,36}", session):
        start = session.lower()
        named = statement.where(SESSION.c.uuid >= start, SESSION.c.uuid < start + "g")  # "g" follows all hex digits
        found = connection.execute(named.limit(2)).mappings().all()
    else:
        found = []
    if not found:
        if session == LAST:
            raise NotFoundError("The log has no session yet.", "Try: knead demo")
        raise NotFoundError(f"No session {session!r} in the log.", LIST_HINT)
    if len(found) > 1:
        raise NotFoundError(f"More than one session begins with {session!r}.", "Give more of its id.")
    for name in _TABLES:
        told = found[0].get(name, NO_FIELDS)
        if not isinstance(told, Mapping) and not (name == "routine" and told is None):
            raise UnreadableError(
                f"The {name} of session {found[0]['uuid']} is damaged.", "Restore the log from a backup."
            )
    return found[0]


def session_row(connection: Connection, found: Found) -> SessionRow:
    """The line of a found session."""
    return SessionRow(
        id=found["uuid"],
        state=found["state"],
        started_at=started_at(found),
        duration_s=_duration_s(connection, found),
        person=found["person"],
        device=found["device"],
        region=found["region"],
        side=found["side"],
        tool=found["tool"],
        program=found["program"],
        simulated=found["simulated"],
        peak_kpa=found["peak_kpa"],
        peak_force_n=found["peak_force_n"],
        contact_s=found["contact_s"],
        pain_before=found["pain_before"],
        pain_after=found["pain_after"],
        alerts_by_level=_counts(found["alerts"]),
        scans=found["scans"],
        lost=found["lost"],
        end_cause=found["end_cause"],
        note=found["note"],
        tags=tuple(map(str, found["tags"])) if isinstance(found["tags"], list) else (),
    )


def _counts(told: object) -> dict[str, int]:
    """Numbers by name. One row that is damaged must not hide all the others of a list."""
    known = told if isinstance(told, dict) else {}
    return {str(name): count for name, count in known.items() if isinstance(count, int)}


def _duration_s(connection: Connection, found: Found) -> float:
    """The last journalled t_s; read from the rows themselves while the session is recorded."""
    if found["duration_s"] is not None:
        return float(found["duration_s"])
    ends = (
        select(func.max(CHUNK.c.to_s)).where(CHUNK.c.session_id == found["id"]),
        select(func.max(EVENT.c.t_s)).where(EVENT.c.session_id == found["id"]),
    )
    return max(float(connection.scalar(end) or 0.0) for end in ends)


def parts(connection: Connection, found: Found) -> Sequence[Part]:
    """Its scans, in the order they came. UnreadableError names a damaged chunk."""
    rows = connection.execute(
        select(CHUNK.c.seq, CHUNK.c.from_s, CHUNK.c.to_s, CHUNK.c.data)
        .where(CHUNK.c.session_id == found["id"])
        .order_by(CHUNK.c.seq)
    )
    return [
        decode(row.data, f"Chunk {row.seq} ({row.from_s:.1f} to {row.to_s:.1f} s) of session {found['uuid']}")
        for row in rows
    ]


def told(connection: Connection, found: Found) -> list[Told]:
    """Its alerts, notices and actions in the order they came. UnreadableError names a damaged one."""
    name = f"session {found['uuid']}"
    rows = [row for row in _event_rows(connection, found) if row.kind != TOTALS]
    return [Told(event_of(row, name), after_of(row)) for row in rows]


def end_s(connection: Connection, found: Found) -> float:
    """Time of its last totals; 0 where it has none."""
    last = select(func.max(EVENT.c.t_s)).where(EVENT.c.session_id == found["id"], EVENT.c.kind == TOTALS)
    return float(connection.scalar(last) or 0.0)


def events(connection: Connection, found: Found) -> list[Kept]:
    """Its events, in order. UnreadableError names a damaged one."""
    name = f"session {found['uuid']}"
    others: list[Kept] = []
    added: list[Kept] = []  # marks set afterwards
    tallies = []
    for row in _event_rows(connection, found):
        if row.kind == TOTALS:
            tallies.append(row)
        else:
            event = event_of(row, name)
            (added if isinstance(event, Action) and event.fields.get("added") is True else others).append(event)
    totals = totals_of(tallies, name)
    exact = connection.execute(
        select(*REGION.columns).where(REGION.c.session_id == found["id"]).order_by(REGION.c.place)
    ).mappings()
    regions = tuple(region_of(row) for row in exact)
    if totals and regions:  # the rows hold thousandths, the summary all of it
        totals[-1] = replace(totals[-1], contact_s=number(found["contact_s"]), regions=regions)
    for mark in sorted(added, key=lambda mark: mark.t_s or 0.0):
        later = (place for place, other in enumerate(others) if (other.t_s or 0.0) > (mark.t_s or 0.0))
        others.insert(next(later, len(others)), mark)
    return in_order(others, totals)


def _event_rows(connection: Connection, found: Found) -> list[EventRow]:
    rows = connection.execute(
        select(*(EVENT.c[name] for name in EventRow._fields))
        .where(EVENT.c.session_id == found["id"])
        .order_by(EVENT.c.seq)
    )
    return [EventRow(*row) for row in rows]
