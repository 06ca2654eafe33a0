"""The sketch of PROTOCOL.md section 12, compiled for this computer with the board of arduino_board.cpp."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import pytest

import firmware_protocol
from tests.reliability.needs import judged

PROTOCOL = Path(firmware_protocol.__file__).parent / "PROTOCOL.md"
BOARD = Path(__file__).with_name("arduino_board.cpp")
WARNINGS = ("-std=c++11", "-O1", "-Wall", "-Wextra", "-Werror")
TAKE_FORCE = re.compile(r"^bool takeForce\(int16_t &value\) \{.*?^\}$", re.MULTILINE | re.DOTALL)
GIVEN = "bool takeForce(int16_t &value) { return given(value); }"
HAS_PORTS = os.name == "posix"


def source() -> str:
    """The sketch as a maker copies it."""
    found = re.findall(r"^```cpp\n(.*?)^```$", PROTOCOL.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def changed(rate_hz: int | None = None, own_sensor: bool = False) -> str:
    """The sketch, as a maker changes it: another rate; another `takeForce`, which asks the board for values."""
    text = source()
    if rate_hz is not None:
        text, count = re.subn(r"RATE_HZ = \d+;", f"RATE_HZ = {rate_hz};", text)
        assert count == 1
    if own_sensor:
        text, count = TAKE_FORCE.subn(GIVEN, text)
        assert count == 1
    return text


@contextmanager
def compiled() -> Iterator[Mapping[str, Path]]:
    """Programs: `plain`; `slow`, at 10 Hz; and `golden`, which scans at 100 Hz what it is given."""
    if shutil.which("g++") is None:
        assert not judged(), "there is no g++ on this machine"
        pytest.skip("there is no g++ on this machine")
    yield _programs(_home().name)


@cache
def _home() -> TemporaryDirectory[str]:
    """Gone with this process."""
    return TemporaryDirectory()


@cache
def _programs(directory: str) -> Mapping[str, Path]:
    home = Path(directory)
    (home / "Arduino.h").touch()
    made = {"plain": _compile(home, "plain", changed()), "slow": _compile(home, "slow", changed(rate_hz=10))}
    return {**made, "golden": _compile(home, "golden", changed(rate_hz=100, own_sensor=True), "-DGIVEN")}


def _compile(home: Path, name: str, text: str, *more: str) -> Path:
    sketch, program = home / f"{name}.ino", home / name
    sketch.write_text(text, "utf-8")
    command = ["g++", *WARNINGS, *more, f"-I{home}", f'-DSKETCH="{sketch}"', str(BOARD), "-o", str(program)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    return program


class Stepped:
    """The sketch in a time of its own, from its boot on, in microseconds."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([program, "step"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate(timeout=20)
        assert self._process.returncode == 0

    def tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")

    def go(self, until_us: int, data: bytes = b"") -> list[tuple[int, bytes]]:
        """`data` comes in at once, then time passes until `until_us`, or one turn of its loop. When it said what."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self.tell(f"go {until_us} {data.hex()}")
        self._process.stdin.flush()
        words = self._process.stdout.readline().split()
        return [(int(at), bytes.fromhex(said)) for at, said in zip(words[::2], words[1::2], strict=True)]


@contextmanager
def played(program: Path, uptime_us: int = 0, counts: int = 400) -> Iterator[str]:
    """The sketch in real time behind a serial port; gives its address. The force swings by so many counts."""
    import tty

    ball_end, client_end = os.openpty()
    try:
        tty.setraw(client_end)
        command = [str(program), "play", str(uptime_us), str(counts)]
        process = subprocess.Popen(command, stdin=ball_end, stdout=subprocess.DEVNULL)
        try:
            yield f"serial:{os.ttyname(client_end)}"
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()
    finally:
        os.close(ball_end)
        os.close(client_end)
