"""What the columns of text lines are: which are forces, in what unit, and which is a time.

A column is a time only where it is labelled so or the user says so. Where a column names a force, only those that do
count; labels that only frame a plot never do. A number without a unit is a count.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from firmware_protocol.foreign.known import COUNTS, MAX_CHANNELS, NEWTONS, Known
from firmware_protocol.foreign.lines import OTHER, UNITS, Part

WORD = re.compile(r"[a-z]+")
FRAME = frozenset({"min", "max", "minimum", "maximum", "lower", "upper", "floor", "ceiling", "bottom", "top", "zero"})
TIMES = frozenset({"t", "time", "times", "timestamp", "millis", "micros", "ms", "us"})
FORCES = frozenset(
    {"force", "forces", "weight", "weights", "load", "newton", "newtons", "mass", "kilogram", "pressure"}
)
LABEL_UNITS = UNITS | {
    "newton": "N",
    "newtons": "N",
    "kilogram": "kg",
    "kilograms": "kg",
    "pound": "lb",
    "pounds": "lb",
}
TICKS_US = {"time_s": 1_000_000, "time_ms": 1000, "time_us": 1}
SURE = {"ms": "time_ms", "millis": "time_ms", "us": "time_us", "micros": "time_us"}


@dataclass(frozen=True, slots=True)
class Columns:
    """By number from 0. `time` None: no column is one. `tick_us` 0: its unit is to be measured."""

    forces: tuple[int, ...]
    newtons: tuple[float | None, ...]  # of one step of each force; None: a count
    time: int | None = None
    tick_us: int = 0


def columns_of(parts: Sequence[Part], header: Sequence[str], known: Known) -> Columns | None:
    """None: no column may be a force, or more are than a ball has cells."""
    labels = [part.label or (header[at] if len(header) == len(parts) else "") for at, part in enumerate(parts)]
    if known.columns and len(known.columns) != len(parts):
        return None
    roles = known.columns or _roles(parts, labels)
    forces = [at for at, role in enumerate(roles) if role == "force"]
    units = {at: _unit(parts[at], labels[at], known) for at in forces}
    if not known.columns and not known.unit:
        sure = [at for at in forces if units[at] in NEWTONS] or [at for at in forces if _names_force(labels[at])]
        forces = sure or forces
    if not 0 < len(forces) <= MAX_CHANNELS:
        return None
    newtons = tuple(NEWTONS.get(units[at]) for at in forces)
    times = [at for at, role in enumerate(roles) if role.startswith("time")]
    if len(times) != 1:
        return Columns(tuple(forces), newtons)
    return Columns(tuple(forces), newtons, times[0], TICKS_US.get(roles[times[0]], 0))


def _roles(parts: Sequence[Part], labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(_role(part, label) for part, label in zip(parts, labels, strict=True))


def _role(part: Part, label: str) -> str:
    words = set(WORD.findall(label))
    if part.unit in SURE or words & TIMES:
        sure = SURE.get(part.unit) or next((SURE[word] for word in sorted(words) if word in SURE), "")
        return sure or "time"
    if part.unit in (OTHER, "s") or words & FRAME:
        return "-"
    return "force"


def _unit(part: Part, label: str, known: Known) -> str:
    """A key of NEWTONS, or COUNTS. What the user says beats what the line says."""
    said = [LABEL_UNITS[word] for word in WORD.findall(label) if word in LABEL_UNITS]
    return known.unit or part.unit or next((unit for unit in said if unit in NEWTONS), COUNTS)


def _names_force(label: str) -> bool:
    return bool(set(WORD.findall(label)) & FORCES)
