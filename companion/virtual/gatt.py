"""A virtual ball as a Bluetooth LE peripheral on a bumble host: its GATT table, its advertisements, its pump.

Everything here runs in one event loop. What the ball says is `firmware_protocol.simulator`'s; this moves messages.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from bumble import att, gatt, hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

from firmware_protocol.devices.native import GATT
from firmware_protocol.framing import MAX_MESSAGE
from firmware_protocol.simulator.virtual import USUAL_MTU, VirtualBall

ADVERTISING_MS = 100.0
_LEAST_WRITE = 2  # R1
_CROWDED = 32  # packets under way: the ball waits, as firmware does for its buffers
_LEAST_WAIT_S, _MOST_WAIT_S = 0.001, 0.25
_JAM_POLL_S = 0.002
_STOP_S = 2.0
_SAYS_NOTHING = PairingDelegate(PairingDelegate.NO_OUTPUT_NO_INPUT)  # Just Works: a ball has no display
Kind = gatt.Characteristic


class Peripheral:
    """Serves `ball` (made with framed=False) on the controller behind `source` and `sink`.

    `name_in_response`: the name is in the scan response, as PROTOCOL.md section 1 has it; else in the advertisement.
    `lose`: breaks the link as distance does; None: the ball can only hang up.
    """

    def __init__(
        self,
        ball: VirtualBall,
        source: Any,
        sink: Any,
        *,
        clock: Callable[[], float],
        name: str,
        address: str = "",
        mtu: int = USUAL_MTU,
        name_in_response: bool = True,
        advertising_ms: float = ADVERTISING_MS,
        lose: Callable[[], None] | None = None,
    ) -> None:
        self.ball, self.name = ball, name
        self._clock, self._lose = clock, lose
        self._news = asyncio.Event()
        self.link: Connection | None = None
        self._listening = False  # Tx is subscribed
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self._going: asyncio.Future[None] | None = None
        self.mute = False  # test rigs: nothing goes out, and nobody is told
        config = DeviceConfiguration(
            name=name,
            address=hci.Address(address) if address else hci.Address.generate_static_address(),
            advertising_interval_min=advertising_ms,
            advertising_interval_max=advertising_ms,
        )
        self.device = Device.from_config_with_hci(config, source, sink)
        self.device.keystore = MemoryKeyStore()
        self.device.pairing_config_factory = lambda _: PairingConfig(
            sc=True,
            mitm=False,
            bonding=True,
            identity_address_type=PairingConfig.AddressType.RANDOM,
            delegate=_SAYS_NOTHING,
        )
        self.device.gatt_server.max_mtu = mtu
        self._advertise_as(name_in_response)
        self.tx = self._table()
        self.device.on("connection", self._connected)

    # From outside

    async def start(self) -> None:
        await self.device.power_on()
        self._task = asyncio.create_task(self._pump())

    async def stop(self) -> None:
        """Never raises; a controller that hangs is left to itself."""
        task, self._task = self._task, None
        self._ending = True
        self._news.set()
        if task is not None:
            await asyncio.wait((task,), timeout=_STOP_S)  # not in the middle of a command
            task.cancel()
        self._hush()
        with contextlib.suppress(Exception):  # the controller may be gone
            async with asyncio.timeout(_STOP_S):
                if self.device.is_advertising:
                    await self.device.stop_advertising()
                if self.link is not None:
                    await self.link.disconnect()
                await self.device.power_off()

    @property
    def connected(self) -> bool:
        return self.link is not None

    async def forget_bonds(self) -> None:
        """As a ball does when its owner resets it."""
        keystore = self.device.keystore
        assert keystore is not None
        await keystore.delete_all()

    def go_away(self) -> None:
        """Out of range."""
        if self._lose is not None:
            self._lose()
        elif self.link is not None:
            self._going = asyncio.ensure_future(self.link.disconnect())

    # GATT

    def _advertise_as(self, name_in_response: bool) -> None:
        flags = (AdvertisingData.Type.FLAGS, bytes([6]))  # LE only, always discoverable
        uuid = (AdvertisingData.Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, bytes(UUID(GATT.service)))
        name = (AdvertisingData.Type.COMPLETE_LOCAL_NAME, self.name.encode()[:29])
        if name_in_response:
            advert, response = [flags, uuid], [name]
        else:
            short = (AdvertisingData.Type.SHORTENED_LOCAL_NAME, self.name.encode()[:8])
            advert, response = [flags, uuid, short], []
        self.device.advertising_data = bytes(AdvertisingData(advert))
        self.device.scan_response_data = bytes(AdvertisingData(response))

    def _table(self) -> gatt.Characteristic[bytes]:
        ball = self.ball
        secret = bool(ball.spec.caps & 1)
        read = Kind.READABLE | (Kind.READ_REQUIRES_ENCRYPTION if secret else 0)
        write = Kind.WRITEABLE | (Kind.WRITE_REQUIRES_ENCRYPTION if secret else 0)
        server = self.device.gatt_server
        tx: gatt.Characteristic[bytes] = Kind(GATT.notify["tx"], Kind.Properties.NOTIFY, read, b"")
        tx.descriptors = [
            gatt.Descriptor(
                gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
                Kind.READABLE | write,
                server.make_descriptor_value(tx),
            )
        ]
        tx.on(tx.EVENT_SUBSCRIPTION, self._subscribed)
        both = Kind.Properties.WRITE | Kind.Properties.WRITE_WITHOUT_RESPONSE
        rx: gatt.Characteristic[bytes] = Kind(
            GATT.write["rx"], both, write, gatt.CharacteristicValue(write=self._written)
        )
        info: gatt.Characteristic[bytes] = Kind(
            GATT.read["info"],
            Kind.Properties.READ,
            Kind.READABLE,
            gatt.CharacteristicValue(read=lambda _: ball.info()),
        )
        self.device.add_services([gatt.Service(GATT.service, [info, rx, tx])])
        return tx

    def _connected(self, link: Connection) -> None:
        self.link = link
        link.on("disconnection", self._disconnected)
        link.on("connection_att_mtu_update", self._resized)

    def _disconnected(self, *_: object) -> None:
        self.link = None
        self._hush()
        self._news.set()

    def _resized(self) -> None:
        if self.link is not None:
            self.ball.set_mtu(self.link.att_mtu)

    def _subscribed(self, link: Connection, notify: bool, _indicate: bool) -> None:
        if notify and not self._listening:
            self._listening = True
            self.ball.connected(self._clock(), mtu=link.att_mtu, encrypted=bool(link.encryption))
        elif not notify:
            self._hush()
        self._news.set()

    def _hush(self) -> None:
        if self._listening:
            self._listening = False
            self.ball.disconnected(self._clock())

    def _written(self, _link: Connection, data: bytes) -> None:
        if not _LEAST_WRITE <= len(data) <= MAX_MESSAGE:
            raise att.ATT_Error(att.ATT_INVALID_ATTRIBUTE_LENGTH_ERROR)  # R1
        if self._listening:
            self.ball.feed(data, self._clock())
            self._news.set()

    # Pump

    async def _pump(self) -> None:
        while not self._ending:
            self._news.clear()
            now_s = self._clock()
            self.ball.tick(now_s)
            crowded = await self._notify()
            await self._be_present(self.ball.present(now_s))
            due_s = self.ball.deadline_s()
            wait_s = _MOST_WAIT_S if due_s is None else min(_MOST_WAIT_S, due_s - self._clock())
            if crowded:
                wait_s = min(wait_s, _JAM_POLL_S)
            await self._sleep(max(wait_s, _LEAST_WAIT_S))

    async def _sleep(self, wait_s: float) -> None:
        """Until there is something new, or so long."""
        if not self._ending:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._news.wait()

    async def _notify(self) -> bool:
        """What the ball has to say. True: the radio has enough to do."""
        link = self.link
        if link is None or not self._listening:
            return False
        queue = getattr(self.device.host, "le_acl_packet_queue", None)
        if queue is not None and queue.pending > _CROWDED:
            return True
        for message in self.ball.messages():
            if not self.mute:
                await self.device.notify_subscriber(link, self.tx, message)
        return False

    async def _be_present(self, present: bool) -> None:
        """Advertise while in reach and free; a connected ball is silent (R43)."""
        wanted = present and self.link is None
        if not present and self.link is not None:
            self.go_away()
        if wanted != self.device.is_advertising:
            if wanted:
                await self.device.start_advertising()
            else:
                await self.device.stop_advertising()
