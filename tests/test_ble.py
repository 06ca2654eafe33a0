"""Balls over Bluetooth LE: the product's own code on bleak, and under it a virtual radio with real GATT peripherals."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bleak.exc import BleakBluetoothNotAvailableReason as Reason
from bleak.exc import BleakDBusError, BleakError
from bumble import gatt

from companion.errors import (
    ConfigError,
    DeviceBusyError,
    DeviceNotFoundError,
    LinkLostError,
    NotPairedError,
    TransportError,
    UnavailableError,
)
from companion.transports import ble, blelink, scan, search
from companion.transports.bluetooth import Doing, translated
from companion.transports.search import parse
from firmware_protocol import conversation
from firmware_protocol.devices import native
from firmware_protocol.driver import Close, Damaged, Profile, Samples, Send, Started, Status
from tests.ble_talk import Talk, unbroken
from tests.bleak_on_bumble import BumbleScanner
from tests.kit import LIMIT_S
from tests.radio import Radio

Kind = gatt.Characteristic


@pytest.fixture
def radio() -> Iterator[Radio]:
    with Radio() as made:
        yield made


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ball of another name is asked sooner than a person would."""
    monkeypatch.setattr(search, "GRACE_S", 0.3)


@contextmanager
def hopeless() -> Iterator[None]:
    """What is not there is not looked for as long as a person would."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ble, "SEARCH_S", 0.4)
        yield


async def gone(talk: Talk) -> LinkLostError:
    """What the link's end says."""
    with pytest.raises(LinkLostError) as lost:
        async with asyncio.timeout(LIMIT_S):
            while True:
                await talk.step()
    return lost.value


# --- there and back ---


@pytest.mark.parametrize("mtu", [23, 185, 247])
async def test_every_scan_arrives_whatever_a_notification_holds(radio: Radio, mtu: int) -> None:
    radio.ball("Knead-1", mtu=mtu)
    talk = Talk("Knead-1")
    await talk.open()
    batches = await talk.scans(80)
    await talk.close()
    assert unbroken(batches)
    assert max(talk.sizes) <= mtu - 3
    assert not any(isinstance(event, Damaged) for event in talk.told)
    assert not radio.host.scanning_while_connecting


async def test_400_notifications_a_second_arrive(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_protocol.simulator.virtual.RATES_HZ", (100, 400))
    radio.ball("Knead-1", mtu=23)  # one scan of four cells in each
    talk = Talk("Knead-1", rate_hz=400)
    await talk.open()
    started = await talk.until(Started)
    assert started.period_s == pytest.approx(1 / 400)
    batches = await talk.scans(400)
    await talk.close()
    assert unbroken(batches)
    assert {len(batch.values) for batch in batches} == {1}
    assert not any(isinstance(event, Damaged) for event in talk.told)


@pytest.mark.parametrize("name_in_response", [True, False])
async def test_the_name_may_come_late_or_at_once(radio: Radio, name_in_response: bool) -> None:
    radio.ball("Knead-1", name_in_response=name_in_response)
    radio.ball("Other-2", seed=2, name_in_response=name_in_response)
    talk = Talk("knead-1")  # as a person types it
    await talk.open()
    assert (await talk.until(Profile)).serial == "V-SHOWCASE-1"
    await talk.close()


async def test_a_ball_is_found_by_its_own_serial(radio: Radio) -> None:
    radio.ball("Knead-1")
    second = radio.ball("Knead-2", seed=2)
    talk = Talk(second.serial)
    await talk.open()
    assert (await talk.until(Profile)).serial == second.serial
    await talk.close()


async def test_where_no_ball_has_the_serial_none_is_taken(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    find = search.Search.find

    async def find_soon(self: search.Search, until_s: float) -> scan.Sighting:
        return await find(self, asyncio.get_running_loop().time() + 0.3 if self._asked else until_s)

    monkeypatch.setattr(search.Search, "find", find_soon)
    radio.ball("Knead-1")
    talk = Talk("V-SHOWCASE-9")
    with pytest.raises(DeviceNotFoundError, match="the ball in reach is not V-SHOWCASE-9"):
        await talk.open()
    await talk.close()
    assert radio.host.connects == 1, "it was asked once"


async def test_what_anybody_may_read_can_be_read(radio: Radio) -> None:
    radio.ball("Knead-1")
    talk = Talk("Knead-1")
    await talk.open()
    assert (await talk.transport.read("info"))[:2] == b"\x81\x00", "a reply to HELLO, tag 0"
    assert await talk.transport.read("nothing") == b""
    await talk.close()


# --- the link ---


async def test_a_lost_link_is_told_and_the_ball_is_seen_to_return(radio: Radio) -> None:
    ball = radio.ball("Knead-1")
    talk = Talk("Knead-1")
    await talk.open()
    first = await talk.until(Started)
    ball.lose()
    assert "Knead-1" in str(await gone(talk))
    await talk.close()
    async with asyncio.timeout(LIMIT_S):
        await talk.transport.returned()
    await talk.open()
    again = await talk.until(Started)
    assert (again.boot_id, again.run) == (first.boot_id, first.run), "it went on measuring"
    await talk.close()


async def test_while_it_stays_away_nothing_returns(radio: Radio) -> None:
    ball = radio.ball("Knead-1")
    talk = Talk("Knead-1")
    await talk.open()
    await talk.until(Samples)
    ball.leave()
    await gone(talk)
    await talk.close()
    returning = asyncio.ensure_future(talk.transport.returned())
    with hopeless(), pytest.raises(DeviceNotFoundError, match="no ball called Knead-1 in reach"):
        await talk.transport.open()
    assert not returning.done()
    ball.come()
    async with asyncio.timeout(LIMIT_S):
        await returning
    await talk.open()
    await talk.until(Samples)
    await talk.close()


async def test_a_ball_that_cannot_be_connected_to_is_left_to_the_back_off(
    radio: Radio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It advertises all the time: only one that was out of sight has returned."""
    monkeypatch.setattr(search, "GONE_S", 1000.0)
    ball = radio.ball("Knead-1")
    talk = Talk("Knead-1")

    async def refuse(*_: object) -> None:
        raise BleakError("le-connection-abort-by-local")

    with monkeypatch.context() as patched:
        patched.setattr("tests.bleak_on_bumble.BumbleClient.connect", refuse)
        with pytest.raises(DeviceBusyError):
            await talk.open()
    await talk.close()
    found = talk.transport._search
    returning = asyncio.ensure_future(talk.transport.returned())
    async with asyncio.timeout(LIMIT_S):
        for _ in range(3):
            before_s = found._last_s
            while found._last_s == before_s:  # it is seen, and seen again
                await asyncio.sleep(0.01)
    assert not returning.done()
    ball.leave()
    monkeypatch.setattr(search, "GONE_S", 0.3)
    await asyncio.sleep(0.4)
    ball.come()
    async with asyncio.timeout(LIMIT_S):
        await returning
    await talk.close()


async def test_a_scan_that_died_unsaid_is_begun_anew(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the adapter is pulled and put back: it goes on, and hears nothing."""
    monkeypatch.setattr(search, "QUIET_S", 0.2)
    ball = radio.ball("Knead-1", present=False)
    talk = Talk("Knead-1")
    returning = asyncio.ensure_future(talk.transport.returned())
    async with asyncio.timeout(LIMIT_S):
        while not radio.host.scans:
            await asyncio.sleep(0.01)
    radio.host.pulled += 1
    ball.come()
    async with asyncio.timeout(LIMIT_S):
        await returning
    await talk.open()
    await talk.until(Samples)
    await talk.close()
    assert radio.host.scans == 0


async def test_a_scan_that_is_held_up_for_a_moment_begins(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    """BlueZ is still ending another one."""
    monkeypatch.setattr(scan, "_BUSY_S", 0.01)
    radio.ball("Knead-1")
    start = BumbleScanner.start
    refused: list[BumbleScanner] = []

    async def later(self: BumbleScanner) -> None:
        if len(refused) < 2:
            refused.append(self)
            raise BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"])
        await start(self)

    monkeypatch.setattr(BumbleScanner, "start", later)
    talk = Talk("Knead-1")
    await talk.open()
    await talk.close()
    assert len(refused) == 2


async def test_a_dead_link_nobody_tells_of_is_noticed(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when BlueZ is killed: connected for ever, no callback, and disconnecting never ends."""
    monkeypatch.setattr(blelink, "SILENT_S", 0.5)
    monkeypatch.setattr(blelink, "WATCH_S", 0.1)
    monkeypatch.setattr(blelink, "CLOSE_S", 0.2)
    ball = radio.ball("Knead-1")
    talk = Talk("Knead-1")
    await talk.open()
    await talk.until(Samples)
    radio.host.numb = radio.host.stuck = True
    ball.leave()
    with pytest.raises(LinkLostError):
        async with asyncio.timeout(LIMIT_S):
            while True:
                await talk.transport.receive()
    async with asyncio.timeout(LIMIT_S):
        await talk.close()
    radio.host.numb = radio.host.stuck = False
    ball.come()
    await talk.open()
    await talk.until(Samples)
    await talk.close()


async def test_a_ball_that_falls_silent_is_closed_by_its_driver(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "REPLY_S", 0.2)
    ball = radio.ball("Knead-1")
    talk = Talk("Knead-1")
    await talk.open()
    await talk.until(Samples)
    ball.mute()
    close = await talk.until(Close)
    assert (close.cause, close.retry) == ("silent", True)
    await talk.close()
    ball.mute(False)
    await talk.open()
    await talk.until(Samples)
    await talk.close()


async def test_receiving_may_be_cancelled_and_nothing_is_lost(radio: Radio) -> None:
    radio.ball("Knead-1")
    talk = Talk("Knead-1")
    await talk.open()
    await talk.until(Samples)
    for _ in range(20):
        waiting = asyncio.ensure_future(talk.transport.receive())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait((waiting,))
        if not waiting.cancelled():
            await talk.take(talk.hear(waiting.result()))
    await talk.scans(40)
    await talk.close()
    assert unbroken([event for event in talk.told if isinstance(event, Samples)])


async def test_a_closed_transport_says_so(radio: Radio) -> None:
    radio.ball("Knead-1")
    talk = Talk("Knead-1")
    await talk.open()
    await talk.close()
    await talk.close()
    with pytest.raises(LinkLostError):
        await talk.transport.receive()
    with pytest.raises(LinkLostError):
        await talk.transport.send(Send(b"\x01\x01\x01\x01"))


# --- who it is ---


async def test_of_two_balls_of_one_name_the_rejected_one_is_not_taken_again(radio: Radio) -> None:
    radio.ball("Knead", seed=1)
    radio.ball("Knead", seed=2)
    talk = Talk("Knead")
    serials = []
    for _ in range(2):
        await talk.open()
        talk.host = type(talk.host)(framed=False, first_tag=9)
        await talk.take(talk.host.opened(time.monotonic()))
        serials.append((await talk.until(Profile)).serial)
        assert talk.transport.reject()
        await talk.close()
    assert sorted(serials) == ["V-SHOWCASE-1", "V-SHOWCASE-2"]
    with hopeless(), pytest.raises(DeviceNotFoundError, match="is not Knead"):
        await talk.open()
    await talk.close()


async def test_a_ball_that_is_in_use_is_not_found(radio: Radio) -> None:
    ball = radio.ball("Knead-1")
    radio.take(ball)
    talk = Talk("Knead-1")
    with hopeless(), pytest.raises(DeviceNotFoundError) as failed:
        await talk.open()
    assert (failed.value.exit_code, "other apps" in failed.value.hint) == (3, True)
    await talk.close()


async def test_a_ball_that_is_taken_before_our_eyes_is_busy(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    ball = radio.ball("Knead-1")
    talk = Talk("Knead-1")
    stop = search.Search.stop

    async def stop_and_lose(self: search.Search) -> None:
        await stop(self)
        if not ball.peripheral.connected:
            await asyncio.to_thread(radio.take, ball)

    monkeypatch.setattr(search.Search, "stop", stop_and_lose)
    monkeypatch.setattr(blelink, "CONNECT_S", 0.4)
    with pytest.raises(DeviceBusyError) as failed:
        await talk.open()
    assert failed.value.exit_code == 3
    await talk.close()


# --- pairing ---


async def test_a_ball_that_wants_a_bond_is_paired_once(radio: Radio) -> None:
    radio.ball("Knead-1", encrypted=True)
    keys = []
    for _ in range(2):
        talk = Talk("Knead-1")
        await talk.open()
        assert (await talk.until(Status)).encrypted
        assert unbroken(await talk.scans(20))
        await talk.close()
        ((_, bond),) = await radio.host.keystore.get_all()
        assert bond.ltk is not None, "LE Secure Connections"
        keys.append(bond.ltk.value)
    assert keys[0] == keys[1]


async def test_a_wiped_bond_is_told_and_renewed_only_when_asked_for(radio: Radio) -> None:
    ball = radio.ball("Knead-1", encrypted=True)
    talk = Talk("Knead-1")
    await talk.open()
    await talk.close()
    ball.forget_bonds()
    with pytest.raises(NotPairedError) as failed:
        await talk.open()
    assert (failed.value.exit_code, "knead pair" in failed.value.hint) == (5, True)
    await talk.close()
    asked = Talk("Knead-1", renew_bond=True)
    await asked.open()
    assert (await asked.until(Status)).encrypted
    await asked.close()


# --- what is not as it should be ---


def _service(uuid: str, *characteristics: Kind[bytes]) -> gatt.Service:
    return gatt.Service(uuid, list(characteristics))


def _wrong_tables() -> list[gatt.Service]:
    uuids = [native.GATT.read["info"], native.GATT.write["rx"], native.GATT.notify["tx"]]
    info, rx, tx = uuids
    write = Kind(rx, Kind.Properties.WRITE, Kind.WRITEABLE, b"")
    return [
        _service("180F", Kind("2A19", Kind.Properties.READ, Kind.READABLE, b"\x32")),
        _service(native.SERVICE),
        _service(native.SERVICE, Kind(info, Kind.Properties.READ, Kind.READABLE, b""), write),
        _service(native.SERVICE, write, Kind(tx, Kind.Properties.READ, Kind.READABLE, b"")),
    ]


@pytest.mark.parametrize("number", range(4))
async def test_another_table_is_no_ball(radio: Radio, number: int) -> None:
    """From the first on, or only from the second link on: its table is looked at each time."""
    ball = radio.ball("Knead-1")
    talk = Talk("Knead-1")
    if number:
        await talk.open()
        await talk.until(Samples)
    ball.change_services([_wrong_tables()[number]])
    if number:
        ball.lose()
        await gone(talk)
        await talk.close()
    with pytest.raises(DeviceNotFoundError, match="has not what a pressure ball has") as failed:
        await talk.open()
    assert failed.value.exit_code == 3
    await talk.close()


async def test_a_notification_of_any_length_harms_nothing(radio: Radio) -> None:
    ball = radio.ball("Knead-1", mtu=517)
    talk = Talk("Knead-1")
    await talk.open()
    await talk.until(Samples)
    lengths = [0, 1, 2, 9, 10, 20, 244, 245, 512]
    for length in lengths:
        ball.notify(bytes([0xA5]) * length)
    assert unbroken(await talk.scans(60))
    await talk.close()
    assert {length for length in lengths if length in talk.sizes} == set(lengths)
    assert sum(isinstance(event, Damaged) for event in talk.told) == len(lengths)


@pytest.mark.parametrize("reason", list(Reason))
async def test_without_bluetooth_it_says_why(radio: Radio, reason: Reason) -> None:
    radio.ball("Knead-1")
    radio.host.refusal = reason
    talk = Talk("Knead-1")
    with pytest.raises(UnavailableError) as failed:
        await talk.open()
    assert failed.value.exit_code == 5
    assert failed.value.hint
    assert "\n" not in str(failed.value)
    await talk.close()
    radio.host.refusal = None
    await talk.open()
    assert len((await talk.until(Samples)).values) > 0
    await talk.close()


STRANGE: list[Exception] = [
    BleakError("whatever"),
    BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["no bluez"]),
    BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", ["rejected"]),
    BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"]),
    BleakDBusError("org.bluez.Error.NotReady", []),
    FileNotFoundError(2, "No such file or directory"),
    EOFError(),
    AssertionError(),
    AttributeError("'NoneType' object has no attribute 'call'"),
    OSError(-2147020577, "The device is not ready for use"),
    KeyError("Roles"),
    TimeoutError(),
]


@pytest.mark.parametrize("error", STRANGE, ids=[f"{type(error).__name__} {error}" for error in STRANGE])
def test_no_error_of_the_system_gets_past_the_edge(error: Exception) -> None:
    wanted = {Doing.SCAN: (UnavailableError,), Doing.CONNECT: (TransportError,), Doing.TALK: (LinkLostError,)}
    for doing, ours in wanted.items():
        with pytest.raises(ours) as raised, translated(doing, "Knead-1"):
            raise error
        assert str(raised.value)
        assert raised.value.hint
        assert raised.value.__cause__ is error


async def test_a_stack_that_dies_in_the_middle_is_a_lost_link(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    radio.ball("Knead-1")
    talk = Talk("Knead-1")
    await talk.open()
    await talk.until(Samples)

    async def fail(*_: object, **__: object) -> None:
        raise BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["gone"])

    with monkeypatch.context() as patched:
        patched.setattr("tests.bleak_on_bumble.BumbleClient.write_gatt_char", fail)
        await talk.transport.send(Send(b"\x03\x09"))
        lost = await gone(talk)
    assert lost.exit_code == 4
    await talk.close()


async def test_opening_can_be_given_up(radio: Radio) -> None:
    radio.ball("Knead-1")
    talk = Talk("Knead-1")
    for pause_s in (0.0, 0.05, 0.15, 0.2, 0.25, 0.3):
        opening = asyncio.ensure_future(talk.transport.open())
        await asyncio.sleep(pause_s)
        opening.cancel()
        await asyncio.wait((opening,))
        await talk.close()
    await talk.open()
    assert len((await talk.until(Samples)).values) > 0
    await talk.close()


@pytest.mark.parametrize(
    ("rest", "wanted", "kind"),
    [
        ("Knead-1", "Knead-1", None),
        (" My ball? ", "My ball?", None),
        ("Progressor_4?kind=progressor", "Progressor_4", "progressor"),
        ("AA:BB:CC:DD:EE:FF", "AA:BB:CC:DD:EE:FF", None),
    ],
)
def test_an_address_is_a_name_and_perhaps_a_kind(rest: str, wanted: str, kind: str | None) -> None:
    address = parse(rest)
    assert (address.wanted, address.kind) == (wanted, kind)


@pytest.mark.parametrize("rest", ["", "  ", "?kind=native"])
def test_an_address_without_a_name_is_none(rest: str) -> None:
    with pytest.raises(ConfigError, match="names no ball"):
        parse(rest)
