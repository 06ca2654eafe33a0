"""The way through a routine: turn after turn, with what is announced before and the rest after each. Pure.

    READY --pressed--> WORK --seconds in the band, or enough--> REST --recovered--> NEXT --a breath--> WORK ...
                                                                 after the last turn: OVER

A turn is one repetition of a step. What the guard closes is left out (closed.py); a new hold is offered by the guard's
own hold load (loads.py).
"""

from companion.programs import words
from companion.programs.band import Band, band_of
from companion.programs.closed import Closed
from companion.programs.loads import OFFERED, Loads
from companion.programs.program import STATIC, Routine, Step
from companion.programs.progress import Progress, Turn, turns_of
from companion.programs.repetition import Mark, Repetition, Rest
from companion.programs.telling import Telling
from companion.programs.view import Stand, Where
from companion.safety.limits import GuardContext
from sessions.events import Action, Cue, Json

PROGRAM = "program"  # who did it, in actions of the coach
LEAD_S = 4.0  # a breath: a step is announced at least so long before it begins
AGAIN_S = 2.0  # and so long a further repetition of it

Led = Cue | Action


class Lead:
    """Times are whole microseconds of session time. Every method answers with what is to be said or done."""

    def __init__(self, routine: Routine, context: GuardContext) -> None:
        self.routine, self.context = routine, context
        self.stand = Stand.READY
        self.turns = turns_of(routine.steps)
        self.at = 0  # the present turn; in a rest or announced, the coming one
        self.due_us = 0.0  # when an announced one begins
        self.band: Band | None = None
        self.clock: Repetition | None = None  # of the present turn, also while it is interrupted
        self.rest: Rest | None = None
        self.tell = Telling(routine)
        self.loads, self.closed, self.progress = Loads(), Closed(), Progress(routine.steps)

    def second(self, t_us: float, pressed: bool) -> list[Led]:
        """With the totals of a whole second turns begin and rests end. `pressed`: long enough to begin."""
        if self.closed.why(self.step, self.context):
            out = self.over(t_us, "closed") if self.stand is Stand.WORK else []
            return out or self.announce(t_us, self.at)
        match self.stand:
            case Stand.WORK if self.loads.enough(self.step.region, self.step.side, t_us * 1e-6):
                return self.over(t_us, "limit")
            case Stand.READY if pressed and t_us >= self.due_us:
                return self.start(t_us)
            case Stand.REST if self.rest is not None and self.rest.left_s <= 0.0 and self.recovered(t_us):
                return self.rested(t_us)
            case Stand.NEXT if t_us >= self.due_us:
                return self.start(t_us)
        return []

    def work(self, t_us: float, dt_us: float, where: Where) -> list[Led]:
        clock, band, (number, rep) = self.clock, self.band, self.turns[self.at]
        assert clock is not None
        assert band is not None
        out: list[Led] = []
        for mark, left in clock.scan(t_us, dt_us, where):
            if mark is Mark.DONE:
                out += self.over(t_us, "time")
            else:
                out.append(self.tell.marked(t_us, number, rep, clock, band, mark, left))
        return out

    # --- one after the other ---

    def begin(self, t_us: float) -> list[Led]:
        return [self.tell.program(t_us, self.context), *self.announce(t_us, 0)]

    def announce(self, t_us: float, at: int) -> list[Led]:
        """The next turn that may be had; steps that may not are left out with a word."""
        out: list[Led] = []
        first, self.clock = self.stand is Stand.READY, None
        for place in range(at, len(self.turns)):
            number = self.turns[place].step
            step = self.routine.steps[number]
            why = self.closed.why(step, self.context)
            if why:
                out += self.leave_out(t_us, number, why)
                continue
            in_s = max(LEAD_S, words.seconds_of(words.following(step, first)))
            self.wait(Stand.READY if first else Stand.NEXT, place, t_us + in_s * 1e6)
            return [*out, self.tell.following(t_us, number, self.context, None if first else in_s)]
        return out + self.finish(t_us)

    def wait(self, stand: Stand, at: int, due_us: float) -> None:
        self.stand, self.at, self.due_us, self.rest = stand, at, due_us, None

    def start(self, t_us: float) -> list[Led]:
        """What was announced begins, or goes on."""
        number, rep = self.turns[self.at]
        step, self.stand = self.step, Stand.WORK
        self.band = band_of(step, self.context)
        goes_on = self.clock is not None
        self.clock = self.clock or Repetition(step.seconds, t_us, step.rolling)
        self.clock.again(t_us)
        out: list[Led] = []
        there: dict[str, Json] = {"region": step.region, "side": step.side, "rolling": step.rolling}
        if [getattr(self.context, name) for name in there] != list(there.values()):
            out.append(Action("region", there | {"by": PROGRAM}))
        if rep == 1 and not goes_on:
            out.append(self.tell.step(t_us, number, self.context))
        return out

    def rested(self, t_us: float) -> list[Led]:
        number, rep = self.turns[self.at]
        load = self.load(t_us)
        if rep == 1 and self.clock is None:
            return [self.tell.rested(t_us, number, load), *self.announce(t_us, self.at)]
        self.wait(Stand.NEXT, self.at, t_us + AGAIN_S * 1e6)
        return [self.tell.again(t_us, number, rep, load, AGAIN_S)]

    # --- ends ---

    def over(self, t_us: float, cause: str) -> list[Led]:
        """The present turn is over: "time", "limit", "closed" or "next" (the user's)."""
        clock, (number, rep), step = self.clock, self.turns[self.at], self.step
        assert clock is not None
        self.clock = None
        out: list[Led] = [self.tell.done(t_us, number, rep, clock, cause)]
        if cause == "next":
            return out
        if cause == "closed":
            out += self.leave_out(t_us, number, self.closed.why(step, self.context))
            return out + self.announce(t_us, self.at + 1)
        self.progress.done[number] += 1
        return out + self.rest_then(t_us, self.at + 1, step.rest_s)

    def rest_then(self, t_us: float, at: int, seconds: float) -> list[Led]:
        """A rest before the turn `at`, or at once what follows."""
        if at >= len(self.turns):
            return self.finish(t_us)
        worked = self.turns[self.at].step
        self.at = at
        if seconds <= 0.0 and self.recovered(t_us) and self.clock is None:
            return self.announce(t_us, at)
        self.stand, self.rest = Stand.REST, Rest(worked, seconds)
        return [self.tell.rest(t_us, worked, seconds, self.load(t_us))]

    def leave_out(self, t_us: float, number: int, why: str) -> list[Led]:
        if number in self.progress.left_out:
            return []
        self.progress.left_out.add(number)
        return [self.tell.skip(t_us, number, why)]

    def finish(self, t_us: float) -> list[Led]:
        self.stand, self.rest, self.clock, self.band = Stand.OVER, None, None, None
        return [self.tell.finish(t_us, self.progress.states)]

    def turn(self, t_us: float, way: int) -> list[Led]:
        """A person goes on to the next step, or back; back within a step begins it anew."""
        out: list[Led] = []
        number, rep = self.turns[self.at]
        if way > 0 and rep == 1 and self.clock is None and self.rest is not None:
            self.rest.seconds = 0.0  # the next step is next already
            return out
        if self.stand is Stand.WORK:
            out += self.over(t_us, "next")
        elif way > 0:
            out += self.leave_out(t_us, number, "user")
        if way < 0 and rep > 1:
            way = 0
        self.clock = None
        target = Turn(max(0, number + way), 1)
        if way <= 0:
            self.progress.left_out.discard(target.step)
        at = self.turns.index(target) if target in self.turns else len(self.turns)
        return out + self.rest_then(t_us, at, 0.0)

    # --- what is asked ---

    @property
    def step(self) -> Step:
        return self.routine.steps[self.turns[self.at].step]

    def load(self, t_us: float) -> float:
        return self.loads.at(self.step.region, self.step.side, t_us * 1e-6)

    def recovered(self, t_us: float) -> bool:
        """The rule of recovery: a hold is offered when the load of the last one has fallen."""
        return self.step.technique not in STATIC or self.load(t_us) <= OFFERED
