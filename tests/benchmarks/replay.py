"""How long a recorded hour takes to be judged again."""

import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from statistics import median

from companion.replays.player import Player, ReplayClock
from companion.replays.script import Script
from sessions.events import Event, Reading
from tests.benchmarks.figure import Figure
from tests.rehearsal import Rehearsal, from_capture, from_log

HOUR_S = 3600.0
REPEATS = 3
STEP_S = 0.04  # the ball's own batches are of 50 ms


def _seconds(make: Callable[[], Script]) -> float:
    """From opening the file to the last event. On a busy machine what counts is our own work."""
    scans = 0

    def observe(event: Event) -> None:
        nonlocal scans
        scans += len(event.t_s) if isinstance(event, Reading) else 0

    start = time.process_time()
    player = Player(make(), (observe,), ReplayClock(float("inf")))
    player.start()
    player.join()
    spent = time.process_time() - start
    assert player.outcome is not None
    assert player.outcome.code == 0, player.outcome
    assert scans > 0.95 * HOUR_S * 100, "the hour was not replayed"
    return spent


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        hour = Rehearsal(Path(directory), "session", "glute", step_s=STEP_S).run(HOUR_S).end()
        hour.events.clear()
        size = hour.capture.stat().st_size / 1e6
        note = f"4 cells, 100 Hz; {size:.1f} MB"
        times = [_seconds(make) for make in repeat(lambda: from_log(hour.database), REPEATS)]
        yield Figure("replay: an hour from the log", median(times), "s", at_most=2, note="4 cells, 100 Hz")
        times = [_seconds(make) for make in repeat(lambda: from_capture(hour.capture), REPEATS)]
        yield Figure("replay: an hour from its bytes", median(times), "s", at_most=10, note=note)
