"""The display is kept awake while a session runs, by a program that ends with us however we end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from companion import wakeful
from companion.wakeful import Wakeful
from tests.test_cues import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fake programs are those of Linux")
ROOT = Path(__file__).parent.parent


@pytest.fixture
def inhibitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Writes its number down, and runs what it is given, as the real one does."""
    path = tmp_path / "bin" / "systemd-inhibit"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\necho "$$ $*" >> {tmp_path}/log\nshift 3\nexec /bin/"$@"\n')
    path.chmod(0o700)
    monkeypatch.setenv("PATH", str(path.parent))
    return tmp_path / "log"


def started(log: Path) -> int:
    until(lambda: log.exists() and log.read_text().endswith("\n"))
    return int(log.read_text().split()[0])


def test_it_runs_as_long_as_the_session(inhibitor: Path) -> None:
    awake = Wakeful()
    awake.start()
    number = started(inhibitor)
    assert "systemd-inhibit" in awake.by
    assert "--what=idle" in inhibitor.read_text()
    awake.close()
    awake.close()
    assert not psutil.pid_exists(number)
    assert not awake.by


def test_it_ends_with_us_whatever_ends_us(inhibitor: Path) -> None:
    code = "import time; from companion.wakeful import Wakeful; Wakeful.start(w := Wakeful()); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=dict(os.environ))
    number = started(inhibitor)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE)
    assert process.returncode == -signal.SIGKILL


def test_a_computer_without_it_is_only_darker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    awake = Wakeful()
    awake.start()
    assert not awake.by
    awake.close()


def test_a_program_that_cannot_be_run_is_passed_over(inhibitor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = inhibitor.parent / "bin" / "systemd-inhibit"
    path.write_text("no program at all\n")
    monkeypatch.setattr(wakeful, "PROGRAMS", {"linux": (("systemd-inhibit", "cat"),)})
    awake = Wakeful()
    awake.start()
    assert not awake.by
    awake.close()
