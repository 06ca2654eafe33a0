"""What the slow twin of the guard says: levels, the stop, silencing. One scan at a time, plain numbers."""

from dataclasses import dataclass, field

from companion.safety.causes import AGAIN_TEXT, CAUSES, CONFIRM_TEXT, FIRM_TEXT, HEAVY_TEXT, Cause, Row, text_of
from companion.safety.limits import GuardContext
from sessions.events import Alert, Level, Notice, Phase, Totals

Said = Alert | Notice | Totals


@dataclass
class Delay:
    """A condition that must last."""

    on_s: float
    off_s: float = 0.0
    scans: int = 1
    on: bool = False
    since: int | None = None
    start: int = 0
    seen: int = 0

    def step(self, t: int, rising: bool, falling: bool | None) -> bool:
        """Whether it flips at this scan."""
        condition = falling if self.on else rising
        if condition is None:
            return False
        if not condition:
            self.since = None
            return False
        if self.since is None:
            self.since, self.seen = t, 0
        self.seen += 1
        needed = self.off_s if self.on else self.lasting()
        if t - self.since < round(needed * 1e6) or (not self.on and self.seen < self.scans):
            return False
        self.on, self.start, self.since = not self.on, self.since, None
        return True

    def lasting(self) -> float:
        return self.on_s


@dataclass
class ContactDelay(Delay):
    """Contact: after 3 s without, each of two touches may be a squeeze, and is contact from 0.6 s on."""

    let_go: int = 0
    short: int = 0  # touches since 3 s without
    waiting: int = 0  # time of the touch so far

    def lasting(self) -> float:
        return 0.6 if self._rested() or self.short == 1 else self.on_s

    def touch(self, t: int, dt: int, p: float) -> int:
        """Time of contact that this scan tells of: a touch counts from its first scan once it is contact."""
        before, since = self.on, self.since
        rested = since is not None and self._rested()
        flipped = self.step(t, p >= 5.0, p < 3.0)
        if before or flipped:
            waited, self.waiting = self.waiting, 0
            if flipped:
                self.short = 0
            return waited + dt if self.on else 0
        if self.since is not None:
            self.waiting += dt
        elif since is not None:
            self.short = 1 if rested else self.short + bool(self.short)
            self.let_go, self.waiting = t, 0
        return 0

    def _rested(self) -> bool:
        assert self.since is not None
        return self.since - max(self.start, self.let_go) >= 3_000_000


class Off:
    """What is done to the ball since a stop: off for 2 s is free, 0.2 s on is contact, two squeezes confirm."""

    def __init__(self) -> None:
        self.free = False
        self.off: int | None = None  # off since, while not free
        self.on: int | None = None  # on since, while free
        self.calm: int | None = None  # untouched since
        self.squeezes: list[int] = []  # when each was let go

    def hole(self) -> None:
        self.off = self.on = self.calm = None
        self.squeezes = []

    def step(self, t: int, on: bool) -> str:
        if not self.free:
            self.off = None if on else t if self.off is None else self.off
            if self.off is None or t - self.off < 2_000_000:
                return ""
            self.free, self.off, self.calm = True, None, t
            return "freed"
        self.calm = t if self.calm is None else self.calm
        begun = self.on
        if on:
            self.on = begun = t if begun is None else begun
        if begun is None:
            return ""
        long, listening = t - begun, begun - self.calm >= 60_000_000
        if on:
            if long < (600_000 if listening else 200_000):
                return ""
            self.__init__()  # type: ignore[misc]  # as after a new stop
            return "touched"
        self.on = None
        if not listening:
            self.calm = t
        elif long >= 100_000:
            self.squeezes = [*(let_go for let_go in self.squeezes if t - let_go <= 3_000_000), t]
        if len(self.squeezes) < 2:
            return ""
        self.squeezes = []
        return "squeezed"


@dataclass
class Condition:
    """A cause: its rows' delays, the sum it was told of, and what was said."""

    cause: Cause
    delays: list[tuple[Row, Delay]]
    told_tenth: int
    level: Level = Level.OK  # the condition
    said: Level = Level.OK
    quiet: bool = False
    region: str = ""
    side: str = ""
    silent_until: int | None = None
    cautions: list[int] = field(default_factory=list)
    hinted: int | None = None
    lasting: Delay = field(default_factory=lambda: Delay(0.0))


class ReferenceAlarms:
    def __init__(self, context: GuardContext) -> None:
        self.context = context
        self.free = Off()
        self.stop = "none"
        self.stopped: list[Condition] = []
        self.pressure_stops = 0
        self.conditions = {cause.key: self._condition(cause) for cause in CAUSES}

    @staticmethod
    def _condition(cause: Cause) -> Condition:
        delays = [(row, Delay(row.on_s, row.off_s, row.scans)) for row in cause.rows]
        tenth = round(cause.shares[0].at * 10) - 1 if cause.shares else 0
        return Condition(cause, delays, tenth, lasting=Delay(cause.escalate_s or 0.0))

    def _change(
        self,
        condition: Condition,
        level: Level,
        t_s: float,
        t: int,
        again: bool = False,
        ratio: float = 0.0,
        rises: bool = False,
        text: str | None = None,
    ) -> list[Said]:
        condition.level = level
        if rises or again:
            condition.quiet = False
        if condition.quiet or condition in self.stopped:
            return []
        if level is Level.STOP:
            heavy = condition.cause.key == "peak" and ratio >= 1.6
            return self._raise_stop(condition, t_s, t, HEAVY_TEXT if heavy else None)
        before = condition.said
        if level is before and not (again and level is not Level.OK):
            return []
        self._set(condition, level)
        if level is Level.OK:
            return [self._alert(condition, Phase.CLEARED, t_s)]
        phase = Phase.ESCALATED if before is not Level.OK and level > before else Phase.RAISED
        if level is Level.CAUTION:
            recent = condition.cautions[-3:]
            if len(recent) == 3 and t - recent[0] < 60_000_000:
                hint = condition.hinted is None or t - condition.hinted >= 60_000_000
                condition.hinted = t if hint else condition.hinted
                text = FIRM_TEXT if hint and condition.cause.pressure else ""
            else:
                condition.cautions.append(t)
        return [self._alert(condition, phase, t_s, text)]

    def _raise_stop(self, condition: Condition, t_s: float, t: int, text: str | None = None) -> list[Said]:
        if condition in self.stopped:
            return []
        phase = Phase.RAISED if condition.said is Level.OK else Phase.ESCALATED
        if condition.cause.pressure and not any(other.cause.pressure for other in self.stopped):
            self.pressure_stops += 1
        self.stop = "sounding"
        self.stopped.append(condition)
        self._set(condition, Level.STOP)
        return [self._alert(condition, phase, t_s, text)]

    def _set(self, condition: Condition, level: Level) -> None:
        if condition.said is Level.OK:
            condition.region, condition.side = self.context.region, self.context.side
        if level > condition.said or level is Level.OK:
            condition.silent_until = None
        condition.said = level

    def _touched(self, t_s: float) -> list[Said]:
        if self.stop != "latched":
            return []
        self.stop = "sounding"
        for condition in self.stopped:
            condition.silent_until = None
        return [self._alert(condition, Phase.RAISED, t_s, AGAIN_TEXT) for condition in self.stopped]

    def _freed(self, t_s: float) -> list[Said]:
        if self.stop != "sounding":
            return []
        self.stop = "latched"
        out: list[Said] = [self._alert(condition, Phase.LATCHED, t_s, CONFIRM_TEXT) for condition in self.stopped]
        return [*out, Notice(t_s, "end", "", {})] if self.pressure_stops >= 3 else out

    def _confirm(self, t_s: float) -> list[Said]:
        if self.stop == "sounding":
            return [Notice(t_s, "refused", "", {})]
        out: list[Said] = []
        for condition in self.stopped:
            self._set(condition, Level.OK)
            out.append(self._alert(condition, Phase.CONFIRMED, t_s))
            condition.quiet = True
        self.stop, self.stopped = "none", []
        return out

    def _alert(self, condition: Condition, phase: Phase, t_s: float, text: str | None = None) -> Alert:
        cause = condition.cause
        said = text_of(cause, condition.said, phase) if text is None else text
        place = (condition.region, condition.side)
        return Alert(t_s, cause.key, condition.said, phase, None, None, cause.unit, *place, said)
