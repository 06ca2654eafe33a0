"""Sessions on their way in from a file: made into what the log keeps, told from those it has, put in whole."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select

from sessions import reading
from sessions.batches import AREA_PARTS, MAX_AREA_CM2, Column, Part, Values, join
from sessions.codec import MAX_CHANNELS, encode
from sessions.completion import CHUNK_SAMPLES, complete
from sessions.draft import ChunkRow
from sessions.errors import SessionError
from sessions.events import Closed, Fields, Floats, Opened
from sessions.quantities import END, GRID, NO_VALUE, Meaning
from sessions.record import EventRow, session_columns, text
from sessions.schema import CHUNK, EVENT, PERSON, SESSION
from sessions.session import widened
from sessions.writer import device_key, key_of

MOST_COUNTS = 32_000  # of the 32767 a value may be
EVEN_S = 0.0005  # scans of a batch stand so evenly, or each is a batch of its own
TWIN_N = 0.02  # how far two readings of the same scan may lie apart, in steps of the coarser copy at least
ENDED = ("complete", "recovered")


@dataclass(frozen=True, slots=True)
class Incoming:
    """One session as a file tells it."""

    id: str
    opened: Opened
    unit: str
    part: Part | None  # None: it has no scans
    events: Sequence[EventRow]
    state: str = "complete"
    end_cause: str | None = None
    pain_before: int | None = None
    pain_after: int | None = None
    note: str = ""
    tags: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Scans as a file tells them, in order of time; all columns of one length."""

    t_s: Floats
    device_s: Floats
    arrival_s: Floats
    index: Column
    segment: Column
    late: NDArray[np.bool_]
    lost: Column  # directly before a scan
    saturated: NDArray[np.bool_]
    area_cm2: Floats  # NaN unknown
    cells: Floats  # (scans, channels); NaN unknown


def quantised(cells: Floats, saturated: NDArray[np.bool_], lsb: float) -> tuple[Values, float]:
    """Cells as the counts a ball would have sent, and how much one is: `lsb` where that gives them back."""
    most = float(np.nanmax(np.abs(cells), initial=0.0)) if cells.size and not np.isnan(cells).all() else 0.0
    own = GRID * 2.0 ** max(0, math.ceil(math.log2(max(most / (MOST_COUNTS * GRID), 1.0))))
    steps = [lsb, own] if lsb >= GRID and most / lsb <= MOST_COUNTS + 767 else [own]
    values = np.empty(cells.shape, np.int16)
    for step in steps:
        counts = np.rint(np.nan_to_num(cells) / step)
        values = counts.clip(-END + 1, END - 1).astype(np.int16)
        if step == own or np.all(np.abs(Meaning({"lsb": step}, "N").cells(values) - np.nan_to_num(cells)) <= GRID):
            own = step
            break
    unknown = np.isnan(cells)
    values[unknown] = NO_VALUE
    values[unknown & saturated[:, None]] = END
    return values, own


def part_of(columns: Columns, values: Values) -> Part | None:
    """The scans as batches, in the order they came; None where there are none. SessionError for what cannot be kept."""
    scans = len(columns.t_s)
    if scans == 0:
        return None
    if not 0 < values.shape[1] <= MAX_CHANNELS:
        raise SessionError(f"{values.shape[1]} cells are more than a ball has.")
    new = np.ones(scans, np.bool_)
    new[1:] = (
        (np.diff(columns.index) != 1)
        | (np.diff(columns.segment) != 0)
        | (columns.late[1:] != columns.late[:-1])
        | (np.diff(columns.arrival_s) != 0)
    )
    starts = np.flatnonzero(new)
    part = _batched(columns, values, starts)
    if np.any(np.abs(part.t_s() - columns.t_s) > EVEN_S):
        part = _batched(columns, values, np.arange(scans))
    arrived = np.argsort(part.from_us // 1000 + part.delay_ms, kind="stable")
    return part if np.all(np.diff(arrived) == 1) else _ordered(part, arrived)


def _batched(columns: Columns, values: Values, starts: Column) -> Part:
    ends = np.append(starts[1:], len(columns.t_s)) - 1
    from_us, to_us = (np.rint(columns.t_s[at] * 1e6).astype(np.int64) for at in (starts, ends))
    first_us, last_us = (np.rint(columns.device_s[at] * 1e6).astype(np.int64) for at in (starts, ends))
    area = np.nan_to_num(columns.area_cm2[starts]).clip(0.0, MAX_AREA_CM2)
    return Part(
        index=columns.index[starts],
        scans=ends - starts + 1,
        t_us=first_us,
        span_us=last_us - first_us,
        from_us=from_us,
        length_us=to_us - from_us,
        delay_ms=np.rint(columns.arrival_s[starts] * 1e3 - from_us / 1e3).astype(np.int64),
        segment=columns.segment[starts],
        lost=columns.lost[starts],
        late=columns.late[starts].astype(np.int64),
        unknown=np.zeros(len(starts), np.int64),
        area=np.rint(area * AREA_PARTS).astype(np.int64),
        values=values,
    )


def _ordered(part: Part, order: Column) -> Part:
    """Its batches in another order."""
    scans = part.scans[order]
    first = (np.cumsum(part.scans) - part.scans)[order]
    rows = np.repeat(first - (np.cumsum(scans) - scans), scans) + np.arange(int(scans.sum()))
    columns = {name: getattr(part, name)[order] for name in Part.__slots__ if name != "values"}
    return Part(**columns, values=part.values[rows])


def twin(connection: Connection, given: Incoming) -> str | None:
    """The id of a session of the log that is this one: by its id, or by all its scans."""
    if found := connection.scalar(select(SESSION.c.uuid).where(SESSION.c.uuid == given.id)):
        return str(found)
    if given.part is None:
        return None
    cells = _cells([given.part], given.opened.device, given.unit)
    if np.isnan(cells).all() or np.nanmin(cells) == np.nanmax(cells):
        return None  # so plain that another one may be like it
    alike = select(SESSION.c.uuid).where(SESSION.c.scans == len(cells), SESSION.c.unit == given.unit)
    for name in connection.scalars(alike).all():
        with suppress(SessionError):  # a damaged one is not the same
            found = reading.find(connection, name, reading.WHOLE)
            other = _cells(reading.parts(connection, found), found["profile"], found["unit"])
            near = max(TWIN_N, float(np.nanmax(np.abs(cells))) / MOST_COUNTS)
            if other.shape == cells.shape and np.allclose(other, cells, rtol=0.0, atol=near, equal_nan=True):
                return str(name)
    return None


def _cells(parts: Sequence[Part], profile: Fields, unit: str) -> Floats:
    """(scans, channels) in order of time."""
    part = join(widened(parts))
    cells, _, _ = Meaning(profile, unit).curves(part)
    return cells[np.argsort(part.t_s(), kind="stable")]


def put(connection: Connection, given: Incoming) -> None:
    """Write it into the log and sum it up, within the caller's transaction."""
    columns: dict[str, Any] = {
        **session_columns(given.opened),
        "uuid": given.id,
        "state": "recording",
        "unit": text(given.unit),
        "pain_before": given.pain_before,
        "pain_after": given.pain_after,
        "note": text(given.note),
        "tags": [text(tag) for tag in given.tags],
    }
    columns["person_id"] = key_of(connection, PERSON, {"name": columns.pop("person")})
    columns["device_id"] = device_key(connection, columns["profile"])
    connection.execute(insert(SESSION).values(columns))
    key = int(connection.execute(select(SESSION.c.id).where(SESSION.c.uuid == given.id)).scalar_one())
    for row in _chunks(given.part):
        connection.execute(insert(CHUNK).values(session_id=key, **row._asdict()))
    if given.events:
        connection.execute(insert(EVENT), [{"session_id": key, **row._asdict()} for row in given.events])
    closed = None if given.end_cause is None else Closed(0.0, text(given.end_cause))
    complete(connection, key, given.state if given.state in ENDED else "complete", None, closed)


def _chunks(part: Part | None) -> Iterator[ChunkRow]:
    if part is None:
        return
    ends = np.cumsum(part.scans) * part.channels
    start = seq = 0
    while start < len(part.index):
        before = 0 if start == 0 else int(ends[start - 1])
        end = max(int(np.searchsorted(ends, before + CHUNK_SAMPLES, side="right")), start + 1)
        some = part.some(start, end)
        yield ChunkRow(seq, some.from_s, some.to_s, len(some.values), encode(some))
        start, seq = end, seq + 1


def with_lsb(opened: Opened, lsb: float) -> Opened:
    """The same, whose device's counts are so much each."""
    return opened if opened.device.get("lsb") == lsb else replace(opened, device={**opened.device, "lsb": lsb})


def moment(told: str) -> datetime:
    """A date and time as files write them, aware: of this place where they name none. ValueError.

    Some write year-day-month; that is seen where there is no such month.
    """
    said = told.strip().replace("/", "-")
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        found = datetime.strptime(said, "%Y-%d-%m %H:%M:%S")  # noqa: DTZ007  # the place is added below
    return found if found.tzinfo is not None else found.astimezone()
