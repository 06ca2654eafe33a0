"""The pure stages joined: what a ball says, and what that means, in order.

Three inputs besides the link's own state: `feed(chunk)`, `tick(now_s)` and `act(action)`; one appointment,
`deadline()`. Each answers with events for the observers and orders for the transport (`Send`, `Close`).
Nothing here reads a clock, opens a file or waits.
"""

from collections.abc import Iterable
from typing import assert_never

from companion import notices
from companion.ballside import BallSide
from companion.handsfree.button import pressed_button
from companion.news import Counted, News
from companion.points import request_of
from companion.route import Route
from companion.stages import Output, Plan
from companion.tally import DamageTally
from companion.timeline import SUSPENDED_S, Gap, Placed
from firmware_protocol.driver import (
    BallEvent,
    Calibrated,
    Chunk,
    Close,
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
from sessions.events import Action, Closed, Event, Json, Notice

FIND_ME = AskAlert(Pattern.FIND_ME, Pattern.FIND_ME, 3000)  # six blinks and buzzes: enough to look and to feel


class Pipeline:
    """One session's way from bytes to events, over any number of links. `now_s` is the engine's clock, in seconds."""

    def __init__(self, driver: Driver, plan: Plan, route: Route | None = None) -> None:
        """`route`: the plan's, where its scans are placed otherwise than by the ball's clock."""
        self._driver = driver
        self._route = Route(plan) if route is None else route
        self._closed = False
        self._ended: Notice | None = None  # why the guard ends the session
        self._damage = DamageTally()
        self._news = News()
        self._side: BallSide | None = None  # the ball's buzzer, light and own limit
        self._listening = False  # the ball takes requests

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
            self._route.suspended()
        out = self._drive(self._driver.tick(now_s), now_s)
        out += self._damage.due(now_s, self._at(now_s))
        out += self._told(self._news.due(now_s), now_s)
        out += self._route.tick(now_s)
        return self._warn_ball(out, now_s)

    def act(self, action: Action, now_s: float) -> list[Output]:
        """What a person does, between two scans. `end` asks the ball to stop; its Close ends the session."""
        return self._warn_ball(self._act(action, now_s), now_s)

    def _act(self, action: Action, now_s: float) -> list[Output]:
        out: list[Output] = [*self._route.act(action)]
        match action.kind:
            case "tare":
                out += self._tare(action, now_s)
            case "find":
                out += self._drive(self._driver.ask(FIND_ME, now_s), now_s)
            case "end":
                out += self._drive(self._driver.ask(Stop(), now_s), now_s)
            case "raw" | "points" | "calibrate":
                out += self._bench(action, now_s)
        return out

    def finish(self, now_s: float, cause: str) -> list[Event]:
        """The last events. Idempotent: a second call gives none."""
        if self._closed:
            return []
        self._closed = True
        news = self._told(self._news.rest(now_s), now_s)
        out: list[Event] = [*self._damage.rest(now_s, self._at(now_s))]
        out += [item for item in news if isinstance(item, Notice)]
        return [*out, *self._route.finish(now_s), Closed(self._at(now_s), cause)]

    def deadline(self) -> float | None:
        """When `tick` is next due, on the engine's clock."""
        stages = (self._driver, self._damage, self._news, self._route, self._side)
        due = [None if stage is None else stage.deadline() for stage in stages]
        return min((at_s for at_s in due if at_s is not None), default=None)

    def session_s(self, now_s: float) -> float | None:
        """Session time at a moment of the engine's clock; None before the first sample."""
        return self._at(now_s) if self._route.begun else None

    def _at(self, now_s: float) -> float:
        return self._route.session_s(now_s)

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
                    out += self._route.started(event, now_s)
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
        for placed in self._route.place(samples):
            if isinstance(placed, Gap):
                out.append(self._route.gap(placed))
            else:
                out += self._scans(placed)
        return out

    def _scans(self, placed: Placed) -> list[Output]:
        """What comes of them. Once the guard ends the session, the ball is asked to stop; its Close ends it."""
        out: list[Output] = [*self._route.feed(placed)]
        if self._ended is None:
            self._ended = next((item for item in out if isinstance(item, Notice) and item.kind == "end"), None)
            if self._ended is not None:
                out += self._drive(self._driver.ask(Stop(), placed.arrival_s), placed.arrival_s)
        return out

    def _profiled(self, profile: Profile, now_s: float) -> list[Output]:
        out = self._route.profiled(profile, now_s)
        if self._side is None:
            self._side = BallSide(profile)
        return out

    def _told(self, news: Counted, now_s: float) -> list[Output]:
        """What may come in floods, each with how many it stands for."""
        out: list[Output] = []
        for item, count in news:
            match item:
                case BallEvent():
                    out += self._ball_event(item, now_s, count)
                case Status():
                    self._route.battery(item.battery_low)
                    out.append(notices.of_status(item, self._at(now_s)))
                case ZeroChanged():
                    out.append(self._route.zeroed(item, now_s))
                case PhaseChanged():
                    out.append(notices.of_phase(item, self._at(now_s), count))
        return out

    def _ball_event(self, event: BallEvent, now_s: float, count: int = 1) -> list[Output]:
        out: list[Output] = [notices.of_ball_event(event, self._at(now_s), count)]
        if event.code == Code.BUTTON and self._route.judging:
            pressed = pressed_button(event.value, stopped=self._route.stopped)
            out += [] if pressed is None else self._act(pressed, now_s)
        return out

    # --- what the ball does about warnings ---

    def _warn_ball(self, out: list[Output], now_s: float) -> list[Output]:
        """Have the ball buzz, blink and watch its own limit. What is sent comes after all events: none waits for it."""
        side, context = self._side, self._route.context
        if side is None or context is None:
            return out
        loaded = self._route.loaded
        for request in side.wanted(out, context, now_s, listening=self._listening, loaded=loaded):
            out = out + self._drive(self._driver.ask(request, now_s), now_s)
        return out

    def _limit_in_force(self, settings: LimitSettings, now_s: float) -> list[Output]:
        side, profile = self._side, self._route.profile
        if side is None or side.own is None or profile is None or not side.news(settings):
            return []
        return [notices.of_limit(settings, side.own, profile.lsb, self._at(now_s))]

    # --- actions ---

    def _tare(self, action: Action, now_s: float) -> list[Output]:
        """Refused under load. A ball whose zero has drifted looks loaded: then the person's word stands (`free`)."""
        if not self._route.may_tare(action.fields.get("free") is True):
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
