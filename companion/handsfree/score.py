"""A score of 0 to 10 by squeezing: harder is more, held still for some seconds is taken, let go is kept.

A light touch is 0, `full_kpa` a 10. Who does not let go lies on the ball again, and has given no score.
"""

from dataclasses import dataclass
from enum import Enum

from companion.handsfree.terms import LET_GO_S, STILL_S
from companion.safety.scale import CONTACT_KPA

MOST = 10
STEADY = 0.75  # of a grade: within so much it is held still; breath and tremor move a grip by less
TELL_S = 0.5  # grades are told no more often


class Said(Enum):
    GRADE = "grade"  # so hard it is squeezed now
    TAKEN = "taken"
    KEPT = "kept"
    BACK = "back"  # the person has come back on the ball


@dataclass(slots=True)
class Score:
    """One question. Made anew for the next."""

    full_kpa: float
    still_s: float = STILL_S
    grade: int | None = None  # as told last
    taken: int | None = None
    _anchor: float | None = None
    _since_s: float = 0.0
    _sum: float = 0.0
    _scans: int = 0
    _told_s: float = -TELL_S
    _taken_s: float = 0.0

    def press(self, t_s: float, p_kpa: float) -> Said | None:
        """A scan while the ball is squeezed."""
        if self.taken is not None:
            return Said.BACK if t_s - self._taken_s >= LET_GO_S else None
        grade = min(float(MOST), max(0.0, MOST * (p_kpa - CONTACT_KPA) / (self.full_kpa - CONTACT_KPA)))
        if self._anchor is None or abs(grade - self._anchor) > STEADY:
            self._anchor, self._since_s, self._sum, self._scans = grade, t_s, 0.0, 0
        self._sum, self._scans = self._sum + grade, self._scans + 1
        if t_s - self._since_s >= self.still_s:
            self.taken = self.grade = round(self._sum / self._scans)
            self._taken_s = t_s
            return Said.TAKEN
        shown = round(grade)
        if shown != self.grade and t_s - self._told_s >= TELL_S:
            self.grade, self._told_s = shown, t_s
            return Said.GRADE
        return None

    def let_go(self) -> Said | None:
        """The ball is free again."""
        self._anchor = None
        return None if self.taken is None else Said.KEPT
