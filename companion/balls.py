"""Where balls are: serial ports, virtual balls, and the one that was used last."""

import contextlib
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from companion.clock import Clock
from companion.config import Paths
from companion.errors import ConfigError, DeviceNotFoundError
from companion.transports import Transport
from firmware_protocol.devices import kinds
from firmware_protocol.devices.kind import Link
from firmware_protocol.simulator.scenarios import list_scenarios
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Event, Opened
from sessions.private import make_directory, make_file

if TYPE_CHECKING:
    from companion.transports.scan import Near
    from companion.virtual.ble import BleServer as BleServer
    from companion.virtual.server import Server as Server

KINDS = ("native",)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ball may be. Nothing was opened to find it."""

    link: str  # "serial", "ble" or "virtual"
    address: str
    name: str
    detail: str
    known: bool  # used before
    problem: str  # why it cannot be used, or ""
    nickname: str = ""  # of the remembered ball that was here last
    kind: str = ""  # "": not known before it answers
    signal_dbm: int | None = None  # of a radio
    battery_pct: int | None = None  # where it is advertised


def serial_places(paths: Paths) -> list[Place]:
    """Every serial port the system knows of."""
    from companion.transports.serial import list_serial

    last = _read_last(paths)
    return [
        Place("serial", port.address, port.name, port.detail, port.address == last, port.problem)
        for port in list_serial()
    ]


def ble_places(known: Mapping[str, str], seconds: float, told: Callable[[Place], None] | None = None) -> list[Place]:
    """Balls that advertise, or are connected to this computer already, the nearest first. Takes so long.

    `known`: the nickname, perhaps "", of what was used at an address. `told` hears of each when it is first seen and
    when more is known of it; the last word on an address stands. Not for the thread of an event loop. Raises
    UnavailableError.
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
            known.get(address, ""),
            near.kind.key,
            near.rssi_dbm,
            near.battery_pct,
        )

    found = asyncio.run(nearby(Clock().now_s, seconds, None if told is None else lambda near: told(place(near))))
    return [place(near) for near in found]


def ble_kind(rest: str) -> str:
    """The key of the kind of a ball in reach, by its advertisement; an address may say it, too. Takes up to 10 s.

    Not for the thread of an event loop. Raises DeviceNotFoundError and UnavailableError.
    """
    import asyncio

    from companion.transports.search import kind_of, parse

    address = parse(rest)
    return address.kind or asyncio.run(kind_of(address.wanted, Clock().now_s))


def virtual_places() -> list[Place]:
    """One virtual ball for each scenario."""
    return [Place("virtual", f"sim:{info.key}", info.key, info.title, True, "") for info in list_scenarios()]


def transport(address: str, kind: str | None, clock: Clock, expect_serial: str = "") -> Callable[[], Transport]:
    """What makes the transport of an address, in the engine's loop. Raises ConfigError, DeviceNotFoundError.

    `expect_serial`: what the driver will insist on.
    """
    scheme, _, rest = address.partition(":")
    if scheme == "serial" and rest:
        from companion.transports.serial import SerialTransport, parse

        _check_kind(kind or parse(rest).kind)
        return lambda: SerialTransport(rest, clock.now_s)
    if scheme == "ble" and rest:
        return _ble_transport(rest, kind, clock, expect_serial)
    if scheme == "sim" and rest:
        from companion.transports.sim import SimTransport

        _check_kind(kind)
        known = [info.key for info in list_scenarios()]
        if rest not in known:
            raise ConfigError(f"there is no scenario {rest}", f"the scenarios are: {', '.join(known)}")
        ball = VirtualBall(rest)
        return lambda: SimTransport(ball, address, clock)
    hint = "write ble:NAME, serial:PORT or sim:SCENARIO; see 'knead scan'"
    raise ConfigError(f"{address} is no address of a ball", hint)


def _ble_transport(rest: str, kind: str | None, clock: Clock, expect_serial: str) -> Callable[[], Transport]:
    from companion.transports.search import parse

    address = parse(rest)
    key = kind or address.kind or "native"
    _check_kind(key)
    chosen = kinds()[key]
    if Link.GATT in chosen.links:
        from companion.transports.ble import BleTransport

        return lambda: BleTransport(rest, chosen, clock.now_s, expect_serial=expect_serial)
    if Link.ADVERT in chosen.links:
        from companion.transports.adverts import AdvertTransport

        return lambda: AdvertTransport(rest, chosen, clock.now_s)
    raise ConfigError(f"a {chosen.title} has no Bluetooth", f"plug it in: serial:PORT?kind={key}")


def _check_kind(kind: str | None) -> None:
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"there is no kind of ball called {kind}", f"the kinds are: {', '.join(KINDS)}")


# --- virtual balls, for others to connect to ---


def serve_pty(ball: VirtualBall, link: Path | None, clock: Clock | None = None) -> "Server":
    """On a pseudo-terminal. `clock`: one that may run faster."""
    if sys.platform == "win32":
        raise ConfigError("this system has no pseudo-terminals", "use knead simulate tcp")
    from companion.virtual.pty import PtyServer

    clock = clock or Clock()
    return PtyServer(ball, link=link, clock=clock.now_s, speed=clock.speed)


def serve_tcp(ball: VirtualBall, port: int = 0, clock: Clock | None = None) -> "Server":
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


# --- the last ball ---


def last_address(paths: Paths) -> str:
    """Raises DeviceNotFoundError if there was none."""
    address = _read_last(paths)
    if not address:
        hint = "name one: knead live serial:PORT ('knead scan' lists the ports), or try 'knead demo'"
        raise DeviceNotFoundError("no ball has been used yet", hint)
    return address


def presses_nobody(paths: Paths, address: str | None) -> bool:
    """Whether an address, or with None the last one, is known beforehand to be no real ball."""
    return (address or _read_last(paths)).partition(":")[0] in ("sim", "replay", "demo")


class LastBall:
    """An observer that keeps the address for the next start, once the ball there has measured something."""

    def __init__(self, paths: Paths, address: str) -> None:
        self._file, self._address = _last_file(paths), address
        self._measured = False

    def __call__(self, event: Event) -> None:
        self._measured = self._measured or isinstance(event, Opened)

    def keep(self) -> None:
        """After the session. Quiet: it is a convenience, and a full disk is told by the journal."""
        if not self._measured:
            return
        with contextlib.suppress(OSError):
            make_directory(self._file.parent)
            new = self._file.with_suffix(".new")
            make_file(new)
            new.write_text(self._address + "\n", encoding="utf-8")
            new.replace(self._file)


def _last_file(paths: Paths) -> Path:
    return paths.state_dir / "last-ball"


def _read_last(paths: Paths) -> str:
    try:
        address = _last_file(paths).read_text(encoding="utf-8").strip()
        return address if address.isprintable() else ""
    except (OSError, UnicodeDecodeError):
        return ""
