"""Events as rows of JSON, and back. Exact, but for totals on the way (see `Tally`)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta, timezone
from heapq import merge
from typing import Any, NamedTuple, TypeVar

from sessions.errors import UnreadableError
from sessions.events import Action, Alert, Cue, Fields, Json, Level, Notice, Opened, Phase, RegionTotals, Totals

TOTALS = "totals"
AFTER = "after"
TOTALS_EVERY_S = 10.0  # a row a second would be a tenth of the log; between two rows a replay computes them again

Kept = Alert | Notice | Cue | Action | Totals
Told = TypeVar("Told", Alert, Notice, Cue, Action)


class EventRow(NamedTuple):
    seq: int
    t_s: float | None
    kind: str
    fields: dict[str, Json]


def row_of(event: Alert | Notice | Cue | Action, seq: int, after: int | None = None) -> EventRow:
    """An event as it is stored. `after`: batches of the session before it; times alone do not tell."""
    told: dict[str, Json]
    place: dict[str, Json] = {} if after is None else {AFTER: after}
    match event:
        case Alert():
            told = {**plain_fields(asdict(event)), "phase": event.phase.value, "level": event.level.name.lower()}
            del told["t_s"]
            return EventRow(seq, event.t_s, "alert", told | place)
        case Notice():
            told = {"kind": text(event.kind), "text": text(event.text), "fields": plain_fields(event.fields)}
            return EventRow(seq, event.t_s, "notice", told | place)
        case Cue():
            told = {"kind": text(event.kind), "step": _plain(event.step), "text": text(event.text)}
            told["fields"] = plain_fields(event.fields)
            return EventRow(seq, event.t_s, "cue", told | place)
        case Action():
            told = {"kind": text(event.kind), "fields": plain_fields(event.fields)}
            told["after_index"] = _plain(event.after_index)
            return EventRow(seq, event.t_s, "action", told | place)


def event_of(row: EventRow, name: str) -> Alert | Notice | Cue | Action:
    """The event a row was made of. UnreadableError, naming the session, where it cannot be."""
    try:
        told: dict[str, Any] = dict(row.fields)
        told.pop(AFTER, None)
        match row.kind:
            case "alert":
                phase, level = Phase(told.pop("phase")), Level[told.pop("level").upper()]
                return _sound(Alert(t_s=number(row.t_s), phase=phase, level=level, **told))
            case "notice":
                return _sound(Notice(number(row.t_s), **told))
            case "cue":
                return _sound(Cue(number(row.t_s), **told))
            case "action":
                return _sound(Action(t_s=None if row.t_s is None else number(row.t_s), **told))
        raise ValueError(f"unknown kind {row.kind!r}")
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise _damaged(row, name) from error


def after_of(row: EventRow) -> int | None:
    """How many batches came before it; None where that was not stored."""
    after = row.fields.get(AFTER)
    return after if isinstance(after, int) and not isinstance(after, bool) and after >= 0 else None


class Tally:
    """Totals as rows: one row grows in place for ten seconds, then the next begins.

    A row holds, to 1/1000, the regions that changed since the row before. What is lost by a crash is what
    came after the last commit; what is between two rows, the replay of the session gives.
    """

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], RegionTotals] = {}
        self._open: tuple[int, float] | None = None  # seq of the growing row, and its first t_s
        self.last: Totals | None = None

    def take(self, totals: Totals, next_seq: int) -> EventRow:
        """The row that now holds `totals`; a new one where its seq is `next_seq`."""
        if self._open is None or totals.t_s - self._open[1] >= TOTALS_EVERY_S:
            if self.last is not None:
                self._before = _by_place(self.last)
            self._open = (next_seq, totals.t_s)
        self.last = totals
        regions: list[Json] = [
            _packed(entry) for key, entry in _by_place(totals).items() if self._before.get(key) != entry
        ]
        return EventRow(
            self._open[0], totals.t_s, TOTALS, {"contact_s": _rounded(totals.contact_s), "regions": regions}
        )


def totals_of(rows: Iterable[EventRow], name: str) -> list[Totals]:
    """What the rows of a session's totals say, each with all regions. UnreadableError as `event_of`."""
    regions: dict[tuple[str, str], RegionTotals] = {}
    found = []
    for row in rows:
        try:
            told: Any = row.fields
            for entry in map(_unpacked, told["regions"]):
                regions[entry.region, entry.side] = entry
            found.append(Totals(number(row.t_s), number(told["contact_s"]), tuple(regions.values())))
        except (KeyError, ValueError, TypeError) as error:
            raise _damaged(row, name) from error
    return found


def in_order(others: Sequence[Kept], totals: Sequence[Totals]) -> list[Kept]:
    """Both in one: each keeps its own order, and totals stand where their time is."""
    return list(merge(others, totals, key=lambda event: 0.0 if event.t_s is None else event.t_s))


def region_columns(entry: RegionTotals) -> dict[str, Any]:
    """The columns of `session_region`, exact."""
    columns = asdict(entry)
    columns.update(zip(_ZONES, columns.pop("zone_s"), strict=True))
    columns.update(region=text(entry.region), side=text(entry.side), holds=int(entry.holds))
    return {name: None if value != value else value for name, value in columns.items()}


def region_of(columns: Mapping[Any, Any]) -> RegionTotals:
    """The totals a row of `session_region` holds."""
    rest_s, light_s, work_s, high_s, over_s = (number(columns[name]) for name in _ZONES)
    return RegionTotals(
        region=columns["region"],
        side=columns["side"],
        holds=columns["holds"],
        zone_s=(rest_s, light_s, work_s, high_s, over_s),
        **{name: number(columns[name]) for name in _REGION_NUMBERS},
    )


def session_columns(opened: Opened) -> dict[str, Any]:
    """The columns of `session` that `Opened` fills, with the person's name. ValueError where it has no time zone."""
    offset = opened.started_at.utcoffset()
    if offset is None:
        raise ValueError("started_at must be aware")
    return {
        "started_us": microseconds(opened.started_at),
        "utc_offset_s": int(offset.total_seconds()),
        "from_s": opened.t_s,
        "person": text(opened.person),
        "region": text(opened.region),
        "side": text(opened.side),
        "tool": text(opened.tool),
        "area_cm2": opened.area_cm2,
        "program": None if opened.program is None else text(opened.program),
        "simulated": opened.simulated,
        "note": "",
        "tags": [],
        "software": text(opened.software),
        "profile": plain_fields(opened.device),
        "smoothing": plain_fields(opened.smoothing),
        "context": plain_fields(opened.context),
        "routine": None if opened.routine is None else plain_fields(opened.routine),
    }


def opened_of(columns: Mapping[Any, Any]) -> Opened:
    """`Opened`, from a row of `session` joined with its person."""
    return Opened(
        columns["from_s"],
        started_at(columns),
        columns["profile"],
        columns["person"],
        columns["region"],
        columns["side"],
        columns["tool"],
        columns["area_cm2"],
        columns["program"],
        columns["context"],
        columns["smoothing"],
        columns["simulated"],
        columns["software"],
        columns["routine"],
    )


def microseconds(moment: datetime) -> int:
    """Since 1970, of an aware moment."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def started_at(columns: Mapping[Any, Any]) -> datetime:
    """When the session began, aware, with the offset of the place where it did."""
    place = timezone(timedelta(seconds=columns["utc_offset_s"]))
    return (_EPOCH + timedelta(microseconds=columns["started_us"])).astimezone(place)


def number(value: float | None) -> float:
    """NULL is NaN."""
    return math.nan if value is None else float(value)


def text(value: object) -> str:
    """A string any database takes: without the halves of characters that a device's bytes may leave."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def plain_fields(given: Fields) -> dict[str, Json]:
    """JSON of whatever a caller put into fields; NaN becomes null."""
    return {text(key): _plain(value) for key, value in given.items()}


def _sound(event: Told) -> Told:
    """The event. TypeError where JSON of a damaged or foreign log has put in what no such event can hold."""
    for name, kinds in _HOLDS.items():
        value = getattr(event, name, None)
        if value is not None and (isinstance(value, bool) or not isinstance(value, kinds)):
            raise TypeError(name)
        if value is None and hasattr(event, name) and name not in _MAY_BE_UNKNOWN:
            raise TypeError(name)
    return event


def _damaged(row: EventRow, name: str) -> UnreadableError:
    return UnreadableError(f"Event {row.seq} of {name} is damaged.", "Restore the log from a backup.")


def _plain(value: object) -> Json:
    match value:
        case None | bool():
            return value
        case int():
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else None
        case str():
            return text(value)
        case Mapping():
            return {text(key): _plain(entry) for key, entry in value.items()}
        case Sequence() | set() | frozenset():
            return [_plain(entry) for entry in value]
    item = getattr(value, "item", None)  # a number of numpy's
    return _plain(item()) if callable(item) else text(value)


def _by_place(totals: Totals) -> dict[tuple[str, str], RegionTotals]:
    return {(entry.region, entry.side): entry for entry in totals.regions}


def _packed(entry: RegionTotals) -> list[Json]:
    columns = region_columns(entry)
    values = (columns[name] for name in _REGION_COLUMNS)
    return [_rounded(value) if isinstance(value, float) else value for value in values]


def _unpacked(values: Any) -> RegionTotals:
    return region_of(dict(zip(_REGION_COLUMNS, values, strict=True)))


def _rounded(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None


_MAY_BE_UNKNOWN: Mapping[str, tuple[type, ...]] = {
    "value": (int, float),
    "limit": (int, float),
    "step": (int,),
    "after_index": (int,),
}
_HOLDS: Mapping[str, tuple[type, ...]] = {  # by the names of an event's fields
    **dict.fromkeys(("kind", "cause", "text", "unit", "region", "side"), (str,)),
    "fields": (Mapping,),
    **_MAY_BE_UNKNOWN,
}
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_ZONES = ("rest_s", "light_s", "work_s", "high_s", "over_s")
_REGION_NUMBERS = [
    field.name for field in fields(RegionTotals) if field.name not in ("region", "side", "holds", "zone_s")
]
_REGION_COLUMNS = ("region", "side", "holds", *_REGION_NUMBERS, *_ZONES)
