"""What the guard costs: a live batch of 5 scans, and the batches of 6000 that replay feeds.

The session rolls between 30 and 130 kPa with noise at 100 Hz, so that notices, cautions and stops come and go.
"""

import statistics
import time
from collections.abc import Iterator

import numpy as np

from companion.safety.guard import Guard, Judged
from companion.safety.limits import GuardContext
from tests.benchmarks.figure import Figure

HZ = 100
SCANS = 60_000
REPEATS = 9
LIVE, REPLAYED = 5, 6000
CONTEXT = GuardContext(screened=True, factor_k=1.0, region="glute", tool="tennis", area_cm2=12.0, cell_cm2=1.0)


def live_session(size: int, middle_n: float = 96.0) -> list[Judged]:
    """Ten minutes in batches of so many scans. Around 40 N all of it stays below every limit for its first minute."""
    rng = np.random.default_rng(4)
    t_s = np.arange(SCANS) / HZ
    force = np.rint((middle_n + 0.625 * middle_n * np.sin(t_s / 2) + rng.normal(0, 1, SCANS)) * 1024) / 1024
    cells = np.stack([force / 4] * 4, axis=1)
    ramp = rng.normal(0, 10, SCANS)
    unsaturated = np.zeros(SCANS, np.bool_)
    return [
        Judged(
            t_s=t_s[run],
            force_n=force[run],
            raw_n=force[run],
            cells_n=cells[run],
            ramp_kpa_s=ramp[run],
            saturated=unsaturated[run],
            period_s=1 / HZ,
            arrival_s=float(t_s[run][-1]),
        )
        for run in (slice(start, start + size) for start in range(0, SCANS, size))
    ]


def _microseconds_per_scan(size: int, middle_n: float = 96.0, seconds: float = SCANS / HZ) -> float:
    batches = live_session(size, middle_n)[: round(seconds * HZ / size)]
    found = []
    for _ in range(REPEATS):
        guard = Guard(CONTEXT)
        start = time.process_time()
        for batch in batches:
            guard.feed(batch)
        found.append((time.process_time() - start) / (len(batches) * size) * 1e6)
    return statistics.median(found)


def figures() -> Iterator[Figure]:
    live, replayed = _microseconds_per_scan(LIVE), _microseconds_per_scan(REPLAYED)
    yield Figure(
        "guard, a batch of 5 scans", live * LIVE, "us", at_most=120.0, note="four cells, 100 Hz, alarms included"
    )
    calm = _microseconds_per_scan(LIVE, 40.0, 60.0)
    yield Figure(
        "guard, a batch of 5 scans with nothing to tell", calm * LIVE, "us", at_most=90.0, note="the usual case"
    )
    yield Figure("guard, a scan in batches of 6000", replayed, "us", at_most=1.5, note="the same session, replayed")
