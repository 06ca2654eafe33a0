"""`knead pair`, `devices`, `forget`, and `live NAME`: as commands, without a terminal."""

import json
import os
import signal
from pathlib import Path

import pytest

from companion.cli import run
from companion.engine import Outcome
from companion.meeting import Meeting
from tests.test_cli_main import knead

Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))


def paired(*options: str) -> int:
    return run(["pair", "sim:calm", "--name", "Blue", "--speed", "10", *options])


def test_a_ball_is_paired_listed_used_and_forgotten(capsys: Shown) -> None:
    assert paired("--tool", "tennis") == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    checks = ["noise", "zero", "drift", "stuck", "rate", "battery", "calibration"]
    assert [line.split()[0] for line in lines if line[0] != " "] == [*checks, "remembered:"]
    assert "knead: it buzzes" in shown.err
    assert run(["devices"]) == 0
    listed = capsys.readouterr().out
    for word in ("Blue", "V-CALM-0", "tennis", "sim:calm", "paired", "0 sessions"):
        assert word in listed
    assert run(["live", "blue", "--seconds", "1", "--speed", "20", "--jsonl"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [event["event"] for event in events]
    told = [event.get("text") for event in events[: kinds.index("reading")]]
    assert "this is Blue" in told, "before values are shown"
    assert run(["devices", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["devices"]
    assert (row["name"], row["serial"], row["sessions"]) == ("Blue", "V-CALM-0", 1)
    assert row["profile"]["tool"] == "tennis"
    assert run(["forget", "Blue"]) == 0
    assert "forgotten: Blue" in capsys.readouterr().out
    assert run(["devices"]) == 0
    assert "No ball is remembered" in capsys.readouterr().err


def test_as_one_document(capsys: Shown) -> None:
    assert paired("--json", "--as-told", "--no-find") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1
    assert document["ball"]["profile"]["area_cm2"] == 12.0
    assert {"check", "state", "word", "value", "unit", "text", "todo"} == set(document["checks"][0])
    assert document["told"] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--area", "900"), "900 cm2 cannot be the area of a ball"),
        (("--area", "nan"), "nan cm2 cannot be the area of a ball"),
        (("--tool", "gun"), "no tool gun"),
        (("--diameter", "60"), "go together"),
        (("--name", "a:b"), "cannot be called"),
        (("--name", ""), "cannot be called ''"),
        (("--calibrated-on", "2999-01-01"), "yet to come"),
        (("--columns", "weight"), "no column weight"),
        (("--unit", "stone"), "no unit stone"),
    ],
)
def test_what_cannot_be_is_usage_and_changes_nothing(options: tuple[str, ...], words: str, capsys: Shown) -> None:
    assert run(["pair", "sim:calm", *options]) == 2
    assert words in capsys.readouterr().err
    assert run(["devices"]) == 0
    assert capsys.readouterr().out == ""


def test_a_name_is_given_once(capsys: Shown) -> None:
    assert paired("--no-find", "--no-zero") == 0
    assert run(["pair", "sim:rolling", "--name", "blue", "--no-find", "--no-zero", "--speed", "10"]) == 2
    assert "another ball is called blue" in capsys.readouterr().err
    assert run(["pair", "sim:calm", "--name", "BLUE", "--no-find", "--no-zero", "--speed", "10"]) == 0


def test_a_pairing_that_fails_is_one_line_a_hint_and_its_code(capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = Outcome(4, "the ball went away", "bring it near")
    monkeypatch.setattr(Meeting, "run", lambda _: outcome)
    assert run(["pair", "sim:calm"]) == 4
    assert capsys.readouterr().err == "knead: the ball went away\n  bring it near\n"


@pytest.mark.parametrize(
    ("arguments", "code"), [(["forget", "Nobody"], 2), (["live", "Nobody"], 2), (["pair"], 2), (["pair", ""], 2)]
)
def test_nobody_is_called_so(arguments: list[str], code: int, capsys: Shown) -> None:
    assert run(arguments) == code
    told = capsys.readouterr().err
    assert told
    assert arguments[-1] or told.startswith("knead: '' is no address")


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_leaving_by_a_signal_keeps_nothing(
    name: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    def interrupted(self: Meeting) -> Outcome:
        signal.raise_signal(getattr(signal, name))
        raise AssertionError("it was not ended")

    left: list[Meeting] = []
    monkeypatch.setattr(Meeting, "run", interrupted)
    monkeypatch.setattr(Meeting, "abandon", lambda meeting: left.append(meeting))
    assert run(["pair", "sim:calm"]) == code
    assert len(left) == 1
    told = capsys.readouterr().err
    assert told == ("knead: interrupted\n" if code == 130 else f"knead: ended by signal {code - 128}\n")
    assert name == "SIGINT" or signal.getsignal(getattr(signal, name)) == signal.SIG_DFL
    assert run(["devices"]) == 0
    assert capsys.readouterr().out == ""


def test_balls_of_a_log_that_cannot_be_read_are_not_none(tmp_path: Path, capsys: Shown) -> None:
    database = tmp_path / "data" / "knead.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    database.write_bytes(b"no library" * 900)
    assert run(["devices"]) == 6
    told = capsys.readouterr()
    assert told.out == ""
    assert "is damaged" in told.err.splitlines()[0]


@pytest.mark.skipif(os.name != "posix", reason="a device path")
def test_as_a_process_without_a_ball(tmp_path: Path) -> None:
    found = knead("pair", "serial:/dev/nothing-here", home=tmp_path)
    assert found.returncode == 3
    assert found.stdout == ""
    assert "there is no port" in found.stderr
