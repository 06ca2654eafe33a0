"""From the ball's 16-bit values to forces, and to pressure on the tool in use.

    i16 --x lsb--> cells (in the ball's unit, on the grid of 2^-10) --sum--> load --10*F/A--> pressure_kpa

The grid of 1/1024 N is finer than any ball resolves, and coarse enough that all later sums are exact (smoothing.py).

Only newtons become a pressure. Raw counts and the gas pressure inside a hollow ball are an index: shown, never judged.

A value can also be wrong as a whole. After a reset nobody knows the zero; after a tare under load the zero hides that
load and every later force reads too low. Such values are unknown until the ball has been seen free.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from companion.smoothing import BLAS_ELEMENTS, GRID, RANGE, sum_of_squares
from companion.timeline import Placed
from firmware_protocol.driver import Profile, Unit
from firmware_protocol.messages import NO_VALUE, SATURATED
from sessions.events import Floats

MAX_CELL = RANGE / 16  # a greater value is no force but unknown; so 16 channels sum up within range

FREE_KPA = 5.0  # below it nothing touches the ball (safety: contact starts there)
FREE_S = 1.0  # for so long, before a zero is trusted or taken
FREE_SHARE = 0.05  # of full scale, for units without a pressure; the same bound as for a zero (R28)
END_SHARE = 0.98  # of full scale: a cell this high is at its end (safety: saturation)

UNIT_NAMES = {Unit.NEWTON: "N", Unit.RAW: "counts", Unit.GAS_KPA: "kPa gas"}

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Forces:
    """One batch as forces. Arrays read-only, NaN where unknown; (scans,) unless said otherwise."""

    t_s: Floats
    cells: Floats  # (scans, channels), in `unit`; also NaN where saturated
    load: Floats  # sum of the cells, in `unit`; at least this where `saturated`
    pressure_kpa: Floats  # mean contact pressure; all NaN unless `unit` is "N"
    saturated: Flags  # a cell is at its end
    unit: str
    fresh: bool
    period_s: float
    arrival_s: float
    lost: int
    trusted: bool  # after the last scan; what comes before trust returned is NaN
    unknown: int  # how many scans from the first on are NaN for want of trust
    felt: Floats  # load by the ball's present zero, trusted or not: enough to see that it is too much
    felt_cells: Floats  # (scans, channels), likewise
    late: bool = False


class Contact:
    """What one ball's values mean on a tool of `area_cm2`. Made anew when the profile changes.

    `feed` is exact per scan: any split of the same scans gives the same values. Late (back-filled) scans are converted,
    and tell nothing about the present.
    """

    def __init__(self, profile: Profile, area_cm2: float) -> None:
        self.unit = UNIT_NAMES[profile.unit]
        self._newtons = profile.unit is Unit.NEWTON
        self._table = _meaning(profile.lsb)
        self._ones = np.ones(profile.channels)
        self._full_scale = profile.full_scale * profile.lsb
        self._end = math.ceil(END_SHARE * profile.full_scale) if profile.full_scale else SATURATED
        # A saturated cell is within 2 % of its rail before zero (R16), and a zero that is trusted takes 5 % at most.
        self._at_least = _on_grid((END_SHARE - FREE_SHARE) * self._full_scale) if self._full_scale else math.nan
        self._free_below = FREE_SHARE * (self._full_scale or SATURATED * profile.lsb)
        self._blank: dict[int, tuple[Floats, Flags]] = {}
        self._cause: str | None = None
        self._zero_known = True  # what a free ball reads is known: -hidden
        self._hidden = 0.0  # load that the ball's zero hides
        self._last = math.nan  # load of the last scan, by the ball's zero
        self._last_t_s = math.nan
        self._free_since_s = math.nan
        self.set_area(area_cm2)

    def set_area(self, area_cm2: float) -> None:
        """Another tool. The newtons stay, the pressure changes from the next scan on."""
        if not (math.isfinite(area_cm2) and area_cm2 > 0):
            raise ValueError(f"a contact area of {area_cm2} cm2")
        self._kpa_per_n = 10.0 / area_cm2
        if self._newtons:
            self._free_below = FREE_KPA / self._kpa_per_n

    @property
    def trusted(self) -> bool:
        return self._cause is None

    @property
    def cause(self) -> str | None:
        """Why values are unknown, or None."""
        return self._cause

    @property
    def curable(self) -> bool:
        """Whether being seen free would make values known again; else it takes another tare."""
        return abs(self._hidden) < self._free_below

    @property
    def still_free(self) -> bool:
        """Unloaded and still for a second, by the zero that was last trusted: a tare now is right."""
        return self._last_t_s - self._free_since_s >= FREE_S  # False with NaN

    def distrust(self, cause: str) -> None:
        """From the next scan on values are unknown, until the ball has been free for a second.

        Where the cause begins with "tare" ("tared under load") the new zero hides the load that was last seen. Free is
        then what reads less by so much, and if that is more than a free ball may read, only another tare makes values
        known again (`zero_changed`). After any other cause, or where the load before was unknown, nothing but the
        present zero can tell.
        """
        self._zero_known = self._zero_known and cause.startswith("tare") and not math.isnan(self._last)
        self._hidden = self._hidden + self._last if self._zero_known else 0.0
        self._last = 0.0 if self._zero_known else math.nan
        self._cause = cause
        self._free_since_s = math.nan

    def zero_changed(self, trusted: bool = True) -> None:
        """The ball's zero moved, by the host's tare or the ball's button. `trusted`: as in ZeroChanged.

        Right if the ball was still and free before; if not, it hides a load.
        """
        if self.still_free and trusted:
            self._trust()
        else:
            self.distrust("tared under load")

    def feed(self, placed: Placed) -> Forces:
        """The next scans in order. Late ones are only converted."""
        if placed.late:
            return self.convert(placed)
        cells, load, saturated, squares = self._loads(placed.values)
        unknown = self._watch(placed, load, squares)
        return self._forces(placed, cells, load, saturated, unknown)

    def convert(self, placed: Placed) -> Forces:
        """Scans out of order: what they mean under the present trust, which they do not change."""
        cells, load, saturated, _ = self._loads(placed.values)
        return self._forces(placed, cells, load, saturated, 0 if self.trusted else len(load))

    def _loads(self, values: NDArray[np.int16]) -> tuple[Floats, Floats, Flags, float]:
        """Cells, load, saturation, and the sum of the load's squares (NaN if a load is unknown)."""
        cells = self._table.take(values)
        load: Floats = cells.dot(self._ones) if cells.size <= BLAS_ELEMENTS else cells.sum(axis=1)
        squares = sum_of_squares(load)
        if squares != squares or values.max() >= self._end:
            load, saturated = self._at_ends(values, cells)
            return cells, load, saturated, sum_of_squares(load)
        return cells, load, self._blanks(len(load))[1], squares

    def _forces(self, placed: Placed, cells: Floats, load: Floats, saturated: Flags, unknown: int) -> Forces:
        felt, felt_cells = load, cells
        if unknown:
            cells, load = cells.copy(), load.copy()
            cells[:unknown] = np.nan
            load[:unknown] = np.nan
            felt.setflags(write=False)
            felt_cells.setflags(write=False)
        pressure: Floats = load * self._kpa_per_n if self._newtons else self._blanks(len(load))[0]
        cells.setflags(write=False)
        load.setflags(write=False)
        pressure.setflags(write=False)
        return Forces(
            placed.t_s,
            cells,
            load,
            pressure,
            saturated,
            self.unit,
            placed.fresh,
            placed.period_s,
            placed.arrival_s,
            placed.lost,
            self._cause is None,
            unknown,
            felt,
            felt_cells,
            placed.late,
        )

    def _at_ends(self, values: NDArray[np.int16], cells: Floats) -> tuple[Floats, Flags]:
        """Load and flags of a batch in which some cell has no value or is at its end (R16, R17)."""
        above = values == SATURATED
        saturated = (values >= self._end).any(axis=1) | (values == -SATURATED).any(axis=1)
        saturated.setflags(write=False)
        return np.where(above, self._at_least, cells).sum(axis=1), saturated

    def _watch(self, placed: Placed, load: Floats, squares: float) -> int:
        """Follow whether the ball is free; how many scans from the first on are not to be trusted."""
        if placed.fresh:
            self._free_since_s = math.nan
        last = self._last = load.item(-1)
        last_t_s = self._last_t_s = placed.t_s.item(-1)
        bound = self._free_below
        if self._cause is None:
            # The two usual cases: pressed at the end of the batch, or free all through it.
            if not abs(last) < bound:
                self._free_since_s = math.nan
                return 0
            if squares < bound * bound and self._free_since_s <= last_t_s:
                return 0
        return self._watch_each(placed.t_s, load, bound)

    def _watch_each(self, t_s: Floats, load: Floats, bound: float) -> int:
        since_s = self._free_since_s
        curable = self.curable
        unknown = 0
        for scan, (at_s, value) in enumerate(zip(t_s.tolist(), load.tolist(), strict=True)):
            if not abs(value + self._hidden) < bound:
                since_s = math.nan
            elif math.isnan(since_s):
                since_s = at_s
            if self._cause is not None:
                if curable and at_s - since_s >= FREE_S:
                    self._trust()
                else:
                    unknown = scan + 1
        self._free_since_s = since_s
        return unknown

    def _trust(self) -> None:
        self._cause = None
        self._hidden = 0.0
        self._zero_known = True

    def _blanks(self, scans: int) -> tuple[Floats, Flags]:
        """No pressure and no saturation, shared and read-only."""
        blanks = self._blank.get(scans)
        if blanks is None:
            blanks = self._blank[scans] = np.full(scans, np.nan), np.zeros(scans, dtype=bool)
            for array in blanks:
                array.setflags(write=False)
        return blanks


def _on_grid(value: float) -> float:
    return round(value / GRID) * GRID


@lru_cache(maxsize=8)
def _meaning(lsb: float) -> Floats:
    """What each of the 65 536 values means; negative ones index from the end, as numpy does. Shared, read-only."""
    counts = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.float64)
    table: Floats = np.rint(counts * (lsb / GRID)) * GRID + 0.0  # + 0.0: no negative zero
    table[(counts == NO_VALUE) | (np.abs(counts) == SATURATED) | ~(np.abs(table) <= MAX_CELL)] = np.nan
    table.setflags(write=False)
    return table
