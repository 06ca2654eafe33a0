"""A session without its samples: what is stored of it, and where that comes from."""

from dataclasses import dataclass

from sessions.events import Notice, Opened
from sessions.record import Kept
from sessions.session import Gap, SessionRow, gaps_of


@dataclass(frozen=True, slots=True)
class CurveFigures:
    """Of a session's pressure curve, in mean contact pressure; None where nothing is known."""

    known_s: float | None = None
    mean_kpa: float | None = None
    p95_kpa: float | None = None
    impulse_kpa_s: float | None = None
    damaged: int = 0  # stretches that could not be read and do not count


@dataclass(frozen=True, slots=True)
class About:
    """A session without its samples."""

    row: SessionRow
    opened: Opened  # the device and its calibration, the limits, the software of that day
    curve: CurveFigures
    events: tuple[Kept, ...]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What was not received."""
        return tuple(gaps_of(event for event in self.events if isinstance(event, Notice) and event.kind == "gap"))
