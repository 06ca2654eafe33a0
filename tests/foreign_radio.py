"""Devices of other makers on the virtual radio: a Tindeq Progressor, and a WH-C06 crane scale."""

import asyncio
import contextlib
import struct

from bumble import gatt
from bumble.core import AdvertisingData
from bumble.device import Connection, Device

from firmware_protocol.devices import progressor, whc06
from tests.radio import Radio, named

Characteristic = gatt.Characteristic
_PERIOD_S = 1 / 80
_SCANS = 4  # in a notification


class Progressor:
    """It answers what it is asked, and streams `kilogram` from the start command on."""

    def __init__(self, radio: Radio, name: str) -> None:
        self._radio = radio
        self.kilogram = 1.5
        self._link: Connection | None = None
        self._stream: asyncio.Task[None] | None = None
        self._data: Characteristic[bytes] = Characteristic(
            progressor.GATT.notify["data"], Characteristic.Properties.NOTIFY, Characteristic.READABLE, b""
        )
        control: Characteristic[bytes] = Characteristic(
            progressor.GATT.write["control"],
            Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
            Characteristic.WRITEABLE,
            gatt.CharacteristicValue(write=self._commanded),
        )
        service = gatt.Service(progressor.SERVICE, [self._data, control])
        self._device: Device = radio.advertise(named(name), services=[service])
        radio.call(lambda: self._device.on("connection", self._connected))

    def drop(self) -> None:
        """It hangs up."""
        self._radio.run(self._drop())

    async def _drop(self) -> None:
        assert self._link is not None
        await self._link.disconnect()

    def _connected(self, link: Connection) -> None:
        self._link = link
        link.on("disconnection", self._silence)

    def _silence(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None

    def _commanded(self, link: Connection, data: bytes) -> None:
        command = data[0]
        self._silence()
        if command == progressor.START:
            self._stream = asyncio.get_running_loop().create_task(self._run(link))
        elif command == progressor.BATTERY:
            self._reply(link, struct.pack("<I", 3900))
        elif command == progressor.VERSION:
            self._reply(link, b"1.2.3.4")
        elif command == progressor.WHO:
            self._reply(link, (42).to_bytes(8, "little"))

    def _reply(self, link: Connection, payload: bytes) -> None:
        message = bytes((progressor.REPLY, len(payload))) + payload
        self._stream = asyncio.get_running_loop().create_task(self._say(link, message))

    async def _say(self, link: Connection, message: bytes) -> None:
        await self._device.notify_subscriber(link, self._data, message)

    async def _run(self, link: Connection) -> None:
        scan = 0
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                scans = b"".join(
                    progressor.SCAN.pack(self.kilogram, round((scan + k) * _PERIOD_S * 1e6)) for k in range(_SCANS)
                )
                await self._say(link, bytes((progressor.WEIGHT, len(scans))) + scans)
                scan += _SCANS
                await asyncio.sleep(_SCANS * _PERIOD_S)


class CraneScale:
    def __init__(self, radio: Radio, device: Device) -> None:
        self._radio, self._device = radio, device

    def show(self, kilogram: float) -> None:
        self._radio.run(self._show(kilogram))

    async def _show(self, kilogram: float) -> None:
        await self._device.stop_advertising()
        self._device.advertising_data = _scale_advert(kilogram)
        await self._device.start_advertising(auto_restart=True)


def crane_scale(radio: Radio) -> CraneScale:
    return CraneScale(radio, radio.advertise(_scale_advert(0.0)))


def _scale_advert(kilogram: float) -> bytes:
    data = bytearray(17)
    data[whc06.WEIGHT_AT : whc06.WEIGHT_AT + 2] = round(kilogram * 100).to_bytes(2, "big")
    data[whc06.UNIT_AT] = 0x01  # kilograms
    company = whc06.COMPANY.to_bytes(2, "little")
    return bytes(
        AdvertisingData(
            [
                (AdvertisingData.Type.COMPLETE_LOCAL_NAME, whc06.NAME.encode()),
                (AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA, company + bytes(data)),
            ]
        )
    )
