"""Where balls may be: serial ports, what advertises over Bluetooth, and virtual balls. None is opened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from companion.clock import Clock
from firmware_protocol.simulator.scenarios import list_scenarios

if TYPE_CHECKING:
    from companion.transports.scan import Near
    from companion.transports.serial import PortInfo


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ball may be. Nothing was opened to find it."""

    link: str  # "serial", "ble" or "virtual"
    address: str
    name: str
    detail: str
    known: bool  # used before
    problem: str  # why it cannot be used, or ""
    kind: str = ""  # its key, as far as it can be told from afar
    rssi_dbm: int | None = None
    battery_pct: int | None = None
    nickname: str = ""  # of the remembered ball that was there last


def serial_ports() -> "list[PortInfo]":
    """Every serial port the system knows of; none is opened."""
    from companion.transports.serial import list_serial

    return list_serial()


def adapter_of(address: str) -> tuple[str, str] | None:
    """vid:pid and serial of the adapter behind a port's address; None where the system does not know it."""
    port = address.removeprefix("serial:").partition("?")[0]
    real = str(Path(port).resolve())
    found = next((known for known in serial_ports() if known.name in (port, real)), None)
    return None if found is None or not found.usb_id else (found.usb_id, found.usb_serial)


def serial_places(known: Mapping[str, str]) -> list[Place]:
    """Every serial port. `known`: the nickname, perhaps "", of what was used at an address."""
    return [
        Place(
            "serial",
            port.address,
            port.name,
            port.detail,
            port.address in known,
            port.problem,
            nickname=known.get(port.address, ""),
        )
        for port in serial_ports()
    ]


def ble_places(known: Mapping[str, str], seconds: float, told: Callable[[Place], None] | None = None) -> list[Place]:
    """Balls that advertise, or are connected to this computer already, the nearest first. Takes so long.

    `known`: the nickname, perhaps "", of what was used at an address.

    `told` hears of each when it is first seen and when more is known of it; the last word on an address stands. Not
    for the thread of an event loop. Raises UnavailableError.
    """
    import asyncio

    from companion.transports.scan import nearby

    def place(near: "Near") -> Place:
        address = f"ble:{near.name}"
        held = "connected to this computer already; end the program that uses it" if near.held else ""
        return Place(
            "ble",
            address,
            near.name,
            near.kind.title,
            address in known,
            held,
            near.kind.key,
            near.rssi_dbm,
            near.battery_pct,
            known.get(address, ""),
        )

    found = asyncio.run(nearby(Clock().now_s, seconds, None if told is None else lambda near: told(place(near))))
    return [place(near) for near in found]


def virtual_places() -> list[Place]:
    """One virtual ball for each scenario."""
    return [Place("virtual", f"sim:{info.key}", info.key, info.title, True, "") for info in list_scenarios()]
