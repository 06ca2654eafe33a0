"""What of a session is not on disk yet. Pure: knows no file, no thread, no clock."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sessions.batches import Batch, pack
from sessions.codec import encode
from sessions.events import Action, Alert, Closed, Cue, Event, Notice, Opened, Reading, Totals
from sessions.record import EventRow, Tally, row_of, session_columns

# A chunk row grows until it fills one page of the database (4096 bytes, less the row's other columns): rewriting
# it costs a commit one page, and pages are neither half empty nor overflowing.
ROW_BYTES = 3400
# Encoded at once and dropped from memory, however seldom commits succeed: 128 KiB of values.
ROW_SAMPLES = 1 << 16
EVENT_BYTES = 500  # what an event row weighs in memory, about


class ChunkRow(NamedTuple):
    seq: int
    from_s: float
    to_s: float
    scans: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Pending:
    """What one commit is to write. Rows replace those of the same `seq`."""

    session: Mapping[str, Any]  # sessions.record.session_columns
    unit: str | None
    chunks: tuple[ChunkRow, ...]
    events: tuple[EventRow, ...]
    to_s: float  # session time up to which all is saved once this is


class Draft:
    """Takes events in order, gives rows; remembers what no commit has confirmed."""

    def __init__(self) -> None:
        self._session: dict[str, Any] | None = None
        self.closed: Closed | None = None
        self.unit: str | None = None
        self.tally = Tally()
        self.to_s = 0.0  # the latest session time taken
        self._area_cm2 = math.nan
        self._open: list[Batch] = []
        self._open_samples = 0
        self._open_changed = False
        self._batches = 0  # taken so far
        self._chunk_seq = 0
        self._event_seq = 0
        self._chunks: dict[int, ChunkRow] = {}
        self._events: dict[int, EventRow] = {}

    @property
    def held_bytes(self) -> int:
        """What waits here, in memory, about."""
        rows = sum(len(row.data) for row in self._chunks.values()) + EVENT_BYTES * len(self._events)
        return rows + 2 * self._open_samples

    def take_batch(self, batch: Batch, unit: str) -> None:
        """A batch of scans. ValueError where it is none."""
        if batch.values.ndim != 2 or batch.values.size == 0 or batch.values.dtype.itemsize != 2:
            raise ValueError("a reading without values")
        if self._open and self._open[-1].values.shape[1] != batch.values.shape[1]:
            self._encode_open()
            self._turn_page()
        batch = self._with_area(batch)
        pack([batch])  # a batch that has no encoding is refused alone, and not with its neighbours
        self.unit = self.unit or unit
        self._open.append(batch)
        self._open_samples += batch.values.size
        self._open_changed = True
        self._batches += 1
        self.to_s = max(self.to_s, batch.to_s)
        if self._open_samples >= ROW_SAMPLES:
            self._encode_open()
            self._turn_page()

    def take(self, event: Event) -> None:
        """Any other event."""
        match event:
            case Opened():
                self._session = self._session or session_columns(event)
                self._area_cm2 = event.area_cm2
            case Closed():
                self.closed = event
            case Totals():
                self._put(self.tally.take(event, self._event_seq))
            case Alert() | Notice() | Cue() | Action():
                self._put(row_of(event, self._event_seq, self._batches))
            case Reading():
                raise TypeError("readings come as batches")

    def pending(self) -> Pending | None:
        """All that no commit has confirmed; None before `Opened`."""
        if self._session is None:
            return None
        if self._open_changed:
            self._encode_open()
        return Pending(self._session, self.unit, tuple(self._chunks.values()), tuple(self._events.values()), self.to_s)

    def confirm(self) -> None:
        """What `pending` gave last is on disk. To be called before anything else is taken."""
        self._chunks.clear()
        self._events.clear()

    def restore(self, chunks: Iterable[ChunkRow], events: Iterable[EventRow]) -> None:
        """Rows that had been confirmed are lost on disk after all: they wait again, unless they grew since."""
        self._chunks = {row.seq: row for row in chunks} | self._chunks
        self._events = {row.seq: row for row in events} | self._events

    def _with_area(self, batch: Batch) -> Batch:
        """A batch without load tells no area; then the one before holds."""
        if math.isfinite(batch.area_cm2):
            self._area_cm2 = batch.area_cm2
        return batch._replace(area_cm2=self._area_cm2)

    def _encode_open(self) -> None:
        part = pack(self._open)
        row = ChunkRow(self._chunk_seq, part.from_s, part.to_s, len(part.values), encode(part))
        self._chunks[row.seq] = row
        self._open_changed = False
        if len(row.data) >= ROW_BYTES:
            self._turn_page()

    def _turn_page(self) -> None:
        if self._open:
            self._open, self._open_samples = [], 0
            self._chunk_seq += 1

    def _put(self, row: EventRow) -> None:
        self._events[row.seq] = row
        self._event_seq = max(self._event_seq, row.seq + 1)
        if row.t_s is not None:
            self.to_s = max(self.to_s, row.t_s)
