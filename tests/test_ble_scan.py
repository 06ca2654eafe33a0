"""Who is in reach: advertisements of balls, of others and of nobody's making; and what commands say of it."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableReason as Reason
from bumble.core import AdvertisingData

from companion import balls, inreach
from companion.cli import run
from companion.errors import DeviceNotFoundError, UnavailableError
from companion.inreach import Place
from companion.transports import ble, scan, search
from companion.transports.scan import Scanner, advert_of, battery_pct, held, nearby
from firmware_protocol.devices import native, progressor, whc06
from firmware_protocol.devices.kind import Advert
from tests.foreign_radio import crane_scale
from tests.kit import LIMIT_S
from tests.radio import Radio, named

Shown = pytest.CaptureFixture[str]
LONG_S = 0.3
FORM_FEED_NAME = "\x1b[2J\u202eball" + "x" * 300


@pytest.fixture
def radio() -> Iterator[Radio]:
    with Radio() as made:
        yield made


def listed(known: dict[str, str], addresses: set[str]) -> dict[str, Place]:
    """Places by their address, once all of these were heard within one scan."""
    until_s = time.monotonic() + LIMIT_S
    while True:
        found = {place.address: place for place in inreach.ble_places(known, LONG_S)}
        if set(found) >= addresses or time.monotonic() > until_s:
            return found


def said(**changed: Any) -> AdvertisementData:
    told: dict[str, Any] = {
        "local_name": None,
        "manufacturer_data": {},
        "service_data": {},
        "service_uuids": [],
        "tx_power": None,
        "rssi": -60,
        "platform_data": (),
    }
    return AdvertisementData(**(told | changed))


# --- scanning ---


def test_balls_of_every_kind_are_listed_with_what_is_known_from_afar(radio: Radio) -> None:
    radio.ball("Knead-1")
    radio.advertise(named("Progressor_7", progressor.SERVICE))
    crane_scale(radio)
    radio.advertise(named("Somebody's watch"))
    addresses = {"ble:Knead-1", "ble:Progressor_7", f"ble:{whc06.NAME}"}
    rows = listed({"ble:Knead-1": "Anna's"}, addresses)
    assert set(rows) == addresses
    ball = rows["ble:Knead-1"]
    assert (ball.kind, ball.known, ball.nickname, ball.problem) == ("native", True, "Anna's", "")
    assert ball.rssi_dbm == -50
    assert rows["ble:Progressor_7"].kind == "progressor"


def test_balls_of_one_name_are_told_apart(radio: Radio) -> None:
    radio.ball("Knead", seed=1)
    radio.ball("Knead", seed=2)
    addresses = {"ble:F0:F1:F2:F3:00:00", "ble:F0:F1:F2:F3:00:01"}
    assert set(listed({}, addresses)) == addresses


async def test_a_ball_is_told_of_when_it_is_seen_and_not_only_at_the_end(radio: Radio) -> None:
    radio.ball("Knead-1")
    told: list[scan.Near] = []
    listening = asyncio.ensure_future(nearby(time.monotonic, LIMIT_S, told.append))
    async with asyncio.timeout(LIMIT_S / 2):
        while not any(near.name == "Knead-1" for near in told):
            await asyncio.sleep(0.01)
    assert not listening.done()
    listening.cancel()
    await asyncio.wait((listening,))
    assert radio.host.scans == 0


async def test_a_scan_can_be_stopped_begun_again_and_given_up(radio: Radio) -> None:
    radio.ball("Knead-1")
    scanner = Scanner(time.monotonic)
    for _ in range(2):
        async with asyncio.timeout(LIMIT_S), scanner:
            await scanner.start()
            async for sighting in scanner:
                if sighting.advert.name == "Knead-1":
                    break
        assert not scanner.running
        assert radio.host.scans == 0
    await scanner.stop()
    waiting = asyncio.ensure_future(scanner.next())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait((waiting,))


async def test_a_scan_that_cannot_be_stopped_is_left_behind(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_STOP_S", 0.1)

    async def hang(*_: object) -> None:
        await asyncio.get_running_loop().create_future()

    scanner = Scanner(time.monotonic)
    await scanner.start()
    monkeypatch.setattr("tests.bleak_on_bumble.BumbleScanner.stop", hang)
    async with asyncio.timeout(LIMIT_S):
        await scanner.stop()
    assert not scanner.running


async def test_nobody_listening_costs_no_memory(radio: Radio) -> None:
    scanner = Scanner(time.monotonic)
    device = BLEDevice("a", None, None)
    async with scanner:
        for number in range(3000):
            scanner._heard(BLEDevice(f"{number:012x}", None, None), said())
        assert len(scanner._waiting) == scan._WAITING_MAX
        assert len(scanner._known) == scan._KNOWN_MAX
        scanner._heard(device, said(local_name="last"))
        assert scanner._waiting[-1].advert.name == "last"


async def test_where_the_system_has_no_bluetooth_a_scan_says_so(radio: Radio) -> None:
    radio.host.refusal = Reason.POWERED_OFF
    with pytest.raises(UnavailableError, match="Bluetooth is off"):
        await nearby(time.monotonic, LONG_S)


async def test_what_this_computer_holds_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ball that another program is connected to, or one that crashed, does not advertise."""

    class Adapter:
        @classmethod
        async def get(cls) -> "Adapter":
            return cls()

        async def get_connected_devices(self, services: list[str]) -> list[BLEDevice]:
            return [BLEDevice("AA", "Knead-1", None)] if native.SERVICE in services else []

    monkeypatch.setattr(scan, "BleakAdapter", Adapter)
    (sighting,) = await held((native.SERVICE, progressor.SERVICE), time.monotonic)
    assert (sighting.advert.name, sighting.kind) == ("Knead-1", native.KIND)

    async def fail(_: object, services: list[str]) -> list[BLEDevice]:
        raise NotImplementedError

    monkeypatch.setattr(Adapter, "get_connected_devices", fail)
    assert await held((native.SERVICE,), time.monotonic) == []


# --- what advertisements may hold ---


def test_an_advertisement_is_bounded() -> None:
    advert = advert_of(
        "AA",
        said(
            local_name=FORM_FEED_NAME,
            service_uuids=[native.SERVICE.upper()] * 100,
            manufacturer_data={number: bytes(1000) for number in range(100)},
            service_data={f"{number}": bytes(1000) for number in range(100)},
            rssi=-127,
        ),
    )
    assert len(advert.name) <= 248
    assert set(advert.services) == {native.SERVICE}
    assert len(advert.services) == len(advert.manufacturer) == len(advert.service_data) == 32
    assert all(len(value) <= 255 for value in (*advert.manufacturer.values(), *advert.service_data.values()))
    assert advert.rssi_dbm is None


@pytest.mark.parametrize("rssi", [-128, -127, 21, 127, 10_000])
def test_a_strength_that_cannot_be_is_unknown(rssi: int) -> None:
    assert advert_of("AA", said(rssi=rssi)).rssi_dbm is None


async def test_whatever_the_system_makes_of_a_broken_one_is_dropped(radio: Radio) -> None:
    strange: list[dict[str, Any]] = [
        {"rssi": None},
        {"local_name": 7},
        {"service_uuids": 7},
        {"manufacturer_data": {1: None}},
        {"service_data": {7: b""}},
        {"manufacturer_data": None, "service_data": None, "service_uuids": None},
    ]
    async with Scanner(time.monotonic) as scanner:
        for parts in strange:
            scanner._heard(BLEDevice("AA", None, None), said(**parts))
        scanner._heard(BLEDevice("AA", None, None), said(local_name="whole"))
        heard = [await scanner.next() for _ in range(len(scanner._waiting))]
    assert heard[-1].advert.name == "whole"


def test_garbage_on_the_air_hides_no_ball(radio: Radio) -> None:
    draw = random.Random(5)
    for length in (0, 1, 5, 31):
        radio.advertise(draw.randbytes(length), draw.randbytes(31 - length))
    radio.advertise(bytes([31, 0xFF]), bytes([0, 0, 0]))  # a structure longer than there is; and of no length
    radio.ball("Knead-1")
    assert set(listed({}, {"ble:Knead-1"})) == {"ble:Knead-1"}


@pytest.mark.parametrize(
    ("data", "percent"), [(b"\x57", 87), (b"\x64", 100), (b"\x65", None), (b"\xff", None), (b"", None)]
)
def test_a_battery_is_told_only_where_it_can_be_one(data: bytes, percent: int | None) -> None:
    assert battery_pct(Advert("AA", service_data={scan.BATTERY_SERVICE: data})) == percent


# --- a kind, from afar ---


def test_the_kind_of_an_address_is_what_advertises_there(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "GRACE_S", 0.2)
    radio.ball("Knead-1")
    radio.advertise(named("Progressor_7", progressor.SERVICE))
    assert balls.kind_in_reach("ble:knead-1") == "native"
    assert balls.kind_in_reach("ble:Progressor_7") == "progressor"
    assert balls.kind_in_reach("ble:whatever?kind=text") == "text"
    assert balls.kind_in_reach("serial:/dev/ttyACM0") is None
    assert balls.kind_in_reach("ble:V-SHOWCASE-1") in ("native", "progressor"), "who answers to that serial is asked"
    monkeypatch.setattr(search, "SEARCH_S", 0.4)
    with pytest.raises(DeviceNotFoundError, match="no ball called No such ball in reach"):
        balls.kind_in_reach("ble:No such ball")


async def test_a_kind_can_be_asked_for_within_a_loop(radio: Radio) -> None:
    radio.ball("Knead-1")
    assert await asyncio.to_thread(balls.kind_in_reach, "ble:Knead-1") == "native"
    assert threading.current_thread() is threading.main_thread()


# --- what a command says ---


@pytest.mark.parametrize(
    ("refusal", "address", "code", "words"),
    [
        (None, "ble:No such ball", 3, "no ball called No such ball in reach"),
        (None, "ble:No such ball?kind=native", 3, "no ball called No such ball in reach"),
        (None, "ble: ", 2, "names no ball"),
        (None, "ble:Knead-1?kind=teapot", 2, "there is no kind of ball called teapot"),
        (Reason.POWERED_OFF, "ble:Knead-1", 5, "Bluetooth is off"),
        (Reason.NO_BLUETOOTH, "ble:Knead-1?kind=native", 5, "this computer has no Bluetooth"),
        (Reason.DENIED_BY_USER, "ble:Knead-1", 5, "Bluetooth is not permitted"),
    ],
)
def test_a_session_that_cannot_begin_says_why_in_a_line(
    radio: Radio,
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Shown,
    refusal: Reason | None,
    address: str,
    code: int,
    words: str,
) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    for module in (search, ble):
        monkeypatch.setattr(module, "SEARCH_S", 0.4)
    radio.ball("Knead-1")
    radio.host.refusal = refusal
    assert run(["live", address, "--seconds", "1", "--jsonl"]) == code
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith(("knead: ", "  "))]
    (told,) = [number for number, line in enumerate(lines) if words in line]
    assert lines[told].startswith("knead: ")
    assert lines[told + 1].startswith("  "), "a hint"
    assert "Traceback" not in "".join(lines)


def test_a_session_over_bluetooth_is_shown_and_kept(
    radio: Radio, tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    radio.ball("Knead-1")
    assert run(["live", "ble:Knead-1", "--seconds", "1", "--jsonl", "--quiet"]) == 0
    assert '"state":"complete"' in capsys.readouterr().out.splitlines()[-1].replace(" ", "")
    assert run(["live", "--seconds", "0.5", "--jsonl", "--quiet"]) == 0, "the last ball"


def test_what_advertising_data_is_made_of() -> None:
    parsed = AdvertisingData.from_bytes(named("Knead-1", native.SERVICE, manufacturer=b"\x01\x02\x03"))
    assert parsed.get(AdvertisingData.Type.COMPLETE_LOCAL_NAME) == "Knead-1"
