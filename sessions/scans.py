"""A session scan by scan, with both clocks and the place of each: what every export writes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sessions.batches import NOTHING, Column, Entry, join
from sessions.events import Action, Floats
from sessions.quantities import Meaning
from sessions.record import Kept
from sessions.session import Whole, widened

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the ball was from `t_s` on."""

    t_s: float
    region: str
    side: str
    tool: str


@dataclass(frozen=True, slots=True, eq=False)
class Scans:
    """Columns of equal length, one entry a scan, in order of time."""

    unit: str  # of load and cells: "N", "counts" or "kPa gas"
    t_s: Floats  # session seconds, by the device's clock
    device_s: Floats  # the device's own clock
    arrival_s: Floats  # the host's steady clock when the batch came
    index: Column  # the device's number of the scan
    segment: Column  # +1 at each new device clock
    late: Flags  # back-filled
    batch: Column  # number of the batch it came in, in the order they came
    lost: Column  # scans missing directly before it
    load: Floats
    pressure_kpa: Floats  # NaN unknown
    saturated: Flags
    area_cm2: Floats  # contact area of the tool of that moment; NaN unknown
    cells: Floats  # (scans, channels)
    place: Column  # index into `places`
    places: Sequence[Place]


def scans_of(whole: Whole) -> Scans:
    """The scans of a session as stored."""
    meaning = Meaning(whole.opened.device, whole.unit or "counts")
    part = join(widened(whole.parts)) if whole.parts else NOTHING
    cells, load, pressure_kpa = meaning.curves(part)
    t_s = part.t_s()
    within = np.arange(len(t_s)) - np.repeat(np.cumsum(part.scans) - part.scans, part.scans)
    first = within == 0
    step_us = part.span_us / np.maximum(part.scans - 1, 1)
    order = np.argsort(t_s, kind="stable") if np.any(t_s[1:] < t_s[:-1]) else None

    def in_time(array: NDArray[Entry]) -> NDArray[Entry]:
        return array if order is None else array[order]

    t_s = in_time(t_s)
    places = places_of(whole)
    return Scans(
        unit=meaning.unit,
        t_s=t_s,
        device_s=in_time((part.per_scan(part.t_us) + within * part.per_scan(step_us)) * 1e-6),
        arrival_s=in_time(part.per_scan(part.from_us * 1e-6 + part.delay_ms * 1e-3)),
        index=in_time(part.per_scan(part.index) + within),
        segment=in_time(part.per_scan(part.segment)),
        late=in_time(part.per_scan(part.late) != 0),
        batch=in_time(np.cumsum(first) - 1),
        lost=in_time(np.where(first, part.per_scan(part.lost), 0)),
        load=in_time(load),
        pressure_kpa=in_time(pressure_kpa),
        saturated=in_time(meaning.saturated(part.values)),
        area_cm2=in_time(part.per_scan(part.area_cm2())),
        cells=in_time(cells),
        place=np.searchsorted([place.t_s for place in places], t_s, side="right").clip(1) - 1,
        places=places,
    )


def places_of(whole: Whole) -> Sequence[Place]:
    """Where the ball was, from the beginning, at every change. A refused change is as if nobody had asked."""
    opened = whole.opened
    places = [Place(opened.t_s, opened.region, opened.side, opened.tool)]
    for action, following in _moves(whole.events):
        if following is not None and _refused(following, action):
            continue
        last, told = places[-1], action.fields
        region, side, tool = (
            str(told.get(name, was))
            for name, was in (("region", last.region), ("side", last.side), ("tool", last.tool))
        )
        if (region, side, tool) != (last.region, last.side, last.tool):
            places.append(Place(action.t_s if action.t_s is not None else last.t_s, region, side, tool))
    return places


def _moves(events: Sequence[Kept]) -> list[tuple[Action, Kept | None]]:
    following = [*events[1:], None]
    return [
        (event, after)
        for event, after in zip(events, following, strict=False)
        if isinstance(event, Action) and event.kind in ("region", "side", "tool")
    ]


def _refused(event: Kept, action: Action) -> bool:
    fields = getattr(event, "fields", {})
    return getattr(event, "kind", "") == "refused" and fields.get("request") == action.kind
