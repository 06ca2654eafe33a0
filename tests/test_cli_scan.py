"""`knead scan`: the ports there are, none of them opened; and `knead tare`."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from companion import compose, inreach
from companion.cli import run
from companion.config import find_paths
from companion.engine import Outcome
from companion.errors import DeviceNotFoundError, UnavailableError
from companion.inreach import Place
from sessions.store import Store

Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _home(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    monkeypatch.setattr(inreach, "ble_places", lambda *_: [])


def port(**changed: Any) -> Place:
    return replace(Place("serial", "serial:/dev/ttyACM0", "Ball", "USB 1a86", False, ""), **changed)


def test_scan_lists_ports_and_why_one_cannot_be_used(capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [port(known=True), port(address="serial:COM3", name="COM3", problem="busy")]
    monkeypatch.setattr(inreach, "serial_places", lambda _: ports)
    assert run(["scan"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "serial:/dev/ttyACM0  Ball  USB 1a86  known",
        "serial:COM3  USB 1a86  new  cannot be used: busy",
    ]


def test_scan_as_json(capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inreach, "serial_places", lambda _: [port(name="B\x1b[31mall\u202e")])
    assert run(["scan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": 1,
        "balls": [
            {
                "link": "serial",
                "address": "serial:/dev/ttyACM0",
                "name": "Ball",
                "detail": "USB 1a86",
                "known": False,
                "problem": "",
                "kind": "",
                "rssi_dbm": None,
                "battery_pct": None,
                "nickname": "",
            }
        ],
        "bluetooth": "ok",
    }


def test_balls_on_the_air_are_listed_with_their_signal(capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    near = [
        port(link="ble", address="ble:Ball", rssi_dbm=-63, battery_pct=81, detail="pressure ball", kind="native"),
        port(link="ble", address="ble:Held", name="Held", rssi_dbm=None, problem="connected already", nickname="Blue"),
    ]
    monkeypatch.setattr(inreach, "serial_places", lambda _: [])
    monkeypatch.setattr(inreach, "ble_places", lambda _known, _seconds, told: [told(place) or place for place in near])
    assert run(["scan", "--seconds", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ble:Ball  Ball  ###. -63 dBm  pressure ball  battery 81 %  new",
        "ble:Held  Held  USB 1a86  Blue  cannot be used: connected already",
    ]


def test_a_paired_ball_that_is_not_in_sight_is_listed_with_the_reasons(
    capsys: Shown, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Store(find_paths().database) as store:
        ball = {"kind": "native", "serial": "KB-1", "model": "m"}
        store.devices.pair(ball, "ble:Ball", datetime.now(UTC), "Blue", lambda before: before)
    monkeypatch.setattr(inreach, "serial_places", lambda _: [])
    assert run(["scan"]) == 0
    line = capsys.readouterr().out
    assert "Blue" in line
    assert "asleep, out of reach, or in use" in line


def test_bluetooth_that_cannot_be_used_is_one_line_and_the_ports_are_still_listed(
    capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off(*_: object) -> list[Place]:
        raise UnavailableError("Bluetooth is off", "switch Bluetooth on")

    monkeypatch.setattr(inreach, "ble_places", off)
    monkeypatch.setattr(inreach, "serial_places", lambda _: [port()])
    assert run(["scan"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("serial:/dev/ttyACM0")
    assert shown.err == "knead: Bluetooth is off\n  switch Bluetooth on\n"
    monkeypatch.setattr(inreach, "serial_places", lambda _: [])
    assert run(["scan"]) == 5
    assert run(["scan", "--no-bluetooth"]) == 0


def test_nothing_in_reach_is_said_on_stderr(capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inreach, "serial_places", lambda _: [])
    assert run(["scan"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "serial port in reach" in shown.err


def test_tare_says_what_came_of_it(capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def tare(address: str | None, settings: object, seconds: float, **_: object) -> Outcome:
        asked.append((address, seconds))
        return Outcome(0, "zero set")

    monkeypatch.setattr(compose, "tare", tare)
    assert run(["tare", "sim:calm", "--seconds", "3"]) == 0
    assert asked == [("sim:calm", 3.0)]
    assert capsys.readouterr().out == "zero set\n"


def test_tare_that_fails_is_one_line(capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "tare", lambda *_, **__: Outcome(1, "the ball is loaded", "take the weight off"))
    assert run(["tare"]) == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "knead: the ball is loaded\n  take the weight off\n")


def test_tare_without_a_ball_is_3(capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    def tare(*_: object, **__: object) -> Outcome:
        raise DeviceNotFoundError("no ball has been used yet", "name one")

    monkeypatch.setattr(compose, "tare", tare)
    assert run(["tare"]) == 3
    assert capsys.readouterr().err == "knead: no ball has been used yet\n  name one\n"
