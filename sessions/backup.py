"""The whole log in one file, verified; brought back; erased.

A backup is a plain tar archive: `knead.db`, the database as it was at one moment, also while a session is recorded;
then `manifest.json` with the CRC-32 of each block of it. What was cut has no manifest; what was damaged does not
match it. `tar xf` brings the database out without this program, too.
"""

import json
import os
import sqlite3
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, BinaryIO

from sqlalchemy import func, select

from sessions.database import Database, explained
from sessions.errors import FileExistsRefusal, ImportedError, SessionError, StoreBusyError, UnreadableError
from sessions.files import new_file
from sessions.home import NAME
from sessions.lock import RecordingLock
from sessions.schema import SESSION

FORMAT, VERSION = "knead-backup", 1
MANIFEST = "manifest.json"
MANIFEST_BYTES = 64 << 20  # more is no manifest
BLOCK = 4 << 20
PIECE = 256 << 10  # fits into the processor's cache
SYNC_BLOCKS = 4  # blocks after which the disk is told to begin
WORKERS = 2  # measured: more are slower
TRIES = 20  # to find the log's side file empty; a recording fills it twice a second
HEAD = tarfile.BLOCKSIZE
OTHER_FILE = "Take the backup from where you keep another copy."
KEEP = "Say --replace: today's log is then kept beside it, under another name."


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup file says of itself."""

    made_at: datetime
    software: str
    sessions: int
    size: int  # bytes of the database
    crcs: tuple[int, ...]  # of each BLOCK


def back_up(database: Path, target: Path, *, software: str = "", force: bool = False) -> Backup:
    """Write the log to `target`, read it back and compare. Raises SessionError; then there is no file."""
    with (
        new_file(target, force=force) as file,
        _at_rest(database) as (source, sessions),
        ThreadPoolExecutor(1) as disk,
    ):
        size, handle = os.fstat(source).st_size, file.fileno()
        file.write(_head(NAME, size))
        written: list[Future[None]] = []

        def copied(at: int, length: int) -> int:
            crc = _copied(source, at, handle, at + HEAD, length)
            if at // BLOCK % SYNC_BLOCKS == SYNC_BLOCKS - 1:
                written.append(disk.submit(os.fsync, handle))  # the disk writes while the rest is copied
            return crc

        crcs = _each_block(size, copied)
        made = Backup(datetime.now(UTC), software, sessions, size, tuple(crcs))
        file.seek(HEAD + size)
        manifest = _manifest(made)
        file.write(bytes(-size % HEAD) + _head(MANIFEST, len(manifest)) + manifest + bytes(-len(manifest) % HEAD))
        file.write(bytes(2 * HEAD))
        file.flush()
        written.append(disk.submit(os.fsync, handle))  # and while it is read back
        _compare(handle, made, target)
        for part in written:  # an error of the disk is told once, by whichever came upon it
            part.result()
    return made


def verify(source: Path) -> Backup:
    """What the backup holds, every byte of it read. ImportedError where it is cut, damaged or none."""
    with _opened(source) as file:
        made = _read(file, source)
        _compare(file.fileno(), made, source)
    return made


def restore(source: Path, database: Path, *, replace: bool = False) -> tuple[Backup, Path | None]:
    """Put a backup's log where the log is; gives where the log of before is kept, if there was one.

    ImportedError leaves all as it is. FileExistsRefusal where there is a log with sessions, unless `replace`;
    StoreBusyError while one is recorded.
    """
    made = verify(source)
    refuse_recording(database)
    if not replace and not _is_empty(database):
        raise FileExistsRefusal(f"The log {database} has sessions already; nothing was changed.", KEEP)
    with directory_beside(database) as beside, unpacked(source, beside) as fresh:
        _check(fresh, source)
        return made, put_in_place(fresh, database)


def erase(database: Path) -> list[Path]:
    """Remove the log, and what lies beside it in its name; gives what was removed.

    StoreBusyError while a session is recorded. A log that cannot be read is removed, too.
    """
    refuse_recording(database)
    with explained(database):
        found = sorted(database.parent.glob(f"{database.name}*")) if database.parent.is_dir() else []
        for path in found:
            path.unlink(missing_ok=True)
    return found


# --- writing ---


@contextmanager
def _at_rest(path: Path) -> Iterator[tuple[int, int]]:
    """A handle to a file that holds the whole log and does not change within the block; and how many sessions.

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


def _manifest(made: Backup) -> bytes:
    told: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": made.made_at.isoformat(),
        "software": made.software,
        "sessions": made.sessions,
        "database": NAME,
        "bytes": made.size,
        "block": BLOCK,
        "crc32": list(made.crcs),
    }
    return json.dumps({**told, "sum": zlib.crc32(json.dumps(told).encode())}).encode()


def _head(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


# --- reading ---


@contextmanager
def unpacked(source: Path, directory: Path) -> Iterator[Path]:
    """The log within a backup, as a file in `directory` for the time of the block. ImportedError as `verify`."""
    with _opened(source) as file:
        made = _read(file, source)
        fresh = directory / NAME
        with new_file(fresh) as copy:
            target = copy.fileno()
            crcs = _each_block(made.size, lambda at, size: _copied(file.fileno(), at + HEAD, target, at, size))
            if tuple(crcs) != made.crcs:
                raise _damaged(source)
            _compare(target, made, source, offset=0)
        yield fresh


@contextmanager
def _opened(source: Path) -> Iterator[BinaryIO]:
    try:
        file = source.open("rb")
    except OSError as error:
        raise ImportedError(f"{source} cannot be read: {error.strerror or error}.", "Check its name.") from error
    with file:
        yield file


def _read(file: BinaryIO, source: Path) -> Backup:
    """The manifest, and that the file is as long as it says."""
    head = file.read(HEAD)
    if head[:6] == b"SQLite":
        raise ImportedError(f"{source} is a log, not a backup.", f"Read its sessions with: knead import {source}")
    try:
        info = tarfile.TarInfo.frombuf(head, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeError) as error:
        raise ImportedError(f"{source} is no knead backup.", OTHER_FILE) from error
    if info.name != NAME:
        raise ImportedError(f"{source} is no knead backup.", OTHER_FILE)
    try:
        file.seek(HEAD + info.size + -info.size % HEAD)
        info = tarfile.TarInfo.frombuf(file.read(HEAD), "utf-8", "strict")
        body = file.read(min(info.size, MANIFEST_BYTES))
        if info.name != MANIFEST or len(body) != info.size:
            raise ValueError("no manifest")
    except (tarfile.HeaderError, ValueError, OSError) as error:
        raise ImportedError(f"{source} is cut: its end is missing. Nothing was changed.", OTHER_FILE) from error
    try:
        return _made(json.loads(body), source)
    except (KeyError, ValueError, TypeError) as error:
        raise _damaged(source) from error


def _made(told: dict[str, Any], source: Path) -> Backup:
    total = told.pop("sum")
    if told["format"] != FORMAT or total != zlib.crc32(json.dumps(told).encode()):
        raise ValueError("sum")
    if told["version"] > VERSION or told["block"] != BLOCK:
        raise ImportedError(f"{source} was written by a newer knead.", "Update knead.")
    made_at = datetime.fromisoformat(told["made_at"])
    return Backup(made_at, str(told["software"]), int(told["sessions"]), int(told["bytes"]), tuple(told["crc32"]))


def _compare(handle: int, made: Backup, path: Path, *, offset: int = HEAD) -> None:
    crcs = _each_block(made.size, lambda at, size: _checked(handle, at + offset, size))
    if tuple(crcs) != made.crcs:
        raise _damaged(path)


def _check(fresh: Path, source: Path) -> None:
    """That SQLite takes it for a log of this program, sound in all its pages."""
    try:
        with closing(Database(fresh)) as database:
            with database.reading() as connection:
                said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            database.tidy()
    except UnreadableError:
        said = "not even that"
    if said != "ok":
        what = f"The log in {source} was damaged before it was saved. Nothing was changed."
        raise ImportedError(what, f"Take what can be read of it with: knead import {source}")


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


def _is_empty(database: Path) -> bool:
    if not database.exists():
        return True
    try:
        with closing(Database(database)) as log, log.reading() as connection:
            return connection.execute(select(SESSION.c.id).limit(1)).first() is None
    except SessionError:  # damaged or newer: there may be something in it
        return False


def refuse_recording(database: Path) -> None:
    """StoreBusyError while anyone records into the log; told by the locks beside it, whatever state it is in."""
    for path in database.parent.glob(f"{database.name}-*.lock"):
        session = path.name.removeprefix(f"{database.name}-").removesuffix(".lock")
        with closing(RecordingLock(database, session)) as lock:
            if not lock.take():
                raise StoreBusyError(f"Session {session} is being recorded.", "End it first.")


# --- blocks ---


def _each_block(size: int, work: Callable[[int, int], int]) -> list[int]:
    """The checksums of all blocks, several at a time: reading, writing and CRC-32 hold no lock of Python's."""
    starts = range(0, size, BLOCK)
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda at: work(at, min(BLOCK, size - at)), starts))


def _checked(source: int, at: int, size: int) -> int:
    """CRC-32 of a stretch."""
    crc = 0
    for piece in _pieces(source, at, size):
        crc = zlib.crc32(piece, crc)
    return crc


def _copied(source: int, at: int, target: int, to: int, size: int) -> int:
    """Copy a stretch; its CRC-32."""
    crc = 0
    for piece in _pieces(source, at, size):
        crc = zlib.crc32(piece, crc)
        done = 0
        while done < len(piece):
            done += _write_at(target, piece[done:], to + done)
        to += len(piece)
    return crc


def _pieces(source: int, at: int, size: int) -> Iterator[memoryview]:
    """A stretch through one buffer: fresh memory for each piece would cost more than the copying."""
    buffer = memoryview(bytearray(min(PIECE, size)))
    end = at + size
    while at < end:
        got = _read_at(source, buffer[: min(PIECE, end - at)], at)
        if got == 0:
            raise ImportedError("The file ends too early.", OTHER_FILE)
        yield buffer[:got]
        at += got


if hasattr(os, "preadv"):

    def _read_at(handle: int, buffer: memoryview, at: int) -> int:
        return os.preadv(handle, [buffer], at)

    def _write_at(handle: int, data: memoryview, at: int) -> int:
        return os.pwrite(handle, data, at)
else:
    _PLACE = threading.Lock()  # Windows knows but one place in a file

    def _read_at(handle: int, buffer: memoryview, at: int) -> int:
        with _PLACE:
            os.lseek(handle, at, os.SEEK_SET)
            data = os.read(handle, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _write_at(handle: int, data: memoryview, at: int) -> int:
        with _PLACE:
            os.lseek(handle, at, os.SEEK_SET)
            return os.write(handle, data)


def _damaged(path: Path) -> ImportedError:
    return ImportedError(f"{path} is damaged: its checksums do not match. Nothing was changed.", OTHER_FILE)
