"""The app in a real terminal: whatever becomes of that, the session is saved and the engine is not held up."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from companion.errors import ConfigError
from companion.tui.app import run_tui
from companion.tui.terminal import frames_per_second
from tests.test_tui_stage import Child, Stage, child

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
LIMIT_S = 50.0  # on what hangs, not on what is slow
HOLE_S = 0.05


def wait_for_screen(process: Child) -> None:
    assert process.read(lambda: b"REC" in process.output and b"WORK" in process.output, LIMIT_S), process.output[-2000:]


def test_a_run_that_ends_closes_the_app(tmp_path: Path) -> None:
    with child(tmp_path / "told", "steady", seconds=1.0) as process:
        wait_for_screen(process)
        process.finish(LIMIT_S)
        assert process.process.returncode == 0
        assert process.saved == ""


def test_q_saves_and_gives_the_terminal_back(tmp_path: Path) -> None:
    with child(tmp_path / "told", "steady", seconds=60.0) as process:
        wait_for_screen(process)
        os.write(process.master, b"q")
        told = process.finish(LIMIT_S)
        assert (process.process.returncode, told["causes"]) == (0, ["user"])
        assert b"\x1b[?1049l" in process.output  # back from the second screen
        assert b"\x1b[?25h" in process.output  # with a cursor


@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM", "SIGINT"])
def test_a_signal_saves_first(tmp_path: Path, name: str) -> None:
    number = getattr(signal, name)
    with child(tmp_path / "told", "steady", seconds=60.0) as process:
        wait_for_screen(process)
        process.process.send_signal(number)
        told = process.finish(LIMIT_S)
        assert process.process.returncode == 128 + number
        assert told["causes"] == ["signal"]


@pytest.mark.parametrize("signalled", [True, False])
def test_a_terminal_that_goes_saves_first(tmp_path: Path, signalled: bool) -> None:
    with child(tmp_path / "told", "steady", seconds=60.0, signalled=signalled) as process:
        wait_for_screen(process)
        os.close(process.master)
        assert process.process.wait(LIMIT_S) == 128 + signal.SIGHUP
        assert process.saved == "signal"


def test_a_terminal_that_stopped_reading_keeps_nobody_from_ending(tmp_path: Path) -> None:
    with child(tmp_path / "told", "steady", seconds=60.0, fps=30.0) as process:
        wait_for_screen(process)
        stalled_s = time.monotonic()
        while time.monotonic() - stalled_s < 3.0:  # nobody reads: the app's writes soon wait
            assert process.process.poll() is None
            time.sleep(0.1)
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(LIMIT_S) == 128 + signal.SIGTERM
        assert process.saved == "signal"


def test_a_terminal_that_stopped_reading_does_not_hold_up_the_engine(tmp_path: Path) -> None:
    """The longest time between two scans, beyond what other work on the machine took from this process meanwhile.

    Such work only ever makes it longer: the best of three.
    """
    beyond_s = []
    for attempt in range(3):
        with child(tmp_path / f"told{attempt}", "fine", seconds=6.0, fps=30.0) as process:
            wait_for_screen(process)
            # The terminal reads nothing: a loop that waited for it would stand still from the second on.
            taken_s = longest_oversleep(4.0)
            told = process.finish(LIMIT_S)
        assert told["scans"] > 500
        beyond_s.append(told["longest_hole_s"] - taken_s)
        if beyond_s[-1] < HOLE_S:
            return
    pytest.fail(f"the longest holes, beyond what the machine took, were {beyond_s} s")


def longest_oversleep(seconds: float) -> float:
    """How much longer than asked for a process that does nothing else slept at most."""
    begin_s = last_s = time.monotonic()
    longest_s = 0.0
    while last_s - begin_s < seconds:
        time.sleep(0.01)
        now_s = time.monotonic()
        longest_s, last_s = max(longest_s, now_s - last_s - 0.01), now_s
    return longest_s


def test_without_a_terminal_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped:
        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "__stdin__", Piped())
    stage = Stage()
    live = stage.live()
    with pytest.raises(ConfigError) as refused:
        run_tui(stage.deck, live)
    assert "--plain" in refused.value.hint
    assert not stage.runs[0].started


@pytest.mark.parametrize(
    ("asked", "env", "fps"),
    [
        (None, {}, 10.0),
        (None, {"SSH_CONNECTION": "10.0.0.1 22"}, 5.0),
        (None, {"SSH_TTY": ""}, 10.0),
        (20.0, {"SSH_CONNECTION": "10.0.0.1 22"}, 20.0),
        (500.0, {}, 30.0),
        (0.0, {}, 1.0),
    ],
)
def test_frames_a_second(asked: float | None, env: dict[str, Any], fps: float) -> None:
    assert frames_per_second(asked, env) == fps
