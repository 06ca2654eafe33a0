"""How soon a ball is seen, read and back over Bluetooth LE, and how soon what it says is an event.

On a virtual radio: no distance, no loss, and every packet passes at once. What the product adds is measured beside
what the stack itself takes there.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np
from bleak import BleakClient, BleakScanner

from companion import balls, inreach
from companion.clock import Clock
from companion.engine import Engine
from companion.pipeline import Pipeline
from firmware_protocol.devices.native import GATT
from firmware_protocol.host import Host
from firmware_protocol.simulator import virtual
from sessions.events import Event, Notice, Reading
from tests.benchmarks.figure import Figure
from tests.kit import Recorder
from tests.radio import Radio, RadioBall
from tests.test_engine import plan

REPEATS = 7
FIRST_BATCH_S = 0.05  # a ball of 100 Hz has nothing to send before
NAME = "Knead-1"
AWAY_S = 4.0  # by then tries are 2 s apart
STREAM_S, STREAMS = 3.0, 3  # the best one counts: others use the machine
EXTREME_HZ = 400


def _stack(radio: Radio) -> float:
    """What bleak itself takes to connect and subscribe, the ball being known."""

    async def once() -> float:
        async with asyncio.timeout(10):
            device = await BleakScanner.find_device_by_name(NAME)
            assert device is not None
            start_s = time.perf_counter()
            async with BleakClient(device) as client:
                await client.start_notify(GATT.notify["tx"], lambda *_: None)
                return time.perf_counter() - start_s

    radio.ball(NAME)
    return median(asyncio.run(once()) for _ in range(REPEATS))


def _engine(seen: Callable[[Event], None], rate_hz: int = 0) -> Engine:
    clock = Clock()
    make = balls.transport(f"ble:{NAME}", "native", clock)
    return Engine(make, Pipeline(Host(framed=False, first_tag=7, rate_hz=rate_hz), plan(clock)), (seen,), clock)


def _first_reading() -> float:
    """From the moment the product begins to connect to the first reading an observer is given."""
    times = []
    connect = BleakClient.connect
    for _ in range(REPEATS):
        with Radio() as radio:
            radio.ball(NAME)
            began: list[float] = []

            async def timed(self: BleakClient, began: list[float] = began, **options: object) -> None:
                began.append(time.perf_counter())
                await connect(self, **options)

            first: list[float] = []
            come = threading.Event()

            def seen(event: Event, first: list[float] = first, come: threading.Event = come) -> None:
                if isinstance(event, Reading) and not first:
                    first.append(time.perf_counter())
                    come.set()

            BleakClient.connect = timed  # type: ignore[method-assign]  # only to know when
            try:
                engine = _engine(seen)
                engine.start()
                assert come.wait(20), "no reading came"
                engine.stop("user")
                engine.join()
            finally:
                BleakClient.connect = connect  # type: ignore[method-assign]  # as it was
            times.append(first[0] - began[0])
    return median(times)


def _seen() -> float:
    """From a ball's first advertisement, 100 ms apart, to the line `knead scan` has of it; the worst."""
    worst = 0.0
    for _ in range(REPEATS):
        with Radio(advertising_ms=100.0) as radio:
            ball = radio.ball(NAME, present=False)
            told: list[float] = []
            scanning = threading.Thread(
                target=inreach.ble_places, args=({}, 1.5, lambda _, told=told: told.append(time.perf_counter()))
            )
            scanning.start()
            time.sleep(0.3)
            start_s = time.perf_counter()
            ball.come()
            scanning.join()
            assert told, "it was not seen"
            worst = max(worst, told[0] - start_s)
    return worst


def _back() -> float:
    """From a ball's return, after AWAY_S, to the next reading of the same session; the worst."""
    worst = 0.0
    with Radio(advertising_ms=100.0) as radio:
        ball = radio.ball(NAME)
        seen = Recorder()
        engine = _engine(seen)
        engine.start()
        seen.wait_for(3, Reading)
        for turn in range(1, 4):
            ball.leave()
            seen.wait_for(turn, Notice, lambda notice: notice.fields.get("state") == "lost")
            time.sleep(AWAY_S)
            count = len(seen.of(Reading))
            start_s = time.perf_counter()
            ball.come()
            seen.wait_for(count + 1, Reading)
            worst = max(worst, time.perf_counter() - start_s)
        engine.stop("user")
        engine.join()
    return worst


def _latency(rate_hz: int) -> tuple[float, int]:
    """From a notification's leaving the ball to its readings as an event: the 99th percentile, and how many."""
    sent: dict[int, float] = {}
    late: list[float] = []
    rates = virtual.RATES_HZ
    virtual.RATES_HZ = (100, EXTREME_HZ)
    try:
        with Radio() as radio:
            ball = radio.ball(NAME, mtu=23)  # a notification for each scan
            _stamp(ball, sent)

            def seen(event: Event) -> None:
                if isinstance(event, Reading) and event.index in sent:
                    late.append(time.perf_counter() - sent[event.index])

            engine = _engine(seen, rate_hz)
            engine.start()
            time.sleep(STREAM_S)
            engine.stop("user")
            engine.join()
    finally:
        virtual.RATES_HZ = rates
    return float(np.percentile(late, 99)), len(late)


def _stamp(ball: RadioBall, sent: dict[int, float]) -> None:
    """Note when each batch of scans goes out, by the index of its first."""
    messages = ball.ball.messages

    def stamped() -> list[bytes]:
        out = messages()
        now_s = time.perf_counter()
        for message in out:
            if message[0] == 0x40:  # SAMPLES
                sent[int.from_bytes(message[2:4], "little")] = now_s
        return out

    ball.ball.messages = stamped  # type: ignore[method-assign]  # only to know when


def figures() -> Iterator[Figure]:
    yield Figure(
        "ble: a ball's first advertisement -> scan", _seen(), "s", at_most=1.5, note="worst of 7, every 100 ms"
    )
    with Radio() as radio:
        stack_s = _stack(radio)
    yield Figure("ble: connect and subscribe, the stack alone", stack_s, "s", note="bleak on the virtual radio")
    first_s = _first_reading()
    note = "less the ball's own first batch of 50 ms"
    yield Figure("ble: connect -> first reading", first_s, "s", note="with that batch")
    yield Figure(
        "ble: the same, by the stack's own time", (first_s - FIRST_BATCH_S) / stack_s, "x", at_most=1.5, note=note
    )
    yield Figure(
        "ble: the ball's return -> same session", _back(), "s", at_most=2, note=f"worst of 3, {AWAY_S:g} s away"
    )
    for rate_hz in (100, EXTREME_HZ):
        p99_s, count = min(_latency(rate_hz) for _ in range(STREAMS))
        note = f"{count} notifications, {rate_hz} a second"
        yield Figure(f"ble: notification -> event, p99, {rate_hz} Hz", p99_s * 1e3, "ms", at_most=10, note=note)
