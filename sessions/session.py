"""A session as it is read back."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sessions.batches import NOTHING, Column, Entry, Part, Values, join
from sessions.events import Floats, Json, Notice, Opened
from sessions.quantities import NEWTONS, NO_VALUE, Meaning
from sessions.record import Kept


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One line of the log. None is unknown; the summary is None while the session is recorded."""

    id: str
    state: str  # recording, complete, recovered
    started_at: datetime  # aware
    duration_s: float  # the last journalled t_s
    person: str
    device: str  # its serial, else its model, else its kind
    region: str  # at the beginning, as are side and tool
    side: str
    tool: str
    program: str | None
    simulated: bool
    peak_kpa: float | None
    peak_force_n: float | None
    contact_s: float | None
    pain_before: int | None  # 0..10
    pain_after: int | None
    alerts_by_level: dict[str, int]
    scans: int | None
    lost: int | None  # scans the ball took that never came
    end_cause: str | None
    note: str
    tags: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        """The row of `sessions list --json`."""
        fields = asdict(self)
        return {**fields, "started_at": self.started_at.isoformat(), "tags": list(self.tags)}


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch that was not received, and how many scans the ball took in it as far as it is known."""

    from_s: float
    to_s: float
    lost: int
    cause: str


@dataclass(frozen=True, slots=True)
class Told:
    """An alert, a notice, a cue or an action, and how many batches of the session came before it (None: not known)."""

    event: Kept
    after: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One session as it came: what a replay is fed with."""

    row: SessionRow
    opened: Opened
    part: Part  # every batch with its own stamp, in the order they came
    told: tuple[Told, ...]  # in the order they came
    end_s: float  # of the last totals; 0 where there are none


@dataclass(frozen=True, slots=True, eq=False)
class SessionData:
    """All of one session: scans in order of time, back-filled ones in their place. Arrays are read-only."""

    row: SessionRow
    opened: Opened
    unit: str  # of cells and load: "N", "counts" or "kPa gas"
    t_s: Floats  # (scans,)
    values: Values  # (scans, channels) as the ball sent them
    cells: Floats  # (scans, channels) in `unit`; NaN unknown or saturated
    load: Floats  # (scans,) their sum; where one is saturated, the least it can be
    pressure_kpa: Floats  # (scans,) mean contact pressure on the tool of that moment; NaN unless unit is "N"
    saturated: NDArray[np.bool_]  # (scans,)
    segment: Column  # (scans,) +1 at each new device clock
    gaps: tuple[Gap, ...]
    events: tuple[Kept, ...]  # Alert, Notice, Cue, Action, and Totals at least every ten seconds, in order

    @property
    def force_n(self) -> Floats:
        """(scans,) newtons; all NaN where the ball gives none."""
        return self.load if self.unit == NEWTONS else np.full_like(self.load, np.nan)

    @property
    def cells_n(self) -> Floats:
        """(scans, channels) newtons; all NaN where the ball gives none."""
        return self.cells if self.unit == NEWTONS else np.full_like(self.cells, np.nan)


class Whole(NamedTuple):
    """All that the log has of one session."""

    row: SessionRow
    opened: Opened
    unit: str | None
    parts: Sequence[Part]  # in the order they came
    events: Sequence[Kept]


def course(row: SessionRow, opened: Opened, parts: Sequence[Part], told: Sequence[Told], end_s: float) -> Course:
    """Of these stored parts and events."""
    return Course(row, opened, join(widened(parts)) if parts else NOTHING, tuple(told), end_s)


def assemble(
    row: SessionRow, opened: Opened, unit: str | None, parts: Sequence[Part], events: Sequence[Kept]
) -> SessionData:
    """The session of these stored parts and events."""
    meaning = Meaning(opened.device, unit or "counts")
    part = join(widened(parts)) if parts else NOTHING
    cells, load, pressure_kpa = meaning.curves(part)
    t_s = part.t_s()
    order = np.argsort(t_s, kind="stable") if np.any(t_s[1:] < t_s[:-1]) else None

    def in_time(array: NDArray[Entry]) -> NDArray[Entry]:
        kept = array if order is None else array[order]
        kept.flags.writeable = False
        return kept

    return SessionData(
        row=row,
        opened=opened,
        unit=meaning.unit,
        t_s=in_time(t_s),
        values=in_time(part.values),
        cells=in_time(cells),
        load=in_time(load),
        pressure_kpa=in_time(pressure_kpa),
        saturated=in_time(meaning.saturated(part.values)),
        segment=in_time(part.per_scan(part.segment)),
        gaps=gaps_of(events),
        events=tuple(events),
    )


def widened(parts: Sequence[Part]) -> Sequence[Part]:
    """Parts of equal width: cells that a part has not are without value."""
    channels = max(part.channels for part in parts)
    if all(part.channels == channels for part in parts):
        return parts
    wide = []
    for part in parts:
        missing = ((0, 0), (0, channels - part.channels))
        values = np.pad(part.values, missing, constant_values=NO_VALUE)
        wide.append(replace(part, values=values))
    return wide


def gaps_of(events: Iterable[object]) -> tuple[Gap, ...]:
    """What the events say was not received, in order."""
    return tuple(_gaps(event for event in events if isinstance(event, Notice) and event.kind == "gap"))


def _gaps(notices: Iterable[Notice]) -> Iterable[Gap]:
    for notice in notices:
        start, end = notice.fields.get("from_s"), notice.fields.get("to_s")
        lost = notice.fields.get("lost")
        if isinstance(start, int | float) and isinstance(end, int | float) and math.isfinite(start + end):
            yield Gap(
                float(start),
                float(end),
                lost if isinstance(lost, int) else 0,
                str(notice.fields.get("cause", "unknown")),
            )
