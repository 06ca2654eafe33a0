"""Ten thousand ways to press too hard, too long or too fast, and whether and how late the guard says so.

Each case is a force over time with one true exceedance: a plateau above a limit, a fall onto the ball, a fast rise that
stays below every limit of pressure, a hold, a dose, a time. What a ball makes of it (noise, quantum, full scale) goes
through the real smoother into the real guard, in batches as they would come. Ground truth tells when the on-delay of
the clean force was over; an alert of that level counts from the end of the batch that gave it.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from companion.safety.guard import Guard, Judged
from companion.safety.limits import GuardContext, regions
from companion.smoothing import GRID, Smoother
from sessions.events import Alert, Floats, Level
from tests.ground_truth import (
    AREAS_CM2,
    Rules,
    contact,
    dose,
    first,
    hold_load,
    lasting,
    rise_of_late,
    rules,
    touched_s,
)

QUANTUM_N = 0.05
BATCH_S = 0.05
TAIL_S = 1.0  # of the signal behind the moment where the alert is due
RAMP_MEAN_S = 0.15  # how fast a force rises is told by no less than this
RAMP_NOISE_PER_S = 15.0  # what noise of 1 N adds to a slope, at most: two scans 0.1 s apart, at 20 Hz


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """`due`: the scan by which the true force has completed the on-delay of `level`."""

    kind: str
    context: GuardContext
    hz: int
    force_n: Floats
    noise_n: float
    full_scale_n: float
    level: Level
    causes: tuple[str, ...]
    due: int


@dataclass(frozen=True, slots=True)
class Heard:
    """`late_s`: from due to the end of the batch that told it, in scan time; None where nothing was said."""

    kind: str
    late_s: float | None
    case: int


Made = Case | None  # None: this draw made no exceedance


def make(number: int) -> Case:
    """The case of that number, always the same."""
    rng = np.random.default_rng(number)
    while True:
        kind = KINDS[number % len(KINDS)]
        case = MAKERS[kind](kind, rng)
        if case is not None:
            return case


def hear(number: int) -> Heard:
    case = make(number)
    stop = min(len(case.force_n), case.due + round(TAIL_S * case.hz))
    batch = max(1, round(BATCH_S * case.hz))
    from_end = (case.due // batch - round(3.0 * case.hz) // batch) * batch  # far before it batches may be long
    edges = [*range(0, max(0, from_end), 100 * batch), *range(max(0, from_end), stop, batch), stop]
    for end, said in play(case, stop, sorted(set(edges)), number):
        for alert in said:
            if alert.level >= case.level and alert.level is not Level.TECHNICAL and alert.cause in case.causes:
                return Heard(case.kind, (end - 1 - case.due) / case.hz, number)
    return Heard(case.kind, None, number)


def play(case: Case, stop: int, edges: list[int], seed: int) -> Iterator[tuple[int, list[Alert]]]:
    """(end, alerts) of each batch."""
    rng = np.random.default_rng((seed, 7))
    noisy = case.force_n[:stop] + case.noise_n * rng.standard_normal(stop)
    raw = np.rint(np.rint(noisy / QUANTUM_N) * QUANTUM_N / GRID) * GRID
    saturated = raw >= 0.98 * case.full_scale_n
    raw = np.minimum(raw, case.full_scale_n)
    smoother, guard = Smoother(2, 1 / case.hz), Guard(case.context)
    t_s = np.arange(stop) / case.hz
    for start, end in pairwise(edges):
        run = slice(start, end)
        smoothed = smoother.feed(np.stack((raw[run], raw[run]), axis=1))
        judged = Judged(
            t_s=t_s[run],
            force_n=smoothed.despiked[:, 0],
            raw_n=raw[run],
            cells_n=smoothed.despiked[:, 1:],
            ramp_kpa_s=smoothed.ramp_per_s[:, 0] * 10.0 / case.context.area_cm2,
            saturated=saturated[run],
            period_s=1 / case.hz,
            arrival_s=float(t_s[end - 1]),
        )
        yield end, [event for event in guard.feed(judged) if isinstance(event, Alert)]


# --- what is drawn ---


def _place(rng: np.random.Generator, roller: bool = True) -> tuple[GuardContext, Rules, int, float]:
    region = str(rng.choice([key for key in regions() if key != "unknown"]))
    tool = str(rng.choice([key for key in AREAS_CM2 if roller or key != "roller"]))
    context = GuardContext(
        screened=True,
        factor_k=float(rng.choice([0.5, 0.7, 0.8, 1.0])),
        region=region,
        side=str(rng.choice(["left", "right", "both"])),
        tool=tool,
        area_cm2=AREAS_CM2[tool],
        body_kg=float(rng.uniform(50, 110)),
    )
    row, hz = rules(context), int(rng.choice([20, 50, 100]))
    return context, row, hz, float(rng.choice([0.0, 0.1, 0.3, 0.006 * row.force_max_n]))


def _joined(hz: int, *pieces: tuple[float, float, float]) -> Floats:
    """(seconds, from, to) each."""
    parts = [np.linspace(start, end, max(1, round(seconds * hz)), endpoint=False) for seconds, start, end in pieces]
    return np.concatenate(parts)


def _peak(kind: str, rng: np.random.Generator) -> Made:
    """From free or from work, up within 50 ms to 4 s, and above a limit for longer than its on-delay."""
    context, row, hz, noise = _place(rng)
    level, bound, on_s = [(Level.NOTICE, 0.85, 1.0), (Level.CAUTION, 1.0, 0.5), (Level.STOP, 1.25, 0.1)][
        int(rng.integers(3))
    ]
    before = float(rng.choice([0.0, rng.uniform(0.2, 0.7)]))
    # The plateau lies above the bound by more than the noise could take away.
    clear = bound * (1 + rng.choice([0.005, 0.02, 0.1])) + 4.5 * noise / row.force_max_n + QUANTUM_N / row.force_max_n
    peak = clear + float(rng.choice([0.0, rng.uniform(0.0, 1.0)]))
    ramp_s, stays_s = float(rng.uniform(0.05, 4.0)), on_s + float(rng.choice([0.15, 0.5, 3.0]))
    parts = _joined(hz, (1.5, before, before), (ramp_s, before, peak), (stays_s, peak, peak), (0.4, peak, 0.0))
    force = np.concatenate((parts, np.zeros(round(1.5 * hz)))) * row.force_max_n
    sure_n = 3.0 * noise  # what noise can hide has not been crossed
    over = row.x(force - sure_n) >= bound
    if level is Level.STOP:
        over |= force - sure_n >= row.force_cap_n
    due = first(lasting(over, on_s, hz))
    if due is None:
        return None
    return Case(kind, context, hz, force, noise, 1e4, level, ("peak", "saturation"), due)


def _fall(kind: str, rng: np.random.Generator) -> Made:
    """From 0 to 600 N in 80 to 300 ms, and not off again for at least a fifth of a second."""
    context, row, hz, noise = _place(rng, roller=False)
    rise_s, stays_s = float(rng.uniform(0.08, 0.3)), float(rng.uniform(0.25, 1.0))
    rest = float(rng.uniform(0.3, 1.0)) * 600.0
    force = _joined(hz, (float(rng.uniform(0.5, 3)), 0, 0), (rise_s, 0, 600), (stays_s, 600, rest), (0.5, rest, 0))
    force = np.concatenate((force, np.zeros(round(1.2 * hz))))
    over = (row.x(force - 3.0 * noise) >= 1.25) | (force - 3.0 * noise >= row.force_cap_n)
    due = first(lasting(over, 0.1, hz))
    if due is None:
        return None
    full_n = float(rng.choice([200.0, 400.0, 1e4]))
    context = dataclasses.replace(context, full_scale_n=full_n)
    return Case(kind, context, hz, force, noise, full_n, Level.STOP, ("peak", "saturation"), due)


def _ramp(kind: str, rng: np.random.Generator) -> Made:
    """From free, or in a step of a press, up too fast; but to no more than 80 % of any limit of pressure."""
    context, row, hz, noise = _place(rng)
    level, bound = [(Level.NOTICE, 150.0), (Level.CAUTION, 300.0)][int(rng.random() < 0.8)]  # many of these do not fit
    to_peq = 10.0 / math.sqrt(row.area_cm2)
    hidden = RAMP_NOISE_PER_S * noise * to_peq  # kPa/s
    per_s = bound * float(rng.choice([1.03, 1.1, 1.5])) + 4.5 * hidden
    start_n = float(rng.choice([0.0, rng.uniform(0.1, 0.6)])) * row.working_kpa[1] * row.area_cm2 / 10
    counts_n = max(start_n, 0.3 * row.working_kpa[1] * row.area_cm2 / 10)  # getting on is quiet up to here
    rise_s = (counts_n - start_n) * to_peq / per_s + RAMP_MEAN_S + 0.3 + float(rng.choice([0.15, 0.3, 0.6]))
    peak_n = start_n + per_s / to_peq * rise_s
    if peak_n > 0.8 * min(row.force_max_n, row.peq_max_kpa / to_peq):
        return None
    force = _joined(hz, (1.5, start_n, start_n), (rise_s, start_n, peak_n), (1.0, peak_n, peak_n), (0.5, peak_n, 0.0))
    over = (rise_of_late(force, row, hz, RAMP_MEAN_S) - 3.0 * hidden >= bound) & (force >= counts_n)
    due = first(lasting(over, 0.3, hz))
    if due is None:
        return None
    return Case(kind, context, hz, force, noise, 1e4, level, ("ramp",), due)


def _long(kind: str, rng: np.random.Generator) -> Made:
    """Within the peak limits, and longer than it may be: by hold load, by dose, or by time of contact."""
    context, row, hz, noise = _place(rng)
    hz = 20
    level = [Level.NOTICE, Level.CAUTION][int(rng.integers(2))]
    low, high = row.on_kpa * 1.15, 0.8 * min(row.working_kpa[1], 10 * row.force_max_n / row.area_cm2)
    p = float(rng.uniform(5.5, 10.0)) if kind == "time" else float(rng.uniform(min(low, high), high))
    force_n = round(p * row.area_cm2 / 10 / QUANTUM_N) * QUANTUM_N  # or the quantum would add up
    if kind == "dose":  # presses with rests, so that the hold load is not what is told
        swing = np.tile(np.concatenate((np.full(8 * hz, force_n), np.zeros(8 * hz))), 400)
        force = np.concatenate((np.zeros(hz), swing))[: 1800 * hz]
    else:
        seconds = 130.0 if kind == "hold" else 1.25 * row.session_s
        force = np.concatenate((np.zeros(hz), np.full(round(seconds * hz), force_n)))
    pressure = row.kpa(force)
    if kind == "hold":
        load, bound, on_s = hold_load(pressure, row, hz), (0.67 if level is Level.NOTICE else 1.0), 0.5
        due = first(lasting(load >= bound, 1.0 if level is Level.NOTICE else on_s, hz))
    else:
        share = 0.8 if level is Level.NOTICE else 1.0
        touching = contact(pressure, hz)
        used = dose(pressure, hz) if kind == "dose" else touched_s(pressure, hz)
        # What falls short by a thousandth where a press ends is told with the next press.
        most = 1.001 * row.dose_kpa_s if kind == "dose" else row.session_s
        due = first((used >= share * most) & touching & (pressure > 5))
    if due is None:
        return None
    return Case(kind, context, hz, force, min(noise, 0.1), 1e4, level, (kind,), due)


MAKERS: dict[str, Callable[[str, np.random.Generator], Made]] = {
    "peak": _peak,
    "fall": _fall,
    "ramp": _ramp,
    "hold": _long,
    "dose": _long,
    "time": _long,
}
KINDS = ("peak", "fall", "ramp", "hold", "peak", "fall", "peak", "time", "ramp", "dose")


def worst_s(hz: int) -> float:
    """A batch and 10 ms; the value of a sum may also be a scan off."""
    return math.ceil(BATCH_S * hz) / hz + 0.010
