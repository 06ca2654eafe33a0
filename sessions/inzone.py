"""The mean pressure while a session was in its working zone, per region and side. Derived, kept beside the digest.

Where the zone lies is not this package's to know: whoever asks brings a function that tells it from a session's
stored guard context and the moves its person made.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Column, Connection, Float, ForeignKey, Integer, MetaData, Table, Text, insert, select

from sessions.codec import decode
from sessions.database import Database
from sessions.errors import UnreadableError
from sessions.events import NO_FIELDS, Action, Fields, Opened
from sessions.quantities import NEWTONS, Meaning
from sessions.reading import WHOLE, newest_first, told
from sessions.record import opened_of
from sessions.schema import CHUNK, SESSION

AT_ONCE = 50  # sessions read in one transaction: a recording is never kept waiting

ZONE = Table(
    "session_zone",
    MetaData(),
    Column("session_id", ForeignKey(SESSION.c.id, ondelete="CASCADE"), primary_key=True),
    Column("region", Text, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("zone_s", Float, nullable=False),  # time in the working zone
    Column("zone_kpa", Float),  # mean over it; NULL where there was none
    Column("damaged", Integer, nullable=False),  # chunks that could not be read and do not count
)


@dataclass(frozen=True, slots=True)
class Working:
    """From then on the person is there, and works from `low_kpa` up to `high_kpa`, mean contact pressure."""

    from_s: float
    region: str
    side: str
    low_kpa: float
    high_kpa: float


Zones = Callable[[Opened, Sequence[Action]], Sequence[Working]]  # in order of time; none where nothing is judged


def refresh(database: Database, zones: Zones) -> None:
    """Read every ended session in newtons that has samples and was not read yet."""
    with database.reading() as connection:
        waiting = _waiting(connection) if _there(connection) else None
    if waiting is None:
        with database.writing() as connection:
            ZONE.create(connection, checkfirst=True)
            waiting = _waiting(connection)
    for at in range(0, len(waiting), AT_ONCE):
        with database.writing() as connection:
            keys = set(_waiting(connection)) & set(waiting[at : at + AT_ONCE])  # another program may have been here
            rows = [row for key in sorted(keys) for row in _read(connection, key, zones)]
            if rows:
                connection.execute(insert(ZONE), rows)


def _there(connection: Connection) -> bool:
    return connection.dialect.has_table(connection, ZONE.name)


def _waiting(connection: Connection) -> list[int]:
    measured = select(CHUNK.c.session_id).distinct()
    wanted = select(SESSION.c.id).where(
        SESSION.c.id.in_(measured),
        SESSION.c.state != "recording",
        SESSION.c.unit == NEWTONS,
        SESSION.c.simulated.is_(False),
        SESSION.c.id.not_in(select(ZONE.c.session_id)),
    )
    return list(connection.scalars(wanted.order_by(SESSION.c.id)))


def _table(told: object) -> Fields:
    return told if isinstance(told, Mapping) else NO_FIELDS


def _read(connection: Connection, key: int, zones: Zones) -> list[dict[str, object]]:
    """Its rows: one for each place, one at least, so that it is not read again."""
    found = connection.execute(newest_first(WHOLE).where(SESSION.c.id == key)).mappings().one()
    try:
        actions = [each.event for each in told(connection, found) if isinstance(each.event, Action)]
        working = zones(opened_of(found), actions)
    except UnreadableError:
        working = ()
    places = {(found["region"], found["side"]): [0.0, 0.0]} | {(one.region, one.side): [0.0, 0.0] for one in working}
    damaged = _sum_up(connection, key, Meaning(_table(found["profile"]), found["unit"]), working, places)
    return [
        {
            "session_id": key,
            "region": region,
            "side": side,
            "zone_s": seconds,
            "zone_kpa": kpa_s / seconds if seconds > 0 and math.isfinite(kpa_s) else None,
            "damaged": damaged,
        }
        for (region, side), (seconds, kpa_s) in places.items()
    ]


def _sum_up(
    connection: Connection,
    key: int,
    meaning: Meaning,
    working: Sequence[Working],
    places: dict[tuple[str, str], list[float]],
) -> int:
    """Add seconds, and kPa times seconds, to the places; each scan stands for the usual distance of its chunk's.

    How many chunks could not be read.
    """
    damaged = 0
    starts = np.array([one.from_s for one in working])
    if len(starts):
        starts[0] = -np.inf
    for (data,) in connection.execute(select(CHUNK.c.data).where(CHUNK.c.session_id == key)):
        try:
            part = decode(data, "")
        except UnreadableError:
            damaged += 1
            continue
        kpa, t_s = meaning.curves(part)[2], part.t_s()
        step_s = float(np.median(np.diff(t_s))) if len(t_s) > 1 else 0.0
        at = np.searchsorted(starts, t_s, side="right") - 1
        for number, one in enumerate(working):
            inside = kpa[(at == number) & (kpa >= one.low_kpa) & (kpa < one.high_kpa)]
            places[one.region, one.side][0] += len(inside) * step_s
            places[one.region, one.side][1] += float(inside.sum()) * step_s
    return damaged
