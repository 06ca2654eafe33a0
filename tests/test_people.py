"""What the log keeps of a person: changed as a whole, listed, never raised while recording; older files open."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sessions import schema
from sessions.errors import RecordingError, StoreBusyError
from sessions.lock import RecordingLock
from sessions.people import Kept
from sessions.store import Store
from tests import session_events
from tests.test_store import cut_short, keep

AT = datetime(2026, 3, 10, 18, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "knead.db"


def test_of_one_nobody_knows_nothing_is_kept(path: Path) -> None:
    with Store(path) as store:
        assert store.people.kept("me") == {"screening": {}, "limits": {}, "locks": {}}
        assert store.people.names() == []


def test_a_change_is_kept_and_listed(path: Path) -> None:
    with Store(path) as store:
        store.people.change("Ann", AT, "limit lowered", {"region": "glute"}, lambda kept: {**kept, "limits": {"a": 1}})
        store.people.change("Ann", AT, "week", {}, lambda kept: {**kept, "screening": {"b": [2, None]}})
    with Store(path) as store:
        assert store.people.kept("Ann") == {"screening": {"b": [2, None]}, "limits": {"a": 1}, "locks": {}}
        assert store.people.kept("Bob")["limits"] == {}
        assert store.people.names() == ["Ann"]
        changes = store.people.changes("Ann")
    assert [(change.at, change.kind, change.fields) for change in changes] == [
        (AT, "limit lowered", {"region": "glute"}),
        (AT, "week", {}),
    ]


def test_a_change_that_fails_leaves_everything(path: Path) -> None:
    def fail(_kept: Kept) -> Kept:
        raise RuntimeError("no")

    with Store(path) as store:
        store.people.change("me", AT, "week", {}, lambda kept: {**kept, "limits": {"a": 1}})
        with pytest.raises(RuntimeError):
            store.people.change("me", AT, "week", {}, fail)
        assert store.people.kept("me")["limits"] == {"a": 1}
        assert len(store.people.changes("me")) == 1


def test_not_while_a_session_is_recorded(path: Path) -> None:
    session = cut_short(path, session_events.session(3.0))
    with closing(RecordingLock(path, session)) as lock:
        assert lock.take()
        with Store(path) as store:
            with pytest.raises(RecordingError) as caught:
                store.people.change("me", AT, "raised", {}, lambda kept: kept, not_while_recording=True)
            assert isinstance(caught.value, StoreBusyError)
            assert store.people.changes("me") == []
            store.people.change("me", AT, "lowered", {}, lambda kept: kept)
    with Store(path) as store:  # the lock is free: the session is recovered, and a raise may be made
        store.people.change("me", AT, "raised", {}, lambda kept: kept, not_while_recording=True)
        assert [change.kind for change in store.people.changes("me")] == ["lowered", "raised"]


def test_a_file_of_before_gets_what_it_lacks_and_keeps_what_it_has(path: Path) -> None:
    session = keep(path, session_events.session(3.0))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE person_change")
        for column in ("screening", "limits", "locks"):
            connection.execute(f"ALTER TABLE person DROP COLUMN {column}")
        connection.commit()
    with Store(path) as store:
        assert store.row(session).id == session
        assert store.people.kept("me")["limits"] == {}
        store.people.change("me", AT, "week", {}, lambda kept: {**kept, "limits": {"a": 1}})
        assert store.people.kept("me")["limits"] == {"a": 1}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == schema.VERSION


def test_a_recovered_session_says_so_in_its_records(path: Path) -> None:
    cut_short(path, session_events.session(30.0))
    with Store(path) as store:
        assert {record.state for record in store.region_records(person="me")} == {"recovered"}
