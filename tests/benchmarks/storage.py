"""What a session costs: on disk, to read back, and on the thread that records it."""

import gc
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from sessions import Journal, Store
from sessions.database import Database
from sessions.draft import Draft
from sessions.events import Reading
from sessions.summary import envelope
from sessions.writer import SessionWriter
from tests import session_events
from tests.benchmarks.figure import Figure
from tests.benchmarks.pipeline import events_of

SIZE_S = 720.0
SIZE_NOTE = "the scenario `session`: 4 cells, 100 Hz, 1 LSB rms, 12 min"
LOAD_S = 3600.0
REPEATS = 5
COMMIT_S = 0.5


def figures() -> Iterator[Figure]:
    with TemporaryDirectory() as directory:
        home = Path(directory)
        recording, closed = _sizes(home / "size.db")
        yield Figure("log, while recording", recording, "bytes/sample", at_most=1.0, note=SIZE_NOTE)
        yield Figure("log, session closed", closed, "bytes/sample", at_most=0.7, note=SIZE_NOTE)
        open_s, envelope_s = _load(home / "load.db")
        note = "4 cells, 100 Hz, 60 min; with the store opened"
        yield Figure("log, load a session", open_s, "s", at_most=0.15, note=note)
        yield Figure("log, load and draw it", open_s + envelope_s, "s", at_most=0.15, note=f"{note}; 2000 bins")
        yield Figure("journal, a reading", _call_us(home / "call.db"), "us", at_most=5.0, note="on the caller's thread")


def _sizes(path: Path) -> tuple[float, float]:
    """Growth of the file in bytes per sample, before and after the session is completed."""
    Store(path).close()
    before = path.stat().st_size
    draft, writer, samples, due = Draft(), SessionWriter(path, "0"), 0, COMMIT_S
    for event in events_of("session", SIZE_S):
        if not isinstance(event, Reading):
            draft.take(event)
            continue
        samples += event.values.size
        draft.take_batch(session_events.batch_of(event), event.unit)
        if event.t_s[-1] >= due:  # as the journal does, without waiting for the clock
            due += COMMIT_S
            _commit(draft, writer)
    _commit(draft, writer)
    database = Database(path)
    database.tidy()
    recording = path.stat().st_size - before
    writer.complete(draft.tally.last, None)
    writer.close()
    database.close()
    return recording / samples, (path.stat().st_size - before) / samples


def _commit(draft: Draft, writer: SessionWriter) -> None:
    pending = draft.pending()
    if pending is not None:
        writer.write(pending)
        draft.confirm()


def _load(path: Path) -> tuple[float, float]:
    """Median seconds to open the store and load the last session, and to make its envelope."""
    journal = Journal(path, lambda _notice: None)
    for event in session_events.session(LOAD_S):
        journal(event)
    journal.close(60.0)
    loads, envelopes = [], []
    for _ in range(REPEATS):
        start = perf_counter()
        with Store(path) as store:
            data = store.load("last")
        loaded = perf_counter()
        envelope(data.t_s, data.pressure_kpa, 2000)
        loads.append(loaded - start)
        envelopes.append(perf_counter() - loaded)
    return median(loads), median(envelopes)


def _call_us(path: Path) -> float:
    """Median microseconds of one call with a reading, while the journal's thread is at work."""
    events = list(session_events.session(120.0))
    journal = Journal(path, lambda _notice: None)
    took = []
    gc.disable()
    for event in events:
        start = perf_counter()
        journal(event)
        if isinstance(event, Reading):
            took.append(perf_counter() - start)
    gc.enable()
    journal.close(60.0)
    return median(took) * 1e6
