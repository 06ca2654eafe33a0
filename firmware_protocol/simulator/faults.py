"""What goes wrong with a virtual ball, told in one line: `drop=2%,burst=200ms,flip=1e-4,stall=5s@60,reboot@30`.

A part is `NAME`, `NAME=VALUE`, `NAME@SECOND` or `NAME=VALUE@SECOND`; SECOND is of the scenario, which begins with the
first START. Faults of the link change bytes after framing (linkfaults.py). Faults of the ball are its own: its clock,
its power, its identity (ballfaults.py), its cells (cellfaults.py). Every one is drawn from the seed and kept in the
record of what was done (`Harm`).
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType

LONGEST = 60  # letters of a part
DEFAULT_SECOND = 20.0  # of what happens once and was not told when


class Place(Enum):
    """Where a fault is at home."""

    LINK = "link"
    BALL = "ball"


@dataclass(frozen=True, slots=True)
class Fault:
    """One part of a specification. `value` in SI units: a share, seconds, newtons a second, a count or a word's place.

    `at_s`: the scenario's second; None: all along.
    """

    name: str
    value: float
    at_s: float | None = None
    word: str = ""


@dataclass(frozen=True, slots=True)
class Harm:
    """Something that was done, for the record."""

    at_s: float  # second of the scenario; 0 before it began
    fault: str
    what: str


@dataclass(frozen=True, slots=True)
class Measure:
    """How the value of a fault is written."""

    hint: str
    units: Mapping[str, float]  # suffix -> factor; "" where a bare number will do
    low: float
    high: float
    words: tuple[str, ...] = ()  # instead of numbers


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the table. `once`: it needs a moment; `stream`: it makes no sense where messages are datagrams."""

    name: str
    place: Place
    measure: Measure
    default: float | None  # None: a value has to be given
    once: bool
    says: str
    stream: bool = False
    timed: bool = True  # a second may be given


_TIMES = {"": 1.0, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
SHARE = Measure("2% or 0.02", {"": 1.0, "%": 0.01}, 1e-9, 1.0)
TIME = Measure("200ms, 5s, 2min or 1h", _TIMES, 1e-3, 86_400.0)
SECOND = Measure("a second, such as 20", _TIMES, 0.0, 604_800.0)
STEP = Measure("3s or -3s", _TIMES, -3600.0, 3600.0)
RATE = Measure("17% or -17%", {"": 1.0, "%": 0.01}, -0.2, 0.25)
PPM = Measure("500ppm or -500ppm", {"": 1.0, "ppm": 1.0}, -1000.0, 1000.0)
CREEP = Measure("2N/min", {"N/min": 1 / 60, "N/s": 1.0}, -100.0, 100.0)
CHARGE = Measure("8%", {"": 1.0, "%": 1.0}, 0.0, 100.0)
TIMES = Measure("100 or 100x", {"": 1.0, "x": 1.0}, 2.0, 1000.0)
CELLS = Measure("1 to 16", {"": 1.0}, 1.0, 16.0)
UNITS = Measure("raw, gas or unknown", {}, 0, 0, ("raw", "gas", "unknown"))
NAMES = Measure("markup, control or long", {}, 0, 0, ("markup", "control", "long"))
NOTHING = Measure("", {}, 0, 0)

_ROWS = (
    Kind("drop", Place.LINK, SHARE, None, False, "frames lost, both ways"),
    Kind("dup", Place.LINK, SHARE, None, False, "frames that come twice"),
    Kind("burst", Place.LINK, TIME, 0.2, False, "bursts of noise, every 5 s or so: all bytes are garbage", True),
    Kind("jitter", Place.LINK, TIME, None, False, "every frame is late by up to this; their order stays"),
    Kind("clump", Place.LINK, TIME, None, False, "what is sent waits and comes in clumps, one in so long"),
    Kind("flip", Place.LINK, SHARE, None, False, "bits that change, both ways", True),
    Kind("cut", Place.LINK, SHARE, None, False, "frames that lose their end", True),
    Kind("glue", Place.LINK, SHARE, None, False, "frames that lose the 00 after them", True),
    Kind("text", Place.LINK, SHARE, None, False, "frames that a line of the board's log is glued to", True),
    Kind("boottext", Place.LINK, NOTHING, 0.0, False, "the board's boot text at every link and restart", True, False),
    Kind("late", Place.LINK, TIME, 1.5, True, "the next reply comes so late"),
    Kind("reorder", Place.LINK, TIME, 0.3, True, "the link breaks; frames of so long before come on the next one"),
    Kind("stall", Place.LINK, TIME, None, True, "what the ball says waits so long, then comes at once"),
    Kind("silence", Place.LINK, TIME, None, True, "no byte passes, and the port stays"),
    Kind("unplug", Place.LINK, TIME, 5.0, True, "the port is gone, and back under a new name"),
    Kind("flood", Place.LINK, TIMES, 100.0, True, "every frame comes so many times, for 2 s"),
    Kind("wrap", Place.BALL, TIME, 10.0, False, "scan numbers and microseconds wrap so long after", timed=False),
    Kind("reboot", Place.BALL, TIME, 0.5, True, "it restarts, which takes so long: new boot, clock and zero"),
    Kind("reset", Place.BALL, TIME, 0.5, True, "it restarts and tares itself, whatever lies on it"),
    Kind("rate", Place.BALL, RATE, 0.17, False, "it scans faster (or slower) than it says", timed=False),
    Kind("clock", Place.BALL, PPM, 500.0, False, "its clock runs fast (or slow)", timed=False),
    Kind("step", Place.BALL, STEP, 3.0, True, "its clock jumps; its scans do not"),
    Kind("sleep", Place.BALL, TIME, 3600.0, True, "the computer sleeps: so long passes for the ball at a stroke"),
    Kind("saturate", Place.BALL, TIME, 2.0, True, "a cell is at its end"),
    Kind("stuck", Place.BALL, TIME, 6.0, True, "all cells show the same value"),
    Kind("drift", Place.BALL, CREEP, 2 / 60, False, "its zero wanders, from the second on"),
    Kind("nan", Place.BALL, SHARE, 0.05, False, "scans in which a cell has no value"),
    Kind("battery", Place.BALL, CHARGE, 8.0, True, "its charge; at 0 it stops"),
    Kind("tare", Place.BALL, NOTHING, 0.0, True, "its button is pressed long: it tares, whatever lies on it"),
    Kind("unit", Place.BALL, UNITS, None, False, "what its numbers mean; from the second on, by a restart"),
    Kind("cells", Place.BALL, CELLS, 16.0, False, "how many cells it has", timed=False),
    Kind("name", Place.BALL, NAMES, None, False, "what it says it is", timed=False),
)  # fmt: skip
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ROWS})

_PART = re.compile(r"(?P<name>[a-z]+)(?:=(?P<value>[^@]+))?(?:@(?P<at>.+))?")
_NUMBER = re.compile(r"(?P<number>[+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?) ?(?P<unit>[A-Za-z%/]*)")


def parse_faults(spec: str) -> tuple[Fault, ...]:
    """The faults of a specification. ValueError names the part that is wrong, and what would be right."""
    found: dict[str, Fault] = {}
    for part in (piece.strip() for piece in spec.split(",")):
        fault = _part(part)
        if fault.name in found:
            raise ValueError(f"{part!r}: {fault.name} is there twice")
        found[fault.name] = fault
    return tuple(found.values())


def at_home(faults: Iterable[Fault], place: Place) -> dict[str, Fault]:
    """Those of the link, or those of the ball, by name."""
    return {fault.name: fault for fault in faults if KINDS[fault.name].place is place}


def explain() -> list[str]:
    """A line for each fault: how it is written, and what it does."""
    lines = []
    for place, title in ((Place.LINK, "Of the link:"), (Place.BALL, "Of the ball:")):
        lines.append(title)
        for kind in (kind for kind in _ROWS if kind.place is place):
            measure = kind.measure
            example = "|".join(measure.words) or re.split(", | or | to ", measure.hint)[-1 if measure is CELLS else 0]
            form = kind.name + (f"={example}" if example else "") + (f"@{DEFAULT_SECOND:g}" if kind.once else "")
            lines.append(f"  {form:<24} {kind.says}")
    return lines


def write_harms(harms: Iterable[Harm], path: Path) -> None:
    """CSV, in order: at_s (second of the scenario), fault, what."""
    with path.open("w", encoding="ascii", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("at_s", "fault", "what"))
        rows.writerows((f"{harm.at_s:.6f}", harm.fault, harm.what) for harm in harms)


def _part(part: str) -> Fault:
    if len(part) > LONGEST:
        raise ValueError(f"{part[:20]!r}... is no fault: one has {LONGEST} letters at most")
    match = _PART.fullmatch(part)
    if match is None:
        raise ValueError(f"{part!r} is no fault: write NAME, NAME=VALUE or NAME=VALUE@SECOND; {_known()}")
    name, value, at = match["name"], match["value"], match["at"]
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"{part!r}: there is no fault {name!r}; {_known()}")
    if at is not None and not kind.timed:
        raise ValueError(f"{part!r}: {name} holds from the beginning and takes no second")
    at_s = DEFAULT_SECOND if at is None and kind.once else None if at is None else _number(part, at, SECOND)
    if kind.measure.words:
        if value not in kind.measure.words:
            raise ValueError(f"{part!r}: {name} is {kind.measure.hint}")
        return Fault(name, 0.0, at_s, value)
    return Fault(name, _value(part, kind, value), at_s)


def _value(part: str, kind: Kind, value: str | None) -> float:
    if value is None:
        if kind.default is None:
            raise ValueError(f"{part!r}: {kind.name} needs a value, such as {kind.measure.hint}")
        return kind.default
    if kind.measure is NOTHING:
        raise ValueError(f"{part!r}: {kind.name} takes no value")
    number = _number(part, value, kind.measure)
    if kind.measure in (CELLS, TIMES) and number != round(number):
        raise ValueError(f"{part!r}: {kind.name} is a whole number")
    return number


def _number(part: str, text: str, measure: Measure) -> float:
    match = _NUMBER.fullmatch(text.strip())
    factor = None if match is None else measure.units.get(match["unit"])
    if match is None or factor is None:
        raise ValueError(f"{part!r}: write {measure.hint}, not {text!r}")
    number = float(match["number"]) * factor
    if not measure.low <= number <= measure.high:
        raise ValueError(f"{part!r}: {text!r} is out of range; {_range(measure)}")
    return number


def _range(measure: Measure) -> str:
    unit = next((unit for unit in ("s", "%", "ppm", "N/min", "x") if unit in measure.units), "")
    factor = measure.units[unit]
    return f"it may be {_plain(measure.low / factor)} to {_plain(measure.high / factor)} {unit}".rstrip()


def _plain(number: float) -> str:
    """As people write it: 0.0000001, not 1e-07."""
    return f"{number:.9f}".rstrip("0").rstrip(".")


def _known() -> str:
    return "the faults are: " + ", ".join(KINDS)
