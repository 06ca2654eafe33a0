"""Who is in reach over Bluetooth LE: advertisements as they come in, put together and recognised.

Everything in an advertisement is its sender's claim: texts and counts are bounded here, and nothing raises.
"""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from bleak import BleakAdapter, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDBusError

from companion.transports.bluetooth import Doing, translated
from firmware_protocol.devices import kinds, recognised
from firmware_protocol.devices.kind import Advert, Kind

BATTERY_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"
_WAITING_MAX = 1024  # sightings nobody has taken; past it the oldest go
_KNOWN_MAX = 1024  # addresses kept apart: in a crowd with changing addresses the oldest go
_NAME_MAX, _LIST_MAX, _DATA_MAX = 248, 32, 255  # of the standard: a name, what fits, one structure
_START_S = 30.0  # macOS asks the user for permission, and waits for the answer
_BUSY, _BUSY_TRIES, _BUSY_S = ".InProgress", 4, 0.5
_STOP_S = 3.0  # a system that hangs in stopping is left to itself
_Key = TypeVar("_Key")
_UNKNOWN_RSSI, _HIGHEST_RSSI = -127, 21  # dBm; the first is said where the system does not know it


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One advertisement of one device, with what the same device has said before in this scan."""

    advert: Advert
    kind: Kind | None  # None: no ball, or one whose kind must be named by hand
    at_s: float
    device: BLEDevice  # what to connect to; of this event loop only
    fresh: Advert  # this advertisement alone


class Scanner:
    """One scan, while it is started. `async for` gives every sighting.

    `now_s` stamps them. Starting and stopping again is allowed; both raise nothing but UnavailableError.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._scanner: BleakScanner | None = None
        self._waiting: deque[Sighting] = deque(maxlen=_WAITING_MAX)
        self._news = asyncio.Event()
        self._known: OrderedDict[str, Advert] = OrderedDict()
        self._turn = asyncio.Lock()

    @property
    def running(self) -> bool:
        return self._scanner is not None

    async def start(self) -> None:
        """Idempotent. Raises UnavailableError."""
        async with self._turn:
            if self._scanner is not None:
                return
            self._known.clear()
            self._waiting.clear()
            with translated(Doing.SCAN):
                async with asyncio.timeout(_START_S):
                    self._scanner = await self._started()

    async def stop(self) -> None:
        """Idempotent, bounded in time, never raises."""
        async with self._turn:
            scanner, self._scanner = self._scanner, None
            if scanner is not None:
                with contextlib.suppress(Exception):  # a scan that cannot be stopped is over, or the radio is gone
                    async with asyncio.timeout(_STOP_S):
                        await scanner.stop()

    async def next(self) -> Sighting:
        """Cancel-safe."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sighting:
        return await self.next()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _started(self) -> BleakScanner:
        """Another scan that is just ending holds BlueZ up for a moment."""
        tries = _BUSY_TRIES
        while True:
            # duplicates are asked for: without, a value in an advertisement freezes, and a return is seen late
            scanner = BleakScanner(self._heard, bluez={"filters": {"DuplicateData": True}})
            try:
                await scanner.start()
            except BleakDBusError as error:
                tries -= 1
                if not tries or not error.dbus_error.endswith(_BUSY):
                    raise
                await asyncio.sleep(_BUSY_S)
            else:
                return scanner

    def _heard(self, device: BLEDevice, data: AdvertisementData) -> None:
        if self._scanner is None and not self._turn.locked():
            return  # a last one after the stop
        try:
            fresh = advert_of(device.address, data)
        except (TypeError, ValueError, AttributeError):
            return  # whatever the system made of a malformed one
        whole = _joined(self._known.pop(fresh.address, None), fresh)
        self._known[fresh.address] = whole
        if len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)
        self._waiting.append(Sighting(whole, recognised(whole), self._now_s(), device, fresh))
        self._news.set()


def advert_of(address: str, data: AdvertisementData) -> Advert:
    """bleak's words as ours, within bounds."""
    return Advert(
        address=str(address),
        name=(data.local_name or "")[:_NAME_MAX],
        services=tuple(str(uuid).lower() for uuid in (data.service_uuids or ())[:_LIST_MAX]),
        manufacturer=_bounded(data.manufacturer_data),
        service_data={uuid.lower(): value for uuid, value in _bounded(data.service_data).items()},
        rssi_dbm=data.rssi if _UNKNOWN_RSSI < data.rssi < _HIGHEST_RSSI else None,
    )


def _bounded(table: Mapping[_Key, bytes] | None) -> dict[_Key, bytes]:
    pairs = list((table or {}).items())[:_LIST_MAX]
    return {key: bytes(value)[:_DATA_MAX] for key, value in pairs}


def _joined(before: Advert | None, now: Advert) -> Advert:
    """A name may come in the scan response alone, and the services in the advertisement alone."""
    if before is None:
        return now
    return Advert(
        address=now.address,
        name=now.name or before.name,
        services=tuple(dict.fromkeys((*now.services, *before.services)))[:_LIST_MAX],
        manufacturer={**before.manufacturer, **now.manufacturer},
        service_data={**before.service_data, **now.service_data},
        rssi_dbm=before.rssi_dbm if now.rssi_dbm is None else now.rssi_dbm,
    )


def battery_pct(advert: Advert) -> int | None:
    """What an advertisement says of the battery; None: nothing."""
    data = advert.service_data.get(BATTERY_SERVICE, b"")
    return data[0] if data and data[0] <= 100 else None


async def held(services: Iterable[str], now_s: Callable[[], float]) -> list[Sighting]:
    """Devices that this computer itself is connected to, by another program or by one that crashed: they do not
    advertise. Empty where the system cannot tell."""
    found: list[Sighting] = []
    for service in services:
        with contextlib.suppress(Exception):  # not every system can tell, and nothing depends on it
            adapter = await BleakAdapter.get()
            for device in await adapter.get_connected_devices([service]):
                advert = Advert(device.address, (device.name or "")[:_NAME_MAX], (service,))
                found.append(Sighting(advert, recognised(advert), now_s(), device, advert))
    return found


@dataclass(frozen=True, slots=True)
class Near:
    """A ball in reach, as far as it can be told from afar."""

    name: str  # its address where it has none, or shares it
    kind: Kind
    rssi_dbm: int | None
    battery_pct: int | None
    held: bool = False  # by this computer, already


async def nearby(now_s: Callable[[], float], seconds: float, told: Callable[[Near], None] | None = None) -> list[Near]:
    """Scan for so long: every recognised ball, the strongest first; `told` of each at once, and whenever it changes.

    Raises UnavailableError.
    """
    sightings: dict[str, Sighting] = {}
    services = [layout.service for kind in kinds().values() for layout in kind.layouts]
    others = [_near(one, one.kind, sightings, held=True) for one in await held(services, now_s) if one.kind]
    if told is not None:
        for near in others:
            told(near)
    async with Scanner(now_s) as scanner:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for sighting in scanner:
                    if sighting.kind is None:
                        continue
                    sightings[sighting.advert.address] = sighting
                    if told is not None:
                        told(_near(sighting, sighting.kind, sightings))
    found = [_near(one, one.kind, sightings) for one in sightings.values() if one.kind is not None]
    return others + sorted(found, key=lambda near: -1000 if near.rssi_dbm is None else near.rssi_dbm, reverse=True)


def _near(sighting: Sighting, kind: Kind, among: Mapping[str, Sighting], *, held: bool = False) -> Near:
    advert = sighting.advert
    name = advert.name.strip()
    shared = any(one.advert.name.strip() == name and one.advert.address != advert.address for one in among.values())
    return Near(advert.address if shared or not name else name, kind, advert.rssi_dbm, battery_pct(advert), held)
