"""Which ball is meant, and where it is: an address, a nickname or serial, or nothing, which is the last ball.

A remembered ball is expected by its own serial wherever it answers; its address is only where to look first.
"""

import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from companion import inreach
from companion.config import Paths
from companion.errors import ConfigError, DeviceNotFoundError
from sessions.errors import NotFoundError, SessionError
from sessions.events import Event, Fields, Opened
from sessions.private import make_directory, make_file

if TYPE_CHECKING:
    from firmware_protocol.driver import Profile
    from sessions.devices import Device

SCHEMES = ("serial", "ble", "sim", "replay", "demo")
NOBODY = ("sim", "replay", "demo")  # schemes of what presses nobody


@dataclass(frozen=True, slots=True)
class Target:
    """A ball to connect to."""

    address: str
    serial: str = ""  # of the ball expected there; "": whichever answers
    kind: str | None = None
    device: "Device | None" = None  # as remembered; without a serial expected, only the one that was there last


def remembered(paths: Paths) -> "list[Device]":
    """Every ball of the log; none where it cannot be read, which others say."""
    with contextlib.suppress(SessionError):
        return listed(paths)
    return []


def listed(paths: Paths) -> "list[Device]":
    """Every ball of the log. Raises SessionError where it cannot be read."""
    if not paths.database.exists():
        return []
    from sessions.store import Store

    with Store(paths.database) as store:
        return store.devices.list()


def find(wanted: str | None, paths: Paths, devices: "Iterable[Device]") -> Target:
    """Raises ConfigError where no ball is called so, DeviceNotFoundError where there was none yet."""
    devices = list(devices)
    if wanted is None:
        return _last(paths, devices)
    if wanted.partition(":")[0] in SCHEMES and ":" in wanted:
        here = [device for device in devices if device.address and _same_place(device.address, wanted)]
        return Target(wanted, device=here[0] if len(here) == 1 else None)
    from sessions.devices import named

    try:
        return target_of(named(devices, wanted))
    except NotFoundError as error:
        hint = "write serial:PORT, ble:NAME or sim:SCENARIO (knead scan), or a name from knead devices"
        raise ConfigError(
            f"{wanted or repr(wanted)} is no address of a ball, and no ball is called so", hint
        ) from error


def refuse_name(nickname: str, target: Target, devices: "Iterable[Device]") -> None:
    """Raises ConfigError where another ball than the one that was at the target has the nickname."""
    for device in devices:
        named = bool(nickname) and device.nickname.casefold() == nickname.casefold()
        if named and device.address != target.address and device is not target.device:
            hint = f"pair it as 'knead pair {nickname}' if it is the same one, or choose another name"
            raise ConfigError(f"another ball is called {nickname}", hint)


def _same_place(one: str, other: str) -> bool:
    """Whatever is said of the ball there (`?kind=`, `?baud=`)."""
    return one.partition("?")[0] == other.partition("?")[0]


def known_at(target: Target, kind: str | None, devices: "Iterable[Device]") -> "Device | None":
    """The ball expected there, whose settings its driver is told; None where another one may have been plugged in.

    A ball without a serial is known by its place, its kind, and the adapter it was behind.
    """
    from companion.pairing.profile import settled_of

    known = [target.device] if target.device is not None else [*devices]
    adapter = inreach.adapter_of(target.address) if target.address.startswith("serial:") else None
    for device in known:
        settled = settled_of(device.kept)
        elsewhere = target.device is None and not (device.address and _same_place(device.address, target.address))
        other = adapter is not None and settled.usb_id and adapter != (settled.usb_id, settled.usb_serial)
        if not (elsewhere or other) and (device.kind == kind or kind is None):
            return device
    return None


def target_of(device: "Device") -> Target:
    """Where a remembered ball is looked for."""
    if not device.address:
        raise DeviceNotFoundError(f"nobody knows where {device.name} is", "name its address once: knead scan")
    return Target(_address_now(device), device.serial, device.kind or None, device)


def _address_now(device: "Device") -> str:
    """Its address; where that port is gone, the one that has its adapter now (R9: only what is known as a ball)."""
    from companion.pairing.profile import settled_of

    settled = settled_of(device.kept)
    scheme, _, rest = device.address.partition(":")
    port, mark, options = rest.partition("?")
    if scheme != "serial" or "://" in rest or not settled.usb_id or Path(port).exists():
        return device.address
    for found in inreach.serial_ports():
        if found.usb_id == settled.usb_id and found.usb_serial == settled.usb_serial:
            return f"{found.address}{mark}{options}"
    return device.address


def presses_nobody(paths: Paths, wanted: str | None) -> bool:
    """Whether an address, a name, or with None the last ball, is known beforehand to be no real ball."""
    if wanted is not None and wanted.partition(":")[0] in SCHEMES:
        return wanted.partition(":")[0] in NOBODY
    try:
        return find(wanted, paths, remembered(paths)).address.partition(":")[0] in NOBODY
    except (ConfigError, DeviceNotFoundError):
        return False


def recognised_in(paths: Paths, profile: "Profile") -> "Device | None":
    """The remembered ball that this is."""
    from companion.pairing.acquaintance import recognised

    return recognised(remembered(paths), profile)


def remember(
    paths: Paths, told: Fields, address: str, at: datetime, nickname: str, make: Callable[[Fields], Fields]
) -> "Device":
    """Keep a ball that was paired. `nickname` "": the one it has, else its serial. Raises SessionError."""
    from sessions.store import Store

    with Store(paths.database) as store:
        names = {name: str(told.get(name) or "") for name in ("kind", "serial", "model")}
        before = [ball for ball in store.devices.list() if all(getattr(ball, name) == names[name] for name in names)]
        own = before[0].nickname if before else ""
        return store.devices.pair(told, address, at, nickname or own or names["serial"] or names["kind"], make)


def settle(paths: Paths, told: Fields, address: str, make: Callable[[Fields], Fields]) -> None:
    """Change what is kept of a ball that measures at an address, known until now or not. Raises SessionError."""
    from sessions.store import Store

    adapter = inreach.adapter_of(address) if address.startswith("serial:") else None
    behind = {} if adapter is None else {"usb_id": adapter[0], "usb_serial": adapter[1]}
    with Store(paths.database) as store:
        seen = store.devices.seen(told, address, datetime.now(UTC))
        store.devices.settle(seen, lambda kept: {**make(kept), **behind})


def forget(paths: Paths, name: str) -> "Device":
    """Raises SessionError, ConfigError where no ball is called so."""
    from sessions.devices import named
    from sessions.store import Store

    try:
        with Store(paths.database) as store:
            device = named(store.devices.list(), name)
            store.devices.forget(device)
    except NotFoundError as error:
        raise ConfigError(str(error).rstrip("."), error.hint) from error
    if _read_last(paths)["serial"] == device.serial:
        with contextlib.suppress(OSError):
            _last_file(paths).unlink()
    return device


def known(paths: Paths) -> dict[str, str]:
    """Addresses at which a ball was used, each with the nickname, perhaps "", of the one that was there last."""
    found = {device.address: device.nickname for device in reversed(remembered(paths)) if device.address}
    last = _read_last(paths)["address"]
    return found if not last or last in found else {**found, last: ""}


# --- the last ball ---


class LastBall:
    """An observer that keeps which ball it was and where, for the next start, once it has measured something."""

    def __init__(self, paths: Paths, address: str) -> None:
        self._paths, self._address = paths, address
        self._measured: Fields | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Opened):
            self._measured = event.device

    def keep(self) -> None:
        """After the session. Quiet: it is a convenience, and a full disk is told by the journal."""
        device = self._measured
        if device is None:
            return
        told = {"address": self._address, **{name: str(device.get(name) or "") for name in ("kind", "serial", "model")}}
        with contextlib.suppress(OSError):
            file = _last_file(self._paths)
            make_directory(file.parent)
            new = file.with_suffix(".new")
            make_file(new)
            new.write_text(json.dumps(told) + "\n", encoding="utf-8")
            new.replace(file)
        if self._address.partition(":")[0] not in NOBODY:
            self._seen(device)

    def _seen(self, device: Fields) -> None:
        """Where a ball that the log knows was seen."""
        if not self._paths.database.exists():
            return
        from sessions.store import Store

        names = ("kind", "serial", "model")
        with contextlib.suppress(SessionError), Store(self._paths.database) as store:
            if any(all(getattr(row, name) == device.get(name) for name in names) for row in store.devices.list()):
                store.devices.seen(device, self._address, datetime.now(UTC))


def last_address(paths: Paths) -> str:
    """Where the last ball was. Raises DeviceNotFoundError if there was none."""
    return _last(paths, []).address


def _last(paths: Paths, devices: "list[Device]") -> Target:
    told = _read_last(paths)
    if not told["address"]:
        hint = "name one: knead live serial:PORT ('knead scan' lists the ports), or try 'knead demo'"
        raise DeviceNotFoundError("no ball has been used yet", hint)
    names = (told["kind"], told["serial"], told["model"])
    device = next((row for row in devices if (row.kind, row.serial, row.model) == names), None)
    if device is not None and device.address:
        return target_of(device)
    return Target(told["address"], told["serial"], None, device)


def _last_file(paths: Paths) -> Path:
    return paths.state_dir / "last-ball"


def _read_last(paths: Paths) -> dict[str, str]:
    """All empty where there is none; before a ball was known by its serial the file held its address alone."""
    names = ("address", "kind", "serial", "model")
    told: dict[str, object] = {}
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = _last_file(paths).read_text(encoding="utf-8").strip()
        told = {"address": text}
        if text.startswith("{"):
            with contextlib.suppress(ValueError):
                told = json.loads(text)
    found = {name: str(told.get(name) or "") for name in names}
    sound = all(value.isprintable() for value in found.values()) and not found["address"].startswith("{")
    return found if sound else dict.fromkeys(names, "")
