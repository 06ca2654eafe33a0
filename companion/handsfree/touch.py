"""When something touches the ball and when it does not. Unknown pressure is neither."""

from dataclasses import dataclass

import numpy as np

from companion.safety.limits import CONTACT_KPA, FREE_KPA
from sessions.events import Floats

HOLE_S = 0.5  # between two scans; after a longer one nothing is known of what was before it


@dataclass(frozen=True, slots=True)
class Press:
    """One touch that is over."""

    from_s: float
    to_s: float

    @property
    def seconds(self) -> float:
        return self.to_s - self.from_s


class Touch:
    """Follows the pressure scan by scan, from CONTACT_KPA up to FREE_KPA down."""

    def __init__(self) -> None:
        self.pressed_s: float | None = None  # since when it is touched
        self.free_s: float | None = None  # since when it is not; None also where that is not known
        self._last_s: float | None = None

    def lost(self, t_s: float) -> bool:
        """Whether for so long nothing was known before this moment that what was known before tells nothing."""
        return self._last_s is not None and t_s - self._last_s > HOLE_S

    def step(self, t_s: float, p_kpa: float) -> Press | None:
        """The next scan that is known. A press that has ended with it."""
        self._last_s = t_s
        if self.pressed_s is not None:
            if p_kpa >= FREE_KPA:
                return None
            press = Press(self.pressed_s, t_s)
            self.pressed_s, self.free_s = None, t_s
            return press
        if p_kpa >= CONTACT_KPA:
            self.pressed_s, self.free_s = t_s, None
        elif self.free_s is None:
            self.free_s = t_s
        return None

    def pass_over(self, t_s: Floats) -> bool:
        """Scans through which it stays pressed. False, and nothing done, where a hole lies before or within them."""
        before_s = float(t_s[0]) if self._last_s is None else self._last_s
        if float(t_s[0]) - before_s > HOLE_S or (len(t_s) > 1 and float(np.diff(t_s).max()) > HOLE_S):
            return False
        self._last_s = float(t_s[-1])
        return True

    def doubt(self) -> None:
        """Nothing was measured for a while."""
        self.pressed_s = self.free_s = None
