"""`knead check`: does a ball keep the protocol, and what is to be mended."""

import json
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from companion.cli.options import document, settings

if TYPE_CHECKING:
    from companion.checking import Checked
    from firmware_protocol.conformance.verdict import Verdict

MENDED, LOST = 1, 4  # exit codes
_WIDTH = 40  # of a title


@click.command(
    help="Does a ball keep PROTOCOL.md? Prints pass or what to mend, with the rule. Let the ball lie: its zero is set "
    "anew, its calibration is left alone. Without ADDRESS the last ball."
)
@click.argument("address", required=False)
@click.option("--long", is_flag=True, help="Also what takes half a minute of silence to see.")
@document
def check(address: str | None, long: bool, as_json: bool) -> None:
    from companion import whereabouts
    from companion.checking import check as run

    paths = settings().paths
    address = whereabouts.find(address, paths, whereabouts.remembered(paths)).address
    found = run(address, long=long, told=(lambda verdict: None) if as_json else _tell)
    if as_json:
        click.echo(json.dumps(_document(found), indent=2))
    else:
        _sum_up(found)
    if found.lost:
        raise Exit(LOST)
    if _to_mend(found):
        raise Exit(MENDED)


def _tell(verdict: "Verdict") -> None:
    from companion.cli.text import clean
    from firmware_protocol.conformance.verdict import Outcome

    line = f"{_rules(verdict):<12}{verdict.item.title:<{_WIDTH}}{verdict.outcome.value}"
    match verdict.outcome:
        case Outcome.MEND:
            click.echo(f"{line}\n{'':<12}{clean(verdict.text)}")
        case Outcome.SKIPPED:
            click.echo(f"{line}: {clean(verdict.text)}")
        case Outcome.PASS:
            click.echo(line)


def _rules(verdict: "Verdict") -> str:
    return " ".join(f"R{rule}" for rule in verdict.item.rules)


def _to_mend(found: "Checked") -> "list[Verdict]":
    from firmware_protocol.conformance.verdict import Outcome

    return [verdict for verdict in found.verdicts if verdict.outcome is Outcome.MEND]


def _sum_up(found: "Checked") -> None:
    from companion.cli.failures import say
    from firmware_protocol.conformance.verdict import Outcome

    count = {outcome: sum(verdict.outcome is outcome for verdict in found.verdicts) for outcome in Outcome}
    click.echo(
        f"\n{count[Outcome.PASS]} pass, {count[Outcome.MEND]} to mend, {count[Outcome.SKIPPED]} not looked at. "
        "The rules are in firmware_protocol/PROTOCOL.md."
    )
    if found.virtual and count[Outcome.MEND]:
        say(
            "this is a virtual ball, which its scenario may press while it is checked",
            "check one that nobody touches: knead check sim:empty, or simulate it with --scenario empty",
        )
    if found.lost:
        say(f"the check ended early: {found.lost}", "check again; a ball that goes away by itself is to be mended")


def _document(found: "Checked") -> dict[str, object]:
    from firmware_protocol.conformance.unseen import UNSEEN
    from firmware_protocol.conformance.verdict import Outcome

    hello = found.hello
    return {
        "schema": 1,
        "pass": not _to_mend(found) and not found.lost,
        "lost": found.lost or None,
        "ball": None
        if hello is None
        else {
            "version": hello.version,
            "caps": int(hello.caps),
            "channels": hello.channels,
            "unit": hello.unit,
            "lsb": hello.lsb,
            "max_hz": hello.max_hz,
            "cal_crc": hello.cal_crc,
            "boot_id": hello.boot_id,
        },
        "items": [
            {
                "key": verdict.item.key,
                "rules": [f"R{rule}" for rule in verdict.item.rules],
                "title": verdict.item.title,
                "result": {Outcome.PASS: "pass", Outcome.MEND: "mend", Outcome.SKIPPED: "skipped"}[verdict.outcome],
                "text": verdict.text or None,
            }
            for verdict in found.verdicts
        ],
        "unseen": {f"R{rule}": why for rule, why in UNSEEN.items()},
    }
