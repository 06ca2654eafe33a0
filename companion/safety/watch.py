"""On-delay, off-delay and deadband over runs of scans, for any split of them.

Times are whole microseconds in float64: their differences and sums are exact, so a delay is complete at the same scan
however the scans came.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from companion.safety.causes import STEPS, Cause, Row
from sessions.events import Floats, Level

Bools = NDArray[np.bool_]
MOST_STEPS = 1e6  # of tenths of an allowance: no week has as many
Change = tuple[int, Level]  # at scan i, the cause's condition is now of this level


@dataclass(slots=True)
class Signal:
    """What a row watches: its bounds over the scans at once, its values only where they are needed."""

    low: float
    high: float
    make: Callable[[], Floats] | None  # None: the same all along
    _values: Floats | None = None

    def values(self, scans: int) -> Floats:
        """(scans,)"""
        if self.make is None:
            return np.full(scans, self.low)
        if self._values is None:
            self._values = self.make()
        return self._values


NEVER, ALWAYS = Signal(0.0, 0.0, None), Signal(1.0, 1.0, None)
Signals = Mapping[str, Signal]


@dataclass(slots=True)
class Debounce:
    """A condition that must last. Off to on after `on_us` and `scans` scans, on to off after `off_us`."""

    on_us: float
    off_us: float = 0.0
    scans: int = 1
    on: bool = False
    since_us: float | None = None  # since when the opposite condition holds without a break
    start_us: float = 0.0  # where the present on-time began, its delay included
    _seen: int = field(default=0)

    @property
    def idle(self) -> bool:
        """Off, and nothing pending."""
        return not self.on and self.since_us is None

    @property
    def settled(self) -> bool:
        """On, and nothing pending."""
        return self.on and self.since_us is None

    def run(self, t_us: Floats, rising: Bools, falling: Bools | None) -> list[int]:
        """The scans where it flips. `falling` None: nothing may clear."""
        flips: list[int] = []
        at, count = 0, len(t_us)
        while at < count:
            condition = falling if self.on else rising
            if condition is None:
                break
            if self.since_us is None:
                first = at + int(condition[at:].argmax())
                if not condition[first]:
                    break
                self.since_us, self._seen, at = float(t_us[first]), 0, first
            end = at + int(condition[at:].argmin())
            if condition[end]:
                end = count
            ready = int(t_us.searchsorted(self.since_us + (self.off_us if self.on else self._rise_us(self.since_us))))
            ready = max(ready, at, at + (1 if self.on else self.scans) - self._seen - 1)
            if ready < end:
                self._flip()
                flips.append(ready)
                at = ready
            elif end == count:
                self._seen += count - at
                break
            else:
                self._break(float(t_us[end]))
                self.since_us, at = None, end
        return flips

    def _rise_us(self, since_us: float) -> float:
        """How long it must last, where it has held since then."""
        return self.on_us

    def _break(self, t_us: float) -> None:
        """It has not lasted."""

    def doubt(self) -> None:
        """Nothing was measured for a while: what was clearing begins anew, what was building up goes on."""
        if self.on:
            self.since_us = None

    def reset(self) -> None:
        self.on, self.since_us, self._seen = False, None, 0

    def _flip(self) -> None:
        assert self.since_us is not None
        self.on, self.start_us, self.since_us, self._seen = not self.on, self.since_us, None, 0


def mask_of(count: int, on: bool, flips: list[int]) -> Bools:
    """(count,) the state at each scan, from that before the first and the scans where it flips."""
    mask = np.full(count, on)
    for flip in flips:
        on = not on
        mask[flip:] = on
    return mask


class _Gate:
    """One row of the table, at work."""

    __slots__ = ("clear_at", "debounce", "level", "row", "set_at", "signal")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.level, self.signal = row.level, row.signal
        self.set_at, self.clear_at = row.set_at, row.clear_at
        self.debounce = Debounce(row.on_s * 1e6, row.off_s * 1e6, row.scans)

    def run(self, t_us: Floats, signal: Signal, may_clear: bool) -> list[int]:
        state = self.debounce
        if state.since_us is None:
            if not state.on:
                if signal.high < self.set_at:
                    return []
            elif signal.low >= self.clear_at:
                return []
        values = signal.values(len(t_us))
        return state.run(t_us, values >= self.set_at, values < self.clear_at if may_clear else None)


class Watch:
    """The rows of one cause. `level` is that of the highest row that is on."""

    __slots__ = ("_gates", "cause", "level", "resting")

    def __init__(self, cause: Cause) -> None:
        self.cause = cause
        self.level = Level.OK
        self.resting = True  # nothing is on, and nothing builds up
        self._gates = [_Gate(row) for row in cause.rows]

    def run(self, t_us: Floats, signals: Signals, may_clear: bool) -> list[Change]:
        """Where the level changes, once per scan at most. A signal that is missing is not judged."""
        flips: list[tuple[int, int]] = []
        for number, gate in enumerate(self._gates):
            signal = signals.get(gate.signal)
            if signal is not None:
                flips += [(at, number) for at in gate.run(t_us, signal, may_clear)]
        self.resting = all(gate.debounce.idle for gate in self._gates)
        if not flips:
            return []
        return self._changes(sorted(flips))

    def widen(self, noise_ratio: float) -> None:
        """The deadband is three times the baseline noise where that is more than the table's."""
        for gate in self._gates:
            if gate.row.clear_at < gate.row.set_at:
                gate.clear_at = min(gate.row.clear_at, gate.row.set_at - 3.0 * noise_ratio)

    def doubt(self) -> None:
        for gate in self._gates:
            gate.debounce.doubt()

    def reset(self) -> None:
        self.level, self.resting = Level.OK, True
        for gate in self._gates:
            gate.debounce.reset()

    def _changes(self, flips: list[tuple[int, int]]) -> list[Change]:
        # run() has already moved the gates to the end of the scans; go back over the flips from where they began
        on = [gate.debounce.on for gate in self._gates]
        for _, number in flips:
            on[number] = not on[number]
        changes: list[Change] = []
        for position, (at, number) in enumerate(flips):
            on[number] = not on[number]
            if position + 1 < len(flips) and flips[position + 1][0] == at:
                continue
            level = max((gate.level for gate, is_on in zip(self._gates, on, strict=True) if is_on), default=Level.OK)
            if level is not self.level:
                self.level = level
                changes.append((at, level))
        return changes


@dataclass(slots=True)
class Meter:
    """A sum over time, before and after the scans; its course only where it is needed."""

    end: float
    make: Callable[[], Floats]


class SumWatch:
    """The shares of one cause: told at 80 % and once per 10 % more, only while something presses."""

    __slots__ = ("_base", "_limit", "cause", "due", "level", "told")

    def __init__(self, cause: Cause) -> None:
        self.cause = cause
        self.level = Level.OK
        self._limit = self._base = 0.0
        self.reset()

    def allow(self, limit: float, base: float) -> None:
        """Up to `limit`, of which `base` was used elsewhere."""
        self._limit, self._base = limit, base
        self._aim()

    def used(self, meter: float) -> float:
        return self._base + meter

    @property
    def limit(self) -> float:
        return self._limit

    def run(self, meter: Meter, pressing: Callable[[], Bools | None]) -> list[Change]:
        """Where another tenth is told, which may be at the same level as before."""
        changes: list[Change] = []
        if meter.end < self.due:
            return changes
        loaded = pressing()
        if loaded is None:
            return changes
        course = meter.make()
        while meter.end >= self.due:
            reached = loaded & (course >= self.due)
            at = int(reached.argmax())
            if not reached[at]:
                break
            while course[at] >= self.due:
                self._pass(self.used(float(course[at])))
            self.level = self._level_of(self.told)
            changes.append((at, self.level))
        return changes

    def reset(self) -> None:
        """Nothing has been told."""
        self.level = Level.OK
        self.told = self._step(self.cause.shares[0].at) - 1
        self._aim()

    def _pass(self, used: float) -> None:
        """Another tenth is told; those well below what is used, at a stroke: a damaged log may carry any sum."""
        reached = min(STEPS * used / self._limit, MOST_STEPS)
        self.told = max(self.told + 1, int(reached) - 2)
        self._aim()

    def _aim(self) -> None:
        if self.told >= MOST_STEPS:
            self.due = math.inf
            return
        self.due = self._limit * (self.told + 1) / STEPS - self._base
        if self.cause.once and self.told >= self._step(self.cause.shares[-1].at):
            self.due = math.inf

    def _level_of(self, step: int) -> Level:
        return max(share.level for share in self.cause.shares if self._step(share.at) <= step)

    @staticmethod
    def _step(part: float) -> int:
        return round(part * STEPS)
