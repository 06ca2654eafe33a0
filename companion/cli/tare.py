"""`knead tare`."""

import click
from click.exceptions import Exit

from companion.cli.options import Positive, settings


@click.command(help="Make the ball's present load its zero: nothing may touch it. Without ADDRESS the last ball.")
@click.argument("address", required=False)
@click.option("--seconds", type=Positive(60.0), default=10.0, show_default=True, help="Give up after so long.")
def tare(address: str | None, seconds: float) -> None:
    from companion import compose
    from companion.cli.failures import say
    from companion.cli.text import clean

    outcome = compose.tare(address, settings(), seconds)
    if outcome.code:
        say(outcome.text, outcome.hint)
        raise Exit(outcome.code)
    click.echo(clean(outcome.text))
