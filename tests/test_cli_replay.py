"""`knead live --capture` and `knead live replay:...` as processes: the same events, and every way it can end."""

import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from companion.cli import run
from sessions.store import Store
from tests.test_cli_live import kept, running, until_reading
from tests.test_cli_main import knead

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")

SECONDS = "25"  # of the showcase: contact, too hard, a stop


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With one session in the log, and its capture and lines beside it."""
    home = tmp_path_factory.mktemp("home")
    arguments = ("sim:showcase", "--region", "glute", "--seconds", SECONDS, "--speed", "10", "--jsonl")
    found = knead("live", *arguments, "--capture", str(home / "it.cap"), home=home)
    assert found.returncode == 0, found.stderr
    (home / "it.jsonl").write_text(found.stdout)
    return home


@dataclass(frozen=True)
class Found:
    code: int
    out: str
    err: str


Live = Callable[..., Found]


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Live:
    """`knead live ...` in this process: much the quicker."""

    def command(home: Path, *arguments: str) -> Found:
        monkeypatch.setenv("KNEAD_HOME", str(home))
        code = run(["live", *arguments])
        shown = capsys.readouterr()
        return Found(code, shown.out, shown.err)

    return command


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def told(lines: list[dict[str, Any]]) -> list[object]:
    """What was said besides readings; of these, every value. The last line is about the log."""
    own = ("storage", "sound", "capture", "closed")
    others = [line for line in lines[:-1] if line["event"] != "reading" and line.get("kind") not in own]
    readings = [line for line in lines if line["event"] == "reading"]
    columns = ("t_s", "force_n", "pressure_kpa", "smooth_kpa", "ramp_kpa_s", "cells", "saturated")
    return [*others, *([value for line in readings for value in line[name]] for name in columns)]


@pytest.mark.parametrize("what", ["last", "it.cap"])
@pytest.mark.parametrize("speed", ["max", "200"])
def test_a_replay_says_the_same_and_keeps_nothing(home: Path, what: str, speed: str) -> None:
    address = "replay:last" if what == "last" else f"replay:{home / what}"
    found = knead("live", address, "--speed", speed, "--jsonl", home=home)
    assert found.returncode == 0, found.stderr
    again, before = events(found.stdout), events((home / "it.jsonl").read_text())
    assert len([line for line in before if line["event"] == "alert"]) >= 3
    assert told(again) == told(before)
    assert again[-2]["fields"] == {"cause": "replayed"}
    assert (again[-1]["event"], again[-1]["id"], again[-1]["state"]) == ("session", None, "unrecorded")
    assert len(kept(home)) == 1
    if what == "last":
        assert "alerts, the same as were recorded" in found.stderr


def test_a_session_is_named_by_its_beginning_and_a_file_with_its_directory(home: Path, live: Live) -> None:
    (row,) = kept(home)
    found = live(home, f"replay:{row.id[:8]}", "--speed", "max", "--plain")
    assert found.code == 0, found.err
    assert "replayed" in found.out.splitlines()[-2]
    (home / "last").write_bytes((home / "it.cap").read_bytes())
    named = live(home, "replay:" + os.path.relpath(home / "last", Path.cwd()), "--speed", "max")
    assert named.code == 0, named.err


def test_a_replay_may_be_recorded_and_then_does_not_count(home: Path, tmp_path: Path, live: Live) -> None:
    found = live(tmp_path, f"replay:{home / 'it.cap'}", "--speed", "max", "--record", "--plain")
    assert found.code == 0, found.err
    (row,), (first,) = kept(tmp_path), kept(home)
    assert row.simulated
    assert (row.scans, row.peak_kpa, row.alerts_by_level) == (first.scans, first.peak_kpa, first.alerts_by_level)
    assert row.end_cause == "replayed"


def test_a_part_of_a_session(home: Path, live: Live) -> None:
    found = live(home, "replay:last", "--speed", "max", "--seconds", "5", "--jsonl")
    assert found.code == 0, found.err
    times = [t_s for line in events(found.out) if line["event"] == "reading" for t_s in line["t_s"]]
    assert times[-1] == pytest.approx(5, abs=0.2)


def test_a_cut_capture_is_replayed_as_far_as_it_goes(home: Path, tmp_path: Path, live: Live) -> None:
    cut = tmp_path / "cut.cap"
    data = (home / "it.cap").read_bytes()
    cut.write_bytes(data[: len(data) * 9 // 10])  # about 22.5 s: the first alert came at 19.9 s
    found = live(home, f"replay:{cut}", "--speed", "max", "--jsonl")
    assert found.code == 6
    lines = [line for line in found.err.splitlines() if "nobody was screened" not in line]
    assert len(lines) == 2
    assert lines[0].startswith(f"knead: the capture {cut}: ")
    whole = events((home / "it.jsonl").read_text())
    first = [line for line in events(found.out) if line["event"] == "alert"]
    assert first
    assert first == [line for line in whole if line["event"] == "alert"][: len(first)]


def test_a_capture_outlives_its_program(tmp_path: Path) -> None:
    capture = tmp_path / "killed.cap"
    with running("live", "sim:calm", "--jsonl", "--speed", "20", "--capture", str(capture), home=tmp_path) as process:
        until_reading(process)
        assert process.stdout is not None
        for _ in range(300):
            process.stdout.readline()
        process.kill()
        process.wait()
    found = knead("live", f"replay:{capture}", "--speed", "max", "--jsonl", home=tmp_path)
    assert found.returncode == 6, found.stderr
    scans = sum(len(line["t_s"]) for line in events(found.stdout) if line["event"] == "reading")
    assert scans > 500


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["replay:0000"], 6),
        (["replay:nothing.cap"], 6),
        (["replay:"], 6),
        (["replay:/dev/null"], 6),
        (["replay:last", "--capture", "x.cap"], 2),
        (["sim:calm", "--speed", "max"], 2),
        (["sim:calm", "--capture", "pyproject.toml"], 2),
        (["sim:calm", "--capture", "no/such/directory/x"], 2),
        (["sim:calm", "--capture", "a\x1b[2J"], 2),
    ],
)
def test_what_cannot_be_is_one_line_a_hint_and_a_code(home: Path, arguments: list[str], code: int, live: Live) -> None:
    found = live(home, *arguments)
    assert found.code == code, found.err
    first, *hint = found.err.splitlines()
    assert first.startswith("knead: ")
    assert len(hint) == 1
    assert found.out == ""


@pytest.fixture
def copy(home: Path, tmp_path: Path) -> sqlite3.Connection:
    """The same log, to be tampered with."""
    with Store(home / "data" / "knead.db"):
        pass  # its side file is emptied
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "knead.db").write_bytes((home / "data" / "knead.db").read_bytes())
    return sqlite3.connect(tmp_path / "data" / "knead.db", isolation_level=None)


def test_another_smoothing_is_refused_and_other_limits_are_told(
    copy: sqlite3.Connection, tmp_path: Path, live: Live
) -> None:
    copy.execute("""UPDATE session SET context = json_set(context, '$.limits_version', 99)""")
    found = live(tmp_path, "replay:last", "--speed", "max", "--plain")
    assert found.code == 0
    assert "limits 99" in found.err.splitlines()[0]
    copy.execute("""UPDATE session SET smoothing = json_set(smoothing, '$.version', 99)""")
    found = live(tmp_path, "replay:last", "--speed", "max", "--plain")
    assert found.code == 6
    assert "version 99" in found.err


def test_alerts_that_differ_are_counted(copy: sqlite3.Connection, tmp_path: Path, live: Live) -> None:
    copy.execute("""UPDATE session SET context = json_set(context, '$.factor_k', 0.25)""")
    found = live(tmp_path, "replay:last", "--speed", "max", "--plain")
    assert found.code == 0
    assert "the alerts differ from those recorded" in found.err.splitlines()[-1]


def test_an_event_whose_place_was_not_stored_is_placed_by_its_time(
    copy: sqlite3.Connection, tmp_path: Path, live: Live
) -> None:
    before = live(tmp_path, "replay:last", "--speed", "max", "--jsonl")
    copy.execute("""UPDATE event SET fields = json_remove(fields, '$.after')""")
    found = live(tmp_path, "replay:last", "--speed", "max", "--jsonl")
    assert found.code == 0, found.err
    told = [[line for line in events(text) if line["event"] == "alert"] for text in (before.out, found.out)]
    # On a machine that stood still while it recorded, values became unknown; where among the scans, only `after` knows.
    stood_still = any(line["event"] == "notice" and line["kind"] == "value" for line in events(before.out))
    assert told[0]
    assert stood_still or told[0] == told[1]
    assert stood_still or "the same as were recorded" in found.err


@pytest.mark.parametrize(
    "damage",
    [
        "profile = json_remove(profile, '$.lsb')",
        "profile = json_set(profile, '$.channels', 3)",
        "profile = json_set(profile, '$.unit', 77)",
        "context = json_set(context, '$.region', '../../etc')",
        "smoothing = json_set(smoothing, '$.lowpass_taps', json('[1,2]'))",
        "smoothing = json_set(smoothing, '$.lowpass_taps', json('\"x\"'))",
        "smoothing = '[]'",
    ],
)
def test_a_damaged_session_is_one_line_and_6(copy: sqlite3.Connection, tmp_path: Path, damage: str, live: Live) -> None:
    copy.execute(f"UPDATE session SET {damage}")
    found = live(tmp_path, "replay:last", "--speed", "max")
    assert found.code == 6, found.err
    assert found.err.startswith("knead: ")
    assert "Traceback" not in found.err
