"""What a review asks of the log beyond one session's rows: lists that are narrowed, trends, figures, late marks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, and_, func, insert, select

from sessions import inzone, reading
from sessions.about import About
from sessions.adherence import Guided
from sessions.database import Database
from sessions.digest import figures, forget, refresh
from sessions.events import Action, Json
from sessions.filters import ALL, Filter
from sessions.inzone import ZONE, Zones
from sessions.record import Kept, opened_of, row_of, text
from sessions.schema import EVENT, PERSON, REGION, SESSION
from sessions.search import counted, found, needs_words
from sessions.session import SessionRow
from sessions.trends import Visit, first_monday

ADDED = "added"  # the field of a mark that was set afterwards
MARK_MAX = 500  # signs
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Counted:
    """How many sessions fit a filter."""

    sessions: int
    simulated: int  # of these


def lines(database: Database, wanted: Filter, sort: str, limit: int | None, offset: int) -> list[SessionRow]:
    statement = found(wanted, sort).limit(limit).offset(offset)
    if needs_words(wanted):
        refresh(database)
    with database.reading() as connection:
        return [reading.session_row(connection, row) for row in connection.execute(statement).mappings()]


def count(database: Database, wanted: Filter = ALL) -> Counted:
    if needs_words(wanted):
        refresh(database)
    with database.reading() as connection:
        sessions, simulated = connection.execute(counted(wanted)).one()
    return Counted(sessions, simulated or 0)


def about(database: Database, session: str) -> About:
    refresh(database)
    with database.reading() as connection:
        row = reading.find(connection, session, reading.WHOLE)
        return About(
            reading.session_row(connection, row),
            opened_of(row),
            figures(connection, row["id"]),
            tuple(reading.events(connection, row)),
        )


def visits(database: Database, person: str, today: date, weeks: int, zones: Zones) -> list[Visit]:
    """What each of a person's ended real sessions of the last weeks gave each place."""
    inzone.refresh(database, zones)
    region, side = func.coalesce(REGION.c.region, SESSION.c.region), func.coalesce(REGION.c.side, SESSION.c.side)
    in_place = and_(ZONE.c.session_id == SESSION.c.id, ZONE.c.region == region, ZONE.c.side == side)
    # The day of a place is at most a day from that of Greenwich.
    since_us = ((first_monday(today, weeks) - date(1970, 1, 1)) - timedelta(days=1)) // timedelta(microseconds=1)
    statement = (
        select(
            SESSION.c.id,
            SESSION.c.started_us,
            SESSION.c.utc_offset_s,
            region,
            side,
            func.coalesce(REGION.c.contact_s, SESSION.c.contact_s),
            ZONE.c.zone_s,
            ZONE.c.zone_kpa,
            SESSION.c.pain_before,
            SESSION.c.pain_after,
            func.coalesce(SESSION.c.alerts["caution"].as_integer(), 0),
            func.coalesce(SESSION.c.alerts["stop"].as_integer(), 0),
        )
        .select_from(
            SESSION.join(PERSON).outerjoin(REGION, REGION.c.session_id == SESSION.c.id).outerjoin(ZONE, in_place)
        )
        .where(
            PERSON.c.name == person,
            SESSION.c.simulated.is_(False),
            SESSION.c.state != "recording",
            SESSION.c.started_us >= since_us,
        )
        .order_by(SESSION.c.started_us, SESSION.c.id, REGION.c.place)
    )
    with database.reading() as connection:
        rows = connection.execute(statement).all()
    return [Visit._make((row[0], _day(row[1], row[2]), *row[3:])) for row in rows]


def guided(database: Database, person: str, programs: Sequence[str], least_s: float) -> list[Guided]:
    """A person's ended real sessions of these programs, with at least so much contact, the oldest first."""
    statement = (
        select(SESSION.c.started_us, SESSION.c.utc_offset_s, SESSION.c.program)
        .select_from(SESSION.join(PERSON))
        .where(
            PERSON.c.name == person,
            SESSION.c.simulated.is_(False),
            SESSION.c.state != "recording",
            SESSION.c.program.in_(programs),
            SESSION.c.contact_s >= least_s,
        )
        .order_by(SESSION.c.started_us, SESSION.c.id)
    )
    with database.reading() as connection:
        rows = connection.execute(statement).all()
    return [Guided(_day(started_us, offset_s), program) for started_us, offset_s, program in rows]


def _day(started_us: int, utc_offset_s: int) -> date:
    return date.fromordinal(_EPOCH + (started_us // 1_000_000 + utc_offset_s) // 86_400)


def add_mark(connection: Connection, key: int, t_s: float, words: str) -> None:
    """A mark set afterwards: it stands behind all rows, and is read in its place of time."""
    highest = connection.scalar(select(func.max(EVENT.c.seq)).where(EVENT.c.session_id == key))
    fields: dict[str, Json] = {ADDED: True}
    if words:
        fields["text"] = text(words)
    row = row_of(Action("mark", fields, t_s), 0 if highest is None else highest + 1)
    connection.execute(insert(EVENT).values(session_id=key, **row._asdict()))
    forget(connection, key)


def marks(events: Sequence[Kept]) -> list[Action]:
    return [event for event in events if isinstance(event, Action) and event.kind == "mark"]
