"""`knead today`: what each region may still get today, and when again."""

import json
from typing import TYPE_CHECKING

import click

from companion.cli.failures import say
from companion.cli.options import document, setting, settings
from companion.cli.text import clean, span, table

if TYPE_CHECKING:
    from companion.past import Past
    from companion.safety.carried import Left
    from sessions.events import Json


JUDGED = "These times are a judgement, not measured limits of harm: knead limits show"


@click.command(help="What is left today per region, and when again. Simulated sessions do not count.")
@setting("person")
@setting("region")
@document
def today(person: str | None, region: str | None, as_json: bool) -> None:
    from companion.compose import gather
    from companion.safety.limits import regions

    held = settings(person=person, region=region)
    past = gather(held)
    rows = [left for key in regions() if region in (None, key) for left in past.sides(key)]
    if as_json:
        click.echo(json.dumps(_document(past, rows), indent=2))
        return
    for problem in past.problems:
        say(problem)
    for line in _lines(past, rows):
        click.echo(line)


def _document(past: "Past", rows: "list[Left]") -> "dict[str, Json]":
    regions: dict[str, Json] = {}
    for left in rows:
        sides = regions.setdefault(left.region, {})
        assert isinstance(sides, dict)
        sides[left.side] = {
            "left_s": left.left_s,
            "used_s": left.used_s,
            "cap_s": left.cap_s,
            "dose_kpa_s": round(left.dose_kpa_s, 1),
            "dose_limit_kpa_s": left.dose_limit_kpa_s,
            "locked": left.locked,
            "reasons": [
                {"why": why, "until": None if until is None else until.astimezone().isoformat(timespec="seconds")}
                for why, until in left.reasons
            ],
            "again_at": None if left.again is None else left.again.astimezone().isoformat(timespec="seconds"),
            "free": left.free,
        }
    return {
        "schema": 1,
        "person": past.person.name,
        "at": past.now.astimezone().isoformat(timespec="seconds"),
        "standing": past.verdict.standing.value,
        "screened": past.verdict.screened,
        "factor_k": past.factor_k,
        "left_s": past.left_s,
        "advice": list(past.advice()),
        "regions": regions,
    }


def _lines(past: "Past", rows: "list[Left]") -> list[str]:
    lines = [f"{clean(past.person.name, 40)}: {span(past.left_s)} of contact left today, on the whole body"]
    if past.verdict.reasons:
        lines.append(f"No session: {past.verdict.reasons[0]} {past.verdict.advice}")
    lines += past.advice()
    lines.append("")
    cells = [(place(left), span(left.left_s) if left.free else "none", again(left), why(left)) for left in rows]
    return [*lines, *table(("PLACE", "LEFT", "AGAIN", "WHY"), cells), "", JUDGED]


def place(left: "Left") -> str:
    return left.region if left.side == "both" else f"{left.region} {left.side}"


def again(left: "Left") -> str:
    """When a region is free again; it may never be zero where it is not known."""
    if left.free:
        return "now"
    return "when that has changed" if left.again is None else f"{left.again.astimezone():%a %d %b %H:%M}"


def why(left: "Left") -> str:
    if left.free:
        return ""
    return "; ".join(dict.fromkeys(text for text, _ in left.reasons)) or "the day's share is used"
