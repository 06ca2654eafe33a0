"""What adds up in the slow twin of the guard: hold load, dose and clocks."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from companion.safety.limits import Carried, GuardContext, effective, regions
from sessions.events import RegionTotals, Totals
from tests.reference_alarms import ContactDelay, ReferenceAlarms


def shared(side: str, other: str) -> bool:
    return side == other or "both" in (side, other)


@dataclass
class Part:
    """What a region and side got."""

    region: str
    side: str
    dose_limit: float
    rest_s: float
    contact_us: int = 0
    dose: float = 0.0
    hold: float = 0.0
    peak_of_rest: float = 0.0
    rests_since: int | None = 0
    at: int = 0
    zones_us: list[int] = field(default_factory=lambda: [0] * 5)
    holds: int = 0
    held_us: int = 0
    peak_kpa: float = 0.0
    peak_n: float = 0.0
    estimated_s: float = 0.0

    def rest(self, t: int) -> None:
        if self.rests_since is None:
            self.peak_of_rest, self.rests_since = self.hold, self.at
        assert self.rests_since is not None
        if self.peak_of_rest < 1e-9:
            self.peak_of_rest = 0.0
        self.hold = self.peak_of_rest * math.exp((self.rests_since - t) / (1e6 * self.rest_s))
        self.at = t

    def press(self, t: int, load: float) -> None:
        self.hold, self.rests_since, self.at = self.hold + load, None, t


class ReferenceSums(ReferenceAlarms):
    def __init__(self, context: GuardContext) -> None:
        super().__init__(context)
        self.parts: dict[tuple[str, str], Part] = {}
        self.session_us = 0
        self.p = 0.0
        self.contact = ContactDelay(0.2, 0.5)
        self._retune()

    def _book(self, seconds: float, until: int) -> None:
        if not self.contact.on:
            return
        seconds = min(seconds, 60.0)
        bottom, top = self.limits.working_kpa
        p = max(self.p, (bottom + top) / 2)
        self.session_us += round(seconds * 1e6)
        self.part.contact_us += round(seconds * 1e6)
        self.part.estimated_s += seconds
        self.part.dose += max(0.0, p - 9.0) * seconds
        if p < max(10.0, bottom / 2):
            self.part.rest(until)
        else:
            self.part.press(until, seconds / self._hold_s(p))

    def _hold_s(self, p: float) -> float:
        return min(max(self.limits.hold_s * (self.limits.working_kpa[1] / p) ** 4, 5.0), 120.0)

    def _used(self, key: str) -> tuple[float, float]:
        """In whole microseconds for clocks."""
        region, context, limits = self.context.region, self.context, self.limits
        group = regions()[region].day_group
        members = [key for key, row in regions().items() if row.day_group == group]
        match key:
            case "time":
                return self._spent(lambda part: part.contact_us, [region]), limits.session_s * 1e6
            case "dose":
                return self._spent(lambda part: part.dose, [region]), limits.dose_kpa_s
            case "time_advice":
                advised = regions()[region].advise_s or math.inf
                return self._spent(lambda part: part.contact_us, [region]), advised * 1e6
            case "session":
                return self.session_us, context.session_limit_s * 1e6
            case "session_advice":
                return self.session_us, 1200e6
            case "day":
                cap = max(regions()[member].base.day_s for member in members)
                carried = self._carried([row for row in context.carried if row.region in members], "contact_s")
                return self._spent(lambda part: part.contact_us, members) + carried * 1e6, cap * 1e6
            case "day_dose":
                carried = self._carried([row for row in context.carried if row.region == region], "dose_kpa_s")
                return self._spent(lambda part: part.dose, [region]) + carried, 1.5 * limits.dose_kpa_s
            case _:
                return self.session_us + context.carried_s * 1e6, 1800e6

    def _spent(self, value: Callable[[Part], float], members: list[str]) -> float:
        """Here, and in other accounts over the same tissue; of left and right, the larger."""
        sides = {"left": 0.0, "right": 0.0, "both": 0.0}
        for part in self.parts.values():
            if part is not self.part and part.region in members and shared(part.side, self.context.side):
                sides[part.side] += value(part)
        return value(self.part) + sides["both"] + max(sides["left"], sides["right"])

    def _carried(self, rows: list[Carried], column: str) -> float:
        sides = {"left": 0.0, "right": 0.0, "both": 0.0}
        for row in rows:
            if shared(row.side, self.context.side):
                sides[row.side] += float(getattr(row, column))
        return sides["both"] + max(sides["left"], sides["right"])

    def _totals(self, t_s: float) -> Totals:
        rows = []
        for part in self.parts.values():
            rest, light, work, high, over = (us * 1e-6 for us in part.zones_us)
            rows.append(
                RegionTotals(
                    part.region,
                    part.side,
                    part.contact_us * 1e-6,
                    part.dose,
                    part.dose_limit,
                    part.hold,
                    part.held_us * 1e-6,
                    part.holds,
                    part.peak_kpa,
                    part.peak_n,
                    (rest, light, work, high, over),
                    part.estimated_s,
                )
            )
        return Totals(t_s, self.session_us * 1e-6, tuple(rows))

    def _retune(self) -> None:
        self.limits, self.strict = self.context.limits(), self.context.limits(raised=False)
        key = (self.context.region, self.context.side)
        if key not in self.parts:
            rest_s = effective(self.context.region).rest_s
            self.parts[key] = Part(*key, self.limits.dose_kpa_s, rest_s)
        self.part = self.parts[key]
