"""`knead scan`: what could be a ball. No port is opened: opening one resets many boards."""

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from companion.cli.options import document
from companion.cli.text import clean
from companion.config import find_paths

if TYPE_CHECKING:
    from companion.balls import Place


def places() -> "list[Place]":
    """Every serial port the system knows of. Its texts are the device's own, made harmless."""
    from companion import balls, whereabouts

    found = balls.serial_places(whereabouts.known(find_paths()))
    return [replace(place, name=clean(place.name), detail=clean(place.detail)) for place in found]


@click.command(help="List the serial ports a ball may be on. None of them is opened.")
@document
def scan(as_json: bool) -> None:
    found = places()
    if as_json:
        click.echo(json.dumps({"schema": 1, "balls": [asdict(place) for place in found]}, indent=2))
        return
    for place in found:
        click.echo(_line(place))
    if not found:
        click.echo("No serial port in reach. Plug the ball in, then: knead doctor", err=True)


def _line(place: "Place") -> str:
    parts = (clean(place.address), place.name, place.detail, "known" if place.known else "new")
    line = "  ".join(part for part in parts if part)
    return f"{line}  cannot be used: {clean(place.problem)}" if place.problem else line
