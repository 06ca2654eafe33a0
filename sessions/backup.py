"""The whole log in one file, verified; brought back; erased.

A backup is a plain tar archive: `knead.db`, the database as it was at one moment, also while a session is recorded;
then `manifest.json` with the CRC-32 of each block of it. What was cut has no manifest; what was damaged does not
match it. `tar xf` brings the database out without this program, too.
"""

import json
import os
import tarfile
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from sessions.atrest import at_rest
from sessions.database import Database, explained
from sessions.errors import FileExistsRefusal, ImportedError, UnreadableError
from sessions.files import new_file
from sessions.home import NAME
from sessions.replacing import directory_beside, is_empty, put_in_place, refuse_recording
from sessions.stretches import BLOCK, OTHER_FILE, checked, copied, each_block

FORMAT, VERSION = "knead-backup", 1
MANIFEST = "manifest.json"
MANIFEST_BYTES = 64 << 20  # more is no manifest
SYNC_BLOCKS = 4  # blocks after which the disk is told to begin
HEAD = tarfile.BLOCKSIZE
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
        at_rest(database) as (source, sessions),
        ThreadPoolExecutor(1) as disk,
    ):
        size, handle = os.fstat(source).st_size, file.fileno()
        file.write(_head(NAME, size))
        written: list[Future[None]] = []

        def saved(at: int, length: int) -> int:
            crc = copied(source, at, handle, at + HEAD, length)
            if at // BLOCK % SYNC_BLOCKS == SYNC_BLOCKS - 1:
                written.append(disk.submit(os.fsync, handle))  # the disk writes while the rest is copied
            return crc

        crcs = each_block(size, saved)
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
    if not replace and not is_empty(database):
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
            crcs = each_block(made.size, lambda at, size: copied(file.fileno(), at + HEAD, target, at, size))
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
    crcs = each_block(made.size, lambda at, size: checked(handle, at + offset, size))
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


def _damaged(path: Path) -> ImportedError:
    return ImportedError(f"{path} is damaged: its checksums do not match. Nothing was changed.", OTHER_FILE)
