"""Balls that speak the protocol of PROTOCOL.md, over Bluetooth LE and serial."""

from firmware_protocol.devices.kind import Advert, Gatt, Kind, Link, Options
from firmware_protocol.driver import Driver
from firmware_protocol.host import Host


def uuid(number: int) -> str:
    """The UUID of a number of section 2."""
    return f"1ec5{number:04x}-a42d-483f-940f-1385628d2aa3"


SERVICE = uuid(0x0001)
GATT = Gatt(SERVICE, notify={"tx": uuid(0x0004)}, write={"rx": uuid(0x0003)}, read={"info": uuid(0x0002)})


def recognises(advert: Advert) -> bool:
    return SERVICE in advert.services


def driver(link: Link, options: Options) -> Driver:
    return Host(framed=link is Link.SERIAL, first_tag=options.first_tag, expect_serial=options.expect_serial)


KIND = Kind(
    key="native",
    title="pressure ball",
    links=frozenset({Link.GATT, Link.SERIAL}),
    recognises=recognises,
    driver=driver,
    gatt=GATT,
    has_clock=True,
    has_index=True,
    unit=None,
    max_hz=500.0,
    compression=True,
    quantum_n=None,
    tare=True,
    battery=True,
)
