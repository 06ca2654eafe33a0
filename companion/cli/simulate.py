"""`knead simulate`: a virtual ball on a port of this computer, for any program to connect to."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.exceptions import Exit

from companion.cli.options import FILE, LINK, SECONDS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from companion.balls import BleServer, Server
    from firmware_protocol.simulator.faults import Fault
    from firmware_protocol.simulator.virtual import VirtualBall

Command = TypeVar("Command", bound=Callable[..., Any])
_POLL_S = 0.1  # how soon a signal is answered
_SEEDS = 2**32
BALL_NAME = "Knead-virtual"
_NAME_BYTES = 29  # what a scan response holds


def _scenarios() -> list[str]:
    from firmware_protocol.simulator.scenarios import list_scenarios

    return [info.key for info in list_scenarios()]


def _known(_ctx: click.Context, _param: click.Parameter, key: str) -> str:
    if key not in (keys := _scenarios()):
        raise click.BadParameter(f"there is no scenario {key!r}; there are {', '.join(keys)}")
    return key


def _faults(_ctx: click.Context, _param: click.Parameter, spec: str | None) -> "tuple[Fault, ...]":
    from firmware_protocol.simulator.faults import parse_faults

    try:
        return () if spec is None else parse_faults(spec)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _complete_faults(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> "list[str | CompletionItem]":
    from firmware_protocol.simulator.faults import KINDS

    before, comma, begun = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in KINDS if name.startswith(begun)]


def _tell_faults(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    from firmware_protocol.simulator.faults import explain

    if wanted:
        click.echo("\n".join(explain()))
        ctx.exit()


def _short(_ctx: click.Context, _param: click.Parameter, name: str) -> str:
    if not name.strip() or len(name.encode()) > _NAME_BYTES:
        raise click.BadParameter(f"a name has 1 to {_NAME_BYTES} bytes")
    return name


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> "list[str | CompletionItem]":
    return [key for key in _scenarios() if key.startswith(incomplete)]


def _ball(command: Command) -> Command:
    """What both kinds of port take."""
    for option in (
        click.option(
            "--truth",
            type=FILE,
            help="At the end write what the ball measured, as CSV; and what went wrong, beside it as NAME.faults.csv.",
        ),
        click.option(
            "--list-faults",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_tell_faults,
            help="Say what --faults takes, and exit.",
        ),
        click.option(
            "--faults",
            metavar="SPEC",
            callback=_faults,
            shell_complete=_complete_faults,
            help="What goes wrong, drawn from the seed, such as drop=2%,flip=1e-4,stall=5s@60,reboot@30.",
        ),
        click.option("--seconds", type=SECONDS, help="End after so long; else at a signal."),
        click.option("--seed", type=click.IntRange(0, _SEEDS - 1), default=0, show_default=True, help="Of its noise."),
        click.option(
            "--scenario",
            default="showcase",
            show_default=True,
            callback=_known,
            shell_complete=_complete,
            help="What the person on it does.",
        ),
    ):
        command = option(command)
    return command


@click.group(help="Offer a virtual ball for others to connect to. Its address is the first line printed.")
def simulate() -> None:
    pass


@simulate.command(help="On a serial port: a pseudo-terminal, gone while the ball is away.")
@_ball
@click.option("--link", type=LINK, help="A symbolic link that always points to the port.")
@click.option(
    "--kind",
    type=click.Choice(["native", "text"]),
    default="native",
    show_default=True,
    help="text: a board that prints lines of numbers.",
)
@click.option("--form", help="What a text board prints: kg, time, counts or fsr.", metavar="FORM")
def serial(
    scenario: str,
    seed: int,
    faults: "tuple[Fault, ...]",
    seconds: float | None,
    truth: Path | None,
    link: Path | None,
    kind: str,
    form: str | None,
) -> None:
    from companion.balls import serve_pty

    if kind == "native":
        if form is not None:
            raise click.UsageError("--form is for --kind text")
        _serve(lambda ball: serve_pty(ball, link), scenario, seed, faults, seconds, truth)
        return
    from firmware_protocol.simulator.foreign import TextBoard

    if faults or truth is not None:
        raise click.UsageError("--faults and --truth are for balls that speak the protocol")
    try:
        board = TextBoard(scenario, seed, form=form or "kg")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--form") from error
    _until(lambda: serve_pty(board, link), seconds, lambda: None)


@simulate.command(help="On a TCP port of this computer, for one client at a time.")
@_ball
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Else any free one.")
def tcp(
    scenario: str, seed: int, faults: "tuple[Fault, ...]", seconds: float | None, truth: Path | None, port: int
) -> None:
    from companion.balls import serve_tcp

    _serve(lambda ball: serve_tcp(ball, port), scenario, seed, faults, seconds, truth)


@simulate.command(
    help="Over Bluetooth LE, on a bumble transport (extra: simulate). A radio such as usb:0 puts the ball on the air; "
    "tcp-server:HOST:PORT, ws-server, unix-server, pty and vhci offer a virtual radio with the ball in its reach."
)
@_ball
@click.option("--hci", required=True, metavar="TRANSPORT", help="Such as usb:0, or tcp-server:127.0.0.1:9001.")
@click.option("--name", default=BALL_NAME, show_default=True, callback=_short, help="It advertises this.")
@click.option("--mtu", type=click.IntRange(23, 517), default=247, show_default=True, help="The largest it agrees to.")
@click.option("--encrypted", is_flag=True, help="It wants to be paired.")
def ble(
    scenario: str,
    seed: int,
    faults: "tuple[Fault, ...]",
    seconds: float | None,
    truth: Path | None,
    hci: str,
    name: str,
    mtu: int,
    encrypted: bool,
) -> None:
    from companion.balls import serve_ble

    def make(ball: "VirtualBall") -> "BleServer":
        server = serve_ble(ball, hci, name=name, mtu=mtu)
        if server.virtual:
            click.echo(f"knead: a Bluetooth host can connect to {hci}", err=True)
        return server

    _serve(make, scenario, seed, faults, seconds, truth, over_ble=True, encrypted=encrypted)


def _serve(
    make: "Callable[[VirtualBall], Server | BleServer]",
    scenario: str,
    seed: int,
    faults: "tuple[Fault, ...]",
    seconds: float | None,
    truth: Path | None,
    *,
    over_ble: bool = False,
    encrypted: bool = False,
) -> None:
    """Until the time is up or a signal comes. The truth is written however it ends."""
    from firmware_protocol.simulator.virtual import VirtualBall

    harms = None if truth is None or not faults else truth.with_suffix(".faults.csv")
    for file in (file for file in (truth, harms) if file is not None):
        _refuse(file)
    try:
        ball = VirtualBall(scenario, seed=seed, faults=faults, framed=not over_ble, encrypted=encrypted)
    except ValueError as error:  # a fault there cannot be on this link
        raise click.BadParameter(str(error), param_hint="--faults") from error

    def write() -> None:
        if truth is not None:
            ball.truth.write(truth)
        if harms is not None:
            ball.write_harms(harms)

    _until(lambda: make(ball), seconds, write)


def _refuse(file: Path) -> None:
    """What cannot be written, or would be written over, is told now, not after the session. It leaves no file."""
    from companion.errors import CompanionError
    from sessions.files import refuse_existing

    if file.exists() and not file.is_file():  # a pipe, a terminal
        return
    refuse_existing(file, hint="choose another name, or take that file away")
    try:
        file.open("x").close()
        file.unlink()
    except OSError as error:
        text = f"the truth {file} cannot be written: {error.strerror or error}"
        raise CompanionError(text, "name a file in a directory of yours") from error


def _until(make: "Callable[[], Server | BleServer]", seconds: float | None, after: Callable[[], None]) -> None:
    """Serve until the time is up or a signal comes; `after` is done however it ends."""
    from companion.cli.signals import Signals

    with Signals() as signals:
        try:
            with make() as server:
                click.echo(server.address)  # echo flushes
                until_s = None if seconds is None else monotonic() + seconds
                while signals.caught is None and (until_s is None or monotonic() < until_s):
                    if server.wait(_POLL_S if until_s is None else min(_POLL_S, max(0.0, until_s - monotonic()))):
                        break
        finally:
            after()
    if signals.code is not None:
        raise Exit(signals.code)
