"""The end of a session: its rows merged into one-minute chunks, and summed up. Within the caller's transaction."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from sqlalchemy import Connection, delete, insert, select, update

from sessions.batches import Part, join
from sessions.codec import decode, encode
from sessions.draft import ChunkRow
from sessions.errors import UnreadableError
from sessions.events import Action, Alert, Closed, Phase, RegionTotals, Totals
from sessions.quantities import NEWTONS, Meaning
from sessions.record import TOTALS, EventRow, event_of, region_columns, text, totals_of
from sessions.schema import CHUNK, EVENT, REGION, SESSION

CHUNK_US = 60_000_000
CHUNK_SAMPLES = 1 << 22  # a chunk never grows beyond 8 MiB of values, however fast the ball
NAME = "a session being completed"


@dataclass(slots=True)
class _Seen:
    """What the values themselves say, over all readable chunks."""

    scans: int = 0
    lost: int = 0
    load: float = math.nan
    pressure_kpa: float = math.nan

    def add(self, part: Part, meaning: Meaning) -> None:
        late = part.late != 0
        self.scans += len(part.values)
        self.lost += int(part.lost[~late].sum()) - int(part.scans[late].sum())
        _, load, kpa = meaning.curves(part)
        self.load = float(np.fmax.reduce(load, initial=self.load))
        self.pressure_kpa = float(np.fmax.reduce(kpa, initial=self.pressure_kpa))


@dataclass(slots=True)
class _Told:
    """What the session's events say."""

    totals: Totals | None = None
    alerts: dict[str, int] = field(default_factory=dict)
    pain: dict[str, int] = field(default_factory=dict)  # by column; only what was said
    to_s: float = 0.0


def complete(connection: Connection, key: int, state: str, totals: Totals | None, closed: Closed | None) -> None:
    """Bring the session `key` into `state`. `totals` are the last ones; None: as far as they were journalled.

    A damaged chunk or event is left as it is, and counts for nothing: `load` will name it.
    """
    session = connection.execute(select(SESSION.c.unit, SESSION.c.profile).where(SESSION.c.id == key)).one()
    told = _told(connection, key)
    last = totals or told.totals
    meaning = Meaning(session.profile, session.unit or "")
    seen = _Seen()
    to_s = told.to_s
    for part in _merge(connection, key):
        seen.add(part, meaning)
        to_s = max(to_s, part.to_s)
    regions = () if last is None else last.regions
    _write_regions(connection, key, regions)
    # The guard's peaks have no spikes in them; they are what the person saw. Without a guard, the plain maximum.
    peak_kpa = _highest((entry.peak_kpa for entry in regions), seen.pressure_kpa)
    peak_force_n = _highest((entry.peak_force_n for entry in regions), seen.load)
    contact_s = None if last is None else _known(last.contact_s)
    if contact_s == 0 and seen.scans > 0 and not math.isfinite(seen.load):
        contact_s = None  # no value was ever known: nobody can tell
    newtons = session.unit == NEWTONS
    connection.execute(
        update(SESSION)
        .where(SESSION.c.id == key)
        .values(
            state=state,
            end_cause=None if closed is None else text(closed.cause),
            duration_s=to_s,
            scans=seen.scans,
            lost=max(seen.lost, 0),
            contact_s=contact_s,
            peak_kpa=peak_kpa if newtons else None,
            peak_force_n=peak_force_n if newtons else None,
            alerts=told.alerts,
            **told.pain,
        )
    )


def _merge(connection: Connection, key: int) -> Iterator[Part]:
    """Replace the session's rows by rows of a minute each, and give these. Damaged rows stay as they are."""
    mine = CHUNK.c.session_id == key
    seqs = connection.scalars(select(CHUNK.c.seq).where(mine).order_by(CHUNK.c.seq)).all()
    numbers = count(max(seqs, default=-1) + 1)  # behind all that is there, so in the same order

    def put(part: Part) -> Part:
        row = ChunkRow(next(numbers), part.from_s, part.to_s, len(part.values), encode(part))
        connection.execute(insert(CHUNK).values(session_id=key, **row._asdict()))
        return part

    waiting: Part | None = None
    for seq in seqs:
        data = connection.execute(select(CHUNK.c.data).where(mine, CHUNK.c.seq == seq)).scalar_one()
        try:
            part = decode(data, NAME)
        except UnreadableError:
            continue
        connection.execute(delete(CHUNK).where(mine, CHUNK.c.seq == seq))  # its pages serve the merged rows
        if waiting is not None and waiting.channels != part.channels:
            yield put(waiting)
            waiting = None
        waiting = part if waiting is None else join((waiting, part))
        while (cut := _minute(waiting)) < len(waiting.index):
            yield put(waiting.some(0, cut))
            waiting = waiting.some(cut, len(waiting.index))
    if waiting is not None:
        yield put(waiting)


def _minute(part: Part) -> int:
    """How many of its batches fit into one chunk; at least one."""
    end_us = part.from_us[0] + CHUNK_US
    too_late = part.from_us + part.length_us > end_us
    too_many = np.cumsum(part.scans) * part.channels > CHUNK_SAMPLES
    over = np.flatnonzero(too_late | too_many)
    return max(int(over[0]), 1) if len(over) else len(part.index)


def _told(connection: Connection, key: int) -> _Told:
    told = _Told()
    totals = []
    rows = connection.execute(
        select(EVENT.c.seq, EVENT.c.t_s, EVENT.c.kind, EVENT.c.fields)
        .where(EVENT.c.session_id == key)
        .order_by(EVENT.c.seq)
    )
    for row in rows:
        entry = EventRow(*row)
        told.to_s = max(told.to_s, entry.t_s or 0.0)
        if entry.kind == TOTALS:
            totals.append(entry)
            continue
        try:
            event = event_of(entry, NAME)
        except UnreadableError:
            continue
        if isinstance(event, Alert) and event.phase in (Phase.RAISED, Phase.ESCALATED):
            word = event.level.name.lower()
            told.alerts[word] = told.alerts.get(word, 0) + 1
        elif isinstance(event, Action):
            told.pain |= pain_of(event)
    told.totals = _last_totals(totals)
    return told


def pain_of(action: Action) -> dict[str, int]:
    """The column that an action of kind `pain` fills, with its score of 0 to 10; else nothing."""
    value, when = action.fields.get("value"), action.fields.get("when")
    scored = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10
    if action.kind != "pain" or not scored or when not in ("before", "after"):
        return {}
    return {f"pain_{when}": int(str(value))}


def _last_totals(rows: list[EventRow]) -> Totals | None:
    while rows:
        try:
            return totals_of(rows, NAME)[-1]
        except UnreadableError:
            rows = rows[:-1]
    return None


def _write_regions(connection: Connection, key: int, regions: Iterable[RegionTotals]) -> None:
    connection.execute(delete(REGION).where(REGION.c.session_id == key))
    unique = {(entry.region, entry.side): region_columns(entry) for entry in regions}
    rows = [{"session_id": key, "place": place, **columns} for place, columns in enumerate(unique.values())]
    if rows:
        connection.execute(insert(REGION), rows)


def _highest(told: Iterable[float], seen: float) -> float | None:
    """The highest that the guard tells. Its peaks begin at zero: where no value was ever known, that is unknown."""
    known = [value for value in told if math.isfinite(value) and (value > 0 or math.isfinite(seen))]
    return _known(max(known) if known else seen)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
