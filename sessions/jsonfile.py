"""Sessions as one JSON document, or as JSON lines: one event a line, in the words of `knead live --jsonl`."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import BinaryIO

import numpy as np

from sessions.csvfile import host_times
from sessions.events import Alert, Cue, Floats, Json, Notice, Totals
from sessions.quantities import NEWTONS
from sessions.record import Kept
from sessions.scans import Scans, scans_of
from sessions.session import Whole

SCHEMA = 1
READING_SCANS = 100  # of a line of JSON lines at most


def write_json(sessions: Sequence[Whole], stream: BinaryIO, *, dated: bool = True) -> None:
    """`{"schema": 1, "sessions": [...]}`: each with its row, its scans as columns, and its events."""
    stream.write(f'{{"schema": {SCHEMA}, "sessions": ['.encode())
    for number, whole in enumerate(sessions):
        stream.write(b",\n" if number else b"\n")
        stream.write(_text(_document(whole, dated)))
    stream.write(b"\n]}\n")


def write_jsonl(sessions: Sequence[Whole], stream: BinaryIO, *, dated: bool = True) -> None:
    """For each session a notice `opened`, its readings and events in order of time, and a line `session`."""
    for whole in sessions:
        stream.writelines(_text(line) + b"\n" for line in _lines(whole, dated))


def _document(whole: Whole, dated: bool) -> dict[str, Json]:
    scans = scans_of(whole)
    columns: dict[str, Json] = {
        "t_s": _numbers(scans.t_s),
        "device_time_s": _numbers(scans.device_s),
        "arrival_s": _numbers(scans.arrival_s),
        "index": scans.index.tolist(),
        "segment": scans.segment.tolist(),
        "late": scans.late.tolist(),
        "load": _numbers(scans.load),
        "force_n": _numbers(_force(scans)),
        "pressure_kpa": _numbers(scans.pressure_kpa),
        "saturated": scans.saturated.tolist(),
        "area_cm2": _numbers(scans.area_cm2),
        "place": scans.place.tolist(),
        "cells": [_numbers(row) for row in scans.cells],
    }
    if dated:
        times = host_times(whole.opened.started_at, scans.t_s - whole.opened.t_s)
        columns["host_time"] = [bytes(row).decode() for row in times]
    return {
        **_head(whole, dated),
        "unit": scans.unit,
        "places": [_plain(place) for place in scans.places],
        "scans": len(scans.t_s),
        "columns": columns,
        "events": [event_json(event) for event in whole.events],
    }


def _head(whole: Whole, dated: bool) -> dict[str, Json]:
    row, opened = whole.row.to_json(), whole.opened
    if not dated:
        del row["started_at"]
    return {
        **row,
        "software": opened.software,
        "area_cm2": opened.area_cm2,
        "profile": dict(opened.device),
        "context": dict(opened.context),
        "smoothing": dict(opened.smoothing),
        "routine": None if opened.routine is None else dict(opened.routine),
    }


def _lines(whole: Whole, dated: bool) -> Iterator[dict[str, Json]]:
    opened = {field.name: _plain(getattr(whole.opened, field.name)) for field in fields(whole.opened)}
    opened["started_at"] = whole.opened.started_at.isoformat() if dated else None
    yield {"event": "notice", "t_s": whole.opened.t_s, "kind": "opened", "text": "the session begins", "fields": opened}
    scans = scans_of(whole)
    waiting = list(whole.events)
    for start, end in _runs(scans):
        while waiting and (waiting[0].t_s or 0.0) < scans.t_s[start]:
            yield event_json(waiting.pop(0))
        yield _reading(scans, start, end)
    for event in waiting:
        yield event_json(event)
    yield {"event": "session", **_head(whole, dated)}


def _runs(scans: Scans) -> Iterator[tuple[int, int]]:
    """Scans that came together, so many at most."""
    edges = [0, *(np.flatnonzero(np.diff(scans.batch)) + 1).tolist(), len(scans.t_s)] if len(scans.t_s) else [0]
    for begin, end in pairwise(edges):
        for start in range(begin, end, READING_SCANS):
            yield start, min(start + READING_SCANS, end)


def _reading(scans: Scans, start: int, end: int) -> dict[str, Json]:
    part = slice(start, end)
    return {
        "event": "reading",
        "t_s": _numbers(scans.t_s[part]),
        "force_n": _numbers(_force(scans)[part]),
        "pressure_kpa": _numbers(scans.pressure_kpa[part]),
        "load": _numbers(scans.load[part]),
        "cells": [_numbers(row) for row in scans.cells[part]],
        "unit": scans.unit,
        "saturated": scans.saturated[part].tolist(),
        "lost": int(scans.lost[part].sum()),
        "late": bool(scans.late[start]),
        "index": int(scans.index[start]),
        "segment": int(scans.segment[start]),
        "device_time_s": round(float(scans.device_s[start]), 6),
    }


def event_json(event: Kept) -> dict[str, Json]:
    told = {field.name: _plain(getattr(event, field.name)) for field in fields(event)}
    match event:
        case Alert():
            return {"event": "alert", **told, "level": event.level.name.lower(), "phase": event.phase.value}
        case Notice():
            return {"event": "notice", **told}
        case Totals():
            return {"event": "totals", **told}
        case Cue():
            return {"event": "cue", **told}
        case _:
            return {"event": "action", **told}


def _force(scans: Scans) -> Floats:
    return scans.load if scans.unit == NEWTONS else np.full_like(scans.load, np.nan)


def _numbers(values: Floats) -> list[Json]:
    """To a millionth; None where nothing is known."""
    return [value if math.isfinite(value) else None for value in values.round(6).tolist()]


def _plain(value: object) -> Json:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return str(value)


def _text(value: object) -> bytes:
    """ASCII: no sign in it that a terminal acts on."""
    return json.dumps(value, allow_nan=False).encode()
