"""The coach: leads through a routine, scan by scan. Pure: told what happened, it answers with cues.

    READY --pressed for 1 s--> WORK --seconds in the band, or enough--> REST --recovered--> NEXT --a breath--> WORK ...
                                                                           after the last turn: OVER

A turn is one repetition of a step. Its clock counts the scans inside the band and nothing else (repetition.py). Turns
begin, and rests end, with the totals of a whole second: only there is the guard told of another place, so that any
split of the scans gives the same. A new hold is offered by the guard's own hold load (loads.py); a band never reaches
above the lower of the program and the limits in force (band.py). What the guard closes is left out (closed.py).
"""

from typing import NamedTuple

from companion.programs import words
from companion.programs.band import Band, band_of
from companion.programs.body import Body, lasts
from companion.programs.closed import Closed
from companion.programs.loads import OFFERED, Loads
from companion.programs.pauses import BY_DATA, BY_HANDS, FREE_US, RELEASE, SILENCE, STOP, UNKNOWN_US, USER, ZERO, Pauses
from companion.programs.program import STATIC, Routine, Step
from companion.programs.repetition import Mark, Repetition, Rest
from companion.programs.telling import Telling
from companion.programs.view import CoachView, Stand
from companion.safety.limits import CONTACT_KPA, GuardContext
from companion.safety.scans import unknown_us
from sessions.events import Action, Alert, Cue, Event, Floats, Json, Notice, Totals

PROGRAM = "program"  # who did it, in actions of the coach
START_US = 1e6  # of contact, then the first step begins
LEAD_S = 4.0  # a breath: a step is announced at least so long before it begins
AGAIN_S = 2.0  # and so long a further repetition of it
END_US = 20e6  # off the ball for so long after the end, the session ends and is saved

Said = Cue | Action | Notice


class Turn(NamedTuple):
    step: int  # from 0
    rep: int  # from 1


class Coach:
    """`context` is the guard's present one; `adopt` takes a newer one after each action."""

    def __init__(self, routine: Routine, context: GuardContext, *, ends: bool = True) -> None:
        """`ends`: it ends the session some time after the program; else somebody else does."""
        self.view: CoachView | None = None  # replaced as a whole: another thread may look at it
        self._routine, self._context = routine, context
        self._turns = [Turn(n, rep) for n, step in enumerate(routine.steps) for rep in range(1, step.repeats + 1)]
        self._tell = Telling(routine)
        self._body, self._pauses, self._loads, self._closed = Body(), Pauses(), Loads(), Closed()
        self._done = [0] * len(routine.steps)  # repetitions
        self._left_out: set[int] = set()
        self._begun, self._ended = False, not ends
        self._stand = Stand.READY
        self._at = 0  # the present turn; in a rest or announced, the coming one
        self._due_us = 0.0  # when an announced one begins
        self._band: Band | None = None
        self._clock: Repetition | None = None  # of the present turn, also while it is interrupted
        self._rest: Rest | None = None

    # --- inputs ---

    def feed(self, t_s: Floats, p_kpa: Floats, period_s: float, arrival_s: float) -> list[Said]:
        """The next scans: session time, and mean contact pressure (NaN unknown, infinite where saturated)."""
        out: list[Said] = []
        hole_us = unknown_us(period_s)
        for moment_s, pressure in zip(t_s.tolist(), p_kpa.tolist(), strict=True):
            t_us = float(round(moment_s * 1e6))
            if self._body.last_us is None or t_us > self._body.last_us:
                out += self._scan(t_us, pressure, period_s * 1e6, hole_us)
        self._body.arrival_s = arrival_s
        self._look()
        return out

    def hear(self, event: Event) -> list[Said]:
        """What the guard says."""
        out: list[Said] = []
        match event:
            case Totals():
                out = self._second(event)
            case Alert():
                self._closed.hear(event)
                stopped = self._pauses.hear(event)
                if stopped is not None:
                    t_us = float(round(event.t_s * 1e6))
                    out = self._hold_on(t_us, STOP) if stopped else self._go_on(t_us, STOP)
            case Notice():
                self._closed.hear(event)
        self._look()
        return out

    def act(self, action: Action, t_s: float) -> list[Said]:
        """`pause`, `next` and `back`, between two scans. Others are not the coach's matter."""
        out: list[Said] = []
        t_us = float(round(t_s * 1e6))
        if self._begun and self._stand is not Stand.OVER:
            if action.kind == "pause":
                out = self._pause_by(t_us, action)
            elif action.kind in ("next", "back") and not self._pauses.has(STOP):
                out = self._turn(t_us, -1 if action.kind == "back" else 1)
        self._look()
        return out

    def adopt(self, context: GuardContext) -> None:
        """Region, side, tool or locks have changed."""
        if context is not self._context:
            self._context = context
            if self._band is not None:
                self._band = band_of(self._step, context) or self._band

    def tick(self, now_s: float, t_s: float) -> list[Said]:
        """Judge the age of the newest scan: `now_s` on the clock of `arrival_s`."""
        arrival_s = self._body.arrival_s
        return [] if arrival_s is None else self.aged(now_s - arrival_s + 1e-6, t_s)

    def aged(self, age_s: float, t_s: float) -> list[Said]:
        """Judge a newest scan of this age. Twice the same says nothing new."""
        if age_s * 1e6 < UNKNOWN_US or self._pauses.has(SILENCE):
            return []
        out = self._hold_on(float(round(t_s * 1e6)), SILENCE)
        self._look()
        return out

    def deadline(self) -> float | None:
        """When `tick` is next due, on the clock of `arrival_s`."""
        arrival_s = self._body.arrival_s
        if arrival_s is None or self._stand is Stand.OVER or self._pauses.has(SILENCE):
            return None
        return arrival_s + UNKNOWN_US * 1e-6

    # --- scans ---

    def _scan(self, t_us: float, p_kpa: float, period_us: float, hole_us: float) -> list[Said]:
        body = self._body
        out: list[Said] = [] if self._begun else self._begin(t_us)
        since_us, dt_us = body.since(t_us, period_us, hole_us)
        body.feel(t_us, p_kpa, self._band)
        if since_us >= UNKNOWN_US:
            out += self._hold_on(t_us, SILENCE)
        if lasts(body.unknown_us, t_us, UNKNOWN_US):
            out += self._hold_on(t_us, ZERO)
        elif self._pauses.cause and lasts(body.free_us, t_us, FREE_US):
            out += self._go_on(t_us, *BY_DATA)
        if self._rest is not None:
            on_kpa = CONTACT_KPA if self._band is None else self._band.on_kpa
            if self._rest.scan(t_us, dt_us, p_kpa, on_kpa) and not self._pauses.cause:
                out.append(self._tell.off(t_us, self._rest.number))
        if self._stand is Stand.WORK and not self._pauses.cause:
            out += self._work(t_us, dt_us)
        elif self._stand is Stand.OVER and not self._ended and lasts(body.free_us, t_us, END_US):
            self._ended = True
            out.append(Notice(t_us * 1e-6, "over", "over: the session is saved", {"cause": "finished"}))
        return out

    def _work(self, t_us: float, dt_us: float) -> list[Said]:
        clock, band, (number, rep) = self._clock, self._band, self._turns[self._at]
        assert clock is not None
        assert band is not None
        out: list[Said] = []
        for mark, left in clock.scan(t_us, dt_us, self._body.where):
            if mark is Mark.DONE:
                out += self._over(t_us, "time")
            else:
                out.append(self._tell.marked(t_us, number, rep, clock, band, mark, left))
        return out

    # --- seconds ---

    def _second(self, totals: Totals) -> list[Said]:
        """Turns begin and rests end here."""
        t_us = float(round(totals.t_s * 1e6))
        self._loads.take(totals.regions, (self._context.region, self._context.side), totals.t_s)
        if self._pauses.cause or not self._begun or self._stand is Stand.OVER:
            return []
        if self._closed.why(self._step, self._context):
            out = self._over(t_us, "closed") if self._stand is Stand.WORK else []
            return out or self._announce(t_us, self._at)
        match self._stand:
            case Stand.WORK if self._loads.enough(self._step.region, self._step.side, totals.t_s):
                return self._over(t_us, "limit")
            case Stand.READY if lasts(self._body.pressed_us, t_us, START_US) and t_us >= self._due_us:
                return self._start(t_us)
            case Stand.REST if self._rest is not None and self._rest.left_s <= 0.0 and self._recovered(t_us):
                return self._rested(t_us)
            case Stand.NEXT if t_us >= self._due_us:
                return self._start(t_us)
        return []

    def _begin(self, t_us: float) -> list[Said]:
        self._begun = True
        return [self._tell.program(t_us, self._context), *self._announce(t_us, 0)]

    def _announce(self, t_us: float, at: int) -> list[Said]:
        """The next turn that may be had; steps that may not are left out with a word."""
        out: list[Said] = []
        first, self._clock = self._stand is Stand.READY, None
        for place in range(at, len(self._turns)):
            number = self._turns[place].step
            step = self._routine.steps[number]
            why = self._closed.why(step, self._context)
            if why:
                out += self._leave_out(t_us, number, why)
                continue
            in_s = max(LEAD_S, words.seconds_of(words.following(step, first)))
            self._wait(Stand.READY if first else Stand.NEXT, place, t_us + in_s * 1e6)
            return [*out, self._tell.following(t_us, number, self._context, None if first else in_s)]
        return out + self._finish(t_us)

    def _wait(self, stand: Stand, at: int, due_us: float) -> None:
        self._stand, self._at, self._due_us, self._rest = stand, at, due_us, None

    def _start(self, t_us: float) -> list[Said]:
        """What was announced begins, or goes on."""
        number, rep = self._turns[self._at]
        step, self._stand = self._step, Stand.WORK
        self._band = band_of(step, self._context)
        goes_on = self._clock is not None
        self._clock = self._clock or Repetition(step.seconds, t_us, step.rolling)
        self._clock.again(t_us)
        out: list[Said] = []
        there: dict[str, Json] = {"region": step.region, "side": step.side, "rolling": step.rolling}
        if [getattr(self._context, name) for name in there] != list(there.values()):
            out.append(Action("region", there | {"by": PROGRAM}))
        if rep == 1 and not goes_on:
            out.append(self._tell.step(t_us, number, self._context))
        return out

    def _rested(self, t_us: float) -> list[Said]:
        number, rep = self._turns[self._at]
        load = self._load(t_us)
        if rep == 1 and self._clock is None:
            return [self._tell.rested(t_us, number, load), *self._announce(t_us, self._at)]
        self._wait(Stand.NEXT, self._at, t_us + AGAIN_S * 1e6)
        return [self._tell.again(t_us, number, rep, load, AGAIN_S)]

    # --- ends ---

    def _over(self, t_us: float, cause: str) -> list[Said]:
        """The present turn is over: "time", "limit", "closed" or "next" (the user's)."""
        clock, (number, rep), step = self._clock, self._turns[self._at], self._step
        assert clock is not None
        self._clock = None
        out: list[Said] = [self._tell.done(t_us, number, rep, clock, cause)]
        if cause == "next":
            return out
        if cause == "closed":
            out += self._leave_out(t_us, number, self._closed.why(step, self._context))
            return out + self._announce(t_us, self._at + 1)
        self._done[number] += 1
        return out + self._rest_then(t_us, self._at + 1, step.rest_s)

    def _rest_then(self, t_us: float, at: int, seconds: float) -> list[Said]:
        """A rest before the turn `at`, or at once what follows."""
        if at >= len(self._turns):
            return self._finish(t_us)
        worked = self._turns[self._at].step
        self._at = at
        if seconds <= 0.0 and self._recovered(t_us) and self._clock is None:
            return self._announce(t_us, at)
        self._stand, self._rest = Stand.REST, Rest(worked, seconds)
        return [self._tell.rest(t_us, worked, seconds, self._load(t_us))]

    def _leave_out(self, t_us: float, number: int, why: str) -> list[Said]:
        if number in self._left_out:
            return []
        self._left_out.add(number)
        return [self._tell.skip(t_us, number, why)]

    def _finish(self, t_us: float) -> list[Said]:
        self._stand, self._rest, self._clock, self._band = Stand.OVER, None, None, None
        return [self._tell.finish(t_us, self._states())]

    # --- pauses and turns ---

    def _hold_on(self, t_us: float, cause: str) -> list[Said]:
        if not self._begun or self._stand is Stand.OVER or not self._pauses.add(cause):
            return []
        return [self._tell.pause(t_us, self._turns[self._at].step, self._pauses.cause)]

    def _go_on(self, t_us: float, *causes: str) -> list[Said]:
        """After a stop the same turn is offered again, once the body has rested."""
        before, stopped = self._pauses.cause, self._pauses.has(STOP)
        if not self._pauses.drop(*causes) or self._stand is Stand.OVER:
            return []
        out: list[Said] = [self._tell.resume(t_us, self._turns[self._at].step, before)]
        if self._stand is Stand.WORK and stopped:
            return out + self._rest_then(t_us, self._at, self._step.rest_s)
        if self._stand is Stand.NEXT:
            self._due_us = t_us + LEAD_S * 1e6
        elif self._stand is Stand.WORK and self._clock is not None:
            self._clock.again(t_us)
        return out

    def _pause_by(self, t_us: float, action: Action) -> list[Said]:
        """To and fro, or as `on` says. Off the ball is where one should be in a rest: no reason to pause."""
        wanted, by = action.fields.get("on"), action.fields.get("by")
        on = wanted if isinstance(wanted, bool) else not self._pauses.has(USER)
        if not on:
            return self._go_on(t_us, USER)
        if by == RELEASE and self._stand is not Stand.WORK:
            return []
        self._pauses.by = str(by) if by in BY_HANDS else USER
        return self._hold_on(t_us, USER)

    def _turn(self, t_us: float, way: int) -> list[Said]:
        """A person goes on to the next step, or back; back within a step begins it anew."""
        out = self._go_on(t_us, USER)
        number, rep = self._turns[self._at]
        if way > 0 and rep == 1 and self._clock is None and self._rest is not None:
            self._rest.seconds = 0.0  # the next step is next already
            return out
        if self._stand is Stand.WORK:
            out += self._over(t_us, "next")
        elif way > 0:
            out += self._leave_out(t_us, number, USER)
        if way < 0 and rep > 1:
            way = 0
        self._clock = None
        target = Turn(max(0, number + way), 1)
        if way <= 0:
            self._left_out.discard(target.step)
        at = self._turns.index(target) if target in self._turns else len(self._turns)
        return out + self._rest_then(t_us, at, 0.0)

    # --- what is asked ---

    @property
    def _step(self) -> Step:
        return self._routine.steps[self._turns[self._at].step]

    def _load(self, t_us: float) -> float:
        return self._loads.at(self._step.region, self._step.side, t_us * 1e-6)

    def _recovered(self, t_us: float) -> bool:
        """The rule of recovery: a hold is offered when the load of the last one has fallen."""
        return self._step.technique not in STATIC or self._load(t_us) <= OFFERED

    def _states(self) -> tuple[str, ...]:
        """Per step."""
        return tuple(
            "done" if done >= step.repeats else "part" if done else "skipped" if number in self._left_out else ""
            for number, (step, done) in enumerate(zip(self._routine.steps, self._done, strict=True))
        )

    def _look(self) -> None:
        """A new picture for the screen."""
        number, rep = self._turns[self._at]
        step, clock, rest = self._step, self._clock, self._rest
        now_us = self._body.last_us or 0.0
        band = self._band or band_of(step, self._context)
        cause = self._pauses.cause
        paused = Stand.STOPPED if cause == STOP else Stand.PAUSED
        self.view = CoachView(
            program=self._routine.program,
            title=self._routine.title,
            stand=paused if cause and self._stand is not Stand.OVER else self._stand,
            cause=cause,
            number=number + 1,
            step=step,
            band_kpa=(0.0, 0.0) if band is None else band.edges,
            where=self._body.where,
            rep=rep,
            held_s=0.0 if clock is None else clock.held_us * 1e-6,
            seconds=step.seconds,
            rest_left_s=None if rest is None else rest.left_s,
            hold_load=self._load(now_us),
            next_in_s=max(0.0, (self._due_us - now_us) * 1e-6) if self._stand is Stand.NEXT else None,
            steps=self._routine.steps,
            done=self._states(),
        )
