"""`knead pair`: connect, identify, zero, check, remember. Nothing is asked on standard input; options say it all."""

import json
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from companion.cli.options import SPEED, document, settings

if TYPE_CHECKING:
    from datetime import datetime

    from companion.meeting import Meeting, Paired
    from companion.pairing.steps import Ask, Say
    from companion.pairing.trust import Finding

_CHECK = 13


@click.command(
    help="Get to know a ball: let it buzz, set its zero, check it for ten seconds, and remember it with what is known "
    "of its size. ADDRESS is one of knead scan, or the name of a ball paired before. What nobody says takes the "
    "stricter value."
)
@click.argument("address")
@click.option("--name", help="What to call it.")
@click.option("--kind", help="What kind of ball it is, where it cannot be told.")
@click.option("--tool", help="hard, tennis, soft, roller or nub.")
@click.option("--area", type=float, metavar="CM2", help="Contact area of the whole tool.")
@click.option("--diameter", type=float, metavar="MM", help="With --hardness, instead of --area.")
@click.option("--hardness", help="hard, medium or soft.")
@click.option("--as-told", is_flag=True, help="What the ball says of its size is right.")
@click.option("--cell", type=float, metavar="CM2", help="Skin area of one of its cells, where they are apart.")
@click.option("--full-scale", type=float, metavar="N", help="The largest force it can show.")
@click.option("--baud", type=int, help="Of a serial port with a text board.")
@click.option("--columns", metavar="A,B", help="Of a text board, in order: force, time_s, time_ms, time_us or -.")
@click.option("--unit", help="Of its numbers: N, kg, g, lb ... or counts, where it names none.")
@click.option("--invert/--no-invert", default=None, help="Pressing makes its numbers fall.")
@click.option("--calibrated-on", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="YYYY-MM-DD.")
@click.option("--find/--no-find", default=True, help="Let it buzz, to be sure which one it is.")
@click.option("--zero/--no-zero", default=True, help="Set its zero: nothing may touch it.")
@click.option("--speed", type=SPEED, default=1.0, help="Times real time, for virtual balls.")
@document
def pair(
    address: str,
    name: str | None,
    kind: str | None,
    tool: str | None,
    area: float | None,
    diameter: float | None,
    hardness: str | None,
    as_told: bool,
    cell: float | None,
    full_scale: float | None,
    baud: int | None,
    columns: str | None,
    unit: str | None,
    invert: bool | None,
    calibrated_on: "datetime | None",
    find: bool,
    zero: bool,
    speed: float,
    as_json: bool,
) -> None:
    from companion import compose
    from companion.cli.failures import say
    from companion.pairing.profile import checked_name
    from companion.pairing.settling import Wishes
    from companion.pairing.steps import Steps

    nickname = "" if name is None else checked_name(name)  # given as nothing, it is wrong
    wishes = Wishes(
        tool=tool,
        area_cm2=area,
        diameter_mm=diameter,
        hardness=hardness,
        cell_cm2=cell,
        full_scale_n=full_scale,
        baud=baud,
        columns=tuple(part.strip() for part in columns.split(",")) if columns else (),
        unit=unit,
        invert=invert,
        calibrated_on=None if calibrated_on is None else date(*calibrated_on.timetuple()[:3]),
        as_told=as_told,
    )
    steps = Steps(asks=False, identify=find, zero=zero)
    held = settings()
    meeting = compose.pair(address, held, _hear, steps, wishes=wishes, nickname=nickname, kind=kind, speed=speed)
    if meeting.address.startswith("ble:"):
        say("connecting: your system may ask whether to pair", "say yes; without a desktop see 'knead doctor'")
    _meet(meeting)
    _show(meeting.keep(), as_json=as_json)


def _meet(meeting: "Meeting") -> None:
    """Go through its steps. Where they do not end well, say why and exit."""
    from companion.cli.failures import say

    try:
        outcome = meeting.run()
    except KeyboardInterrupt:
        meeting.abandon()
        raise
    if outcome.code:
        say(outcome.text, outcome.hint)
        raise Exit(outcome.code)


def _hear(said: "Say | Ask") -> None:
    """Progress is words: it goes to stderr."""
    from companion.cli.failures import say
    from companion.pairing.steps import Say

    say(said.text, said.hint if isinstance(said, Say) else "")


def _show(paired: "Paired", *, as_json: bool) -> None:
    from companion.cli.devices import as_document, line
    from companion.cli.text import clean

    assert paired.device is not None
    if as_json:
        told = [{"cause": cause, "text": text} for cause, text in paired.told]
        checks = [asdict(finding) for finding in paired.findings]
        click.echo(
            json.dumps({"schema": 1, "ball": as_document(paired.device), "checks": checks, "told": told}, indent=2)
        )
        return
    for finding in paired.findings:
        for row in check_lines(finding):
            click.echo(row)
    for _, text in paired.told:
        click.echo(f"not known: {clean(text, 300)}")
    click.echo(f"remembered: {line(paired.device)}")


def check_lines(finding: "Finding") -> "list[str]":
    """A word, a number, and what to do."""
    from companion.cli.text import clean

    rows = [f"{finding.check:<{_CHECK}}{finding.word}: {clean(finding.text, 200)}"]
    if finding.todo:
        rows.append(f"{'':<{_CHECK}}{clean(finding.todo, 200)}")
    return rows
