"""The coach behind the guard: every scan is judged first, and then coached.

The coach hears each of the guard's events at its scan. What it wants the guard to know (another region or side, and
whether the ball rolls now) is an action that stands between two scans, behind the totals of a whole second: runs of
scans are cut there, so that any split gives the same events.
"""

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from companion.programs.coach import Coach, Said
from companion.programs.view import CoachView
from companion.safety.guard import Guard, Judged
from sessions.events import Action, Event, Floats, Totals


class Guided:
    """One session's coach, beside its guard."""

    def __init__(self, guard: Guard, coach: Coach) -> None:
        self._guard, self._coach = guard, coach
        self._second: int | None = None  # whose totals are to come next

    @property
    def view(self) -> CoachView | None:
        return self._coach.view

    def part(self, t_s: Floats) -> int:
        """How many of these scans, one at least, may be fed at once: up to the one that passes a second.

        While its totals are late, scan by scan.
        """
        t_us = np.rint(t_s * 1e6)
        if self._second is None:
            self._second = int(t_us[0] // 1e6)
        return min(int(np.searchsorted(t_us, (self._second + 1) * 1e6)) + 1, len(t_us))

    def feed(self, judged: Judged, index: int) -> list[Event]:
        """A part: guard and coach, in the order of their scans. `index` is that of the last one."""
        kpa = self._pressure(judged)
        out: list[Event] = []
        told = 0
        for event in self._guard.feed(judged):
            upto = int(np.searchsorted(judged.t_s, event.t_s, side="right"))
            if upto > told:
                out += self._scans(judged, kpa, told, upto)
                told = upto
            out.append(event)
            out += self._do(self._coach.hear(event), event.t_s, index)
            if isinstance(event, Totals):
                self._second = int(round(event.t_s * 1e6) // 1e6)
        if told < len(judged.t_s):
            out += self._scans(judged, kpa, told, len(judged.t_s))
        return out

    def hear(self, event: Event) -> list[Said]:
        """What the guard said between two scans."""
        return self._coach.hear(event)

    def adopt(self) -> None:
        """The guard's context has changed between two scans."""
        self._coach.adopt(self._guard.context)

    def act(self, action: Action, t_s: float) -> list[Said]:
        """What a person did; the guard knows of it."""
        self.adopt()
        return self._coach.act(action, t_s)

    def tick(self, now_s: float, t_s: float) -> list[Said]:
        return self._coach.tick(now_s, t_s)

    def aged(self, age_s: float, t_s: float) -> list[Said]:
        return self._coach.aged(age_s, t_s)

    def deadline(self) -> float | None:
        return self._coach.deadline()

    def _pressure(self, judged: Judged) -> Floats:
        """As it came, so that anyone can count again: not despiked. Unknown without trust, no end where saturated."""
        if not judged.trusted:
            return np.full(len(judged.t_s), np.nan)
        return np.where(judged.saturated, np.inf, judged.raw_n * self._guard.tuning.kpa_per_n)

    def _scans(self, judged: Judged, kpa: Floats, start: int, stop: int) -> list[Said]:
        return self._coach.feed(judged.t_s[start:stop], kpa[start:stop], judged.period_s, judged.arrival_s)

    def _do(self, said: Iterable[Said], t_s: float, index: int) -> Iterator[Event]:
        """The coach's own actions reach the guard at once: no scan of the next second has been judged yet."""
        for item in said:
            if not isinstance(item, Action):
                yield item
                continue
            action = dataclasses.replace(item, t_s=t_s, after_index=index)
            yield action
            for event in self._guard.act(action, t_s):
                yield event
                self._coach.hear(event)
            self._coach.adopt(self._guard.context)
