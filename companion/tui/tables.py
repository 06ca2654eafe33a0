"""Trends and differences as lines of text, for a screen and for a command. Knows no Textual.

Nothing is said of causes; what is missing is counted.
"""

from collections.abc import Sequence

from companion.tui import words
from companion.tui.overlay import MARKERS
from sessions.moments import Figure
from sessions.trends import Trend

NO_CAUSE = "Counts of what was recorded: they do not say what caused it."
_WEEKS_SHOWN = 12  # in a line; JSON has all
_PLACES = 8


def figure_lines(figures: Sequence[Figure]) -> list[str]:
    """A line a figure, a column a session; in brackets the difference from the first."""
    sessions = len(figures[0].values)
    cells_of = []
    for figure in figures:
        cells = []
        for place, (value, change) in enumerate(zip(figure.values, figure.differences, strict=True)):
            digits = 0 if value is None or abs(value) >= 100 or value == int(value) else 1
            text = words.number(value, digits)
            moved = round(change or 0.0, digits) + 0.0  # + 0.0: a small negative one is 0, not -0
            cells.append(text if not place or change is None else f"{text} ({moved:+.{digits}f})")
        cells_of.append((f"{figure.name}, {figure.unit}" if figure.unit else figure.name, *cells))
    return _table(("", *MARKERS[:sessions]), cells_of)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Names to the left, numbers to the right."""
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    return [
        row[0].ljust(widths[0]) + "".join(f" {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in (heads, *rows)
    ]


def trend_lines(found: Sequence[Trend]) -> list[str]:
    """A table of all places, then the weeks of each of the first ones."""
    heads = ("PLACE", "N", "BEFORE", "AFTER", "CHANGE", "SCORED", "MIN", "ZONE kPa", "WARN", "STOP")
    rows = [
        (
            words.place(trend.region, trend.side),
            str(trend.sessions),
            _score(trend.pain_before),
            _score(trend.pain_after),
            _signed(trend.change),
            f"{trend.scored} of {trend.sessions}",
            f"{trend.minutes:.0f}",
            _short(trend.zone_kpa),
            str(trend.cautions),
            str(trend.stops),
        )
        for trend in found
    ]
    told = _table(heads, rows)
    for trend in found[:_PLACES]:
        told += ["", *_weekly(trend)]
    if len(found) > _PLACES:
        told += ["", f"and {len(found) - _PLACES} more places: --region shows one, --json all"]
    return [*told, ""]


def _weekly(trend: Trend) -> list[str]:
    shown = trend.weeks[-_WEEKS_SHOWN:]
    missing = f"before {trend.no_before}, after {trend.no_after}, in zone {trend.without_zone}"
    head = f"{words.place(trend.region, trend.side)}: n = {trend.sessions}; not known: {missing}"
    months = [f"{week.monday:%b}" if not place or week.monday.day <= 7 else "" for place, week in enumerate(shown)]
    out = [head, _line("month", months), _line("week of", [str(week.monday.day) for week in shown])]
    out[-1] += " a week"
    out.append(_line("sessions", [str(week.sessions) for week in shown]))
    before = _line("before", [_score(week.pain_before) for week in shown])
    out.append(before + _slope(trend.slope_before))
    out.append(_line("after", [_score(week.pain_after) for week in shown]) + _slope(trend.slope_after))
    out.append(_line("change", [_signed(week.change) for week in shown]))
    out.append(_line("minutes", [f"{week.minutes:.0f}" for week in shown]))
    out.append(_line("in zone", [_short(week.zone_kpa) for week in shown]))
    out.append(_line("warnings", [str(week.cautions + week.stops) for week in shown]))
    return out


def _line(name: str, cells: list[str]) -> str:
    return f"  {name:<9}" + "".join(cell.rjust(6 if len(cells) <= 9 else 5) for cell in cells)


def _slope(slope: float | None) -> str:
    return "" if slope is None else f"  {slope:+.2f}"


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1f}"


def _short(value: float | None) -> str:
    return "-" if value is None else words.number(value)
