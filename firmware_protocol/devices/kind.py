"""What every kind of device says of itself before a byte of it was read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from firmware_protocol.driver import Driver, Unit


class Link(Enum):
    """How bytes come."""

    GATT = "gatt"  # connected over Bluetooth LE: a datagram for each notification
    ADVERT = "advert"  # never connected: a datagram for each advertisement
    SERIAL = "serial"  # a stream


@dataclass(frozen=True, slots=True)
class Advert:
    """An advertisement, as far as the system tells. Everything in it is the sender's claim."""

    address: str  # of this computer's making on macOS; no identity anywhere
    name: str = ""
    services: tuple[str, ...] = ()  # UUIDs, lower case, 128 bits
    manufacturer: Mapping[int, bytes] = field(default_factory=dict)  # by company id, without it
    service_data: Mapping[str, bytes] = field(default_factory=dict)
    rssi_dbm: int | None = None


@dataclass(frozen=True, slots=True)
class Gatt:
    """Characteristics, UUIDs in lower case with 128 bits. `Chunk.source` and `Send.source` are the names used here."""

    service: str
    notify: Mapping[str, str]  # source -> UUID, subscribed in this order before the driver hears of the link
    write: Mapping[str, str]  # source -> UUID
    read: Mapping[str, str] = field(default_factory=dict)  # source -> UUID, for pairing screens


@dataclass(frozen=True, slots=True)
class Options:
    """What is known of one device beforehand. None: not known, and nothing is guessed."""

    first_tag: int = 1  # 1..255, random in earnest
    expect_serial: str = ""  # "": whichever answers first is the right one
    settings: Mapping[str, object] = field(default_factory=dict)  # of the device's stored profile, by the kind's names


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of device and what it can do, known before any byte of it was read."""

    key: str
    title: str
    links: frozenset[Link]
    recognises: Callable[[Advert], bool]
    driver: Callable[[Link, Options], Driver]
    gatt: Gatt | None
    has_clock: bool  # stamps its own samples; else they are stamped on arrival, and that is said
    has_index: bool  # numbers its own samples; else loss shows only as time
    unit: Unit | None  # None: it tells
    max_hz: float  # of scans
    compression: bool  # made to be pressed; else to be pulled
    quantum_n: float | None  # smallest step; None: it tells, or is not known
    tare: bool  # the device can be zeroed; else the driver does it
    battery: bool  # tells its battery
    heard: Callable[[Advert], bytes | None] | None = None  # what of an advertisement is a chunk (source "advert")
    elsewhere: tuple[Gatt, ...] = ()  # other layouts; the first whose service the device has is the one

    @property
    def layouts(self) -> tuple[Gatt, ...]:
        """Every GATT layout it may have, the most likely first."""
        return () if self.gatt is None else (self.gatt, *self.elsewhere)
