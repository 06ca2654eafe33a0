"""The kinds of device: found by themselves, told apart by what they advertise."""

import re

from firmware_protocol import devices
from firmware_protocol.devices import native
from firmware_protocol.devices.kind import Advert

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_every_kind_is_found_under_its_own_name() -> None:
    assert "native" in devices.kinds()
    assert all(key == kind.key and kind.links for key, kind in devices.kinds().items())


def test_uuids_are_written_as_they_are_compared() -> None:
    for kind in devices.kinds().values():
        if kind.gatt is not None:
            named = [kind.gatt.service, *kind.gatt.notify.values(), *kind.gatt.write.values(), *kind.gatt.read.values()]
            assert all(UUID.fullmatch(uuid) for uuid in named)


def test_a_ball_is_known_by_its_service_and_nothing_else() -> None:
    assert devices.recognised(Advert("a", "anything", (native.SERVICE,))) is native.KIND
    assert devices.recognised(Advert("a", "pressure ball")) is None
