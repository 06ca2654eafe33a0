"""When a ball goes and comes back, and when something befalls it, while its scenario plays."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from firmware_protocol.simulator.ballfaults import Moments, Reach
from firmware_protocol.simulator.faults import Harm
from firmware_protocol.simulator.scenarios import Absence, Absences, Scenario


@dataclass(frozen=True, slots=True)
class Leave:
    """An absence that is to come, or under way, in the caller's seconds."""

    from_s: float
    to_s: float
    absence: Absence


class Timetable:
    """A scenario's absences and moments in the caller's seconds; it stands still until `set_off`. Infinite: never."""

    def __init__(self, plot: Scenario, once: Iterable[Absence], moments: Moments) -> None:
        """`once`: absences besides those of the scenario, which do not repeat."""
        self._absences = Absences(plot, once)
        self._moments = moments
        self._began_s: float | None = None  # the caller's second at which the scenario began; None: stands still
        self._served_s = 0.0  # absences of the scenario up to here are over
        self.leave: Leave | None = None  # the next, or the present one
        self.gone = False  # within `leave`

    @property
    def plays(self) -> bool:
        return self._began_s is not None

    def scenario_s(self, now_s: float) -> float:
        """The scenario's second; 0 while it stands still."""
        return 0.0 if self._began_s is None else now_s - self._began_s

    def present(self, now_s: float) -> bool:
        """Whether it is plugged in."""
        leave = self.leave
        return leave is None or leave.absence.silent or not leave.from_s <= now_s < leave.to_s

    def set_off(self, began_s: float, now_s: float) -> None:
        """The scenario plays, as if begun at `began_s`. An absence under way keeps its times."""
        self._began_s = began_s
        self._plan(now_s)

    def stand_still(self) -> None:
        """It is to begin anew. An absence under way still ends."""
        self._began_s = None
        self._drop()

    def skip(self, seconds: float, now_s: float) -> float | None:
        """So much of the scenario passes at a stroke; gives when it began now, None where it does not play."""
        if self._began_s is None:
            return None
        self._drop()
        self.set_off(self._began_s - seconds, now_s)
        return self._began_s

    # --- edges of absences ---

    @property
    def edge_s(self) -> float:
        """When it goes, or comes back."""
        if self.leave is None:
            return math.inf
        return self.leave.to_s if self.gone else self.leave.from_s

    def go(self) -> Leave:
        """It goes now, for so long."""
        assert self.leave is not None
        self.gone = True
        return self.leave

    def come_back(self, now_s: float) -> None:
        """The absence under way is over."""
        assert self.leave is not None
        self.gone = False
        self._served_s = self.leave.absence.to_s
        self.leave = None
        self._plan(now_s)

    # --- moments ---

    @property
    def moment_s(self) -> float:
        """When something happens next."""
        return math.inf if self._began_s is None else self._began_s + self._moments.next_s

    def happen(self, reach: Reach) -> Harm | None:
        """The next moment. None: it was nothing but the button."""
        return self._moments.happen(reach)

    def _drop(self) -> None:
        if not self.gone:
            self.leave = None

    def _plan(self, now_s: float) -> None:
        if self.gone or self._began_s is None:
            return
        absence = self._absences.ending_after(max(self._served_s, now_s - self._began_s))
        if absence is not None:
            self.leave = Leave(self._began_s + absence.from_s, self._began_s + absence.to_s, absence)
