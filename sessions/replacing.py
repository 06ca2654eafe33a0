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
    """A directory on the same disk, for the time of the block, readable by its owner alone."""
    with explained(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = Path(mkdtemp(dir=path.parent, prefix=".knead-"))
    try:
        yield made
    finally:
        for left in made.iterdir():
            left.unlink()
        made.rmdir()


def put_in_place(fresh: Path, database: Path) -> Path | None:
    """Move it to its place; what was there is kept under another name, with its side files."""
    kept: Path | None = None
    with explained(database):
        if database.exists():
            stamp = f"{datetime.now():%Y%m%d-%H%M%S}"  # noqa: DTZ005  # a name for people, by the clock on their wall
            kept = database.with_name(f"{database.name}.before-{stamp}")
            for side in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    database.with_name(database.name + side).rename(kept.with_name(kept.name + side))
        fresh.replace(database)
    return kept
