"""Whole sessions over Bluetooth LE: links come and go, the radio is pulled, other balls are about; one session goes on.

Everything is the product's own, from `compose.live` down to its bleak code; below that is a virtual radio.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bleak.exc import BleakBluetoothNotAvailableReason as Reason

from companion import balls, compose
from companion.clock import Clock
from companion.config import Settings, find_paths
from companion.engine import Engine
from companion.errors import DeviceNotFoundError
from companion.pipeline import Pipeline
from companion.run import LiveRequest, Run
from companion.transports import ble, blelink, search
from firmware_protocol import conversation
from firmware_protocol.devices import whc06
from firmware_protocol.host import Host
from sessions.events import Closed, Notice, Opened, Reading
from sessions.session import SessionData
from sessions.store import Store
from tests.bleak_on_bumble import Host as System
from tests.bleak_on_bumble import installed, transport
from tests.foreign_radio import Progressor, crane_scale
from tests.kit import LIMIT_S, Recorder, joined
from tests.radio import Radio
from tests.test_cli_main import ROOT
from tests.test_engine import plan


@pytest.fixture
def radio() -> Iterator[Radio]:
    with Radio() as made:
        yield made


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "GRACE_S", 0.3)
    monkeypatch.setattr(search, "RADIO_POLL_S", 0.1)


def hopeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not there is not looked for as long as a person would."""
    for module in (ble, search):
        monkeypatch.setattr(module, "SEARCH_S", 0.4)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    return Settings(paths=find_paths())


@contextmanager
def session(settings: Settings, address: str, **options: Any) -> Iterator[tuple[Run, Recorder]]:
    """One that was begun; it is ended, and must then have ended well."""
    seen = Recorder()
    request = LiveRequest(address=address, sound=False, **options)
    run = compose.live(request, settings, (seen,))
    run.start()
    try:
        yield run, seen
    finally:
        run.stop("user")
        assert run.join(LIMIT_S)
    assert run.failure is None


def kept(settings: Settings) -> SessionData:
    """The only session of the log."""
    with Store(settings.paths.database) as store:
        (row,) = store.list()
        return store.load(row.id)


def is_gap(notice: Notice) -> bool:
    return notice.kind == "gap"


def shows(kilogram: float) -> Callable[[Reading], bool]:
    return lambda reading: bool(np.isclose(reading.load, kilogram * 9.80665, atol=0.06).any())


def has_all(seen: Recorder) -> bool:
    """Every scan since the first has come, at once or late."""
    indices = {reading.index + k for reading in seen.of(Reading) for k in range(len(reading.t_s))}
    return len(indices) == max(indices) - min(indices) + 1


def says(state: str) -> Callable[[Notice], bool]:
    return lambda notice: notice.kind == "link" and notice.fields["state"] == state


# --- one session ---


def test_a_lost_link_is_a_gap_in_one_session_and_the_ball_fills_it(radio: Radio, settings: Settings) -> None:
    ball = radio.ball("Knead-1")
    with session(settings, "ble:Knead-1") as (run, seen):
        seen.wait_for(10, Reading)
        for lost in (1, 2):
            ball.lose()
            seen.wait_for(lost, Notice, is_gap)
            seen.wait(Reading, lambda reading: reading is seen.events[-1] and has_all(seen))
    assert run.outcome is not None
    assert run.outcome.code == 0
    assert len(seen.of(Opened)) == len(seen.of(Closed)) == 1
    assert sum(says("lost")(notice) for notice in seen.of(Notice)) == 2
    whole = kept(settings)
    assert whole.row.state == "complete"
    assert set(whole.segment) == {0}
    assert np.diff(whole.t_s).max() < 0.015, "the log of the ball filled the holes"
    assert not radio.host.scanning_while_connecting


def test_a_bonded_ball_comes_back_encrypted(radio: Radio, settings: Settings) -> None:
    ball = radio.ball("Knead-1", encrypted=True)
    with session(settings, "ble:Knead-1") as (_, seen):
        seen.wait_for(3, Reading)
        ball.leave()
        seen.wait(Notice, says("lost"))
        ball.come()
        seen.wait(Notice, is_gap)
        assert radio.call(lambda: ball.encrypted)
    assert kept(settings).row.state == "complete"


def test_a_radio_that_is_pulled_and_put_back_ends_nothing(radio: Radio, settings: Settings) -> None:
    ball = radio.ball("Knead-1")
    with session(settings, "ble:Knead-1") as (_, seen):
        seen.wait_for(3, Reading)
        radio.host.refusal = Reason.POWERED_OFF
        ball.lose()
        told = seen.wait(Notice, lambda notice: notice.kind == "away")
        assert "Bluetooth is off" in told.text
        radio.host.refusal = None
        seen.wait(Notice, is_gap)
    assert [notice.kind for notice in seen.of(Notice)].count("away") == 1, "said once"
    assert len(seen.of(Opened)) == 1
    assert kept(settings).row.state == "complete"


def test_a_dead_service_that_comes_back_ends_nothing(radio: Radio, settings: Settings) -> None:
    """Its errors are of any kind, and its links end without a word."""
    ball = radio.ball("Knead-1")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(blelink, "CLOSE_S", 0.2)
        patched.setattr(conversation, "REPLY_S", 0.2)
        with session(settings, "ble:Knead-1") as (_, seen):
            seen.wait_for(3, Reading)
            radio.host.raises = AssertionError("the bus has gone")
            radio.host.numb = radio.host.stuck = True
            ball.mute()
            seen.wait(Notice, lambda notice: notice.kind == "away")
            radio.host.raises = None
            radio.host.numb = radio.host.stuck = False
            ball.mute(False)
            ball.lose()
            seen.wait(Notice, is_gap)
    assert len(seen.of(Opened)) == 1
    assert kept(settings).row.state == "complete"


def test_a_ball_that_is_away_at_the_end_leaves_a_session(radio: Radio, settings: Settings) -> None:
    ball = radio.ball("Knead-1")
    with session(settings, "ble:Knead-1", seconds=1.0) as (run, seen):
        seen.wait_for(3, Reading)
        ball.leave()
        assert run.join(LIMIT_S)
    assert run.outcome is not None
    assert (run.outcome.code, run.outcome.hint) == (4, "the session is saved")
    assert kept(settings).row.state == "complete"


def test_nothing_in_reach_and_nothing_to_reach_with_end_at_once(
    radio: Radio, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hopeless(monkeypatch)
    radio.ball("Other-2")
    with pytest.raises(DeviceNotFoundError) as missing:
        compose.live(LiveRequest(address="ble:No such ball"), settings)
    with session(settings, "ble:No such ball?kind=native") as (absent, _):
        absent.join(LIMIT_S)
    radio.host.refusal = Reason.DENIED_BY_USER
    with session(settings, "ble:Other-2?kind=native") as (denied, _):
        denied.join(LIMIT_S)
    assert missing.value.exit_code == 3
    assert absent.outcome is not None
    assert absent.outcome.code == 3
    assert "No such ball" in absent.outcome.text
    assert denied.outcome is not None
    assert (denied.outcome.code, bool(denied.outcome.hint)) == (5, True)


def test_a_captured_session_over_bluetooth_plays_again(radio: Radio, settings: Settings, tmp_path: Path) -> None:
    ball = radio.ball("Knead-1")
    capture = tmp_path / "session.knead"
    with session(settings, "ble:Knead-1", capture=capture, record=False) as (_, seen):
        seen.wait_for(5, Reading)
        ball.lose()
        seen.wait(Notice, is_gap)
        seen.wait_for(len(seen.of(Reading)) + 5, Reading)
    again = Recorder()
    replay = LiveRequest(address=f"replay:{capture}", speed=float("inf"), record=False, sound=False)
    run = compose.live(replay, settings, (again,))
    run.start()
    assert run.join(LIMIT_S)
    assert run.outcome is not None
    assert run.outcome.code == 0
    assert joined(again.of(Reading)) == joined(seen.of(Reading))
    assert again.of(Opened)[0].device == seen.of(Opened)[0].device


def test_a_ball_is_zeroed_over_bluetooth(radio: Radio, settings: Settings) -> None:
    radio.ball("Knead-1", scenario="calm")
    assert compose.tare("ble:Knead-1", settings).code == 0


# --- whose ball it is ---


def expecting(address: str, serial: str, seen: Recorder) -> Engine:
    clock = Clock()
    driver = Host(framed=False, first_tag=7, expect_serial=serial)
    make = balls.transport(address, "native", clock, serial)
    return Engine(make, Pipeline(driver, plan(clock)), (seen,), clock)


def test_of_two_balls_of_one_name_the_remembered_one_is_taken(radio: Radio) -> None:
    radio.ball("Knead", seed=1)
    wanted = radio.ball("Knead", seed=2)
    for _ in range(2):  # whichever is seen first
        seen = Recorder()
        engine = expecting("ble:Knead", wanted.serial, seen)
        engine.start()
        seen.wait(Reading)
        engine.stop("user")
        assert engine.join(LIMIT_S)
        assert seen.of(Opened)[0].device["serial"] == wanted.serial


def test_a_remembered_ball_is_found_under_a_new_name(radio: Radio) -> None:
    radio.ball("Other", seed=1)
    wanted = radio.ball("Renamed", seed=2)
    seen = Recorder()
    engine = expecting("ble:Knead", wanted.serial, seen)
    engine.start()
    seen.wait(Reading)
    engine.stop("user")
    assert engine.join(LIMIT_S)
    assert seen.of(Opened)[0].device["serial"] == wanted.serial


def test_another_ball_of_the_name_alone_is_not_taken(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    radio.ball("Knead", seed=1)
    seen = Recorder()
    engine = expecting("ble:Knead", "V-SHOWCASE-2", seen)
    engine.start()
    seen.wait(Notice, says("ended"))
    hopeless(monkeypatch)
    assert engine.join(LIMIT_S)
    assert engine.outcome is not None
    assert (engine.outcome.code, engine.outcome.text) == (3, "the ball in reach is not Knead")
    assert not seen.of(Reading)


# --- other kinds ---


def test_a_progressor_is_known_by_itself_and_read(radio: Radio, settings: Settings) -> None:
    device = Progressor(radio, "Progressor_0042")
    with session(settings, "ble:Progressor_0042") as (_, seen):
        seen.wait_for(5, Reading)
        device.drop()
        seen.wait(Notice, is_gap)
        seen.wait_for(len(seen.of(Reading)) + 3, Reading)
    assert seen.of(Opened)[0].device["kind"] == "progressor"
    assert kept(settings).unit == "N"


def test_a_crane_scale_is_read_from_its_advertisements(radio: Radio, settings: Settings) -> None:
    scale = crane_scale(radio)
    scale.show(12.34)
    with session(settings, f"ble:{whc06.NAME}") as (_, seen):
        for kilogram in (12.35, 12.36, 20.0, 20.01):
            scale.show(kilogram)
            seen.wait(Reading, shows(kilogram))
    assert seen.of(Opened)[0].device["kind"] == "whc06"
    assert any(notice.kind == "slow" for notice in seen.of(Notice)), "too slow to warn in time"


# --- another process ---


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_ball_of_another_process_over_hci(settings: Settings, tmp_path: Path) -> None:
    port = free_port()
    truth = tmp_path / "truth.csv"
    command = [sys.executable, "-m", "companion", "simulate", "ble", "--hci", f"tcp-server:127.0.0.1:{port}"]
    with subprocess.Popen(
        [*command, "--name", "Far-1", "--encrypted", "--truth", str(truth)],
        cwd=ROOT,
        env=os.environ | {"KNEAD_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ble:Far-1\n"
            opened: list[Any] = []

            async def make() -> tuple[Any, Any]:
                opened.append(transport(f"tcp-client:127.0.0.1:{port}"))
                source, sink = await opened[-1].__aenter__()
                return source, sink

            here = System(make, "C4:00:00:00:00:09")
            with installed(here), session(settings, "ble:Far-1?kind=native") as (run, seen):
                seen.wait_for(20, Reading)
            assert run.outcome is not None
            assert run.outcome.code == 0
            process.terminate()
            assert process.wait(LIMIT_S) == 128 + 15
        finally:
            process.kill()
    assert seen.of(Opened)[0].device["model"] == "virtual"
    assert truth.read_text("ascii").startswith("index,t_us")
    assert sum(reading.lost for reading in seen.of(Reading)) == 0
    assert kept(settings).row.simulated
