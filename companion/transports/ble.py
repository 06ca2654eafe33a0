"""A ball over Bluetooth LE: found, connected and, when it is lost, found again."""

import asyncio
import contextlib
from collections.abc import Callable

from companion.errors import LinkLostError, TransportError
from companion.transports.blelink import BleLink
from companion.transports.search import SEARCH_S, SERIAL, TELL_SERIAL, Search, parse
from firmware_protocol.devices.kind import Kind, Link, Options
from firmware_protocol.driver import Chunk, Close, Profile, Send

PROBE_S = 5.0  # for who it is


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
        wanted = parse(rest).wanted
        self.name = f"ble:{wanted}"
        self._kind, self._now_s = kind, now_s
        self._renew_bond = renew_bond
        self._probe = not expect_serial  # nobody else asks a ball of another name who it is
        named = bool(expect_serial) or SERIAL.fullmatch(wanted) is not None
        any_name = kind.key in TELL_SERIAL and named
        self._search = Search(wanted, kind, now_s, any_name=any_name)
        self._link: BleLink | None = None
        self._address = ""  # of the one opened last
        self._leaving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        until_s = asyncio.get_running_loop().time() + SEARCH_S
        while True:
            sighting = await self._search.find(until_s)
            await self._search.stop()
            await self._left()
            link = BleLink(self._search.wanted, self._kind, self._now_s)
            try:
                await link.open(sighting, renew_bond=self._renew_bond)
                if self._search.right(sighting) or not self._probe or await self._is_wanted(link):
                    self._search.settle(sighting)
                    self._link, self._address = link, sighting.advert.address
                    return
                self._search.dismiss(sighting.advert.address)
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

    def _up(self) -> BleLink:
        if self._link is None:
            raise LinkLostError(f"{self.name} is closed")
        return self._link

    def _leave(self, link: BleLink) -> None:
        """Hang up, in a task of its own: nobody need wait for it who has better to do."""
        task = asyncio.ensure_future(link.close())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _left(self) -> None:
        if self._leaving:
            await asyncio.wait(set(self._leaving))

    async def _is_wanted(self, link: BleLink) -> bool:
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
