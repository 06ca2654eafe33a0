"""bleak over bumble: the product's own bleak code reaches a controller of ours instead of the system's Bluetooth.

`bleak` looks two names up at each construction of a scanner or a client; `installed` swaps these, and nothing else.
A host is made once in each event loop, from what `Host.make` gives; `Host` also keeps what a system would: bonds.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any

import bleak
from bleak.backends.characteristic import BleakGATTCharacteristic, GattCharacteristicsFlags
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)
from bleak.uuids import normalize_uuid_str
from bumble import att, core, hci
from bumble.core import AdvertisingData
from bumble.device import Device, DeviceConfiguration, Peer
from bumble.keys import KeyStore, MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

Type = AdvertisingData.Type
_LISTS = {
    Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    Type.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
}
OPEN_S = 0.5  # a connection is made at the ball's next advertisement, or not at all


class Host:
    """This computer's Bluetooth, as far as a test decides it. `make` gives source and sink of a controller."""

    def __init__(self, make: Callable[[], Awaitable[tuple[Any, Any]]], address: str) -> None:
        self._make, self._address = make, address
        self._device: Device | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = asyncio.Lock()
        self.keystore: KeyStore = MemoryKeyStore()
        self.refusal: BleakBluetoothNotAvailableReason | None = None  # Bluetooth cannot be used, and why
        self.raises: Exception | None = None  # what everything raises: another way to be broken
        self.pulled = 0  # so often the adapter was: scans from before hear nothing more
        self.numb = False  # a link that ends is not told of (the disconnect callback is dead)
        self.stuck = False  # disconnecting never ends
        self.scans = 0  # running
        self.connects = 0  # tried
        self.scanning_while_connecting = False

    def check(self) -> None:
        if self.raises is not None:
            raise self.raises
        if self.refusal is not None:
            raise BleakBluetoothNotAvailableError("as the test wants it", self.refusal)

    async def device(self) -> Device:
        """The one of this loop, switched on."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._turn, self._device, self._loop, self.scans = asyncio.Lock(), None, loop, 0
        async with self._turn:
            if self._device is None:
                source, sink = await self._make()
                config = DeviceConfiguration(name="host", address=hci.Address(self._address))
                device = Device.from_config_with_hci(config, source, sink)
                device.keystore = self.keystore
                device.pairing_config_factory = lambda _: PairingConfig(
                    sc=True,
                    mitm=False,
                    bonding=True,
                    identity_address_type=PairingConfig.AddressType.RANDOM,
                    delegate=PairingDelegate(PairingDelegate.NO_OUTPUT_NO_INPUT),
                )
                await device.power_on()
                self._device = device
            return self._device


_hosts: list[Host] = []  # the one installed


def _host() -> Host:
    return _hosts[-1]


@contextlib.contextmanager
def installed(host: Host) -> Iterator[None]:
    """bleak uses `host` meanwhile."""
    names: Any = bleak
    before = (names.get_platform_client_backend_type, names.get_platform_scanner_backend_type)
    adapter = names.get_platform_adapter_backend_type
    _hosts.append(host)
    names.get_platform_client_backend_type = lambda: (BumbleClient, "bumble")
    names.get_platform_scanner_backend_type = lambda: (BumbleScanner, "bumble")
    names.get_platform_adapter_backend_type = _no_adapter
    try:
        yield
    finally:
        names.get_platform_client_backend_type, names.get_platform_scanner_backend_type = before
        names.get_platform_adapter_backend_type = adapter
        _hosts.remove(host)


def _no_adapter() -> Any:
    raise NotImplementedError


def _uuid(uuid: core.UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))


def _advertisement(heard: Any) -> AdvertisementData:
    uuids: list[str] = []
    service_data: dict[str, bytes] = {}
    manufacturer: dict[int, bytes] = {}
    for kind, value in heard.data.ad_structures:
        if kind in _LISTS:
            size = _LISTS[kind]
            uuids += [_uuid(core.UUID.from_bytes(value[at : at + size])) for at in range(0, len(value), size)]
        elif kind == Type.MANUFACTURER_SPECIFIC_DATA:
            manufacturer[int.from_bytes(value[:2], "little")] = bytes(value[2:])
        elif kind == Type.SERVICE_DATA_16_BIT_UUID:
            service_data[_uuid(core.UUID.from_bytes(value[:2]))] = bytes(value[2:])
    name = heard.data.get(Type.COMPLETE_LOCAL_NAME) or heard.data.get(Type.SHORTENED_LOCAL_NAME)
    return AdvertisementData(name, manufacturer, service_data, uuids, None, heard.rssi, (heard,))


class BumbleScanner(BaseBleakScanner):
    def __init__(self, detection_callback: Any, service_uuids: Any, scanning_mode: str = "active", **_: Any) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode != "passive"
        self._running = False
        self._pulled = 0

    def _heard(self, heard: Any) -> None:
        if _hosts and _host().pulled != self._pulled:
            return
        data = _advertisement(heard)
        if self.is_allowed_uuid(data.service_uuids):
            address = heard.address.to_string(False)
            device = self.create_or_update_device(address, address, data.local_name, heard.address, data)
            self.call_detection_callbacks(device, data)

    async def start(self) -> None:
        host = _host()
        host.check()
        self.seen_devices = {}
        device = await host.device()
        device.on("advertisement", self._heard)
        self._running, self._pulled = True, host.pulled
        host.scans += 1
        if host.scans == 1:
            await device.start_scanning(active=self._active, filter_duplicates=False)

    async def stop(self) -> None:
        if not self._running:
            return
        self._running = False
        host = _host()
        device = await host.device()
        device.remove_listener("advertisement", self._heard)
        host.scans -= 1
        if not host.scans:
            await device.stop_scanning()


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except att.ATT_Error as error:
        raise BleakGATTProtocolError(BleakGATTProtocolErrorCode(int(error.error_code))) from None
    except core.BaseBumbleError as error:
        raise BleakError(str(error)) from error
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise BleakError("disconnected") from None  # bumble cancels the request that was under way


async def _unbroken(connecting: Coroutine[Any, Any, Any]) -> Any:
    """Given up in the middle, a link is still made, and hung up at once: as by a system, which keeps its books."""
    task = asyncio.ensure_future(connecting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(core.BaseBumbleError, TimeoutError):
            link = await task
            await link.disconnect()
        raise


class BumbleClient(BaseBleakClient):
    def __init__(
        self, address_or_ble_device: Any, *, disconnected_callback: Any, timeout: float, services: Any = None, **_: Any
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._target = address_or_ble_device
        self._filter = services
        self._link: Any = None
        self._peer: Any = None
        self._subscribed: dict[int, Any] = {}

    @property
    def name(self) -> str:
        return getattr(self._target, "name", None) or self.address

    @property
    def mtu_size(self) -> int:
        return 23  # as BlueZ says, whatever it is

    @property
    def is_connected(self) -> bool:
        return self._link is not None

    def _ended(self, *_: object) -> None:
        if _hosts and _host().numb:
            return  # as BlueZ's end is, when its service is killed: connected for ever
        self._link = self._peer = self.services = None
        self._subscribed.clear()
        if self._disconnected_callback:
            self._disconnected_callback()

    async def connect(self, pair: bool, **_: Any) -> None:
        if self._link:
            raise BleakError("Client is already connected")
        host = _host()
        host.check()
        host.connects += 1
        host.scanning_while_connecting = host.scanning_while_connecting or host.scans > 0
        if not isinstance(self._target, BLEDevice):
            raise BleakDeviceNotFoundError(self.address, "the product connects by BLEDevice")
        device = await host.device()
        try:
            self._link = await _unbroken(device.connect(self._target.details, timeout=min(self._timeout, OPEN_S)))
        except (core.TimeoutError, TimeoutError):
            raise TimeoutError from None
        except core.BaseBumbleError as error:
            raise BleakError(f"connect failed: {error}") from error
        try:
            with _errors():
                self._link.on("disconnection", self._ended)
                if await host.keystore.get(str(self._link.peer_address)):
                    await self._link.encrypt()  # bonded before: as the desktop stacks do
                elif pair:
                    await self.pair()
                self._peer = Peer(self._link)
                await self._peer.request_mtu(517)
                await self._discover()
        except BaseException:
            if self._link:
                await self._link.disconnect()
            raise

    async def _discover(self) -> None:
        peer, found = self._peer, BleakGATTServiceCollection()
        await peer.discover_all()
        for service in peer.services:
            if self._filter and _uuid(service.uuid) not in self._filter:
                continue
            ours = BleakGATTService(service, service.handle, _uuid(service.uuid))
            found.add_service(ours)
            for one in service.characteristics:
                flags: Any = [
                    flag.name.replace("_", "-") for flag in GattCharacteristicsFlags if flag.value & int(one.properties)
                ]
                characteristic = BleakGATTCharacteristic(one, one.handle, _uuid(one.uuid), flags, lambda: 20, ours)
                found.add_characteristic(characteristic)
                for each in one.descriptors:
                    found.add_descriptor(BleakGATTDescriptor(each, each.handle, _uuid(each.type), characteristic))
        self.services = found

    async def disconnect(self) -> None:
        if _host().stuck:
            await asyncio.get_running_loop().create_future()
        if self._link:
            with contextlib.suppress(core.BaseBumbleError):
                await self._link.disconnect()

    async def pair(self, *_: Any, **__: Any) -> None:
        self._need()
        try:
            await self._link.pair()
        except (core.BaseBumbleError, TimeoutError) as error:
            raise BleakError(f"pairing failed: {error}") from error

    async def unpair(self) -> None:
        host = _host()
        with contextlib.suppress(KeyError):
            await host.keystore.delete(str(self._link.peer_address if self._link else self._target.details))
        await self.disconnect()

    def _need(self) -> None:
        if not self._link:
            raise BleakError("Not connected")

    async def read_gatt_char(self, characteristic: Any, *, use_cached: bool = False, **_: Any) -> bytearray:
        self._need()
        with _errors():
            return bytearray(await self._peer.read_value(characteristic.obj))

    async def read_gatt_descriptor(self, descriptor: Any, *, use_cached: bool = False, **_: Any) -> bytearray:
        self._need()
        with _errors():
            return bytearray(await self._peer.read_value(descriptor.obj))

    async def write_gatt_char(self, characteristic: Any, data: Any, response: bool) -> None:
        self._need()
        with _errors():
            await self._peer.write_value(characteristic.obj, bytes(data), with_response=response)

    async def write_gatt_descriptor(self, descriptor: Any, data: Any) -> None:
        self._need()
        with _errors():
            await self._peer.write_value(descriptor.obj, bytes(data), with_response=True)

    async def start_notify(self, characteristic: Any, callback: Any, **_: Any) -> None:
        self._need()
        if characteristic.handle in self._subscribed:
            raise BleakError("Characteristic notifications already started")

        def told(value: bytes) -> None:
            callback(bytearray(value))

        self._subscribed[characteristic.handle] = told
        try:
            with _errors():
                await self._peer.subscribe(characteristic.obj, told)
        except BaseException:
            self._subscribed.pop(characteristic.handle, None)
            raise

    async def stop_notify(self, characteristic: Any) -> None:
        self._need()
        told = self._subscribed.pop(characteristic.handle)
        with _errors():
            await self._peer.unsubscribe(characteristic.obj, told)


@contextlib.asynccontextmanager
async def transport(name: str) -> AsyncIterator[tuple[Any, Any]]:
    """Source and sink of a bumble transport."""
    from bumble.transport import open_transport

    async with await open_transport(name) as opened:
        yield opened.source, opened.sink
