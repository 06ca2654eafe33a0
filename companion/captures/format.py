"""The capture file, format 1. Append-only; every record can be checked alone, so a cut costs what lies behind it.

    file      "knead capture 1\\n", then records
    record    length  u32  of the payload, at most 2^24
              kind    u8   an ASCII letter
              at_s    f64  seconds on the engine's clock; never less than in the record before, but for what came
                       from the ball: that bears its arrival, and may be told up to LATE_S later
              payload
              crc     u32  CRC-32 (zlib) of all of the record before it

    S  setup      JSON, the first record: what the composition root decided (`Setup`)
    G  guard      JSON: the GuardContext, once the ball is known; before it nothing is judged
    O  opened     a link is up
    X  closed     the link is gone; the cause, UTF-8
    I  in         from the ball: u8 length of the source's name, the name, the bytes as they arrived
    B  out        to the ball: likewise; a replay does not need them
    T  tick       the pipeline was told the time, because it had asked to be
    A  action     JSON: what a person did (kind, fields)
    E  end        the session is over; its cause, UTF-8. Without it the capture was cut short

Numbers are little-endian. JSON is UTF-8. Whatever the pipeline is told is a record, in the order it was told, before
it is judged: so what made a program fall is in its capture. What this computer itself said (that a disk is full) is
not: it is no input.
"""

import json
import struct
import zlib
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sessions.events import Action, Fields, Json

VERSION = 1
NAME = b"knead capture "
HEADER = NAME + b"%d\n" % VERSION
HEAD = struct.Struct("<IBd")  # length, kind, at_s
CRC = struct.Struct("<I")
MAX_PAYLOAD = 1 << 24
LATE_S = 60.0  # a reader stamps its bytes before the engine, busy with a tick or the opening, hears of them


class Kind(Enum):
    SETUP = b"S"
    GUARD = b"G"
    OPENED = b"O"
    CLOSED = b"X"
    IN = b"I"
    OUT = b"B"
    TICK = b"T"
    ACTION = b"A"
    END = b"E"


_KINDS = {kind.value[0]: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Record:
    kind: Kind
    at_s: float
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Setup:
    """What must be known before the first byte, to judge it again."""

    software: str
    epoch: str  # ISO 8601 with offset: wall time at 0 of the engine's clock ...
    speed: float  # ... and how many of its seconds one of the wall's has
    address: str
    person: str
    region: str
    side: str
    program: str | None
    first_tag: int
    smoothing: int  # version of the smoothing's parameters
    limits: int  # version of the limits
    kind: str = "native"  # how the ball was spoken to: the driver of this kind,
    link: str = "serial"  # over such a link,
    expect_serial: str = ""  # for this ball alone,
    settings: dict[str, Json] = field(default_factory=dict)  # with what was known of it
    routine: Fields | None = None  # what the coach led through; None: there was no program
    hands: Fields | None = None  # how it was led without hands; None: it was not

    def wall(self, at_s: float) -> datetime:
        """Wall time at a moment of the engine's clock."""
        return datetime.fromisoformat(self.epoch) + timedelta(seconds=at_s / self.speed)


def encode(record: Record) -> bytes:
    """ValueError where the payload is too long."""
    if len(record.payload) > MAX_PAYLOAD:
        raise ValueError(f"a record of {len(record.payload)} bytes")
    body = HEAD.pack(len(record.payload), record.kind.value[0], record.at_s) + record.payload
    return body + CRC.pack(zlib.crc32(body))


def decode_head(data: bytes) -> tuple[int, Kind, float]:
    """Length, kind and time of a record. ValueError for anything else."""
    length, letter, at_s = HEAD.unpack(data)
    kind = _KINDS.get(letter)
    if kind is None or length > MAX_PAYLOAD or not -1e12 < at_s < 1e12:
        raise ValueError("no record")
    return length, kind, at_s


def of_bytes(kind: Kind, at_s: float, source: str, data: bytes) -> Record:
    """IN or OUT."""
    name = source.encode()[:255]
    return Record(kind, at_s, bytes((len(name),)) + name + data)


def bytes_of(record: Record) -> tuple[str, bytes]:
    """Source and data. ValueError where there are none."""
    length = record.payload[0] if record.payload else 256
    name, data = record.payload[1 : 1 + length], record.payload[1 + length :]
    if len(name) != length:
        raise ValueError("a source without a name")
    return name.decode(), data


def of_action(at_s: float, action: Action) -> Record:
    return Record(Kind.ACTION, at_s, to_json({"kind": action.kind, "fields": dict(action.fields)}))


def action_of(record: Record) -> Action:
    """ValueError where it is none."""
    told = from_json(record.payload)
    kind, known = told.get("kind"), told.get("fields")
    if not isinstance(kind, str) or not isinstance(known, dict):
        raise ValueError("an action without a kind")
    return Action(kind, known)


def of_setup(setup: Setup) -> Record:
    return Record(Kind.SETUP, 0.0, to_json(asdict(setup)))


def setup_of(record: Record) -> Setup:
    """ValueError where it is none. Names it does not know are left out."""
    told: dict[str, Any] = from_json(record.payload)
    try:
        setup = Setup(**{known.name: told[known.name] for known in fields(Setup) if known.name in told})
        hands, routine = (
            known if isinstance(known, dict) else None for known in (told.get("hands"), told.get("routine"))
        )
        setup = replace(setup, hands=hands, routine=routine)
        texts: tuple[object, ...] = (setup.software, setup.epoch, setup.address, setup.person, setup.region, setup.side)
        texts += (setup.kind, setup.link, setup.expect_serial)
        numbers = (setup.speed, setup.first_tag, setup.smoothing, setup.limits)
        fine = all(isinstance(item, str) for item in texts) and all(type(item) in (int, float) for item in numbers)
        fine = fine and isinstance(setup.settings, dict)
        if not fine or not setup.speed > 0 or not 0 < setup.first_tag < 256 or setup.wall(0.0).tzinfo is None:
            raise ValueError("values")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"setup: {error}") from error
    return setup


def to_json(told: Fields) -> bytes:
    return json.dumps(told, separators=(",", ":"), default=str).encode()


def from_json(payload: bytes) -> dict[str, Json]:
    """ValueError for anything but an object."""
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ValueError("no JSON") from error
    if not isinstance(told, dict):
        raise ValueError("no JSON object")
    return told
