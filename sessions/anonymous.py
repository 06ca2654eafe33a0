"""A session without whom it is of: no names, serials, notes or dates; times count from its beginning.

What remains is listed here, not what is dropped: a field that somebody adds later stays out until it is let in.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from sessions.batches import Part
from sessions.events import Action, Alert, Cue, Fields, Json, Notice, Totals
from sessions.record import Kept
from sessions.session import Whole

SOME_DAY = datetime(1970, 1, 1, tzinfo=UTC)  # stands where a date is needed, and is never written
DEVICE = (
    "kind",
    "model",
    "vendor",
    "firmware",
    "channels",
    "unit",
    "lsb",
    "max_hz",
    "has_clock",
    "full_scale",
    "cell_mm2",
    "contact_mm2",
    "tool",
)
CONTEXT = (
    "screened",
    "factor_k",
    "region",
    "side",
    "tool",
    "area_cm2",
    "full_scale_n",
    "calibrated",
    "judged",
    "limits_version",
    "cell_cm2",
    "noise_n",
    "rolling",
    "session_limit_s",
)
NOTICES: Mapping[str, Sequence[str]] = {
    "gap": ("from_s", "to_s", "lost", "cause"),
    "segment": ("cause", "loaded"),
    "value": ("state", "cause"),
    "link": ("state",),
    "region": ("region", "side", "state"),
    "end": (),
    "hands": ("state", "value"),
    "over": ("cause",),
}
CUES = (
    *("site", "region", "side", "tool", "technique", "band_kpa", "seconds", "repeats", "rep", "in_s", "left_s", "way"),
    *("held_s", "from_s", "hold_load", "cause", "steps", "done", "skipped"),
)
ACTIONS = (
    *("region", "side", "tool", "area_cm2", "rolling", "rating", "symptom", "by", "step", "trusted", "on"),
    *("value", "when", "pressure_kpa", "left_s", "left_peak_kpa"),
)
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")  # words of our own; not a path, not a sentence


def anonymous(whole: Whole, name: str) -> Whole:
    """The same session, called `name`. Its start is SOME_DAY: writers leave it out."""
    row = replace(
        whole.row,
        id=name,
        started_at=SOME_DAY,
        person="",
        device=str(whole.opened.device.get("kind") or ""),
        program=_code(whole.row.program),
        note="",
        tags=(),
    )
    opened = replace(
        whole.opened,
        started_at=SOME_DAY,
        person="",
        program=row.program,
        device=_only(whole.opened.device, DEVICE),
        context=_only(whole.opened.context, CONTEXT),
        routine=None,  # a user's own program has words of theirs
    )
    return Whole(row, opened, whole.unit, _relative(whole.parts), list(_events(whole.events)))


def _events(events: Sequence[Kept]) -> Iterator[Kept]:
    for event in events:
        match event:
            case Totals() | Alert():  # all of it is the program's own words and numbers
                yield event
            case Notice() if event.kind in NOTICES:
                yield Notice(event.t_s, event.kind, "", _codes(_only(event.fields, NOTICES[event.kind])))
            case Cue():
                yield Cue(event.t_s, event.kind, event.step, "", _codes(_only(event.fields, CUES)))
            case Action():
                yield replace(event, fields=_codes(_only(event.fields, ACTIONS)), after_index=None)
            case _:
                pass


def _relative(parts: Sequence[Part]) -> Sequence[Part]:
    """Clocks, numbers and arrivals from the first of each clock: how long a ball was on tells one from another."""
    if not parts:
        return parts
    segments = {int(segment) for part in parts for segment in part.segment}
    first_us = {
        each: min(int(part.t_us[part.segment == each].min(initial=2**62)) for part in parts) for each in segments
    }
    first = {each: min(int(part.index[part.segment == each].min(initial=2**62)) for part in parts) for each in segments}
    began_ms = min(int((part.from_us // 1000 + part.delay_ms).min()) for part in parts)
    return [
        replace(
            part,
            t_us=part.t_us - np.array([first_us[int(each)] for each in part.segment], np.int64),
            index=part.index - np.array([first[int(each)] for each in part.segment], np.int64),
            delay_ms=part.delay_ms - began_ms,
        )
        for part in parts
    ]


def _only(fields: Fields, names: Sequence[str]) -> dict[str, Json]:
    return {name: fields[name] for name in names if name in fields}


def _codes(fields: Fields) -> dict[str, Json]:
    return {name: _code(value) if isinstance(value, str) else value for name, value in fields.items()}


def _code(text: str | None) -> str | None:
    return text if text is not None and _CODE.fullmatch(text) else None
