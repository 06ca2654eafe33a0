"""The log's file: made safely, recognised, refused when newer, foreign or damaged."""

import errno
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import inspect

from sessions import schema
from sessions.database import FREE_SPACE, Database, explained
from sessions.errors import SessionError, StoreBusyError, StoreDeniedError, StoreTooNewError, UnreadableError
from sessions.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "knead.db"


def pragma(path: Path, name: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_log_has_all_tables_and_its_version(path: Path) -> None:
    with closing(Database(path)) as database:
        assert set(inspect(database.engine).get_table_names()) == set(schema.METADATA.tables)
    assert pragma(path, "user_version") == schema.VERSION
    assert pragma(path, "application_id") == schema.APPLICATION
    assert pragma(path, "journal_mode") == "wal"
    assert pragma(path, "auto_vacuum") == 2


@pytest.mark.skipif(sys.platform == "win32", reason="file modes of POSIX")
def test_only_its_owner_may_read_it(path: Path) -> None:
    with closing(Database(path)) as database, database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO person (name) VALUES ('me')")
        files = list(path.parent.iterdir())
        assert {file.name for file in files} == {"knead.db", "knead.db-wal", "knead.db-shm"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_every_connection_is_safe(path: Path) -> None:
    with closing(Database(path)) as database, database.reading() as one, database.reading() as other:
        for connection in (one, other):
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_transaction_that_fails_leaves_nothing(path: Path) -> None:
    with closing(Database(path)) as database:
        with pytest.raises(SessionError), database.writing() as connection:
            connection.execute(schema.PERSON.insert().values(name="a"))
            connection.execute(schema.PERSON.insert().values(name="a"))
        with database.reading() as connection:
            assert connection.execute(schema.PERSON.select()).all() == []


def test_a_session_without_its_person_is_refused(path: Path) -> None:
    with (
        closing(Database(path)) as database,
        pytest.raises(SessionError, match="FOREIGN KEY"),
        database.writing() as connection,
    ):
        connection.execute(schema.CHUNK.insert().values(session_id=7, seq=0, from_s=0, to_s=1, scans=1, data=b""))


def test_a_newer_log_is_refused_untouched(path: Path) -> None:
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreTooNewError, match="newer") as caught:
        Database(path)
    assert "Update" in caught.value.hint
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_untouched(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(UnreadableError, match="not a knead log"):
        Database(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_untouched(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"my diary\n" * 1000)
    with pytest.raises(UnreadableError, match="damaged"):
        Database(path)
    assert path.read_bytes() == b"my diary\n" * 1000


def test_a_damaged_page_is_an_unreadable_log(path: Path) -> None:
    with closing(Database(path)):
        pass
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xa5" * 3996  # the list of tables
    path.write_bytes(content)
    with pytest.raises(UnreadableError):
        Store(path)


def test_a_directory_in_its_place_is_denied(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreDeniedError) as caught:
        Database(path)
    assert caught.value.hint


@pytest.mark.parametrize(("free", "says"), [(0, "the disk is full"), (1 << 30, "disk I/O error")])
def test_a_disk_without_room_for_the_side_files_is_called_full(
    free: int, says: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite itself calls it an I/O error."""
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=free))
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    with pytest.raises(StoreDeniedError, match=says), explained(path):
        raise error


def test_no_room_for_the_directory_is_a_full_disk(path: Path) -> None:
    with pytest.raises(StoreDeniedError, match="the disk is full") as caught, explained(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.hint == FREE_SPACE


def test_a_directory_that_cannot_be_made_is_denied(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreDeniedError, match=r"knead\.db"):
        Database(tmp_path / "file" / "knead.db")


def test_a_log_that_another_program_writes_is_busy(path: Path) -> None:
    with (
        closing(Database(path, busy_s=0.05)) as database,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError), database.writing():
            pass
        with database.reading() as connection:  # a reader is never held up
            assert connection.execute(schema.SESSION.select()).all() == []


def test_many_may_make_it_at_once(path: Path) -> None:
    start, errors = threading.Barrier(6), []

    def make() -> None:
        start.wait()
        try:
            Database(path).close()
        except SessionError as error:
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert pragma(path, "user_version") == schema.VERSION
    assert pragma(path, "integrity_check") == "ok"


def test_an_empty_file_left_by_a_crash_becomes_a_log(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    with Store(path) as store:
        assert store.list() == []


def test_a_replaced_file_is_noticed(path: Path) -> None:
    with closing(Database(path)) as database:
        assert not database.replaced()
        path.rename(path.with_name("away.db"))
        assert database.replaced()


def test_free_pages_go_back_to_the_disk(path: Path) -> None:
    with closing(Database(path)) as database:
        with database.writing() as connection:
            for number in range(400):
                connection.execute(schema.PERSON.insert().values(name=f"{number}" * 500))
        with database.writing() as connection:
            connection.execute(schema.PERSON.delete())
        large = path.stat().st_size
        database.tidy()
        assert path.stat().st_size < large / 4
    assert pragma(path, "freelist_count") == 0


def test_events_cost_no_sqlalchemy() -> None:
    code = "import sys, sessions, sessions.events; assert 'sqlalchemy' not in sys.modules; sessions.Store"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=Path(__file__).parent.parent)


def test_a_name_the_package_has_not() -> None:
    import sessions

    assert sessions.Store is Store
    with pytest.raises(AttributeError, match="Stoer"):
        _ = sessions.Stoer
