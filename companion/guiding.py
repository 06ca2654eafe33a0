"""Guard and coach side by side: every scan is judged first, and then coached.

The coach hears each of the guard's events at its scan. What it wants the guard to know (another region or side, and
whether the ball rolls now) is an action that stands between two scans, behind the totals of a whole second: runs of
scans are cut there, so that any split gives the same events.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from companion.programs.coach import Coach
from companion.safety.guard import Guard, Judged
from companion.safety.limits import GuardContext
from sessions.events import Action, Alert, Cue, Floats, Notice, Totals

Said = Alert | Totals | Notice | Cue | Action


class Guided:
    """One session's guard, and its coach where there is a program."""

    def __init__(self, guard: Guard, coach: Coach | None) -> None:
        self.guard, self.coach = guard, coach
        self._second: int | None = None  # whose totals are to come next

    @property
    def context(self) -> GuardContext:
        return self.guard.context

    def feed(self, judged: Judged, index: int) -> list[Said]:
        """The next scans; `index` is that of the first."""
        coach = self.coach
        if coach is None:
            return [*self.guard.feed(judged)]
        out: list[Said] = []
        t_us = np.rint(judged.t_s * 1e6)
        start = 0
        while start < len(t_us):
            stop = self._cut(t_us, start)
            piece = _piece(judged, start, stop)
            out += self._piece(coach, piece, index + stop - 1)
            start = stop
        return out

    def act(self, action: Action, t_s: float) -> list[Said]:
        """What a person did, between two scans."""
        said: list[Said] = [*self.guard.act(action, t_s)]
        if self.coach is None:
            return said
        self.coach.adopt(self.guard.context)
        out: list[Said] = []
        for event in said:
            out += [event, *self.coach.hear(event)]
        return out + self.coach.act(action, t_s)

    def tick(self, now_s: float, t_s: float) -> list[Said]:
        said: list[Said] = [*self.guard.tick(now_s, t_s)]
        return said + ([] if self.coach is None else self.coach.tick(now_s, t_s))

    def aged(self, age_s: float, t_s: float) -> list[Said]:
        said: list[Said] = [*self.guard.aged(age_s, t_s)]
        return said + ([] if self.coach is None else self.coach.aged(age_s, t_s))

    def deadline(self) -> float | None:
        due = [self.guard.deadline(), None if self.coach is None else self.coach.deadline()]
        return min((at_s for at_s in due if at_s is not None), default=None)

    # --- pieces ---

    def _cut(self, t_us: Floats, start: int) -> int:
        """Up to and with the scan that passes a second. While its totals are late, scan by scan."""
        if self._second is None:
            self._second = int(t_us[start] // 1e6)
        at = start + int(np.searchsorted(t_us[start:], (self._second + 1) * 1e6))
        return min(at + 1, len(t_us))

    def _piece(self, coach: Coach, piece: Judged, last_index: int) -> list[Said]:
        tuning = self.guard.tuning
        kpa = piece.raw_n * tuning.kpa_per_n if piece.trusted else np.full(len(piece.t_s), np.nan)
        kpa = np.where(piece.saturated, np.inf, kpa) if piece.trusted else kpa
        out: list[Said] = []
        told = 0
        for event in self.guard.feed(piece):
            upto = int(np.searchsorted(piece.t_s, event.t_s, side="right"))
            if upto > told:
                out += coach.feed(piece.t_s[told:upto], kpa[told:upto], piece.period_s, piece.arrival_s)
                told = upto
            out.append(event)
            for said in coach.hear(event):
                out += self._do(coach, said, event.t_s, last_index)
            if isinstance(event, Totals):
                self._second = int(round(event.t_s * 1e6) // 1e6)
        if told < len(piece.t_s):
            out += coach.feed(piece.t_s[told:], kpa[told:], piece.period_s, piece.arrival_s)
        return out

    def _do(self, coach: Coach, said: Cue | Action | Notice, t_s: float, index: int) -> Iterator[Said]:
        """The coach's own actions reach the guard at once: no scan of the next second has been judged yet."""
        if not isinstance(said, Action):
            yield said
            return
        action = dataclasses.replace(said, t_s=t_s, after_index=index)
        yield action
        for event in self.guard.act(action, t_s):
            yield event
            coach.hear(event)
        coach.adopt(self.guard.context)


def _piece(judged: Judged, start: int, stop: int) -> Judged:
    if start == 0 and stop == len(judged.t_s):
        return judged
    run = slice(start, stop)
    piece = dataclasses.replace(
        judged,
        t_s=judged.t_s[run],
        force_n=judged.force_n[run],
        raw_n=judged.raw_n[run],
        cells_n=judged.cells_n[run],
        ramp_kpa_s=judged.ramp_kpa_s[run],
        saturated=judged.saturated[run],
    )
    return piece if start == 0 else dataclasses.replace(piece, fresh=False, lost=0, gap_s=0.0)
