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

from companion.handsfree.score import Said, Score
from companion.handsfree.squeezes import Pair
from companion.handsfree.terms import (
    ANSWER_S,
    HELD_END_S,
    PAUSE_S,
    QUESTION_S,
    REST_LEAST_S,
    REST_STILL_S,
    RETURN_S,
    SCORE_FULL_KPA,
    SCORE_WAIT_S,
    START_S,
    STOPPED_END_S,
    Terms,
)
from companion.handsfree.touch import Press, Touch
from companion.handsfree.words import OVER, WORDS
from sessions.events import Action, Alert, Cue, Event, Fields, Floats, Json, Level, Notice, Phase

Told = Notice | Action

COUNTED = (60, 30, 20, 10, 5, 3, 2, 1)  # seconds left of the arming that are said
AGAIN_S = 1.0  # the ball is free for so long after a score, then it is over


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
        self._full_kpa = SCORE_FULL_KPA if terms.full_kpa is None else terms.full_kpa
        self._touch = Touch()
        self._pair = Pair()
        self._begun_s: float | None = None  # the first scan
        self._counted = len(COUNTED) + 1  # what of the countdown has been said
        self._away_s: float | None = None  # off the ball since, where that counts; None: on it, or resting
        self._resting = False  # a program wants the person off the ball
        self._from_rest = False  # and they have not been back since
        self._stopped = False  # a stop stands
        self._left: Press | None = None  # the contact before
        self._asked_s: float | None = None  # the question about pain, while it is open
        self._score: Score | None = None
        self._rating: Score | None = None  # of the hold before, in a rest
        self._rated = False  # it has been asked for
        self._wait_s = 0.0  # a score is waited for since
        self._cause = "released"
        self._out: list[Told] = []

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
        trial._touch, trial._pair, trial._out = copy(self._touch), copy(self._pair), []
        trial._score, trial._rating = copy(self._score), copy(self._rating)
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
        out, self._out = self._out, []
        return out

    def hear(self, event: Event) -> list[Told]:
        """A stop, what the program asks for, or what a person did by other means."""
        match event:
            case Cue(kind="rest"):
                self._rest(event.t_s, resting=True)
                seconds = event.fields.get("seconds")
                long = isinstance(seconds, int | float) and seconds >= REST_LEAST_S
                self._rating = Score(self._full_kpa, REST_STILL_S) if long else None
                self._rated = False
            case Cue(kind="rested" | "step" | "skip"):
                self._rest(event.t_s, resting=False)
            case Cue(kind="finish"):
                self._finish(event.t_s)
            case Alert(level=Level.STOP, phase=Phase.RAISED | Phase.ESCALATED | Phase.LATCHED):
                self._stopped, self._asked_s = True, None
            case Alert(phase=Phase.CONFIRMED):
                self._stopped = False
                self._pair.doubt(event.t_s)  # if that was by squeezes, they have said what they had to say
                self._stay(event.t_s)
            case Action(kind="pain"):
                self._rating = None
            case Action(kind="end"):
                self.state = State.OVER
            case _:
                pass
        out, self._out = self._out, []
        return out

    def _rest(self, t_s: float, *, resting: bool) -> None:
        """The program wants the person off the ball, or back on it, perhaps elsewhere: until then nobody is missed."""
        self._resting, self._from_rest, self._rating = resting, True, None
        self._away_s = None if resting or self._touch.free_s is None else t_s

    def _finish(self, t_s: float) -> None:
        """The program is done."""
        if self.state in (State.SCORING, State.OVER, State.FINISHED):
            return
        self._resting, self._rating, self._cause, self.state = False, None, "finished", State.FINISHED
        self._asked_s = None
        self._say(t_s, "finished")

    # --- scans ---

    @property
    def _at_ease(self) -> bool:
        """Pressed, and nothing happens while it stays so."""
        waits = self.state is not State.RUNNING or self._away_s is not None or self._rating is not None
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
            self._act(t_s, "pause", by="countdown", on=True)
            self._say(t_s, "armed", round(self.terms.arm_s))
            self._counted = sum(second < self.terms.arm_s for second in COUNTED)

    def _doubt(self, t_s: float) -> None:
        """What was not measured is neither absence nor an answer."""
        self._touch.doubt()
        self._pair.doubt(t_s)
        self._asked_s = None
        if self._rating is not None:
            self._rating = Score(self._full_kpa, REST_STILL_S)
        self._stay(t_s)
        self._wait_s = t_s
        if self._score is not None:
            self._score = Score(self._full_kpa)

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
                self._act(t_s, "pause", by="countdown", on=False)
            if not self._pressed_for(t_s, START_S):
                self._say(t_s, "ready")
            self._ready(t_s, p_kpa, press, pair)
            return
        due = sum(second < left_s for second in COUNTED)
        if due < self._counted:
            self._counted = due
            self._say(t_s, "countdown", [*reversed(COUNTED)][due])

    def _ready(self, t_s: float, p_kpa: float, press: Press | None, pair: bool) -> None:
        if self._pressed_for(t_s, START_S):
            self.state = State.RUNNING
            self._say(t_s, "started")

    def _running(self, t_s: float, p_kpa: float, press: Press | None, pair: bool) -> None:
        if self._gone(t_s, press):
            self._act(t_s, "pause", by="release", on=True)
            self.state = State.PAUSED
            self._say(t_s, "paused")
            if not self._from_rest and not self._stopped:
                self._asked_s = t_s
                self._say(t_s, "asked")
        elif pair and self._resting:
            self._rating = None
            self._next(t_s)
        elif self._rating is not None and not self._stopped:
            self._rate(self._rating, t_s, p_kpa, press)

    def _rate(self, rating: Score, t_s: float, p_kpa: float, press: Press | None) -> None:
        """How much the hold before hurt: asked once the ball is free, and answered or not."""
        free_s = self._touch.free_s
        if not self._rated:
            if free_s is not None and t_s - free_s >= PAUSE_S:
                self._rated = True
                self._say(t_s, "rating")
        elif self._touch.pressed_s is not None:
            said = rating.press(t_s, p_kpa)
            if said is Said.BACK:
                self._rating = None
            elif said is not None:
                self._say(t_s, said.value, rating.grade)
        elif press is not None and rating.let_go() is Said.KEPT:
            self._rating = None
            self._act(t_s, "pain", when="hold", value=rating.taken, by="squeeze")
            self._say(t_s, "scored", rating.taken)

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
        if self._asked_s is not None and self._answer(t_s, press):
            return
        if pair and not self._stopped:
            self._asked_s = None
            self._away_s = t_s
            self._next(t_s)
            return
        coming_back = ANSWER_S[1] if self._asked_s is not None else START_S
        if self._pressed_for(t_s, coming_back) and not self._stopped:
            self._resume(t_s)
        elif self._touch.pressed_s is None and t_s - (self._away_s or t_s) >= self._patience_s():
            self._ask_score(t_s)

    def _answer(self, t_s: float, press: Press | None) -> bool:
        """Whether a press just said that something hurts."""
        assert self._asked_s is not None
        if press is not None and ANSWER_S[0] <= press.seconds <= ANSWER_S[1]:
            self._asked_s = None
            self._away_s = t_s
            left = {} if self._left is None else {"left_s": self._left.to_s, "left_peak_kpa": self._left.peak_kpa}
            self._act(t_s, "symptom", by="squeeze", **left)
            self._say(t_s, "answered")
            return True
        if self._touch.pressed_s is None and t_s - self._asked_s >= QUESTION_S:
            self._asked_s = None
            self._say(t_s, "unanswered")
        return False

    def _resume(self, t_s: float) -> None:
        self._asked_s = self._away_s = None
        self._from_rest = False
        self.state = State.RUNNING
        self._act(t_s, "pause", by="contact", on=False)
        self._say(t_s, "resumed")

    def _patience_s(self) -> float:
        if self._stopped:
            return STOPPED_END_S
        return HELD_END_S if self.state is State.HELD else self.terms.end_s

    def _next(self, t_s: float) -> None:
        if self.terms.guided:
            self._act(t_s, "next", by="squeezes")
        elif self.state is State.PAUSED:
            self.state = State.HELD
            self._act(t_s, "pause", by="squeezes", on=True)
            self._say(t_s, "held")

    def _finished(self, t_s: float, p_kpa: float, press: Press | None, pair: bool) -> None:
        free_s = self._touch.free_s
        if free_s is not None and t_s - free_s >= PAUSE_S and not self._stopped:
            self._ask_score(t_s)

    # --- the score, and the end ---

    def _ask_score(self, t_s: float) -> None:
        self.state, self._score, self._wait_s = State.SCORING, Score(self._full_kpa), t_s
        self._asked_s = None
        self._say(t_s, "scoring")

    def _scoring(self, t_s: float, p_kpa: float, press: Press | None, pair: bool) -> None:
        score = self._score
        if pair:
            self._score = None
            self._say(t_s, "unscored")
        elif score is not None and self._touch.pressed_s is not None:
            self._graded(t_s, score, score.press(t_s, p_kpa))
        elif score is not None and press is not None:
            self._wait_s = t_s
            if score.let_go() is Said.KEPT:
                self._score = None
                self._act(t_s, "pain", when="after", value=score.taken, by="squeeze")
                self._say(t_s, "scored", score.taken)
        free_s = self._touch.free_s
        if free_s is None or self.state is not State.SCORING:
            return
        if self._score is None and t_s - free_s >= AGAIN_S:
            self._end(t_s)
        elif self._score is not None and t_s - max(self._wait_s, free_s) >= SCORE_WAIT_S:
            self._say(t_s, "unscored")
            self._end(t_s)

    def _graded(self, t_s: float, score: Score, said: Said | None) -> None:
        if said is Said.BACK:
            self._score = None
            self._say(t_s, "back")
            if self._cause == "finished":
                self.state = State.FINISHED
            else:
                self._resume(t_s)
        elif said is not None:
            self._say(t_s, said.value, score.grade)

    def _end(self, t_s: float) -> None:
        self.state = State.OVER
        self._out.append(Notice(t_s, "over", OVER[self._cause], {"cause": self._cause}))

    # --- saying ---

    def _say(self, t_s: float, state: str, value: int | None = None) -> None:
        fields: Fields = {"state": state, "value": value}
        self._out.append(Notice(t_s, "hands", WORDS[state].format(value=value), fields))

    def _act(self, t_s: float, kind: str, **fields: Json) -> None:
        self._out.append(Action(kind, fields, t_s))


_STATES: dict[State, Callable[[Hands, float, float, Press | None, bool], None]] = {
    State.ARMING: Hands._arming,
    State.READY: Hands._ready,
    State.RUNNING: Hands._running,
    State.PAUSED: Hands._paused,
    State.HELD: Hands._paused,
    State.FINISHED: Hands._finished,
    State.SCORING: Hands._scoring,
}
