"""The pure stages joined: what a ball says, and what that means, in order.

Three inputs besides the link's own state: `feed(chunk)`, `tick(now_s)` and `act(action)`; one appointment,
`deadline()`. Each answers with events for the observers and orders for the transport (`Send`, `Close`).
Nothing here reads a clock, opens a file or waits.
"""

import dataclasses
from collections.abc import Iterable
from typing import assert_never

from companion import notices
from companion.ballside import BallSide
from companion.guiding import Guided
from companion.handsfree.button import pressed_button
from companion.handsfree.hands import Hands
from companion.handsfree.terms import Terms
from companion.leading import Leading
from companion.measuring import Measure
from companion.news import Counted, News
from companion.opening import first_event
from companion.points import request_of
from companion.programs.coach import Coach
from companion.safety.guard import Guard
from companion.safety.limits import GuardContext
from companion.stages import Output, Plan
from companion.tally import DamageTally
from companion.timeline import SUSPENDED_S, Gap, Placed, Timeline
from firmware_protocol.driver import (
    BallEvent,
    Calibrated,
    Chunk,
    Close,
    Continuity,
    Damaged,
    Driver,
    DriverEvent,
    LimitInForce,
    Phase,
    PhaseChanged,
    PointsTold,
    Profile,
    RawMeans,
    Refused,
    Samples,
    Send,
    Started,
    Status,
    ZeroChanged,
)
from firmware_protocol.driver import BallEventCode as Code
from firmware_protocol.messages import Alert as AskAlert
from firmware_protocol.messages import LimitSettings, Pattern, Stop, Tare
from sessions.events import Action, Closed, Event, Json, Notice, Opened

FIND_ME = AskAlert(Pattern.FIND_ME, Pattern.FIND_ME, 3000)  # six blinks and buzzes: enough to look and to feel


class Pipeline:
    """One session's way from bytes to events, over any number of links."""

    def __init__(self, driver: Driver, plan: Plan) -> None:
        self._driver = driver
        self._plan = plan
        self._timeline = Timeline()
        self._profile: Profile | None = None
        self._context: GuardContext | None = None
        self._measure: Measure | None = None
        self._guard: Guard | None = None
        self._leading: Leading | None = None  # the guard's, with what is led beside it
        self._hands: Terms | None = None  # how a hands-free session is led
        self._open = False
        self._closed = False
        self._t_s = 0.0  # session time of the newest scan
        self._index: int | None = None  # of the newest scan
        self._ended: Notice | None = None  # why the guard ends the session
        self._damage = DamageTally()
        self._news = News()
        self._side: BallSide | None = None  # the ball's buzzer, light and own limit
        self._listening = False  # the ball takes requests
        self._battery_low = False  # as told last

    # --- inputs ---

    def opened(self, now_s: float) -> list[Output]:
        """A link is up."""
        return self._warn_ball(self._drive(self._driver.opened(now_s), now_s), now_s)

    def closed(self, now_s: float, cause: str) -> list[Output]:
        """The link is gone; `cause` is the transport's own line."""
        out: list[Output] = [Notice(self._at(now_s), "link", cause, {"state": "lost", "cause": cause})]
        return self._warn_ball(out + self._drive(self._driver.closed(now_s), now_s), now_s)

    def feed(self, chunk: Chunk) -> list[Output]:
        return self._warn_ball(self._drive(self._driver.feed(chunk), chunk.arrival_s), chunk.arrival_s)

    def tick(self, now_s: float) -> list[Output]:
        due_s = self.deadline()
        if due_s is not None and now_s - due_s > SUSPENDED_S:
            self._timeline.suspended()
        out = self._drive(self._driver.tick(now_s), now_s)
        out += self._damage.due(now_s, self._at(now_s))
        out += self._told(self._news.due(now_s), now_s)
        if self._guard is not None and self._leading is not None:
            at_s = self._at(now_s)
            out += self._leading.hear([*self._guard.tick(now_s, at_s)])
            out += self._leading.tick(now_s, at_s)
            self._show()
        return self._warn_ball(out, now_s)

    def act(self, action: Action, now_s: float) -> list[Output]:
        """What a person does, between two scans. `end` asks the ball to stop; its Close ends the session."""
        return self._warn_ball(self._act(action, now_s), now_s)

    def _act(self, action: Action, now_s: float) -> list[Output]:
        action = dataclasses.replace(action, t_s=self._t_s, after_index=self._index)
        out: list[Output] = [action] if self._leading is None else [*self._leading.act(action, self._t_s)]
        match action.kind:
            case "tare":
                out += self._tare(action, now_s)
            case "find":
                out += self._drive(self._driver.ask(FIND_ME, now_s), now_s)
            case "end":
                out += self._drive(self._driver.ask(Stop(), now_s), now_s)
            case "raw" | "points" | "calibrate":
                out += self._bench(action, now_s)
        if self._guard is not None:
            self._adopt(self._guard.context)
        self._show()
        return out

    def finish(self, now_s: float, cause: str) -> list[Event]:
        """The last events. Idempotent: a second call gives none."""
        if self._closed:
            return []
        self._closed = True
        news = self._told(self._news.rest(now_s), now_s)
        out: list[Event] = [*self._damage.rest(now_s, self._at(now_s))]
        out += [item for item in news if isinstance(item, Notice)]
        if self._guard is not None:
            out += self._guard.finish(self._at(now_s))
        return [*out, Closed(self._at(now_s), cause)]

    def deadline(self) -> float | None:
        """When `tick` is next due, on the engine's clock."""
        stages = (self._driver, self._damage, self._news, self._guard, self._leading, self._side)
        due = [None if stage is None else stage.deadline() for stage in stages]
        return min((at_s for at_s in due if at_s is not None), default=None)

    def session_s(self, now_s: float) -> float | None:
        """Session time at a moment of the engine's clock; None before the first sample."""
        return self._at(now_s) if self._open else None

    # --- the driver's events ---

    def _drive(self, events: Iterable[DriverEvent], now_s: float) -> list[Output]:
        out: list[Output] = []
        for event in events:
            match event:
                case Samples():
                    out += self._samples(event)
                case Send():
                    out.append(event)
                case Close():
                    out.append(self._closing(event))
                case PhaseChanged():
                    self._listening = event.phase in (Phase.LIVE, Phase.STALE)
                    out += self._told(self._news.take(event, now_s), now_s)
                case Profile():
                    out += self._profiled(event, now_s)
                case Started():
                    out += self._started(event, now_s)
                case Status() | BallEvent() | ZeroChanged():
                    out += self._told(self._news.take(event, now_s), now_s)
                case LimitInForce():
                    out += self._limit_in_force(event.settings, now_s)
                case Refused() | RawMeans() | PointsTold() | Calibrated():
                    out.append(notices.of_answer(event, self._at(now_s)))
                case Damaged(reason="anchor"):
                    pass  # scans that were on their way before START or after STOP: no damage to tell of
                case Damaged():
                    out += self._damage.take(event, now_s, self._at(now_s))
                case _:
                    assert_never(event)
        return out

    def _closing(self, close: Close) -> Close:
        """Where the guard has asked for the end, the ball's own reason is no news."""
        if self._ended is None:
            return close
        return Close("guard", self._ended.text, "rest, and see 'knead sessions show last'", retry=False)

    def _samples(self, samples: Samples) -> list[Output]:
        out: list[Output] = []
        for placed in self._timeline.feed(samples):
            if isinstance(placed, Gap):
                out.append(self._gap(placed))
            else:
                out += self._scans(placed)
        return out

    def _scans(self, placed: Placed) -> list[Output]:
        measure, leading = self._measure, self._leading
        if measure is None or leading is None:
            return []  # no Profile and START yet: the host drops such samples itself (R46)
        out: list[Output] = [] if self._open else [self._opening(placed)]
        self._open = True
        measured = measure.feed(placed)
        out.append(measured.reading)
        if placed.late:
            return out
        said: list[Event] = []
        index = placed.index
        for judged in measured.judged:
            said += leading.feed(judged, index)
            index += len(judged.t_s)
        out += said
        self._adopt_where_changed()
        self._show()
        self._t_s = float(placed.t_s[-1])
        self._index = placed.index + len(placed.t_s) - 1
        for notice in said:
            if isinstance(notice, Notice) and notice.kind == "end" and self._ended is None:
                self._ended = notice
                out += self._drive(self._driver.ask(Stop(), placed.arrival_s), placed.arrival_s)
        return out

    def _opening(self, placed: Placed) -> Opened:
        profile, context = self._profile, self._context
        smoother = None if self._measure is None else self._measure.smoother
        assert profile is not None
        assert context is not None
        assert smoother is not None
        t_s = float(placed.t_s[0])
        return first_event(self._plan, profile, context, smoother, self._hands, t_s, self._timeline.host_s(t_s))

    def _gap(self, gap: Gap) -> Notice:
        if self._measure is not None:
            self._measure.gap_s = gap.to_s - gap.from_s
        return notices.of_gap(gap)

    def _profiled(self, profile: Profile, now_s: float) -> list[Output]:
        before, self._profile = self._profile, profile
        out: list[Output] = [notices.of_profile(profile, self._at(now_s))]
        if before is None:
            out += notices.of_kind(profile, self._at(now_s))
            self._context = self._plan.context(profile)
            self._measure = Measure(profile, self._context)
            self._timeline = Timeline(profile.has_clock)
            self._side = BallSide(profile)
            return [*out, *notices.of_terms(self._context.told, self._at(now_s))]
        if (before.lsb, before.unit, before.channels, before.cal_crc) != (
            profile.lsb,
            profile.unit,
            profile.channels,
            profile.cal_crc,
        ):
            out.append(self._changed(before, profile, now_s))
        return out

    def _changed(self, before: Profile, profile: Profile, now_s: float) -> Output:
        """Another calibration, unit or channel count: said before values are shown (R52), or the session ends."""
        if (before.unit, before.channels, before.lsb) != (profile.unit, profile.channels, profile.lsb):
            return Close("changed", "the ball changed its unit, scale or channels", "start a new session", retry=False)
        self._recalibrated()
        return notices.of_calibration(before, profile, self._at(now_s))

    def _recalibrated(self) -> None:
        """Nobody has confirmed the ball's newtons from here on: its limits are those of an uncalibrated one."""
        if self._guard is not None and self._leading is not None:
            self._leading.recalibrated()
            self._adopt(self._guard.context)
            self._show()
        elif self._context is not None:  # before the first scan
            self._adopt(dataclasses.replace(self._context, calibrated=False))

    def _started(self, started: Started, now_s: float) -> list[Output]:
        out: list[Output] = []
        measure, context = self._measure, self._context
        if measure is None or context is None:
            return out
        out += [self._gap(gap) for gap in self._timeline.start(started)]
        if started.continuity is Continuity.NEW_CLOCK:
            out.append(notices.of_reboot(started, self._at(now_s), loaded=measure.rebooted()))
        if measure.start(started.period_s):
            out.append(notices.of_rate(started, self._at(now_s)))
        if self._guard is None:
            self._guard = Guard(context)
            self._hands = None if self._plan.hands is None else self._plan.hands.within(context)
            hands, routine = None if self._hands is None else Hands(self._hands), self._plan.routine
            coach = None if routine is None else Coach(routine, context, ends=hands is None)
            self._leading = Leading(self._guard, hands, None if coach is None else Guided(self._guard, coach))
            out += notices.of_slowness(started.period_s, self._at(now_s))
            self._guard.battery(self._battery_low)
        return out

    def _told(self, news: Counted, now_s: float) -> list[Output]:
        """What may come in floods, each with how many it stands for."""
        out: list[Output] = []
        for item, count in news:
            match item:
                case BallEvent():
                    out += self._ball_event(item, now_s, count)
                case Status():
                    self._battery(item.battery_low)
                    out.append(notices.of_status(item, self._at(now_s)))
                case ZeroChanged():
                    out += self._zero(item, now_s)
                case PhaseChanged():
                    out.append(notices.of_phase(item, self._at(now_s), count))
        return out

    def _battery(self, low: bool) -> None:
        """As it is told, so that the log tells a replay the same."""
        self._battery_low = low
        if self._guard is not None:
            self._guard.battery(low)

    def _ball_event(self, event: BallEvent, now_s: float, count: int = 1) -> list[Output]:
        out: list[Output] = [notices.of_ball_event(event, self._at(now_s), count)]
        if event.code == Code.BUTTON and self._guard is not None:
            pressed = pressed_button(event.value, stopped=self._guard.stopped)
            out += [] if pressed is None else self._act(pressed, now_s)
        return out

    def _zero(self, zero: ZeroChanged, now_s: float) -> list[Output]:
        fields: dict[str, Json] = {"value": zero.value, "from_index": zero.from_index, "trusted": zero.trusted}
        text = "zero set" if self._measure is None else self._measure.zeroed(zero)
        if zero.numbers and self._measure is not None and self._measure.zero_stands:
            fields["numbers"] = list(zero.numbers)  # to be kept for the ball
        return [Notice(self._at(now_s), "zero", text, fields)]

    # --- what the ball does about warnings ---

    def _warn_ball(self, out: list[Output], now_s: float) -> list[Output]:
        """Have the ball buzz, blink and watch its own limit. What is sent comes after all events: none waits for it."""
        side, context = self._side, self._context
        if side is None or context is None:
            return out
        loaded = self._guard is not None and self._guard.loaded
        for request in side.wanted(out, context, now_s, listening=self._listening, loaded=loaded):
            out = out + self._drive(self._driver.ask(request, now_s), now_s)
        return out

    def _limit_in_force(self, settings: LimitSettings, now_s: float) -> list[Output]:
        side, profile = self._side, self._profile
        if side is None or side.own is None or profile is None or not side.news(settings):
            return []
        return [notices.of_limit(settings, side.own, profile.lsb, self._at(now_s))]

    # --- actions ---

    def _tare(self, action: Action, now_s: float) -> list[Output]:
        """Refused under load. A ball whose zero has drifted looks loaded: then the person's word stands (`free`)."""
        if self._measure is None or not self._measure.say_free(action.fields.get("free") is True):
            text = "not zeroed: take all weight off the ball for a second, then try again"
            return [Notice(self._at(now_s), "refused", text, {"request": "tare", "status": None})]
        return self._drive(self._driver.ask(Tare(), now_s), now_s)

    def _bench(self, action: Action, now_s: float) -> list[Output]:
        """What calibrating asks of the ball."""
        request = request_of(action)
        if request is not None:
            return self._drive(self._driver.ask(request, now_s), now_s)
        fields: dict[str, Json] = {"request": action.kind, "status": None}
        return [Notice(self._at(now_s), "refused", "no ball can be asked for this", fields)]

    def _adopt(self, context: GuardContext) -> None:
        self._context = context
        if self._measure is not None:
            self._measure.adopt(context)

    def _adopt_where_changed(self) -> None:
        """What was done by the ball itself may have moved it."""
        if self._guard is not None and self._guard.context is not self._context:
            self._adopt(self._guard.context)

    def _show(self) -> None:
        view = None if self._leading is None else self._leading.view
        if self._plan.show is not None and view is not None:
            self._plan.show(view)

    def _at(self, now_s: float) -> float:
        return max(self._t_s, self._timeline.session_s(now_s)) if self._open else 0.0
