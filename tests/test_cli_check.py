"""`knead check`: what it prints, its codes, and that a real port is asked the real list."""

import json
import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from companion import balls, checking
from companion.cli import run
from companion.errors import DeviceNotFoundError, LinkLostError
from companion.transports.sim import SimTransport
from firmware_protocol.codec import decode_from_host
from firmware_protocol.conformance.bench import Bench, MendError, Steps
from firmware_protocol.conformance.examiner import Examiner
from firmware_protocol.conformance.items import ITEMS
from firmware_protocol.conformance.verdict import Item
from firmware_protocol.driver import Chunk, Send
from firmware_protocol.framing import Deframer
from firmware_protocol.messages import Stop
from tests.sketch import HAS_PORTS, compiled, played

QUICK = ("answers", "identity", "unknown", "damaged", "start", "stop", "tare", "sensor")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    return tmp_path


def only(monkeypatch: pytest.MonkeyPatch, items: Sequence[Item]) -> None:
    monkeypatch.setattr(checking, "Examiner", partial(Examiner, items=items))


def named(*keys: str) -> list[Item]:
    return [item for item in ITEMS if item.key in keys]


def broken(bench: Bench) -> Steps:
    yield from bench.greet()
    raise MendError("heard \x1b[31m830C, expected another")


def unheard(bench: Bench) -> Steps:
    yield from bench.raw(1, b"\x01\x01", limit_s=0.1)


BROKEN = Item("broken", (57,), "is as it should be", broken)


@pytest.mark.skipif(not HAS_PORTS, reason="pseudo-terminals")
def test_the_sketch_passes_on_a_real_port(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    only(monkeypatch, named(*QUICK))
    with compiled() as programs, played(programs["plain"], counts=0) as address:
        code = run(["check", address])
    told = capsys.readouterr()
    assert (code, told.err) == (0, ""), told.out
    lines = told.out.splitlines()
    assert [line.split()[-1] for line in lines[: len(QUICK) - 1]] == ["pass"] * (len(QUICK) - 1)
    assert lines[len(QUICK) - 1].endswith("not looked at: not offered by its caps")
    assert lines[-1].startswith("7 pass, 0 to mend, 1 not looked at.")
    assert not list(home.rglob("*.db"))


def test_what_is_to_be_mended_is_said_with_its_rule(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, [*named("answers"), BROKEN])
    assert run(["check", "sim:empty"]) == 1
    told = capsys.readouterr().out
    assert "R57         is as it should be" in told
    assert "mend\n            heard 830C, expected another" in told
    assert "\x1b" not in told
    assert "1 pass, 1 to mend, 0 not looked at." in told


def test_a_virtual_ball_that_is_pressed_is_told_from_one_with_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, [*named("answers", "identity"), BROKEN])
    assert run(["check", "sim:calm"]) == 1
    told, hint = capsys.readouterr().err.splitlines()
    assert told == "knead: this is a virtual ball, which its scenario may press while it is checked"
    assert hint.startswith("  check one that nobody touches: knead check sim:empty")
    only(monkeypatch, named("answers", "identity"))
    assert run(["check", "sim:calm"]) == 0
    assert capsys.readouterr().err == ""


def test_json_is_one_document(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    only(monkeypatch, [*named("answers", "calibration"), BROKEN])
    assert run(["check", "sim:empty", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["pass"], found["lost"]) == (1, False, None)
    assert found["ball"]["channels"] == 4
    assert [(item["key"], item["rules"], item["result"]) for item in found["items"]] == [
        ("answers", ["R9"], "pass"),
        ("calibration", ["R30", "R32"], "skipped"),
        ("broken", ["R57"], "mend"),
    ]
    assert found["unseen"]["R44"]


def test_without_a_ball_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["check"]) == 3
    assert run(["check", f"serial:{tmp_path / 'none'}"]) == 3
    assert run(["check", "nonsense"]) == 2
    assert run(["check", "serial:/dev/ttyACM0?kind=text"]) == 2
    assert capsys.readouterr().out == ""
    if HAS_PORTS:
        only(monkeypatch, [Item("answers", (9,), "answers", unheard)])
        ball_end, client_end = os.openpty()
        try:
            assert run(["check", f"serial:{os.ttyname(client_end)}"]) == 3
        finally:
            os.close(ball_end)
            os.close(client_end)
        told = capsys.readouterr()
        assert (told.out, "answers HELLO" in told.err) == ("", True)


class Leaving(SimTransport):
    """Its cable is pulled after a few messages."""

    _heard = 0

    async def receive(self) -> Chunk:
        self._heard += 1
        if self._heard > 3:
            raise LinkLostError(f"{self.name} went away")
        return await super().receive()


class Gone(SimTransport):
    async def open(self) -> None:
        raise DeviceNotFoundError("there is no port", "plug it in")


def test_a_ball_that_goes_away_ends_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(balls, "transport", _only_with(Leaving))
    assert run(["check", "sim:empty"]) == 4
    told = capsys.readouterr()
    assert "answers soon after opening" in told.out
    assert "the check ended early: sim:empty went away" in told.err
    monkeypatch.setattr(balls, "transport", _only_with(Gone))
    assert run(["check", "sim:empty"]) == 3


def _only_with(kind: type[SimTransport]) -> object:
    from firmware_protocol.simulator.virtual import VirtualBall

    return lambda address, _kind, clock: lambda: kind(VirtualBall("empty"), address, clock)


class Watched(SimTransport):
    """Its user presses ^C after a few requests."""

    sent: ClassVar[list[bytes]] = []

    async def send(self, send: Send) -> None:
        self.sent.append(send.data)
        await super().send(send)
        if len(self.sent) == 5:
            os.kill(os.getpid(), signal.SIGINT)


def test_a_check_that_is_broken_off_leaves_the_ball_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(balls, "transport", _only_with(Watched))
    Watched.sent.clear()
    assert run(["check", "sim:empty"]) == 130
    (last,) = Deframer().feed(Watched.sent[-1])
    assert isinstance(last, bytes)
    heard = decode_from_host(last)
    assert heard is not None and heard[1] == Stop()
    assert capsys.readouterr().err == "knead: interrupted\n"
