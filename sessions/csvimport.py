"""The project's own CSV, read back: what `sessions.csvfile` wrote, also after a spreadsheet has saved it."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO
from uuid import UUID

import numpy as np

from sessions.csvfile import unguarded, unit_suffix
from sessions.errors import ImportedError, UnreadableError
from sessions.events import Floats, Json, Opened
from sessions.identity import uuid7
from sessions.incoming import Columns, Incoming, moment, part_of, quantised, with_lsb
from sessions.quantities import NEWTONS
from sessions.record import TOTALS, EventRow, event_of, row_of, totals_of

NEEDED = ("session", "row", "t_s", "index")
FIELD_BYTES = 32 << 20  # of one cell of the file
UNITS = {unit_suffix(unit): unit for unit in (NEWTONS, "counts", "kPa gas")}
EVENTS = ("alert", "notice", "cue", "action", TOTALS, "gap")
HINT = "It takes what `knead export --format csv` wrote, and force over time as `time,weight`."


@dataclass(slots=True)
class _Session:
    about: dict[str, Any] = field(default_factory=dict)
    scans: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)  # of the scans, in the file
    events: list[EventRow] = field(default_factory=list)


def is_own(header: Sequence[str]) -> bool:
    """Whether a first line is that of our own table, or of one that was."""
    return {"session", "row"} <= set(header)


def read_csv(file: TextIO, delimiter: str, name: str, started_at: datetime) -> Iterator[Incoming]:
    """The sessions of one table; `started_at` is for those that do not tell. ImportedError names file and line."""
    csv.field_size_limit(FIELD_BYTES)
    rows = csv.reader(file, delimiter=delimiter)
    header = [cell.strip() for cell in next(rows)]
    cells = sorted((cell for cell in header if cell.startswith("cell_")), key=_number_of)
    missing = [column for column in NEEDED if column not in header]
    if missing or not cells:
        told = ", ".join(missing or ["cell_1_n"])
        raise ImportedError(f"{name}: the columns {told} are missing. Nothing was imported.", HINT)
    unit = UNITS.get(cells[0].partition("_")[2].partition("_")[2], "counts")
    at = {column: number for number, column in enumerate(header)}
    sessions: dict[str, _Session] = {}
    try:
        for row in rows:
            if row:
                row += [""] * (len(header) - len(row))
                _take(sessions.setdefault(row[at["session"]], _Session()), row, at, rows.line_num)
    except csv.Error as error:
        raise ImportedError(f"{name}, line {rows.line_num}: {error}. Nothing was imported.", HINT) from error
    except (ValueError, KeyError, TypeError, UnreadableError) as error:
        raise ImportedError(f"{name}, line {rows.line_num}: no {_what(error)}. Nothing was imported.", HINT) from error
    for given in sessions.values():
        yield _Reader(given, at, cells, unit, delimiter, name).session(started_at)


def _take(session: _Session, row: list[str], at: Mapping[str, int], line: int) -> None:
    def cell(name: str) -> str:
        return row[at[name]] if name in at else ""

    kind = row[at["row"]]
    if kind == "scan":
        session.scans.append(row)
        session.lines.append(line)
        return
    told = json.loads(unguarded(cell("fields"))) if cell("fields") else None
    if kind == "about":
        session.about[cell("name")] = unguarded(cell("text")) if told is None else told
    elif kind in EVENTS:
        t_s = float(cell("t_s").replace(",", ".") or "nan")
        if not math.isfinite(t_s) or not isinstance(told, dict):
            raise ValueError(f"{kind} row")
        session.events.append(_event(kind, t_s, told, unguarded(cell("text")), len(session.events)))
    else:
        raise ValueError(f"row {kind[:20]!r}")


def _event(kind: str, t_s: float, told: dict[str, Any], words: str, seq: int) -> EventRow:
    if kind == "gap":
        end = told.get("to_s")
        fields: dict[str, Json] = {"kind": "gap", "text": words, "fields": told}
        row = EventRow(seq, float(end) if isinstance(end, int | float) else t_s, "notice", fields)
    else:
        row = EventRow(seq, t_s, kind, told)
    if kind == TOTALS:
        totals_of([row], "the file")  # so that only what can be read back comes in
        return row
    return row_of(event_of(row, "the file"), seq)


class _Reader:
    """One session's rows as a session."""

    def __init__(
        self, given: _Session, at: Mapping[str, int], cells: Sequence[str], unit: str, delimiter: str, name: str
    ) -> None:
        self._given = given
        self._at = at
        self._cells = cells
        self._unit = unit
        self._comma = delimiter != ","
        self._name = name
        self._columns = list(zip(*given.scans, strict=False)) if given.scans else [()] * len(at)

    def session(self, started_at: datetime) -> Incoming:
        about = self._given.about
        try:
            opened = self._opened(started_at)
            columns = self._scans()
            values, lsb = quantised(columns.cells, columns.saturated, _float(opened.device.get("lsb"), 0.0))
            part = part_of(columns, values)
            return Incoming(
                _uuid(about.get("id"), opened.started_at),
                with_lsb(opened, lsb) if part is not None else opened,
                str(about.get("unit") or self._unit),
                part,
                self._given.events,
                str(about.get("state") or "complete"),
                about.get("end_cause"),
                _pain(about.get("pain_before")),
                _pain(about.get("pain_after")),
                str(about.get("note") or ""),
                [str(tag) for tag in about.get("tags") or []],
            )
        except (ValueError, TypeError, OverflowError) as error:
            raise ImportedError(f"{self._name}: no {_what(error)}. Nothing was imported.", HINT) from error

    def _opened(self, started_at: datetime) -> Opened:
        about = self._given.about
        program = about.get("program")
        mappings = {name: about.get(name) or {} for name in ("profile", "context", "smoothing", "routine")}
        if not all(isinstance(mapping, dict) for mapping in mappings.values()):
            raise ValueError("profile or context that can be read")
        return Opened(
            t_s=_float(about.get("from_s"), 0.0),
            started_at=moment(about["started_at"]) if about.get("started_at") else started_at,
            device=mappings["profile"] or {"kind": "csv", "lsb": 0.0},
            person=str(about.get("person") or "me"),
            region=str(about.get("region") or "unknown"),
            side=str(about.get("side") or "both"),
            tool=str(about.get("tool") or "hard"),
            area_cm2=_float(about.get("area_cm2"), 8.0),
            program=None if program is None else str(program),
            context=mappings["context"],
            smoothing=mappings["smoothing"],
            simulated=about.get("simulated") == "true",
            software=str(about.get("software") or ""),
            routine=mappings["routine"] or None,
        )

    def _scans(self) -> Columns:
        t_s = self._floats("t_s")
        if not np.all(np.isfinite(t_s)):
            raise ValueError(f"time in every scan (line {self._line(np.flatnonzero(~np.isfinite(t_s)))})")
        back = np.flatnonzero(np.diff(t_s) < 0)
        if len(back):
            raise ValueError(f"rising time (line {self._line(back + 1)})")
        cells = [self._floats(name) for name in self._cells]
        index = self._floats("index")
        if not np.all(np.isfinite(index)):
            raise ValueError("index in every scan")
        device_s, arrival_s = self._floats("device_time_s"), self._floats("arrival_s")
        return Columns(
            t_s=t_s,
            device_s=np.where(np.isnan(device_s), t_s, device_s),
            arrival_s=np.where(np.isnan(arrival_s), t_s, arrival_s),
            index=index.astype(np.int64),
            segment=np.nan_to_num(self._floats("segment")).astype(np.int64),
            late=np.nan_to_num(self._floats("late")) != 0,
            lost=np.nan_to_num(self._floats("lost")).astype(np.int64),
            saturated=np.nan_to_num(self._floats("saturated")) != 0,
            area_cm2=self._floats("area_cm2"),
            cells=self._unpadded(np.column_stack(cells)) if len(t_s) else np.empty((0, len(cells))),
        )

    def _unpadded(self, cells: Floats) -> Floats:
        """Without the columns that only other sessions of the table have."""
        told = self._given.about.get("profile")
        channels = told.get("channels") if isinstance(told, dict) else None
        used = np.flatnonzero(~np.isnan(cells).all(axis=0))
        least = int(used[-1]) + 1 if len(used) else 1
        return cells[:, : max(least, channels if isinstance(channels, int) else 0)]

    def _floats(self, name: str) -> Floats:
        """A column as numbers; NaN where it is empty or not there."""
        if name not in self._at:
            return np.full(len(self._given.scans), np.nan)
        column = self._columns[self._at[name]]
        if self._comma:  # a spreadsheet that separates by semicolons writes decimals with a comma
            column = tuple(cell.replace(",", ".") for cell in column)
        try:
            return np.array([cell or "nan" for cell in column], np.float64)
        except ValueError as error:
            at = next(number for number, cell in enumerate(column) if not _is_number(cell))
            raise ValueError(f"number in column {name}: {column[at][:20]!r} (line {self._given.lines[at]})") from error

    def _line(self, at: Any) -> int:
        return self._given.lines[int(at[0])]


def _uuid(told: object, started_at: datetime) -> str:
    """Its own id; a new one where it has none."""
    try:
        return str(UUID(str(told))) if told is not None and len(str(told)) == 36 else uuid7(started_at)
    except ValueError:
        return uuid7(started_at)


def _pain(told: object) -> int | None:
    if told is None:
        return None
    score = int(str(told))
    if score not in range(11):
        raise ValueError("pain from 0 to 10")
    return score


def _float(told: object, otherwise: float) -> float:
    value = float(str(told)) if told is not None and told != "" else otherwise
    if not math.isfinite(value):
        raise ValueError("number")
    return value


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True


def _number_of(name: str) -> int:
    digits = name.split("_")[1]
    return int(digits) if digits.isdecimal() else 0


def _what(error: Exception) -> str:
    """What was missed, on one line."""
    said = "JSON" if isinstance(error, json.JSONDecodeError) else str(error).splitlines()[0] if str(error) else "sense"
    return said[:120].rstrip(".")
