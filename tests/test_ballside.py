"""What the ball does about warnings, seen on balls that really buzz: the pipeline at one end, a ball at the other."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from companion.ballside import Signals, own_limit
from companion.clock import Clock
from companion.pipeline import Pipeline
from companion.safety.limits import GuardContext
from companion.stages import Output, Plan
from firmware_protocol.ball import ALL_CAPS, Ball
from firmware_protocol.driver import Chunk, Close, Profile, Send, Unit
from firmware_protocol.host import Host
from firmware_protocol.messages import Alert as Signal
from firmware_protocol.messages import Caps, Pattern
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Action, Alert, Level, Notice, Phase
from tests.ball_bench import spec
from tests.guard_story import Story

STEP_S = 0.01
LSB = float(np.float32(0.05))  # as it goes over the wire
CLOCK = Clock()
QUIET, NOTICE, CAUTION, STOP = (0, 0), (1, 1), (2, 2), (3, 3)
GLUTE = GuardContext(screened=True, factor_k=1.0, region="glute", tool="tennis", area_cm2=12.0)


def profile(**changes: Any) -> Profile:
    known: dict[str, Any] = {
        "kind": "native",
        "serial": "KB-1",
        "model": "",
        "vendor": "",
        "firmware": "",
        "channels": 1,
        "unit": Unit.NEWTON,
        "lsb": LSB,
        "max_hz": 200,
        "caps": int(ALL_CAPS),
        "cal_crc": 1,
        "boot_id": 1,
        "has_clock": True,
        "full_scale": 20_000,
        "cell_mm2": 0,
        "contact_mm2": 1200,
        "tool": 2,
    }
    return Profile(**{**known, **changes})


@dataclass
class Duet:
    """A ball under `force_n` and the pipeline, in simulated time. The link can be cut while the ball goes on."""

    context: GuardContext = GLUTE
    changes: dict[str, Any] = field(default_factory=dict)
    force_n: float = 0.0
    now_s: float = 0.0
    events: list[tuple[float, Any]] = field(default_factory=list)
    shown: list[tuple[float, tuple[int, int]]] = field(default_factory=list)  # each change of buzzer and light
    linked: bool = False

    def __post_init__(self) -> None:
        self.ball = Ball(spec(caps=ALL_CAPS & ~Caps.CALIBRATION, cal_crc=1, **self.changes), self._sense)
        plan = Plan("me", "glute", "left", None, lambda _: self.context, CLOCK.wall, "test")
        self.line = Pipeline(Host(framed=True, first_tag=3), plan)

    def _sense(self, _first: int, scans: int) -> NDArray[np.int16]:
        return np.full((scans, 1), round(self.force_n / LSB), np.int16)

    def link(self) -> "Duet":
        self.ball.connect(0, framed=True)
        self.linked = True
        self._take(self.line.opened(self.now_s))
        return self

    def cut(self) -> "Duet":
        self.ball.disconnect(0)
        self.linked = False
        self._take(self.line.closed(self.now_s, "pulled"))
        return self

    def act(self, kind: str, **fields: str) -> "Duet":
        self._take(self.line.act(Action(kind, fields), self.now_s))
        return self

    def wait(self, seconds: float, force_n: float | None = None) -> "Duet":
        self.force_n = self.force_n if force_n is None else force_n
        for _ in range(round(seconds / STEP_S)):
            self.now_s = round(self.now_s + STEP_S, 6)
            self.ball.tick(self._us())
            data = b"".join(self.ball.outgoing(0)) if self.linked else b""
            if data:
                self._take(self.line.feed(Chunk("serial", data, self.now_s)))
            due_s = self.line.deadline()
            if due_s is not None and due_s <= self.now_s:
                self._take(self.line.tick(self.now_s))
            if not self.shown or self.shown[-1][1] != self.ball.pattern:
                self.shown.append((self.now_s, self.ball.pattern))
        return self

    def _us(self) -> int:
        return round(self.now_s * 1_000_000)

    def _take(self, out: list[Output]) -> None:
        for item in out:
            match item:
                case Send():
                    if self.linked:
                        self.ball.feed(0, item.data, self._us())
                case Close():
                    raise AssertionError(item)
                case _:
                    self.events.append((self.now_s, item))

    def patterns(self) -> list[tuple[int, int]]:
        return [pattern for _, pattern in self.shown]

    def notices(self, kind: str) -> list[Notice]:
        return [event for _, event in self.events if isinstance(event, Notice) and event.kind == kind]

    def alerts(self, level: Level, *phases: Phase) -> list[float]:
        """When; by default when they came."""
        wanted = phases or (Phase.RAISED, Phase.ESCALATED)
        return [
            at_s
            for at_s, event in self.events
            if isinstance(event, Alert) and event.level is level and event.phase in wanted
        ]


# Its own limit


@pytest.mark.parametrize("region", ["glute", "calf", "neck", "unknown"])
@pytest.mark.parametrize(("tool", "area_cm2"), [("tennis", 12.0), ("hard", 8.0), ("roller", 50.0)])
@pytest.mark.parametrize("factor_k", [1.0, 0.5])
def test_it_is_where_the_guard_would_raise_a_stop(region: str, tool: str, area_cm2: float, factor_k: float) -> None:
    context = GuardContext(screened=True, factor_k=factor_k, region=region, tool=tool, area_cm2=area_cm2)
    own = own_limit(context, profile())
    assert own is not None
    assert (own.enable, own.pattern) == (True, Pattern.STOP)
    high_n = own.high * LSB
    story = Story(context)
    for force_n, stops in ((high_n - LSB, False), (high_n + LSB, True)):
        story = Story(context)
        story.feed(np.full(own.hold_ms // 10 + 10, force_n))
        assert any(level == "stop" for _, _, level, _ in _brief(story)) is stops, (high_n, force_n)
    assert 1 <= own.clear < own.high
    assert own.clear * LSB == pytest.approx(story.guard.tuning.on_kpa * area_cm2 / 10, abs=LSB)


def _brief(story: Story) -> list[tuple[float, str, str, str]]:
    return [(item.t_s, item.cause, item.level.name.lower(), "") for item in story.said if isinstance(item, Alert)]


def test_what_a_person_raised_does_not_raise_it() -> None:
    raised = GuardContext(screened=True, factor_k=1.0, region="glute", personal={"glute": 1.2})
    lowered = GuardContext(screened=True, factor_k=1.0, region="glute", personal={"glute": 0.5})
    plain = GuardContext(screened=True, factor_k=1.0, region="glute")
    limits = [own_limit(context, profile()) for context in (plain, raised, lowered)]
    assert None not in limits
    highs = [limit.high for limit in limits if limit is not None]
    assert highs[0] == highs[1]
    assert highs[2] == pytest.approx(highs[0] / 2, abs=1)


@pytest.mark.parametrize(
    "changes",
    [{"caps": int(ALL_CAPS & ~Caps.LIMITS)}, {"unit": Unit.RAW}, {"unit": Unit.GAS_KPA}, {"lsb": 500.0}],
)
def test_a_ball_that_cannot_is_not_asked(changes: dict[str, Any]) -> None:
    assert own_limit(GLUTE, profile(**changes)) is None


def test_a_fine_ball_takes_the_highest_it_knows() -> None:
    own = own_limit(GLUTE, profile(lsb=0.001))
    assert own is not None
    assert own.high == 32_766
    assert own.clear < own.high


def test_the_ball_is_told_at_the_start_and_it_is_shown() -> None:
    duet = Duet().link().wait(2.0)
    assert duet.ball.limit == own_limit(GLUTE, profile())
    (notice,) = duet.notices("limit")
    assert notice.fields["state"] == "set"
    assert notice.text == f"the ball watches, too: it warns by itself from {duet.ball.limit.high * LSB:.0f} N on"


def test_another_region_or_tool_is_another_limit() -> None:
    duet = Duet().link().wait(2.0)
    before = duet.ball.limit
    duet.act("region", region="neck").wait(0.5)
    neck = duet.ball.limit
    assert neck.high < before.high
    duet.act("tool", tool="hard").wait(0.5)
    assert duet.ball.limit.high != neck.high
    at_hard = duet.ball.limit
    duet.act("region", region="nowhere").act("mark").wait(0.5)
    assert duet.ball.limit == at_hard
    assert [notice.fields["high"] for notice in duet.notices("limit")] == [before.high, neck.high, at_hard.high]


def test_a_change_while_the_link_is_down_is_sent_with_the_next_start() -> None:
    duet = Duet().link().wait(2.0).cut().wait(1.0).act("region", region="neck").wait(1.0)
    assert not duet.notices("refused")
    duet.link().wait(2.0)
    assert duet.ball.limit == own_limit(replace(GLUTE, region="neck"), profile())


def test_after_a_reboot_it_is_told_again() -> None:
    """LIMITS does not outlive a reboot (R34)."""
    duet = Duet().link().wait(2.0)
    before = duet.ball.limit
    duet.ball.reboot(0xBEEF, duet._us())
    assert not duet.ball.limit.enable
    duet.wait(6.0)
    assert duet.ball.limit == before
    assert len(duet.notices("limit")) == 1, "the same as before is not told twice"


def test_what_the_ball_lowers_is_shown() -> None:
    duet = Duet(changes={"highest_limit": 1000}).link().wait(2.0)
    (notice,) = duet.notices("limit")
    assert notice.fields["state"] == "lowered"
    assert notice.fields["high_n"] == pytest.approx(50.0)
    own = own_limit(GLUTE, profile())
    assert own is not None
    assert notice.text == f"the ball has lowered its own limit: it warns from 50 N on, not {own.high * LSB:.0f} N"


def test_it_warns_by_itself_when_the_link_is_dead() -> None:
    duet = Duet().link().wait(2.0).wait(2.0, 100.0).cut()
    duet.shown.clear()
    duet.wait(2.0)
    assert duet.patterns() == [QUIET]
    duet.wait(1.0, 230.0)
    assert duet.patterns() == [QUIET, STOP]
    assert duet.shown[1][0] - 6.0 <= 0.15, "after its hold time"
    duet.wait(1.0, 5.0)
    assert duet.patterns() == [QUIET, STOP, QUIET]


# Its buzzer and its light


def test_it_shows_once_that_they_work() -> None:
    duet = Duet().link().wait(5.0)
    assert duet.patterns() == [QUIET, NOTICE, QUIET]
    duet.cut().wait(1.0).link().wait(3.0)
    assert len(duet.patterns()) == 3, "not with every link"


def test_a_stop_is_felt_until_it_has_come_off() -> None:
    """Longer than the ball runs a pattern by itself; its own limit is out of the way, so that we see what is asked."""
    duet = _without_limits().link().wait(2.0)
    duet.shown.clear()
    duet.wait(12.0, 230.0).wait(1.5, 0.0)
    assert duet.patterns() == [QUIET, STOP], "without a break"
    duet.wait(2.0)
    assert duet.patterns() == [QUIET, STOP, QUIET]
    assert duet.shown[-1][0] - duet.alerts(Level.STOP, Phase.LATCHED)[-1] <= 2 * STEP_S
    assert duet.shown[1][0] - duet.alerts(Level.STOP)[0] <= 2 * STEP_S


def _without_limits() -> Duet:
    duet = Duet()
    duet.ball = Ball(spec(caps=ALL_CAPS & ~(Caps.CALIBRATION | Caps.LIMITS), cal_crc=1), duet._sense)
    return duet


def test_a_caution_is_felt_three_times_every_ten_seconds() -> None:
    duet = Duet().link().wait(2.0).wait(0.3, 100.0)
    duet.shown.clear()
    duet.wait(4.0, 178.0)
    assert duet.patterns() == [QUIET, CAUTION, QUIET]
    began_s = duet.shown[1][0]
    assert duet.shown[2][0] - began_s == pytest.approx(3.0, abs=0.05)
    assert began_s - duet.alerts(Level.CAUTION)[0] <= 2 * STEP_S


def test_a_caution_that_is_over_is_not_felt_on() -> None:
    duet = Duet().link().wait(2.0).wait(0.3, 100.0)
    duet.shown.clear()
    duet.wait(1.0, 178.0).wait(1.0, 0.0)
    assert duet.patterns() == [QUIET, CAUTION, QUIET]
    assert duet.shown[2][0] - duet.shown[1][0] < 1.0


def test_silence_quiets_the_buzzer_not_the_light() -> None:
    duet = _without_limits().link().wait(2.0).wait(1.0, 230.0)
    duet.act("silence").wait(4.0)
    assert duet.ball.pattern == (Pattern.NONE, Pattern.STOP)


def test_a_silence_lasts_a_minute() -> None:
    signals = Signals(profile())
    signals.link(True, 0.0)
    signals.hear(_stop(Phase.RAISED), 1.0)
    quiet = Signal(Pattern.NONE, Pattern.STOP, 5000)
    assert signals.hear(_stop(Phase.SILENCED), 2.0) == quiet
    assert signals.tick(6.5, loaded=True) == quiet
    assert signals.tick(61.9, loaded=True) == quiet
    assert signals.deadline() == 62.0
    assert signals.tick(62.0, loaded=True) == Signal(Pattern.STOP, Pattern.STOP, 5000)


def _stop(phase: Phase) -> Alert:
    return Alert(0.0, "peak", Level.STOP, phase, None, None, "", "glute", "left", "stop")


def test_a_stop_is_felt_again_when_the_link_is_back() -> None:
    duet = _without_limits().link().wait(2.0).wait(1.0, 230.0).cut()
    duet.wait(6.0)
    assert duet.ball.pattern == QUIET, "the ball runs a pattern for five seconds at most"
    duet.link().wait(1.0)
    assert duet.ball.pattern == STOP


def test_while_the_ball_averages_events_go_on() -> None:
    """One request at a time: the signal waits behind a tare, the alert does not."""
    duet = _without_limits().link().wait(2.0)
    duet.act("tare").wait(0.1).wait(0.3, 230.0)
    assert duet.alerts(Level.STOP)
    assert duet.ball.pattern != STOP
    duet.wait(3.0)
    assert duet.ball.pattern == STOP


def test_a_ball_without_either_is_not_asked() -> None:
    signals = Signals(profile(caps=0))
    assert signals.link(True, 0.0) is None
    assert signals.hear(_stop(Phase.RAISED), 1.0) is None
    assert signals.deadline() is None


def test_of_several_causes_the_most_urgent_is_felt() -> None:
    def alert(cause: str, level: Level, phase: Phase = Phase.RAISED) -> Alert:
        return Alert(0.0, cause, level, phase, None, None, "", "glute", "left", "")

    signals = Signals(profile())
    signals.link(True, 0.0)
    stop, caution = Signal(Pattern.STOP, Pattern.STOP, 5000), Signal(Pattern.CAUTION, Pattern.CAUTION, 3000)
    assert signals.hear(alert("hold", Level.NOTICE), 1.0) is None
    assert signals.hear(alert("hold", Level.CAUTION), 1.0) == caution
    assert signals.hear(alert("peak", Level.STOP), 2.0) == stop
    assert signals.hear(alert("hold", Level.OK, Phase.CLEARED), 3.0) is None
    assert signals.hear(alert("ramp", Level.CAUTION), 3.0) is None
    assert signals.tick(6.5, loaded=True) == stop
    assert signals.hear(alert("peak", Level.STOP, Phase.LATCHED), 7.0) == caution
    assert signals.hear(alert("ramp", Level.OK, Phase.CLEARED), 7.5) == Signal(Pattern.NONE, Pattern.NONE, 0)
    assert signals.hear(alert("ramp", Level.CAUTION), 8.0) == caution
    assert signals.tick(18.0, loaded=False) is None, "nobody is on it"
    assert signals.tick(28.0, loaded=True) == caution


def test_a_virtual_ball_runs_the_patterns_of_a_whole_story() -> None:
    """Half of the body's weight at once: it buzzes with the caution or the stop, and is quiet after it came off."""
    ball = VirtualBall("too_hard", seed=3)
    context = replace(GLUTE, factor_k=0.5)
    plan = Plan("me", "glute", "left", None, lambda _: context, CLOCK.wall, "test")
    line = Pipeline(Host(framed=True, first_tag=3), plan)
    shown: list[tuple[int, int]] = []
    alerts: list[Alert] = []

    def take(out: list[Output], now_s: float) -> None:
        for item in out:
            if isinstance(item, Send):
                ball.feed(item.data, now_s)
            elif isinstance(item, Alert):
                alerts.append(item)

    ball.connected(0.0)
    take(line.opened(0.0), 0.0)
    for step in range(1, 1800):
        now_s = step * STEP_S
        ball.tick(now_s)
        if data := ball.outgoing():
            take(line.feed(Chunk("serial", data, now_s)), now_s)
        take(line.tick(now_s), now_s)
        if not shown or shown[-1] != ball.pattern:
            shown.append(ball.pattern)
    assert any(alert.level is Level.STOP for alert in alerts)
    assert STOP in shown
    assert shown[-1] == QUIET
    assert ball.limit == own_limit(context, profile())
