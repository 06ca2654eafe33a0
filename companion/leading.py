"""The guard and what is led beside it, in one order: what is done by hands is known to all before the next scan.

Pure. At one scan the guard speaks first. The scans are parted where something is done, so that the guard judges all
that comes after knowing of it, whatever the batches were.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from companion.guiding import Guided
from companion.handsfree.hands import Hands
from companion.programs.view import CoachView
from companion.safety.guard import Guard, Judged
from sessions.events import Action, Event, Floats

FELT = ("symptom", "mark")


class Leading:
    """`hands`: None where nobody asked to be led without hands. `guided`: None where there is no program."""

    def __init__(self, guard: Guard, hands: Hands | None, guided: Guided | None = None) -> None:
        self._guard, self._hands, self._guided = guard, hands, guided
        self._kpa = math.nan  # of the newest scan

    def feed(self, judged: Judged, index: int) -> list[Event]:
        """The next scans; `index` is that of the first."""
        if self._hands is None and self._guided is None:
            self._kpa = self._pressure(judged).item(-1)
            return [*self._guard.feed(judged)]
        out: list[Event] = []
        at, scans = 0, len(judged.t_s)
        while at < scans:
            p_kpa = self._pressure(judged)
            stop = at + self._part(judged.t_s[at:], p_kpa[at:])
            piece, last = _cut(judged, at, stop), index + stop - 1
            said: list[Event]
            said = [*self._guard.feed(piece)] if self._guided is None else self._guided.feed(piece, last)
            self._kpa = p_kpa.item(stop - 1)
            if self._hands is None:
                out += said
            else:
                told = self._told(self._hands, judged.t_s[at:stop], p_kpa[at:stop], said)
                asked = {id(event) for event in told}
                for event in sorted([*said, *told], key=_time):
                    done = isinstance(event, Action) and id(event) in asked
                    out += self._done(event, last) if isinstance(event, Action) and done else [event]
            at = stop
        return out

    def _part(self, t_s: Floats, p_kpa: Floats) -> int:
        """How many scans may be judged before anything is done."""
        most = len(t_s) if self._hands is None else self._hands.part(t_s, p_kpa)
        return most if self._guided is None else self._guided.part(t_s[:most])

    def act(self, action: Action, t_s: float) -> list[Event]:
        """What a person did between two scans, and what comes of it."""
        action = self._with_pressure(action)
        out = [*self.hear([action]), *self.hear(self._guard.act(action, t_s))]
        return out if self._guided is None else out + self._heard(self._guided.act(action, t_s))

    def recalibrated(self) -> None:
        """The ball's calibration is another: limits and bands are lowered before the next scan."""
        self._guard.recalibrated()
        if self._guided is not None:
            self._guided.adopt()

    def hear(self, events: Iterable[Event]) -> list[Event]:
        """What was said between two scans, and what comes of it."""
        out: list[Event] = []
        for event in events:
            out += self._heard([event])
            if self._guided is not None:
                out += self._heard(self._guided.hear(event))
        return out

    def _heard(self, events: Iterable[Event]) -> list[Event]:
        """These, and what the hands say to them."""
        out: list[Event] = []
        for event in events:
            out.append(event)
            if self._hands is not None:
                out += self._hands.hear(event)
        return out

    # --- the coach ---

    @property
    def view(self) -> CoachView | None:
        return None if self._guided is None else self._guided.view

    def tick(self, now_s: float, t_s: float) -> list[Event]:
        """Once the guard has judged the age of the value."""
        return [] if self._guided is None else self._heard(self._guided.tick(now_s, t_s))

    def aged(self, age_s: float, t_s: float) -> list[Event]:
        """As `tick`, where the age is known."""
        return [] if self._guided is None else self._heard(self._guided.aged(age_s, t_s))

    def deadline(self) -> float | None:
        """When `tick` is next due, on the clock of `arrival_s`."""
        return None if self._guided is None else self._guided.deadline()

    def _pressure(self, judged: Judged) -> Floats:
        """Mean contact pressure; where the ball gives no newtons, percent of full scale. Unknown without trust."""
        if not judged.trusted:
            return np.full(len(judged.t_s), np.nan)
        return judged.force_n * self._guard.tuning.kpa_per_n

    def _told(self, hands: Hands, t_s: Floats, p_kpa: Floats, said: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        at = 0
        for event in said:
            stop = int(t_s.searchsorted(_time(event)))
            out += hands.feed(t_s[at:stop], p_kpa[at:stop])
            out += hands.hear(event)
            at = max(at, stop)
        return [*out, *hands.feed(t_s[at:], p_kpa[at:])]

    def _done(self, action: Action, index: int) -> list[Event]:
        """By the ball, at the scan of this index."""
        action = self._with_pressure(replace(action, after_index=index))
        out = [action, *self.hear(self._guard.act(action, _time(action)))]
        return out if self._guided is None else out + self._heard(self._guided.act(action, _time(action)))

    def _with_pressure(self, action: Action) -> Action:
        """What somebody feels is kept with the pressure at that instant; None where that is unknown."""
        if action.kind not in FELT or "pressure_kpa" in action.fields or not self._guard.context.judged:
            return action
        kpa = self._kpa if math.isfinite(self._kpa) else None
        return replace(action, fields={**action.fields, "pressure_kpa": kpa})


def _time(event: Event) -> float:
    return getattr(event, "t_s", None) or 0.0


def _cut(judged: Judged, start: int, stop: int) -> Judged:
    if start == 0 and stop == len(judged.t_s):
        return judged
    part = slice(start, stop)
    head = start == 0
    return replace(
        judged,
        t_s=judged.t_s[part],
        force_n=judged.force_n[part],
        raw_n=judged.raw_n[part],
        cells_n=judged.cells_n[part],
        ramp_kpa_s=judged.ramp_kpa_s[part],
        saturated=judged.saturated[part],
        fresh=judged.fresh and head,
        lost=judged.lost if head else 0,
        gap_s=judged.gap_s if head else 0.0,
    )
