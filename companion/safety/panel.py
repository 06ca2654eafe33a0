"""The alarm table at work: every cause's rows and shares over a run of scans, and what they ask to be told."""

import math
from dataclasses import dataclass

import numpy as np

from companion.safety.alarms import NO_VALUE, Alarms, Value
from companion.safety.allowances import ALLOWANCES
from companion.safety.causes import CAUSES, HEAVY_RATIO, HEAVY_TEXT, Cause
from companion.safety.dose import Tuning
from companion.safety.limits import GuardContext
from companion.safety.meters import Measured, Meters
from companion.safety.stuck import STUCK_S
from companion.safety.watch import Change, Debounce, Signals, SumWatch, Watch
from sessions.events import Level

HOLD_LIMIT = 1.0


@dataclass(frozen=True, slots=True)
class Sight:
    """A run of scans, ready to be watched."""

    measured: Measured
    signals: Signals
    tuning: Tuning
    first_press: int  # where causes that wait for a press are told again; the number of scans if nowhere
    trusted: bool


@dataclass(frozen=True, slots=True)
class Step:
    """At scan `at`, a cause's condition is of another level; or its caution lasted too long."""

    at: int
    cause: Cause
    level: Level
    value: Value
    escalation: bool = False
    again: bool = False  # told even if the level is the same as before


class _Escalation:
    """A caution under load that lasts is a stop."""

    __slots__ = ("_lasting",)

    def __init__(self, after_s: float) -> None:
        self._lasting = Debounce(after_s * 1e6)

    def run(self, sight: Sight, before: Level, changes: list[Change], told_from: int) -> int | None:
        """The scan where it becomes a stop. The cause is told from scan `told_from` on."""
        caution = before is Level.CAUTION
        if not caution and not changes:
            self.reset()
            return None
        active = np.full(len(sight.measured.scans), caution)
        for at, level in changes:
            active[at:] = level is Level.CAUTION
        active[:told_from] = False
        active &= sight.measured.p_kpa >= sight.tuning.on_kpa
        flips = self._lasting.run(sight.measured.scans.t_us, active, None)
        if self._lasting.on:
            self.reset()
        return flips[0] if flips else None

    def reset(self) -> None:
        self._lasting.reset()


class Panel:
    """All causes. Rows and sums are watched always; whether something is told is the alarms' matter."""

    def __init__(self) -> None:
        self._watches = [Watch(cause) for cause in CAUSES if cause.rows]
        self._waits = [(row.signal, row.set_at, watch) for watch in self._watches for row in watch.cause.rows]
        self._sums = [SumWatch(cause) for cause in CAUSES if cause.shares]
        self._escalations = {cause.key: _Escalation(cause.escalate_s) for cause in CAUSES if cause.escalate_s}

    def retune(self, context: GuardContext, tuning: Tuning, meters: Meters) -> None:
        """Region, side, tool or person have changed."""
        for watch in self._watches:
            if watch.cause.key == "peak":
                watch.widen(context.noise_n * tuning.ratio_per_n)
        for sums in self._sums:
            sums.allow(*ALLOWANCES[sums.cause.key](context, tuning, meters))

    def run(self, sight: Sight, alarms: Alarms) -> list[Step]:
        """What changes in these scans, in no order."""
        steps: list[Step] = []
        t_us, meters = sight.measured.scans.t_us, sight.measured.meters
        for watch in self._awake(sight.signals):
            before = watch.level
            changes = watch.run(t_us, sight.signals, sight.trusted)
            if changes or before is not Level.OK:
                steps += [
                    Step(at, watch.cause, level, value_of(watch.cause, level, at, sight)) for at, level in changes
                ]
                last = self._escalate(watch, before, changes, sight, alarms)
                if last is not None:
                    value = value_of(watch.cause, Level.CAUTION, last, sight)
                    steps.append(Step(last, watch.cause, Level.STOP, value, escalation=True))
        for sums in self._sums:
            meter = meters.get(sums.cause.meter)
            before = sums.level
            if before is Level.OK and (meter is None or meter.end < sums.due):
                continue
            changes = [] if meter is None else sums.run(meter, sight.measured.pressing)
            if changes or before is not Level.OK:
                steps += [Step(at, sums.cause, level, sum_value(sums, at, sight), again=True) for at, level in changes]
                last = self._escalate(sums, before, changes, sight, alarms)
                if last is not None:
                    steps.append(Step(last, sums.cause, Level.STOP, sum_value(sums, last, sight), escalation=True))
        return steps

    def _awake(self, signals: Signals) -> dict[Watch, None]:
        """All but those at rest whose signals stay below what they wait for."""
        awake: dict[Watch, None] = {}
        for name, bound, watch in self._waits:
            if watch.resting:
                signal = signals.get(name)
                if signal is None or signal.high < bound:
                    continue
            awake[watch] = None
        return awake

    def standing(self, sight: Sight, alarms: Alarms) -> dict[str, Value]:
        """Of the causes that wait for a press, what they stand at when it comes."""
        at = sight.first_press
        values = {cause.key: NO_VALUE for cause in CAUSES if alarms.quiet(cause.key)}
        for watch in self._watches:
            if watch.cause.key in values:
                values[watch.cause.key] = value_of(watch.cause, Level.CAUTION, at, sight)
        for sums in self._sums:
            if sums.cause.key in values:
                values[sums.cause.key] = sum_value(sums, at, sight)
        return values

    def doubt(self) -> None:
        for watch in self._watches:
            watch.doubt()

    def forget_region(self) -> None:
        """Another region or side: what belonged to the last one begins anew."""
        watches: list[Watch | SumWatch] = [*self._watches, *self._sums]
        for watch in watches:
            if watch.cause.of_region:
                watch.reset()
                if watch.cause.key in self._escalations:
                    self._escalations[watch.cause.key].reset()

    def _escalate(
        self, watch: Watch | SumWatch, before: Level, changes: list[Change], sight: Sight, alarms: Alarms
    ) -> int | None:
        key = watch.cause.key
        escalation = self._escalations.get(key)
        if escalation is None:
            return None
        if alarms.stands(key):
            escalation.reset()
            return None
        told_from = 0
        if alarms.quiet(key):  # until a press, or until the condition rises
            levels = [before, *(level for _, level in changes)]
            rises = [at for (at, level), last in zip(changes, levels, strict=False) if level > last]
            told_from = min([sight.first_press, *rises])
        return escalation.run(sight, before, changes, told_from)


def sum_value(sums: SumWatch, at: int, sight: Sight) -> Value:
    """What a sum had reached at a scan."""
    meter = sight.measured.meters.get(sums.cause.meter)
    if meter is None:
        return NO_VALUE
    unit = 1e-6 if sums.cause.unit == "s" else 1.0  # clocks run in microseconds
    return Value(sums.used(float(meter.make()[at])) * unit, sums.limit * unit)


def value_of(cause: Cause, level: Level, at: int, sight: Sight) -> Value:
    """What the cause's signal was at a scan, in its unit, against its limit."""
    row = next((row for row in cause.rows if row.level is level), cause.rows[0])
    match cause.key:
        case "peak":
            ratio, limit = _at(sight, "ratio", at), sight.tuning.limits.mean_max_kpa
            if ratio is None:
                return Value(None, limit)
            return Value(ratio * limit, limit, HEAVY_TEXT if level is Level.STOP and ratio >= HEAVY_RATIO else None)
        case "hold":
            return Value(_at(sight, "hold", at), HOLD_LIMIT)
        case "ramp":
            return Value(_at(sight, "ramp", at), row.set_at)
        case "saturation":
            full_n = sight.tuning.full_scale_n if sight.tuning.judged else None
            return Value(full_n, full_n)
        case "static" | "roll_only" | "light_only":
            return Value(row.on_s if level is not Level.OK else 0.0, row.on_s)
        case "stuck":
            return Value(_at(sight, "stuck_s", at), STUCK_S)
        case _:
            return NO_VALUE


def _at(sight: Sight, signal: str, at: int) -> float | None:
    """None where it is unknown."""
    found = sight.signals.get(signal)
    value = math.nan if found is None else float(found.values(len(sight.measured.scans))[at])
    return value if math.isfinite(value) else None
