"""The whole way from bytes to events: capacity, memory, and the time from a byte on a port to an alert."""

import contextlib
import gc
import os
import statistics
import struct
import time
import tty
from collections.abc import Callable, Iterator

import numpy as np
import psutil

from companion.clock import Clock
from companion.contexts import guard_context
from companion.engine import Engine
from companion.pipeline import Pipeline
from companion.run import LiveRequest
from companion.stages import Plan
from companion.transports.serial import SerialTransport
from firmware_protocol.driver import Chunk, Close, Send
from firmware_protocol.framing import Deframer
from firmware_protocol.host import Host
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Alert, Event, Reading
from tests.benchmarks.figure import Figure

STEP_S = 0.01
LATENCY_S = 40.0


def _pipeline(clock: Clock) -> Pipeline:
    request = LiveRequest()
    plan = Plan("me", "unknown", "both", None, lambda profile: guard_context(profile, request), clock.wall, "benchmark")
    return Pipeline(Host(framed=True, first_tag=1), plan)


def _recorded(scenario: str, seconds: float) -> list[tuple[float, bytes]]:
    """What a ball sends, with arrival times (no bytes: a tick), to a pipeline that is thrown away."""
    ball, line = VirtualBall(scenario), _pipeline(Clock())
    ball.connected(0.0)
    out = line.opened(0.0)
    recorded = []
    for step in range(round(seconds / STEP_S)):
        now_s = step * STEP_S
        for item in out:
            if isinstance(item, Send):
                ball.feed(item.data, now_s)
        ball.tick(now_s)
        out = []
        if data := ball.outgoing():
            recorded.append((now_s, data))
            out = line.feed(Chunk("serial", data, now_s))
        due_s = line.deadline()
        if due_s is not None and due_s <= now_s:
            recorded.append((now_s, b""))
            out += line.tick(now_s)
    return recorded


def _replay(recorded: list[tuple[float, bytes]], observe: Callable[[Event], None]) -> float:
    """Processor seconds to turn the bytes into events."""
    line = _pipeline(Clock())
    line.opened(0.0)
    start = time.process_time()
    for now_s, data in recorded:
        out = line.feed(Chunk("serial", data, now_s)) if data else line.tick(now_s)
        for item in out:
            if not isinstance(item, Send | Close):
                observe(item)
    return time.process_time() - start


def events_of(scenario: str, seconds: float) -> list[Event]:
    """All that a session on a virtual ball gives its observers."""
    events: list[Event] = []
    _replay(_recorded(scenario, seconds), events.append)
    return events


def _capacity() -> Iterator[Figure]:
    seconds = 120.0
    recorded = _recorded("session", seconds)
    events: list[Event] = []
    _replay(recorded, events.append)
    scans = sum(len(event.t_s) for event in events if isinstance(event, Reading))
    assert scans > 0.9 * seconds * 100, "the recording was not understood"
    spent = statistics.median(_replay(recorded, lambda _: None) for _ in range(5))
    yield Figure("pipeline: balls carried by one core", seconds / spent, "balls", at_least=150, note="4 cells, 100 Hz")


def _memory() -> Iterator[Figure]:
    """An hour, fed in blocks, so that only what the pipeline keeps can grow."""
    process = psutil.Process()
    ball, clock = VirtualBall("session"), Clock()
    line = _pipeline(clock)
    ball.connected(0.0)
    out = line.opened(0.0)
    before = 0
    for step in range(round(3600 / STEP_S / 4)):
        now_s = step * STEP_S * 4
        for item in out:
            if isinstance(item, Send):
                ball.feed(item.data, now_s)
        ball.tick(now_s)
        data = ball.outgoing()
        out = line.feed(Chunk("serial", data, now_s)) if data else []
        out += line.tick(now_s)
        if now_s <= 300 < now_s + STEP_S * 4:
            gc.collect()
            before = process.memory_info().rss
    gc.collect()
    grown = (process.memory_info().rss - before) / 1e6
    yield Figure("pipeline: memory grown from minute 5 to 60", grown, "MB", at_most=5)


class _Port:
    """A virtual ball on the far end of a real pseudo-terminal, that notes when each scan was written."""

    def __init__(self, scenario: str, clock: Clock) -> None:
        self._ball, self._clock = VirtualBall(scenario), clock
        self._far, self._near = os.openpty()
        tty.setraw(self._far)
        tty.setraw(self._near)
        os.set_blocking(self._far, False)
        self._frames = Deframer()
        self.path = os.ttyname(self._near)
        self.written_s: dict[int, float] = {}  # low half of a scan's index -> when it was on the port
        self._ball.connected(clock.now_s())

    def turn(self) -> None:
        """Read, tick and write once."""
        now_s = self._clock.now_s()
        with contextlib.suppress(BlockingIOError):
            self._ball.feed(os.read(self._far, 4096), now_s)
        self._ball.tick(now_s)
        if data := self._ball.outgoing():
            for frame in self._frames.feed(data):
                if isinstance(frame, bytes) and frame[0] == 0x40:
                    (index,) = struct.unpack_from("<H", frame, 2)
                    self.written_s[index] = time.perf_counter()
            os.write(self._far, data)

    def close(self) -> None:
        os.close(self._far)
        os.close(self._near)


def _latency() -> Iterator[Figure]:
    """From the batch's bytes on a real port to the alert it makes. Real threads, real port, real time."""
    clock = Clock()
    port = _Port("too_hard", clock)
    reading_s: list[float] = []
    alert_s: list[float] = []
    newest = [0]

    def observe(event: Event) -> None:
        if isinstance(event, Reading):
            newest[0] = event.index & 0xFFFF
        now_s = time.perf_counter()
        if newest[0] in port.written_s and isinstance(event, Reading | Alert):
            late_s = reading_s if isinstance(event, Reading) else alert_s
            late_s.append(now_s - port.written_s[newest[0]])

    engine = Engine(lambda: SerialTransport(port.path, clock.now_s), _pipeline(clock), (observe,), clock)
    engine.start()
    until_s = time.monotonic() + LATENCY_S
    while time.monotonic() < until_s:
        port.turn()
        time.sleep(0.0005)  # the far end's own pace
    engine.stop("user")
    while not engine.join(0):
        port.turn()
    port.close()
    for name, late_s in (("reading", reading_s), ("alert", alert_s)):
        p99_ms = 1e3 * float(np.percentile(late_s, 99))
        yield Figure(
            f"port to {name} event, p99", p99_ms, "ms", at_most=10, note=f"n={len(late_s)}, after the on-delay"
        )


def figures() -> Iterator[Figure]:
    yield from _capacity()
    yield from _memory()
    yield from _latency()
