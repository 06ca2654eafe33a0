"""What pairing settles of a ball, and how it is kept: the stored profile.

It is kept as JSON beside the ball's row in the log. A field that cannot be read is not known; fields that others keep
there (a kind's own settings) pass through untouched.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

from companion.errors import ConfigError
from companion.safety.limits import tools
from companion.safety.table import AREA_RANGE
from firmware_protocol.foreign.known import COUNTS, MAX_CHANNELS, MAX_COLUMNS, NEWTONS, ROLES, points_of
from sessions.events import Fields, Json

FULL_SCALE_RANGE_N = (1.0, 20_000.0)  # below it no body can be weighed, above it no ball survives
CELL_RANGE_CM2 = (0.01, AREA_RANGE[1])
NOISE_RANGE_N = (0.0, 1000.0)
DIAMETER_RANGE_MM = (20.0, 200.0)  # a knob to a small gym ball
BAUD_RANGE = (300, 4_000_000)
NAME_MAX = 40

# What a hardness makes of a ball: the tool it is taken for, and its contact area at the tool's usual diameter.
# E: a ball that is pressed alike flattens alike, so the area goes with the square of the diameter.
HARDNESS: Mapping[str, str] = {"hard": "hard", "medium": "tennis", "soft": "soft"}
USUAL_MM: Mapping[str, float] = {"hard": 63.0, "tennis": 67.0, "soft": 75.0}  # lacrosse, tennis, small air ball

Points = tuple[tuple[tuple[float, float], ...], ...]  # by channel: (number, newton), numbers rising


@dataclass(frozen=True, slots=True)
class Settled:
    """The stored profile. None, or empty, is not known."""

    tool: str | None = None
    area_cm2: float | None = None  # contact area of the whole tool, confirmed by a person
    diameter_mm: float | None = None  # what `area_cm2` was worked out from
    hardness: str | None = None
    cell_cm2: float | None = None  # skin area of one channel
    full_scale_n: float | None = None
    noise_n: float | None = None  # measured: the standard deviation of the free ball's load
    baud: int | None = None
    columns: tuple[str, ...] = ()  # of a text board: what each column means, a word of foreign.known.ROLES each
    unit: str | None = None  # of the device's numbers, where it names none
    invert: bool | None = None  # pressing makes its numbers fall
    cal_crc: int | None = None  # of the ball's calibration as it was confirmed
    calibrated_on: date | None = None  # as the person says, of that calibration
    points: Points = ()  # of a calibration in this program, for a ball without one
    points_on: date | None = None
    usb_id: str = ""  # vid:pid of the adapter, by which its port is found again
    usb_serial: str = ""
    radio_name: str = ""  # what it advertises; no identity
    encrypted: bool | None = None  # the link it was paired over
    checked_at: datetime | None = None  # of the trust check
    checks: tuple[Fields, ...] = ()  # what it found

    def to_fields(self) -> dict[str, Json]:
        """Only what is known."""
        told: dict[str, Json] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if value not in (None, "", ()):
                told[item.name] = _json(value)
        return told


def settled_of(kept: Fields) -> Settled:
    """From what is stored. Never raises: what cannot be read is not known."""
    known: dict[str, Any] = {}
    for name, read in _READ.items():
        try:
            known[name] = read(kept[name])
        except (KeyError, ValueError, TypeError, OverflowError, AttributeError):
            continue
    return Settled(**known)


def merged(kept: Fields, settled: Settled) -> dict[str, Json]:
    """What is to be stored: what was settled now over what was before; others' fields stay."""
    own = {item.name for item in fields(Settled)}
    return {**{name: value for name, value in kept.items() if name not in own}, **settled.to_fields()}


def area_of(diameter_mm: float, hardness: str) -> float:
    """Contact area in cm2 of a ball by its size: never above its kind's usual one by more than its size explains."""
    tool = tools()[HARDNESS[hardness]]
    ratio = diameter_mm / USUAL_MM[tool.key]
    return min(AREA_RANGE[1], max(AREA_RANGE[0], math.floor(tool.area_cm2 * ratio * ratio * 10) / 10))


def checked_name(name: str) -> str:
    """A nickname that can be typed, shown, and never taken for an address. Raises ConfigError."""
    plain = " ".join(name.split())
    wrong = not plain or len(plain) > NAME_MAX or not plain.isprintable() or ":" in plain or plain[0] in "-@/.\\"
    if wrong or plain.casefold() in ("demo", "last", "none", "all"):
        raise ConfigError(
            f"a ball cannot be called {name.strip()[:NAME_MAX]!r}",
            f"1 to {NAME_MAX} letters; no colon, and not demo, last, none or all",
        )
    return plain


# --- reading what was stored ---


def _json(value: object) -> Json:
    match value:
        case date() | datetime():
            return value.isoformat()
        case tuple() | list():
            return [_json(item) for item in value]
        case Mapping():
            return {str(key): _json(item) for key, item in value.items()}
        case bool() | int() | float() | str() | None:
            return value
    raise TypeError(f"{value!r} is not to be stored")


def _number(low: float, high: float) -> Any:
    def read(value: Json) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(value)
        return float(value)

    return read


def _whole(low: int, high: int) -> Any:
    def read(value: Json) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(value)
        return value

    return read


def _word(*allowed: str) -> Any:
    def read(value: Json) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(value)
        return value

    return read


def _text(value: Json) -> str:
    if not isinstance(value, str) or len(value) > 100 or not value.isprintable():
        raise ValueError(value)
    return value


def _truth(value: Json) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _day(value: Json) -> date:
    return date.fromisoformat(_text(value))


def _moment(value: Json) -> datetime:
    at = datetime.fromisoformat(_text(value))
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _columns(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_COLUMNS:
        raise ValueError(value)
    return tuple(_word(*ROLES)(name) for name in value)


def _points(value: Json) -> Points:
    """All channels or none: a table with a hole in it is no calibration."""
    tables = [points_of(row) for row in value] if isinstance(value, list) else []
    if not tables or not all(tables) or len(tables) > MAX_CHANNELS:
        raise ValueError(value)
    return tuple(tables)


def _checks(value: Json) -> tuple[Fields, ...]:
    if not isinstance(value, list) or len(value) > 50:
        raise ValueError(value)
    return tuple(row for row in value if isinstance(row, dict))


_READ: Mapping[str, Any] = {
    "tool": lambda value: _word(*tools())(value),
    "area_cm2": _number(*AREA_RANGE),
    "diameter_mm": _number(*DIAMETER_RANGE_MM),
    "hardness": _word(*HARDNESS),
    "cell_cm2": _number(*CELL_RANGE_CM2),
    "full_scale_n": _number(*FULL_SCALE_RANGE_N),
    "noise_n": _number(*NOISE_RANGE_N),
    "baud": _whole(*BAUD_RANGE),
    "columns": _columns,
    "unit": _word(*NEWTONS, COUNTS),
    "invert": _truth,
    "cal_crc": _whole(0, 0xFFFFFFFF),
    "calibrated_on": _day,
    "points": _points,
    "points_on": _day,
    "usb_id": _text,
    "usb_serial": _text,
    "radio_name": _text,
    "encrypted": _truth,
    "checked_at": _moment,
    "checks": _checks,
}
