"""What it costs to hand sessions on: an hour as CSV, a page of it, the whole log as a backup; and the log's size."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from companion.tui.curve import lane, trace_rows
from sessions import Journal, Store
from sessions.backup import back_up
from sessions.export import export
from sessions.page import write_pdf
from sessions.paper import Judged
from sessions.report import session_paper
from sessions.reporthtml import html
from tests import session_events
from tests.benchmarks.figure import Figure

HOUR_S = 3600.0
LIBRARY, SESSION_S = 40, 600.0
COPIES = 24  # of its rows of samples, for a file that takes a while to copy
REPEATS = 7
COLUMNS, ROWS = 114, 20  # of the plot, on a terminal of 120 by 40
NOTE = "4 cells, 100 Hz"


def figures() -> Iterator[Figure]:
    with TemporaryDirectory() as directory:
        home = Path(directory)
        yield from _hour(home / "hour.db")
        yield from _library(home)


def _keep(path: Path, seconds: float) -> None:
    journal = Journal(path, lambda _notice: None)
    for event in session_events.session(seconds):
        journal(event)
    journal.close(60.0)


def _hour(path: Path) -> Iterator[Figure]:
    _keep(path, HOUR_S)
    tables, pages, sheets = [], [], []
    with Store(path) as store:
        for _ in range(REPEATS):
            begin_s = perf_counter()
            export(("last",), store.whole, "csv", BytesIO())
            tables.append(perf_counter() - begin_s)
        for _ in range(3):
            begin_s = perf_counter()
            paper = session_paper(store.load("last"), Judged())
            html(paper)
            pages.append(perf_counter() - begin_s)
            begin_s = perf_counter()
            write_pdf(paper, BytesIO())
            sheets.append(perf_counter() - begin_s)
    yield Figure(
        "page of an hour, opened and drawn", _drawn_s(path), "s", at_most=0.2, note="120 columns; store opened"
    )
    yield Figure("export, an hour as CSV", min(tables), "s", at_most=1.0, note=f"{NOTE}; read and written")
    yield Figure("report, an hour as HTML", min(pages), "s", note="both widths of the chart; once matplotlib is loaded")
    yield Figure("report, an hour as PDF", min(sheets), "s")


def _drawn_s(path: Path) -> float:
    """What the page of a session reads and paints."""
    took = []
    for _ in range(REPEATS):
        begin_s = perf_counter()
        with Store(path) as store:
            data = store.load("last")
        end_s = float(data.t_s[-1])
        rows = trace_rows(data.t_s, data.pressure_kpa, 0.0, end_s, COLUMNS, ROWS)
        lane(data.gaps, data.events, 0.0, end_s, COLUMNS)
        with Store(path) as store:
            store.about("last")
        took.append(perf_counter() - begin_s)
        assert len(rows) == ROWS
    return min(took)


def _library(home: Path) -> Iterator[Figure]:
    path = home / "library.db"
    for _ in range(LIBRARY):
        _keep(path, SESSION_S)
    with closing(sqlite3.connect(path)) as raw:
        samples = raw.execute("SELECT sum(length(data)) FROM chunk").fetchone()[0]
        ratio = path.stat().st_size / samples
        note = f"{LIBRARY} sessions of {SESSION_S / 60:.0f} min, {NOTE}, totals each second"
        yield Figure("log, size to its compressed samples", ratio, "x", at_most=1.2, note=note)
        for copy in range(1, COPIES):
            again = "SELECT session_id, seq + ?, from_s, to_s, scans, data FROM chunk WHERE seq < 1000000"
            raw.execute(f"INSERT INTO chunk {again}", (copy * 1_000_000,))
        raw.commit()
    shares, speeds = [], []
    size_mb = path.stat().st_size / 1e6
    for number in range(REPEATS):
        copy_s = _copied_s(path, home / f"{number}.copy")
        begin_s = perf_counter()
        back_up(path, home / f"{number}.backup")
        took_s = perf_counter() - begin_s
        shares.append(copy_s / took_s)
        speeds.append(size_mb / took_s)
        for left in home.glob(f"{number}.*"):
            left.unlink()
    note = f"{size_mb:.0f} MB; the copy reaches the disk, too"
    yield Figure("backup, read back and checked", median(speeds), "MB/s", note=f"{size_mb:.0f} MB")
    yield Figure("backup, speed to that of a plain copy", median(shares), "x", at_least=0.5, note=note)


def _copied_s(source: Path, target: Path) -> float:
    """A plain copy that is on the disk when it ends, as a backup is."""
    begin_s = perf_counter()
    shutil.copyfile(source, target)
    handle = os.open(target, os.O_RDWR)
    os.fsync(handle)
    os.close(handle)
    return perf_counter() - begin_s
