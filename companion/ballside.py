"""What the ball itself does about warnings: the limit it watches alone, its buzzer and its light. Pure.

Its own limit is the guard's stop limit in the ball's counts, so that it warns by itself when the link dies
(PROTOCOL.md R33, R34). Its signals follow the alerts: a stop for as long as it sounds, a caution now and then while
the ball is pressed. Silence quiets the buzzer, never the light. Nothing here ever holds an event back.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from companion.safety.causes import MANNERS, SILENCE_S
from companion.safety.dose import tune
from companion.safety.limits import GuardContext
from companion.safety.scale import STOP_RATIO
from firmware_protocol.driver import Profile, Unit
from firmware_protocol.messages import Alert as Signal
from firmware_protocol.messages import Caps, Limits, LimitSettings, Pattern, Request
from sessions.events import Alert, Level, Phase

HOLD_MS = 100  # a stop stands after 0.1 s at or above its limit
HIGHEST = 32_766  # R33
STOP_MS, STOP_AGAIN_S = 5000, 4.5  # R35 allows no longer; asked for anew before it ends
CAUTION_MS = 3000  # three buzzes, as there are three tones
CHECK_MS = 200  # buzzer and light show once at the start that they work
OFF = Signal(Pattern.NONE, Pattern.NONE, 0)
_PATTERNS = {Level.STOP: (Pattern.STOP, STOP_MS), Level.CAUTION: (Pattern.CAUTION, CAUTION_MS)}


class BallSide:
    """What one ball is asked to do about warnings. Times are the engine's clock."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._signals = Signals(profile)
        self._limited: GuardContext | None = None  # whose limit it was asked to watch
        self.own: LimitSettings | None = None  # that limit
        self._in_force: LimitSettings | None = None  # as told last

    def wanted(
        self, events: Iterable[object], context: GuardContext, now_s: float, *, listening: bool, loaded: bool
    ) -> list[Request]:
        """What to ask for now, after these events. `loaded`: something presses."""
        signals = self._signals
        asked = [signals.link(listening, now_s)]
        asked += [signals.hear(event, now_s) for event in events if isinstance(event, Alert)]
        due_s = signals.deadline()
        if due_s is not None and now_s >= due_s:
            asked.append(signals.tick(now_s, loaded=loaded))
        requests: list[Request] = []
        if context is not self._limited:
            self._limited = context
            own = own_limit(context, self._profile)
            if own is not None and own != self.own:
                self.own = own
                requests.append(Limits(own))
        signal = next((signal for signal in reversed(asked) if signal is not None), None)
        return requests if signal is None else [*requests, signal]

    def news(self, settings: LimitSettings) -> bool:
        """The ball says what limit is in force. True: another than it said before."""
        if self.own is None or settings == self._in_force:
            return False
        self._in_force = settings
        return True

    def deadline(self) -> float | None:
        return self._signals.deadline()


def own_limit(context: GuardContext, profile: Profile) -> LimitSettings | None:
    """What the ball is to watch by itself; None where it cannot. It trips where the guard would raise a stop, and
    clears where it counts as not pressed any more."""
    if not profile.caps & Caps.LIMITS or profile.unit is not Unit.NEWTON or not context.judged:
        return None
    tuning = tune(context)
    high = min(HIGHEST, int(STOP_RATIO / tuning.strict_per_n / profile.lsb))
    clear = min(high - 1, round(tuning.on_kpa / tuning.kpa_per_n / profile.lsb))
    return LimitSettings(True, Pattern.STOP, high, clear, HOLD_MS) if clear >= 1 else None


@dataclass(slots=True)
class _Cause:
    level: Level
    silenced_until_s: float | None = None


class Signals:
    """When the ball is asked to buzz and blink. Times are the engine's clock.

    `again` after each call gives what to ask for now, if anything.
    """

    def __init__(self, profile: Profile) -> None:
        self._able = bool(profile.caps & (Caps.HAPTIC | Caps.LED))
        self._linked = False
        self._checked = False
        self._causes: dict[str, _Cause] = {}
        self._shown: Signal = OFF  # as asked for last
        self._until_s = 0.0  # it ends by itself
        self._due_s: float | None = None

    def link(self, up: bool, now_s: float) -> Signal | None:
        """The ball listens, or does so no longer."""
        before, self._linked = self._linked, up
        if up and not before:
            self._shown, self._due_s = OFF, None
            if not self._checked:
                self._checked = True
                return self._show(Signal(Pattern.NOTICE, Pattern.NOTICE, CHECK_MS), now_s, None)
            return self._follow(now_s)
        return None

    def hear(self, alert: Alert, now_s: float) -> Signal | None:
        cause = self._causes.get(alert.cause)
        match alert.phase:
            case Phase.RAISED | Phase.ESCALATED:
                silenced = cause.silenced_until_s if cause is not None and alert.level <= cause.level else None
                self._causes[alert.cause] = _Cause(alert.level, silenced)
            case Phase.SILENCED if cause is not None:
                cause.silenced_until_s = now_s + SILENCE_S
            case Phase.SILENCED:
                pass
            case _:
                self._causes.pop(alert.cause, None)
        return self._follow(now_s)

    def tick(self, now_s: float, *, loaded: bool) -> Signal | None:
        """What is due. A caution is shown again only while something presses."""
        for cause in self._causes.values():
            if cause.silenced_until_s is not None and now_s >= cause.silenced_until_s:
                cause.silenced_until_s = None
        if self._due_s is None or now_s < self._due_s:
            return self._follow(now_s)
        wanted = self._wanted()
        if wanted is None:
            return self._follow(now_s)
        if wanted.led == Pattern.CAUTION and not loaded:
            self._due_s = now_s + _again_s(wanted)
            return None
        return self._show(wanted, now_s, now_s + _again_s(wanted))

    def deadline(self) -> float | None:
        if not self._linked or not self._able:
            return None
        due = [cause.silenced_until_s for cause in self._causes.values()]
        return min((at_s for at_s in (self._due_s, *due) if at_s is not None), default=None)

    def _wanted(self) -> Signal | None:
        """For the most urgent cause; None: nothing."""
        level = max((cause.level for cause in self._causes.values() if cause.level in _PATTERNS), default=None)
        if level is None:
            return None
        pattern, duration_ms = _PATTERNS[level]
        loud = any(cause.level is level and cause.silenced_until_s is None for cause in self._causes.values())
        return Signal(pattern if loud else Pattern.NONE, pattern, duration_ms)

    def _follow(self, now_s: float) -> Signal | None:
        """What has changed, at once."""
        wanted = self._wanted()
        if wanted is None:
            running = self._shown != OFF and now_s < self._until_s
            ours = self._shown.led != Pattern.NOTICE
            self._shown, self._due_s = OFF, None
            return self._show(OFF, now_s, None) if running and ours else None
        if wanted == self._shown:
            return None
        return self._show(wanted, now_s, now_s + _again_s(wanted))

    def _show(self, signal: Signal, now_s: float, due_s: float | None) -> Signal | None:
        if not self._able or not self._linked:
            return None
        self._shown, self._due_s = signal, due_s
        self._until_s = now_s + signal.duration_ms / 1000
        return signal


def _again_s(signal: Signal) -> float:
    return STOP_AGAIN_S if signal.led == Pattern.STOP else MANNERS[Level.CAUTION].repeat_s or STOP_AGAIN_S
