"""What is on the ball, scan by scan: where the pressure is beside the band, and since when it is so."""

from dataclasses import dataclass

from companion.programs.band import Band
from companion.programs.view import Where
from companion.safety.scale import CONTACT_KPA


@dataclass(slots=True)
class Body:
    where: Where = Where.UNKNOWN
    pressed_us: float | None = None  # in contact since
    free_us: float | None = None
    unknown_us: float | None = None
    last_us: float | None = None  # the newest scan
    arrival_s: float | None = None  # of it, host clock

    def since(self, t_us: float, period_us: float, hole_us: float) -> tuple[float, float]:
        """(time since the scan before, what the scan counts for); after a hole it counts for one period."""
        since_us = period_us if self.last_us is None else t_us - self.last_us
        self.last_us = t_us
        return since_us, period_us if since_us > hole_us else since_us

    def feel(self, t_us: float, p_kpa: float, band: Band | None) -> None:
        if p_kpa != p_kpa:
            self.where, self.pressed_us, self.free_us = Where.UNKNOWN, None, None
            self.unknown_us = t_us if self.unknown_us is None else self.unknown_us
            return
        self.unknown_us = None
        if p_kpa < CONTACT_KPA:
            self.pressed_us, self.free_us = None, t_us if self.free_us is None else self.free_us
        else:
            self.free_us, self.pressed_us = None, t_us if self.pressed_us is None else self.pressed_us
        if band is not None and band.low_kpa <= p_kpa <= band.high_kpa:
            self.where = Where.IN
        elif p_kpa < CONTACT_KPA:
            self.where = Where.FREE
        else:
            self.where = Where.BELOW if band is None or p_kpa < band.low_kpa else Where.ABOVE


def lasts(since_us: float | None, t_us: float, for_us: float) -> bool:
    """Whether what began at `since_us` has lasted so long."""
    return since_us is not None and t_us - since_us >= for_us
