"""How loaded each place still is: the guard's hold load, as its totals tell it, falling while nothing presses there."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from companion.safety.dose import overlaps
from companion.safety.limits import regions
from sessions.events import RegionTotals

OFFERED = 0.37  # a new hold is offered from here down (safety: one rest constant after a full hold)
ENOUGH = 0.95  # a hold is ended here, before the guard cautions at 1


@dataclass(slots=True)
class Loads:
    _known: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)  # place -> H, and when

    def take(self, rows: Iterable[RegionTotals], present: tuple[str, str], t_s: float) -> None:
        """Of the second's totals. Only the present place is followed by the guard; the others are at rest."""
        for row in rows:
            place = (row.region, row.side)
            if place == present or place not in self._known:
                self._known[place] = (row.hold_load, t_s)

    def at(self, region: str, side: str, t_s: float) -> float:
        """The highest of the places that share tissue."""
        rest_s = regions()[region].base.rest_s
        found = (
            load * math.exp(min(0.0, since_s - t_s) / rest_s)
            for (other, part), (load, since_s) in self._known.items()
            if other == region and overlaps(part, side)
        )
        return max(found, default=0.0)
