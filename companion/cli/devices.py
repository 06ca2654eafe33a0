"""`knead devices` and `knead forget`: the balls that are remembered."""

import json
from typing import TYPE_CHECKING

import click

from companion.cli.options import document
from companion.cli.text import clean
from companion.config import find_paths

if TYPE_CHECKING:
    from datetime import datetime

    from sessions.devices import Device
    from sessions.events import Json


@click.command(help="List the balls that are remembered: paired, or used in a session.")
@document
def devices(as_json: bool) -> None:
    from companion import whereabouts

    found = [device for device in whereabouts.listed(find_paths()) if device.seen_at or device.paired_at]
    if as_json:
        click.echo(json.dumps({"schema": 1, "devices": [as_document(device) for device in found]}, indent=2))
        return
    for device in found:
        click.echo(line(device))
    if not found:
        click.echo("No ball is remembered yet: knead scan, then knead pair ADDRESS", err=True)


@click.command(help="Forget a ball: its name, its profile, where it was. Its sessions stay.")
@click.argument("name")
def forget(name: str) -> None:
    from companion import whereabouts

    device = whereabouts.forget(find_paths(), name)
    click.echo(f"forgotten: {clean(device.name)}")
    if device.address.startswith("ble:"):
        click.echo("Your system may still be paired with it: forget it in the Bluetooth settings, too.", err=True)


def line(device: "Device") -> str:
    """One ball, in a line; what is not known is left out."""
    from companion.pairing.profile import settled_of

    settled = settled_of(device.kept)
    size = f"{settled.area_cm2:g} cm2" if settled.area_cm2 is not None else ""
    parts = (
        clean(device.name),
        clean(device.serial) if device.serial and device.serial != device.name else "",
        clean(device.kind),
        " ".join(part for part in (settled.tool or "", size) if part) or "size not known",
        clean(device.address),
        f"paired {_day(device.paired_at)}" if device.paired_at is not None else "not paired",
        "open link: anybody near may listen" if settled.encrypted is False else "",
        f"seen {_day(device.seen_at)}" if device.seen_at is not None else "",
        f"{device.sessions} session{'' if device.sessions == 1 else 's'}",
    )
    return "  ".join(part for part in parts if part)


def as_document(device: "Device") -> "dict[str, Json]":
    from companion.pairing.profile import settled_of

    return {
        "name": device.name,
        "nickname": device.nickname or None,
        "kind": device.kind,
        "serial": device.serial or None,
        "model": device.model or None,
        "address": device.address or None,
        "paired_at": None if device.paired_at is None else device.paired_at.isoformat(),
        "seen_at": None if device.seen_at is None else device.seen_at.isoformat(),
        "sessions": device.sessions,
        "profile": settled_of(device.kept).to_fields(),
    }


def _day(at: "datetime") -> str:
    return f"{at.astimezone():%d %b %Y}"
