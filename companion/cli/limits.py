"""`knead limits`: what is judged, by which numbers, and where those come from."""

import json
from typing import TYPE_CHECKING

import click

from companion.cli.failures import say
from companion.cli.limit_tables import figures_of, number, remarks_of
from companion.cli.options import document, setting, settings
from companion.cli.own_limits import set_, test
from companion.cli.past import known_past
from companion.cli.text import DISCLAIMER, clean, table

if TYPE_CHECKING:
    from companion.past import Past
    from companion.safety.limits import RegionLimits
    from companion.safety.table import Region
    from sessions.events import Json


@click.group(help="Show the limits each region is judged by, and set your own.")
def limits() -> None:
    pass


limits.add_command(set_)
limits.add_command(test)


@limits.command(help="The limits as published, and as they hold here: for the tool and for the person.")
@setting("region")
@setting("tool")
@setting("person")
@document
def show(region: str | None, tool: str | None, person: str | None, as_json: bool) -> None:
    from companion.cli.limit_tables import beside, listed
    from companion.safety.limits import DEFAULT_TOOL, regions, tools

    held = settings(region=region, tool=tool, person=person)
    past = known_past(held)
    for problem in past.problems:
        say(problem)
    kind = tools()[held.tool or DEFAULT_TOOL]
    factor_k = past.factor_k
    shown = {key: row for key, row in regions().items() if region in (None, key)}
    holding = {key: _holding(past, key, kind.key) for key in shown}
    if as_json:
        document = {key: _row(shown[key], holding[key], past) for key in shown}
        whole = {"schema": 1, "tool": kind.key, "person": past.person.name, "factor_k": factor_k, "regions": document}
        click.echo(json.dumps(whole | beside(), indent=2))
        return
    why = "" if past.verdict.screened else ": nobody was screened"
    click.echo(f"In force for the {kind.title.lower()} ({kind.area_cm2:g} cm2), times {factor_k:g}{why}.")
    click.echo("kPa is mean contact pressure; published limits are for 12 cm2 in brackets.")
    click.echo("")
    for line in _one(shown[region], holding[region]) if region is not None else _all(shown, holding):
        click.echo(line)
    for key in shown:
        for line in _own(past, key):
            click.echo(line)
    if region is None:
        for line in listed():
            click.echo(line)
    click.echo("")
    click.echo(click.wrap_text(DISCLAIMER, 79))


def _holding(past: "Past", region: str, tool: str) -> "RegionLimits":
    from companion.safety.limits import effective

    lowered = past.lowered[region].columns if region in past.lowered else {}
    own = past.person.personal(past.factor_k).get(region, 1.0)
    return effective(region, tool, None, past.factor_k, body_kg=past.verdict.body_kg, personal=own, lowered=lowered)


def _own(past: "Past", region: str) -> list[str]:
    """What of the person and the user's own file stands behind the limits in force."""
    lines = []
    own = past.person.personal(past.factor_k).get(region)
    if own is not None:
        lines.append(f"Own limit       {region}: times {own:.2f}, set by {past.person.name}")
    if region in past.lowered:
        row = past.lowered[region]
        columns = ", ".join(f"{name} {value:g}" for name, value in row.columns.items())
        lines.append(f"Own file        {region}: {columns} ({clean(row.source, 60)})")
    return lines


def _row(region: "Region", holding: "RegionLimits", past: "Past") -> "dict[str, Json]":
    from companion.safety.limits import limits_to_json

    lowered = past.lowered.get(region.key)

    return {
        "title": region.title,
        "base": limits_to_json(region.base),
        "effective": limits_to_json(holding),
        "personal": past.person.personal(past.factor_k).get(region.key, 1.0),
        "lowered": None if lowered is None else {**lowered.columns, "source": lowered.source},
        "source": region.source,
        "confidence": region.confidence,
    }


def _all(shown: "dict[str, Region]", holding: "dict[str, RegionLimits]") -> list[str]:
    heads = ("REGION", "kPa", "", "N", "", "HOLD s", "", "SESSION s", "DOSE kPa s", "")
    rows = []
    for key, region in shown.items():
        base, now = region.base, holding[key]
        cells = [key]
        for value, published in (
            (now.mean_max_kpa, base.mean_max_kpa),
            (now.force_max_n, base.force_max_n),
            (now.hold_s, base.hold_s),
        ):
            cells += [number(value), f"({number(published)})"]
        rows.append((*cells, number(now.session_s), number(now.dose_kpa_s), f"({number(base.dose_kpa_s)})"))
    sources = table(
        ("REGION", "CONFIDENCE", "SOURCE"), [(key, row.confidence, row.source) for key, row in shown.items()]
    )
    return [*table(heads, rows, right=frozenset(range(1, 10))), "", *sources]


def _one(region: "Region", now: "RegionLimits") -> list[str]:
    rows = zip(figures_of(now), figures_of(region.base), strict=True)
    return [
        f"{region.key}: {region.title}",
        *(
            f"{name.capitalize():<16}{'none' if value is None else f'{number(value)} {unit}'}"
            + ("" if published is None else f" ({number(published)})")
            for (name, unit, value), (_, _, published) in rows
        ),
        *_marks(region),
        f"Source          {region.source}",
        f"Confidence      {region.confidence}",
    ]


def _marks(region: "Region") -> list[str]:
    marks = remarks_of(region)
    return [f"Note            {', '.join(marks)}"] if marks else []
