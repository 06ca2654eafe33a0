"""A board that prints lines over a Bluetooth service that acts as a port: Nordic's, and the one of cheap modules."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bumble import gatt
from bumble.device import Connection

from companion import compose
from companion.config import Settings, find_paths
from companion.run import LiveRequest
from firmware_protocol.devices import text
from firmware_protocol.devices.kind import Gatt
from firmware_protocol.simulator.foreign import TextBoard
from sessions.events import Notice, Opened, Reading
from sessions.store import Store
from tests.kit import LIMIT_S, Recorder
from tests.radio import Radio, named

MTU_BYTES = 20  # what a notification carries at the least


@pytest.fixture
def radio() -> Iterator[Radio]:
    with Radio() as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    return Settings(paths=find_paths())


class Printing:
    """A board behind such a service: its lines go out in pieces, from the connection on."""

    def __init__(self, radio: Radio, name: str, layout: Gatt) -> None:
        self._board = TextBoard("empty", form="time")
        self._tx: gatt.Characteristic[bytes] = gatt.Characteristic(
            layout.notify["tx"],
            gatt.Characteristic.Properties.NOTIFY,
            gatt.Characteristic.READABLE,
            b"",
        )
        service = gatt.Service(layout.service, [self._tx])
        self._device = radio.advertise(named(name, layout.service), services=[service])
        radio.call(lambda: self._device.on("connection", self._connected))

    def _connected(self, link: Connection) -> None:
        stream = asyncio.get_running_loop().create_task(self._print(link))
        link.on("disconnection", lambda *_: stream.cancel())

    async def _print(self, link: Connection) -> None:
        now_s = asyncio.get_running_loop().time
        self._board.connected(now_s())
        while True:
            self._board.tick(now_s())
            data = self._board.outgoing()
            for at in range(0, len(data), MTU_BYTES):
                await self._device.notify_subscriber(link, self._tx, data[at : at + MTU_BYTES])
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("layout", text.KIND.layouts, ids=["nordic", "ffe0"])
def test_a_board_on_the_air_is_known_by_itself_and_read(layout: Gatt, radio: Radio, settings: Settings) -> None:
    Printing(radio, "Board-1", layout)
    seen = Recorder()
    run = compose.live(LiveRequest(address="ble:Board-1", sound=False), settings, (seen,))
    run.start()
    try:
        reading = seen.wait(Reading, lambda reading: bool(reading.t_s[-1] > 1.0))
    finally:
        run.stop("user")
        assert run.join(LIMIT_S)
    assert run.failure is None
    (opened,) = seen.of(Opened)
    assert (opened.device["kind"], opened.device["has_clock"], opened.device["unit"]) == ("text", True, 1)
    assert np.abs(reading.load).max() < 1.0
    assert not [notice for notice in seen.of(Notice) if notice.kind == "damaged"]
    with Store(settings.paths.database) as store:
        (row,) = store.list()
    assert row.scans == sum(len(each.t_s) for each in seen.of(Reading))
