"""Coming off, touching again, and confirming by two squeezes: what is followed while a stop stands.

    pressed --free for 2 s--> FREE --pressed for 0.2 s--> TOUCHED, pressed again
    FREE, untouched for 60 s: two presses of 0.1 to 0.6 s, at most 3 s apart --> SQUEEZED; a longer one --> TOUCHED

A state machine per scan, so any split is the same; it runs only while a stop stands.
"""

from collections.abc import Iterator
from enum import Enum

from companion.safety.scale import CONTACT_KPA
from sessions.events import Floats

FREE_US = 2e6  # below CONTACT_KPA for this long is "come off"
TOUCH_US = 0.2e6
PAUSE_US = 60e6  # untouched for this long, the ball takes squeezes
SQUEEZE_US = (0.1e6, 0.6e6)  # shorter is a knock, longer is contact
BETWEEN_US = 3e6


class Turn(Enum):
    FREE = "free"
    TOUCHED = "touched"
    SQUEEZED = "squeezed"


class Squeezes:
    """Whether the ball is free, and what is done to it then."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """A stop begins: nothing is known yet."""
        self.free = False
        self._since_us: float | None = None  # of what would end the present state
        self._still_us: float | None = None  # untouched since
        self._squeezed_us: float | None = None  # the first of two

    def doubt(self) -> None:
        """Nothing was measured for a while."""
        self._since_us = self._still_us = self._squeezed_us = None

    def listens(self, t_us: float) -> bool:
        """Whether a stop may be confirmed by squeezes up to this moment."""
        return self.free and self._still_us is not None and t_us - self._still_us >= PAUSE_US

    def run(self, t_us: Floats, p_kpa: Floats) -> Iterator[tuple[int, Turn]]:
        """The scans where something turns."""
        for at, (moment_us, pressure) in enumerate(zip(t_us.tolist(), p_kpa.tolist(), strict=True)):
            touched = pressure >= CONTACT_KPA
            turn = self._untouched(moment_us, touched) if self.free else self._come_off(moment_us, touched)
            if turn is not None:
                yield at, turn

    def _come_off(self, t_us: float, touched: bool) -> Turn | None:
        if touched:
            self._since_us = None
            return None
        if self._since_us is None:
            self._since_us = t_us
        if t_us - self._since_us < FREE_US:
            return None
        self.free, self._since_us, self._still_us = True, None, t_us
        return Turn.FREE

    def _untouched(self, t_us: float, touched: bool) -> Turn | None:
        if self._still_us is None:
            self._still_us = t_us
        if not touched:
            return None if self._since_us is None else self._let_go(t_us)
        if self._since_us is None:
            self._since_us = t_us
        listens = self._since_us - self._still_us >= PAUSE_US
        if t_us - self._since_us < (SQUEEZE_US[1] if listens else TOUCH_US):
            return None
        self.reset()
        return Turn.TOUCHED

    def _let_go(self, t_us: float) -> Turn | None:
        assert self._since_us is not None
        assert self._still_us is not None
        pressed_us, self._since_us = t_us - self._since_us, None
        if t_us - pressed_us - self._still_us < PAUSE_US:
            self._still_us = t_us  # a knock: the pause begins anew
            return None
        if pressed_us < SQUEEZE_US[0]:
            return None
        if self._squeezed_us is not None and t_us - self._squeezed_us <= BETWEEN_US:
            self._squeezed_us = None
            return Turn.SQUEEZED
        self._squeezed_us = t_us
        return None
