"""The SQLite file: opened safely, its errors told apart."""

import errno
import json
import math
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from sessions import schema
from sessions.errors import SessionError, StoreBusyError, StoreDeniedError, UnreadableError
from sessions.private import make_directory, make_file

TURN_S = 0.01  # between two tries to make a log that others make, too
CACHE_KB = 2000  # SQLite's own default
SIDE_BYTES = 64 << 10  # with less room SQLite cannot make its side files, and calls that an I/O error
WAL_LIMIT = 4 << 20  # bytes the side file keeps after a checkpoint

# Set on every connection. FULL: a commit is on the disk, not in its cache, when it returns.
PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    f"PRAGMA journal_size_limit = {WAL_LIMIT}",
    "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",
)
# Kept in the file from its birth. INCREMENTAL: what the merge of a session frees is given back to the disk.
BIRTH = ("PRAGMA auto_vacuum = INCREMENTAL", "PRAGMA journal_mode = WAL")

FREE_SPACE = "Free some space on that disk."
RESTORE = "Restore it from a backup, or take what can be read of it: knead sessions recover."
PERMISSIONS = "Check the directory and its permissions."


class Database:
    """One log file, open. Made with mode 0600 where it did not exist; may be used from several threads.

    `busy_s` is how long a call waits for another writer; `cache_kb`, what each connection keeps of the file in memory.
    SessionError as `explained` says.
    """

    def __init__(self, path: Path, busy_s: float = 5.0, cache_kb: int = CACHE_KB) -> None:
        self.path = path
        with explained(path):
            make_directory(path.parent)
            make_file(path)
            self._identity = _identity(path)
            self.engine = _engine(path, busy_s, cache_kb)
            try:
                self._prepare_in_turn(busy_s)
            except BaseException:
                self.engine.dispose()
                raise

    def _prepare_in_turn(self, busy_s: float) -> None:
        """SQLite does not wait where a file changes to its write-ahead log while another opens it: so we do."""
        until_s = time.monotonic() + busy_s
        while True:
            try:
                with explained(self.path):
                    return self._prepare()
            except StoreBusyError:
                if time.monotonic() >= until_s:
                    raise
            time.sleep(TURN_S)

    def _prepare(self) -> None:
        with self.reading() as connection:
            found = schema.version(connection)
        if found == 0:
            with closing(self.engine.raw_connection()) as raw:
                for pragma in BIRTH:
                    raw.cursor().execute(pragma)
            with self.writing() as connection:
                found = schema.version(connection)  # another program may have been quicker
                if found == 0:
                    schema.create(connection)
        schema.require(found)
        with self.reading() as connection:
            extended = not schema.lacking(connection)
        if not extended:
            with self.writing() as connection:
                schema.extend(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view; ends with the block."""
        with explained(self.path), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it, or nothing. Waits for another writer at its beginning, never later."""
        with (
            explained(self.path),
            self.engine.connect().execution_options(write=True) as connection,
            connection.begin(),
        ):
            yield connection

    def replaced(self) -> bool:
        """Whether the path no longer leads to the file that is open: what is written now nobody would find."""
        return _identity(self.path) != self._identity

    def tidy(self) -> None:
        """Give free pages back to the disk, and empty the side file. Best effort: others may be at work."""
        for pragma in ("PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(TRUNCATE)"):
            with suppress(SQLAlchemyError, sqlite3.Error), closing(self.engine.raw_connection()) as raw:
                raw.cursor().executescript(pragma)  # `execute` would stop after the first page

    def close(self) -> None:
        """Close the file. What was committed is safe, whatever the disk does now."""
        with suppress(SQLAlchemyError, sqlite3.Error):
            self.engine.dispose()


def _engine(path: Path, busy_s: float, cache_kb: int) -> Engine:
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        connect_args={"timeout": busy_s},
        json_serializer=_json,
        json_deserializer=_READ_JSON,
    )

    @event.listens_for(engine, "connect")
    def _connected(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # we say BEGIN ourselves: sqlite3 would begin too late, and never for SELECT
        cursor = raw.cursor()
        for pragma in (*PRAGMAS, f"PRAGMA cache_size = -{cache_kb}"):
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


# JSON has no NaN and no infinity, though Python reads both: where a log has one, it is unknown.
_READ_JSON = json.JSONDecoder(parse_constant=lambda _: None).decode


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Whatever the operating system, sqlite3 or SQLAlchemy raises comes out as a SessionError."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _full(path) from error
        text = f"The log {path} cannot be opened: {error.strerror or error}."
        raise StoreDeniedError(text, PERMISSIONS) from error
    except DBAPIError as error:
        raise _told(path, error.orig) from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _told(path, error) from error
    except (ValueError, TypeError) as error:  # a column holds what it cannot: no JSON, no bytes
        raise UnreadableError(f"The log {path} is damaged: {_plain(error)}.", RESTORE) from error


def _told(path: Path, error: BaseException | None) -> SessionError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is detail
    if code == 0 and isinstance(error, sqlite3.OperationalError):  # sqlite3 itself: text that is no UTF-8
        return UnreadableError(f"The log {path} is damaged: {_plain(error)}.", RESTORE)
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusyError(f"Another program holds the log {path}.", "Try again, or close the other program.")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return UnreadableError(f"The log {path} is damaged: {_plain(error)}.", RESTORE)
        case sqlite3.SQLITE_FULL:
            return _full(path)
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return StoreDeniedError(f"The log {path} cannot be opened for writing.", PERMISSIONS)
        case sqlite3.SQLITE_IOERR if _free_bytes(path) < SIDE_BYTES:  # no room for the file it shares with others
            return _full(path)
        case sqlite3.SQLITE_IOERR:
            return StoreDeniedError(f"The log {path} cannot be read or written: {_plain(error)}.", "Check the disk.")
    return SessionError(f"The log {path} cannot be used: {_plain(error)}.")


def _full(path: Path) -> StoreDeniedError:
    return StoreDeniedError(f"The log {path} cannot be opened or written: the disk is full.", FREE_SPACE)


def _free_bytes(path: Path) -> float:
    """On the disk of a log; without end where that cannot be told."""
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return math.inf


def _plain(error: object) -> str:
    """The beginning of an error's text, on one line: it may quote the file's bytes."""
    return "".join(letter if letter.isprintable() else " " for letter in str(error))[:100].rstrip(". ")
