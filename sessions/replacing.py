"""One log in the place of another: made beside it, and put there whole while nobody records."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import select

from sessions.database import Database, explained
from sessions.errors import SessionError, StoreBusyError
from sessions.lock import RecordingLock
from sessions.private import make_directory
from sessions.schema import SESSION


def refuse_recording(database: Path) -> None:
    """StoreBusyError while anyone records into the log; told by the locks beside it, whatever state it is in."""
    for path in database.parent.glob(f"{database.name}-*.lock"):
        session = path.name.removeprefix(f"{database.name}-").removesuffix(".lock")
        with closing(RecordingLock(database, session)) as lock:
            if not lock.take():
                raise StoreBusyError(f"Session {session} is being recorded.", "End it first.")


def is_empty(database: Path) -> bool:
    """Nothing would be lost with it. One that cannot be read may hold something."""
    if not database.exists():
        return True
    try:
        with closing(Database(database)) as log, log.reading() as connection:
            return connection.execute(select(SESSION.c.id).limit(1)).first() is None
    except SessionError:  # damaged or newer
        return False


@contextmanager
def directory_beside(path: Path) -> Iterator[Path]:
    """A directory on the same disk, for the time of the block; it and those made for it are their owner's alone."""
    with explained(path):
        make_directory(path.parent)
        made = Path(mkdtemp(dir=path.parent, prefix=".knead-"))
    try:
        yield made
    finally:
        for left in made.iterdir():
            left.unlink()
        made.rmdir()


def put_in_place(fresh: Path, database: Path) -> Path | None:
    """Move it to its place. What was there is kept under another name, with its side files; gives that name, if any."""
    kept: Path | None = None
    with explained(database):
        if database.exists():
            kept = _free_name(database)
            for side in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    database.with_name(database.name + side).rename(kept.with_name(kept.name + side))
        fresh.replace(database)
    return kept


def _free_name(database: Path) -> Path:
    """Where the log of before is kept: never where another one is kept already."""
    stamp = f"{datetime.now():%Y%m%d-%H%M%S}"  # noqa: DTZ005  # a name for people, by the clock on their wall
    kept, number = database.with_name(f"{database.name}.before-{stamp}"), 1
    while kept.exists():
        number += 1
        kept = kept.with_name(f"{database.name}.before-{stamp}-{number}")
    return kept
