"""Force over time as a Progressor's app and its kin write it: some lines of facts, then `time,weight`.

    date,tag,comment,unit
    2026-10-26 10:00:00,left,easy,SI
    (blank)
    time,weight
    0.012,1.93

Facts are taken where they are told: `date`, `tag`, `comment`, `unit`. Time is seconds, weight kilograms, unless the
header or the unit says otherwise (ms, us; N, lb). A zip of `info.csv` and `data_set_N.csv` is read, too.
"""

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Protocol, TextIO

import numpy as np

from sessions.errors import ImportedError
from sessions.events import Floats, Json, Opened
from sessions.identity import uuid7
from sessions.incoming import Columns, Incoming, moment, part_of, quantised, with_lsb
from sessions.quantities import NEWTONS
from sessions.record import EventRow
from sessions.summary import usual_distance_s

HEAD_LINES = 40  # within these the header stands
KIND = "progressor csv"
NEWTONS_EACH = {
    "kg": 9.80665,
    "si": 9.80665,
    "metric": 9.80665,
    "n": 1.0,
    "newton": 1.0,
    "lb": 4.4482216,
    "lbs": 4.4482216,
}
NEWTONS_EACH |= {"imperial": 4.4482216, "us": 4.4482216, "g": 0.00980665}
SECONDS_EACH = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
GAP_PERIODS, GAP_S = 10.0, 0.5  # a hole in the file is longer than both
MAX_SCANS = 1 << 23
HINT = "It takes what `knead export --format csv` wrote, and force over time as `time,weight`."


class Rows(Protocol):
    """What `csv.reader` gives."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...


@dataclass(frozen=True, slots=True)
class Setting:
    """What such a file does not tell."""

    started_at: datetime
    person: str
    region: str
    side: str
    tool: str
    area_cm2: float
    software: str


def read_progressor(file: TextIO, delimiter: str, name: str, setting: Setting, facts: Mapping[str, str]) -> Incoming:
    """The session of one file; `facts` are known besides. ImportedError names file and line."""
    rows = csv.reader(file, delimiter=delimiter)
    try:
        found, header = _head(rows)
        told = {**facts, **found}
        unit_s, unit_n = _units(header, told)
        t_s, force_n = _numbers(rows, _places(header), delimiter != ",", name)
        started_at = moment(told["date"]) if told.get("date") else setting.started_at
    except csv.Error as error:
        raise ImportedError(f"{name}, line {rows.line_num}: {error}. Nothing was imported.", HINT) from error
    except ValueError as error:
        raise ImportedError(f"{name}: {error}. Nothing was imported.", HINT) from error
    if len(t_s) < 2:
        raise ImportedError(f"{name} has no samples. Nothing was imported.", HINT)
    return _session(t_s * unit_s, force_n * unit_n, name, started_at, setting, told)


def facts_of(file: TextIO) -> dict[str, str]:
    """Of an `info.csv`."""
    rows = [row for row in csv.reader(file) if row]
    return _named(rows[0], rows[1]) if len(rows) > 1 else {}


def _head(rows: Rows) -> tuple[dict[str, str], list[str]]:
    """The facts before the header, and the header."""
    before: list[list[str]] = []
    for row in rows:
        if _places(row) is not None:
            facts = {}
            for names, values in pairwise(before):
                if names and names[0].strip().lower() == "date":
                    facts = _named(names, values)
            return facts, row
        before.append(row)
        if len(before) > HEAD_LINES:
            break
    raise ValueError("no columns `time` and `weight` or `force`")


def _named(names: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    return {name.strip().lower(): value.strip() for name, value in zip(names, values, strict=False)}


def _places(row: Sequence[str]) -> tuple[int, int] | None:
    """Where time and force stand in a header; None if it is none."""
    words = [re.split(r"[^a-z]", cell.strip().lower().lstrip("\ufeff"))[0] for cell in row]
    times = [number for number, word in enumerate(words) if word in ("time", "timestamp", "t")]
    forces = [number for number, word in enumerate(words) if word in ("weight", "force", "load")]
    return (times[0], forces[0]) if times and forces else None


def _units(header: Sequence[str], told: Mapping[str, str]) -> tuple[float, float]:
    """Seconds of one of time, newtons of one of force."""
    places = _places(header)
    assert places is not None
    time, force = (header[place].strip().lower() for place in places)
    unit_s, unit_n = (re.sub(r"[^a-zµ]", "", re.sub(r"^[a-z]+", "", cell)) for cell in (time, force))
    said = unit_n or told.get("unit", "").strip().lower() or ("n" if force.startswith("force") else "kg")
    if unit_s and unit_s not in SECONDS_EACH:
        raise ValueError(f"time in {unit_s!r} is not known")
    if said not in NEWTONS_EACH:
        raise ValueError(f"force in {said!r} is not known")
    return SECONDS_EACH.get(unit_s, 1.0), NEWTONS_EACH[said]


def _numbers(rows: Rows, places: tuple[int, int] | None, comma: bool, name: str) -> tuple[Floats, Floats]:
    assert places is not None
    times, forces = [], []
    last = -math.inf
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        try:
            time, force = (float(row[place].replace(",", ".") if comma else row[place]) for place in places)
        except (ValueError, IndexError) as error:
            raise ImportedError(
                f"{name}, line {rows.line_num}: no pair of numbers. Nothing was imported.", HINT
            ) from error
        if not (math.isfinite(time) and math.isfinite(force)) or time < last:
            raise ImportedError(f"{name}, line {rows.line_num}: time must rise. Nothing was imported.", HINT)
        times.append(time)
        forces.append(force)
        last = time
        if len(times) > MAX_SCANS:
            raise ImportedError(f"{name} has more than {MAX_SCANS} samples. Nothing was imported.", HINT)
    return np.array(times, np.float64), np.array(forces, np.float64)


def _session(
    clock_s: Floats, force_n: Floats, name: str, started_at: datetime, setting: Setting, told: Mapping[str, str]
) -> Incoming:
    scans = len(clock_s)
    t_s = clock_s - clock_s[0]
    none = np.zeros(scans, np.bool_)
    cells = force_n.reshape(-1, 1)
    values, lsb = quantised(cells, none, 0.0)
    columns = Columns(
        t_s=t_s,
        device_s=clock_s,
        arrival_s=t_s,
        index=np.arange(scans),
        segment=np.zeros(scans, np.int64),
        late=none,
        lost=np.zeros(scans, np.int64),
        saturated=none,
        area_cm2=np.full(scans, setting.area_cm2),
        cells=cells,
    )
    opened = Opened(
        t_s=0.0,
        started_at=started_at,
        device={"kind": KIND, "serial": "", "model": "", "channels": 1, "unit": 1, "lsb": lsb},
        person=setting.person,
        region=setting.region,
        side=setting.side,
        tool=setting.tool,
        area_cm2=setting.area_cm2,
        program=None,
        context={},  # nobody judged it
        smoothing={},
        simulated=False,
        software=setting.software,
    )
    tag, comment = told.get("tag", ""), told.get("comment", "")
    return Incoming(
        uuid7(started_at),
        with_lsb(opened, lsb),
        NEWTONS,
        part_of(columns, values),
        _gaps(t_s),
        end_cause="imported",
        note=comment,
        tags=[tag] if tag else [],
    )


def _gaps(t_s: Floats) -> list[EventRow]:
    """Holes in the file, as gaps of the session."""
    least_s = max(GAP_S, GAP_PERIODS * usual_distance_s(t_s))
    rows: list[EventRow] = []
    for at in np.flatnonzero(np.diff(t_s) > least_s):
        from_s, to_s = float(t_s[at]), float(t_s[at + 1])
        fields: dict[str, Json] = {"from_s": from_s, "to_s": to_s, "lost": 0, "cause": "not in the file"}
        told: dict[str, Json] = {"kind": "gap", "text": f"{to_s - from_s:.2f} s without data", "fields": fields}
        rows.append(EventRow(len(rows), to_s, "notice", told))
    return rows
