"""From an alert in the engine's thread to the player's own first act, and what sound costs the engine."""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from companion.cues.observer import Cues, Wanted
from sessions.events import Alert, Level, Notice, Phase
from tests.benchmarks.figure import Figure
from tests.loudspeaker import Loudspeaker

REPEATS = 60
OBSERVED, AT_ONCE = 4_000, 400  # alerts, and how many before the queue is let run empty
LIMIT_S = 10.0


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as home:
        speaker = Loudspeaker(Path(home) / "speaker", "aplay")
        before = dict(os.environ)
        os.environ |= speaker.environment
        try:
            latencies_s, observed_s = _measured(speaker, Path(home) / "sounds")
        finally:
            os.environ.clear()
            os.environ |= before
    note = "a bash script as the player, its own start included"
    yield Figure("alert to player command, median", 1e3 * float(np.median(latencies_s)), "ms", at_most=15.0, note=note)
    yield Figure("alert to player command, p99", 1e3 * float(np.quantile(latencies_s, 0.99)), "ms", at_most=60.0)
    yield Figure("observer's call, median", 1e6 * float(np.median(observed_s)), "us", at_most=20.0, note="an alert")
    yield Figure("observer's call, p99.9", 1e6 * float(np.quantile(observed_s, 0.999)), "us", at_most=1000.0)


def _measured(speaker: Loudspeaker, sounds: Path) -> tuple[list[float], list[float]]:
    notices: list[Notice] = []
    cues = Cues(Wanted(True, False, sounds), notices.append)
    cues.start()
    _wait(speaker, 1)  # the sound check
    latencies_s = []
    for number in range(REPEATS):
        count = len(speaker.given())
        began_s = time.time()
        cues(_alert(f"cause {number}", Phase.RAISED))
        given = _wait(speaker, count + 1)
        latencies_s.append(given - began_s)
        cues(_alert(f"cause {number}", Phase.CLEARED))
    observed_s = []
    for number in range(OBSERVED):
        event = _alert("peak", Phase.CLEARED if number % 2 else Phase.RAISED)
        began_s = time.perf_counter()
        cues(event)
        observed_s.append(time.perf_counter() - began_s)
        if number % AT_ONCE == AT_ONCE - 1:
            time.sleep(0.1)
    cues.close()
    return latencies_s, observed_s


def _alert(cause: str, phase: Phase) -> Alert:
    level = Level.OK if phase is Phase.CLEARED else Level.STOP
    return Alert(1.0, cause, level, phase, None, None, "", "glute", "left", "stop, come off")


def _wait(speaker: Loudspeaker, count: int) -> float:
    """When the player was called for the so-manyth time, by its own clock."""
    end_s = time.monotonic() + LIMIT_S
    while len(given := speaker.given()) < count:
        if time.monotonic() > end_s:
            raise TimeoutError(f"{len(given)} of {count} calls of the player")
        time.sleep(0.002)
    return given[count - 1].at_s
