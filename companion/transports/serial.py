"""A ball on a serial port: a device path, a COM port, or any pyserial URL.

One thread per open port does all that may block (open, read, write); the loop only swaps bytes with it.
The one place that knows pyserial: its exceptions are translated in `_translated`.
"""

import asyncio
import contextlib
import errno
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import serial
from serial.tools import list_ports

from companion.errors import (
    DeviceBusyError,
    DeviceNotFoundError,
    LinkLostError,
    TransportError,
    UnavailableError,
)
from firmware_protocol.driver import Chunk, Send

DEFAULT_BAUD = 115200  # R5
SETTINGS = ("unit", "columns", "full_scale", "invert")  # what an address may say of a board that prints lines
UNTOLD = "n/a"  # pyserial's word for a port of which the system says no more
_POLL_S = 0.1  # a read wakes by itself where the port cannot be woken; also how soon a returned port is seen
_SOCKET_POLL_S = 0.01  # socket:// has no wake-up: a request waits at most this long
_WRITE_TIMEOUT_S = 1.0
_CLOSE_TIMEOUT_S = 2.0
_PENDING_MAX = 1 << 20  # bytes unread by the engine: 90 s at 115200 baud; past it the oldest go


@dataclass(frozen=True, slots=True)
class SerialAddress:
    """What stands behind `serial:` in an address."""

    url: str
    baud: int
    kind: str | None
    settings: Mapping[str, str]  # of the device, for its driver: those of SETTINGS that were given

    @property
    def is_path(self) -> bool:
        return "://" not in self.url


def parse(rest: str) -> SerialAddress:
    """Split `PORT?baud=N&kind=K&unit=kg`; other options stay with the URL. Raises DeviceNotFoundError on a bad one."""
    url, _, query = rest.partition("?")
    options = dict(parse_qsl(query))
    kind = options.pop("kind", None)
    settings = {name: options.pop(name) for name in SETTINGS if name in options}
    baud_text = options.pop("baud", str(DEFAULT_BAUD))
    if not url or not baud_text.isascii() or not baud_text.isdigit() or not 300 <= int(baud_text) <= 4_000_000:
        raise DeviceNotFoundError(
            f"serial:{rest} names no port", "write serial:/dev/ttyACM0 or serial:COM3?baud=57600 (300 to 4000000)"
        )
    return SerialAddress(f"{url}?{urlencode(options)}" if options else url, int(baud_text), kind, settings)


@dataclass(frozen=True, slots=True)
class PortInfo:
    """A serial port the system knows of; none is opened to find out."""

    address: str
    name: str
    detail: str
    usb_serial: str
    usb_id: str
    problem: str  # why it cannot be used, or ""


def list_serial() -> list[PortInfo]:
    """Every serial port of this computer, USB ones first."""
    ports = []
    for port in list_ports.comports():
        usb_id = "" if port.vid is None else f"{port.vid:04x}:{port.pid:04x}"
        ports.append(
            PortInfo(
                address=f"serial:{port.device}",
                name=str(port.device),
                detail="" if port.description in (None, UNTOLD) else port.description,
                usb_serial=port.serial_number or "",
                usb_id=usb_id,
                problem=_problem(str(port.device)),
            )
        )
    return sorted(ports, key=lambda port: (not port.usb_id, port.name))


def _problem(device: str) -> str:
    if sys.platform == "win32":
        return ""

    return "" if os.access(device, os.R_OK | os.W_OK) else "no permission to open it"


class SerialTransport:
    """A serial port, found again by its path, its USB serial number or its like."""

    def __init__(self, rest: str, now_s: Callable[[], float]) -> None:
        self.name = f"serial:{rest}"
        self._address = parse(rest)
        self._now_s = now_s
        self._wire: _Wire | None = None
        self._known: PortInfo | None = None  # the USB identity of the port, once opened
        self._opened_url = self._address.url
        self._rejected: set[str] = set()

    async def open(self) -> None:
        url = await self._find()
        wire = _Wire(url, self._address.baud, self._now_s)
        await wire.opened()
        self._wire = wire
        self._opened_url = url
        if self._known is None and self._address.is_path:
            self._known = await asyncio.to_thread(self._identify, url)

    async def receive(self) -> Chunk:
        if self._wire is None:
            raise LinkLostError(f"{self.name} is closed")
        return await self._wire.receive()

    async def send(self, send: Send) -> None:
        if self._wire is None:
            raise LinkLostError(f"{self.name} is closed")
        self._wire.send(send.data)

    async def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    async def returned(self) -> None:
        if not self._address.is_path or sys.platform == "win32":
            await asyncio.get_running_loop().create_future()  # nothing tells; the back-off tries
        gone = False
        while True:
            url = await self._substitute() if gone else self._address.url
            if url is not None and Path(url).exists():
                if gone:
                    return
            else:
                gone = True
            await asyncio.sleep(_POLL_S)

    def reject(self) -> bool:
        if self._opened_url == self._address.url:
            return False
        self._rejected.add(self._opened_url)
        return True

    async def _find(self) -> str:
        if not self._address.is_path or sys.platform == "win32" or Path(self._address.url).exists():
            return self._address.url
        return await self._substitute() or self._address.url

    async def _substitute(self) -> str | None:
        """The path itself, or where the same adapter has reappeared; the ball's own serial settles the rest."""
        if Path(self._address.url).exists():
            return self._address.url
        known = self._known
        if known is None or not known.usb_id:
            return None
        for port in await asyncio.to_thread(list_serial):
            same = port.usb_id == known.usb_id and (not known.usb_serial or port.usb_serial == known.usb_serial)
            if same and port.name not in self._rejected:
                return port.name
        return None

    @staticmethod
    def _identify(url: str) -> PortInfo | None:
        real = str(Path(url).resolve())
        return next((port for port in list_serial() if port.name in (url, real)), None)


class _Wire:
    """One open port and its thread."""

    def __init__(self, url: str, baud: int, now_s: Callable[[], float]) -> None:
        self._url, self._baud, self._now_s = url, baud, now_s
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._news = asyncio.Event()
        self._chunks: deque[Chunk] = deque()
        self._pending = 0
        self._error: TransportError | None = None
        self._outbox: deque[bytes] = deque()
        self._stop = False
        self._port: serial.Serial | None = None
        self._thread = threading.Thread(target=self._run, name=f"knead port {url}", daemon=True)

    async def opened(self) -> None:
        self._thread.start()
        try:
            await self._ready
        except asyncio.CancelledError:
            self._stop = True  # the thread closes what it may yet open
            raise

    async def receive(self) -> Chunk:
        while not self._chunks:
            if self._error is not None:
                raise self._error
            self._news.clear()
            await self._news.wait()
        chunk = self._chunks.popleft()
        self._pending -= len(chunk.data)
        return chunk

    def send(self, data: bytes) -> None:
        if self._error is not None:
            raise self._error
        self._outbox.append(data)
        self._wake()

    async def close(self) -> None:
        self._stop = True
        self._wake()
        # a driver may hang in close; its thread is a daemon and is left behind then
        await asyncio.wait([self._done], timeout=_CLOSE_TIMEOUT_S)

    def _wake(self) -> None:
        port = self._port
        if port is not None and hasattr(port, "cancel_read"):
            with contextlib.suppress(OSError, TypeError):  # it closed this very moment
                port.cancel_read()

    # --- in the thread ---

    def _run(self) -> None:
        try:
            with _translated(self._url):
                port = serial.serial_for_url(self._url, baudrate=self._baud, do_not_open=True)
                port.timeout = _POLL_S if hasattr(port, "cancel_read") else _SOCKET_POLL_S
                port.write_timeout = _WRITE_TIMEOUT_S
                if "://" not in self._url:
                    port.exclusive = True
                port.open()
        except TransportError as error:
            self._post(self._settle, self._ready, error)
            self._post(self._settle, self._done, None)
            return
        self._port = port
        self._post(self._settle, self._ready, None)
        try:
            with _translated(self._url, lost=True):
                self._pump(port)
        except TransportError as error:
            self._post(self._fail, error)
        finally:
            self._port = None
            with contextlib.suppress(OSError):  # SerialException is one; the port is gone either way
                port.close()
            self._post(self._settle, self._done, None)

    def _pump(self, port: serial.Serial) -> None:
        while not self._stop:
            while self._outbox:
                port.write(self._outbox.popleft())
            if data := port.read(1):
                if waiting := port.in_waiting:
                    data += port.read(min(waiting, 65536))
                self._post(self._arrived, Chunk("serial", data, self._now_s()))
        while self._outbox:  # STOP, said while closing
            port.write(self._outbox.popleft())

    def _post(self, call: Callable[..., None], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody listens any more
            self._loop.call_soon_threadsafe(call, *args)

    # --- in the loop ---

    @staticmethod
    def _settle(future: "asyncio.Future[None]", error: TransportError | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    def _fail(self, error: TransportError) -> None:
        self._error = error
        self._news.set()

    def _arrived(self, chunk: Chunk) -> None:
        self._chunks.append(chunk)
        self._pending += len(chunk.data)
        while self._pending > _PENDING_MAX and len(self._chunks) > 1:  # the newest stays, whatever its size
            self._pending -= len(self._chunks.popleft().data)
        self._news.set()


@contextlib.contextmanager
def _translated(url: str, *, lost: bool = False) -> Iterator[None]:
    """pyserial's errors as ours. `lost`: the port was open, so whatever happens is the link going."""
    try:
        yield
    except (OSError, ValueError, TypeError) as error:  # SerialException is an OSError; URLs raise ValueError
        if lost:
            raise LinkLostError(f"{url} went away", "plug the ball in again; the session goes on") from error
        raise _on_open(url, error) from error


def _on_open(url: str, error: Exception) -> TransportError:
    code = getattr(error, "errno", None)
    text = str(error)
    if code in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK) or (
        sys.platform == "win32" and "PermissionError" in text
    ):
        return DeviceBusyError(f"{url} is in use by another program", "close the other program, then try again")
    if code in (errno.EACCES, errno.EPERM):
        hint = "add yourself to the port's group (often dialout or uucp), then log in again"
        return UnavailableError(f"no permission to open {url}", hint)
    if code in (errno.ENOENT, errno.ENXIO, errno.ENODEV) or "FileNotFoundError" in text:
        return DeviceNotFoundError(f"there is no port {url}", "plug the ball in; 'knead scan' lists the ports")
    if "://" in url:
        return DeviceNotFoundError(f"{url} cannot be reached", "see the address, and that a ball is served there")
    return DeviceNotFoundError(f"{url} cannot be opened as a serial port", "'knead scan' lists the ports")
