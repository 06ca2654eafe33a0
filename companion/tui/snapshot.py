"""All that the live screen knows at one moment. Immutable; knows no Textual."""

import math
from dataclasses import dataclass

from sessions.events import Alert, Closed, Event, Level, Opened, RegionTotals, Totals

STALE_S = 0.25  # past this, or three scan periods if longer, a value is unknown
STALE_PERIODS = 3
PATTERNS = ("·", "░", "▒", "▓", "█")  # of the zones, in their order


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the zones of a region, tool and person begin, in mean contact pressure (kPa)."""

    light: float
    work: float
    high: float
    over: float
    stop: float  # where a stop is raised at once

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Lower edges of LIGHT, WORK, HIGH and OVER."""
        return (self.light, self.work, self.high, self.over)

    def zone(self, pressure_kpa: float) -> int | None:
        """0 to 4, an index into ZONES; None if the pressure is unknown."""
        return sum(pressure_kpa >= edge for edge in self.edges) if math.isfinite(pressure_kpa) else None


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event that is no reading and no totals, and its number since the start."""

    number: int
    event: Event


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known at one moment. Unknown is NaN or None."""

    count: int = 0  # scans in the ring so far
    t_s: float = math.nan  # session time of the newest scan
    arrival_s: float = math.nan  # of it, on the engine's clock
    period_s: float = math.nan
    smooth_kpa: float = math.nan
    pressure_kpa: float = math.nan
    load: float = math.nan  # in `unit`
    unit: str = ""
    saturated: bool = False
    known: bool = True  # False while the guard calls the value unknown
    loaded: bool = False
    marks: Marks | None = None
    totals: Totals | None = None
    opened: Opened | None = None
    region: str = ""
    side: str = ""
    tool: str = ""
    link: str = ""  # state of the last link notice
    rate_hz: float = math.nan
    loss: float = math.nan  # part of the scans of the last seconds that is missing
    lost: int = 0
    battery_pct: int | None = None
    alerts: tuple[Alert, ...] = ()  # active, most urgent first
    latched: tuple[Alert, ...] = ()  # stops that came off and wait to be confirmed
    silenced: frozenset[str] = frozenset()  # causes
    level: Level = Level.OK  # the one shown
    hands: str = ""  # state of the last notice of a session led by the ball alone; empty where none is
    hands_value: int | None = None  # the seconds or the score it tells
    hands_s: float = math.nan  # session time of it
    paused: bool = False  # by the person
    storage: str = ""  # state of the last storage notice
    stored_to_s: float = 0.0  # session time that is on the disk, by that notice
    mute: str = ""  # why warnings are not heard: "no sound", "no tones", "sound off"; empty where they are
    events: tuple[Numbered, ...] = ()
    closed: Closed | None = None

    @property
    def judged(self) -> bool:
        """Whether the ball gives newtons, so that pressure is known and limited."""
        return self.unit in ("", "N")

    @property
    def value(self) -> float:
        """The number to show, in kPa or else in the ball's own unit."""
        if not self.judged:
            return self.load
        return self.smooth_kpa if math.isfinite(self.smooth_kpa) else self.pressure_kpa

    @property
    def zone(self) -> int | None:
        return self.marks.zone(self.value) if self.marks is not None and self.judged else None

    @property
    def stale_after_s(self) -> float:
        """The age at which the value is unknown."""
        return max(STALE_S, STALE_PERIODS * self.period_s) if math.isfinite(self.period_s) else STALE_S

    @property
    def stopped(self) -> bool:
        """A stop has come off and waits to be confirmed."""
        return bool(self.latched) and self.level is not Level.STOP

    @property
    def here(self) -> RegionTotals | None:
        """What the present region and side got so far."""
        rows = self.totals.regions if self.totals is not None else ()
        return next((row for row in rows if (row.region, row.side) == (self.region, self.side)), None)


EMPTY = Snapshot()
