"""A session led by the ball alone: it begins on contact, pauses on release, asks, and ends by itself.

    ARMING --arm_s--> READY --contact 1 s--> RUNNING --off 3 s--> PAUSED --contact 1 s--> RUNNING
                                                                    | two squeezes: next step, or HELD
    PAUSED --off 60 s--> SCORING        RUNNING --the program is done, off 3 s--> SCORING --score or silence--> OVER

Off the ball in the middle of a step it asks whether something hurts or is numb; a squeeze of two seconds says yes.
While a stop stands squeezes are the guard's, which takes two of them as a confirmation.
"""

from collections.abc import Callable
from copy import copy
from enum import Enum

from companion.handsfree.asking import End, Parting, Question, Rating
from companion.handsfree.squeezes import Pair
from companion.handsfree.telling import Telling
from companion.handsfree.telling import Told as Told
from companion.handsfree.terms import (
    ANSWER_S,
    HELD_END_S,
    PAUSE_S,
    RETURN_S,
    SCORE_FULL_KPA,
    START_S,
    STOPPED_END_S,
    Terms,
)
from companion.handsfree.touch import Press, Touch
from sessions.events import Action, Alert, Cue, Event, Floats, Level, Phase

COUNTED = (60, 30, 20, 10, 5, 3, 2, 1)  # seconds left of the arming that are said
OURS = ("release", "contact", "squeezes", "countdown")  # who pauses here; anybody else is a person with a key


class State(Enum):
    ARMING = "arming"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    HELD = "held"
    FINISHED = "finished"
    SCORING = "scoring"
    OVER = "over"


class Hands:
    """One session's. `feed` it the scans and `hear` what else happens, in the order of both."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.state = State.ARMING
        full_kpa = SCORE_FULL_KPA if terms.full_kpa is None else terms.full_kpa
        self._tell = Telling()
        self._touch = Touch()
        self._pair = Pair()
        self._question, self._rating, self._parting = Question(), Rating(full_kpa), Parting(full_kpa)
        self._begun_s: float | None = None  # the first scan
        self._counted = len(COUNTED) + 1  # what of the countdown has been said
        self._away_s: float | None = None  # off the ball since, where that counts; None: on it, or resting
        self._left: Press | None = None  # the contact before
        self._resting = False  # a program wants the person off the ball
        self._from_rest = False  # and they have not been back since
        self._stopped = False  # a stop stands
        self._held = False  # paused by a key: only a key goes on
        self._cause = "released"

    def part(self, t_s: Floats, p_kpa: Floats) -> int:
        """How many of these scans, one at least, may be fed at once: up to the first at which something is done.

        So that guard and coach know of it before the next scan, whatever the split. What they say meanwhile may put it
        off, or bring it about a second later at the earliest.
        """
        if self.state is State.OVER:
            return len(t_s)
        if self._at_ease and (settled := self._touch.pressed_through(t_s, p_kpa)):
            return settled
        most = max(1, int(t_s.searchsorted(float(t_s[0]) + START_S)))
        done = (event.t_s for event in self._trial().feed(t_s[:most], p_kpa[:most]) if isinstance(event, Action))
        first_s = next(done, None)
        return most if first_s is None else int(t_s.searchsorted(first_s)) + 1

    def _trial(self) -> "Hands":
        """One like this, to be told what may happen."""
        trial = copy(self)
        trial._tell, trial._touch, trial._pair = Telling(), copy(self._touch), copy(self._pair)
        trial._question, trial._rating = copy(self._question), self._rating.copied()
        trial._parting = self._parting.copied()
        return trial

    def feed(self, t_s: Floats, p_kpa: Floats) -> list[Told]:
        """The next scans; NaN is unknown. What is said bears the time of its scan."""
        if len(t_s) == 0:
            return []
        if self._at_ease and self._touch.pressed_through(t_s, p_kpa) == len(t_s):
            self._touch.pass_over(t_s, p_kpa)
            return []
        for moment, pressure in zip(t_s.tolist(), p_kpa.tolist(), strict=True):
            self._scan(moment, pressure)
        return self._tell.take()

    def hear(self, event: Event) -> list[Told]:
        """A stop, what the program asks for, or what a person did by other means."""
        match event:
            case Cue(kind="rest"):
                self._rest(event.t_s, resting=True)
                self._rating.begin(event.fields.get("seconds"))
            case Cue(kind="rested" | "step" | "skip"):
                self._rest(event.t_s, resting=False)
            case Cue(kind="finish"):
                self._finish(event.t_s)
            case Alert(level=Level.STOP, phase=Phase.RAISED | Phase.ESCALATED | Phase.LATCHED):
                self._stopped = True
                self._question.close()
            case Alert(phase=Phase.CONFIRMED):
                self._stopped = False
                self._pair.doubt(event.t_s)  # if that was by squeezes, they have said what they had to say
                self._stay(event.t_s)
            case Action(kind="pain"):
                self._rating.close()
            case Action(kind="pause") if event.fields.get("by") not in OURS:
                on = event.fields.get("on")
                self._held = on if isinstance(on, bool) else not self._held
            case Action(kind="end"):
                self.state = State.OVER
            case _:
                pass
        return self._tell.take()

    def _rest(self, t_s: float, *, resting: bool) -> None:
        """The program wants the person off the ball, or back on it, perhaps elsewhere: until then nobody is missed."""
        self._resting, self._from_rest = resting, True
        self._rating.close()
        self._away_s = None if resting or self._touch.free_s is None else t_s

    def _finish(self, t_s: float) -> None:
        """The program is done."""
        if self.state in (State.SCORING, State.OVER, State.FINISHED):
            return
        self._resting, self._cause, self.state = False, "finished", State.FINISHED
        self._rating.close()
        self._question.close()
        self._tell.say(t_s, "finished")

    # --- scans ---

    @property
    def _at_ease(self) -> bool:
        """Pressed, and nothing happens while it stays so."""
        waits = self.state is not State.RUNNING or self._away_s is not None or self._rating.open
        return not waits and self._touch.pressed_s is not None

    def _scan(self, t_s: float, p_kpa: float) -> None:
        if self.state is State.OVER:
            return
        if self._begun_s is None:
            self._begin(t_s)
        if self._touch.lost(t_s):
            self._doubt(t_s)
        if p_kpa != p_kpa:
            return
        press = self._touch.step(t_s, p_kpa)
        pair = press is not None and self._pair.hear(press)
        _STATES[self.state](self, t_s, p_kpa, press, pair)

    def _begin(self, t_s: float) -> None:
        self._begun_s = t_s
        if self.terms.arm_s > 0.0:
            self._tell.act(t_s, "pause", by="countdown", on=True)
            self._tell.say(t_s, "armed", round(self.terms.arm_s))
            self._counted = sum(second < self.terms.arm_s for second in COUNTED)

    def _doubt(self, t_s: float) -> None:
        """What was not measured is neither absence nor an answer."""
        self._touch.doubt()
        self._pair.doubt(t_s)
        self._question.close()
        self._rating.doubt()
        self._parting.doubt(t_s)
        self._stay(t_s)

    def _stay(self, t_s: float) -> None:
        """An absence counts from here on."""
        if self._away_s is not None:
            self._away_s = t_s

    def _pressed_for(self, t_s: float, seconds: float) -> bool:
        return self._touch.pressed_s is not None and t_s - self._touch.pressed_s >= seconds

    # --- the states ---

    def _arming(self, t_s: float, p_kpa: float, press: Press | None, pair: bool) -> None:
        assert self._begun_s is not None
        left_s = self._begun_s + self.terms.arm_s - t_s
        if left_s <= 0.0:
            self.state = State.READY
            if self.terms.arm_s > 0.0:
                self._tell.act(t_s, "pause", by="countdown", on=False)
            if not self._pressed_for(t_s, START_S):
                self._tell.say(t_s, "ready")
            self._ready(t_s, p_kpa, press, pair)
            return
        due = sum(second < left_s for second in COUNTED)
        if due < self._counted:
            self._counted = due
            self._tell.say(t_s, "countdown", [*reversed(COUNTED)][due])

    def _ready(self, t_s: float, p_kpa: float, press: Press | None, pair: bool) -> None:
        if self._pressed_for(t_s, START_S):
            self.state = State.RUNNING
            self._tell.say(t_s, "started")
        elif self._touch.free_s is not None and t_s - self._touch.free_s >= HELD_END_S:
            self.state = State.OVER
            self._tell.over(t_s, "unused")

    def _running(self, t_s: float, p_kpa: float, press: Press | None, pair: bool) -> None:
        if self._gone(t_s, press):
            self._tell.act(t_s, "pause", by="release", on=True)
            self.state = State.PAUSED
            self._tell.say(t_s, "paused")
            if not self._from_rest and not self._stopped:
                self._question.ask(self._tell, t_s)
        elif pair and not self._stopped:
            self._rating.close()
            self._stay(t_s)
            self._next(t_s)
        elif not self._stopped:
            self._rating.scan(self._tell, t_s, p_kpa, self._touch, press)

    def _gone(self, t_s: float, press: Press | None) -> bool:
        """Off the ball for PAUSE_S, rests apart and longer behind them. A short touch is no return."""
        if self._pressed_for(t_s, START_S):
            self._away_s, self._from_rest = None, self._resting
        elif press is not None and press.seconds >= START_S:
            self._left = press
            self._away_s, self._from_rest = None if self._resting else t_s, self._resting
        elif self._away_s is None and self._touch.free_s is not None and not self._resting:
            self._away_s = self._touch.free_s
        if self._away_s is None or self._touch.pressed_s is not None:
            return False
        return t_s - self._away_s >= (RETURN_S if self._from_rest else PAUSE_S)

    def _paused(self, t_s: float, p_kpa: float, press: Press | None, pair: bool) -> None:
        if self._question.answered(self._tell, t_s, self._touch, press, self._left):
            self._away_s = t_s
            return
        if pair and not self._stopped:
            self._question.close()
            self._away_s = t_s
            self._next(t_s)
            return
        coming_back = ANSWER_S[1] if self._question.open else START_S
        if self._pressed_for(t_s, coming_back) and not self._stopped:
            self._resume(t_s)
        elif self._touch.pressed_s is None and t_s - (self._away_s or t_s) >= self._patience_s():
            self._ask_score(t_s)

    def _resume(self, t_s: float) -> None:
        self._question.close()
        self._away_s, self._from_rest, self.state = None, False, State.RUNNING
        if not self._held:
            self._tell.act(t_s, "pause", by="contact", on=False)
            self._tell.say(t_s, "resumed")

    def _patience_s(self) -> float:
        if self._stopped:
            return STOPPED_END_S
        return HELD_END_S if self._held or self.state is State.HELD else self.terms.end_s

    def _next(self, t_s: float) -> None:
        if self.terms.guided:
            self._tell.act(t_s, "next", by="squeezes")
        elif self.state is State.PAUSED:
            self.state = State.HELD
            self._tell.act(t_s, "pause", by="squeezes", on=True)
            self._tell.say(t_s, "held")

    def _finished(self, t_s: float, p_kpa: float, press: Press | None, pair: bool) -> None:
        free_s = self._touch.free_s
        if free_s is not None and t_s - free_s >= PAUSE_S and not self._stopped:
            self._ask_score(t_s)

    def _ask_score(self, t_s: float) -> None:
        self.state = State.SCORING
        self._question.close()
        self._parting.ask(self._tell, t_s)

    def _scoring(self, t_s: float, p_kpa: float, press: Press | None, pair: bool) -> None:
        match self._parting.scan(self._tell, t_s, p_kpa, self._touch, press, pair=pair):
            case End.OVER:
                self.state = State.OVER
                self._tell.over(t_s, self._cause)
            case End.BACK if self._cause == "finished":
                self.state = State.FINISHED
            case End.BACK:
                self._resume(t_s)


_STATES: dict[State, Callable[[Hands, float, float, Press | None, bool], None]] = {
    State.ARMING: Hands._arming,
    State.READY: Hands._ready,
    State.RUNNING: Hands._running,
    State.PAUSED: Hands._paused,
    State.HELD: Hands._paused,
    State.FINISHED: Hands._finished,
    State.SCORING: Hands._scoring,
}
