"""What stands between this computer and a ball on the air or on a port, per operating system, in plain words.

`look` finds out the facts and changes nothing; `diagnose` is pure: facts in, findings out, each with the one thing to
do. What the system's Bluetooth says when something fails was put into words by the transport; here it gets its advice.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from companion.errors import UnavailableError

if TYPE_CHECKING:
    from companion.inreach import Place
    from sessions.devices import Device

LOOK_S = 2.0  # a ball that is awake advertises several times in it
CABLE = "or use the ball's cable"
ADAPTERS = Path("/sys/class/bluetooth")
SWITCHES = Path("/sys/class/rfkill")
BUS = Path("/run/dbus/system_bus_socket")


@dataclass(frozen=True, slots=True)
class Advice:
    state: str  # ok, note, problem
    text: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known. `trouble` is the transport's own line; None: a scan went well."""

    system: str  # sys.platform
    trouble: str | None = None
    in_reach: tuple[str, ...] = ()  # addresses that advertise
    held: tuple[str, ...] = ()  # connected to this computer already
    adapters: int | None = None  # None: not told by this system
    blocked: str = ""  # "", "soft" (a program's switch) or "hard" (a switch or key of the computer)
    bus: bool = True  # the system bus is there
    desktop: bool = True  # somebody can be asked whether to pair
    paired: tuple[str, ...] = ()  # names of balls remembered over the air, and
    addresses: tuple[str, ...] = ()  # where each was


# By what the transport says: why, and what to do on each system. The last resort is under "".
_TODO: Mapping[str, Mapping[str, str]] = {
    "has no Bluetooth": {"": f"plug in a Bluetooth adapter, 4.0 or newer, {CABLE}"},
    "too old": {"": f"plug in a Bluetooth adapter, 4.0 or newer, {CABLE}"},
    "is off": {
        "linux": "switch it on: bluetoothctl power on",
        "darwin": "switch it on: Control Centre, Bluetooth",
        "win32": "switch it on: Settings, Bluetooth & devices",
        "": "switch Bluetooth on in the system's settings",
    },
    "not permitted to this program": {
        "linux": "add yourself to the group bluetooth: sudo usermod -aG bluetooth $USER, then log in again",
        "darwin": "System Settings, Privacy & Security, Bluetooth: allow your terminal program, then start it again",
        "win32": "Settings, Privacy & security, Radios: let desktop apps use them, then start knead again",
        "": "allow it in the system's privacy settings, then start knead again",
    },
    "does not permit": {
        "linux": "add yourself to the group bluetooth: sudo usermod -aG bluetooth $USER, then log in again",
        "darwin": "a profile of your computer forbids Bluetooth: ask who looks after it",
        "win32": "a policy of your computer forbids Bluetooth: ask who looks after it",
        "": "ask who looks after this computer",
    },
    "service does not run": {
        "linux": "start it: sudo systemctl enable --now bluetooth",
        "win32": "start the Bluetooth Support Service: services.msc",
        "": "restart the computer's Bluetooth",
    },
    "": {
        "linux": "restart it: sudo systemctl restart bluetooth",
        "": "switch Bluetooth off and on again; if that does not help, restart the computer",
    },
}
_FORBIDDEN = ("not permitted", "does not permit")


def diagnose(facts: Facts) -> Iterator[Advice]:
    """Bluetooth itself, then pairing, then each remembered ball."""
    if facts.trouble is not None:
        yield _trouble(facts, facts.trouble)
        return
    count = len(facts.in_reach)
    yield Advice("ok", f"Bluetooth works; {count} ball{'' if count == 1 else 's'} in reach")
    if facts.system == "linux" and not facts.desktop:
        todo = "while you pair, run bluetoothctl beside it, and in it: agent on, default-agent; say yes there"
        yield Advice("note", "no desktop here: nobody may answer when a ball asks to pair (no pairing agent)", todo)
    for name, address in zip(facts.paired, facts.addresses, strict=True):
        if address in facts.held:
            yield Advice("note", f"{name} is connected to this computer already", "end the program that uses it")
        elif address not in facts.in_reach:
            todo = "press it or its button to wake it; if it is awake, end the app that holds it, on a phone, too"
            yield Advice("note", f"{name} does not show: asleep, out of reach, or held by another app", todo)


def _trouble(facts: Facts, trouble: str) -> Advice:
    """The nearest cause first: a missing adapter looks like a missing service, a switch like an adapter that is off."""
    system = facts.system
    key = next(words for words in _TODO if words in trouble)
    if system == "linux" and facts.adapters == 0 and not any(words in trouble for words in _FORBIDDEN):
        text, todo = "this computer has no Bluetooth adapter", _TODO["has no Bluetooth"][""]
    elif system == "linux" and facts.blocked == "hard":
        text, todo = "Bluetooth is off by a switch of this computer", "use its switch, or its key for wireless"
    elif system == "linux" and facts.blocked == "soft":
        text, todo = "Bluetooth is switched off", "switch it on: rfkill unblock bluetooth"
    elif system == "linux" and not facts.bus:
        text = "there is no system bus here, as in a container: Bluetooth cannot be reached"
        todo = f"run knead on the system itself, {CABLE}"
    else:
        text, todo = trouble, _TODO[key].get(system, _TODO[key][""])
    wanted = bool(facts.paired) or any(words in trouble for words in _FORBIDDEN)
    return Advice("problem" if wanted else "note", text, todo)


def ports(places: "Iterable[Place]", devices: "Iterable[Device]", holders: Mapping[str, str]) -> Iterator[Advice]:
    """Remembered balls on cables: not plugged in, or held. `holders`: by port, the program that has it open."""
    there = {place.address.partition("?")[0] for place in places}
    for device in devices:
        scheme, _, rest = device.address.partition(":")
        port = rest.partition("?")[0]
        if scheme != "serial" or "://" in port or device.paired_at is None:
            continue
        if port in holders:
            yield Advice("problem", f"{device.name}: {port} is held by {holders[port]}", "end that program")
        elif f"serial:{port}" not in there and not Path(port).exists():
            todo = "plug it in; with a cable that carries data, not only power"
            yield Advice("note", f"{device.name} is not plugged in: there is no {port}", todo)


# --- the facts ---


def look(devices: "Sequence[Device]") -> Facts:
    """Listens for LOOK_S; connects to nothing."""
    from companion import inreach

    afar = [ball for ball in devices if ball.address.startswith("ble:") and ball.paired_at is not None]
    trouble: str | None = None
    near: list[Place] = []
    try:
        near = inreach.ble_places({}, LOOK_S)
    except UnavailableError as error:
        trouble = str(error)
    linux = sys.platform == "linux"
    return Facts(
        system=sys.platform,
        trouble=trouble,
        in_reach=tuple(place.address for place in near if not place.problem),
        held=tuple(place.address for place in near if place.problem),
        adapters=_adapters() if linux else None,
        blocked=_blocked() if linux else "",
        bus=BUS.exists() if linux else True,
        desktop=any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")) if linux else True,
        paired=tuple(ball.name for ball in afar),
        addresses=tuple(ball.address for ball in afar),
    )


def _adapters() -> int:
    try:
        return sum(path.name.startswith("hci") and ":" not in path.name for path in ADAPTERS.iterdir())
    except OSError:
        return 0


def _blocked() -> str:
    found = ""
    with contextlib.suppress(OSError):
        for switch in SWITCHES.iterdir():
            with contextlib.suppress(OSError):
                if (switch / "type").read_text().strip() == "bluetooth":
                    if (switch / "hard").read_text().strip() == "1":
                        return "hard"
                    if (switch / "soft").read_text().strip() == "1":
                        found = "soft"
    return found


def port_holders(names: Iterable[str]) -> dict[str, str]:
    """Which of these ports another program has open, as far as Linux lets one see: no port is opened to find out."""
    real = {os.path.realpath(name): name for name in names}
    found: dict[str, str] = {}
    if sys.platform != "linux":
        return found
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            for handle in (process / "fd").iterdir():
                name = real.get(os.path.realpath(handle))
                if name is not None:
                    program = (process / "comm").read_text(errors="replace").strip()
                    found[name] = f"{program} (process {process.name})"
    return found
