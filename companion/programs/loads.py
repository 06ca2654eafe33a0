"""How loaded each place still is: the guard's hold load, as its totals tell it, falling while nothing presses there."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from companion.safety.dose import overlaps
from companion.safety.limits import regions
from sessions.events import RegionTotals

OFFERED = 0.37  # a new hold is offered from here down (safety: one rest constant after a full hold)
ENOUGH = 0.95  # a hold is ended here at the latest: the guard cautions at 1 ...
EASE_S = 5.0  # ... and so long before it would get there, for coming off takes time


@dataclass(slots=True)
class Loads:
    _known: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)  # place -> H, and when
    _rate: float = 0.0  # of the present place, per second

    def take(self, rows: Iterable[RegionTotals], present: tuple[str, str], t_s: float) -> None:
        """Of the second's totals. Only the present place is followed by the guard; the others are at rest."""
        for row in rows:
            place = (row.region, row.side)
            if place == present:
                before, since_s = self._known.get(place, (row.hold_load, t_s))
                self._rate = max(0.0, row.hold_load - before) / max(1.0, t_s - since_s)
            if place == present or place not in self._known:
                self._known[place] = (row.hold_load, t_s)

    def enough(self, region: str, side: str, t_s: float) -> bool:
        """Whether it is time to come off."""
        load = self.at(region, side, t_s)
        return load >= ENOUGH or load + EASE_S * self._rate >= 1.0

    def at(self, region: str, side: str, t_s: float) -> float:
        """The highest of the places that share tissue."""
        rest_s = regions()[region].base.rest_s
        found = (
            load * math.exp(min(0.0, since_s - t_s) / rest_s)
            for (other, part), (load, since_s) in self._known.items()
            if other == region and overlaps(part, side)
        )
        return max(found, default=0.0)
