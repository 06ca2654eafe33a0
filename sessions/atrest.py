"""The log as one file that stands still, while others may be writing to it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from sessions.database import Database, explained
from sessions.errors import SessionError
from sessions.home import NAME
from sessions.replacing import directory_beside
from sessions.schema import SESSION

TRIES = 20  # to find the log's side file empty; a recording fills it twice a second


@contextmanager
def at_rest(path: Path) -> Iterator[tuple[int, int]]:
    """A handle to a file that holds the whole log and does not change within the block; and how many sessions.

    Only to be read, at places of the reader's own (`stretches`), and never closed by it. SessionError without a log.

    It is the log itself: once its side file (WAL) has been emptied into it, a reader that began before anything new
    was written keeps everyone from writing into the main file; new commits go to the side file. Copying that way is
    four times as fast as SQLite's own page by page, which is taken where the side file never is empty.
    """
    if not path.exists():
        raise SessionError(f"There is no log at {path} yet.", "Record a session first.")
    with closing(Database(path)) as database:
        for _ in range(TRIES):
            database.tidy()
            with database.reading() as connection:
                sessions = int(connection.execute(select(func.count()).select_from(SESSION)).scalar_one())
                if _side_bytes(path) == 0:
                    with explained(path):
                        handle = _kept_open(path)
                    yield handle, sessions
                    return
        with explained(path), _page_by_page(database, path) as (handle, sessions):
            yield handle, sessions


@contextmanager
def _page_by_page(database: Database, path: Path) -> Iterator[tuple[int, int]]:
    with directory_beside(path) as beside:
        copy = beside / NAME
        with closing(database.engine.raw_connection()) as source, closing(sqlite3.connect(copy)) as target:
            raw: Any = source.driver_connection
            raw.backup(target)
            sessions = int(target.execute("SELECT count(*) FROM session").fetchone()[0])
        with copy.open("rb") as file:
            yield file.fileno(), sessions


def _side_bytes(path: Path) -> int:
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except FileNotFoundError:
        return 0


_HANDLES: dict[tuple[int, int], int] = {}


def _kept_open(path: Path) -> int:
    """A handle that stays open while the process lives, one for each file.

    POSIX takes all locks a process has on a file away as soon as it closes any handle to it: also those by which
    SQLite keeps others from the log.
    """
    found = path.stat()
    key = found.st_dev, found.st_ino
    if key not in _HANDLES:
        _HANDLES[key] = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    return _HANDLES[key]
