"""A power cut: the side file (WAL) cut at every page it has, and torn within one; every cut is opened and read.

With `synchronous = FULL` a commit returns when its pages are on the disk, so what a power cut can leave of a WAL is a
beginning of it, the last page perhaps torn. Whatever that is, all commits wholly in it are there, and nothing else.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sessions.database import BIRTH
from sessions.draft import Draft
from sessions.events import Closed, Reading
from sessions.store import Store
from sessions.writer import SessionWriter
from tests import session_events
from tests.reliability.recording import disagreements, finding
from tests.reliability.row import Row

WAL_HEADER, FRAME_HEADER, PAGE = 32, 24, 4096  # https://sqlite.org/fileformat2.html#the_write_ahead_log
FRAME = FRAME_HEADER + PAGE
SECONDS, SHORT_SECONDS = 60.0, 8.0
COMMIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Committed:
    """So long the side file was when a commit returned, and what the commit said is saved."""

    size: int
    to_s: float
    state: str


def rows(*, short: bool) -> Iterator[Row]:
    row = Row("power cut: WAL cut at every page")
    torn = Row("power cut: WAL torn within a page")
    with TemporaryDirectory() as directory:
        home = Path(directory)
        commits = _record(home, SHORT_SECONDS if short else SECONDS)
        size = (home / "knead.db-wal").stat().st_size
        pages = (size - WAL_HEADER) // FRAME
        for page in range(pages + 1):
            _cut(row, home, commits, WAL_HEADER + page * FRAME, b"")
        for page in range(0, pages, 1 if not short else 5):
            _cut(torn, home, commits, WAL_HEADER + page * FRAME + FRAME // 3, bytes(FRAME))
        for size in (0, 1, WAL_HEADER - 1):
            _cut(torn, home, commits, size, b"")
    for each in (row, torn):
        each.lost, each.notice = "no commit", "next opening"
        each.note = f"{len(commits)} commits"
        yield each


def _record(home: Path, seconds: float) -> list[Committed]:
    """The log as it was before a recording, and the side file with all of it: nothing is moved into the log."""
    database = home / "live" / "knead.db"
    database.parent.mkdir()
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        for pragma in BIRTH:  # born, and no table made yet: making them is one of the commits
            reader.execute(pragma)
        reader.execute("BEGIN")  # while it reads, the side file is not emptied
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        shutil.copyfile(database, home / "knead.db")
        commits = _commits(database, seconds)
        shutil.copyfile(_wal(database), home / "knead.db-wal")
    return commits


def _commits(database: Path, seconds: float) -> list[Committed]:
    """The journal's own steps, without its thread: a commit every half second, and the end."""
    draft, writer, commits, due_s = (
        Draft(),
        SessionWriter(database, "0198c0de-0000-7000-8000-000000000001"),
        [],
        COMMIT_S,
    )

    def commit() -> None:
        pending = draft.pending()
        assert pending is not None
        writer.write(pending)
        draft.confirm()
        commits.append(Committed(_wal(database).stat().st_size, pending.to_s, "recording"))

    for event in session_events.session(seconds):
        if isinstance(event, Reading):
            draft.take_batch(session_events.batch_of(event), event.unit)
            if event.t_s[-1] >= due_s:
                commit()
                due_s += COMMIT_S
        else:
            draft.take(event)
    commit()
    writer.complete(draft.tally.last, Closed(seconds, "user"))
    commits.append(Committed(_wal(database).stat().st_size, draft.to_s, "complete"))
    writer.close()
    return commits


def _cut(row: Row, home: Path, commits: list[Committed], size: int, tail: bytes) -> None:
    row.runs += 1
    copy = home / "cut" / "knead.db"
    shutil.rmtree(copy.parent, ignore_errors=True)
    copy.parent.mkdir()
    shutil.copyfile(home / "knead.db", copy)
    _wal(copy).write_bytes((home / "knead.db-wal").read_bytes()[:size] + tail)
    whole = [commit for commit in commits if commit.size <= size]
    with closing(Store(copy)) as store:
        sessions = store.list()
        row.promise(len(sessions) == (1 if whole else 0), f"cut at {size}: {len(sessions)} sessions")
        if sessions:
            data = store.load(sessions[0].id)
            state = "complete" if whole[-1].state == "complete" else "recovered"
            row.promise(data.row.state == state, f"cut at {size}: {data.row.state}")
            row.promise(
                data.row.duration_s >= whole[-1].to_s - 1e-6, f"cut at {size}: {data.row.duration_s} s are left"
            )
            row.promise(
                data.row.duration_s <= whole[-1].to_s + 1e-6, f"cut at {size}: {data.row.duration_s} s appeared"
            )
            truth = session_events.force_counts(len(data.values), 4, 100.0) if len(data.values) else data.values
            row.promise(_begins(data.values, truth), f"cut at {size}: other values")
            row.promise(not disagreements(data), f"cut at {size}: {disagreements(data)}")
    row.promise(not finding(copy), f"cut at {size}: {finding(copy)}")


def _begins(values: np.ndarray, truth: np.ndarray) -> bool:
    return np.array_equal(values, truth[: len(values)])


def _wal(database: Path) -> Path:
    return database.with_name(database.name + "-wal")
