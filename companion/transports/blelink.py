"""One Bluetooth LE connection, from the first try to its end: made anew for each.

A client of the system is never used twice: after a link that broke, an old one may believe for ever that it is
connected. Nothing waits without an end, and nothing trusts the system to tell of a lost link. No size is computed
from an MTU: the ball sizes its notifications, and requests are short.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from companion.errors import DeviceNotFoundError, LinkLostError, NotPairedError, TransportError
from companion.transports.bluetooth import Doing, translated, wants_bond
from companion.transports.scan import Sighting
from firmware_protocol.devices.kind import Kind
from firmware_protocol.driver import Chunk, Send

CONNECT_S = 10.0  # systems try for 20 s and more; a ball that is there answers within one
SUBSCRIBE_S = 60.0  # the system may ask the user whether to pair (PROTOCOL.md section 5)
WRITE_S = 5.0  # a write the stack sits on for longer is a dead link
CLOSE_S = 3.0  # BlueZ takes 2 s; a dead stack takes for ever, and is left behind
WATCH_S = 1.0
SILENT_S = 12.0  # a ball says something every 10 s (R38): past that the link is dead, whatever the system says
_PENDING_MAX = 4096  # notifications unread by the engine: 40 s at 100 a second; past it the oldest go


class BleLink:
    """One connection, from the first try to its end. Made anew for each."""

    def __init__(self, name: str, kind: Kind, now_s: Callable[[], float]) -> None:
        self._name, self._kind, self._now_s = name, kind, now_s
        self._client: BleakClient | None = None  # None: there is none that should be connected
        self._write: dict[str, BleakGATTCharacteristic] = {}
        self._read: dict[str, BleakGATTCharacteristic] = {}
        self._chunks: deque[Chunk] = deque(maxlen=_PENDING_MAX)
        self._news = asyncio.Event()
        self._outbox: deque[Send] = deque()
        self._to_write = asyncio.Event()
        self._written = asyncio.Event()  # nothing waits, and nothing is under way
        self._written.set()
        self._writer: asyncio.Task[None] | None = None
        self._error: TransportError | None = None
        self._heard_s = 0.0  # by the loop's clock

    # Up

    async def open(self, sighting: Sighting, *, renew_bond: bool) -> None:
        """Connect, check the table, subscribe. Raises TransportError; `close` it then, too."""
        try:
            await self._join(sighting)
        except NotPairedError:
            if not renew_bond:
                raise
            await self._forget_bond(sighting)
            await self._join(sighting)
        self._heard_s = asyncio.get_running_loop().time()
        self._writer = asyncio.create_task(self._write_all())

    async def _join(self, sighting: Sighting) -> None:
        await self._connect(sighting)
        notify = self._check()
        with translated(Doing.CONNECT, self._name):
            async with asyncio.timeout(SUBSCRIBE_S):
                for source, characteristic in notify.items():
                    await self._subscribe(source, characteristic)

    async def _connect(self, sighting: Sighting) -> None:
        client = self._client = BleakClient(
            sighting.device,
            self._dropped,
            services=[layout.service for layout in self._kind.layouts],  # the others are not asked for: it takes time
            timeout=CONNECT_S,
            winrt={"use_cached_services": False},  # its table may have changed, and Windows does not look
        )
        with translated(Doing.CONNECT, self._name):
            async with asyncio.timeout(CONNECT_S):
                await client.connect()

    async def _forget_bond(self, sighting: Sighting) -> None:
        await self._hang_up()
        self._error = None  # the end of that link is no matter of the next
        client = BleakClient(sighting.device)
        with translated(Doing.CONNECT, self._name), contextlib.suppress(NotImplementedError):
            async with asyncio.timeout(CONNECT_S):
                await client.unpair()

    def _check(self) -> dict[str, BleakGATTCharacteristic]:
        """That all is there which this kind needs: after each connect, for a table may change. Gives what notifies."""
        client = self._client
        assert client is not None
        with translated(Doing.CONNECT, self._name):
            services = {service.uuid: service for service in client.services}
        for layout in self._kind.layouts:
            service = services.get(layout.service)
            found = {} if service is None else {one.uuid: one for one in service.characteristics}
            notify = _able(found, layout.notify, {"notify", "indicate"})
            write = _able(found, layout.write, {"write", "write-without-response"})
            if notify is not None and write is not None:
                self._write = write
                self._read = {source: found[uuid] for source, uuid in layout.read.items() if uuid in found}
                return notify
        raise DeviceNotFoundError(
            f"{self._name} has not what a {self._kind.title} has",
            "it is another device, or needs --kind; 'knead scan' lists the balls in reach",
        )

    async def _subscribe(self, source: str, characteristic: BleakGATTCharacteristic) -> None:
        client = self._client
        assert client is not None
        told = partial(self._told, source)
        try:
            await client.start_notify(characteristic, told)
        except Exception as error:
            if not wants_bond(error):
                raise
            with contextlib.suppress(NotImplementedError):  # macOS pairs by itself, when asked the second time
                await client.pair()
            await client.start_notify(characteristic, told)

    # Data

    async def receive(self) -> Chunk:
        while not self._chunks:
            if self._error is not None:
                raise self._error
            self._news.clear()
            try:
                async with asyncio.timeout(WATCH_S):
                    await self._news.wait()
            except TimeoutError:
                self._watch()
        return self._chunks.popleft()

    def send(self, send: Send) -> None:
        if self._error is not None:
            raise self._error
        self._outbox.append(send)
        self._written.clear()
        self._to_write.set()

    async def read(self, source: str) -> bytes:
        """Empty where it has no such thing."""
        client, characteristic = self._client, self._read.get(source)
        if client is None or self._error is not None:
            raise self._error or LinkLostError(f"{self._name} is closed")
        if characteristic is None:
            return b""
        with translated(Doing.TALK, self._name):
            async with asyncio.timeout(WRITE_S):
                return bytes(await client.read_gatt_char(characteristic))

    def _told(self, source: str, _: BleakGATTCharacteristic, data: bytearray) -> None:
        self._heard_s = asyncio.get_running_loop().time()
        self._chunks.append(Chunk(source, bytes(data), self._now_s()))
        self._news.set()

    async def _write_all(self) -> None:
        try:
            while True:
                while self._outbox:
                    await self._write_one(self._outbox.popleft())
                self._written.set()
                self._to_write.clear()
                await self._to_write.wait()
        except TransportError as error:
            self._fail(error)
        finally:
            self._written.set()

    async def _write_one(self, send: Send) -> None:
        client, characteristic = self._client, self._write.get(send.source)
        assert client is not None
        if characteristic is None:
            return  # this kind has no such place; its driver is wrong, the link is not
        answered = send.with_response or "write-without-response" not in characteristic.properties
        with translated(Doing.TALK, self._name):
            async with asyncio.timeout(WRITE_S):
                await client.write_gatt_char(characteristic, send.data, response=answered)

    # Down

    def _dropped(self, client: BleakClient) -> None:
        if client is self._client:  # else we hung up ourselves
            self._fail(_lost(self._name))

    def _watch(self) -> None:
        """The callback of a lost link may never come."""
        client = self._client
        silent_s = asyncio.get_running_loop().time() - self._heard_s
        if client is None or not client.is_connected or silent_s > SILENT_S:
            self._fail(_lost(self._name))

    def _fail(self, error: TransportError) -> None:
        self._error = self._error or error
        self._news.set()

    async def close(self) -> None:
        """Idempotent, bounded, never raises. What waits to be written goes out first: STOP, perhaps."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._written.wait()
            writer.cancel()
            await asyncio.wait((writer,))
        self._error = self._error or LinkLostError(f"{self._name} is closed")
        self._news.set()
        await self._hang_up()

    async def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await _left_behind(client.disconnect(), CLOSE_S)


def _able(
    found: Mapping[str, BleakGATTCharacteristic], wanted: Mapping[str, str], properties: set[str]
) -> dict[str, BleakGATTCharacteristic] | None:
    """Those of a table that are wanted, by source; None if one is missing, or not able to."""
    able = {source: found[uuid] for source, uuid in wanted.items() if uuid in found}
    sound = len(able) == len(wanted) and all(properties & set(one.properties) for one in able.values())
    return able if sound else None


def _lost(name: str) -> LinkLostError:
    return LinkLostError(f"the link to {name} broke", "come closer, or charge it; the session goes on when it is back")


async def _left_behind(work: Coroutine[Any, Any, None], limit_s: float) -> None:
    """Do it for so long; a stack that hangs is left alone with it. Whatever it raises is its own matter."""
    task = asyncio.ensure_future(work)
    await asyncio.wait((task,), timeout=limit_s)
    if not task.done():
        task.cancel()
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
