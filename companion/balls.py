"""The way to a ball: its transport, how it is spoken to, and virtual balls for others to connect to."""

import contextlib
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from companion.clock import Clock
from companion.errors import ConfigError
from companion.speech import NATIVE, Speech, checked
from companion.transports import Transport
from firmware_protocol.devices import AUTO, kinds
from firmware_protocol.devices.kind import Link
from firmware_protocol.foreign.known import NAMES, NEWTONS, ROLES, known_of
from firmware_protocol.simulator.scenarios import list_scenarios
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import NO_FIELDS, Fields, Json

if TYPE_CHECKING:
    from companion.virtual.ble import BleServer as BleServer
    from companion.virtual.server import Ball
    from companion.virtual.server import Server as Server

_HINTS = {
    "unit": f"units are {', '.join(NEWTONS)} and counts",
    "columns": f"a word for each column, from the left: {', '.join(ROLES)}",
    "full_scale": "the number at the end of its range, as the board prints it",
    "invert": "true: its numbers fall when it is pressed",
}


def kind_in_reach(address: str) -> str | None:
    """The kind of what advertises there; None for an address that is none of Bluetooth. Takes up to 10 s.

    Raises ConfigError, DeviceNotFoundError and UnavailableError.
    """
    scheme, _, rest = address.partition(":")
    if scheme != "ble":
        return None
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from companion.transports.search import kind_of, parse

    told = parse(rest)
    if told.kind:
        return told.kind
    with ThreadPoolExecutor(1) as thread:  # whoever asks may have an event loop of its own
        return thread.submit(lambda: asyncio.run(kind_of(told.wanted, Clock().now_s))).result()


def transport(
    address: str, kind: str | None, clock: Clock, expect_serial: str = "", *, renew_bond: bool = False
) -> Callable[[], Transport]:
    """What makes the transport of an address, in the engine's loop. Raises ConfigError, DeviceNotFoundError.

    `expect_serial`: what the driver will insist on. `renew_bond`: pair the radios anew where the ball has forgotten.
    """
    scheme, _, rest = address.partition(":")
    if scheme == "serial" and rest:
        from companion.transports.serial import SerialTransport, parse

        checked(kind or parse(rest).kind or AUTO, Link.SERIAL)
        return lambda: SerialTransport(rest, clock.now_s)
    if scheme == "ble" and rest:
        return _ble_transport(rest, kind, clock, expect_serial, renew_bond=renew_bond)
    if scheme == "sim" and rest:
        from companion.transports.sim import SimTransport

        checked(kind or NATIVE, Link.SERIAL)
        known = [info.key for info in list_scenarios()]
        if rest not in known:
            raise ConfigError(f"there is no scenario {rest}", f"the scenarios are: {', '.join(known)}")
        ball = VirtualBall(rest)
        return lambda: SimTransport(ball, address, clock)
    hint = "write ble:NAME, serial:PORT or sim:SCENARIO; see 'knead scan'"
    raise ConfigError(f"{address} is no address of a ball", hint)


def _ble_transport(
    rest: str, kind: str | None, clock: Clock, expect_serial: str, *, renew_bond: bool
) -> Callable[[], Transport]:
    told = _ble_speech(rest, kind, 1)
    chosen = kinds()[told.kind]
    if told.link is Link.GATT:
        from companion.transports.ble import BleTransport

        return lambda: BleTransport(rest, chosen, clock.now_s, expect_serial=expect_serial, renew_bond=renew_bond)
    from companion.transports.adverts import AdvertTransport

    return lambda: AdvertTransport(rest, chosen, clock.now_s)


def _ble_speech(
    rest: str, kind: str | None, first_tag: int, expect_serial: str = "", known: Fields = NO_FIELDS
) -> Speech:
    from companion.transports.search import parse

    key = kind or parse(rest).kind or NATIVE
    links = kinds()[key].links if key in kinds() else ()
    link = Link.ADVERT if Link.ADVERT in links else Link.GATT
    return Speech(checked(key, link), link, first_tag, expect_serial, known)


def speech(address: str, kind: str | None, first_tag: int, expect_serial: str = "", kept: Fields = NO_FIELDS) -> Speech:
    """How the ball there is spoken to: `kind`, else what the address says, else it is found out.

    `kept`: what its stored profile has. What the address says of it beats that.
    """
    scheme, _, rest = address.partition(":")
    known = {name: kept[name] for name in NAMES if name in kept}
    if scheme == "ble":
        return _ble_speech(rest, kind, first_tag, expect_serial, known)
    if scheme != "serial":
        return Speech(kind or NATIVE, Link.SERIAL, first_tag, expect_serial)
    from companion.transports.serial import parse

    told = parse(rest)
    return Speech(kind or told.kind or AUTO, Link.SERIAL, first_tag, expect_serial, {**known, **_sound(told.settings)})


def _sound(told: Mapping[str, str]) -> dict[str, Json]:
    """What an address says of a board. Raises ConfigError where it says nothing that a board can be."""
    understood = known_of(told)
    for name, value in told.items():
        if not getattr(understood, name) and (name, value) != ("invert", "false"):
            raise ConfigError(f"{name}={value} says nothing of a board", _HINTS[name])
    return dict(told)


# --- virtual balls, for others to connect to ---


def serve_pty(ball: "Ball", link: Path | None, clock: Clock | None = None) -> "Server":
    """On a pseudo-terminal. `clock`: one that may run faster."""
    if sys.platform == "win32":
        raise ConfigError("this system has no pseudo-terminals", "use knead simulate tcp")
    from companion.virtual.pty import PtyServer

    clock = clock or Clock()
    return PtyServer(ball, link=link, clock=clock.now_s, speed=clock.speed)


def serve_tcp(ball: "Ball", port: int = 0, clock: Clock | None = None) -> "Server":
    """On a port of the loopback interface; 0: any free one."""
    from companion.virtual.tcp import TcpServer

    clock = clock or Clock()
    return TcpServer(ball, port=port, clock=clock.now_s, speed=clock.speed)


def serve_ble(ball: VirtualBall, hci: str, *, name: str, mtu: int) -> "BleServer":
    """On a bumble transport. `ball` is made with framed=False. Raises ConfigError without the extra."""
    try:
        from companion.virtual.ble import BleServer as Serving
    except ModuleNotFoundError as error:
        raise ConfigError(
            "a virtual ball over Bluetooth needs the package bumble", "pip install 'knead-companion[simulate]'"
        ) from error
    return Serving(ball, hci, name=name, mtu=mtu)


class Served:
    """A virtual ball on a real port of this computer, and the directory its name lies in."""

    def __init__(self, server: "Server", directory: Path | None) -> None:
        self._server, self._directory = server, directory
        self.address = server.address

    def close(self) -> None:
        self._server.close()
        if self._directory is not None:
            with contextlib.suppress(OSError):
                self._directory.rmdir()


def serve_here(ball: VirtualBall, clock: Clock) -> Served:
    """For our own use: a pseudo-terminal under a name that stays when the ball is unplugged; on Windows a socket."""
    if sys.platform == "win32":
        return Served(serve_tcp(ball, clock=clock), None)
    directory = Path(tempfile.mkdtemp(prefix="knead-"))
    return Served(serve_pty(ball, directory / "ball", clock), directory)
