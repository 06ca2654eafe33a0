"""What happens in a session: the events every observer is given, in order, and the journal keeps.

Times are `t_s`, seconds since the session's first sample by the device's own clock. Arrays are read-only.
Unknown is NaN or None, never zero. JSON names are the field names; levels and phases are lower-case words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Floats = NDArray[np.float64]
Fields = Mapping[str, Json]
NO_FIELDS: Fields = {}


class Level(IntEnum):
    """How urgent an alert is; the highest active one is shown."""

    OK = 0
    NOTICE = 1
    CAUTION = 2
    TECHNICAL = 3
    STOP = 4


class Phase(StrEnum):
    """What has just become of an alert's cause."""

    RAISED = "raised"
    ESCALATED = "escalated"
    CLEARED = "cleared"
    LATCHED = "latched"  # a stop that has come off, and now waits to be confirmed
    CONFIRMED = "confirmed"
    SILENCED = "silenced"


@dataclass(frozen=True, slots=True)
class Opened:
    """The session begins with its first sample. Everything needed to judge it again is here."""

    t_s: float
    started_at: datetime  # aware
    device: Fields  # firmware_protocol.driver.Profile as JSON
    person: str
    region: str
    side: str
    tool: str
    area_cm2: float  # contact area of the tool
    program: str | None
    context: Fields  # the GuardContext, whole
    smoothing: Fields
    simulated: bool
    software: str
    routine: Fields | None = None  # what the coach leads through, whole


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One batch of scans, placed in session time: the ball's own values and what they mean.

    `smooth_kpa[i]` and `ramp_kpa_s[i]` describe the moment `t_s[i] - delay_s` (constant, stated in
    `Opened.smoothing`). `load` is newtons where `unit` is "N"; otherwise an index that no limit judges.
    """

    t_s: Floats  # (scans,)
    cells: Floats  # (scans, channels), in `unit`; NaN unknown or saturated
    load: Floats  # (scans,) sum of the cells, in `unit`
    pressure_kpa: Floats  # (scans,) mean contact pressure 10*F/A; NaN unless unit is "N"
    smooth_kpa: Floats  # (scans,) low-passed
    ramp_kpa_s: Floats  # (scans,)
    saturated: NDArray[np.bool_]  # (scans,) a cell is at its end: the load is at least this
    unit: str  # "N", "counts" or "kPa gas"
    lost: int  # scans missing directly before this batch
    values: NDArray[np.int16]  # (scans, channels) as the ball sent them
    index: int  # of the first scan, wide
    t_us: int  # device clock of the first scan
    span_us: int
    segment: int  # +1 at each new device clock
    arrival_s: float
    late: bool = False  # back-filled

    @property
    def force_n(self) -> Floats:
        """(scans,) newtons; all NaN where the ball gives none."""
        return self.load if self.unit == "N" else np.full_like(self.load, np.nan)


@dataclass(frozen=True, slots=True)
class Alert:
    """A cause's transition. One event per cause and transition."""

    t_s: float
    cause: str  # "peak", "hold", "session", "ramp", "silence", "saturation", ...
    level: Level  # after the transition; OK with CLEARED and CONFIRMED
    phase: Phase
    value: float | None
    limit: float | None
    unit: str
    region: str
    side: str
    text: str  # plain words, most important first


@dataclass(frozen=True, slots=True)
class Notice:
    """Anything else the user or the log should know. Kinds:

    link      state (a driver Phase's value, "up", "lost", "gone"), cause
    gap       from_s, to_s, lost, cause: what was not received; never interpolated
    segment   cause ("first", "reboot"): a new device clock
    value     state ("known", "unknown"), cause
    zero      value, trusted
    ball      status: battery, temperature, flags
    refused   request
    terms     cause ("calibration", "counts", "rate", "full_scale", "zero", "size", "identity", "known", "clock",
              "compression"): what holds for the whole session
    rate      period_s: the ball scans at another rate from here on
    clock     device time and host time, offset and rate
    storage   state ("waiting", "written"), seconds
    capture   state ("waiting", "written"): the file of --capture
    damaged   reason, count: frames dropped since the last such notice
    slow      state ("late", "too slow"), hz: warnings come late, or cannot be relied on
    observer  name, error: an observer raised and was detached
    sound     state ("on", "off", "failed", "restarted"), tones, voice: the programs that play and speak, why
    hands     state, value: a session led by the ball alone. "armed", "countdown" (value: seconds left), "ready",
              "started", "paused", "held" (by two squeezes), "resumed", "asked" (whether something hurts),
              "answered", "unanswered", "finished" (come off), "rating" (of a hold), "scoring", "grade" (value: squeezed
              so hard now), "taken" (value), "back", "scored" (value), "unscored"
    over      cause ("released", "finished", "unused"): it has ended by itself, with nobody on the ball
    limit     state ("set", "lowered"), high, clear (counts), hold_ms, high_n: what the ball watches by itself
    """

    t_s: float
    kind: str
    text: str
    fields: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegionTotals:
    """What a region and side got so far. Zone seconds run over rest, light, work, high, over."""

    region: str
    side: str
    contact_s: float
    dose_kpa_s: float
    dose_limit_kpa_s: float
    hold_load: float  # 1 is the limit
    hold_s: float  # length of the present static hold
    holds: int
    peak_kpa: float
    peak_force_n: float
    zone_s: tuple[float, float, float, float, float]
    estimated_s: float  # booked for time lost under load


@dataclass(frozen=True, slots=True)
class Totals:
    """Every second of session time, and at the end."""

    t_s: float
    contact_s: float
    regions: tuple[RegionTotals, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """What a person did. Made without time and index; the pipeline fills in both when it is fed.

    Kinds: region, side, tool, tare, find, mark, symptom, pain, confirm, silence, pause, next, back, end.

    `pause` turns to and fro unless its field `on` says which. `by` says who did it where no key was pressed: "program"
    is the coach, on the way to its next step; "release", "contact", "squeeze" and "squeezes" are what was done to the
    ball. `find` has the ball buzz and blink, to be known by it. `pain` has `value`, 0 to 10, and `when` ("before",
    "hold", "after"). `symptom` and `mark` are given `pressure_kpa`, the pressure at that instant.
    """

    kind: str
    fields: Fields = field(default_factory=dict)
    t_s: float | None = None
    after_index: int | None = None  # of the scan before it


@dataclass(frozen=True, slots=True)
class Cue:
    """What the coach of a guided session says. `text` is plain words, spoken as they are; empty where others say it.
    Kinds, and their fields:

    program   program, title, steps, seconds, side, tool, stretch: the program begins; `step` is None
    next      title, site, region, side, tool, technique, band_kpa, seconds, repeats, in_s: what comes next
    step      the same without in_s: the step begins
    start     rep, repeats, seconds: the clock of a repetition begins to run
    left      way ("up", "down": where to go with the pressure), rep, held_s: out of the band, the clock stands;
              way "off": pressed while it is time to rest
    band      rep, held_s: back in the band, the clock runs again
    count     left_s: so many whole seconds are left (10, 3, 2, 1)
    breathe   rep: a reminder while the clock runs
    done      rep, repeats, held_s, seconds, from_s, cause ("time", "limit", "closed", "next"): a repetition is over;
              held_s counts the scans inside band_kpa since from_s, and nothing else
    rest      seconds (at least so long), hold_load: come off and rest
    rested    hold_load: the rest is over; with rep and in_s the next repetition of the step is announced
    pause     cause ("user", "stop", "silence", "zero", ...): coach and cues stand, guard and journal go on
    resume    cause: they go on
    skip      cause ("user", "locked", "resting", "enough", "tool", "limits"): the step is left out
    finish    steps, done, skipped, stretch, cause ("done", "closed"): the program is over; `step` is None
    """

    t_s: float
    kind: str
    step: int | None  # from 1 on
    text: str
    fields: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing comes after this."""

    t_s: float
    cause: str  # "user", "seconds", "away", "signal", "ball", "guard", "replayed", "released", "finished", "unused"


Event = Opened | Reading | Alert | Notice | Totals | Cue | Action | Closed
