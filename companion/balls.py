"""Where balls are: serial ports, virtual balls, and the one that was used last."""

import contextlib
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from companion.clock import Clock
from companion.config import Paths
from companion.errors import ConfigError, DeviceNotFoundError
from companion.speech import NATIVE, Speech, checked
from companion.transports import Transport
from firmware_protocol.devices import AUTO
from firmware_protocol.devices.kind import Link
from firmware_protocol.simulator.scenarios import list_scenarios
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Event, Opened
from sessions.private import make_directory, make_file

if TYPE_CHECKING:
    from companion.virtual.server import Ball
    from companion.virtual.server import Server as Server


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ball may be. Nothing was opened to find it."""

    link: str  # "serial" or "virtual"
    address: str
    name: str
    detail: str
    known: bool  # used before
    problem: str  # why it cannot be used, or ""


def serial_places(paths: Paths) -> list[Place]:
    """Every serial port the system knows of."""
    from companion.transports.serial import list_serial

    last = _read_last(paths)
    return [
        Place("serial", port.address, port.name, port.detail, port.address == last, port.problem)
        for port in list_serial()
    ]


def virtual_places() -> list[Place]:
    """One virtual ball for each scenario."""
    return [Place("virtual", f"sim:{info.key}", info.key, info.title, True, "") for info in list_scenarios()]


def transport(address: str, kind: str | None, clock: Clock) -> Callable[[], Transport]:
    """What makes the transport of an address, in the engine's loop. Raises ConfigError, DeviceNotFoundError."""
    scheme, _, rest = address.partition(":")
    if scheme == "serial" and rest:
        from companion.transports.serial import SerialTransport, parse

        checked(kind or parse(rest).kind or AUTO, Link.SERIAL)
        return lambda: SerialTransport(rest, clock.now_s)
    if scheme == "sim" and rest:
        from companion.transports.sim import SimTransport

        checked(kind or NATIVE, Link.SERIAL)
        known = [info.key for info in list_scenarios()]
        if rest not in known:
            raise ConfigError(f"there is no scenario {rest}", f"the scenarios are: {', '.join(known)}")
        ball = VirtualBall(rest)
        return lambda: SimTransport(ball, address, clock)
    raise ConfigError(f"{address} is no address of a ball", "write serial:PORT or sim:SCENARIO; see 'knead scan'")


def speech(address: str, kind: str | None, first_tag: int) -> Speech:
    """How the ball there is spoken to: `kind`, else what the address says, else it is found out."""
    scheme, _, rest = address.partition(":")
    if scheme != "serial":
        return Speech(kind or NATIVE, Link.SERIAL, first_tag)
    from companion.transports.serial import parse

    told = parse(rest)
    return Speech(kind or told.kind or AUTO, Link.SERIAL, first_tag, settings=dict(told.settings))


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
