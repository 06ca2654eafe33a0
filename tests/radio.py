"""A virtual radio under the product's own Bluetooth code: balls on the air, and ways to spoil it.

    with Radio() as radio:
        ball = radio.ball("Knead-1")
        ...                     # anything that uses bleak, in any thread and any loop
        ball.lose()

The balls live in a thread of their own. Every method may be called from any thread but that one, and has taken effect
when it returns.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from bumble import gatt, hci
from bumble.core import AdvertisingData
from bumble.device import Device, DeviceConfiguration

from companion.virtual.air import Air, VirtualRadio
from companion.virtual.gatt import Peripheral
from firmware_protocol.simulator.faults import Fault
from firmware_protocol.simulator.virtual import USUAL_MTU, VirtualBall
from tests.bleak_on_bumble import Host, installed
from tests.kit import LIMIT_S

ADVERTISING_MS = 30.0  # tests are in a hurry
HOST_ADDRESS = "C4:00:00:00:00:01"
T = TypeVar("T")


class Radio:
    """The air of one test. `host` is this computer's side of it."""

    def __init__(self, *, advertising_ms: float = ADVERTISING_MS) -> None:
        self._advertising_ms = advertising_ms
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="test radio", daemon=True)
        self._balls: list[RadioBall] = []
        self._others: list[Device] = []
        self._mine: VirtualRadio | None = None
        self._stack = contextlib.ExitStack()
        self._air: Air | None = None
        self.host = Host(self._controller, HOST_ADDRESS)

    def __enter__(self) -> Self:
        self._thread.start()
        self._air = Air()
        self._stack.enter_context(installed(self.host))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()
        for ball in self._balls:
            ball.stop()
        for device in self._others:
            self.run(device.power_off())
        self.run(_drained())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_S)
        self._loop.close()

    def ball(
        self,
        name: str = "Knead-1",
        scenario: str = "showcase",
        *,
        seed: int = 1,
        mtu: int = USUAL_MTU,
        encrypted: bool = False,
        name_in_response: bool = True,
        faults: Sequence[Fault] = (),
        present: bool = True,
        ball: VirtualBall | None = None,
    ) -> "RadioBall":
        """A ball in reach; with present=False only once it is told to `come`."""
        address = f"F0:F1:F2:F3:00:{len(self._balls):02X}"
        made = ball or VirtualBall(scenario, seed=seed, framed=False, encrypted=encrypted, faults=faults)

        def make(own: VirtualRadio) -> Peripheral:
            return Peripheral(
                made,
                own,
                own,
                clock=time.monotonic,
                name=name,
                address=address,
                mtu=mtu,
                name_in_response=name_in_response,
                advertising_ms=self._advertising_ms,
                lose=own.lose,
            )

        ball_here = RadioBall(self, made, make)
        self._balls.append(ball_here)
        if present:
            ball_here.come()
        return ball_here

    def advertise(self, advert: bytes, response: bytes = b"", services: Sequence[gatt.Service] = ()) -> Device:
        """Another device in reach: whatever it says, and whatever table it has."""
        return self.run(self._advertise(advert, response, services))

    async def _advertise(self, advert: bytes, response: bytes, services: Sequence[gatt.Service]) -> Device:
        own = VirtualRadio("other", self.air)
        address = hci.Address(f"F0:F1:F2:F3:01:{len(self._others):02X}")
        config = DeviceConfiguration(
            name="other",
            address=address,
            advertising_interval_min=ADVERTISING_MS,
            advertising_interval_max=ADVERTISING_MS,
        )
        device = Device.from_config_with_hci(config, own, own)
        device.advertising_data, device.scan_response_data = advert, response
        device.add_services(list(services))
        await device.power_on()
        await device.start_advertising(auto_restart=True)
        self._others.append(device)
        return device

    def take(self, ball: "RadioBall") -> None:
        """Another computer connects to it, and keeps it."""
        self.run(self._take(ball))

    async def _take(self, ball: "RadioBall") -> None:
        own = VirtualRadio("other host", self.air)
        address = hci.Address(f"C4:00:00:00:01:{len(self._others):02X}")
        device = Device.from_config_with_hci(DeviceConfiguration(name="other host", address=address), own, own)
        await device.power_on()
        self._others.append(device)
        await device.connect(ball.peripheral.device.random_address)

    @property
    def air(self) -> Air:
        assert self._air is not None
        return self._air

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Something done in the radio's own thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT_S)

    def call(self, work: Callable[[], T]) -> T:
        async def done() -> T:
            return work()

        return self.run(done())

    async def _controller(self) -> tuple[Any, Any]:
        """This computer's controller, for the loop that asks: its host lives there, and the controller here."""
        bridge = _Bridge(self._loop, asyncio.get_running_loop())

        def make() -> None:
            if self._mine is not None:
                self._mine.remove()
            self._mine = bridge.controller = VirtualRadio("central", self.air, host_sink=bridge)

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_called(make), self._loop))
        return bridge, _ToRadio(bridge)


async def _called(work: Callable[[], None]) -> None:
    work()


async def _drained() -> None:
    """What still runs in this loop ends."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


class _Bridge:
    """HCI packets of a controller in the radio's loop for a host in another one."""

    def __init__(self, radio: asyncio.AbstractEventLoop, host: asyncio.AbstractEventLoop) -> None:
        self.radio, self.host = radio, host
        self.controller: VirtualRadio | None = None
        self.terminated = host.create_future()
        self._sink: Any = None

    def set_packet_sink(self, sink: Any) -> None:
        self._sink = sink

    def on_packet(self, packet: bytes) -> None:
        with contextlib.suppress(RuntimeError):  # that loop has closed: its program has ended
            self.host.call_soon_threadsafe(self._arrived, packet)

    def _arrived(self, packet: bytes) -> None:
        if self._sink is not None:
            self._sink.on_packet(packet)


class _ToRadio:
    def __init__(self, bridge: _Bridge) -> None:
        self._bridge = bridge

    def on_packet(self, packet: bytes) -> None:
        assert self._bridge.controller is not None
        with contextlib.suppress(RuntimeError):  # the test is over
            self._bridge.radio.call_soon_threadsafe(self._bridge.controller.on_packet, packet)


class RadioBall:
    """One ball on the air: the product's own virtual ball, and what a test does to it."""

    def __init__(self, radio: Radio, ball: VirtualBall, make: Callable[[VirtualRadio], Peripheral]) -> None:
        self.ball = ball
        self._radio, self._make = radio, make
        self._own: VirtualRadio | None = None
        self._peripheral: Peripheral | None = None

    @property
    def serial(self) -> str:
        return self.ball.spec.identity.serial

    @property
    def peripheral(self) -> Peripheral:
        assert self._peripheral is not None, "it is not there"
        return self._peripheral

    @property
    def encrypted(self) -> bool:
        """Its link is."""
        link = self.peripheral.link
        return link is not None and bool(link.encryption)

    def come(self) -> None:
        """Into reach, as the same ball; it advertises."""
        self._radio.run(self._come())

    async def _come(self) -> None:
        if self._peripheral is None:
            self._own = VirtualRadio("ball", self._radio.air)
            self._peripheral = self._make(self._own)
            await self._peripheral.start()

    def leave(self) -> None:
        """Out of reach, link and advertisements, until it is told to `come`; bonds are kept."""
        self._radio.run(self._leave())

    async def _leave(self) -> None:
        if self._peripheral is not None and self._own is not None:
            before, make = self._peripheral.device.keystore, self._make

            def again(own: VirtualRadio) -> Peripheral:
                peripheral = make(own)
                peripheral.device.keystore = before
                return peripheral

            self._make = again
            self._own.remove()
            await self._peripheral.stop()
            self._peripheral = self._own = None

    def lose(self) -> None:
        """The link breaks; it advertises again at once."""
        self._radio.call(self.peripheral.go_away)

    def mute(self, on: bool = True) -> None:
        """Connected, and says nothing more; or does again."""

        def change() -> None:
            self.peripheral.mute = on

        self._radio.call(change)

    def forget_bonds(self) -> None:
        self._radio.run(self.peripheral.forget_bonds())

    def notify(self, data: bytes) -> None:
        """A notification of any bytes, beside what it says by itself."""
        self._radio.run(self._notify(data))

    async def _notify(self, data: bytes) -> None:
        peripheral = self.peripheral
        assert peripheral.link is not None, "nobody is connected"
        await peripheral.device.notify_subscriber(peripheral.link, peripheral.tx, data)

    def change_services(self, services: Sequence[gatt.Service]) -> None:
        """It is another firmware from now on; in force with the next link."""

        def change() -> None:
            server = self.peripheral.device.gatt_server
            server.services.clear()
            server.attributes.clear()
            server.attributes_by_handle.clear()
            self.peripheral.device.add_default_services()
            self.peripheral.device.add_services(list(services))

        self._radio.call(change)

    def stop(self) -> None:
        self._radio.run(self._leave())


def named(name: str, *services: str, manufacturer: bytes = b"") -> bytes:
    """Advertising data."""
    from bumble.core import UUID

    parts: list[tuple[int, bytes]] = [(AdvertisingData.Type.FLAGS, bytes([6]))]
    if name:
        parts.append((AdvertisingData.Type.COMPLETE_LOCAL_NAME, name.encode()))
    kind = AdvertisingData.Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS
    parts += [(kind, bytes(UUID(service))) for service in services]
    if manufacturer:
        parts.append((AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA, manufacturer))
    return bytes(AdvertisingData(parts))
