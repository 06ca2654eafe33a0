"""The engine with a virtual ball: links come and go, people act, observers fail; the session goes on."""

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from companion.clock import Clock
from companion.contexts import guard_context
from companion.engine import Engine, Outcome
from companion.errors import DeviceNotFoundError, LinkLostError, UnavailableError
from companion.handsfree.terms import Terms
from companion.pipeline import Pipeline
from companion.run import LiveRequest
from companion.stages import Plan
from companion.transports import Transport
from companion.transports.sim import SimTransport
from firmware_protocol.driver import Chunk, Send
from firmware_protocol.host import Host
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Action, Alert, Closed, Event, Level, Notice, Opened, Phase, Reading, Totals
from tests.kit import LIMIT_S, Recorder

SPEED = 10.0


class Leaping(Clock):
    """A clock that can go forward at a stroke."""

    leapt_s = 0.0

    def now_s(self) -> float:
        return super().now_s() + self.leapt_s


class Link:
    """A virtual ball whose link the test holds in its hand."""

    def __init__(self, ball: VirtualBall, clock: Clock) -> None:
        self.name = "the test's ball"
        self.opens = self.closes = 0
        self.silent = threading.Event()
        self.gone = threading.Event()
        self._inner = SimTransport(ball, self.name, clock)

    async def open(self) -> None:
        if self.gone.is_set():
            raise DeviceNotFoundError("gone")
        self.opens += 1
        await self._inner.open()

    async def receive(self) -> Chunk:
        while True:
            receiving = asyncio.ensure_future(self._inner.receive())
            try:
                while not receiving.done():
                    await asyncio.wait((receiving,), timeout=0.01)
                    if self.gone.is_set():
                        raise LinkLostError("pulled")
            finally:
                receiving.cancel()
            if not self.silent.is_set():
                return receiving.result()

    async def send(self, send: Send) -> None:
        await self._inner.send(send)

    async def close(self) -> None:
        self.closes += 1
        await self._inner.close()

    async def returned(self) -> None:
        while not self.gone.is_set():
            await asyncio.sleep(0.01)
        while self.gone.is_set():
            await asyncio.sleep(0.01)

    def reject(self) -> bool:
        return False


class Dead:
    """A port that opens and never says a thing, or only garbage."""

    name = "a dead port"

    def __init__(self, clock: Clock, garbage: bytes = b"") -> None:
        self._clock, self._garbage = clock, garbage

    async def open(self) -> None: ...

    async def receive(self) -> Chunk:
        if not self._garbage:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(0.01)
        return Chunk("serial", self._garbage, self._clock.now_s())

    async def send(self, send: Send) -> None: ...

    async def close(self) -> None: ...

    async def returned(self) -> None:
        await asyncio.get_running_loop().create_future()

    def reject(self) -> bool:
        return False


class Refusing(Dead):
    async def open(self) -> None:
        raise UnavailableError("not allowed", "ask for permission")


def plan(clock: Clock, hands: Terms | None = None) -> Plan:
    request = LiveRequest(region="unknown")
    context = partial(guard_context, request=request)
    return Plan("me", "unknown", "both", None, context, clock.wall, "test", hands)


def engine_on(
    make: Callable[[], Transport],
    clock: Clock,
    *observers: Callable[[Event], None],
    hands: Terms | None = None,
    **options: Any,
) -> Engine:
    return Engine(make, Pipeline(Host(framed=True, first_tag=7), plan(clock, hands)), observers, clock, **options)


class Stage:
    """A running session on a virtual ball."""

    def __init__(
        self, scenario: str, speed: float = SPEED, *observers: Callable[[Event], None], **options: Any
    ) -> None:
        self.clock = Leaping(speed)
        self.seen = Recorder()
        self.link = Link(VirtualBall(scenario), self.clock)
        self.engine = engine_on(lambda: self.link, self.clock, *observers, self.seen, **options)
        self.engine.start()

    def end(self) -> Outcome:
        self.engine.stop("user")
        assert self.engine.join(LIMIT_S)
        assert self.engine.outcome is not None
        return self.engine.outcome


def settled(engine: Engine) -> Outcome:
    assert engine.join(LIMIT_S)
    assert engine.outcome is not None
    return engine.outcome


def test_a_session_from_first_reading_to_the_end() -> None:
    stage = Stage("calm")
    stage.seen.wait(Reading, lambda reading: reading.t_s[-1] > 1)
    assert stage.end() == Outcome(0)
    assert len(stage.seen.of(Opened)) == 1
    assert isinstance(stage.seen.events[-1], Closed)
    assert stage.seen.events[-1].cause == "user"
    first = next(i for i, event in enumerate(stage.seen.events) if isinstance(event, Reading))
    assert any(isinstance(event, Opened) for event in stage.seen.events[:first])
    times = [float(t_s) for reading in stage.seen.of(Reading) for t_s in reading.t_s]
    assert times == sorted(times)
    assert times[0] == 0.0


def test_seconds_are_counted_from_the_first_reading() -> None:
    stage = Stage("calm", seconds=3.0)
    assert settled(stage.engine) == Outcome(0)
    last = stage.seen.of(Reading)[-1].t_s[-1]
    assert 2.8 <= last <= 3.5


def test_a_session_led_by_the_ball_alone_ends_by_itself_with_nothing_wrong() -> None:
    stage = Stage("calm", hands=Terms(end_s=5.0))
    outcome = settled(stage.engine)
    assert (outcome.code, outcome.text) == (0, "over: nobody was on the ball, the session is saved")
    assert stage.seen.of(Closed)[0].cause == "released"
    assert [action.fields for action in stage.seen.of(Action) if action.kind == "end"] == [{"cause": "released"}]
    assert stage.seen.of(Totals)[-1].contact_s > 3


def test_an_observer_that_raises_is_detached_and_announced() -> None:
    calls = []

    def broken(event: Event) -> None:
        calls.append(event)
        raise RuntimeError("no")

    stage = Stage("calm", SPEED, broken)
    notice = stage.seen.wait(Notice, lambda notice: notice.kind == "observer")
    assert notice.fields["name"] == "broken"
    stage.seen.wait(Reading, lambda reading: reading.t_s[-1] > 1)
    assert stage.end().code == 0
    assert len(calls) == 1


def test_a_ball_that_goes_and_returns_is_the_same_session() -> None:
    stage = Stage("calm")
    stage.seen.wait(Reading, lambda reading: reading.t_s[-1] > 1)
    stage.link.gone.set()
    stage.seen.wait(Notice, lambda notice: notice.kind == "link" and notice.fields.get("state") == "lost")
    before_s = stage.seen.of(Reading)[-1].t_s[-1]
    stage.link.gone.clear()
    gap = stage.seen.wait(Notice, lambda notice: notice.kind == "gap")
    after = stage.seen.wait(Reading, lambda reading: reading.t_s[0] > before_s and not reading.late)
    assert gap.fields["to_s"] == pytest.approx(after.t_s[0])
    assert (stage.link.opens, stage.link.closes) == (2, 1), "no link is left open behind the next"
    assert stage.end().code == 0
    assert stage.link.closes == 2
    assert len(stage.seen.of(Opened)) == 1


def test_silence_is_unknown_then_an_alarm() -> None:
    stage = Stage("too_long", 4.0)
    stage.seen.wait(Reading, lambda reading: reading.pressure_kpa[-1] > 20)
    stage.link.silent.set()
    unknown = stage.seen.wait(Notice, lambda notice: notice.kind == "value" and notice.fields["state"] == "unknown")
    alarm = stage.seen.wait(Alert, lambda alert: alert.cause == "silence" and alert.phase is Phase.RAISED)
    assert alarm.level is Level.TECHNICAL
    newest_s = float(stage.seen.of(Reading)[-1].t_s[-1])
    assert unknown.t_s < alarm.t_s
    assert newest_s + 0.2 <= unknown.t_s <= newest_s + 0.6
    assert newest_s + 0.9 <= alarm.t_s <= newest_s + 1.6
    stage.link.silent.clear()
    stage.seen.wait(Notice, lambda notice: notice.kind == "value" and notice.fields["state"] == "known")
    assert stage.end().code == 0


def test_a_link_that_takes_its_time_to_close_holds_up_no_alarm() -> None:
    clock, seen, alarmed = Clock(), Recorder(), threading.Event()
    link = Link(VirtualBall("calm"), clock)
    told_meanwhile: list[bool] = []

    async def cling() -> None:
        if link.gone.is_set() and not told_meanwhile:
            told_meanwhile.append(await asyncio.to_thread(alarmed.wait, LIMIT_S))

    def listen(event: Event) -> None:
        if isinstance(event, Alert) and event.cause == "silence":
            alarmed.set()

    link.close = cling  # type: ignore[method-assign]  # a system that hangs, as BlueZ does for two seconds
    engine = engine_on(lambda: link, clock, seen, listen)
    engine.start()
    seen.wait(Reading)
    link.gone.set()
    seen.wait(Alert, lambda alert: alert.cause == "silence")
    engine.stop("user")
    assert engine.join(2 * LIMIT_S)
    assert told_meanwhile == [True]


def test_a_ball_away_for_ten_minutes_ends_the_session() -> None:
    stage = Stage("calm", 20.0)
    stage.seen.wait(Reading, lambda reading: reading.t_s[-1] > 1)
    stage.link.gone.set()
    stage.seen.wait(Notice, lambda notice: notice.kind == "value" and notice.fields["state"] == "unknown")
    stage.seen.wait(Notice, lambda notice: notice.kind == "link" and notice.fields["state"] == "lost")
    until_s = time.monotonic() + LIMIT_S
    while stage.engine._ending._away_since_s is None and time.monotonic() < until_s:
        time.sleep(0.01)
    # ten minutes at a stroke: nothing but the appointment is left
    stage.clock.leapt_s = 595.0
    outcome = settled(stage.engine)
    assert outcome.code == 4
    assert "10 minutes" in outcome.text
    assert isinstance(stage.seen.events[-1], Closed)


def test_a_ball_away_at_the_end_is_told() -> None:
    stage = Stage("calm", seconds=4.0)
    stage.seen.wait(Reading, lambda reading: reading.t_s[-1] > 1)
    stage.link.gone.set()
    assert settled(stage.engine).code == 4


def test_no_permission_ends_at_once() -> None:
    clock = Clock()
    engine = engine_on(lambda: Refusing(clock), clock)
    engine.start()
    assert settled(engine) == Outcome(5, "not allowed", "ask for permission")


@pytest.mark.parametrize("garbage", [b"", bytes(range(256)), b"\x00", b"boot: rst 0x1\r\n", b"\x05\xff\x00"])
def test_what_is_no_ball_ends_within_ten_seconds(garbage: bytes) -> None:
    clock = Clock(SPEED)
    seen = Recorder()
    engine = engine_on(lambda: Dead(clock, garbage), clock, seen)
    engine.start()
    outcome = settled(engine)
    assert clock.now_s() < 14
    assert outcome.code == 3
    assert outcome.text
    assert outcome.hint
    assert not seen.of(Reading)
    assert isinstance(seen.events[-1], Closed)


def test_a_fault_of_ours_is_an_outcome_not_a_traceback() -> None:
    clock = Clock()

    def broken() -> Transport:
        raise ZeroDivisionError("ours")

    engine = engine_on(broken, clock)
    engine.start()
    assert settled(engine).code == 1
    assert isinstance(engine.failure, ZeroDivisionError)


def test_actions_are_journalled_between_two_scans() -> None:
    stage = Stage("calm")
    stage.seen.wait(Reading)
    assert stage.engine.submit(Action("mark", {"text": "here"}))
    mark = stage.seen.wait(Action, lambda action: action.kind == "mark")
    before = [reading for reading in stage.seen.events[: stage.seen.events.index(mark)] if isinstance(reading, Reading)]
    assert mark.after_index == before[-1].index + len(before[-1].t_s) - 1
    assert mark.t_s == before[-1].t_s[-1]
    assert stage.end().code == 0
    assert not stage.engine.submit(Action("mark")), "nobody is there to take it"


def test_a_tare_is_refused_under_load_and_done_when_free() -> None:
    stage = Stage("too_long")
    stage.seen.wait(Reading, lambda reading: reading.pressure_kpa[-1] > 20)
    stage.engine.submit(Action("tare"))
    refused = stage.seen.wait(Notice, lambda notice: notice.kind == "refused")
    assert "weight off" in refused.text
    assert stage.end().code == 0
    empty = Stage("empty")
    empty.seen.wait(Reading, lambda reading: reading.t_s[-1] > 1.2)
    empty.engine.submit(Action("tare"))
    zero = empty.seen.wait(Notice, lambda notice: notice.kind == "zero")
    assert zero.fields["trusted"] is True
    assert empty.end().code == 0


def test_the_third_stop_by_pressure_ends_the_session_once_unloaded() -> None:
    stage = Stage("too_hard", 20.0)
    for count in range(1, 4):
        stage.seen.wait_for(count, Alert, lambda alert: alert.cause == "peak" and alert.phase is Phase.LATCHED)
        stage.engine.submit(Action("confirm"))
    outcome = settled(stage.engine)
    assert outcome.code == 7
    assert "three times" in outcome.text
    assert stage.seen.of(Reading)[-1].pressure_kpa[-1] < 5
    assert isinstance(stage.seen.events[-1], Closed)
    assert stage.seen.events[-1].cause == "guard"


async def test_no_event_waits_for_a_write_and_none_is_lost_with_it() -> None:
    """What stands behind a Send is told before the link takes it, or breaks."""
    told: list[Event] = []
    alert = Alert(1.0, "peak", Level.STOP, Phase.RAISED, None, None, "kPa", "glute", "left", "stop, come off")
    seen: list[int] = []

    class Broken:
        async def send(self, _send: Send) -> None:
            seen.append(len(told))
            raise LinkLostError("it broke")

    engine = Engine(Any, Any, (told.append,), Clock())  # type: ignore[arg-type]  # only its way out is used
    with pytest.raises(LinkLostError):
        await engine._handle([Send(b"x"), alert], Broken())  # type: ignore[arg-type]  # as above
    assert told == [alert]
    assert seen == [1]
