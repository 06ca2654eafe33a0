"""A session's own driver on a Bluetooth transport, by hand: as the engine joins them, and nothing more."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from companion.transports.ble import BleTransport
from firmware_protocol.devices.native import KIND
from firmware_protocol.driver import Chunk, DriverEvent, Samples, Send
from firmware_protocol.host import Host
from tests.kit import LIMIT_S

T = TypeVar("T")


class Talk:
    """One transport, one driver, all that was told."""

    def __init__(self, name: str, *, rate_hz: int = 0, **options: Any) -> None:
        self.transport = BleTransport(name, KIND, time.monotonic, **options)
        self.host = Host(framed=False, first_tag=7, rate_hz=rate_hz)
        self.told: list[DriverEvent] = []
        self.sizes: list[int] = []  # of every notification

    async def open(self) -> None:
        await self.transport.open()
        await self.take(self.host.opened(time.monotonic()))

    async def until(self, kind: type[T], where: Callable[[T], bool] = lambda _: True) -> T:
        """The first of its kind that fits, from now on."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                before = len(self.told)
                await self.step()
                for event in self.told[before:]:
                    if isinstance(event, kind) and where(event):
                        return event

    async def scans(self, count: int) -> list[Samples]:
        """The batches of so many scans to come."""
        got: list[Samples] = []
        async with asyncio.timeout(LIMIT_S):
            while sum(len(batch.values) for batch in got) < count:
                before = len(self.told)
                await self.step()
                got += [event for event in self.told[before:] if isinstance(event, Samples)]
        return got

    async def step(self) -> None:
        due_s = self.host.deadline()
        wait_s = None if due_s is None else max(0.0, due_s - time.monotonic())
        try:
            async with asyncio.timeout(wait_s):
                chunk = await self.transport.receive()
        except TimeoutError:
            await self.take(self.host.tick(time.monotonic()))
        else:
            await self.take(self.hear(chunk))

    def hear(self, chunk: Chunk) -> list[DriverEvent]:
        """What the driver says to it; it is for others to send."""
        self.sizes.append(len(chunk.data))
        return self.host.feed(chunk)

    async def close(self) -> None:
        await self.transport.close()
        await self.take(self.host.closed(time.monotonic()))

    async def take(self, events: list[DriverEvent]) -> None:
        self.told += events
        for event in events:
            if isinstance(event, Send):
                await self.transport.send(event)


def unbroken(batches: list[Samples]) -> bool:
    """Every scan from the first to the last is there, once."""
    indices = [batch.index + k for batch in batches for k in range(len(batch.values))]
    return indices == list(range(indices[0], indices[0] + len(indices)))
