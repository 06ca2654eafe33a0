"""`knead tare`."""

import click
from click.exceptions import Exit

from companion.cli.options import Positive, settings


@click.command(help="Make the ball's present load its zero: nothing may touch it. Without ADDRESS the last ball.")
@click.argument("address", required=False)
@click.option("--seconds", type=Positive(60.0), default=10.0, show_default=True, help="Give up after so long.")
@click.option("--kind", help="What kind of ball it is, where it cannot be told.")
@click.option("--free", is_flag=True, help="Nothing touches the ball, whatever it reads: its zero has wandered.")
def tare(address: str | None, seconds: float, kind: str | None, free: bool) -> None:
    from companion import compose
    from companion.cli.failures import say
    from companion.cli.text import clean

    outcome = compose.tare(address, settings(), seconds, kind=kind, free=free)
    if outcome.code:
        say(outcome.text, outcome.hint)
        raise Exit(outcome.code)
    click.echo(clean(outcome.text))
