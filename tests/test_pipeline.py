"""The joined stages: any split gives the same events, and a known signal gives exactly its alerts."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from companion.clock import Clock
from companion.contexts import guard_context
from companion.pipeline import Pipeline
from companion.run import LiveRequest
from companion.stages import Output, Plan
from firmware_protocol.driver import Chunk, Close, Send
from firmware_protocol.host import Host
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Action, Alert, Closed, Event, Level, Notice, Opened, Phase, Reading, Totals
from tests.kit import joined

STEP_S = 0.01
CLOCK = Clock()


def pipeline(region: str = "unknown") -> Pipeline:
    request = LiveRequest(region=region)
    plan = Plan("me", region, "left", None, lambda profile: guard_context(profile, request), CLOCK.wall, "test")
    return Pipeline(Host(framed=True, first_tag=3), plan)


@dataclass
class Trace:
    """A session on a virtual ball in simulated time: what went in, and what came out."""

    scenario: str
    region: str
    inputs: list[tuple[str, float, bytes]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    ball: VirtualBall = field(init=False)

    def run(self, seconds: float, acts: dict[float, Action] | None = None) -> "Trace":
        ball = self.ball = VirtualBall(self.scenario, seed=5)
        line = pipeline(self.region)
        waiting = sorted((acts or {}).items(), key=lambda item: item[0])
        linked = False
        for step in range(round(seconds / STEP_S)):
            now_s = step * STEP_S
            if linked != ball.present(now_s):
                linked = not linked
                self._link(line, ball, now_s, linked)
            if not linked:
                self._take(line.tick(now_s), ball, now_s, False)
                self.inputs.append(("tick", now_s, b""))
                continue
            ball.tick(now_s)
            if data := ball.outgoing():
                self.inputs.append(("feed", now_s, data))
                self._take(line.feed(Chunk("serial", data, now_s)), ball, now_s)
            while waiting and waiting[0][0] <= now_s:
                self._take(line.act(waiting.pop(0)[1], now_s), ball, now_s)
            self.inputs.append(("tick", now_s, b""))
            self._take(line.tick(now_s), ball, now_s)
        self.events += line.finish(seconds, "user")
        return self

    def _link(self, line: Pipeline, ball: VirtualBall, now_s: float, up: bool) -> None:
        self.inputs.append(("opened" if up else "closed", now_s, b""))
        if up:
            ball.connected(now_s)
            self._take(line.opened(now_s), ball, now_s)
        else:
            ball.disconnected(now_s)
            self._take(line.closed(now_s, "pulled"), ball, now_s, False)

    def _take(self, out: list[Output], ball: VirtualBall, now_s: float, linked: bool = True) -> None:
        for item in out:
            if isinstance(item, Send):
                if linked:
                    ball.feed(item.data, now_s)
            else:
                assert not isinstance(item, Close), item
                self.events.append(item)

    def again(self, cut: "Cutter") -> list[Event]:
        line = pipeline(self.region)
        events: list[Event] = []
        last_s = 0.0
        for kind, now_s, data in self.inputs:
            last_s = now_s
            match kind:
                case "opened":
                    out = line.opened(now_s)
                case "closed":
                    out = line.closed(now_s, "pulled")
                case "tick":
                    out = line.tick(now_s)
                case _:
                    out = [item for piece in cut(data) for item in line.feed(Chunk("serial", piece, now_s))]
            events += [item for item in out if not isinstance(item, Send | Close)]
        return events + line.finish(last_s + STEP_S, "user")


class Cutter:
    """Cuts bytes into pieces: whole, one by one, or at random."""

    def __init__(self, longest: int, seed: int = 1) -> None:
        self._longest = longest
        self._random = random.Random(seed)

    def __call__(self, data: bytes) -> Iterator[bytes]:
        while data:
            size = self._random.randint(1, self._longest)
            yield data[:size]
            data = data[size:]


@pytest.fixture(scope="module")
def showcase() -> Trace:
    return Trace("showcase", "glute").run(60.0)


@pytest.mark.parametrize("longest", [1, 2, 7, 1000])
def test_any_split_of_the_bytes_gives_the_same_events(showcase: Trace, longest: int) -> None:
    again = showcase.again(Cutter(longest))
    assert len(again) > 100
    assert joined(again) == joined(showcase.events)


def test_the_showcase_warns_stops_and_returns(showcase: Trace) -> None:
    alerts = [event for event in showcase.events if isinstance(event, Alert)]
    peak = [(alert.level, alert.phase) for alert in alerts if alert.cause == "peak"]
    assert (Level.CAUTION, Phase.RAISED) in peak or (Level.CAUTION, Phase.ESCALATED) in peak
    assert any(alert.level is Level.STOP for alert in alerts)
    assert any(alert.phase is Phase.LATCHED for alert in alerts)
    gaps = [event for event in showcase.events if isinstance(event, Notice) and event.kind == "gap"]
    assert len(gaps) == 1
    assert gaps[0].fields["to_s"] - gaps[0].fields["from_s"] > 3  # type: ignore[operator]  # JSON numbers
    readings = [event for event in showcase.events if isinstance(event, Reading)]
    assert readings[-1].t_s[-1] > gaps[0].t_s
    assert sum(isinstance(event, Opened) for event in showcase.events) == 1
    assert isinstance(showcase.events[-1], Closed)


def test_no_alert_is_due_while_the_guard_is_content() -> None:
    trace = Trace("calm", "unknown").run(110.0)
    loud = [event for event in trace.events if isinstance(event, Alert) and event.level >= Level.CAUTION]
    assert not loud


def test_values_are_the_balls_own(showcase: Trace) -> None:
    truth = showcase.ball.truth
    readings = [event for event in showcase.events if isinstance(event, Reading)]
    for reading in readings:
        indices = np.arange(reading.index, reading.index + len(reading.t_s))
        assert np.array_equal(reading.values, truth.values(indices))
        assert np.allclose(reading.load, reading.values.sum(axis=1) * 0.05, atol=1e-2)
        assert np.allclose(reading.pressure_kpa, 10 * reading.load / 12, atol=1e-9)


def test_totals_come_every_second_and_add_up(showcase: Trace) -> None:
    totals = [event for event in showcase.events if isinstance(event, Totals)]
    assert len(totals) >= 50
    contact = [total.contact_s for total in totals]
    assert contact == sorted(contact)
    last = totals[-1].regions[0]
    assert last.region == "glute"
    assert last.peak_force_n > 108  # the showcase's stop
    assert last.contact_s == pytest.approx(sum(total.contact_s for total in totals[-1].regions), abs=1e-6)


def test_a_change_of_region_is_judged_from_then_on() -> None:
    trace = Trace("calm", "glute").run(20.0, {10.0: Action("region", {"region": "neck"})})
    action = next(event for event in trace.events if isinstance(event, Action))
    assert action.after_index is not None
    later = [event for event in trace.events[trace.events.index(action) :] if isinstance(event, Alert)]
    assert later
    assert all(alert.region == "neck" for alert in later if alert.cause == "peak")


def test_finishing_twice_gives_nothing() -> None:
    line = pipeline()
    assert [type(event) for event in line.finish(1.0, "user")] == [Closed]
    assert line.finish(2.0, "user") == []
