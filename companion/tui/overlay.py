"""Several sessions laid over each other, told apart by the shape of their markers first. Knows no Textual."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from companion.tui import words
from companion.tui.curve import AXIS_CELLS, axis_rows
from companion.tui.plotting import LEAST_TOP, nice_top
from companion.tui.tones import Row, Rows, Tone
from sessions.about import CurveFigures
from sessions.events import Floats, Totals
from sessions.moments import Figure, moments, pieces, start_of
from sessions.session import SessionData, SessionRow

MARKERS = ("●", "×", "○", "+", "◆")
TONES = (Tone.STRONG, Tone.LIGHT, Tone.WORK, Tone.HIGH, Tone.OVER)


@dataclass(frozen=True, slots=True)
class Compared:
    """Sessions beside each other, the one to compare with first."""

    align: str
    rows: tuple[SessionRow, ...]
    starts: tuple[float | None, ...]  # t_s that stands at 0; None where the session has no such moment
    curves: tuple[tuple[Floats, Floats], ...]  # (t_s, pressure_kpa)
    figures: tuple[Figure, ...]
    steps: int  # the most steps of one


def compared(sessions: Sequence[tuple[SessionData, CurveFigures]], align: str) -> Compared:
    """`align`: "start", "contact" or "step N"."""
    datas = [data for data, _ in sessions]
    found = [moments(data.events, data.gaps) for data in datas]
    return Compared(
        align,
        tuple(data.row for data in datas),
        tuple(start_of(data.t_s, data.pressure_kpa, each, align) for data, each in zip(datas, found, strict=True)),
        tuple((data.t_s, data.pressure_kpa) for data in datas),
        tuple(_figures(sessions)),
        max(sum(moment.kind == "step" for moment in each) for each in found),
    )


def _figures(sessions: Sequence[tuple[SessionData, CurveFigures]]) -> list[Figure]:
    rows = [data.row for data, _ in sessions]
    curves = [curve for _, curve in sessions]
    regions = [next((e.regions for e in reversed(data.events) if isinstance(e, Totals)), ()) for data, _ in sessions]
    told = [
        Figure("length", "min", tuple(row.duration_s / 60 for row in rows)),
        Figure("contact", "min", tuple(None if row.contact_s is None else row.contact_s / 60 for row in rows)),
        Figure("mean in contact", "kPa", tuple(curve.mean_kpa for curve in curves)),
        Figure("p95 in contact", "kPa", tuple(curve.p95_kpa for curve in curves)),
        Figure("peak", "kPa", tuple(row.peak_kpa for row in rows)),
    ]
    for place, name in enumerate(("rest", "light", "work", "high", "over")):
        spent = tuple(_sum(each.zone_s[place] / 60 for each in mine) if mine else None for mine in regions)
        told.append(Figure(f"in {name}", "min", spent))
    told += [
        Figure("dose", "kPa s", tuple(_sum(each.dose_kpa_s for each in mine) if mine else None for mine in regions)),
        Figure("holds", "", tuple(float(sum(each.holds for each in mine)) if mine else None for mine in regions)),
        Figure("pain before", "", tuple(_number(row.pain_before) for row in rows)),
        Figure("pain after", "", tuple(_number(row.pain_after) for row in rows)),
        Figure("cautions", "", tuple(float(row.alerts_by_level.get("caution", 0)) for row in rows)),
        Figure("stops", "", tuple(float(row.alerts_by_level.get("stop", 0)) for row in rows)),
    ]
    return told


def _sum(values: Iterable[float]) -> float | None:
    total = math.fsum(values)
    return total if math.isfinite(total) else None


def _number(value: int | None) -> float | None:
    return None if value is None else float(value)


def overlay_rows(found: Compared, width: int, height: int, shown: frozenset[int] = frozenset(range(9))) -> Rows:
    """The mean pressure of each column's stretch of time; `shown` are the places of the sessions drawn."""
    room, rows = width - AXIS_CELLS, height - 1
    if room < 8 or rows < 2:
        return ()
    drawn = [
        (place, start, *found.curves[place])
        for place, start in enumerate(found.starts)
        if start is not None and place in shown and len(found.curves[place][0])
    ]
    if not drawn:
        return ((("nothing to draw", Tone.QUIET),),)
    length_s = max(float(t_s[-1]) - start for _, start, t_s, _ in drawn) + 1e-6
    before_s = 0.0
    lines = {place: pieces(t_s, kpa, room, start - before_s, start + length_s) for place, start, t_s, kpa in drawn}
    known = [float(value) for line in lines.values() for value in line if value == value]
    if not known:
        return ((("no pressure is known", Tone.QUIET),),)
    top = nice_top(max([LEAST_TOP, *known]))
    cells: list[list[tuple[str, Tone]]] = [[(" ", Tone.PLAIN)] * room for _ in range(rows)]
    for place in sorted(lines, reverse=True):  # the first session is painted last
        for column, value in enumerate(lines[place].tolist()):
            # Each has every second column of its own phase: where they run together, all are seen.
            if value == value and (column + place) % max(1, len(lines)) == 0:
                row = min(rows - 1, max(0, round((1 - value / top) * (rows - 1))))
                cells[row][column] = (MARKERS[place], TONES[place])
    axis = axis_rows(rows, top, ())
    left, right = f"{found.align} 0:00", words.clock(length_s)
    foot: Row = ((" " * AXIS_CELLS + left + right.rjust(max(1, room - len(left))), Tone.QUIET),)
    return (*((label, *line) for label, line in zip(axis, cells, strict=True)), foot)
