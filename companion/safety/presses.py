"""The guided test: three slow presses, each to the first discomfort; the lowest sets the working top.

Pure: fed the smoothed mean pressure in any split, it says what it saw. A press begins above 5 kPa and ends below 3;
its highest pressure is where the person eased off. A press that rose too fast, or ended before anything was felt,
does not count and is asked for again.
"""

from dataclasses import dataclass

from companion.safety.limits import whole_body
from companion.safety.scale import CONTACT_KPA, FREE_KPA
from sessions.events import Floats

PRESSES = 3
LEAST_KPA = 10.0  # less is a touch
LEAST_S = 1.0


@dataclass(frozen=True, slots=True)
class Press:
    """One press that is over. `refused`: why it does not count, or ""."""

    t_s: float
    peak_kpa: float
    refused: str


class PressTest:
    """`root`: of the contact area in cm2; rises are judged as point-equivalent pressure."""

    def __init__(self, root: float) -> None:
        self.counted: list[Press] = []
        self._root = root
        self._pressed = False
        self._since_s = self._peak = self._fastest = 0.0

    @property
    def done(self) -> bool:
        return len(self.counted) >= PRESSES

    @property
    def work_peq_kpa(self) -> float | None:
        """The working top it gives, as point-equivalent pressure."""
        return min(press.peak_kpa for press in self.counted) * self._root if self.done else None

    def feed(self, t_s: Floats, p_kpa: Floats, ramp_kpa_s: Floats) -> list[Press]:
        """The presses that ended. What is unknown (NaN) changes nothing."""
        ended: list[Press] = []
        for moment, value, ramp in zip(t_s.tolist(), p_kpa.tolist(), ramp_kpa_s.tolist(), strict=True):
            if value != value or self.done:
                continue
            if not self._pressed and value >= CONTACT_KPA:
                self._pressed, self._since_s, self._peak, self._fastest = True, moment, 0.0, 0.0
            if self._pressed:
                self._peak = max(self._peak, value)
                if ramp == ramp:
                    self._fastest = max(self._fastest, ramp * self._root)
                if value < FREE_KPA:
                    ended.append(self._end(moment))
        return ended

    def _end(self, t_s: float) -> Press:
        self._pressed = False
        refused = ""
        if self._peak < LEAST_KPA or t_s - self._since_s < LEAST_S:
            refused = "too short: press until you first feel discomfort, then ease off"
        elif self._fastest > whole_body()["ramp_notice_kpa_s"]:
            refused = "too fast: take some seconds to press"
        press = Press(t_s, self._peak, refused)
        if not refused:
            self.counted.append(press)
        return press
