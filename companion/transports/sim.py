"""A virtual ball in this process: `sim:SCENARIO`. No port, no radio, the same protocol."""

import asyncio

from companion.clock import Clock
from companion.errors import DeviceNotFoundError, LinkLostError
from firmware_protocol.driver import Chunk, Send
from firmware_protocol.simulator.virtual import VirtualBall

_POLL_S = 0.05  # real seconds; only to see a ball return, which has no event of its own


class SimTransport:
    """Speaks framed bytes with a `VirtualBall` on the engine's own clock."""

    def __init__(self, ball: VirtualBall, name: str, clock: Clock) -> None:
        self.name = name
        self._ball = ball
        self._clock = clock
        self._open = False
        self._sent = asyncio.Event()

    async def open(self) -> None:
        now_s = self._clock.now_s()
        if not self._ball.present(now_s):
            raise DeviceNotFoundError(f"{self.name} is away", "wait until it comes back")
        self._ball.connected(now_s)
        self._open = True

    async def receive(self) -> Chunk:
        while True:
            self._sent.clear()
            now_s = self._clock.now_s()
            self._check(now_s)
            self._ball.tick(now_s)
            if data := self._ball.outgoing():
                return Chunk("serial", data, now_s)
            due_s = self._ball.deadline_s()
            wait_s = None if due_s is None else self._clock.wait_s(due_s)
            try:
                async with asyncio.timeout(wait_s):
                    await self._sent.wait()
            except TimeoutError:
                pass

    async def send(self, send: Send) -> None:
        now_s = self._clock.now_s()
        self._check(now_s)
        self._ball.feed(send.data, now_s)
        self._sent.set()

    async def close(self) -> None:
        if self._open:
            self._open = False
            self._ball.disconnected(self._clock.now_s())

    async def returned(self) -> None:
        while self._ball.present(self._clock.now_s()):
            await asyncio.sleep(_POLL_S / self._clock.speed)
        while not self._ball.present(self._clock.now_s()):
            await asyncio.sleep(_POLL_S / self._clock.speed)

    def reject(self) -> bool:
        return False

    def _check(self, now_s: float) -> None:
        if not self._open or not self._ball.present(now_s):
            raise LinkLostError(f"{self.name} went away")
