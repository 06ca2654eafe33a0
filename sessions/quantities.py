"""What stored values mean: newtons and kilopascals, the same numbers that were live."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sessions.batches import Part, Values
from sessions.events import Floats, Json

NEWTONS = "N"
# As live values are made, so that what is read back is what was seen (a test compares the two).
GRID = 2.0**-10  # every value lies on it, so that sums are exact in any order
MAX_CELL = 2.0**22  # a greater value is no force
NO_VALUE = -32768
END = 32767  # and -END: the cell is at the end of its range
END_SHARE = 0.98  # of full scale: so high a cell may be at its end
LEAST_SHARE = 0.93  # of full scale: a cell at its end feels at least this, whatever its zero


class Meaning:
    """What one ball's values mean, in its unit. `profile` as in `Opened.device`."""

    def __init__(self, profile: Mapping[str, Json], unit: str) -> None:
        self.unit = unit
        lsb, full_scale = _number(profile.get("lsb")), _number(profile.get("full_scale"))
        counts = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.float64)
        table = np.rint(counts * (lsb / GRID)) * GRID + 0.0  # + 0.0: no negative zero
        table[(counts == NO_VALUE) | (np.abs(counts) == END) | ~(np.abs(table) <= MAX_CELL)] = np.nan
        self._table = table
        self._end = math.ceil(END_SHARE * full_scale) if full_scale > 0 else END
        self._least = round(LEAST_SHARE * full_scale * lsb / GRID) * GRID if full_scale * lsb > 0 else math.nan

    def cells(self, values: Values) -> Floats:
        """(scans, channels) in `unit`; NaN unknown or saturated."""
        return np.asarray(np.take(self._table, values.view(np.uint16)))

    def load(self, values: Values, cells: Floats) -> Floats:
        """(scans,) the sum of `cells`; where one is saturated, the least it can be."""
        return np.asarray(np.where(values == END, self._least, cells).sum(axis=1))

    def saturated(self, values: Values) -> NDArray[np.bool_]:
        """(scans,) a cell is at its end."""
        return np.asarray(((values >= self._end) | (values == -END)).any(axis=1))

    def pressure_kpa(self, load: Floats, area_cm2: Floats) -> Floats:
        """(scans,) mean contact pressure 10*F/A; NaN unless `unit` is "N", and where the area is unknown."""
        return load * (10.0 / area_cm2) if self.unit == NEWTONS else np.full_like(load, np.nan)

    def curves(self, part: Part) -> tuple[Floats, Floats, Floats]:
        """(cells, load, pressure_kpa) of a part; NaN too where they were not to be trusted."""
        cells = self.cells(part.values)
        load = self.load(part.values, cells)
        if part.unknown.any():
            untrusted = part.untrusted()
            cells[untrusted] = np.nan
            load[untrusted] = np.nan
        return cells, load, self.pressure_kpa(load, part.per_scan(part.area_cm2()))


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
