"""Hours of use within the limits, and every alert that the true force does not justify.

A person of the simulator's own model (breathing, sway, tremor, rolling strokes) presses, holds, rolls and rests below
all limits of a region, tool and person drawn at random. The ball adds noise and a slow drift. What the guard says is
held against the ground truth of the clean force: an alert is justified if its rule was really met, to within 1 %.
"""

from dataclasses import dataclass

import numpy as np

from companion.safety.guard import Guard, Judged
from companion.safety.limits import GuardContext, regions
from companion.smoothing import GRID, Smoother
from firmware_protocol.simulator.body import Body, Move, Step
from sessions.events import Alert, Floats, Level, Phase
from tests.ground_truth import AREAS_CM2, Rules, dose, hold_load, lasting, rise, rules, touched_s

HZ = 100
SESSION_S = 1200.0
BLOCK = 6000
NOISE_N = (0.05, 0.15, 0.4)  # rms of one scan
DRIFT_N = 0.5  # to either side, over a quarter of an hour
BUDGET = 0.55  # of the hold load: a drift of 0.5 N on 25 N is 8 % of it, and a notice comes at 0.67
WITHIN = 0.99  # of a bound is the bound: a quantum, a rounding


@dataclass(frozen=True, slots=True)
class Day:
    """What one session gave."""

    hours: float
    contact_s: float
    said: int  # raised or escalated, whatever justified them
    unjustified: tuple[tuple[int, str, str, float], ...]  # session, cause, level, t_s


def live_through(number: int) -> Day:
    rng = np.random.default_rng((number, 11))
    context = _person(rng)
    row = rules(context)
    body = Body(_steps(context, row, rng), channels=1, seed=number)
    t_s = np.arange(round(min(SESSION_S, body.period_s) * HZ)) / HZ
    clean = body.load(t_s)
    pressure = row.kpa(clean)
    alerts = [alert for alert in _hear(context, t_s, clean, rng) if alert.phase in (Phase.RAISED, Phase.ESCALATED)]
    truth = Truth(row, clean, context)
    wrong = [(number, alert.cause, alert.level.name, alert.t_s) for alert in alerts if not truth.justifies(alert)]
    hours, contact_s = len(t_s) / HZ / 3600, float(touched_s(pressure, HZ)[-1])
    return Day(hours, contact_s, len(alerts), tuple(wrong))


class Truth:
    """When each rule was met by the force without noise."""

    def __init__(self, row: Rules, force_n: Floats, context: GuardContext) -> None:
        pressure = row.kpa(force_n)
        x, load = row.x(force_n), hold_load(pressure, row, HZ)
        region = regions()[context.region]
        spent = touched_s(pressure, HZ)
        used = dose(pressure, HZ)
        climbing = rise(force_n, row, HZ)
        near = WITHIN
        firm = row.working_kpa[0] if region.light_only else row.on_kpa
        self._met = {
            ("peak", Level.NOTICE): lasting(x >= 0.85 * near, 0.95, HZ),
            ("peak", Level.CAUTION): lasting(x >= near, 0.45, HZ),
            ("peak", Level.STOP): lasting((x >= 1.25 * near) | (force_n >= row.force_cap_n * near), 0.08, HZ)
            | lasting(x >= near, 5.3, HZ),
            ("hold", Level.NOTICE): load >= 0.67 * near,
            ("hold", Level.CAUTION): load >= near,
            ("hold", Level.STOP): (load >= 1.5 * near) | lasting(load >= near, 15.0, HZ),
            ("ramp", Level.NOTICE): lasting(climbing > 150 * near, 0.25, HZ),
            ("ramp", Level.CAUTION): lasting(climbing > 300 * near, 0.25, HZ),
            ("dose", Level.NOTICE): used >= 0.8 * near * row.dose_kpa_s,
            ("dose", Level.CAUTION): used >= near * row.dose_kpa_s,
            ("time", Level.NOTICE): spent >= 0.8 * near * row.session_s,
            ("time", Level.CAUTION): spent >= near * row.session_s,
            ("time_advice", Level.NOTICE): spent >= near * (region.advise_s or np.inf),
            ("session_advice", Level.NOTICE): spent >= near * 1200.0,
            ("static", Level.NOTICE): lasting(pressure >= row.on_kpa * near, 59.0, HZ),
            ("roll_only", Level.NOTICE): lasting(pressure >= row.on_kpa * near, 9.5, HZ) & region.roll_only,
            ("light_only", Level.NOTICE): lasting(pressure >= firm * near, 4.5, HZ) & region.light_only,
        }

    def justifies(self, alert: Alert) -> bool:
        """In the second before the alert (the filters' delay and the mean of half a second), or at it."""
        met = self._met.get((alert.cause, alert.level))
        at = round(alert.t_s * HZ)
        return met is not None and bool(met[max(0, at - HZ) : at + 1].any())


def _person(rng: np.random.Generator) -> GuardContext:
    region = str(rng.choice([key for key, row in regions().items() if not row.off_by_default]))
    tool = str(rng.choice(list(AREAS_CM2)))
    return GuardContext(
        screened=True,
        factor_k=float(rng.choice([0.5, 0.7, 1.0])),
        region=region,
        tool=tool,
        area_cm2=AREAS_CM2[tool],
        body_kg=70.0,
        full_scale_n=1000.0,
        rolling=bool(rng.random() < 0.5),
    )


def _steps(context: GuardContext, row: Rules, rng: np.random.Generator) -> list[Step]:
    """Presses, holds and rolls with rests, each within the hold load, all within dose and time."""
    steps, spent_s, used, clock_s, load = [Step(Move.HOLD, 5.0, 0.0)], 0.0, 0.0, 5.0, 0.0
    top = min(row.working_kpa[1], 0.75 * 10 * row.force_max_n / row.area_cm2)
    while clock_s < SESSION_S - 200.0:
        p = float(rng.uniform(min(6.0, top), top))
        force_n = p * row.area_cm2 / 10
        swing = float(rng.choice([0.0, 0.3, 0.5]))
        peak = p * (1 + swing)
        if 10 * row.force_max_n / row.area_cm2 * 0.8 < peak * 1.05:
            swing, peak = 0.0, p
        longest_s = float(row.allowed_s(np.array([max(peak, 1.0)]))[0]) * max(0.0, BUDGET - load)
        seconds = float(min(longest_s, 45.0, rng.uniform(4, 50)))
        on_s = float(max(2.0, peak * np.sqrt(row.area_cm2) / 40.0))  # at most 60 kPa/s, as smoothstep
        spent_s, used = spent_s + seconds + on_s + 3, used + max(0.0, peak - 9) * (seconds + on_s + 3)
        if spent_s > 0.72 * row.session_s or used > 0.72 * row.dose_kpa_s:
            break
        load += (seconds + on_s) / longest_s * max(0.0, BUDGET - load) if longest_s > 0 else 0.0
        if seconds >= 2.0:
            steps.append(Step(Move.PRESS, on_s, force_n))
            roll = swing > 0 and seconds >= 8.0
            steps.append(
                Step(Move.ROLL, seconds, force_n, stroke_s=float(rng.uniform(2.5, 4.0)), swing=swing)
                if roll
                else Step(Move.HOLD, seconds, force_n)
            )
            steps.append(Step(Move.PRESS, 3.0, 0.0))
        rest_s = float(row.rest_s * rng.uniform(0.8, 2.0))
        load *= float(np.exp(-rest_s / row.rest_s))
        steps.append(Step(Move.HOLD, rest_s, 0.0))
        clock_s += seconds + on_s + 3 + rest_s
    steps.append(Step(Move.HOLD, 5.0, 0.0))
    return steps


def _hear(context: GuardContext, t_s: Floats, clean: Floats, rng: np.random.Generator) -> list[Alert]:
    noise_n, phase = float(rng.choice(NOISE_N)), float(rng.uniform(0, 2 * np.pi))
    drift = DRIFT_N * np.sin(2 * np.pi * t_s / 900.0 + phase)
    raw = np.rint(np.rint((clean + drift + noise_n * rng.standard_normal(len(t_s))) / 0.05) * 0.05 / GRID) * GRID
    smoother, guard = Smoother(1, 1 / HZ), Guard(context)
    out: list[Alert] = []
    for start in range(0, len(t_s), BLOCK):
        run = slice(start, start + BLOCK)
        smoothed = smoother.feed(raw[run, None])
        out += [
            event
            for event in guard.feed(
                Judged(
                    t_s=t_s[run],
                    force_n=smoothed.despiked[:, 0],
                    raw_n=raw[run],
                    cells_n=smoothed.despiked,
                    ramp_kpa_s=smoothed.ramp_per_s[:, 0] * 10.0 / context.area_cm2,
                    saturated=np.zeros(len(raw[run]), np.bool_),
                    period_s=1 / HZ,
                    arrival_s=float(t_s[run][-1]),
                )
            )
            if isinstance(event, Alert)
        ]
    return out
