"""Sessions as one table of comma-separated values, for spreadsheets and for numpy; `knead import` reads it back.

Every line has a `row`, which says what it is. A file of one program's own words: a text that a spreadsheet might
take for a formula is written with an apostrophe before it.

    about    a fact of the session: `name`, and `text` or, as JSON, `fields`
    scan     one scan: all cells, both clocks, where it was taken
    gap      what was not received from `t_s` to `to_s`: `lost` scans, cause in `name`
    alert, notice, action, totals    as in the log: `name`, plain words in `text`, the rest as JSON in `fields`

Empty is unknown. The columns are those of `COLUMNS`; the unit stands in each name.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import BinaryIO

import numpy as np

from sessions import digits
from sessions.digits import Letters
from sessions.errors import SessionError
from sessions.events import Action, Alert, Cue, Floats, Json, Notice
from sessions.quantities import NEWTONS
from sessions.record import Kept, Tally, microseconds, row_of
from sessions.scans import Scans, scans_of
from sessions.session import Whole

COLUMNS: Mapping[str, str] = {
    "session": "id of the session; a number where names are left out",
    "row": "about, scan, gap, alert, notice, action or totals",
    "t_s": "seconds since the session's first sample, by the ball's clock",
    "to_s": "gap: its end",
    "device_time_s": "the ball's own clock",
    "host_time": "date and time of this computer, with its offset: the session's start plus t_s",
    "arrival_s": "steady clock of this computer when the scan arrived",
    "index": "the ball's number of the scan",
    "segment": "1 more at each restart of the ball",
    "late": "1: sent again later by the ball",
    "lost": "scans the ball took that never came: within a gap, or directly before a scan",
    "force_n": "sum of the cells",
    "pressure_kpa": "mean contact pressure, 10 * force_n / area_cm2",
    "saturated": "1: a cell is at its end, the force is at least this",
    "area_cm2": "contact area of the tool",
    "region": "where the ball was",
    "side": "left, right or both",
    "tool": "what was pressed with",
    "cell_1_n": "force on the first cell; one column for each cell",
    "name": "what the row is about, its cause or its kind",
    "text": "plain words",
    "fields": "the rest, as JSON",
}
DATED = "host_time"  # left out of an anonymous file
BLOCK = 1 << 14  # scans written at a time: small enough to stay in the processor's cache
DECIMALS = 4  # of newtons and kilopascals; stored values lie 1/1024 apart

# Where a spreadsheet begins a cell: at the start, and, where it takes another sign for the separator, behind that.
_BEGIN = r"((?:^|[;|\t\r\n])[\s\"]*)"
_RISKY = re.compile(_BEGIN + r"(?=[=+\-@'\uff1d\uff0b\uff0d\uff20])")
_GUARDED = re.compile(_BEGIN + r"'(?=[=+\-@'\uff1d\uff0b\uff0d\uff20])")
# What no line of text has: controls but for tab and line ends, other separators of lines, and what turns its direction.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def guarded(text: str) -> str:
    """A text no spreadsheet calculates."""
    return _RISKY.sub(r"\1'", _CONTROLS.sub(" ", text))


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return _GUARDED.sub(r"\1", text)


def unit_suffix(unit: str) -> str:
    """Of the columns of force and cells: `n`, `counts`, `kpa_gas`."""
    return re.sub(r"[^a-z0-9]+", "_", unit.lower()).strip("_") or "counts"


def write_csv(sessions: Sequence[Whole], stream: BinaryIO, *, dated: bool = True) -> None:
    """All of them, one after the other. SessionError where their units differ."""
    unit, cells = measure(sessions)
    header = _header(unit, cells, dated)
    stream.write((",".join(header) + "\r\n").encode())
    for whole in sessions:
        stream.writelines(_Table(whole, header, dated).blocks())


def measure(sessions: Sequence[Whole]) -> tuple[str, int]:
    """The unit of all, and the most cells one has. SessionError where units differ: one table holds one."""
    units, cells = set(), 0
    for whole in sessions:
        units |= {whole.unit} - {None} if whole.parts else set()
        cells = max([cells, *(part.channels for part in whole.parts)])
    if len(units) > 1:
        told = " and ".join(sorted(map(str, units)))
        raise SessionError(f"These sessions are in {told}: one table holds one unit.", "Export them one by one.")
    return str(next(iter(units), NEWTONS)), cells


def _header(unit: str, cells: int, dated: bool) -> list[str]:
    suffix = unit_suffix(unit)
    names = []
    for name in COLUMNS:
        if name == "cell_1_n":
            names += [f"cell_{number}_{suffix}" for number in range(1, cells + 1)]
        elif name == "force_n" and suffix != "n":
            names.append(f"load_{suffix}")
        elif dated or name != DATED:
            names.append(name)
    return names


class _Table:
    """One session's lines."""

    def __init__(self, whole: Whole, header: Sequence[str], dated: bool) -> None:
        self._whole = whole
        self._header = header
        self._dated = dated
        self._load = next(name for name in header if name.startswith(("force_", "load_")))

    def blocks(self) -> Iterator[bytes]:
        """About, then scans with all other rows at their time."""
        yield b"".join(self._line(row="about", **fact) for fact in about(self._whole, dated=self._dated))
        scans = scans_of(self._whole)
        others = sorted(self._others(), key=lambda other: other[0])
        at = np.searchsorted(scans.t_s, [t_s for t_s, _ in others], side="right") if others else np.empty(0, np.int64)
        done = 0
        for start in range(0, len(scans.t_s), BLOCK):
            end = min(start + BLOCK, len(scans.t_s))
            text, ends = digits.lines(self._columns(scans, start, end))
            cut = 0
            while done < len(others) and at[done] < end:
                here = int(ends[at[done] - start - 1]) if at[done] > start else 0
                yield text[cut:here] + others[done][1]
                cut, done = here, done + 1
            yield text[cut:]
        yield b"".join(line for _, line in others[done:])

    def _columns(self, scans: Scans, start: int, end: int) -> list[Letters]:
        rows, part = end - start, slice(start, end)
        places = scans.places
        known: dict[str, Letters] = {
            "session": digits.constant(_cell(self._whole.row.id), rows),
            "row": digits.constant(b"scan", rows),
            "t_s": digits.fixed(scans.t_s[part], 6),
            "device_time_s": digits.fixed(scans.device_s[part], 6),
            "arrival_s": digits.fixed(scans.arrival_s[part], 3),
            "index": digits.whole(scans.index[part]),
            "segment": digits.whole(scans.segment[part]),
            "late": digits.flags(scans.late[part]),
            "lost": digits.some(scans.lost[part]),
            self._load: digits.fixed(scans.load[part], DECIMALS),
            "pressure_kpa": digits.fixed(scans.pressure_kpa[part], DECIMALS),
            "saturated": digits.flags(scans.saturated[part]),
            "area_cm2": _few(scans.area_cm2[part]),
            "region": digits.chosen([_cell(place.region) for place in places], scans.place[part]),
            "side": digits.chosen([_cell(place.side) for place in places], scans.place[part]),
            "tool": digits.chosen([_cell(place.tool) for place in places], scans.place[part]),
        }
        if self._dated:
            known[DATED] = host_times(self._whole.opened.started_at, scans.t_s[part] - self._whole.opened.t_s)
        suffix = self._load.partition("_")[2]
        for number in range(scans.cells.shape[1]):
            known[f"cell_{number + 1}_{suffix}"] = digits.fixed(scans.cells[part, number], DECIMALS)
        nothing = np.zeros((rows, 0), np.uint8)
        return [known.get(name, nothing) for name in self._header]

    def _others(self) -> Iterator[tuple[float, bytes]]:
        tally = Tally()
        for number, event in enumerate(self._whole.events):
            t_s = event.t_s or 0.0
            told = self._event(event, number, tally)
            from_s = told.pop("from_s", None)
            begin_s = from_s if isinstance(from_s, float) else t_s
            yield begin_s, self._line(t_s=f"{begin_s:.6f}", **told)

    def _event(self, event: Kept, number: int, tally: Tally) -> dict[str, object]:
        match event:
            case Notice(kind="gap", fields=fields):
                from_s, to_s, lost = (fields.get(name) for name in ("from_s", "to_s", "lost"))
                return {
                    "row": "gap",
                    "from_s": float(from_s) if isinstance(from_s, int | float) else None,
                    "to_s": f"{to_s:.6f}" if isinstance(to_s, int | float) else "",
                    "lost": lost if isinstance(lost, int) else "",
                    "name": fields.get("cause") or "",
                    "text": event.text,
                    "fields": fields,
                }
            case Alert() | Notice() | Cue() | Action():
                row = row_of(event, number)
                name = event.cause if isinstance(event, Alert) else event.kind
                return {"row": row.kind, "name": name, "text": getattr(event, "text", ""), "fields": row.fields}
            case _:
                row = tally.take(event, number)
                return {"row": row.kind, "fields": row.fields}

    def _line(self, **known: object) -> bytes:
        cells = {"session": self._whole.row.id, **known}
        return b",".join(_cell(cells.get(name, "")) for name in self._header) + b"\r\n"


def about(whole: Whole, *, dated: bool = True) -> Iterator[dict[str, Json]]:
    """Facts of a session: `name`, and `text` or `fields`."""
    row = whole.row.to_json()
    opened = whole.opened
    if not dated:
        del row["started_at"]
    tags = row.pop("tags")
    alerts = row.pop("alerts_by_level")
    for name, value in {**row, "unit": whole.unit, "software": opened.software}.items():
        if value is not None and value != "":
            yield {"name": name, "text": str(value).lower() if isinstance(value, bool) else str(value)}
    yield {"name": "area_cm2", "text": repr(opened.area_cm2)}
    yield {"name": "from_s", "text": repr(opened.t_s)}
    for name, fields in (("tags", tags), ("alerts_by_level", alerts)):
        if fields:
            yield {"name": name, "fields": fields}
    for name, mapping in (
        ("profile", opened.device),
        ("context", opened.context),
        ("smoothing", opened.smoothing),
        ("routine", opened.routine),
    ):
        if mapping is not None:
            yield {"name": name, "fields": dict(mapping)}


def host_times(started_at: datetime, t_s: Floats) -> Letters:
    """ISO 8601 to the microsecond with the offset of the place, of moments so long after the start."""
    offset = started_at.utcoffset() or timedelta(0)
    local_us = np.rint(t_s * 1e6).astype(np.int64) + microseconds(started_at) + offset // timedelta(microseconds=1)
    day, within_us = np.divmod(local_us, 86_400_000_000)
    days, which = np.unique(day, return_inverse=True)
    dates = [str(np.datetime64(int(each), "D")).encode() for each in days] or [b""]
    seconds, us = np.divmod(within_us, 1_000_000)
    minutes, second = np.divmod(seconds, 60)
    hour, minute = np.divmod(minutes, 60)
    rows = len(t_s)
    colon = digits.constant(b":", rows)
    zone = started_at.strftime("%z")
    zone = f"{zone[:3]}:{zone[3:5]}"
    return np.hstack(
        [
            digits.chosen(dates, which),
            digits.constant(b"T", rows),
            digits.padded(hour, 2),
            colon,
            digits.padded(minute, 2),
            colon,
            digits.padded(second, 2),
            digits.constant(b".", rows),
            digits.padded(us, 6),
            digits.constant(zone.encode(), rows),
        ]
    )


def _few(numbers: Floats) -> Letters:
    """A column of few different numbers."""
    different, which = np.unique(numbers, return_inverse=True)
    words = [b"" if number != number else f"{number:g}".encode() for number in different.tolist()]
    return digits.chosen(words or [b""], which)


def _cell(value: object) -> bytes:
    """One cell: quoted where it must be, and never a formula."""
    if value is None:
        return b""
    text = value if isinstance(value, str) else _json(value) if isinstance(value, dict | list) else str(value)
    if isinstance(value, str | dict | list):
        if not _NUMBER.fullmatch(text):
            text = guarded(text)
        if any(sign in text for sign in ',"\r\n;\t'):
            text = '"' + text.replace('"', '""') + '"'
    return text.encode("utf-8", "replace")


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
