"""Weiheng WH-C06 crane scale ("MAT Muscle Meter"): it only advertises, and is never connected.

In the manufacturer's data, behind the company id: weight u16 big-endian at 10, in hundredths of the unit that is set on
the scale; byte 14: high nibble a stable flag, low nibble the unit. No time and no number: an advertisement is a scan,
stamped on arrival. A few come in a second, so it logs and counts time, and cannot warn.
"""

import math

import numpy as np

from firmware_protocol.devices.kind import Advert, Kind, Link, Options
from firmware_protocol.driver import Chunk, Driver, Unit
from firmware_protocol.foreign.known import GRAVITY, NEWTONS
from firmware_protocol.foreign.listener import Identity, Listener
from firmware_protocol.foreign.runs import Rows
from firmware_protocol.foreign.scale import Scale

NAME = "IF_B7"
COMPANY = 0x0100  # another maker's, so that the name has to be right, too
LENGTH = 15
WEIGHT_AT, UNIT_AT = 10, 14
UNITS = {1: "kg", 2: "lb", 3: "st", 4: "jin"}
STEP = 0.01
REPEAT_S = 0.1  # the same bytes again within: the radio's repeat of one advertisement, and no new scan
MAX_HZ = 8


def recognises(advert: Advert) -> bool:
    return advert.name == NAME and heard(advert) is not None


def heard(advert: Advert) -> bytes | None:
    """What of an advertisement is a chunk."""
    data = advert.manufacturer.get(COMPANY)
    return data if data is not None and len(data) >= LENGTH else None


class CraneScale(Listener):
    key = "whc06"
    max_hz = MAX_HZ
    least_period_s = 1 / MAX_HZ

    def __init__(self, options: Options) -> None:
        super().__init__(options.settings, options.expect_serial)
        self.identity = Identity(model="WH-C06", vendor="Weiheng")
        self._last: tuple[bytes, float] = (b"", -math.inf)
        self.mean(Scale(self.known, (GRAVITY,), fine_n=STEP * GRAVITY), clocked=False)

    def hear(self, chunk: Chunk) -> None:
        """Numbers are kilograms from here on, whatever is set on the scale."""
        data = chunk.data
        if len(data) < LENGTH:
            self.damaged("length")
            return
        unit = UNITS.get(data[UNIT_AT] & 0x0F)
        if unit is None:
            self.damaged("unit")
            return
        if data == self._last[0] and chunk.arrival_s - self._last[1] < REPEAT_S:
            return
        self._last = data, chunk.arrival_s
        weight = int.from_bytes(data[WEIGHT_AT : WEIGHT_AT + 2], "big") * STEP
        kilogram = weight * (NEWTONS[unit] / GRAVITY)
        self.take(Rows(np.array([[kilogram]]), None, chunk.arrival_s))


def driver(link: Link, options: Options) -> Driver:
    return CraneScale(options)


KIND = Kind(
    key=CraneScale.key,
    title="WH-C06 crane scale",
    links=frozenset({Link.ADVERT}),
    recognises=recognises,
    driver=driver,
    gatt=None,
    has_clock=False,
    has_index=False,
    unit=Unit.NEWTON,
    max_hz=float(MAX_HZ),
    compression=False,
    quantum_n=STEP * GRAVITY,
    tare=False,
    battery=False,
    heard=heard,
)
