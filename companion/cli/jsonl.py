"""A session as JSON lines, for programs: one event a line.

Pure: events in, lines out, in the outlet's thread. An unknown value is null, never 0; whatever a ball says of itself
is without controls and escapes. Units stand in the names; numbers of scans are rounded to a millionth of them.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from companion.cli.assumed import assumptions
from companion.cli.text import clean
from sessions.events import Action, Alert, Closed, Cue, Event, Json, Notice, Opened, Reading, Totals

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from companion.cli.watch import Ending
    from sessions.events import Floats


class Jsonl:
    """One event a line, as JSON."""

    def __init__(self) -> None:
        self.known: Iterable[str] = ()  # what is known of the person, said when the session begins
        self._t_s = 0.0

    def words(self, event: Event) -> Iterable[str]:
        return (*self.known, *assumptions(event)) if isinstance(event, Opened) else ()

    def lines(self, event: Event) -> Iterable[str]:
        self._t_s = float(event.t_s[-1]) if isinstance(event, Reading) else event.t_s or self._t_s
        if isinstance(event, Reading):
            return (json.dumps(_reading(event), allow_nan=False),)
        return (_line(_other(event)),)

    def dropped(self, readings: int) -> Iterable[str]:
        text = f"{readings} readings were not printed: their reader is slow"
        return (_line(_notice(self._t_s, "output", text, {"readings": readings})),)

    def ending(self, ending: "Ending") -> list[str]:
        summary: dict[str, Json] = {"id": ending.session_id, "state": "unrecorded"}
        if ending.row is not None:
            summary = dict(ending.row.to_json())
        elif ending.session_id is not None:
            summary["state"] = "unreadable"
        return [
            _line({"event": "session", "t_s": summary.get("duration_s", self._t_s), **summary, "exit": ending.code})
        ]

    def parting(self, ending: "Ending") -> list[str]:
        if ending.session_id is None:
            return []
        return [f"knead: saved in {ending.database}; look at it with: knead sessions show last"]


def _other(event: Event) -> Mapping[str, object]:
    match event:
        case Alert():
            return {"event": "alert", **_shallow(event), "level": event.level.name.lower()}
        case Notice():
            return _notice(event.t_s, event.kind, event.text, event.fields)
        case Totals():
            return {"event": "totals", **_shallow(event)}
        case Cue():
            return {"event": "cue", **_shallow(event)}
        case Action():
            return {"event": "action", **_shallow(event)}
        case Opened():
            known = _shallow(event) | {"started_at": event.started_at.isoformat()}
            return _notice(event.t_s, "opened", "the session begins", known)
        case Closed():
            return _notice(event.t_s, "closed", "the session ends", {"cause": event.cause})
        case _:
            raise AssertionError(event)


def _shallow(event: "DataclassInstance") -> dict[str, object]:
    return {field.name: getattr(event, field.name) for field in fields(event)}


def _notice(t_s: float, kind: str, text: str, known: Mapping[str, object]) -> dict[str, object]:
    return {"event": "notice", "t_s": t_s, "kind": kind, "text": text, "fields": known}


def _reading(reading: Reading) -> Mapping[str, object]:
    return {
        "event": "reading",
        "t_s": _numbers(reading.t_s),
        "force_n": _numbers(reading.force_n),
        "pressure_kpa": _numbers(reading.pressure_kpa),
        "smooth_kpa": _numbers(reading.smooth_kpa),
        "ramp_kpa_s": _numbers(reading.ramp_kpa_s),
        "load": _numbers(reading.load),
        "cells": [_known(row) for row in reading.cells.round(6).tolist()],
        "unit": clean(reading.unit),
        "saturated": reading.saturated.tolist(),
        "lost": reading.lost,
        "late": reading.late,
        "index": reading.index,
        "segment": reading.segment,
    }


def _numbers(values: "Floats") -> list[Json]:
    """To a millionth: of a newton, a kilopascal, a second. None where nothing is known."""
    return _known(values.round(6).tolist())


def _known(values: list[float]) -> list[Json]:
    return [value if math.isfinite(value) else None for value in values]


def _line(known: Mapping[str, object]) -> str:
    return json.dumps(_plain(known), allow_nan=False)


def _plain(value: object) -> Json:
    """JSON without NaN, and with texts that no terminal acts on."""
    match value:
        case str():
            return clean(value)
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int():
            return value
        case Mapping():
            return {clean(str(name)): _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _plain(_shallow(value))
        case _:
            return clean(str(value))
