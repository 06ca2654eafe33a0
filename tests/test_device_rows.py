"""What the log keeps of a ball: paired as a whole, known by its own serial, forgotten, carried by a backup."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sessions import schema
from sessions.backup import back_up, restore
from sessions.devices import named
from sessions.errors import NameTakenError, NotFoundError
from sessions.events import Fields
from sessions.store import Store
from tests import session_events
from tests.test_store import keep

AT = datetime(2026, 3, 10, 18, 0, tzinfo=UTC)
BALL: Fields = {"kind": "native", "serial": "KB-00A7", "model": "ball", "firmware": "1.0", "cal_crc": 7}
OTHER: Fields = {**BALL, "serial": "KB-00B1"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "knead.db"


def test_a_ball_is_remembered_with_all_that_was_settled(path: Path) -> None:
    with Store(path) as store:
        store.devices.pair(BALL, "serial:/dev/ttyACM0", AT, "Blue", lambda before: {**before, "area_cm2": 12.0})
    with Store(path) as store:
        (found,) = store.devices.list()
    assert (found.kind, found.serial, found.model, found.nickname) == ("native", "KB-00A7", "ball", "Blue")
    assert (found.address, found.seen_at, found.paired_at) == ("serial:/dev/ttyACM0", AT, AT)
    assert (found.kept, found.profile["cal_crc"], found.sessions) == ({"area_cm2": 12.0}, 7, 0)


def test_paired_again_it_is_the_same_ball_wherever_it_is(path: Path) -> None:
    with Store(path) as store:
        store.devices.pair(BALL, "serial:/dev/ttyACM0", AT, "Blue", lambda _: {"area_cm2": 12.0, "own": [1]})
        store.devices.pair(BALL, "ble:Ball", AT + timedelta(days=1), "Navy", lambda before: {**before, "area_cm2": 9.0})
        (found,) = store.devices.list()
    assert (found.nickname, found.address, found.kept) == ("Navy", "ble:Ball", {"area_cm2": 9.0, "own": [1]})


def test_a_pairing_that_fails_leaves_everything(path: Path) -> None:
    def fail(_before: Fields) -> Fields:
        raise RuntimeError("no")

    with Store(path) as store:
        store.devices.pair(BALL, "a", AT, "Blue", lambda _: {"area_cm2": 12.0})
        with pytest.raises(RuntimeError):
            store.devices.pair(BALL, "b", AT, "Navy", fail)
        with pytest.raises(NameTakenError, match="BLUE"):
            store.devices.pair(OTHER, "b", AT, "BLUE", lambda before: before)
        (found,) = store.devices.list()
    assert (found.nickname, found.address, found.serial) == ("Blue", "a", "KB-00A7")


def test_a_ball_in_use_is_known_before_it_is_paired(path: Path) -> None:
    session = keep(path, session_events.session(3.0))
    with Store(path) as store:
        (used,) = store.devices.list()
        assert (used.paired_at, used.nickname, used.sessions) == (None, "", 1)
        device = store.opened(session).device
        seen = store.devices.seen(device, "serial:COM3", AT)
        assert (seen.serial, seen.address, seen.seen_at, seen.paired_at) == (used.serial, "serial:COM3", AT, None)


def test_the_one_seen_last_stands_first(path: Path) -> None:
    with Store(path) as store:
        store.devices.pair(BALL, "a", AT, "Blue", lambda before: before)
        store.devices.pair(OTHER, "b", AT + timedelta(hours=1), "Red", lambda before: before)
        assert [ball.nickname for ball in store.devices.list()] == ["Red", "Blue"]
        store.devices.seen(BALL, "c", AT + timedelta(hours=2))
        assert [ball.nickname for ball in store.devices.list()] == ["Blue", "Red"]


def test_a_forgotten_ball_is_gone_and_its_sessions_stay(path: Path) -> None:
    session = keep(path, session_events.session(3.0))
    with Store(path) as store:
        used = store.devices.pair(store.opened(session).device, "a", AT, "Blue", lambda _: {"area_cm2": 12.0})
        new = store.devices.pair(OTHER, "b", AT, "Red", lambda before: before)
        store.devices.forget(used)
        store.devices.forget(new)
        (left,) = store.devices.list()
        assert (left.nickname, left.address, left.paired_at, left.kept) == ("", "", None, {})
        assert store.row(session).device == used.serial
        with pytest.raises(NotFoundError):
            store.devices.forget(new)
        store.devices.pair(OTHER, "c", AT, "Blue", lambda before: before)  # the name is free again


def test_balls_are_named_by_nickname_or_serial(path: Path) -> None:
    with Store(path) as store:
        store.devices.pair(BALL, "a", AT, "Blue", lambda before: before)
        store.devices.pair(OTHER, "b", AT, "kb-00a7", lambda before: before)  # as another's serial
        balls = store.devices.list()
    assert named(balls, "blue").serial == "KB-00A7"
    assert named(balls, "KB-00A7").serial == "KB-00B1"
    assert named(balls, "kb-00b1").nickname == "kb-00a7"
    for name in ("", "green"):
        with pytest.raises(NotFoundError):
            named(balls, name)


def test_what_was_settled_is_changed_alone(path: Path) -> None:
    with Store(path) as store:
        ball = store.devices.pair(BALL, "a", AT, "Blue", lambda _: {"area_cm2": 12.0})
        after = store.devices.settle(ball, lambda before: {**before, "points": [[[0, 0.0], [900, 98.1]]]})
        assert after.kept == {"area_cm2": 12.0, "points": [[[0, 0.0], [900, 98.1]]]}
        assert (after.nickname, after.paired_at) == ("Blue", AT)
        store.devices.forget(after)
        with pytest.raises(NotFoundError):
            store.devices.settle(after, lambda before: before)


def test_a_file_of_before_gets_what_it_lacks_and_keeps_what_it_has(path: Path) -> None:
    session = keep(path, session_events.session(3.0))
    with closing(sqlite3.connect(path)) as connection:
        for column in ("nickname", "address", "seen_us", "paired_us", "kept"):
            connection.execute(f"ALTER TABLE device DROP COLUMN {column}")
        connection.commit()
    with Store(path) as store:
        (used,) = store.devices.list()
        assert (used.nickname, used.kept, used.sessions, store.row(session).id) == ("", {}, 1, session)
        store.devices.pair(used.profile, "a", AT, "Blue", lambda _: {"area_cm2": 12.0})
        assert store.devices.list()[0].kept == {"area_cm2": 12.0}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == schema.VERSION


def test_a_backup_carries_the_balls(path: Path, tmp_path: Path) -> None:
    with Store(path) as store:
        store.devices.pair(BALL, "a", AT, "Blue", lambda _: {"area_cm2": 12.0})
    back_up(path, tmp_path / "log.backup")
    with Store(path) as store:
        store.devices.forget(store.devices.list()[0])
    restore(tmp_path / "log.backup", path, replace=True)
    with Store(path) as store:
        assert [(ball.nickname, ball.kept) for ball in store.devices.list()] == [("Blue", {"area_cm2": 12.0})]
