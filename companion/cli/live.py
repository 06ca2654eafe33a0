"""`knead live` and `knead demo`: one session, on the screen or as lines."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from companion.cli.first import Words
from companion.cli.options import ARM, FILE, PACE, SECONDS, SPEED, output, quiet, setting, settings, silence
from companion.cli.programs import check_program, program_keys

if TYPE_CHECKING:
    from pathlib import Path

    from companion.cli.jsonl import Jsonl
    from companion.cli.outlet import Outlet
    from companion.cli.plain import Plain
    from companion.config import Settings
    from companion.run import LiveRequest, Run


@click.command(help="Watch a virtual ball for a minute: no hardware needed.")
@click.option("--seconds", type=SECONDS, help="End after so many session seconds; else when the show is over.")
@click.option("--speed", type=SPEED, default=1.0, help="Times real time.")
@quiet
@output
def demo(seconds: float | None, speed: float, quiet: bool, form: str | None) -> None:
    from companion.cli.screen import open_demo, wants_screen

    held = settings(**silence(quiet))
    if wants_screen(form):
        raise Exit(open_demo(held, seconds, speed))
    from companion import compose
    from companion.cli.watch import watch

    printed = _form(form)
    printed.known = Words(held.paths)

    def make(outlet: "Outlet") -> "Run":
        return compose.demo(held, seconds=seconds, speed=speed, observers=(outlet,))

    raise Exit(watch(make, printed, held))


@click.command(
    help="Show, judge and record a ball's pressure. Without ADDRESS the last ball. replay:SESSION and replay:FILE "
    "play a session once more."
)
@click.argument("address", required=False)
@setting("person")
@setting("region")
@setting("side")
@setting("tool")
@click.option("--program", metavar="PROGRAM", help="Be led through it.", shell_complete=program_keys)
@setting("handsfree")
@click.option(
    "--arm", type=ARM, default=0.0, help="Count down so many seconds to get on the floor, then go hands-free."
)
@click.option("--pain", type=click.IntRange(0, 10), help="How much it hurts before, 0 to 10.")
@click.option("--seconds", type=SECONDS, help="End after so many session seconds.")
@click.option("--speed", type=PACE, default=1.0, help="Times real time, for virtual balls and replays; or max.")
@click.option("--kind", help="What kind of ball it is, where it cannot be told.")
@click.option("--capture", type=FILE, metavar="FILE", help="Keep every byte of it, too, in a new file.")
@click.option("--record/--no-record", default=None, help="Keep this session, or nothing of it. A replay is not kept.")
@quiet
@output
def live(
    address: str | None,
    person: str | None,
    region: str | None,
    side: str | None,
    tool: str | None,
    program: str | None,
    handsfree: str | None,
    arm: float,
    pain: int | None,
    seconds: float | None,
    speed: float,
    kind: str | None,
    capture: "Path | None",
    record: bool | None,
    quiet: bool,
    form: str | None,
) -> None:
    from companion.cli.screen import open_live, wants_screen

    _refuse(region, tool)
    held = settings(person=person, region=region, side=side, tool=tool, handsfree=handsfree, **silence(quiet))
    if program is not None:
        check_program(program, region, held)
    from companion.run import LiveRequest

    request = LiveRequest(
        address=address,
        person=held.person,
        region=held.region,
        side=held.side,
        tool=held.tool,
        program=program,
        arm_s=arm,
        pain=pain,
        handsfree=held.handsfree,
        seconds=seconds,
        speed=speed,
        kind=kind,
        capture=capture,
    )
    request = replace(request, record=not request.is_replay if record is None else record)
    raise Exit(open_live(held, request) if wants_screen(form) else _print(request, held, form))


def _print(request: "LiveRequest", held: "Settings", form: str | None) -> int:
    """The session as lines, to its end; gives the exit code."""
    from companion import compose
    from companion.cli.watch import watch

    printed = _form(form)

    def make(outlet: "Outlet") -> "Run":
        outlet.patient = request.is_replay
        run = compose.live(request, held, observers=(outlet,))
        said = [f"knead: {line}" for line in run.words]
        printed.known = said if request.is_replay else Words(held.paths, said)
        return run

    return watch(make, printed, held)


def _refuse(region: str | None, tool: str | None) -> None:
    """A site no limit makes fit, and a tool that is only explained. Raises RefusedError with the reason."""
    from companion.errors import RefusedError
    from companion.safety.limits import table

    for key, barred in ((region, table().blocked), (tool, table().explained)):
        if key is not None and key in barred:
            row = barred[key]
            raise RefusedError(f"{row.title}: {row.why}", "knead limits show lists what there is")


def _form(form: str | None) -> "Plain | Jsonl":
    from companion.cli.jsonl import Jsonl
    from companion.cli.plain import Plain
    from companion.cli.zones import edges_of

    return Jsonl() if form == "jsonl" else Plain(edges_of)
