"""The whole twelve minutes of the scenario `session`, led by the program it was made for: holds beside the truth."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from companion.guiding import Guided
from companion.leading import Leading
from companion.programs.coach import Coach
from companion.programs.library import load_library
from companion.safety.guard import Guard
from companion.safety.limits import GuardContext
from sessions.events import Cue, Reading
from tests.benchmarks.figure import Figure
from tests.guard_story import judged
from tests.rehearsal import Rehearsal

SECONDS = 712.0
AREA_CM2 = 12.0


def figures() -> Iterator[Figure]:
    yield from _truth()
    yield from _cost()


def _truth() -> Iterator[Figure]:
    """Scans of each repetition inside the band: counted, by what the ball measured, and by the force without noise."""
    routine = load_library(None).program("piriformis").routine("left")
    with tempfile.TemporaryDirectory() as home:
        rehearsal = Rehearsal(Path(home), "session", "piriformis", step_s=0.1, routine=routine)
        told = rehearsal.run(SECONDS).end()
    readings = [event for event in told.events if isinstance(event, Reading)]
    t_s = np.concatenate([event.t_s for event in readings])
    index = np.concatenate([np.arange(event.index, event.index + len(event.t_s)) for event in readings])
    ball = told.ball.truth
    cells_n = np.rint(ball.values(ball.slots(index)) * float(np.float32(0.05)) * 1024.0) / 1024.0
    measured = cells_n.sum(axis=1) * 10.0 / AREA_CM2
    clean = ball.force_n(ball.slots(index)) * 10.0 / AREA_CM2
    band, off = [0.0, 0.0], []
    for cue in (event for event in told.events if isinstance(event, Cue)):
        if cue.kind == "step":
            band = [float(str(edge)) for edge in list(cue.fields["band_kpa"])]  # type: ignore[arg-type]  # two numbers
        if cue.kind != "done":
            continue
        within = (t_s >= float(str(cue.fields["from_s"])) - 1e-6) & (t_s <= cue.t_s + 1e-6)
        inside = [int((within & (kpa >= band[0]) & (kpa <= band[1])).sum()) for kpa in (measured, clean)]
        counted = round(float(str(cue.fields["held_s"])) * 100)
        off.append([abs(counted - scans) for scans in inside])
    worst = np.max(off, axis=0)
    repetitions = f"worst of {len(off)} repetitions"
    yield Figure("guided: a hold beside what the ball measured", worst[0], "scans", at_most=1, note=repetitions)
    yield Figure("guided: a hold beside the force without noise", worst[1], "scans", note=repetitions)


def _cost() -> Iterator[Figure]:
    routine = load_library(None).program("piriformis").routine("left")
    context = GuardContext(region="piriformis", side="left", tool="tennis", area_cm2=AREA_CM2)
    for hz, batch in ((100, 5), (500, 25), (500, 1)):
        shares = []
        for coached in (False, True):
            guard = Guard(context)
            leading = Leading(guard, None, Guided(guard, Coach(routine, context)) if coached else None)
            force_n = 44.0 + 0.2 * np.random.default_rng(0).standard_normal(60 * hz)
            pieces = [judged(force_n[at : at + batch], at / hz, hz=hz) for at in range(0, len(force_n), batch)]
            began = time.process_time()
            for number, piece in enumerate(pieces):
                leading.feed(piece, number * batch)
            shares.append((time.process_time() - began) / 60 * 100)
        name = f"guided: guard and coach, {hz} Hz, {batch} a batch"
        yield Figure(name, shares[1], "% of core", note=f"the guard alone {shares[0]:.2g} %")
