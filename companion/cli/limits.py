"""`knead limits`: what is judged, by which numbers, and where those come from."""

import json
from typing import TYPE_CHECKING

import click

from companion.cli.options import document, setting, settings
from companion.cli.text import DISCLAIMER, table

if TYPE_CHECKING:
    from companion.safety.limits import RegionLimits
    from companion.safety.table import Region
    from sessions.events import Json


@click.group(help="Show the limits each region is judged by.")
def limits() -> None:
    pass


@limits.command(help="The limits as published, and as they hold here: for the tool and for one whom nobody screened.")
@setting("region")
@setting("tool")
@document
def show(region: str | None, tool: str | None, as_json: bool) -> None:
    from companion.safety.limits import DEFAULT_TOOL, effective, regions, tools, whole_body

    held = settings(region=region, tool=tool)
    kind = tools()[held.tool or DEFAULT_TOOL]
    factor_k = whole_body()["unscreened_factor"]
    shown = {key: row for key, row in regions().items() if region in (None, key)}
    holding = {key: effective(key, kind.key, factor_k=factor_k) for key in shown}
    if as_json:
        document = {key: _row(shown[key], holding[key]) for key in shown}
        click.echo(json.dumps({"schema": 1, "tool": kind.key, "factor_k": factor_k, "regions": document}, indent=2))
        return
    click.echo(
        f"In force for the {kind.title.lower()} ({kind.area_cm2:g} cm2), times {factor_k:g}: nobody was screened."
    )
    click.echo("kPa is mean contact pressure; published limits are for 12 cm2 in brackets.")
    click.echo("")
    for line in _one(shown[region], holding[region]) if region is not None else _all(shown, holding):
        click.echo(line)
    click.echo("")
    click.echo(click.wrap_text(DISCLAIMER, 79))


def _row(region: "Region", holding: "RegionLimits") -> "dict[str, Json]":
    from companion.safety.limits import limits_to_json

    return {
        "title": region.title,
        "base": limits_to_json(region.base),
        "effective": limits_to_json(holding),
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
            cells += [_number(value), f"({_number(published)})"]
        rows.append((*cells, _number(now.session_s), _number(now.dose_kpa_s), f"({_number(base.dose_kpa_s)})"))
    sources = table(
        ("REGION", "CONFIDENCE", "SOURCE"), [(key, row.confidence, row.source) for key, row in shown.items()]
    )
    return [*table(heads, rows, right=frozenset(range(1, 10))), "", *sources]


def _number(value: float) -> str:
    """To a tenth, cut and not rounded: what is printed is never more than what is allowed."""
    return f"{int(value * 10 + 1e-6) / 10:.1f}".removesuffix(".0")


def _one(region: "Region", now: "RegionLimits") -> list[str]:
    base = region.base
    rows = [
        ("Pressure", "kPa", now.mean_max_kpa, base.mean_max_kpa),
        ("Point pressure", "kPa", now.peq_max_kpa, base.peq_max_kpa),
        ("Force", "N", now.force_max_n, base.force_max_n),
        ("Stop at", "N", now.force_cap_n, base.force_cap_n),
        ("Work from", "kPa", now.working_kpa[0], base.working_kpa[0]),
        ("Work to", "kPa", now.working_kpa[1], base.working_kpa[1]),
        ("Hold", "s", now.hold_s, base.hold_s),
        ("Rest", "s", now.rest_s, base.rest_s),
        ("A session", "s", now.session_s, base.session_s),
        ("A day", "s", now.day_s, base.day_s),
        ("Dose", "kPa s", now.dose_kpa_s, base.dose_kpa_s),
    ]
    return [
        f"{region.key}: {region.title}",
        *(
            f"{name:<16}{'none' if value is None else f'{_number(value)} {unit}'}"
            + ("" if published is None else f" ({_number(published)})")
            for name, unit, value, published in rows
        ),
        *_marks(region),
        f"Source          {region.source}",
        f"Confidence      {region.confidence}",
    ]


def _marks(region: "Region") -> list[str]:
    told = {
        "bony": region.bony,
        "roll only": region.roll_only,
        "light only": region.light_only,
        "off by default": region.off_by_default,
    }
    marks = [mark for mark, true in told.items() if true]
    return [f"Note            {', '.join(marks)}"] if marks else []
