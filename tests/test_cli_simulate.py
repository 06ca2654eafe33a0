"""`knead simulate`: an address on the first line, a clean end, and the truth on disk."""

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from companion.cli import run
from companion.cli.simulate import _scenarios
from firmware_protocol.simulator.faults import KINDS
from tests.test_cli_main import ROOT, knead

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")


@contextmanager
def simulate(*arguments: str, home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running command and the address it printed first."""
    process = subprocess.Popen(
        [sys.executable, "-m", "companion", "simulate", *arguments],
        cwd=ROOT,
        env=os.environ | {"KNEAD_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().rstrip("\n")
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_truth_is_written(number: signal.Signals, tmp_path: Path) -> None:
    truth, link = tmp_path / "truth.csv", tmp_path / "ball"
    arguments = ("serial", "--scenario", "calm", "--seed", "7", "--link", str(link), "--truth", str(truth))
    with simulate(*arguments, home=tmp_path) as (process, address):
        assert address == f"serial:{link}"
        assert link.is_symlink()
        process.send_signal(number)
        assert ended(process) == (128 + number, "", "")
    assert truth.read_text("ascii").startswith("index,t_us,force_n,ch0")
    assert not link.is_symlink()


def test_it_ends_by_itself(tmp_path: Path) -> None:
    with simulate("tcp", "--seconds", "0.3", home=tmp_path) as (process, address):
        assert address.startswith("serial:socket://127.0.0.1:")
        assert ended(process) == (0, "", "")


def test_a_session_on_it_measures_the_truth(tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    with simulate("tcp", "--scenario", "calm", "--truth", str(truth), home=tmp_path) as (process, address):
        found = knead("live", address, "--seconds", "2", "--jsonl", "--no-record", home=tmp_path)
        assert found.returncode == 0, found.stderr
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 128 + signal.SIGTERM
    with truth.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 150
    assert [int(row["index"]) for row in rows[:3]] == [0, 1, 2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["serial", "--scenario", "nonsense"],
        ["tcp", "--seed", "-1"],
        ["tcp", "--port", "70000"],
        ["serial", "--seconds", "0"],
        ["ble"],
    ],
)
def test_wrong_use_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("knead: ")


def test_an_unknown_scenario_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "tcp", "--scenario", "nonsense"]) == 2
    shown = capsys.readouterr().err
    assert all(key in shown for key in _scenarios())


def test_a_truth_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    found = knead("simulate", "tcp", "--truth", str(tmp_path / "no" / "truth.csv"), home=tmp_path)
    assert found.returncode == 1
    assert found.stdout == ""
    told, hint = found.stderr.splitlines()
    assert told.startswith("knead: the truth") and "truth.csv cannot be written: No such file" in told
    assert hint == "  name a file in a directory of yours"


@pytest.mark.parametrize("taken", ["truth.csv", "truth.faults.csv"])
def test_no_truth_is_written_over(taken: str, tmp_path: Path) -> None:
    (tmp_path / taken).write_text("mine", "ascii")
    arguments = ("--seconds", "0.2", "--faults", "drop=1%", "--truth", str(tmp_path / "truth.csv"))
    found = knead("simulate", "tcp", *arguments, home=tmp_path)
    assert (found.returncode, found.stdout) == (6, "")
    told, hint = found.stderr.splitlines()
    assert told == f"knead: {tmp_path / taken} is there already; nothing was written."
    assert hint == "  choose another name, or take that file away"
    assert [(file.name, file.read_text("ascii")) for file in tmp_path.glob("truth*")] == [(taken, "mine")]


def test_a_ball_that_cannot_be_served_leaves_no_truth(tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    arguments = ("--hci", "tcp-server:127.0.0.1:9001", "--faults", "flip=1%", "--truth", str(truth))
    assert knead("simulate", "ble", *arguments, home=tmp_path).returncode == 2  # no bytes to spoil there
    assert not truth.exists()


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with simulate("tcp", home=tmp_path) as (_process, address):
        found = knead("simulate", "tcp", "--port", address.rpartition(":")[2], home=tmp_path)
        assert found.returncode in (3, 5)
        assert found.stderr.startswith("knead: ")
        assert "Traceback" not in found.stderr


def test_faults_are_done_and_told(tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    spec = "drop=20%,saturate=1s@1"
    with simulate("tcp", "--scenario", "empty", "--faults", spec, "--truth", str(truth), home=tmp_path) as (
        process,
        address,
    ):
        found = knead("live", address, "--seconds", "2.5", "--jsonl", "--no-record", home=tmp_path)
        assert found.returncode == 0, found.stderr
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 128 + signal.SIGTERM
    assert '"kind": "gap"' in found.stdout
    assert '"cause": "saturation"' in found.stdout
    with truth.with_suffix(".faults.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["fault"] for row in rows} == {"drop", "saturate"}


@pytest.mark.parametrize(
    ("spec", "says"),
    [("drop=2%,dorp=1%", "'dorp=1%'"), ("drop=200%", "out of range"), ("stall", "such as 200ms"), ("", "no fault")],
)
def test_a_fault_that_is_none_is_2_and_named(spec: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "serial", "--faults", spec]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert says in shown.err
    assert len(shown.err.splitlines()) == 2


def test_the_faults_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "serial", "--list-faults"]) == 0
    shown = capsys.readouterr().out
    assert "Of the link:" in shown
    assert "Of the ball:" in shown
    assert all(f"  {name}" in shown for name in KINDS)
