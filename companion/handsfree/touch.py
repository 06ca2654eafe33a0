"""When something touches the ball and when it does not. Unknown pressure is neither."""

from dataclasses import dataclass

import numpy as np

from companion.safety.scale import CONTACT_KPA, FREE_KPA
from sessions.events import Floats

HOLE_S = 0.5  # between two scans; after a longer one nothing is known of what was before it


@dataclass(frozen=True, slots=True)
class Press:
    """One touch that is over."""

    from_s: float
    to_s: float
    peak_kpa: float

    @property
    def seconds(self) -> float:
        return self.to_s - self.from_s


class Touch:
    """Follows the pressure scan by scan, from CONTACT_KPA up to FREE_KPA down."""

    def __init__(self) -> None:
        self.pressed_s: float | None = None  # since when it is touched
        self.free_s: float | None = None  # since when it is not; None also where that is not known
        self._last_s: float | None = None
        self._peak_kpa = 0.0  # of this touch

    def lost(self, t_s: float) -> bool:
        """Whether for so long nothing was known before this moment that what was known before tells nothing."""
        return self._last_s is not None and t_s - self._last_s > HOLE_S

    def step(self, t_s: float, p_kpa: float) -> Press | None:
        """The next scan that is known. A press that has ended with it."""
        self._last_s = t_s
        if self.pressed_s is not None:
            if p_kpa >= FREE_KPA:
                self._peak_kpa = max(self._peak_kpa, p_kpa)
                return None
            press = Press(self.pressed_s, t_s, self._peak_kpa)
            self.pressed_s, self.free_s = None, t_s
            return press
        if p_kpa >= CONTACT_KPA:
            self.pressed_s, self.free_s, self._peak_kpa = t_s, None, p_kpa
        elif self.free_s is None:
            self.free_s = t_s
        return None

    def pressed_through(self, t_s: Floats, p_kpa: Floats) -> int:
        """Through how many of these scans, from the first on, it stays pressed, with no hole between."""
        before_s = t_s[0] if self._last_s is None else self._last_s
        holds = (p_kpa >= FREE_KPA) & (np.diff(t_s, prepend=before_s) <= HOLE_S)
        return len(holds) if holds.all() else int(holds.argmin())

    def pass_over(self, t_s: Floats, p_kpa: Floats) -> None:
        """Scans through which it stays pressed."""
        self._last_s = float(t_s[-1])
        self._peak_kpa = max(self._peak_kpa, float(p_kpa.max()))

    def doubt(self) -> None:
        """Nothing was measured for a while."""
        self.pressed_s = self.free_s = None
