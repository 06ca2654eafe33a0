"""The whole log in one file: as it was at one moment, refused when cut or damaged, brought back without a loss."""

import sqlite3
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from companion.cli import run
from sessions import Store, atrest, backup
from sessions.errors import FileExistsRefusal, ImportedError, SessionError, StoreBusyError, UnreadableError
from sessions.events import Closed, Event, Json
from sessions.importing import import_file
from sessions.lock import RecordingLock
from sessions.writer import SessionWriter
from tests import session_events
from tests.test_importing import SETTING
from tests.test_store import cut_short, keep


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "knead.db"


@pytest.fixture
def saved(path: Path, tmp_path: Path) -> Iterator[Path]:
    for day in (1, 2, 3):
        keep(path, _session(day))
    target = tmp_path / "log.backup"
    backup.back_up(path, target, software="knead test")
    yield target


def _session(day: int, seconds: float = 5.0) -> list[Event]:
    events = [*session_events.session(seconds)][1:]
    return [session_events.opened(started_at=session_events.later(day)), *events, Closed(seconds, "user")]


def _ids(path: Path) -> list[str]:
    with Store(path) as store:
        return [row.id for row in store.list()]


def test_a_backup_brings_everything_back(saved: Path, path: Path) -> None:
    with Store(path) as store:
        before = [(row, store.load(row.id).values.tobytes(), store.events(row.id)) for row in store.list()]
    backup.erase(path)
    assert not list(path.parent.iterdir())
    made, kept = backup.restore(saved, path)
    assert (made.sessions, made.software, kept) == (3, "knead test", None)
    with Store(path) as store:
        assert [(row, store.load(row.id).values.tobytes(), store.events(row.id)) for row in store.list()] == before
    assert path.stat().st_mode & 0o777 == 0o600
    assert saved.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


def test_it_is_a_plain_archive(saved: Path, tmp_path: Path) -> None:
    with tarfile.open(saved) as archive:
        assert archive.getnames() == ["knead.db", "manifest.json"]
        archive.extract("knead.db", tmp_path, filter="data")
    assert len(_ids(tmp_path / "knead.db")) == 3


@pytest.mark.parametrize("part", [0.0, 0.001, 0.3, 0.7, 0.97])
def test_a_cut_file_changes_nothing(saved: Path, path: Path, part: float) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(part * len(whole))])
    before = path.read_bytes()
    with pytest.raises(ImportedError):
        backup.restore(saved, path, replace=True)
    assert path.read_bytes() == before
    assert {entry.name for entry in path.parent.iterdir()} <= {"knead.db", "knead.db-wal", "knead.db-shm"}


def test_every_damaged_byte_is_found(saved: Path) -> None:
    whole = saved.read_bytes()
    size = backup.verify(saved).size
    database = range(backup.HEAD, backup.HEAD + size, size // 40)
    manifest = whole.rindex(b'"crc32"') + 12
    for at in (*database, backup.HEAD + size - 1, manifest):
        saved.write_bytes(whole[:at] + bytes([whole[at] ^ 0x01]) + whole[at + 1 :])
        with pytest.raises(ImportedError):
            backup.verify(saved)
    saved.write_bytes(whole)
    assert backup.verify(saved).sessions == 3


def test_a_log_with_sessions_is_replaced_only_when_told_and_kept(saved: Path, path: Path) -> None:
    keep(path, _session(9))
    newer = _ids(path)
    with pytest.raises(FileExistsRefusal, match="has sessions already"):
        backup.restore(saved, path)
    assert _ids(path) == newer
    _, kept = backup.restore(saved, path, replace=True)
    assert kept is not None
    assert _ids(path) == newer[1:]
    assert _ids(kept) == newer


def test_a_damaged_log_can_be_replaced(saved: Path, path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(FileExistsRefusal):
        backup.restore(saved, path)
    backup.restore(saved, path, replace=True)
    assert len(_ids(path)) == 3


def test_a_log_with_a_damaged_page_is_saved_and_what_can_be_read_of_it_comes_back(path: Path, tmp_path: Path) -> None:
    first, second = (keep(path, _session(day, 200.0)) for day in (1, 2))
    page = _page_of(path, first)
    with path.open("r+b") as file:
        file.seek(4096 * page)
        file.write(b"\xee" * 4096)
    with Store(path) as store:
        assert [row.id for row in store.list()] == [second, first], "the rest can be used"
        assert len(store.load(second).t_s) == 20_000
        with pytest.raises(UnreadableError):
            store.load(first)
    target = tmp_path / "it.backup"
    backup.back_up(path, target)
    fresh = tmp_path / "fresh" / "knead.db"
    with pytest.raises(ImportedError, match="damaged before it was saved") as caught:
        backup.restore(target, fresh)
    assert "knead import" in caught.value.hint
    assert not fresh.exists()
    imported = import_file(target, fresh, SETTING)
    assert (imported.added, len(imported.refused)) == ([second], 1)


def _page_of(path: Path, session: str) -> int:
    """A page full of that session's samples."""
    with sqlite3.connect(path) as raw:
        wanted = "SELECT data FROM chunk JOIN session ON session.id = session_id WHERE uuid = ?"
        data = raw.execute(wanted, (session,)).fetchone()[0]
    middle = bytes(data[len(data) // 2 : len(data) // 2 + 24])
    return path.read_bytes().index(middle) // 4096


def test_nothing_is_replaced_or_erased_while_it_is_recorded(saved: Path, path: Path) -> None:
    session = "0199aaaa-0000-7000-8000-000000000001"
    with closing(RecordingLock(path, session)) as lock:
        assert lock.take()
        for call in (lambda: backup.restore(saved, path, replace=True), lambda: backup.erase(path)):
            with pytest.raises(StoreBusyError, match=session):
                call()
    assert len(_ids(path)) == 3
    assert backup.erase(path)


def test_a_backup_while_commits_go_on_is_one_moment(path: Path, tmp_path: Path) -> None:
    """Each commit holds one more session; whatever moment a backup catches, it is a sound log of so many."""
    keep(path, _session(1))
    stop = threading.Event()
    begun = threading.Semaphore(0)

    def record() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            cut_short(path, _session(1, 0.5), f"0199aaaa-0000-7000-8000-{number:012}")
            begun.release()

    writer = threading.Thread(target=record)
    writer.start()
    try:
        for number in range(3):
            begun.acquire()
            target = tmp_path / f"{number}.backup"
            made = backup.back_up(path, target)
            assert backup.verify(target) == made
            fresh = tmp_path / str(number) / "knead.db"
            backup.restore(target, fresh)
            assert len(_ids(fresh)) == made.sessions >= 1
    finally:
        stop.set()
        writer.join()


def test_a_side_file_that_never_empties_is_backed_up_page_by_page(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(path, _session(1))
    monkeypatch.setattr(atrest, "_side_bytes", lambda _path: 1)
    made = backup.back_up(path, tmp_path / "it.backup")
    assert (made.sessions, backup.verify(tmp_path / "it.backup")) == (1, made)
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a lock, in /proc/locks")
def test_a_backup_takes_no_lock_from_who_has_the_log_open(path: Path, tmp_path: Path) -> None:
    """POSIX drops a process's locks on a file when it closes any handle to it; ours must stay."""
    keep(path, _session(1))
    writer = SessionWriter(path, "0199aaaa-0000-7000-8000-000000000002")
    with Store(path) as store:
        assert store.list()
        before = _locks(path)
        backup.back_up(path, tmp_path / "it.backup")
        assert _locks(path) >= before
    writer.close()


def _locks(path: Path) -> int:
    """How many locks the system knows on the file."""
    inode = f":{path.stat().st_ino} "
    with Path("/proc/locks").open(encoding="ascii") as file:
        return sum(inode in line for line in file)


def test_no_file_is_written_over(saved: Path, path: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(FileExistsRefusal):
        backup.back_up(path, saved)
    assert saved.read_bytes() == before
    backup.back_up(path, saved, force=True)
    assert backup.verify(saved).sessions == 3


def test_without_a_log_there_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="no log"):
        backup.back_up(tmp_path / "none.db", tmp_path / "it.backup")
    assert not list(tmp_path.iterdir())


def test_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    keep(tmp_path / "data" / "knead.db", _session(1))
    file = str(tmp_path / "log.backup")
    assert run(["backup", file]) == 0
    assert run(["backup", file]) == 6
    assert run(["restore", file, "--check"]) == 0
    assert run(["erase"]) == 2, "nobody to ask"
    assert len(_ids(tmp_path / "data" / "knead.db")) == 1
    assert run(["erase", "--yes"]) == 0
    assert run(["restore", file]) == 0
    assert run(["restore", str(tmp_path / "none")]) == 6
    told = capsys.readouterr()
    assert told.out == ""
    assert "1 session" in told.err
    assert "Traceback" not in told.err


def test_what_is_known_of_a_person_comes_back(path: Path, tmp_path: Path) -> None:
    """Limits, screening and locks, and the list of their changes: no restore makes anybody less careful."""
    keep(path, session_events.session(2.0))
    known: dict[str, dict[str, Json]] = {
        "screening": {"factor": 0.5},
        "limits": {"glute": {"kpa": 60}},
        "locks": {"list": [{"region": "calf", "until": None}]},
    }
    with Store(path) as store:
        store.people.change("me", session_events.STARTED, "screen", {"why": "asked"}, lambda _: known)
    backup.back_up(path, tmp_path / "log.backup")
    elsewhere = tmp_path / "elsewhere" / "knead.db"
    backup.restore(tmp_path / "log.backup", elsewhere)
    with Store(elsewhere) as store:
        assert store.people.kept("me") == known
        assert [(change.kind, change.at) for change in store.people.changes("me")] == [
            ("screen", session_events.STARTED)
        ]
