"""Looking for one ball among all that advertise: by its name, by where it was last, or one after the other.

One scanner, started when it is needed and stopped before a connection is made: a radio that scans connects badly.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from companion.errors import ConfigError, DeviceNotFoundError, UnavailableError
from companion.transports.bluetooth import DOCTOR
from companion.transports.scan import Scanner, Sighting, held
from firmware_protocol.devices import kinds
from firmware_protocol.devices.kind import Advert, Kind

SEARCH_S = 10.0  # a ball advertises several times a second; one asleep does not
GRACE_S = 1.0  # for a name that comes in the scan response only, before a ball of any other name is tried
GONE_S = 2.0  # unseen for so long, a ball has been away
FRESH_S = 2.0  # what was seen so lately is there
QUIET_S = 4.0  # somebody advertises nearly everywhere
RADIO_POLL_S = 1.0  # how soon it is noticed that Bluetooth is on again
TELL_SERIAL = ("native", "progressor")  # kinds that answer when asked who they are
SERIAL = re.compile(r"[0-9A-Za-z._-]{1,16}")  # what may be one (PROTOCOL.md section 2, IDENT)


@dataclass(frozen=True, slots=True)
class BleAddress:
    """What stands behind `ble:` in an address."""

    wanted: str  # an advertised name, a serial, or, of a ball without a name, a Bluetooth address
    kind: str | None


def parse(rest: str) -> BleAddress:
    """Split `NAME-OR-SERIAL?kind=K`. Raises ConfigError on none."""
    wanted, mark, query = rest.rpartition("?kind=")
    options = dict(parse_qsl(f"kind={query}")) if mark else {}
    wanted = (wanted if mark else rest).strip()
    if not wanted:
        raise ConfigError(f"ble:{rest} names no ball", "write ble:NAME; 'knead scan' lists the balls in reach")
    return BleAddress(wanted, options.get("kind"))


class Search:
    """`any_name`: a ball of this kind and another name may be it, too; somebody asks it for its serial then."""

    def __init__(self, wanted: str, kind: Kind, now_s: Callable[[], float], *, any_name: bool) -> None:
        self.wanted, self._kind, self._any_name = wanted, kind, any_name
        self._now_s = now_s
        self._scanner = Scanner(now_s)
        self._home: str | None = None  # the address at which it was the right one
        self._rejected: set[str] = set()  # whatever they are called
        self._asked: set[str] = set()  # of another name, and another serial
        self._back: Sighting | None = None  # what ended the last wait for its return
        self._failed = False  # it was seen, and could not be connected to
        self._last_s = -GONE_S  # seen

    async def find(self, until_s: float) -> Sighting:
        """The next one to try, until then by the loop's clock. The scan goes on until `stop`.

        Raises DeviceNotFoundError and UnavailableError.
        """
        back, self._back = self._back, None
        if back is not None and self._now_s() - back.at_s < FRESH_S and back.advert.address not in self._rejected:
            return back
        if not self._scanner.running:
            for one in await held((layout.service for layout in self._kind.layouts), self._now_s):
                if self.right(one):
                    return one
        await self._scanner.start()
        grace_s = asyncio.get_running_loop().time() + GRACE_S
        others: dict[str, Sighting] = {}
        while True:
            try:
                async with asyncio.timeout_at(min(grace_s, until_s) if others else until_s):
                    sighting = await self.next()
            except TimeoutError:
                if others:
                    return max(others.values(), key=_strength)
                raise self._not_found() from None
            if self.right(sighting):
                return sighting
            if self.possible(sighting):
                others[sighting.advert.address] = sighting

    async def returned(self) -> None:
        """It is seen again, having been out of sight; or Bluetooth is on again and it is there."""
        others: dict[str, float] = {}  # by address, since when
        while True:
            try:
                await self._scanner.start()
                sighting = await self.next()
            except UnavailableError:
                self._failed = False  # whatever was before, the ball has not refused since
                await asyncio.sleep(RADIO_POLL_S)
                continue
            if not self.right(sighting):
                if not self.possible(sighting):
                    continue
                if sighting.at_s - others.setdefault(sighting.advert.address, sighting.at_s) < GRACE_S:
                    continue
            gone = sighting.at_s - self._last_s >= GONE_S
            self._last_s = sighting.at_s
            if gone or not self._failed:
                self._back = sighting
                return

    async def stop(self) -> None:
        """Before a connection is made, and at the end. Never raises."""
        await self._scanner.stop()

    def right(self, sighting: Sighting) -> bool:
        """It bears the name, or is where it was before."""
        advert = sighting.advert
        if advert.address in self._rejected:
            return False
        return advert.address == self._home or is_named(advert, self.wanted)

    def possible(self, sighting: Sighting) -> bool:
        """It is of the kind, and may be the one under another name."""
        seen_through = sighting.advert.address in self._rejected | self._asked
        return self._any_name and not seen_through and self._kind.recognises(sighting.advert)

    def settle(self, sighting: Sighting) -> None:
        """The link to it is up."""
        self._home, self._failed = sighting.advert.address, False

    def fail(self) -> None:
        """It was seen, and no link came of it."""
        self._failed, self._last_s = True, self._now_s()

    def dismiss(self, address: str) -> None:
        """Its serial is another one: it is not tried again, unless it turns out to bear the name."""
        self._asked.add(address)

    def reject(self, address: str) -> None:
        """It is another one."""
        self._rejected.add(address)
        if self._home == address:
            self._home = None

    async def next(self) -> Sighting:
        """The next sighting of anything. Raises UnavailableError.

        A scan that hears nothing at all is begun anew: when an adapter is pulled, or the system's service is restarted,
        it is dead, and nobody says so.
        """
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(QUIET_S):
                    return await self._scanner.next()
            await self._scanner.stop()
            await self._scanner.start()

    def _not_found(self) -> DeviceNotFoundError:
        if self._rejected or self._asked:
            return DeviceNotFoundError(
                f"the ball in reach is not {self.wanted}", "wake the right one; 'knead scan' lists the balls in reach"
            )
        return not_found(self.wanted)


async def kind_of(wanted: str, now_s: Callable[[], float]) -> str:
    """The key of what advertises under this name; of a ball of another name, if it may be a serial that is wanted.

    Raises DeviceNotFoundError and UnavailableError.
    """
    services = {layout.service for kind in kinds().values() for layout in kind.layouts}
    for one in await held(services, now_s):
        if one.kind is not None and is_named(one.advert, wanted):
            return one.kind.key
    loop = asyncio.get_running_loop()
    grace_s, until_s = loop.time() + GRACE_S, loop.time() + SEARCH_S
    other = ""
    async with Scanner(now_s) as scanner:
        while loop.time() < (grace_s if other else until_s):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(grace_s if other else until_s):
                    sighting = await scanner.next()
                    if sighting.kind is not None and is_named(sighting.advert, wanted):
                        return sighting.kind.key
                    if sighting.kind is not None and sighting.kind.key in TELL_SERIAL and SERIAL.fullmatch(wanted):
                        other = sighting.kind.key
    if other:
        return other
    raise not_found(wanted)


def is_named(advert: Advert, wanted: str) -> bool:
    return wanted.casefold() in (advert.name.strip().casefold(), advert.address.casefold())


def not_found(wanted: str) -> DeviceNotFoundError:
    return DeviceNotFoundError(
        f"no ball called {wanted} in reach", f"wake it, come closer, end other apps that use it; {DOCTOR}"
    )


def _strength(sighting: Sighting) -> int:
    return -1000 if sighting.advert.rssi_dbm is None else sighting.advert.rssi_dbm
