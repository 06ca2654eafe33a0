"""The numpy core beside scipy's: a stream of small batches with carried state, 16 cells at 100 Hz.

The peer is `scipy.signal.sosfilt`, a 4th-order Butterworth low-pass as second-order sections: one filter and no ramp.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
from scipy import signal

from companion.contact import Contact
from companion.smoothing import CUTOFF_HZ, GRID, FirBank, Smoother, design
from companion.timeline import Placed, Timeline
from firmware_protocol.driver import Continuity, Profile, Samples, Started, Unit
from sessions.events import Floats
from tests.benchmarks.figure import Figure

PERIOD_S = 0.01
REPEATS = 41
SCANS = 20_000  # per repeat

Feed = Callable[[Floats], object]


def _sosfilt(columns: int) -> Feed:
    sections = signal.butter(4, CUTOFF_HZ, fs=1 / PERIOD_S, output="sos")
    state = np.zeros((len(sections), 2, columns))

    def feed(x: Floats) -> object:
        nonlocal state
        y, state = signal.sosfilt(sections, x, axis=0, zi=state)
        return y

    return feed


def _seconds(feed: Feed, batches: list[Floats], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        for batch in batches:
            feed(batch)
    return time.perf_counter() - start


def _ratios(scans: int, columns: int) -> tuple[float, float]:
    """How many times as many samples per second as sosfilt: the low-pass alone, and all of it."""
    rng = np.random.default_rng(1)
    batches = [np.rint(rng.normal(100, 20, (scans, columns)) / GRID) * GRID for _ in range(20)]
    times = max(1, SCANS // (scans * len(batches)))
    peer = _sosfilt(columns)
    lowpass = FirBank(design(PERIOD_S)[:1], columns).feed
    whole = Smoother(columns, PERIOD_S).feed
    found = []
    for _ in range(REPEATS):  # side by side, so that all three meet the same machine
        seconds = [_seconds(feed, batches, times) for feed in (peer, lowpass, whole)]
        found.append((seconds[0] / seconds[1], seconds[0] / seconds[2]))
    return statistics.median(each[0] for each in found[1:]), statistics.median(each[1] for each in found[1:])


def _profile(channels: int) -> Profile:
    return Profile(
        kind="knead",
        serial="KB-1",
        model="virtual",
        vendor="",
        firmware="",
        channels=channels,
        unit=Unit.NEWTON,
        lsb=0.05,
        max_hz=100,
        caps=0,
        cal_crc=0,
        boot_id=1,
        has_clock=True,
        full_scale=20_000,
        cell_mm2=0,
        contact_mm2=1200,
        tool=1,
    )


def _stages(scans: int, channels: int, batches: int) -> float:
    """Seconds per batch of timeline, contact and smoother together."""
    rng = np.random.default_rng(1)
    values = rng.integers(200, 2000, (scans, channels)).astype(np.int16)
    batch_us = round(scans * PERIOD_S * 1e6)
    feed = [
        Samples(values, scans * k, batch_us * k, batch_us - 10_000, k * batch_us * 1e-6 + 0.06) for k in range(batches)
    ]
    timeline, contact = Timeline(), Contact(_profile(channels), 12.0)
    timeline.start(Started(Continuity.FIRST, 1, 1, PERIOD_S, 0, 0, 0, 0.0))
    smoother = Smoother(channels + 1, PERIOD_S)
    start = time.perf_counter()
    for samples in feed:
        for placed in timeline.feed(samples):
            assert isinstance(placed, Placed)
            forces = contact.feed(placed)
            columns = np.empty((scans, channels + 1))
            columns[:, 0] = forces.load
            columns[:, 1:] = forces.cells
            smoother.feed(columns, forces.fresh)
    return (time.perf_counter() - start) / batches


def figures() -> Iterator[Figure]:
    for scans in (5, 10, 32):
        lowpass, whole = _ratios(scans, 16)
        bound = scans <= 10  # what a live ball sends
        note = f"samples/s beside sosfilt, {scans} scans x 16 cells"
        yield Figure(f"low-pass, {scans} scans a call", lowpass, "x", at_least=5.0 if bound else None, note=note)
        yield Figure(
            f"despike + low-pass + ramp, {scans} scans", whole, "x", at_least=3.0 if bound else None, note=note
        )
    _, whole = _ratios(6000, 5)
    yield Figure(
        "despike + low-pass + ramp, a minute at once", whole, "x", note="beside sosfilt, 6000 scans x 5 columns"
    )
    spent = statistics.median(_stages(5, 4, 2000) for _ in range(7))
    yield Figure("timeline + contact + smoother", 1e6 * spent, "us/batch", at_most=100.0, note="5 scans x 4 cells")
