"""Can the warnings be trusted: what is missed, what is late, what is said without need, and what a scan costs.

Exceedances and calm sessions are drawn by number, so every figure can be looked into with `make` and `live_through`.
"""

import time
from collections.abc import Iterator
from itertools import count

import numpy as np

from companion.safety.guard import Guard
from tests.benchmarks.figure import Figure
from tests.benchmarks.guard import CONTEXT, HZ, LIVE, live_session
from tests.calm_days import Day, live_through
from tests.exceedances import BATCH_S, KINDS, Heard, hear
from tests.lanes import in_lanes

EXCEEDANCES = 10_000
CALM_HOURS = 100.0


def figures() -> Iterator[Figure]:
    yield from of_exceedances(list(in_lanes(hear, range(EXCEEDANCES), f"of {EXCEEDANCES} exceedances")))
    days: list[Day] = []
    hours = 0.0
    for day in in_lanes(live_through, count(), f"calm sessions, up to {CALM_HOURS:g} h", size=4):
        days.append(day)
        hours += day.hours
        if hours >= CALM_HOURS:
            break
    yield from of_calm(days)
    yield _cost()


def of_exceedances(heard: list[Heard]) -> Iterator[Figure]:
    missed = [one for one in heard if one.late_s is None]
    falls = [one for one in heard if one.kind == "fall"]
    note = "numbers " + ", ".join(str(one.case) for one in missed[:5]) if missed else _kinds(heard)
    yield Figure("safety: exceedances missed", len(missed), f"of {len(heard)}", at_most=0, note=note)
    lost = sum(one.late_s is None for one in falls)
    yield Figure(
        "safety: falls onto the ball missed", lost, f"of {len(falls)}", at_most=0, note="0 to 600 N in 80-300 ms"
    )
    late_ms = [1e3 * one.late_s for one in heard if one.late_s is not None]
    bound_ms = 1e3 * BATCH_S + 10.0
    note = (
        f"median {np.median(late_ms):.0f}, worst {max(late_ms):.0f} ms; 20 to 100 Hz, batches of {1e3 * BATCH_S:.0f} ms"
    )
    yield Figure("safety: crossing to alert beyond the on-delay, p99", _p99(late_ms), "ms", at_most=bound_ms, note=note)


def of_calm(days: list[Day]) -> Iterator[Figure]:
    hours, pressed = sum(day.hours for day in days), sum(day.contact_s for day in days) / 3600
    wrong = [alert for day in days for alert in day.unjustified]
    loud = [alert for alert in wrong if alert[2] != "NOTICE"]
    note = f"{hours:.0f} h in {len(days)} sessions, {pressed:.0f} h of them pressed"
    yield Figure("safety: cautions and stops without reason", len(loud), "", at_most=0, note=_named(loud) or note)
    notices = len(wrong) - len(loud)
    yield Figure(
        "safety: notices without reason, in 10 h", 10 * notices / hours, "", at_most=1, note=_named(wrong) or note
    )
    said = sum(day.said for day in days)
    yield Figure("safety: alerts with reason, in 10 h", 10 * (said - len(wrong)) / hours, "", note="the same sessions")


def _cost() -> Figure:
    batches, guard = live_session(LIVE), Guard(CONTEXT)
    start = time.process_time()
    for batch in batches:
        guard.feed(batch)
    spent_us = (time.process_time() - start) / (len(batches) * LIVE) * 1e6
    return Figure("safety: guard, a scan in live batches", spent_us, "us", at_most=25, note=f"{LIVE} scans, {HZ} Hz")


def _p99(values: list[float]) -> float:
    return float(np.percentile(values, 99))


def _kinds(heard: list[Heard]) -> str:
    return ", ".join(f"{sum(one.kind == kind for one in heard)} {kind}" for kind in dict.fromkeys(KINDS))


def _named(alerts: list[tuple[int, str, str, float]]) -> str:
    return "; ".join(f"session {number}: {cause} {level} at {t_s:.1f} s" for number, cause, level, t_s in alerts[:3])
