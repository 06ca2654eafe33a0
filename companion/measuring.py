"""Placed scans made measurements: force and pressure, despiked for the guard and smooth for the eye. Pure."""

from dataclasses import dataclass, replace

import numpy as np

from companion.contact import UNIT_NAMES, Contact, Forces
from companion.safety.guard import Judged
from companion.safety.limits import GuardContext
from companion.smoothing import Smoothed, Smoother
from companion.timeline import Placed
from firmware_protocol.driver import Profile, Unit, ZeroChanged
from sessions.events import Floats, Reading

COUNTS = UNIT_NAMES[Unit.RAW]
TARED_UNSEEN = "tared unseen"  # what lay on the ball then is hidden by its new zero


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    reading: Reading
    judged: tuple[Judged, ...]  # what the guard is to see; nothing of late scans


class Measure:
    """Contact and smoothing, of one ball under one context. `start` comes before the first `feed`."""

    def __init__(self, profile: Profile, context: GuardContext) -> None:
        self._context = context
        self._columns = 1 + profile.channels
        self._contact = Contact(profile, context.area_cm2)
        self.smoother: Smoother | None = None
        self.gap_s = 0.0  # time missing before the next scan
        self._said_free = False  # the tare under way rests on the person's word
        self.zero_stands = False  # the last one was taken of a free ball, as was seen or said

    def adopt(self, context: GuardContext) -> None:
        """The tool has changed, or the region."""
        self._context = context
        self._contact.set_area(context.area_cm2)

    def start(self, period_s: float) -> bool:
        """Scans come, so far apart. True: at another rate than before."""
        if self.smoother is not None and self.smoother.period_s == period_s:
            return False
        changed = self.smoother is not None
        self.smoother = Smoother(self._columns, period_s)
        return changed

    def feed(self, placed: Placed) -> Measured:
        smoother = self.smoother
        assert smoother is not None
        if placed.late:
            blank = np.full(len(placed.t_s), np.nan)
            return Measured(_reading(placed, self._contact.convert(placed), blank, blank), ())
        forces = self._contact.feed(placed)
        columns = np.empty((len(forces.load), 1 + forces.cells.shape[1]))
        columns[:, 0] = forces.felt
        columns[:, 1:] = forces.felt_cells
        smoothed = smoother.feed(columns, fresh=forces.fresh)
        smooth, ramp = self._pressures(smoothed, forces.unknown)
        measured = Measured(_reading(placed, forces, smooth, ramp), self._judged(forces, smoothed, ramp))
        self.gap_s = 0.0
        return measured

    def _pressures(self, smoothed: Smoothed, unknown: int) -> tuple[Floats, Floats]:
        """The first `unknown` scans are not to be trusted."""
        scale = 10.0 / self._context.area_cm2 if self._context.judged else np.nan
        smooth, ramp = smoothed.smooth[:, 0] * scale, smoothed.ramp_per_s[:, 0] * scale
        smooth[:unknown] = ramp[:unknown] = np.nan
        smooth.flags.writeable = ramp.flags.writeable = False
        return smooth, ramp

    def _judged(self, forces: Forces, smoothed: Smoothed, ramp_kpa_s: Floats) -> tuple[Judged, ...]:
        """The guard sees what the ball shows even where its zero is not trusted, apart from what is."""
        scans, unknown = len(forces.t_s), forces.unknown
        if not 0 < unknown < scans:
            return (self._part(forces, smoothed, ramp_kpa_s, slice(None), trusted=not unknown),)
        before = self._part(forces, smoothed, ramp_kpa_s, slice(0, unknown), trusted=False)
        after = self._part(forces, smoothed, ramp_kpa_s, slice(unknown, scans), trusted=True)
        return before, replace(after, fresh=False, lost=0, gap_s=0.0)

    def _part(self, forces: Forces, smoothed: Smoothed, ramp_kpa_s: Floats, part: slice, *, trusted: bool) -> Judged:
        return Judged(
            t_s=forces.t_s[part],
            force_n=smoothed.despiked[part, 0],
            raw_n=forces.felt[part],
            cells_n=smoothed.despiked[part, 1:],
            ramp_kpa_s=ramp_kpa_s[part],
            saturated=forces.saturated[part],
            period_s=forces.period_s,
            arrival_s=forces.arrival_s,
            fresh=forces.fresh,
            lost=forces.lost,
            gap_s=self.gap_s,
            trusted=trusted,
        )

    # --- its zero ---

    def rebooted(self) -> bool:
        """The ball took a new zero by itself. True: it was not free then, so that zero is not trusted.

        Of counts nobody knows the zero, before or after; nothing judges them.
        """
        loaded = self._contact.unit != COUNTS and not self._contact.still_free
        if loaded and self._contact.cause != TARED_UNSEEN:  # its zero is gone with the body still on it
            self._contact.distrust("reset under load")
        return loaded

    def say_free(self, word: bool) -> bool:
        """Whether a tare may be asked for: the ball was seen free, or the person says that it is."""
        self._said_free = word
        return word or self._contact.still_free

    def zeroed(self, zero: ZeroChanged) -> str:
        """What to tell the user of it."""
        done = "zero set"
        if zero.value is None:
            done = "its zero may be new"
            self._contact.distrust(TARED_UNSEEN)
        elif self._said_free:
            self._contact.distrust("reset by the user's word")  # free by the new zero, once it has been seen so
        else:
            self._contact.zero_changed(zero.trusted)
        self.zero_stands = zero.value is not None and (self._said_free or self._contact.trusted)
        self._said_free = False
        if self._contact.trusted:
            return done
        cure = "unknown until the ball is seen free"
        if not self._contact.curable:
            cure = "unknown until it is zeroed again with all weight off"
        return f"{done}, not trusted ({self._contact.cause}): {cure}"


def _reading(placed: Placed, forces: Forces, smooth_kpa: Floats, ramp_kpa_s: Floats) -> Reading:
    return Reading(
        t_s=forces.t_s,
        cells=forces.cells,
        load=forces.load,
        pressure_kpa=forces.pressure_kpa,
        smooth_kpa=smooth_kpa,
        ramp_kpa_s=ramp_kpa_s,
        saturated=forces.saturated,
        unit=forces.unit,
        lost=placed.lost,
        values=placed.values,
        index=placed.index,
        t_us=placed.t_us,
        span_us=placed.span_us,
        segment=placed.segment,
        arrival_s=placed.arrival_s,
        late=placed.late,
    )
