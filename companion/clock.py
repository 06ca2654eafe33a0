"""The engine's clock: seconds that may run faster than the wall's."""

import time
from datetime import datetime, timedelta


class Clock:
    """Monotonic seconds from 0 at creation, multiplied by `speed`, and the wall time of that moment."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._origin = time.monotonic()
        self._epoch = datetime.now().astimezone()

    def now_s(self) -> float:
        return (time.monotonic() - self._origin) * self.speed

    def wait_s(self, until_s: float) -> float:
        """Real seconds to wait until this clock shows `until_s`; 0 if it has passed."""
        return max(0.0, (until_s - self.now_s()) / self.speed)

    def wall(self, at_s: float) -> datetime:
        """The wall time at which this clock showed `at_s`: aware, with the offset that held here when it was made.

        A session keeps that offset, so that its day and hour stay those of the person, wherever they are read.
        """
        return self._epoch + timedelta(seconds=at_s / self.speed)
