"""The serial transport on real pseudo-terminals and sockets."""

import asyncio
import os
import socket
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from serial.tools.list_ports_common import ListPortInfo

from companion.errors import DeviceBusyError, DeviceNotFoundError, LinkLostError, UnavailableError
from companion.transports import serial as module
from companion.transports.serial import SerialTransport, list_serial, parse
from firmware_protocol.driver import Send

LIMIT_S = 10.0


class Port:
    """A pseudo-terminal whose far end the test holds."""

    def __init__(self) -> None:
        self.far, self.near = os.openpty()
        tty.setraw(self.far)
        tty.setraw(self.near)
        self.path = os.ttyname(self.near)
        self.open = True

    def write(self, data: bytes) -> None:
        os.write(self.far, data)

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += os.read(self.far, count - len(data))
        return data

    def unplug(self) -> None:
        if self.open:
            self.open = False
            os.close(self.near)
            os.close(self.far)


@pytest.fixture
def port() -> Iterator[Port]:
    made = Port()
    yield made
    made.unplug()


def transport(rest: str) -> SerialTransport:
    return SerialTransport(rest, time.monotonic)


def open_files() -> int:
    return psutil.Process().num_fds()


async def received(link: SerialTransport, count: int) -> bytes:
    data = b""
    async with asyncio.timeout(LIMIT_S):
        while len(data) < count:
            data += (await link.receive()).data
    return data


async def test_bytes_go_both_ways_and_carry_their_arrival(port: Port) -> None:
    link = transport(port.path)
    await link.open()
    before_s = time.monotonic()
    port.write(b"\x00ball\xff")
    async with asyncio.timeout(LIMIT_S):
        chunk = await link.receive()
    assert chunk.source == "serial"
    assert before_s <= chunk.arrival_s <= time.monotonic()
    data = chunk.data + (await received(link, 6 - len(chunk.data)) if len(chunk.data) < 6 else b"")
    assert data == b"\x00ball\xff"
    await link.send(Send(b"\x00host\x11\x13"))  # with the two bytes that software flow control would eat
    assert await asyncio.to_thread(port.read, 7) == b"\x00host\x11\x13"
    await link.close()


async def test_a_cancelled_receive_loses_nothing(port: Port) -> None:
    link = transport(port.path)
    await link.open()
    data = b""
    for _ in range(20):
        waiting = asyncio.ensure_future(link.receive())
        await asyncio.sleep(0)
        port.write(b"x")
        waiting.cancel()
        await asyncio.wait((waiting,))
        if not waiting.cancelled():  # it was faster
            data += waiting.result().data
    assert data + await received(link, 20 - len(data)) == b"x" * 20
    await link.close()


async def test_what_was_said_while_closing_still_goes_out(port: Port) -> None:
    link = transport(port.path)
    await link.open()
    await link.send(Send(b"stop"))
    await link.close()
    assert await asyncio.to_thread(port.read, 4) == b"stop"


async def test_an_unplugged_port_is_a_lost_link(port: Port) -> None:
    link = transport(port.path)
    await link.open()
    waiting = asyncio.ensure_future(link.receive())
    await asyncio.sleep(0)
    port.unplug()
    with pytest.raises(LinkLostError):
        async with asyncio.timeout(LIMIT_S):
            await waiting
    with pytest.raises(LinkLostError):
        await link.send(Send(b"anyone"))
    await link.close()


async def test_after_closing_nothing_is_left(port: Port) -> None:
    link = transport(port.path)
    await link.open()
    files = open_files()
    await link.close()
    assert not [thread.name for thread in threading.enumerate() if port.path in thread.name]
    assert open_files() < files
    with pytest.raises(LinkLostError):
        await link.receive()


async def test_a_port_that_comes_back_under_another_name_is_seen(tmp_path: Path, port: Port) -> None:
    name = tmp_path / "ball"
    name.symlink_to(port.path)
    link = transport(str(name))
    await link.open()
    await link.close()
    returning = asyncio.ensure_future(link.returned())
    await asyncio.sleep(0)
    new = Port()
    port.unplug()
    try:
        # the old name must be seen to be gone before the new one counts as a return
        async with asyncio.timeout(LIMIT_S):
            while name.exists():
                await asyncio.sleep(0)
            await asyncio.sleep(3 * module._POLL_S)
        assert not returning.done()
        name.unlink()
        name.symlink_to(new.path)
        async with asyncio.timeout(LIMIT_S):
            await returning
        await link.open()
        new.write(b"back")
        assert await received(link, 4) == b"back"
        await link.close()
    finally:
        new.unplug()


async def test_a_replugged_adapter_is_found_by_its_usb_serial(monkeypatch: pytest.MonkeyPatch, port: Port) -> None:
    new = Port()
    known = module.PortInfo(f"serial:{port.path}", port.path, "", "A7", "1ec5:0001", "")
    stranger = module.PortInfo("serial:/dev/null", "/dev/null", "", "B8", "1ec5:0001", "")
    moved = module.PortInfo(f"serial:{new.path}", new.path, "", "A7", "1ec5:0001", "")
    # the operating system's list of USB adapters is the one part that cannot be real here
    monkeypatch.setattr(module, "list_serial", lambda: [known])
    link = transport(port.path)
    await link.open()
    await link.close()
    port.unplug()
    monkeypatch.setattr(module, "list_serial", lambda: [stranger, moved])
    await link.open()
    new.write(b"me")
    assert await received(link, 2) == b"me"
    await link.close()
    assert link.reject(), "another ball on that port: the search goes on"
    with pytest.raises(DeviceNotFoundError):
        await link.open()
    new.unplug()


async def test_a_port_in_use_says_so(port: Port) -> None:
    first, second = transport(port.path), transport(port.path)
    await first.open()
    with pytest.raises(DeviceBusyError) as caught:
        await second.open()
    assert "in use" in str(caught.value)
    assert caught.value.hint
    await first.close()


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_text("text")])
async def test_what_is_no_port_says_so(tmp_path: Path, make: object) -> None:
    path = tmp_path / "port"
    assert callable(make)
    make(path)
    with pytest.raises(DeviceNotFoundError) as caught:
        await transport(str(path)).open()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_a_port_without_permission_says_what_to_do() -> None:
    error = module._on_open("/dev/ttyACM0", PermissionError(13, "Permission denied"))
    assert isinstance(error, UnavailableError)
    assert error.exit_code == 5
    assert "dialout" in error.hint


async def test_a_socket_url_is_a_port_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = transport(f"socket://127.0.0.1:{server.getsockname()[1]}")
        await link.open()
        peer, _ = await asyncio.to_thread(server.accept)
        with peer:
            peer.sendall(b"hello")
            assert await received(link, 5) == b"hello"
            await link.send(Send(b"you"))
            assert await asyncio.to_thread(peer.recv, 3) == b"you"
            peer.shutdown(socket.SHUT_RDWR)
            with pytest.raises(LinkLostError):
                async with asyncio.timeout(LIMIT_S):
                    await link.receive()
        await link.close()


async def test_nobody_listening_is_no_ball() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    with pytest.raises(DeviceNotFoundError, match=f"socket://127.0.0.1:{free} cannot be reached") as caught:
        await transport(f"socket://127.0.0.1:{free}").open()
    assert caught.value.hint == "see the address, and that a ball is served there"


def test_a_port_of_which_nothing_is_told_has_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [ListPortInfo("/dev/ttyS0"), ListPortInfo("/dev/ttyACM0")]
    ports[1].description = "A ball"
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)
    assert [(port.name, port.detail) for port in list_serial()] == [("/dev/ttyACM0", "A ball"), ("/dev/ttyS0", "")]


async def test_unread_bytes_are_bounded(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PENDING_MAX", 1000)
    link = transport(port.path)
    await link.open()
    wire = link._wire
    assert wire is not None
    for number in range(40):
        await asyncio.to_thread(port.write, bytes([number]) * 100)
        async with asyncio.timeout(LIMIT_S):
            while not wire._chunks or wire._chunks[-1].data[-1] != number:
                await asyncio.sleep(0)
        assert wire._pending <= 1000
    data = await received(link, 1)
    assert data[0] > 0, "the oldest go, the newest stay"
    await link.close()


@pytest.mark.parametrize(
    ("rest", "url", "baud", "kind"),
    [
        ("/dev/ttyACM0", "/dev/ttyACM0", 115200, None),
        ("COM3?baud=57600&kind=text", "COM3", 57600, "text"),
        ("socket://127.0.0.1:5000", "socket://127.0.0.1:5000", 115200, None),
        ("socket://127.0.0.1:5000?logging=debug&baud=9600", "socket://127.0.0.1:5000?logging=debug", 9600, None),
    ],
)
def test_addresses(rest: str, url: str, baud: int, kind: str | None) -> None:
    address = parse(rest)
    assert (address.url, address.baud, address.kind) == (url, baud, kind)


@pytest.mark.parametrize("rest", ["", "?baud=9600", "COM3?baud=fast", "COM3?baud=12", "COM3?baud=²"])
def test_bad_addresses(rest: str) -> None:
    with pytest.raises(DeviceNotFoundError) as caught:
        parse(rest)
    assert caught.value.hint
