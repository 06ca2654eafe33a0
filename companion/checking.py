"""Does a ball keep the protocol? The conformance list, run on a real link. Nothing is recorded."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from companion import balls
from companion.clock import Clock
from companion.errors import ConfigError, DeviceNotFoundError, LinkLostError
from companion.speech import NATIVE
from companion.transports import Transport
from firmware_protocol.conformance.examiner import Examiner
from firmware_protocol.conformance.verdict import Verdict
from firmware_protocol.devices import AUTO
from firmware_protocol.devices.kind import Link
from firmware_protocol.driver import Chunk, Send
from firmware_protocol.messages import HelloReply

GOODBYE_S = 0.3  # for STOP to leave a port that is about to be closed


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it. `hello` is what the ball said of itself, if it said anything that could be read."""

    verdicts: tuple[Verdict, ...]
    hello: HelloReply | None
    virtual: bool = False  # it said that it is a virtual ball
    lost: str = ""  # why the link ended before the list did


def check(address: str, *, long: bool, told: Callable[[Verdict], None]) -> Checked:
    """`told` is called with each verdict as it comes.

    Raises CompanionError before the first byte; DeviceNotFoundError, too, where nothing answers as a ball does.
    """
    clock = Clock()
    told_of = balls.speech(address, None, 1)
    if told_of.kind not in (NATIVE, AUTO):
        raise ConfigError(f"{address} is no ball that speaks PROTOCOL.md", "the list is of that page, and of no other")
    make = balls.transport(address, None, clock)
    examiner = Examiner(framed=told_of.link is Link.SERIAL, long=long)
    return asyncio.run(_on_link(make, examiner, clock, told))


async def _on_link(
    make: Callable[[], Transport], examiner: Examiner, clock: Clock, told: Callable[[Verdict], None]
) -> Checked:
    transport = make()
    verdicts: list[Verdict] = []

    def hear(verdict: Verdict) -> None:
        verdicts.append(verdict)
        if examiner.answered:
            told(verdict)

    await transport.open()
    lost = ""
    try:
        await _converse(transport, examiner, clock, hear)
    except LinkLostError as error:
        lost = str(error)
    finally:
        await _leave(transport, examiner)
    if not examiner.answered and not lost:
        raise DeviceNotFoundError(
            f"nothing on {transport.name} answers HELLO",
            "is it on, is it a ball, and does it send frames as PROTOCOL.md section 1.2 has them?",
        )
    return Checked(tuple(verdicts), examiner.hello, examiner.virtual, lost)


async def _converse(transport: Transport, examiner: Examiner, clock: Clock, hear: Callable[[Verdict], None]) -> None:
    """Until the list is through. Raises LinkLostError."""
    out = examiner.opened(clock.now_s())
    receive: asyncio.Future[Chunk] = asyncio.ensure_future(transport.receive())
    try:
        while True:
            for one in out:
                if isinstance(one, Send):
                    await transport.send(one)
                else:
                    hear(one)
            if examiner.done:
                return
            due_s = examiner.deadline()
            await asyncio.wait((receive,), timeout=None if due_s is None else clock.wait_s(due_s))
            if receive.done():
                chunk = receive.result()
                receive = asyncio.ensure_future(transport.receive())
                out = examiner.feed(chunk)
            else:
                out = examiner.tick(clock.now_s())
    finally:
        receive.cancel()
        await asyncio.wait((receive,))
        if not receive.cancelled():
            receive.exception()  # it, too, may say that the link is lost; that is known by now


async def _leave(transport: Transport, examiner: Examiner) -> None:
    """The ball stops, however the check ended."""
    try:
        if not examiner.done:
            for send in examiner.farewell():
                await transport.send(send)
            await asyncio.sleep(GOODBYE_S)
    except LinkLostError:
        return
    finally:
        await transport.close()
