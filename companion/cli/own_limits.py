"""`knead limits set` and `knead limits test`: a person's own limits. Lowering is free, raising is not."""

import json
import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from companion.cli.options import SECONDS, SPEED, Positive, document, setting, settings
from companion.errors import CompanionError

if TYPE_CHECKING:
    from companion.config import Settings
    from companion.past import Past
    from companion.pressing import Pressing

_MOST_KPA = 1000.0  # more is a slip of the hand
_NEEDS = "raising a limit takes its number and a reason: --reason TEXT"


@click.command(
    "set",
    help=(
        "Set your own limit for a region: KPA is the mean pressure on the tool where a caution begins, as the screen "
        "shows it. Lowering is free. Raising takes a reason, ends at the published limit times 1.2, and never moves "
        "the stop."
    ),
)
@click.argument("kpa", type=Positive(_MOST_KPA), required=False)
@setting("region")
@setting("tool")
@setting("person")
@click.option("--work", is_flag=True, help="Set the top of the working range instead.")
@click.option("--reset", is_flag=True, help="Back to the published limit.")
@click.option("--reason", help="Why it is raised. Kept with the change.")
@document
def set_(
    kpa: float | None,
    region: str | None,
    tool: str | None,
    person: str | None,
    work: bool,
    reset: bool,
    reason: str | None,
    as_json: bool,
) -> None:
    if region is None:
        raise click.UsageError("say which region: --region R")
    if (kpa is None) is not reset:
        raise click.UsageError("give KPA, or --reset")
    held = settings(region=region, tool=tool, person=person)
    from companion import ownlimits
    from companion.compose import gather
    from companion.safety.limits import DEFAULT_TOOL
    from companion.safety.person import OwnLimit

    past = gather(held)
    tool = held.tool or DEFAULT_TOOL
    own = OwnLimit() if kpa is None else ownlimits.wanted(past, region, tool, kpa, work=work)
    raised = ownlimits.raises(past, region, own)
    if raised and not (reason and reason.strip()):
        reason = _asked(kpa)
    told = {"kpa": kpa, "tool": tool, "work": work}
    ownlimits.keep(held.paths.database, held.person, region, own, told, raised=raised, reason=reason or "")
    _show(gather(held), region, tool, as_json)


def _asked(kpa: float | None) -> str:
    """The number again, and a reason, from whoever sits there; headless it is a wrong use."""
    if not (sys.stdin is not None and sys.stdin.isatty()):
        raise click.UsageError(_NEEDS)
    if kpa is not None and click.prompt("This raises the limit. Type the number again", type=float, err=True) != kpa:
        raise click.UsageError("the numbers differ: nothing is changed")
    reason = str(click.prompt("Why", err=True)).strip()
    if not reason:
        raise click.UsageError(_NEEDS)
    return reason


def _show(past: "Past", region: str, tool: str, as_json: bool) -> None:
    from companion.cli.limit_tables import number
    from companion.ownlimits import holding
    from companion.safety.limits import limits_to_json

    now, published = holding(past, region, tool)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "schema": 1,
                    "person": past.person.name,
                    "region": region,
                    "tool": tool,
                    "factor_k": past.factor_k,
                    "personal": past.person.personal(past.factor_k).get(region, 1.0),
                    "effective": limits_to_json(now),
                },
                indent=2,
            )
        )
        return
    click.echo(
        f"{region}, {tool}: caution from {number(now.mean_max_kpa)} kPa ({number(published.mean_max_kpa)} without your "
        f"own limit), work up to {number(now.working_kpa[1])} kPa"
    )
    click.echo("The stop is judged as if nothing had been raised.")


@click.command(
    "test",
    help=(
        "Guided test on a ball: three slow presses, each to the first discomfort. The lowest sets your working top; "
        "it only ever lowers it. A virtual ball shows how it goes, and changes nothing."
    ),
)
@click.argument("address", required=False)
@setting("region")
@setting("side")
@setting("tool")
@setting("person")
@click.option("--seconds", type=SECONDS, default=180.0, show_default=True, help="Give up after so long.")
@click.option("--speed", type=SPEED, default=1.0, help="Times real time; for virtual balls only.")
@document
def test(
    address: str | None,
    region: str | None,
    side: str | None,
    tool: str | None,
    person: str | None,
    seconds: float,
    speed: float,
    as_json: bool,
) -> None:
    held = settings(region=region, side=side, tool=tool, person=person)
    if held.region == "unknown":
        raise click.UsageError("say which region: --region R")
    from companion import compose
    from companion.cli.failures import mention, say
    from companion.pressing import Pressing
    from companion.run import LiveRequest

    request = LiveRequest(
        address=address,
        person=held.person,
        region=held.region,
        side=held.side,
        tool=held.tool,
        seconds=seconds,
        speed=speed,
    )
    pressing = Pressing(mention)
    run = compose.live(request, held, (pressing,))
    for line in run.words:
        say(line)
    pressing.attach(run)
    run.start()
    try:
        while not run.join(0.2):
            pass
    except KeyboardInterrupt:
        run.stop("signal")
        run.join(30)
        raise
    outcome = run.outcome
    if outcome is not None and outcome.code:
        say(outcome.text, outcome.hint)
        raise Exit(outcome.code)
    _settle(held, pressing, as_json)


def _settle(held: "Settings", pressing: "Pressing", as_json: bool) -> None:
    """Keep what the test gave, if it lowers the working top."""
    from companion import ownlimits
    from companion.cli.failures import say
    from companion.compose import gather
    from companion.safety.person import OwnLimit
    from companion.safety.presses import PRESSES

    top_peq, context = pressing.work_peq_kpa, pressing.context
    if top_peq is None or context is None:
        text = f"{pressing.counted} of {PRESSES} presses: nothing is changed"
        raise CompanionError(text, "press slowly three times, coming off in between")
    past = gather(held)
    root = math.sqrt(context.area_cm2)
    own = past.person.limits.get(held.region, OwnLimit())
    fresh = replace(own, work_peq_kpa=top_peq)
    factor_k = past.factor_k
    lowers = fresh.factor(held.region, factor_k) < own.factor(held.region, factor_k) - 1e-9
    if pressing.simulated:
        say("a virtual ball: nothing is kept")
    elif lowers:
        told = {"kpa": top_peq / root, "tool": context.tool, "work": True}
        database = held.paths.database
        ownlimits.keep(database, held.person, held.region, fresh, told, raised=False, reason="test")
    else:
        say(f"your working top stays: the test gave more ({top_peq / root:.1f} kPa)", "raise it with: knead limits set")
    if as_json:
        kept = lowers and not pressing.simulated
        row = {"schema": 1, "region": held.region, "tool": context.tool, "work_to_kpa": round(top_peq / root, 2)}
        click.echo(json.dumps({**row, "simulated": pressing.simulated, "kept": kept}, indent=2))
        return
    click.echo(f"{held.region}, {context.tool}: first discomfort at {top_peq / root:.1f} kPa")
