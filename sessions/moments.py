"""The moments of a session one goes back to, and the curve of one session laid over another's. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from sessions.events import Action, Alert, Cue, Event, Floats, Json, Level, Notice, Phase

KINDS = ("step", "mark", "alert", "gap")
CONTACT_KPA = 5.0  # contact begins here


class Stretch(Protocol):
    """Time of which nothing was received, such as `sessions.session.Gap`."""

    @property
    def from_s(self) -> float: ...
    @property
    def to_s(self) -> float: ...
    @property
    def cause(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Moment:
    t_s: float
    kind: str  # one of KINDS
    text: str


def moments(events: Iterable[Event], gaps: Iterable[Stretch]) -> list[Moment]:
    """Steps, marks, alerts as they were raised, and gaps, in order of time."""
    events = list(events)
    led = any(isinstance(event, Cue) for event in events)
    found = [Moment(gap.from_s, "gap", f"{gap.cause or 'gap'}, {gap.to_s - gap.from_s:.1f} s") for gap in gaps]
    for event in events:
        match event:
            case Alert(phase=Phase.RAISED | Phase.ESCALATED) if event.level >= Level.CAUTION:
                found.append(Moment(event.t_s, "alert", f"{event.level.name.lower()}: {event.text}"))
            case Action(kind="mark") if event.t_s is not None:
                found.append(Moment(event.t_s, "mark", mark_text(event)))
            case Cue(kind="step"):
                found.append(Moment(event.t_s, "step", str(event.fields.get("title") or event.text)))
            case Action(kind="next") if event.t_s is not None and not led:
                found.append(Moment(event.t_s, "step", "next step"))
            case Notice(kind="step"):
                found.append(Moment(event.t_s, "step", event.text or "step"))
            case _:
                pass
    return sorted((moment for moment in found if math.isfinite(moment.t_s)), key=lambda moment: moment.t_s)


def mark_text(mark: Action) -> str:
    return " ".join(value for value in mark.fields.values() if isinstance(value, str))


def start_of(t_s: Floats, kpa: Floats, found: Sequence[Moment], align: str) -> float | None:
    """Where a session begins for a comparison: "start" its first sample, "contact" the first pressure, "step N" the
    N-th step (the first is the start). None where it has no such moment.
    """
    if align == "start":
        return 0.0
    if align == "contact":
        pressing = np.flatnonzero(kpa >= CONTACT_KPA)
        return float(t_s[pressing[0]]) if len(pressing) else None
    number = int(align.removeprefix("step "))
    steps = [moment.t_s for moment in found if moment.kind == "step"]
    if steps and steps[0] > 0:
        steps.insert(0, 0.0)
    return steps[number - 1] if 0 < number <= len(steps) else None


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a table of differences: a value for each session, None where it is unknown."""

    name: str
    unit: str
    values: tuple[float | None, ...]

    @property
    def differences(self) -> tuple[float | None, ...]:
        """Of each from the first."""
        first = self.values[0]
        return tuple(None if first is None or value is None else value - first for value in self.values)

    def to_json(self) -> dict[str, Json]:
        return {
            "name": self.name,
            "unit": self.unit,
            "values": list(self.values),
            "difference_from_first": list(self.differences),
        }


def pieces(t_s: Floats, kpa: Floats, bins: int, from_s: float, to_s: float) -> Floats:
    """The mean pressure in each of `bins` equal stretches; NaN where nothing is known."""
    edges = np.linspace(from_s, to_s, bins + 1)
    cuts = np.searchsorted(t_s, edges)
    means = np.full(bins, np.nan)
    for number, (first, last) in enumerate(pairwise(cuts.tolist())):
        known = kpa[first:last]
        known = known[np.isfinite(known)]
        if len(known):
            means[number] = known.mean()
    return means
