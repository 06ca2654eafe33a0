"""A damaged log: every page of it in turn, and what can still be read comes into a new one."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from companion.cli import run
from sessions import Store
from sessions.errors import SessionError, StoreBusyError, UnreadableError
from sessions.lock import RecordingLock
from sessions.replacing import is_empty
from sessions.salvage import is_sound, salvage
from tests.benchmarks.library import build

PAGE = 4096
SESSIONS = 60
WITH_SAMPLES = 6
LOOKED_AT = 10  # pages


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    path = tmp_path_factory.mktemp("whole") / "knead.db"
    build(path, SESSIONS, WITH_SAMPLES)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    yield path.read_bytes()


def damaged(whole: bytes, path: Path, *pages: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    data = bytearray(whole)
    for page in pages:
        data[page * PAGE : (page + 1) * PAGE] = b"\xff" * PAGE
    path.write_bytes(data)
    return path


def test_whatever_page_is_damaged_most_sessions_are_saved(whole: bytes, tmp_path: Path) -> None:
    """But for those that say what is where."""
    saved, unreadable, nothing = [], 0, 0
    pages = len(whole) // PAGE
    for page in range(1, pages, pages // LOOKED_AT):
        path = damaged(whole, tmp_path / str(page) / "knead.db", page)
        before = path.read_bytes()
        if is_sound(path):  # nothing stands there
            continue
        try:
            found = salvage(path)
        except UnreadableError:  # the page that says where all sessions lie
            assert path.read_bytes() == before
            nothing += 1
            continue
        assert found.kept is not None and found.kept.read_bytes() == before
        assert is_sound(path)
        with Store(path) as store:
            rows = store.list()
            assert len(rows) == found.sessions
            for row in rows[::12]:
                try:
                    assert store.load(row.id).row == row
                except UnreadableError:  # a part of a chunk was on that page: the session says so by itself
                    unreadable += 1
        saved.append(found.sessions)
    assert len(saved) >= LOOKED_AT / 2
    assert unreadable <= len(saved)
    assert nothing <= 1
    assert min(saved) >= SESSIONS // 2
    assert sum(count == SESSIONS for count in saved) > len(saved) / 2


def test_the_command_takes_what_can_be_read(
    whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    with closing(sqlite3.connect(":memory:")) as raw:
        raw.deserialize(_without_wal(whole))
        chunks = raw.execute("SELECT pageno - 1 FROM dbstat WHERE name = 'chunk' AND pagetype = 'leaf'").fetchall()
        session = raw.execute("SELECT pageno - 1 FROM dbstat WHERE name = 'session' AND pagetype = 'leaf'").fetchall()
    damaged(whole, tmp_path / "data" / "knead.db", chunks[1][0], session[2][0])
    assert run(["sessions", "list"]) == 6
    assert "knead sessions recover" in capsys.readouterr().err
    assert run(["sessions", "recover"]) == 0
    told = capsys.readouterr().err
    assert "the log was damaged" in told
    assert re.search(r"lost: \d+ rows? of session\b", told)
    assert re.search(r"lost: \d+ rows? of chunk\b", told)
    assert "is kept as" in told
    assert run(["sessions", "list", "--json"]) == 0
    assert run(["sessions", "recover"]) == 0
    assert capsys.readouterr().err == "Nothing to recover.\n"


def _without_wal(whole: bytes) -> bytes:
    """For a database in memory, which has no side file."""
    return whole[:18] + b"\x01\x01" + whole[20:]


def test_a_person_whose_row_is_gone_keeps_the_sessions(whole: bytes, tmp_path: Path) -> None:
    path = damaged(whole, tmp_path / "knead.db")
    with closing(sqlite3.connect(path)) as raw:
        pages = dict(raw.execute("SELECT name, rootpage FROM sqlite_master"))
    damaged(whole, path, pages["person"] - 1, pages["device"] - 1)
    assert salvage(path).sessions == SESSIONS
    with Store(path) as store:
        assert {row.person for row in store.list()} == {"person 1"}


def test_what_is_no_log_or_in_use_is_left_alone(whole: bytes, tmp_path: Path) -> None:
    path = damaged(whole, tmp_path / "knead.db", 0)
    before = path.read_bytes()
    with pytest.raises(UnreadableError):
        salvage(path)
    assert path.read_bytes() == before
    path = damaged(whole, path, 9)
    with closing(RecordingLock(path, "a")) as lock:
        assert lock.take()
        with pytest.raises(StoreBusyError):
            salvage(path)
    with pytest.raises(SessionError):
        salvage(tmp_path / "nothing.db")
    assert sorted(each.name for each in tmp_path.iterdir() if each.suffix == ".db") == ["knead.db"]
    assert not is_empty(path)
