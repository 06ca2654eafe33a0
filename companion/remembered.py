"""What the log says of a person's last days: visits, rests and locks, read once before a session."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from companion.safety.carried import History, Outing, Visit
from companion.safety.days import rule
from companion.safety.dose import DOSE_FLOOR_KPA
from companion.safety.limits import regions, whole_body
from companion.safety.person import Lock
from companion.safety.scale import CONTACT_KPA
from sessions.errors import SessionError
from sessions.events import Action, Event, Notice, Totals

if TYPE_CHECKING:
    from sessions.session import SessionData, SessionRow
    from sessions.store import RegionRecord, Store

_KEEP = timedelta(days=8)  # what rests and weeks look back on


def history(store: "Store", name: str, now: datetime) -> tuple[History, list[Lock]]:
    """A person's real sessions, and the locks and rests that they told of. Simulated ones are not among them."""
    rows = {row.id: row for row in reversed(store.list(person=name)) if row.state != "recording" and not row.simulated}
    symptoms: list[Lock] = []
    booked: dict[str, dict[tuple[str, str], tuple[float, float]]] = {}
    for row in rows.values():
        if now - _ended(row) > timedelta(hours=rule("symptom_lock_h")):
            continue
        with contextlib.suppress(SessionError):  # a damaged event: the sums of the session still count
            events = store.events(row.id)
            symptoms += [*_symptoms(events, row.started_at), *_closed(events, row.started_at)]
            if row.state == "recovered":
                booked[row.id] = _tail(store.load(row.id))
    visits = [
        _visit(record, booked.get(record.session_id, {}))
        for record in store.region_records(person=name)
        if record.session_id in rows
    ]
    summed = {(visit.session, visit.region, visit.side) for visit in visits}
    visits += [  # a region that a crash left without any sum
        Visit(session, *place, _ended(rows[session]), *sums, 0.0)
        for session, places in booked.items()
        for place, sums in places.items()
        if (session, *place) not in summed and place[0] in regions()
    ]
    outings = [
        Outing(
            row.id,
            _ended(row),
            (row.contact_s or 0.0) + max((extra for extra, _ in booked.get(row.id, {}).values()), default=0.0),
            row.state == "recovered",
            row.end_cause == "guard",
            None if row.pain_before is None or row.pain_after is None else row.pain_before - row.pain_after,
        )
        for row in rows.values()
    ]
    return _trimmed(visits, outings, now), symptoms


def _ended(row: "SessionRow") -> datetime:
    return row.started_at + timedelta(seconds=row.duration_s)


def _visit(record: "RegionRecord", booked: Mapping[tuple[str, str], tuple[float, float]]) -> Visit:
    totals = record.totals
    contact_s, dose = booked.get((totals.region, totals.side), (0.0, 0.0))
    return Visit(
        record.session_id,
        totals.region,
        totals.side,
        record.started_at + timedelta(seconds=record.duration_s),
        _known(totals.contact_s) + contact_s,
        _known(totals.dose_kpa_s) + dose,
        _known(totals.dose_limit_kpa_s),
    )


def _known(value: float) -> float:
    return value if value == value else 0.0


def _trimmed(visits: list[Visit], outings: list[Outing], now: datetime) -> History:
    """The last days, and the first of everything: all that the rules look at."""
    firsts: set[tuple[str, str]] = set()
    kept = []
    for visit in visits:
        place = (visit.region, visit.side)
        counts = visit.contact_s >= rule("counts_from_s")
        if now - visit.ended < _KEEP or (counts and place not in firsts):
            kept.append(visit)
        if counts:
            firsts.add(place)
    counting = [one for one in outings if one.contact_s >= rule("counts_from_s")]
    first = {one.session for one in counting[: int(whole_body()["first_sessions"])]}
    first |= {one.session for one in counting[-int(rule("no_gain_sessions")) :]}
    return History(tuple(kept), tuple(one for one in outings if now - one.ended < _KEEP or one.session in first))


def _symptoms(events: Iterable[Event], started_at: datetime) -> list[Lock]:
    return [
        symptom(*place, started_at + timedelta(seconds=_seconds(event)))
        for event in events
        if (place := locked_place(event)) is not None
    ]


def _closed(events: Iterable[Event], started_at: datetime) -> Iterator[Lock]:
    """Regions whose load was unknown for over a minute: left alone for a day, but not refused."""
    for event in events:
        place = _told_place(event, "closed")
        if place is not None:
            until = started_at + timedelta(seconds=_seconds(event), hours=rule("day_h"))
            yield Lock(*place, "its load was not known", until, refuses=False)


def locked_place(event: Event) -> tuple[str, str] | None:
    """Where the guard has just locked a region for a symptom."""
    return _told_place(event, "locked")


def _told_place(event: Event, state: str) -> tuple[str, str] | None:
    if not isinstance(event, Notice) or event.kind != "region" or event.fields.get("state") != state:
        return None
    region, side = event.fields.get("region"), event.fields.get("side")
    return (str(region), str(side)) if region in regions() else None


def symptom(region: str, side: str, at: datetime) -> Lock:
    return Lock(region, side, "numb, tingling or shooting pain", at + timedelta(hours=rule("symptom_lock_h")))


def _tail(data: "SessionData") -> dict[tuple[str, str], tuple[float, float]]:
    """After a crash: contact and dose from the last totals to the last time stamp, which nobody has summed up.

    Where a pressure is not known there, the last known one goes on.
    """
    totals = [event for event in data.events if isinstance(event, Totals)]
    from_s = totals[-1].t_s if totals else 0.0
    late = data.t_s > from_s
    times = np.concatenate(([from_s], data.t_s[late]))
    pressures = data.pressure_kpa[late]
    known = np.isfinite(pressures)
    if not known.any():
        return {}
    lasting = np.maximum.accumulate(np.where(known, np.arange(len(pressures)), 0))
    p_kpa = np.where(known[lasting], pressures[lasting], 0.0)
    dt_s = np.diff(times)
    contact_s = float(dt_s[p_kpa >= CONTACT_KPA].sum())
    dose = float((np.maximum(0.0, p_kpa - DOSE_FLOOR_KPA) * dt_s).sum())
    return {_last_place(data): (contact_s, dose)}


def _last_place(data: "SessionData") -> tuple[str, str]:
    """Where the ball was at the end."""
    region, side = data.opened.region, data.opened.side
    for event in data.events:
        if isinstance(event, Action) and event.kind in ("region", "side"):
            region = str(event.fields.get("region", region))
            side = str(event.fields.get("side", side))
    return region, side


def _seconds(event: Event) -> float:
    return event.t_s if isinstance(event, Notice) else 0.0
