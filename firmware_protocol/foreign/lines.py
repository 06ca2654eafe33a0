"""Lines of text as sketches print them, for the Arduino Serial Plotter or for people.

    line   = part *(separator part) *CR LF      separator: spaces, tabs, commas
    part   = [label ":"] number [unit]          "-12.3", "force:12.3", "Reading: 12.3 g", "12.3kg"
    header = label *(separator label)           names the numbers of the lines behind it

A line that is neither is odd: boot text, a menu, half a line. Rules between blocks ("-----") and blank lines are none.
Hexadecimal, infinite and missing numbers are odd, and so is "=" as a separator.
"""

import re
from dataclasses import dataclass

from firmware_protocol.foreign.known import COUNTS, LARGEST, MAX_COLUMNS

MAX_LINE = 2048
SEPARATOR = re.compile(r"[ \t,]+")
NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
NUMBER_UNIT = re.compile(rf"({NUMBER})([A-Za-z%]*)")
LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_()/.#%-]{0,31}")
RULE = re.compile(r"[-=*_#~]{2,}")
UNITS = {
    "n": "N",
    "mn": "mN",
    "kn": "kN",
    "kg": "kg",
    "kgf": "kg",
    "kgs": "kg",
    "g": "g",
    "gf": "g",
    "gram": "g",
    "grams": "g",
    "lb": "lb",
    "lbs": "lb",
    "lbf": "lb",
    "oz": "oz",
    "counts": COUNTS,
    "raw": COUNTS,
    "adc": COUNTS,
    "ms": "ms",
    "us": "us",
    "s": "s",
}
OTHERS = frozenset({"v", "mv", "c", "f", "%", "hz", "pa", "kpa", "hpa", "psi", "ohm", "ohms", "lux", "lx", "rpm", "db"})
OTHER = "other"  # a unit of something that is no force


@dataclass(frozen=True, slots=True)
class Part:
    label: str  # lower case; empty: none
    value: float
    unit: str  # a value of UNITS, OTHER, or empty
    whole: bool  # no decimals


Shape = tuple[tuple[str, str], ...]  # label and unit of each part


def shape_of(parts: tuple[Part, ...]) -> Shape:
    return tuple((part.label, part.unit) for part in parts)


class Splitter:
    """A stream cut into lines. Bounded: what is longer than a line may be is dropped up to its end, counted once."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def reset(self) -> None:
        self._rest, self._skipping = b"", False

    def feed(self, data: bytes) -> list[bytes | None]:
        """Lines without their end; None for one that is too long."""
        *lines, rest = (self._rest + data).split(b"\n")
        found: list[bytes | None] = []
        for line in lines:
            if self._skipping:
                self._skipping = False
            else:
                found.append(line if len(line) <= MAX_LINE else None)
        if self._skipping:
            rest = b""
        elif len(rest) > MAX_LINE:
            found.append(None)
            rest, self._skipping = b"", True
        self._rest = rest
        return found


@dataclass(frozen=True, slots=True)
class Header:
    labels: tuple[str, ...]  # lower case


@dataclass(frozen=True, slots=True)
class Blank:
    """Nothing that matters."""


@dataclass(frozen=True, slots=True)
class Odd:
    """Neither numbers nor labels."""


def read(line: bytes) -> tuple[Part, ...] | Header | Blank | Odd:
    """What a line says."""
    try:
        text = line.rstrip(b"\r").decode("ascii")
    except UnicodeDecodeError:
        return Odd()
    if not text.replace("\t", " ").isprintable():
        return Odd()
    tokens = [token for token in SEPARATOR.split(text) if token]
    if not tokens or (len(tokens) == 1 and RULE.fullmatch(tokens[0])):
        return Blank()
    if len(tokens) > 2 * MAX_COLUMNS:
        return Odd()
    parts = _parts(tokens)
    if parts is not None:
        return parts
    labels = tuple(token.rstrip(":").lower() for token in tokens)
    if all(LABEL.fullmatch(label) for label in labels):
        return Header(labels)
    return Odd()


def _parts(tokens: list[str]) -> tuple[Part, ...] | None:
    parts: list[Part] = []
    label = ""
    for token in tokens:
        before, colon, after = token.rpartition(":")
        if colon and (label or not LABEL.fullmatch(before)):
            return None
        if colon and not after:
            label = before.lower()
            continue
        unit = _unit(token)
        if not colon and unit and parts and not parts[-1].unit and not label:
            parts[-1] = Part(parts[-1].label, parts[-1].value, unit, parts[-1].whole)
            continue
        found = _part(label or before.lower(), after)
        if found is None:
            return None
        parts.append(found)
        label = ""
    return tuple(parts) if parts and not label and len(parts) <= MAX_COLUMNS else None


def _part(label: str, text: str) -> Part | None:
    match = NUMBER_UNIT.fullmatch(text)
    if match is None:
        return None
    number, suffix = match.groups()
    unit = _unit(suffix)
    value = float(number)
    if (suffix and not unit) or not abs(value) <= LARGEST:
        return None
    return Part(label, value, unit, not any(sign in number for sign in ".eE"))


def _unit(word: str) -> str:
    word = word.lower()
    return UNITS.get(word, OTHER if word in OTHERS else "")
