"""What can be worked out of a session once and is asked often: its words for searching, and figures of its curve.

Derived: the table is made and filled where it is missing, may be dropped at any time, and is no part of the layout.
Plain text and a substring search, on purpose: ten thousand sessions are searched in a few milliseconds, with the
same answer on every database and on every build of SQLite.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from sqlalchemy import Column, Connection, Float, ForeignKey, Integer, MetaData, Table, Text, delete, insert, select

from sessions.about import CurveFigures
from sessions.codec import decode
from sessions.database import Database
from sessions.errors import UnreadableError
from sessions.filters import fold
from sessions.quantities import Meaning
from sessions.schema import CHUNK, EVENT, SESSION

CONTACT_KPA = 5.0  # a curve's figures are of the time above it: the ball lies on somebody
AT_ONCE = 500  # sessions digested in one transaction: a recording is never kept waiting

DIGEST = Table(
    "session_digest",
    MetaData(),
    Column("session_id", ForeignKey(SESSION.c.id, ondelete="CASCADE"), primary_key=True),
    Column("words", Text, nullable=False),  # note, tags and marks, folded
    Column("known_s", Float),  # time above CONTACT_KPA whose pressure is known
    Column("mean_kpa", Float),  # over it
    Column("p95_kpa", Float),
    Column("impulse_kpa_s", Float),  # the integral of the pressure, over all known time
    Column("damaged", Integer, nullable=False),  # chunks that could not be read and do not count
)


def refresh(database: Database) -> None:
    """Digest every ended session that is not yet."""
    with database.reading() as connection:
        waiting = _waiting(connection) if _there(connection) else None
    while waiting is None or waiting:
        with database.writing() as connection:
            if waiting is None:
                DIGEST.create(connection, checkfirst=True)
            waiting = _waiting(connection)
            if waiting:
                connection.execute(insert(DIGEST), _digested(connection, waiting[:AT_ONCE]))
            waiting = waiting[AT_ONCE:]


def forget(connection: Connection, key: int) -> None:
    """The words of a session have changed: digest it anew when it is asked for."""
    if _there(connection):
        connection.execute(delete(DIGEST).where(DIGEST.c.session_id == key))


def figures(connection: Connection, key: int) -> CurveFigures:
    """Of a session; all unknown where it has not been digested."""
    names = tuple(CurveFigures.__slots__)
    if not _there(connection):
        return CurveFigures()
    row = connection.execute(select(*(DIGEST.c[name] for name in names)).where(DIGEST.c.session_id == key)).first()
    return CurveFigures() if row is None else CurveFigures(*row)


def _there(connection: Connection) -> bool:
    return connection.dialect.has_table(connection, DIGEST.name)


def _waiting(connection: Connection) -> Sequence[int]:
    known = select(DIGEST.c.session_id)
    wanted = select(SESSION.c.id).where(SESSION.c.state != "recording", SESSION.c.id.not_in(known))
    return connection.scalars(wanted.order_by(SESSION.c.id)).all()


def _digested(connection: Connection, keys: Sequence[int]) -> list[dict[str, str | int | float | None]]:
    said = _said(connection, keys)
    measured = set(connection.scalars(select(CHUNK.c.session_id).where(CHUNK.c.session_id.in_(keys)).distinct()))
    rows = connection.execute(
        select(SESSION.c.id, SESSION.c.note, SESSION.c.tags, SESSION.c.unit, SESSION.c.profile)
        .where(SESSION.c.id.in_(keys))
        .order_by(SESSION.c.id)
    )
    digested = []
    for key, note, tags, unit, profile in rows.all():
        texts = [note, *(tags if isinstance(tags, list) else ()), *said.get(key, ())]
        words = "\n".join(fold(str(text)) for text in texts)  # a term never reaches over a line's end
        curve = _curve(connection, key, Meaning(profile, unit or "")) if key in measured else CurveFigures()
        digested.append({"session_id": key, "words": words, **asdict(curve)})
    return digested


def _said(connection: Connection, keys: Sequence[int]) -> dict[int, list[str]]:
    """The words of the marks of these sessions."""
    said: dict[int, list[str]] = {}
    actions = (
        select(EVENT.c.session_id, EVENT.c.fields)
        .where(EVENT.c.session_id.in_(keys), EVENT.c.kind == "action")
        .order_by(EVENT.c.session_id, EVENT.c.seq)
    )
    for key, fields in connection.execute(actions):
        if isinstance(fields, dict) and fields.get("kind") == "mark" and isinstance(fields.get("fields"), dict):
            said.setdefault(key, []).extend(value for value in fields["fields"].values() if isinstance(value, str))
    return said


def _curve(connection: Connection, key: int, meaning: Meaning) -> CurveFigures:
    """Each scan stands for the usual distance of its own chunk's scans."""
    pressures, impulse_kpa_s, known_s, damaged = [], 0.0, 0.0, 0
    for (data,) in connection.execute(select(CHUNK.c.data).where(CHUNK.c.session_id == key)):
        try:
            part = decode(data, "")
        except UnreadableError:
            damaged += 1
            continue
        kpa = meaning.curves(part)[2]
        t_s = part.t_s()
        step_s = float(np.median(np.diff(t_s))) if len(t_s) > 1 else 0.0
        known = kpa[np.isfinite(kpa)]
        pressing = known[known >= CONTACT_KPA]
        impulse_kpa_s += float(known.sum()) * step_s
        known_s += len(pressing) * step_s
        pressures.append(pressing)
    pressed = np.concatenate(pressures) if pressures else np.zeros(0)
    if not len(pressed) or not math.isfinite(impulse_kpa_s):
        return CurveFigures(damaged=damaged)
    return CurveFigures(known_s, float(pressed.mean()), float(np.percentile(pressed, 95)), impulse_kpa_s, damaged)
