"""`knead trends`: how sessions went over weeks, per region and side."""

import json
from datetime import datetime

import click

from companion.cli.log import opened_log
from companion.cli.options import document, settings
from companion.cli.text import clean

_MOST_WEEKS = 1040  # twenty years


@click.command(help="How sessions went over weeks, per region and side. Simulated sessions are left out.")
@click.option("--region", help="Only this region.")
@click.option("--weeks", type=click.IntRange(1, _MOST_WEEKS), default=12, show_default=True, help="So many weeks.")
@click.option("--person", help="Whose sessions.")
@document
def trends(region: str | None, weeks: int, person: str | None, as_json: bool) -> None:
    from companion.cli.plans import begun, plan_lines
    from companion.cli.zones import working
    from companion.safety.limits import regions
    from companion.tui.tables import NO_CAUSE, trend_lines
    from sessions.filters import Filter, Term
    from sessions.trends import to_json
    from sessions.trends import trends as made

    if region is not None and region not in regions():
        raise click.UsageError(f"No region {clean(region)!r}. There are: {', '.join(sorted(regions()))}.")
    held = settings()
    who = person or held.person
    today = datetime.now().astimezone().date()
    with opened_log() as store:
        visits = store.visits(person=who, today=today, weeks=weeks, zones=working)
        everyone = (Term("person", "=", who.lower()),)
        simulated = store.count(Filter(everyone)).simulated
        plans = begun(store, held.paths.programs_dir, who, today)
    found = [trend for trend in made(visits, today, weeks) if region in (None, trend.region)]
    if as_json:
        told = {"plans": {key: plan.to_json() for key, plan in plans.items()}}
        click.echo(json.dumps({**to_json(found, weeks, simulated), **told}, indent=2))
        return
    if not found:
        click.echo(f"No real sessions of {clean(who)} in the last {weeks} weeks{_left_out(simulated)}.", err=True)
        return
    for line in (*trend_lines(found), *plan_lines(plans)):
        click.echo(line)
    click.echo(NO_CAUSE + (f" Left out: {simulated} simulated sessions." if simulated else ""))


def _left_out(simulated: int) -> str:
    return f"; {simulated} simulated" if simulated else ""
