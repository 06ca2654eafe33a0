"""Steps that are not done: where the guard has closed a place, or it had enough."""

from dataclasses import dataclass, field

from companion.programs.band import shut
from companion.programs.program import Step
from companion.safety.dose import overlaps
from companion.safety.limits import GuardContext
from sessions.events import Alert, Level, Notice

SUMS = ("dose", "time", "day", "day_dose")  # of a region: at a caution it had enough
BODY_SUMS = ("session", "day_total")


@dataclass(slots=True)
class Closed:
    _places: set[tuple[str, str]] = field(default_factory=set)
    _body: bool = False

    def hear(self, event: Alert | Notice) -> None:
        if isinstance(event, Notice):
            if event.kind == "region":
                self._places.add((str(event.fields.get("region")), "both"))
        elif event.level >= Level.CAUTION and event.cause in SUMS:
            self._places.add((event.region, event.side))
        elif event.level >= Level.CAUTION and event.cause in BODY_SUMS:
            self._body = True

    def why(self, step: Step, context: GuardContext) -> str:
        """ "locked", "resting", "tool", "limits" or "enough"; empty: the step may be done."""
        why = shut(step, context)
        if why:
            return why
        there = any(region == step.region and overlaps(side, step.side) for region, side in self._places)
        return "enough" if self._body or there else ""
