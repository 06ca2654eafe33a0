"""What the doctor says of Bluetooth and ports: on every system each trouble has its words and one thing to do."""

import os
import pty
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from companion import inreach
from companion.cli import radio, run
from companion.cli.radio import Advice, Facts, diagnose, look, port_holders, ports
from companion.errors import UnavailableError
from companion.inreach import Place
from companion.transports import bluetooth
from sessions.devices import Device
from sessions.store import Store
from tests.test_virtual_servers import posix_only

AT = datetime(2026, 11, 1, tzinfo=UTC)
AFAR = Device("native", "KB-1", "ball", {}, "Blue", "ble:Ball", AT, AT)
CABLE = replace(AFAR, address="serial:/dev/knead-test?baud=9600")
SYSTEMS = ("linux", "darwin", "win32")
TROUBLES = sorted({text for text, _ in bluetooth._UNAVAILABLE.values()} | {text for text, _ in bluetooth._BUS.values()})


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_trouble_has_one_thing_to_do_on_every_system(trouble: str, system: str) -> None:
    (advice,) = diagnose(Facts(system, trouble, adapters=1 if system == "linux" else None))
    assert advice.text
    assert advice.todo
    assert "doctor" not in advice.todo
    assert advice.state in ("note", "problem")


def one(**changes: object) -> Advice:
    facts = Facts("linux", adapters=1)
    (advice,) = diagnose(replace(facts, **changes))  # type: ignore[arg-type]  # fields of Facts
    return advice


def test_the_nearest_cause_is_named() -> None:
    service = "the system's Bluetooth service does not run"
    assert "no Bluetooth adapter" in one(trouble=service, adapters=0).text
    assert "switch of this computer" in one(trouble="Bluetooth is off", blocked="hard").text
    assert "rfkill" in one(trouble="Bluetooth is off", blocked="soft").todo
    assert "container" in one(trouble=service, bus=False).text
    assert "systemctl" in one(trouble=service).todo
    assert "group bluetooth" in one(trouble="the system does not permit the use of Bluetooth", adapters=0).todo


@pytest.mark.parametrize(
    ("system", "words"), [("darwin", "Privacy & Security"), ("win32", "Settings"), ("linux", "group")]
)
def test_permission_is_a_problem_and_says_where_it_is_given(system: str, words: str) -> None:
    (advice,) = diagnose(Facts(system, "Bluetooth is not permitted to this program"))
    assert advice.state == "problem"
    assert words in advice.todo


def test_no_bluetooth_is_a_problem_only_for_those_who_need_it() -> None:
    assert one(trouble="Bluetooth is off").state == "note"
    assert one(trouble="Bluetooth is off", paired=("Blue",), addresses=("ble:Ball",)).state == "problem"


def test_a_headless_machine_is_told_of_the_pairing_agent() -> None:
    works, agent = diagnose(Facts("linux", adapters=1, in_reach=("ble:Ball",), desktop=False))
    assert (works.state, works.text) == ("ok", "Bluetooth works; 1 ball in reach")
    assert "agent" in agent.text
    assert "bluetoothctl" in agent.todo


def test_a_ball_asleep_or_held_is_told_apart_as_far_as_it_can_be() -> None:
    known = Facts("darwin", paired=("Blue", "Red", "Green"), addresses=("ble:a", "ble:b", "ble:c"))
    _, held, asleep = diagnose(replace(known, in_reach=("ble:a",), held=("ble:b",)))
    assert "Red is connected to this computer" in held.text
    assert "Green does not show: asleep" in asleep.text
    assert "wake" in asleep.todo
    assert "app" in asleep.todo


def test_a_ball_that_is_not_plugged_in_and_one_that_is_held() -> None:
    place = Place("serial", "serial:/dev/knead-test", "", "", True, "")
    assert list(ports([place], [CABLE], {})) == []
    (gone,) = ports([], [CABLE], {})
    assert "not plugged in" in gone.text
    (held,) = ports([place], [CABLE], {"/dev/knead-test": "minicom (process 7)"})
    assert (held.state, "minicom" in held.text) == ("problem", True)
    assert list(ports([], [AFAR, replace(CABLE, paired_at=None)], {})) == []


@posix_only
@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_who_holds_a_port_is_found_without_opening_it() -> None:
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    code = f"import os, sys; os.open({name!r}, os.O_RDWR | os.O_NOCTTY); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert f"process {other.pid}" in port_holders([name])[name]
        other.communicate("")
    assert port_holders([name]) == {}
    os.close(master)
    os.close(slave)


def test_the_facts_of_this_computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def off(*_: object) -> list[Place]:
        raise UnavailableError("Bluetooth is off", "switch it on")

    monkeypatch.setattr(inreach, "ble_places", off)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(radio, "ADAPTERS", tmp_path / "bluetooth")
    monkeypatch.setattr(radio, "SWITCHES", tmp_path / "rfkill")
    (tmp_path / "bluetooth" / "hci0").mkdir(parents=True)
    for name, kind, soft in (("rfkill0", "wlan", "1"), ("rfkill1", "bluetooth", "1")):
        switch = tmp_path / "rfkill" / name
        switch.mkdir(parents=True)
        for file, text in (("type", kind), ("soft", soft), ("hard", "0")):
            (switch / file).write_text(text + "\n")
    facts = look([AFAR, CABLE])
    assert (facts.trouble, facts.adapters, facts.blocked) == ("Bluetooth is off", 1, "soft")
    assert (facts.paired, facts.addresses) == (("Blue",), ("ble:Ball",))
    monkeypatch.setattr(inreach, "ble_places", lambda *_: [Place("ble", "ble:Ball", "Ball", "", False, "held")])
    assert look([AFAR]).held == ("ble:Ball",)


def test_the_doctor_shows_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    with Store(tmp_path / "data" / "knead.db") as store:
        store.devices.pair({"kind": "native", "serial": "KB-1", "model": "m"}, "ble:Ball", AT, "Blue", lambda old: old)
    monkeypatch.setattr(inreach, "serial_places", lambda _: [])
    monkeypatch.setattr(inreach, "ble_places", lambda *_: [])
    assert run(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "bluetooth: Bluetooth works; 0 balls in reach" in shown
    assert "bluetooth: Blue does not show" in shown
