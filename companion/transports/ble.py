"""A ball over Bluetooth LE: found, connected and, when it is lost, found again.

Every try is a fresh client: after a link that broke, an old one may believe for ever that it is connected. Nothing
waits without an end, and nothing trusts the system to tell of a lost link. No size is computed from an MTU: the ball
sizes its notifications, and requests are short.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from companion.errors import DeviceNotFoundError, LinkLostError, TransportError
from companion.transports.bluetooth import Doing, bond_lost, translated, wants_bond
from companion.transports.scan import Sighting
from companion.transports.search import SERIAL, Search, parse
from firmware_protocol.devices.kind import Gatt, Kind, Link, Options
from firmware_protocol.driver import Chunk, Close, Profile, Send

CONNECT_S = 10.0  # systems try for 20 s and more; a ball that is there answers within one
SUBSCRIBE_S = 60.0  # the system may ask the user whether to pair (PROTOCOL.md section 5)
PROBE_S = 5.0  # for who it is
WRITE_S = 5.0  # a write the stack sits on for longer is a dead link
CLOSE_S = 3.0  # BlueZ takes 2 s; a dead stack takes for ever, and is left behind
WATCH_S = 1.0
SILENT_S = 12.0  # a ball says something every 10 s (R38): past that the link is dead, whatever the system says
_PENDING_MAX = 4096  # notifications unread by the engine: 40 s at 100 a second; past it the oldest go


class BleTransport:
    """The ball of one address. `expect_serial`: the driver will ask for it, so any ball of this kind may be tried.

    `renew_bond`: where the ball no longer knows this computer, pair anew. Only when the user asks to pair: whoever
    claims to be a ball that has forgotten its bond would else be trusted unseen.
    """

    def __init__(
        self,
        rest: str,
        kind: Kind,
        now_s: Callable[[], float],
        *,
        expect_serial: str = "",
        renew_bond: bool = False,
    ) -> None:
        assert kind.gatt is not None, f"{kind.key} is not connected to"
        wanted = parse(rest).wanted
        self.name = f"ble:{wanted}"
        self._kind, self._gatt, self._now_s = kind, kind.gatt, now_s
        self._renew_bond = renew_bond
        self._probe = not expect_serial  # nobody else asks a ball of another name who it is
        any_name = bool(expect_serial) or SERIAL.fullmatch(wanted) is not None
        self._search = Search(wanted, kind, now_s, any_name=any_name)
        self._link: _Link | None = None
        self._address = ""  # of the one opened last
        self._leaving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        while True:
            sighting = await self._search.find()
            await self._search.stop()
            await self._left()
            link = _Link(self._search.wanted, self._gatt, self._now_s)
            try:
                await link.open(sighting, renew_bond=self._renew_bond)
                if self._search.right(sighting) or not self._probe or await self._is_wanted(link):
                    self._search.settle(sighting)
                    self._link, self._address = link, sighting.advert.address
                    return
                self._search.reject(sighting.advert.address)
            except TransportError:
                self._search.fail()
                self._leave(link)
                raise
            except BaseException:
                self._leave(link)
                raise
            self._leave(link)

    async def receive(self) -> Chunk:
        return await self._up().receive()

    async def send(self, send: Send) -> None:
        self._up().send(send)

    async def read(self, source: str) -> bytes:
        """A characteristic that may be read, by the kind's name for it. Raises LinkLostError."""
        return await self._up().read(source)

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            self._leave(link)
        await self._search.stop()
        await self._left()

    async def returned(self) -> None:
        await self._search.returned()

    def reject(self) -> bool:
        self._search.reject(self._address)
        return True

    def _up(self) -> "_Link":
        if self._link is None:
            raise LinkLostError(f"{self.name} is closed")
        return self._link

    def _leave(self, link: "_Link") -> None:
        """Hang up, in a task of its own: nobody need wait for it who has better to do."""
        task = asyncio.ensure_future(link.close())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _left(self) -> None:
        if self._leaving:
            await asyncio.wait(set(self._leaving))

    async def _is_wanted(self, link: "_Link") -> bool:
        """Ask a ball of another name for its serial, as a session would. The session then begins with HELLO anew."""
        driver = self._kind.driver(Link.GATT, Options(expect_serial=self._search.wanted))
        told = driver.opened(self._now_s())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PROBE_S):
                while True:
                    for event in told:
                        match event:
                            case Send():
                                link.send(event)
                            case Profile(serial=serial):
                                return serial == self._search.wanted
                            case Close():
                                return False
                            case _:
                                pass
                    told = driver.feed(await link.receive())
        return False


class _Link:
    """One connection, from the first try to its end. Made anew for each."""

    def __init__(self, name: str, gatt: Gatt, now_s: Callable[[], float]) -> None:
        self._name, self._gatt, self._now_s = name, gatt, now_s
        self._client: BleakClient | None = None
        self._write: dict[str, BleakGATTCharacteristic] = {}
        self._chunks: deque[Chunk] = deque(maxlen=_PENDING_MAX)
        self._news = asyncio.Event()
        self._outbox: deque[Send] = deque()
        self._to_write = asyncio.Event()
        self._written = asyncio.Event()  # nothing waits, and nothing is under way
        self._written.set()
        self._writer: asyncio.Task[None] | None = None
        self._error: TransportError | None = None
        self._meant = False  # we hang up ourselves
        self._heard_s = 0.0  # by the loop's clock

    # Up

    async def open(self, sighting: Sighting, *, renew_bond: bool) -> None:
        """Connect, check the table, subscribe. Raises TransportError; `close` it then, too."""
        try:
            await self._connect(sighting)
        except TransportError as error:
            if not renew_bond or type(error) is not type(bond_lost("")):
                raise
            await self._forget_bond(sighting)
            await self._connect(sighting)
        notify = self._check()
        with translated(Doing.CONNECT, self._name):
            async with asyncio.timeout(SUBSCRIBE_S):
                for source, characteristic in notify.items():
                    await self._subscribe(source, characteristic)
        self._heard_s = asyncio.get_running_loop().time()
        self._writer = asyncio.create_task(self._write_all())

    async def _connect(self, sighting: Sighting) -> None:
        self._meant = False
        client = self._client = BleakClient(
            sighting.device,
            self._dropped,
            timeout=CONNECT_S,
            winrt={"use_cached_services": False},  # its table may have changed, and Windows does not look
        )
        with translated(Doing.CONNECT, self._name):
            async with asyncio.timeout(CONNECT_S):
                await client.connect()

    async def _forget_bond(self, sighting: Sighting) -> None:
        await self._hang_up()
        client = BleakClient(sighting.device)
        with translated(Doing.CONNECT, self._name), contextlib.suppress(NotImplementedError):
            async with asyncio.timeout(CONNECT_S):
                await client.unpair()

    def _check(self) -> dict[str, BleakGATTCharacteristic]:
        """That all is there which this kind needs: after each connect, for a table may change. Gives what notifies."""
        client = self._client
        assert client is not None
        with translated(Doing.CONNECT, self._name):
            services = client.services
            service = services.get_service(self._gatt.service)
            found = {one.uuid: one for one in (service.characteristics if service is not None else ())}
        notify = {source: found[uuid] for source, uuid in self._gatt.notify.items() if uuid in found}
        self._write = {source: found[uuid] for source, uuid in self._gatt.write.items() if uuid in found}
        deaf = [one for one in notify.values() if not {"notify", "indicate"} & set(one.properties)]
        mute = [one for one in self._write.values() if not {"write", "write-without-response"} & set(one.properties)]
        if len(notify) < len(self._gatt.notify) or len(self._write) < len(self._gatt.write) or deaf or mute:
            raise DeviceNotFoundError(
                f"{self._name} has not what a ball of this kind has",
                "it is another device, or needs --kind; 'knead scan' lists the balls in reach",
            )
        return notify

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
        client = self._client
        if client is None or self._error is not None:
            raise self._error or LinkLostError(f"{self._name} is closed")
        with translated(Doing.TALK, self._name):
            async with asyncio.timeout(WRITE_S):
                return bytes(await client.read_gatt_char(self._gatt.read[source]))

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

    def _dropped(self, _: BleakClient) -> None:
        if not self._meant:
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
        self._meant = True
        client, self._client = self._client, None
        if client is not None:
            await _left_behind(client.disconnect(), CLOSE_S)


def _lost(name: str) -> LinkLostError:
    return LinkLostError(f"the link to {name} broke", "come closer, or charge it; the session goes on when it is back")


async def _left_behind(work: Coroutine[Any, Any, None], limit_s: float) -> None:
    """Do it for so long; a stack that hangs is left alone with it. Whatever it raises is its own matter."""
    task = asyncio.ensure_future(work)
    await asyncio.wait((task,), timeout=limit_s)
    if not task.done():
        task.cancel()
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
