"""`knead doctor`: every check, and the one thing to do where something is missing."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from companion import inreach
from companion.cli import doctor as doctor_module
from companion.cli import run
from companion.cli.doctor import CHECKS, Finding
from companion.config import Paths, find_paths
from companion.errors import UnavailableError
from companion.inreach import Place
from sessions.errors import UnreadableError

Shown = pytest.CaptureFixture[str]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    return find_paths({"KNEAD_HOME": str(tmp_path)})


@pytest.fixture
def no_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is plugged into the machine that runs this."""
    checks = tuple((name, check) for name, check in CHECKS if name not in ("serial", "ball", "bluetooth"))
    monkeypatch.setattr(doctor_module, "CHECKS", checks)


def found(name: str, paths: Paths) -> list[Finding]:
    return doctor_module._checked(name, dict(CHECKS)[name], paths)


@pytest.mark.usefixtures("no_ports")
def test_json_lists_every_check(paths: Paths, capsys: Shown) -> None:
    assert run(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1
    assert document["ok"] is True
    assert {row["check"] for row in document["checks"]} >= {"python", "terminal", "config", "store", "disk"}
    for row in document["checks"]:
        assert set(row) == {"check", "state", "text", "todo"}
        assert row["state"] in ("ok", "note", "problem")


@pytest.mark.usefixtures("no_ports")
def test_it_makes_nothing(paths: Paths, tmp_path: Path) -> None:
    assert run(["doctor"]) == 0
    assert not any(tmp_path.iterdir())


@pytest.mark.usefixtures("no_ports")
def test_a_broken_config_is_a_finding_and_no_failure(paths: Paths, capsys: Shown) -> None:
    paths.config_file.parent.mkdir()
    paths.config_file.write_text("fps = 99\nfpss = 1\n", "utf-8")
    assert run(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "PROBLEM config:" in text
    assert "To do: allowed is a whole number from 1 to 30" in text
    assert "NOTE    config:" in text
    assert run(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is False
    assert run(["doctor", "--help"]) == 0
    assert "Ends with 0 whatever it finds" in " ".join(capsys.readouterr().out.split())


def test_a_damaged_log_is_a_finding(paths: Paths) -> None:
    paths.data_dir.mkdir()
    paths.database.write_bytes(b"no database" * 1000)
    (finding,) = found("store", paths)
    assert finding.state == "problem"
    assert finding.todo


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_cannot_be_written_is_a_finding(paths: Paths, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (finding,) = found("store", paths)
    tmp_path.chmod(0o700)
    assert finding.state == "problem"


def test_a_full_disk_is_a_finding(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=3_000_000))
    (finding,) = found("disk", paths)
    assert (finding.state, finding.todo) == ("problem", "free at least 200 MB")
    assert finding.text.startswith("3 MB free")


@pytest.mark.skipif(os.name != "posix", reason="groups")
def test_a_port_that_may_not_be_opened_names_its_group(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = tmp_path / "ttyACM0"
    port.touch()
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(doctor_module, "_ports", lambda: [port])
    monkeypatch.setattr(doctor_module, "_serial_group", lambda: ("dialout", 20))
    monkeypatch.setattr("os.access", lambda _path, _mode: False)
    (finding,) = found("permission", paths)
    assert finding.state == "problem"
    assert finding.todo == "sudo usermod -aG dialout $USER, then log in again"


@pytest.mark.skipif(os.name != "posix", reason="groups")
@pytest.mark.parametrize(("user", "groups", "state"), [(0, [], "ok"), (1000, [20], "ok"), (1000, [4], "note")])
def test_without_a_port_the_group_decides(
    user: int, groups: list[int], state: str, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(doctor_module, "_ports", list)
    monkeypatch.setattr(doctor_module, "_serial_group", lambda: ("dialout", 20))
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr("os.getgroups", lambda: groups)
    (finding,) = found("permission", paths)
    assert finding.state == state


@pytest.mark.parametrize(
    "error", [UnavailableError("no", "do this"), UnreadableError("no", "do this"), PermissionError(13, "no")]
)
def test_a_check_that_fails_is_a_finding(error: Exception, paths: Paths) -> None:
    def check(_paths: Paths) -> Iterator[Finding]:
        raise error

    (finding,) = doctor_module._checked("x", check, paths)
    assert finding.state == "problem"
    assert finding.todo


def test_a_small_terminal_is_noted(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.cli.terminal.on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "20")
    (finding,) = found("terminal", paths)
    assert (finding.state, finding.todo) == ("note", "make the window at least 80 x 24")


def test_ports_are_those_of_the_system(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    port = Place("serial", "serial:/dev/ttyACM0", "B\x1b[2J", "USB\x07", True, "")
    monkeypatch.setattr(inreach, "serial_places", lambda _: [port])
    (finding,) = found("serial", paths)
    assert (finding.state, finding.text) == ("ok", "serial:/dev/ttyACM0 USB")
    monkeypatch.setattr(inreach, "serial_places", lambda _: [])
    (finding,) = found("serial", paths)
    assert finding.state == "note"


def test_keys_that_are_none_are_found(paths: Paths) -> None:
    paths.config_file.parent.mkdir(parents=True)
    paths.config_file.write_text('[keys]\n"live.mrak" = "k"\n')
    (finding,) = found("config", paths)
    assert finding.state == "problem"
    assert "live.mrak" in finding.text


def test_what_keeps_the_display_awake_is_told(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.wakeful.able", lambda: ("caffeinate",))
    (finding,) = found("display", paths)
    assert (finding.state, finding.text) == ("ok", "kept awake in a session by caffeinate")
    monkeypatch.setattr("companion.wakeful.able", tuple)
    (finding,) = found("display", paths)
    assert finding.state == "note"
    monkeypatch.setenv("KNEAD_AWAKE", "off")
    (finding,) = found("display", paths)
    assert "by your settings" in finding.text
