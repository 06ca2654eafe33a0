"""In which order a run of scans is told: scan by scan, and at one scan by rank."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from companion.safety.alarms import Alarms, Event, Moment, Stop, Value
from companion.safety.causes import CAUSES
from companion.safety.meters import Measured
from companion.safety.panel import Sight, Step
from companion.safety.silence import DropRate
from companion.safety.squeezes import Squeezes, Turn
from sessions.events import Level

_ORDER = {cause.key: number for number, cause in enumerate(CAUSES)}
_SOUND_AGAIN, _TOUCHED, _PRESSED, _CHANGED, _LASTED, _FREED = range(6)  # at one scan, in this order
_FREE_RANKS = (_TOUCHED, _FREED)

Item = tuple[int, int, int, Callable[[Moment], list[Event]]]  # scan, rank, place in the alarm table, what to tell


@dataclass(slots=True)
class Told:
    """What the steps of a run of scans are told to."""

    alarms: Alarms
    drops: DropRate
    squeezes: Squeezes
    region: str
    side: str

    def due(self, last_us: float) -> bool:
        """Whether anything may be told up to a moment even if no condition changes."""
        if self.alarms.stop is not Stop.NONE or self.alarms.any_silenced:
            return True
        return self.drops.clear_us is not None and last_us >= self.drops.clear_us

    def tell(self, sight: Sight, steps: list[Step], standing: dict[str, Value]) -> list[Event]:
        """`standing`: of the causes that wait for a press, what they stand at then."""
        alarms, measured = self.alarms, sight.measured
        items: list[Item] = [
            (step.at, _LASTED if step.escalation else _CHANGED, _ORDER[step.cause.key], self._step(step))
            for step in steps
        ]
        items += self._clocks(measured)
        items += [
            (sight.first_press, _PRESSED, _ORDER[cause], partial(self._press, cause, value))
            for cause, value in standing.items()
        ]
        if sight.trusted and alarms.stop is not Stop.NONE:
            items += self._follow_free(measured, 0)
        out: list[Event] = []
        items.sort(key=_place)
        while items:
            at, rank, _, tell = items.pop(0)
            before = alarms.stop
            scans = measured.scans
            out += tell(Moment(float(scans.t_s[at]), float(scans.t_us[at]), self.region, self.side))
            if alarms.stop is Stop.SOUNDING and before is not Stop.SOUNDING and rank not in _FREE_RANKS:
                self.squeezes.reset()
                items = [item for item in items if item[1] not in _FREE_RANKS]
                if sight.trusted:
                    items += self._follow_free(measured, at + 1)
                    items.sort(key=_place)
        return out

    def _step(self, step: Step) -> Callable[[Moment], list[Event]]:
        if step.escalation:
            return lambda at: self.alarms.raise_stop(step.cause.key, at, step.value)
        return lambda at: self.alarms.change(step.cause.key, step.level, at, step.value, again=step.again)

    def _press(self, cause: str, value: Value, at: Moment) -> list[Event]:
        return self.alarms.pressed(cause, at, value)

    def _clocks(self, measured: Measured) -> list[Item]:
        t_us = measured.scans.t_us
        items: list[Item] = []
        for until_us in self.alarms.unsilenced_us():
            at = int(t_us.searchsorted(until_us))
            if at < len(t_us):
                items.append((at, _SOUND_AGAIN, 0, self.alarms.unsilence))
        clear_us = self.drops.clear_us
        if clear_us is not None and clear_us <= t_us[-1]:
            at = int(t_us.searchsorted(clear_us))
            items.append((at, _CHANGED, _ORDER["dropped"], self._undropped))
        return items

    def _undropped(self, at: Moment) -> list[Event]:
        self.drops.clear_us = None
        return self.alarms.change("dropped", Level.OK, at, Value())

    def _follow_free(self, measured: Measured, start: int) -> list[Item]:
        """Where the ball comes free or is touched, from a scan on."""
        t_us, p_kpa = measured.scans.t_us[start:], measured.p_kpa[start:]
        if len(t_us) == 0:
            return []
        alarms = self.alarms
        told = {
            Turn.FREE: (_FREED, alarms.freed),
            Turn.TOUCHED: (_TOUCHED, alarms.touched),
            Turn.SQUEEZED: (_TOUCHED, alarms.confirm),
        }
        items: list[Item] = []
        for at, turn in self.squeezes.run(t_us, p_kpa):
            rank, tell = told[turn]
            items.append((start + at, rank, 0, tell))
            if turn is Turn.SQUEEZED:
                break
        return items


def _place(item: Item) -> tuple[int, int, int]:
    return item[:3]
