"""Calibrating on real ports: a ball that keeps points, a board that does not, undone again, and the command."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from companion import balls
from companion.calibrating import BEFORE, Bench, FailedError
from companion.cli.calibrate import calibrate as command
from companion.clock import Clock
from companion.compose import calibrate
from companion.config import load_settings
from firmware_protocol.driver import Unit
from firmware_protocol.foreign.known import GRAVITY
from firmware_protocol.simulator.foreign import OFFSET, STEPS_PER_N, Person, TextBoard
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.devices import Device
from sessions.store import Store
from tests.test_cli_main import ROOT, knead

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
TODAY = date(2026, 3, 1)
LIMIT_S = 60.0
TRUE = ((float(OFFSET), 0.0), (OFFSET + 200 * STEPS_PER_N, 200.0))


@contextmanager
def bench(address: str) -> Iterator[Bench]:
    found = calibrate(address, load_settings(flags={}))
    try:
        found.open()
        yield found
    finally:
        found.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    return tmp_path


def remembered(home: Path) -> Device:
    with Store(home / "data" / "knead.db") as store:
        (device,) = store.devices.list()
    return device


def counting() -> TextBoard:
    return TextBoard("empty", form="counts", tares=False)


def test_a_board_is_given_points_here_and_they_can_be_taken_back(home: Path) -> None:
    with balls.serve_pty(counting(), None, Clock()) as server:
        with bench(server.address) as first:
            assert (first.device["kind"], first.device["unit"], first.in_ball) == ("text", int(Unit.RAW), False)
            ((number, moved),) = first.numbers()
            assert number == pytest.approx(OFFSET, abs=100)
            assert moved < 200
            assert first.keep(0, TRUE, TODAY) == "profile"
            assert "pair" in first.wanting()
        kept = remembered(home).kept
        assert (kept["points"], kept["calibrated_on"]) == ([[list(pair) for pair in TRUE]], "2026-03-01")
        with bench(server.address) as second:
            assert second.device["unit"] == int(Unit.NEWTON)
            assert second.device["cal_crc"] == kept["cal_crc"]
            assert second.undo(TODAY) == "profile"
        with bench(server.address) as third:
            assert third.device["unit"] == int(Unit.RAW)
            assert "points" not in remembered(home).kept
            third.undo(TODAY)
        assert remembered(home).kept["points"] == [[list(pair) for pair in TRUE]], "taking back is taken back, too"


def test_a_ball_is_given_points_itself_and_they_can_be_taken_back(home: Path) -> None:
    ball = VirtualBall("empty", channels=2, calibrated=True)
    with balls.serve_pty(ball, None, Clock()) as server:
        with bench(server.address) as first:
            assert first.in_ball
            assert first.channels == 2
            assert len(first.numbers()) == 2
            before = first.device["cal_crc"]
            assert first.keep(1, ((0.0, 0.0), (100_000.0, 50.0)), TODAY) == "ball"
        kept = remembered(home).kept
        assert kept["calibrated_on"] == "2026-03-01"
        assert kept["cal_crc"] != before
        with bench(server.address) as second:
            assert second.device["cal_crc"] == kept["cal_crc"]
            assert second.undo(TODAY) == "ball"
        with bench(server.address) as third:
            assert third.device["cal_crc"] == before
        assert BEFORE in remembered(home).kept


def test_a_ball_that_takes_no_points_says_so() -> None:
    with (
        balls.serve_pty(VirtualBall("empty"), None, Clock()) as server,
        pytest.raises(FailedError, match="takes no points"),
        bench(server.address),
    ):
        raise AssertionError("it was opened")


def test_a_port_that_is_not_there_is_no_ball(tmp_path: Path) -> None:
    with pytest.raises(FailedError) as failed, bench(f"serial:{tmp_path}/nothing"):
        raise AssertionError("it was opened")
    assert failed.value.outcome.code == 3


def test_what_was_never_calibrated_has_nothing_to_undo() -> None:
    with balls.serve_pty(counting(), None, Clock()) as server, bench(server.address) as found:
        with pytest.raises(FailedError, match="nothing is known") as failed:
            found.undo(TODAY)
        assert failed.value.outcome.code == 1


# --- the command ---


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    result = CliRunner().invoke(command, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_the_command_without_a_terminal(home: Path) -> None:
    with balls.serve_pty(counting(), None, Clock()) as server:
        told = knead("calibrate", server.address, "--measure", home=home)
        assert told.returncode == 0, told.stderr
        assert float(told.stdout) == pytest.approx(OFFSET, abs=100)
        points = [f"0:{told.stdout.strip()}", *(f"{kg}:{OFFSET + kg * GRAVITY * STEPS_PER_N:.0f}" for kg in (10, 20))]
        options = [option for point in points for option in ("--point", point)]
        code, out, err = run(server.address, *options, "--yes", "--json")
        assert code == 0, err
        found = json.loads(out)
        assert (found["schema"], found["straight"], found["stored"]) == (1, True, "profile")
        assert found["points"][1][1] == pytest.approx(20 * GRAVITY, abs=0.5)
        assert [row["off_n"] for row in found["measured"]] == [pytest.approx(0.0, abs=0.2)] * 3
        code, out, err = run(server.address, "--point", "0:5", "--point", "1:5", "--yes")
        assert (code, out) == (1, "")
        assert "same number" in err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--point", "0:1", "--point", "5:9"),
        ("--point", "5", "--yes"),
        ("--point", "x:1", "--yes"),
        ("--point", "-1:1", "--yes"),
        ("--point", "1:nan", "--yes"),
        ("--undo",),
    ],
)
def test_where_nobody_can_be_asked_all_must_be_said(arguments: tuple[str, ...]) -> None:
    code, out, err = run("serial:/dev/null", *arguments)
    assert (code, out) == (2, "")
    assert "Error" in err


class Typing:
    """The command on a terminal, and a person at it."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "companion", *arguments],
            cwd=ROOT,
            env=os.environ | {"KNEAD_HOME": str(home), "TERM": "dumb"},
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
        )
        os.close(theirs)
        self.seen = ""

    def answer(self, prompt: str, text: str) -> None:
        self.await_(prompt)
        self.type(text)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode() + b"\n")

    def await_(self, prompt: str) -> None:
        """What it says, behind what was waited for before."""
        until_s = time.monotonic() + LIMIT_S
        while prompt not in self.seen:
            assert time.monotonic() < until_s, self.seen
            if select.select([self._ours], [], [], 0.5)[0]:
                self.seen += os.read(self._ours, 4096).decode()
        self.seen = self.seen.partition(prompt)[2]

    def end(self) -> int:
        code = self.process.wait(LIMIT_S)
        os.close(self._ours)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


class Weights(Person):
    """As many newtons as were put on it."""

    def __init__(self) -> None:
        super().__init__("empty")
        self.newton = 0.0

    def newtons(self, at_s: float, scan: int) -> float:
        return self.newton


def test_a_person_puts_weights_on_and_is_asked_before_anything_is_stored(home: Path) -> None:
    weights = Weights()
    board = TextBoard(weights, form="counts", tares=False)
    with balls.serve_pty(board, None, Clock()) as server:
        person = Typing(home, "calibrate", server.address)
        person.answer("Take everything off", "")
        person.answer("say how many kg", "ten")
        person.await_("is no number")
        person.await_("say how many kg")
        weights.newton = 10 * GRAVITY
        person.type("10")
        person.answer("say how many kg", "")
        person.answer("Store these points", "y")
        assert person.end() == 0, person.seen
    told = json.dumps(remembered(home).kept["points"])
    ((first, second),) = json.loads(told)
    assert first == [pytest.approx(OFFSET, abs=1), pytest.approx(0.0)]
    assert second == [pytest.approx(OFFSET + 10 * GRAVITY * STEPS_PER_N, abs=1), pytest.approx(98.07, abs=0.01)]


def test_a_person_who_says_no_changes_nothing(home: Path) -> None:
    with balls.serve_pty(counting(), None, Clock()) as server:
        person = Typing(home, "calibrate", server.address, "--point", "0:1", "--point", "9:900")
        person.answer("Store these points", "n")
        assert person.end() == 0, person.seen
    with Store(home / "data" / "knead.db") as store:
        assert store.devices.list() == []
