"""A device that is never connected to: each of its advertisements is a datagram."""

import asyncio
from collections.abc import Callable

from companion.errors import LinkLostError, UnavailableError
from companion.transports.scan import Sighting
from companion.transports.search import SEARCH_S, Search, parse
from firmware_protocol.devices.kind import Kind
from firmware_protocol.driver import Chunk, Send

SOURCE = "advert"
SILENT_S = 10.0  # a scale that is on advertises all the time: gone by then, as its own app has it


class AdvertTransport:
    """Listens; it has nothing to send and nobody to send it to."""

    def __init__(self, rest: str, kind: Kind, now_s: Callable[[], float]) -> None:
        wanted = parse(rest).wanted
        self.name = f"ble:{wanted}"
        self._kind, self._now_s = kind, now_s
        self._search = Search(wanted, kind, now_s, any_name=False)
        self._address = ""  # listened to; another of its name is another one
        self._first: Sighting | None = None

    async def open(self) -> None:
        sighting = await self._search.find(asyncio.get_running_loop().time() + SEARCH_S)
        self._search.settle(sighting)
        self._first, self._address = sighting, sighting.advert.address

    async def receive(self) -> Chunk:
        while True:
            sighting, self._first = self._first, None
            if sighting is None:
                try:
                    async with asyncio.timeout(SILENT_S):
                        sighting = await self._own()
                except (TimeoutError, UnavailableError):
                    text = f"nothing was heard of {self._search.wanted} for {SILENT_S:.0f} s"
                    raise LinkLostError(text, "switch it on; the session goes on when it is back") from None
            if data := self._kind.heard and self._kind.heard(sighting.fresh):
                return Chunk(SOURCE, data, sighting.at_s)

    async def send(self, send: Send) -> None:
        pass

    async def close(self) -> None:
        self._first = None
        await self._search.stop()

    async def returned(self) -> None:
        await self._search.returned()

    def reject(self) -> bool:
        self._search.reject(self._address)
        return True

    async def _own(self) -> Sighting:
        while True:
            sighting = await self._search.next()
            if sighting.advert.address == self._address:
                return sighting
