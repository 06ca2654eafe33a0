"""What is asked of somebody off the ball, and how the ball answers: whether it hurts, and how much.

Question   in the middle of a step: a squeeze of two seconds says that something hurts or is numb
Rating     in a rest: how much the hold before hurt
Parting    at the end: how much it hurts now; two short squeezes leave it out
"""

from copy import copy
from enum import Enum

from companion.handsfree.score import Said, Score
from companion.handsfree.telling import Telling
from companion.handsfree.terms import ANSWER_S, PAUSE_S, QUESTION_S, REST_LEAST_S, REST_STILL_S, SCORE_WAIT_S
from companion.handsfree.touch import Press, Touch

AGAIN_S = 1.0  # the ball is free for so long after a score, then it is over


class Question:
    """Whether something hurts. An answer begins within QUESTION_S and is let go within ANSWER_S."""

    def __init__(self) -> None:
        self._asked_s: float | None = None

    @property
    def open(self) -> bool:
        return self._asked_s is not None

    def ask(self, tell: Telling, t_s: float) -> None:
        self._asked_s = t_s
        tell.say(t_s, "asked")

    def close(self) -> None:
        self._asked_s = None

    def answered(self, tell: Telling, t_s: float, touch: Touch, press: Press | None, left: Press | None) -> bool:
        """True: yes, it was said with this scan. `left`: the contact before."""
        if self._asked_s is None:
            return False
        if press is not None and ANSWER_S[0] <= press.seconds <= ANSWER_S[1]:
            self._asked_s = None
            before = {} if left is None else {"left_s": left.to_s, "left_peak_kpa": left.peak_kpa}
            tell.act(t_s, "symptom", by="squeeze", **before)
            tell.say(t_s, "answered")
            return True
        if touch.pressed_s is None and t_s - self._asked_s >= QUESTION_S:
            self._asked_s = None
            tell.say(t_s, "unanswered")
        return False


class Rating:
    """Of the hold before. Asked once, when the ball has been free for a while; who lies down again gives none."""

    def __init__(self, full_kpa: float) -> None:
        self._full_kpa = full_kpa
        self._score: Score | None = None
        self._asked = False

    @property
    def open(self) -> bool:
        return self._score is not None

    def copied(self) -> "Rating":
        other = copy(self)
        other._score = copy(self._score)
        return other

    def begin(self, rest_s: object) -> None:
        """A rest of so many seconds; a short one is left in peace."""
        long = isinstance(rest_s, int | float) and rest_s >= REST_LEAST_S
        self._score, self._asked = Score(self._full_kpa, REST_STILL_S) if long else None, False

    def close(self) -> None:
        self._score = None

    def doubt(self) -> None:
        if self._score is not None:
            self._score = Score(self._full_kpa, REST_STILL_S)

    def scan(self, tell: Telling, t_s: float, p_kpa: float, touch: Touch, press: Press | None) -> None:
        score = self._score
        if score is None:
            return
        if not self._asked:
            if touch.free_s is not None and t_s - touch.free_s >= PAUSE_S:
                self._asked = True
                tell.say(t_s, "rating")
        elif touch.pressed_s is not None:
            said = score.press(t_s, p_kpa)
            if said is Said.BACK:
                self._score = None
            elif said is not None:
                tell.say(t_s, said.value, score.grade)
        elif press is not None and score.let_go() is Said.KEPT:
            self._score = None
            _keep(tell, t_s, "hold", score)


class End(Enum):
    """How a parting goes."""

    WAITING = "waiting"
    BACK = "back"  # the person lies on the ball again
    OVER = "over"


class Parting:
    """The score at the end, or none; then, once the ball is free, it is over."""

    def __init__(self, full_kpa: float) -> None:
        self._full_kpa = full_kpa
        self._score: Score | None = None
        self._wait_s = 0.0  # waited for since

    def copied(self) -> "Parting":
        other = copy(self)
        other._score = copy(self._score)
        return other

    def ask(self, tell: Telling, t_s: float) -> None:
        self._score, self._wait_s = Score(self._full_kpa), t_s
        tell.say(t_s, "scoring")

    def doubt(self, t_s: float) -> None:
        self._wait_s = t_s
        if self._score is not None:
            self._score = Score(self._full_kpa)

    def scan(self, tell: Telling, t_s: float, p_kpa: float, touch: Touch, press: Press | None, *, pair: bool) -> End:
        score = self._score
        if score is not None:
            if pair:
                self._score = None
                tell.say(t_s, "unscored")
            elif touch.pressed_s is not None:
                said = score.press(t_s, p_kpa)
                if said is Said.BACK:
                    self._score = None
                    tell.say(t_s, "back")
                    return End.BACK
                if said is not None:
                    tell.say(t_s, said.value, score.grade)
            elif press is not None:
                self._wait_s = t_s
                if score.let_go() is Said.KEPT:
                    self._score = None
                    _keep(tell, t_s, "after", score)
        return End.WAITING if touch.free_s is None else self._patience(tell, t_s, touch.free_s)

    def _patience(self, tell: Telling, t_s: float, free_s: float) -> End:
        if self._score is None:
            return End.OVER if t_s - free_s >= AGAIN_S else End.WAITING
        if t_s - max(self._wait_s, free_s) < SCORE_WAIT_S:
            return End.WAITING
        tell.say(t_s, "unscored")
        return End.OVER


def _keep(tell: Telling, t_s: float, when: str, score: Score) -> None:
    tell.act(t_s, "pain", when=when, value=score.taken, by="squeeze")
    tell.say(t_s, "scored", score.taken)
