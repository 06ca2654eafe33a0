"""How the device at an address is spoken to: all that its driver is made of, so that a replay makes the same one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from companion.errors import ConfigError
from firmware_protocol import devices
from firmware_protocol.devices.kind import Link, Options
from firmware_protocol.driver import Driver
from sessions.events import Json

NATIVE = "native"


@dataclass(frozen=True, slots=True)
class Speech:
    kind: str = NATIVE  # a key of devices.kinds(), or devices.AUTO
    link: Link = Link.SERIAL
    first_tag: int = 1
    expect_serial: str = ""  # "": whichever ball answers first is the right one
    settings: Mapping[str, Json] = field(default_factory=dict)  # of the stored profile and the address

    def driver(self) -> Driver:
        return devices.driver(self.kind, self.link, Options(self.first_tag, self.expect_serial, self.settings))


def checked(kind: str, link: Link) -> str:
    """The kind, if there is one of this name on such a link. Raises ConfigError."""
    if kind == devices.AUTO and link is Link.SERIAL:
        return kind
    fitting = [key for key, known in devices.kinds().items() if link in known.links]
    if kind not in devices.kinds():
        raise ConfigError(f"there is no kind of ball called {kind}", f"the kinds are: {', '.join(devices.kinds())}")
    if kind not in fitting:
        raise ConfigError(f"a {kind} is not reached that way", f"the kinds here are: {', '.join(fitting)}")
    return kind
