"""What a person does on a ball, as force over time.

A body is a list of steps played over and over. Over the steps lie what a living person cannot leave out:
breathing, a slow sway and the tremor of held muscles, all in proportion to the load. Every value is a function
of its time alone (random access), in newtons, and never negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BREATH_HZ = 0.25  # 15 breaths a minute, an adult lying at rest
BREATH_SHARE = 0.02  # of the load; the chest's weight moves by a few percent
SWAY_HZ = (0.043, 0.071)
SWAY_SHARE = 0.007  # each
TREMOR_HZ = (8.1, 9.0, 9.9)  # physiological tremor, 8 to 10 Hz
TREMOR_SHARE = 0.002  # each
UNREST = BREATH_SHARE + 2 * SWAY_SHARE + 3 * TREMOR_SHARE  # most by which a hold leaves its target, as a share
REACH = 0.35  # how far the centre of a hold wanders from the middle, 1 = over a cell
ROLL_REACH = 0.85


class Move(StrEnum):
    PRESS = "press"  # from the load so far to `newton`, without a jerk: approach, ramp, ease off, lift
    HOLD = "hold"  # stay; at 0 N a rest
    ROLL = "roll"  # strokes around the load so far
    FALL = "fall"  # `peak_n` within `rise_s`, then settling at `newton`


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a person does, `seconds` long and ending at `newton`."""

    move: Move
    seconds: float
    newton: float
    stroke_s: float = 3.0  # ROLL: one stroke, there and back; 2 to 4 s is what guides ask for
    swing: float = 0.5  # ROLL: amplitude as a share of the load; its coefficient of variation is swing / sqrt(2)
    peak_n: float = 0.0  # FALL
    rise_s: float = 0.1  # FALL: 0.08 to 0.3 s

    def __post_init__(self) -> None:
        if not self.seconds > 0 or not self.newton >= 0:
            raise ValueError(f"a step lasts longer than 0 s and ends at 0 N or more, not {self}")
        if self.move is Move.ROLL and not (0 < self.swing < 1 and 0 < self.stroke_s <= self.seconds / 2):
            raise ValueError(f"rolling needs a swing below 1 and at least two strokes, not {self}")
        if self.move is Move.FALL and not (self.peak_n >= self.newton and 0 < self.rise_s < self.seconds / 2):
            raise ValueError(f"a fall rises to its peak in the first half of its time, not {self}")


class Body:
    """Force of `steps` played again and again from t = 0 on, shared by `channels` cells set in a ring.

    The first step begins at 0 N, the last has to end there. `seed` sets the phases of all that is not in the
    steps. `period_s` is the length of one repeat.
    """

    def __init__(self, steps: Sequence[Step], *, channels: int = 4, seed: int = 0) -> None:
        if not steps or steps[-1].newton != 0:
            raise ValueError("the last step has to end at 0 N, for the first begins there")
        if not 1 <= channels <= 16:
            raise ValueError(f"a ball has 1 to 16 channels, not {channels}")
        self._steps = tuple(steps)
        self._ends = np.cumsum([step.seconds for step in steps])
        self._begins = np.concatenate(([0.0], self._ends[:-1]))
        self._from = np.array([0.0, *(step.newton for step in steps[:-1])])
        self._bearing = 2 * np.pi * np.arange(channels) / channels
        self._phase = np.random.Generator(np.random.Philox(seed)).random(12) * 2 * np.pi
        self.channels = channels
        self.period_s = float(self._ends[-1])

    def load(self, t_s: Floats) -> Floats:
        """(n,) total newtons at times `t_s` (n,), seconds since the scenario began."""
        load, _ = self._moved(t_s)
        return load

    def force(self, t_s: Floats) -> Floats:
        """(n, channels) newtons of each cell; they add up to `load`, to within rounding."""
        load, swing = self._moved(t_s)
        return load[:, None] * self._shares(t_s, swing)

    def _moved(self, t_s: Floats) -> tuple[Floats, Floats]:
        """Load, and where in its stroke a roll is (-1..1, 0 elsewhere)."""
        turn_s = np.mod(t_s, self.period_s)
        at = np.minimum(np.searchsorted(self._ends, turn_s, side="right"), len(self._steps) - 1)
        load = np.empty_like(turn_s)
        swing = np.zeros_like(turn_s)
        for number in np.unique(at):
            here = at == number
            within_s = turn_s[here] - self._begins[number]
            load[here], swing[here] = _play(self._steps[number], float(self._from[number]), within_s)
        return load * self._unrest(t_s), swing

    def _unrest(self, t_s: Floats) -> Floats:
        """Factor around 1, within `UNREST`. Breaths are not alike: their phase wanders a little."""
        phase = self._phase
        wander = 0.5 * np.sin(2 * np.pi * 0.031 * t_s + phase[0])
        factor: Floats = 1 + BREATH_SHARE * np.sin(2 * np.pi * BREATH_HZ * t_s + wander + phase[1])
        for hz, start in zip(SWAY_HZ, phase[2:4], strict=True):
            factor += SWAY_SHARE * np.sin(2 * np.pi * hz * t_s + start)
        for hz, start in zip(TREMOR_HZ, phase[4:7], strict=True):
            factor += TREMOR_SHARE * np.sin(2 * np.pi * hz * t_s + start)
        return factor

    def _shares(self, t_s: Floats, swing: Floats) -> Floats:
        """(n, channels) parts of the load, each above 0, sum 1: the cells nearer to the centre carry more."""
        phase = self._phase
        x = REACH * np.sin(2 * np.pi * 0.037 * t_s + phase[7]) + ROLL_REACH * swing * np.cos(phase[9])
        y = REACH * np.sin(2 * np.pi * 0.053 * t_s + phase[8]) + ROLL_REACH * swing * np.sin(phase[9])
        nearness = x[:, None] * np.cos(self._bearing) + y[:, None] * np.sin(self._bearing)
        weight = np.exp(1.2 * nearness)
        return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float64)


def _play(step: Step, before_n: float, within_s: Floats) -> tuple[Floats, Floats]:
    """Load without unrest, and the swing of a roll, `within_s` seconds into a step that began at `before_n`."""
    still = np.zeros_like(within_s)
    match step.move:
        case Move.PRESS | Move.HOLD:
            return before_n + (step.newton - before_n) * _ease(within_s / step.seconds), still
        case Move.ROLL:
            middle = before_n + (step.newton - before_n) * _ease(within_s / step.seconds)
            fade = _ease(within_s / step.stroke_s) * _ease((step.seconds - within_s) / step.stroke_s)
            swing = fade * np.sin(2 * np.pi * within_s / step.stroke_s)
            return middle * (1 + step.swing * swing), swing
        case Move.FALL:
            rising = before_n + (step.peak_n - before_n) * _ease(within_s / step.rise_s)
            after_s = np.maximum(within_s - step.rise_s, 0)
            bounce = np.exp(-8 * after_s / (step.seconds - step.rise_s)) * (0.7 + 0.3 * np.cos(2 * np.pi * 4 * after_s))
            settling = step.newton + (step.peak_n - step.newton) * bounce
            return np.where(within_s < step.rise_s, rising, settling), still


def _ease(part: Floats) -> Floats:
    """0 to 1 with no speed at either end (smoothstep); steepest 1.5 in the middle."""
    part = np.clip(part, 0, 1)
    return np.asarray(part * part * (3 - 2 * part), dtype=np.float64)
