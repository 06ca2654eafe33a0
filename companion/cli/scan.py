"""`knead scan`: the balls in reach. No port is opened: opening one resets many boards."""

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from companion.cli.options import Positive, document
from companion.cli.text import clean
from companion.config import find_paths
from companion.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from companion.inreach import Place
    from sessions.devices import Device

SCAN_S = 5.0  # a ball advertises several times a second; a name in the scan response takes a little longer
OUT_OF_SIGHT = "not in sight: asleep, out of reach, or in use by another computer or app"
# Bars by dBm: judged by what a headset's owner would call near; radios differ by 10 and more.
_BARS = ((-60, "####"), (-70, "###."), (-80, "##.."), (-200, "#..."))


def places() -> "list[Place]":
    """Every serial port the system knows of. Its texts are the device's own, made harmless."""
    from companion import inreach, whereabouts

    return [harmless(place) for place in inreach.serial_places(whereabouts.known(find_paths()))]


def called(found: "Iterable[Place]") -> "list[Place]":
    """Each by the name its owner gave it, where it has one."""
    return [replace(place, name=place.nickname or place.name) for place in found]


def paired_afar() -> "list[Place]":
    """Balls that were paired over the air; whether they are in reach shows when one is connected to."""
    from companion import whereabouts
    from companion.inreach import Place

    return [
        harmless(Place("ble", ball.address, ball.name, "", True, "", ball.kind, nickname=ball.nickname))
        for ball in whereabouts.remembered(find_paths())
        if ball.address.startswith("ble:") and ball.paired_at is not None
    ]


@click.command(help="List the balls in reach over Bluetooth, and the serial ports a ball may be on. No port is opened.")
@click.option("--seconds", type=Positive(600.0), default=SCAN_S, show_default=True, help="Listen for so long.")
@click.option("--bluetooth/--no-bluetooth", default=True, help="Listen for Bluetooth at all.")
@document
def scan(seconds: float, bluetooth: bool, as_json: bool) -> None:
    from companion import inreach, whereabouts
    from companion.cli.failures import say

    devices = whereabouts.remembered(find_paths())
    shown: set[str] = set()

    def show(place: "Place") -> None:
        """Each one as soon as it is seen."""
        if not as_json and place.address not in shown:
            shown.add(place.address)
            click.echo(_line(place))

    found = places()
    for place in found:
        show(place)
    missing: UnavailableError | None = None
    if bluetooth:
        try:
            near = inreach.ble_places(whereabouts.known(find_paths()), seconds, lambda place: show(harmless(place)))
        except UnavailableError as error:
            missing = error
        else:
            found += [harmless(place) for place in near]
            found += _out_of_sight(devices, {place.address for place in found})
    if as_json:
        radio = None if not bluetooth else str(missing) if missing is not None else "ok"
        document_ = {"schema": 1, "balls": [asdict(place) for place in found], "bluetooth": radio}
        click.echo(json.dumps(document_, indent=2))
    for place in found:
        show(place)
    if missing is not None:
        say(str(missing), missing.hint)
    if not found:
        if missing is not None:
            raise Exit(missing.exit_code)
        click.echo("No ball and no serial port in reach. Wake the ball, or plug it in, then: knead doctor", err=True)


def _out_of_sight(devices: "Iterable[Device]", seen: "set[str]") -> "list[Place]":
    """Balls that were paired over the air, and do not advertise now."""
    from companion.inreach import Place

    return [
        harmless(Place("ble", ball.address, ball.name, "", True, OUT_OF_SIGHT, ball.kind, nickname=ball.nickname))
        for ball in devices
        if ball.address.startswith("ble:") and ball.paired_at is not None and ball.address not in seen
    ]


def harmless(place: "Place") -> "Place":
    return replace(
        place,
        name=clean(place.name),
        detail=clean(place.detail),
        nickname=clean(place.nickname),
        kind=clean(place.kind),
    )


def bars(rssi_dbm: int | None) -> str:
    """How near it seems, in four letters; blank where nobody knows."""
    if rssi_dbm is None:
        return "    "
    return next((shape for least, shape in _BARS if rssi_dbm >= least), "#...")


def _line(place: "Place") -> str:
    known = place.nickname or ("known" if place.known else "new")
    signal = f"{bars(place.rssi_dbm)} {place.rssi_dbm} dBm" if place.rssi_dbm is not None else ""
    battery = f"battery {place.battery_pct} %" if place.battery_pct is not None else ""
    name = "" if place.address == f"serial:{place.name}" else place.name
    parts = (clean(place.address), name, signal, place.detail, battery, known)
    line = "  ".join(part for part in parts if part)
    return f"{line}  cannot be used: {clean(place.problem)}" if place.problem else line
