"""`knead demo` and `knead live` as processes: what they print, how they end, and that the session is kept."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sessions.session import SessionRow
from sessions.store import Store
from tests.test_cli_main import ROOT, knead

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and pseudo-terminals")


@contextmanager
def running(*arguments: str, home: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "companion", *arguments],
        cwd=ROOT,
        env=os.environ | {"KNEAD_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def kept(home: Path) -> list[SessionRow]:
    with Store(home / "data" / "knead.db") as store:
        assert store.recovered == [], "it was ended in order"
        return list(store.list())


def until_reading(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "reading":
            return
    raise AssertionError("no reading came")


def test_the_demo_prints_plain_lines_and_says_where_it_lies(tmp_path: Path) -> None:
    found = knead("demo", "--seconds", "20", "--speed", "10", home=tmp_path)
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    (row,) = kept(tmp_path)
    assert row.simulated
    assert row.state == "complete"
    assert any(line.startswith("STARTED") for line in lines)
    assert any(" zone, " in line for line in lines)
    assert row.id in lines[-3]
    assert str(tmp_path / "data" / "knead.db") in lines[-2]
    assert lines[-1] == "Look at it with: knead sessions show last"
    assert "nobody was screened" in found.stderr
    shown = knead("sessions", "show", "last", home=tmp_path)
    assert shown.returncode == 0
    assert row.id in shown.stdout


def test_the_pain_before_is_kept(tmp_path: Path) -> None:
    found = knead("live", "sim:empty", "--pain", "6", "--seconds", "3", "--speed", "10", home=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "PAIN 6 of 10 before, at " in found.stdout
    (row,) = kept(tmp_path)
    assert (row.pain_before, row.pain_after) == (6, None)
    assert knead("live", "replay:last", "--speed", "max", home=tmp_path).returncode == 0
    assert knead("live", "sim:empty", "--pain", "11", home=tmp_path).returncode == 2


def test_the_demo_as_json_lines(tmp_path: Path) -> None:
    found = knead("demo", "--seconds", "22", "--speed", "10", "--jsonl", home=tmp_path)
    assert found.returncode == 0, found.stderr
    events: list[dict[str, Any]] = [json.loads(line) for line in found.stdout.splitlines()]
    assert all("t_s" in event for event in events)
    assert {"reading", "alert", "notice", "totals", "session"} <= {event["event"] for event in events}
    times = [t_s for event in events if event["event"] == "reading" for t_s in event["t_s"]]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(22, abs=1)  # the first alert comes at 20 s
    (row,) = kept(tmp_path)
    assert (events[-1]["event"], events[-1]["state"], events[-1]["id"]) == ("session", "complete", row.id)
    assert events[-1]["simulated"] is True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_saved(number: signal.Signals, tmp_path: Path) -> None:
    with running("demo", "--jsonl", home=tmp_path) as process:
        until_reading(process)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number, err
    assert json.loads(out.splitlines()[-1])["state"] == "complete"
    assert "Traceback" not in err
    (row,) = kept(tmp_path)
    assert row.end_cause == "signal"


def test_a_reader_that_leaves_ends_it_saved(tmp_path: Path) -> None:
    with running("demo", "--jsonl", home=tmp_path) as process:
        until_reading(process)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.wait(timeout=30)
        err = process.stderr.read()
    assert process.returncode == 141
    assert "Traceback" not in err
    assert kept(tmp_path)[0].state == "complete"


def test_a_reader_that_stands_still_does_not_hold_the_session(tmp_path: Path) -> None:
    with running("demo", "--jsonl", "--seconds", "20", "--speed", "4", home=tmp_path) as process:
        process.wait(timeout=60)  # nobody reads: more than a pipe holds
        assert process.stderr is not None
        err = process.stderr.read()
    assert process.returncode == 0, err
    (row,) = kept(tmp_path)
    assert row.duration_s == pytest.approx(20, abs=1)


def test_nothing_is_kept_when_so_asked(tmp_path: Path) -> None:
    found = knead("live", "sim:calm", "--seconds", "5", "--speed", "10", "--jsonl", "--no-record", home=tmp_path)
    assert found.returncode == 0, found.stderr
    last = json.loads(found.stdout.splitlines()[-1])
    assert (last["event"], last["id"], last["state"]) == ("session", None, "unrecorded")
    assert not (tmp_path / "data" / "knead.db").exists()


def test_region_side_and_tool_reach_the_session(tmp_path: Path) -> None:
    arguments = ("--region", "calf", "--side", "left", "--tool", "soft", "--person", "Ann")
    found = knead("live", "sim:calm", "--seconds", "3", "--speed", "10", *arguments, home=tmp_path)
    assert found.returncode == 0, found.stderr
    (row,) = kept(tmp_path)
    assert (row.region, row.side, row.tool, row.person) == ("calf", "left", "soft", "Ann")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["live"], 3),
        (["live", "serial:/dev/nothing-here"], 3),
        (["live", "nonsense"], 2),
        (["live", "sim:nonsense"], 2),
        (["live", "sim:calm", "--region", "elbow"], 2),
        (["live", "sim:calm", "--plain", "--jsonl"], 2),
        (["demo", "--jsonl", "--plain"], 2),
        (["tare", "serial:/dev/nothing-here"], 3),
    ],
)
def test_what_cannot_begin_is_one_line_a_hint_and_a_code(arguments: list[str], code: int, tmp_path: Path) -> None:
    found = knead(*arguments, home=tmp_path)
    assert found.returncode == code
    first, *hint = found.stderr.splitlines()
    assert first.startswith("knead: ")
    assert len(hint) == 1
    assert hint[0].startswith("  ")


def test_a_home_that_cannot_be_written_keeps_no_alarm_waiting(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no directory")
    found = knead("live", "sim:too_hard", "--seconds", "15", "--speed", "10", home=tmp_path)
    assert found.returncode == 1
    lines = found.stdout.splitlines()
    assert any("What comes now waits in memory" in line for line in lines)
    assert any(line.startswith("STOP stop, come off") for line in lines)
    assert lines[-1] == "Nothing was recorded."
    *_, told, hint = found.stderr.splitlines()
    assert told.startswith("knead: 15.0 s of the session are not saved: The log ")
    assert hint == "  see the disk, then: knead doctor"


def test_a_replay_that_cannot_be_kept_as_asked_does_not_begin(tmp_path: Path) -> None:
    capture = str(tmp_path / "ball.cap")
    made = knead("live", "sim:empty", "--seconds", "1", "--no-record", "--capture", capture, home=tmp_path)
    assert made.returncode == 0, made.stderr
    (tmp_path / "data").write_text("no directory")
    found = knead("live", f"replay:{capture}", "--record", "--speed", "max", home=tmp_path)
    assert (found.returncode, found.stdout) == (6, "")
    assert len(found.stderr.splitlines()) == 2


def test_a_session_is_told_and_kept_by_the_time_of_its_place(tmp_path: Path) -> None:
    found = knead("live", "sim:empty", "--seconds", "1", home=tmp_path, TZ="HERE-05:45")  # east of Greenwich
    assert found.returncode == 0, found.stderr
    (row,) = kept(tmp_path)
    assert row.started_at.utcoffset() == timedelta(hours=5, minutes=45)
    assert f"at {row.started_at:%H:%M:%S}\n" in found.stdout
    listed = knead("sessions", "list", home=tmp_path, TZ="THERE08:00")
    assert f"{row.started_at:%Y-%m-%d %H:%M}" in listed.stdout


def test_the_last_ball_is_found_again(tmp_path: Path) -> None:
    assert knead("live", "sim:calm", "--seconds", "2", "--speed", "10", home=tmp_path).returncode == 0
    found = knead("live", "--seconds", "2", "--speed", "10", home=tmp_path)
    assert found.returncode == 0, found.stderr
    assert len(kept(tmp_path)) == 2


def test_standard_input_is_never_read(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"q\n")
    try:
        found = knead("demo", "--seconds", "3", "--speed", "10", home=tmp_path, stdin=reader)
        assert found.returncode == 0
        os.set_blocking(reader, False)
        assert os.read(reader, 10) == b"q\n"
    finally:
        os.close(reader)
        os.close(writer)


def test_a_closed_stdout_is_no_reason_to_end(tmp_path: Path) -> None:
    found = subprocess.run(
        [f"{sys.executable} -m companion demo --seconds 3 --speed 10 >&-"],
        shell=True,
        cwd=ROOT,
        env=os.environ | {"KNEAD_HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert found.returncode == 0, found.stderr
    assert kept(tmp_path)[0].state == "complete"
