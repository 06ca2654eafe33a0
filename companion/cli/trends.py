"""`knead trends`: how sessions went over weeks, per region and side."""

import json
from datetime import datetime
from typing import TYPE_CHECKING

import click

from companion.cli.options import document, settings
from companion.cli.text import clean, number, place, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sessions.trends import Trend

_WEEKS_SHOWN = 12  # in a line; --json has all
_MOST_WEEKS = 1040  # twenty years
_PLACES = 8
NO_CAUSE = "These are counts of what was recorded; they do not say what caused a change."


@click.command(help="How sessions went over weeks, per region and side. Simulated sessions are left out.")
@click.option("--region", help="Only this region.")
@click.option("--weeks", type=click.IntRange(1, _MOST_WEEKS), default=12, show_default=True, help="So many weeks.")
@click.option("--person", help="Whose sessions.")
@document
def trends(region: str | None, weeks: int, person: str | None, as_json: bool) -> None:
    from companion.cli.sessions import open_store
    from companion.safety.limits import regions
    from sessions.filters import Filter, Term
    from sessions.trends import to_json
    from sessions.trends import trends as made

    if region is not None and region not in regions():
        raise click.UsageError(f"No region {clean(region)!r}. There are: {', '.join(sorted(regions()))}.")
    who = person or settings().person
    today = datetime.now().astimezone().date()
    with open_store() as store:
        visits = store.visits(person=who, today=today, weeks=weeks)
        everyone = (Term("person", "=", who.lower()),)
        simulated = store.count(Filter(everyone)).simulated
    found = [trend for trend in made(visits, today, weeks) if region in (None, trend.region)]
    if as_json:
        click.echo(json.dumps(to_json(found, weeks, simulated), indent=2))
        return
    if not found:
        click.echo(f"No real sessions of {clean(who)} in the last {weeks} weeks{_left_out(simulated)}.", err=True)
        return
    for line in lines(found, weeks):
        click.echo(line)
    click.echo(f"{NO_CAUSE}{_left_out(simulated).replace(';', ' Left out:')}")


def _left_out(simulated: int) -> str:
    return f"; {simulated} simulated" if simulated else ""


def lines(found: "Sequence[Trend]", weeks: int) -> "list[str]":
    """A table of all places, then the weeks of each of the first ones."""
    heads = ("PLACE", "N", "BEFORE", "AFTER", "CHANGE", "SCORED", "MIN", "kPa", "WARN", "STOP")
    rows = [
        (
            clean(place(trend.region, trend.side), 18),
            str(trend.sessions),
            _score(trend.pain_before),
            _score(trend.pain_after),
            _signed(trend.change),
            f"{trend.scored} of {trend.sessions}",
            f"{trend.minutes:.0f}",
            _short(trend.mean_kpa),
            str(trend.cautions),
            str(trend.stops),
        )
        for trend in found
    ]
    told = table(heads, rows, frozenset(range(1, len(heads))))
    for trend in found[:_PLACES]:
        told += ["", *_weekly(trend)]
    if len(found) > _PLACES:
        told += ["", f"and {len(found) - _PLACES} more places: --region shows one, --json all"]
    return [*told, ""]


def _weekly(trend: "Trend") -> "list[str]":
    shown = trend.weeks[-_WEEKS_SHOWN:]
    missing = f"n = {trend.sessions}; without a score before {trend.no_before}, after {trend.no_after}"
    head = f"{clean(place(trend.region, trend.side))}: {missing}"
    if trend.without_mean:
        head += f"; pressure unknown of {trend.without_mean}"
    out = [head, _line("week of", [week.monday.strftime("%d%b") for week in shown])]
    out.append(_line("sessions", [str(week.sessions) for week in shown]))
    before = _line("before", [_score(week.pain_before) for week in shown])
    out.append(before + _slope(trend.slope_before))
    out.append(_line("after", [_score(week.pain_after) for week in shown]) + _slope(trend.slope_after))
    out.append(_line("change", [_signed(week.change) for week in shown]))
    out.append(_line("minutes", [f"{week.minutes:.0f}" for week in shown]))
    out.append(_line("mean kPa", [_short(week.mean_kpa) for week in shown]))
    out.append(_line("warnings", [str(week.cautions + week.stops) for week in shown]))
    return out


def _line(name: str, cells: "list[str]") -> str:
    return f"  {name:<9}" + "".join(cell.rjust(6 if len(cells) <= 9 else 5) for cell in cells)


def _slope(slope: float | None) -> str:
    return "" if slope is None else f"  {slope:+.2f}"


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1f}"


def _short(value: float | None) -> str:
    return "-" if value is None else number(value)
