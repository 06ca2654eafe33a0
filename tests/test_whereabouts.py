"""Which ball is meant and where it is: by its serial, never by the address alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from companion import inreach, whereabouts
from companion.config import Paths, find_paths
from companion.errors import ConfigError, DeviceNotFoundError
from companion.whereabouts import LastBall, Target, find, forget, presses_nobody, remembered
from sessions.devices import Device
from sessions.events import Fields, Opened
from sessions.store import Store

AT = datetime(2026, 11, 1, tzinfo=UTC)
TOLD: Fields = {"kind": "native", "serial": "KB-00A7", "model": "ball"}
BLUE = Device("native", "KB-00A7", "ball", TOLD, "Blue", "serial:/dev/ttyACM0", AT, AT)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find_paths({"KNEAD_HOME": str(tmp_path)})


def opened(**device: str) -> Opened:
    return Opened(0.0, AT, {**TOLD, **device}, "me", "glute", "left", "hard", 8.0, None, {}, {}, False, "test")


def keep_last(paths: Paths, address: str, **device: str) -> None:
    last = LastBall(paths, address)
    last(opened(**device))
    last.keep()


def test_an_address_is_taken_as_it_is(paths: Paths) -> None:
    assert find("serial:COM3", paths, [BLUE]) == Target("serial:COM3")
    assert find("serial:/dev/ttyACM0", paths, [BLUE]) == Target("serial:/dev/ttyACM0", device=BLUE)  # its settings help
    assert find("sim:calm", paths, []) == Target("sim:calm")


@pytest.mark.parametrize("name", ["Blue", "blue", "KB-00A7"])
def test_a_name_is_the_ball_of_that_serial_wherever_it_is(paths: Paths, name: str) -> None:
    assert find(name, paths, [BLUE]) == Target("serial:/dev/ttyACM0", "KB-00A7", "native", BLUE)


@pytest.mark.parametrize("name", ["Green", "nonsense:x", ""])
def test_a_name_nobody_has_is_one_line_and_a_hint(paths: Paths, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find(name, paths, [BLUE])
    assert caught.value.hint


def test_the_last_ball_goes_by_its_serial(paths: Paths) -> None:
    with pytest.raises(DeviceNotFoundError):
        find(None, paths, [])
    keep_last(paths, "serial:/dev/ttyACM1")
    assert find(None, paths, []) == Target("serial:/dev/ttyACM1", "KB-00A7")
    moved = replace(BLUE, address="ble:Knead-1")  # it was seen elsewhere since
    assert find(None, paths, [moved]) == Target("ble:Knead-1", "KB-00A7", "native", moved)


def test_a_session_tells_the_log_where_a_known_ball_is(paths: Paths) -> None:
    with Store(paths.database) as store:
        store.devices.pair(TOLD, "serial:/dev/ttyACM0", AT, "Blue", lambda before: before)
    keep_last(paths, "serial:/dev/ttyACM7")
    keep_last(paths, "serial:/dev/ttyACM8", serial="KB-00B1")  # nobody's: no row is made for it
    (ball,) = remembered(paths)
    assert (ball.address, ball.nickname) == ("serial:/dev/ttyACM7", "Blue")
    assert whereabouts.known(paths) == {"serial:/dev/ttyACM7": "Blue", "serial:/dev/ttyACM8": ""}


@pytest.mark.parametrize(
    ("text", "address"),
    [("serial:COM3\n", "serial:COM3"), ("{broken", None), ('{"address": 5}', "5"), ('{"address": "a\\u001b"}', None)],
)
def test_what_stands_in_its_file_is_read_with_care(paths: Paths, text: str, address: str | None) -> None:
    paths.state_dir.mkdir(parents=True)
    (paths.state_dir / "last-ball").write_text(text)
    if address is None:
        with pytest.raises(DeviceNotFoundError):
            find(None, paths, [])
    else:
        assert find(None, paths, []).address == address


def test_nothing_measured_is_nothing_kept(paths: Paths) -> None:
    LastBall(paths, "serial:COM3").keep()
    assert not paths.state_dir.exists()


def test_a_port_under_another_name_is_found_by_its_adapter(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    ball = replace(BLUE, address="serial:/dev/knead-gone?baud=57600", kept={"usb_id": "1a86:7523", "usb_serial": "A7"})
    ports = [
        SimpleNamespace(address="serial:/dev/ttyUSB3", usb_id="1a86:7523", usb_serial="B2"),
        SimpleNamespace(address="serial:/dev/ttyUSB4", usb_id="1a86:7523", usb_serial="A7"),
    ]
    monkeypatch.setattr(inreach, "serial_ports", lambda: ports)
    assert find("Blue", paths, [ball]).address == "serial:/dev/ttyUSB4?baud=57600"
    monkeypatch.setattr(inreach, "serial_ports", lambda: ports[:1])
    assert find("Blue", paths, [ball]).address == ball.address


def test_forgetting_takes_name_profile_and_the_last_ball(paths: Paths) -> None:
    with Store(paths.database) as store:
        store.devices.pair(TOLD, "serial:/dev/ttyACM0", AT, "Blue", lambda _: {"area_cm2": 12.0})
    keep_last(paths, "serial:/dev/ttyACM0")
    assert forget(paths, "blue").serial == "KB-00A7"
    assert remembered(paths) == []
    with pytest.raises(DeviceNotFoundError):
        find(None, paths, [])
    with pytest.raises(ConfigError):
        forget(paths, "blue")


def test_who_presses_nobody_is_known_beforehand(paths: Paths) -> None:
    assert presses_nobody(paths, "sim:calm")
    assert not presses_nobody(paths, "serial:COM3")
    assert not presses_nobody(paths, None)
    assert not presses_nobody(paths, "Blue")
    with Store(paths.database) as store:
        store.devices.pair({**TOLD, "serial": "V-1"}, "sim:calm", AT, "Blue", lambda before: before)
    assert presses_nobody(paths, "Blue")
    keep_last(paths, "sim:calm", serial="V-1")
    assert presses_nobody(paths, None)
    assert json.loads((paths.state_dir / "last-ball").read_text())["serial"] == "V-1"


def test_a_log_that_cannot_be_read_is_no_reason_to_fail(paths: Paths) -> None:
    paths.data_dir.mkdir(parents=True)
    paths.database.write_bytes(b"my diary\n" * 1000)
    assert remembered(paths) == []
    assert find("serial:COM3", paths, remembered(paths)) == Target("serial:COM3")
