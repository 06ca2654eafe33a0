"""`knead calibrate`: known weights, what the ball says to each, and a line through them."""

import json
from datetime import date, datetime
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from companion.cli.options import document, settings
from companion.cli.terminal import someone

if TYPE_CHECKING:
    from companion.calibrating import Bench
    from companion.points import Fit, Point

UNITS = ("kg", "N", "g", "lb")


def _parsed(_ctx: click.Context, _param: click.Parameter, told: tuple[str, ...]) -> list[tuple[float, float | None]]:
    """WEIGHT or WEIGHT:NUMBER."""
    found: list[tuple[float, float | None]] = []
    for text in told:
        weight, colon, number = text.partition(":")
        try:
            pair = (float(weight), float(number) if colon else None)
        except ValueError as error:
            raise click.BadParameter(f"{text!r} is no weight, nor WEIGHT:NUMBER") from error
        if not all(value is None or abs(value) < 1e12 for value in pair) or pair[0] < 0:  # False with NaN
            raise click.BadParameter(f"{text!r} is no weight")
        found.append(pair)
    return found


@click.command(
    help="Tell a ball what its numbers mean, by known weights: nothing first, then what you have, up to 8 points. On a "
    "terminal it asks for them. Elsewhere give each as --point WEIGHT:NUMBER; --measure says the number of now."
)
@click.argument("address", required=False)
@click.option("--kind", help="What kind of ball it is, where it cannot be told.")
@click.option("--cell", type=click.IntRange(1, 16), help="The cell the weights rest on, where there are several.")
@click.option(
    "--point", "points", multiple=True, callback=_parsed, metavar="WEIGHT[:NUMBER]", help="Known, or asked for."
)
@click.option("--unit", type=click.Choice(UNITS), default="kg", show_default=True, help="Of the weights.")
@click.option("--measure", is_flag=True, help="Only say the number of now, at rest.")
@click.option("--undo", is_flag=True, help="What held before the last calibration again.")
@click.option("--yes", is_flag=True, help="Store without asking.")
@document
def calibrate(
    address: str | None,
    kind: str | None,
    cell: int | None,
    points: list[tuple[float, float | None]],
    unit: str,
    measure: bool,
    undo: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from companion import compose
    from companion.calibrating import FailedError
    from companion.cli.failures import say

    asked = someone()
    if not asked and not measure:
        if not undo and (not points or any(number is None for _, number in points)):
            raise click.UsageError("nobody can be asked here: give each point as --point WEIGHT:NUMBER (see --measure)")
        if not yes:
            raise click.UsageError("nobody can be asked here: say --yes")
    bench = compose.calibrate(address, settings(), kind)
    try:
        bench.open()
        if measure:
            _say_numbers(bench, as_json=as_json)
        elif undo:
            _undo(bench, yes=yes)
        else:
            _calibrate(bench, _channel(bench, cell), points, unit, yes=yes, as_json=as_json)
    except FailedError as failed:
        say(failed.outcome.text, failed.outcome.hint)
        raise Exit(failed.outcome.code) from failed
    finally:
        bench.close()


def _channel(bench: "Bench", cell: int | None) -> int:
    if cell is None and bench.channels > 1:
        raise click.UsageError(f"the ball has {bench.channels} cells: say which one the weights rest on, --cell 1")
    if cell is not None and cell > bench.channels:
        raise click.UsageError(f"the ball has {bench.channels} cells")
    return (cell or 1) - 1


def _calibrate(
    bench: "Bench",
    channel: int,
    given: list[tuple[float, float | None]],
    unit: str,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    from companion.calibrating import FailedError
    from companion.engine import Outcome
    from companion.points import NoLineError, fit

    points = [_point(bench, channel, weight, number, unit) for weight, number in given]
    if not given:
        points = _asked_for(bench, channel, unit)
    try:
        found = fit(points)
    except NoLineError as error:
        raise FailedError(Outcome(1, f"not calibrated: {error}", "the ball is as it was")) from error
    _show(points, found)
    stored = None
    where = "in the ball" if bench.in_ball else "for this ball, here"
    if yes or click.confirm(f"Store these points {where}?", err=True):
        stored = bench.keep(channel, found.points, _today())
        click.echo(f"stored {where}; knead calibrate --undo takes it back", err=True)
        if wanting := bench.wanting():
            click.echo(wanting, err=True)
    else:
        click.echo("nothing was stored", err=True)
    if as_json:
        click.echo(json.dumps(_document(channel, points, found, stored), indent=2))


def _asked_for(bench: "Bench", channel: int, unit: str) -> "list[Point]":
    """One point after the other, until the person has no more."""
    from firmware_protocol.messages import MAX_POINTS

    points = [_point(bench, channel, 0.0, None, unit)]
    while len(points) < MAX_POINTS:
        told = click.prompt(
            f"Put a known weight on it, and say how many {unit} (Enter alone: that was all)",
            default="",
            show_default=False,
            err=True,
        )
        if not told.strip():
            break
        try:
            weight = float(told.replace(",", "."))
        except ValueError:
            click.echo(f"{told!r} is no number", err=True)
            continue
        if not 0 < weight < 1e6:
            click.echo("a weight is more than 0", err=True)
            continue
        points.append(_measured(bench, channel, weight, unit))
    return points


def _point(bench: "Bench", channel: int, weight: float, number: float | None, unit: str) -> "Point":
    from companion.points import Point

    if number is not None:
        return Point(_newton(weight, unit), number)
    what = f"Put {weight:g} {unit} on it" if weight else "Take everything off"
    click.prompt(f"{what}, let it rest, then press Enter", default="", show_default=False, err=True)
    return _measured(bench, channel, weight, unit)


def _measured(bench: "Bench", channel: int, weight: float, unit: str) -> "Point":
    from companion.points import Point

    click.echo("measuring: leave it at rest", err=True)
    number, moved = bench.numbers()[channel]
    click.echo(f"{weight:g} {unit}: {number:.6g}", err=True)
    return Point(_newton(weight, unit), number, moved)


def _show(points: "list[Point]", found: "Fit") -> None:
    """Data to stdout: each point, and how far it lies off the line."""
    click.echo(f"{'weight':>10}  {'number':>14}  {'off the line':>12}", err=True)
    for point, off in zip(points, found.residuals_n, strict=True):
        click.echo(f"{point.newton:>8.2f} N  {point.number:>14.6g}  {off:>+10.2f} N", err=True)
    for remark in found.remarks:
        click.echo(remark, err=True)


def _say_numbers(bench: "Bench", *, as_json: bool) -> None:
    numbers = bench.numbers()
    if as_json:
        rows = [{"cell": cell + 1, "number": number, "moved": moved} for cell, (number, moved) in enumerate(numbers)]
        click.echo(json.dumps({"schema": 1, "numbers": rows}, indent=2))
        return
    for number, _ in numbers:
        click.echo(f"{number:.10g}")


def _undo(bench: "Bench", *, yes: bool) -> None:
    if not yes and not click.confirm("Take back the last calibration?", err=True):
        click.echo("nothing was changed", err=True)
        return
    bench.undo(_today())
    click.echo("what held before holds again", err=True)


def _document(channel: int, points: "list[Point]", found: "Fit", stored: str | None) -> dict[str, object]:
    return {
        "schema": 1,
        "cell": channel + 1,
        "measured": [
            {"force_n": point.newton, "number": point.number, "off_n": off}
            for point, off in zip(points, found.residuals_n, strict=True)
        ],
        "points": [list(pair) for pair in found.points],
        "straight": found.straight,
        "remarks": list(found.remarks),
        "stored": stored,
    }


def _newton(weight: float, unit: str) -> float:
    from firmware_protocol.foreign.known import NEWTONS

    return weight * NEWTONS[unit]


def _today() -> date:
    """By the calendar of the place."""
    return datetime.now().astimezone().date()
