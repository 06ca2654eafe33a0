"""`knead simulate ble`: a virtual ball on a bumble transport, for whoever has one."""

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from companion.cli import run
from companion.errors import UnavailableError
from companion.virtual.ble import BleServer
from firmware_protocol.simulator.virtual import VirtualBall
from tests.ble_talk import Talk, unbroken
from tests.bleak_on_bumble import Host, installed, transport
from tests.test_ble_session import free_port

Shown = pytest.CaptureFixture[str]


def ball() -> VirtualBall:
    return VirtualBall("showcase", seed=3, framed=False)


async def visited(port: int, *, ends: bool) -> bool:
    """Another program with its own Bluetooth: whether it was told every scan. Without `ends` it breaks off."""
    async with transport(f"tcp-client:127.0.0.1:{port}") as controller:

        async def make() -> tuple[object, object]:
            return controller

        with installed(Host(make, "C4:00:00:00:00:09")):
            talk = Talk("Far-1")
            await talk.open()
            whole = unbroken(await talk.scans(20))
            if ends:
                await talk.close()
    return whole


def test_a_host_that_connects_finds_the_ball_and_so_does_the_next() -> None:
    port = free_port()
    with BleServer(ball(), f"tcp-server:127.0.0.1:{port}", name="Far-1", mtu=185) as server:
        assert server.address == "ble:Far-1"
        assert server.virtual
        assert asyncio.run(visited(port, ends=False))
        assert asyncio.run(visited(port, ends=True))
    assert server.wait(0)


def test_it_can_be_closed_at_any_time_and_again() -> None:
    server = BleServer(ball(), f"tcp-server:127.0.0.1:{free_port()}", name="Far-1")
    assert not server.wait(0)
    server.close()
    server.close()
    assert server.wait(0)


@pytest.mark.parametrize("hci", ["teapot:1", "tcp-client:127.0.0.1:1", "", "file:/no/such/file"])
def test_a_transport_that_cannot_be_opened_is_told(hci: str) -> None:
    with pytest.raises(UnavailableError, match="cannot be opened") as failed:
        BleServer(ball(), hci, name="Far-1")
    assert failed.value.hint


def test_what_is_no_controller_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that takes everything and answers nothing."""
    monkeypatch.setattr("companion.virtual.ble._START_S", 0.3)
    refused = pytest.raises(UnavailableError, match="no Bluetooth controller")
    with socket.create_server(("127.0.0.1", 0)) as deaf, refused:
        BleServer(ball(), f"tcp-client:127.0.0.1:{deaf.getsockname()[1]}", name="Far-1")


def test_the_command_prints_its_address_first_and_the_truth_last(tmp_path: Path, capsys: Shown) -> None:
    truth = tmp_path / "truth.csv"
    hci = f"tcp-server:127.0.0.1:{free_port()}"
    assert run(["simulate", "ble", "--hci", hci, "--seconds", "0.2", "--truth", str(truth), "--name", "Far-1"]) == 0
    told = capsys.readouterr()
    assert told.out == "ble:Far-1\n"
    assert told.err == f"knead: a Bluetooth host can connect to {hci}\n"
    assert truth.read_text("ascii").startswith("index,t_us")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "--hci"),
        (["--hci", "teapot:1"], 5, "cannot be opened"),
        (["--hci", "tcp-server:127.0.0.1:1", "--name", " "], 2, "a name has 1 to 29 bytes"),
        (["--hci", "tcp-server:127.0.0.1:1", "--name", "x" * 30], 2, "a name has 1 to 29 bytes"),
        (["--hci", "tcp-server:127.0.0.1:1", "--faults", "flip=1e-4"], 2, "--faults"),
        (["--hci", "tcp-server:127.0.0.1:1", "--mtu", "22"], 2, "--mtu"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(arguments: list[str], code: int, words: str, capsys: Shown) -> None:
    assert run(["simulate", "ble", *arguments]) == code
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith("knead: ")
    assert words in first


def test_without_bumble_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setitem(sys.modules, "bumble", None)
    for name in [name for name in sys.modules if name.startswith(("bumble.", "companion.virtual."))]:
        monkeypatch.delitem(sys.modules, name)
    assert run(["simulate", "ble", "--hci", "usb:0"]) == 2
    assert "knead-companion[simulate]" in capsys.readouterr().err


async def test_its_thread_is_its_own() -> None:
    """It can be begun where a loop runs already."""
    server = await asyncio.to_thread(BleServer, ball(), f"tcp-server:127.0.0.1:{free_port()}", name="Far-1")
    assert not server.wait(0)
    await asyncio.to_thread(server.close)
