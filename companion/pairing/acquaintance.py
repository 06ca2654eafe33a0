"""The balls that are remembered, as a session needs them: which one this is, and what is to be said of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeVar

from companion.pairing.footing import Told
from companion.pairing.profile import Settled, settled_of
from firmware_protocol.driver import Profile
from firmware_protocol.foreign.known import NEWTONS
from sessions.events import Fields, Json


class Device(Protocol):
    """A remembered ball, as the log gives it."""

    @property
    def kind(self) -> str: ...
    @property
    def serial(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def profile(self) -> Fields: ...
    @property
    def nickname(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def paired_at(self) -> datetime | None: ...
    @property
    def kept(self) -> Fields: ...
    @property
    def name(self) -> str: ...


Known = TypeVar("Known", bound=Device)


@dataclass(frozen=True, slots=True)
class Met:
    """A ball as it answered, and what was known of it."""

    settled: Settled | None  # None: not paired
    told: Told


class Acquaintances:
    """Everybody's balls. `address` is where a ball is looked for now; `today` the day."""

    def __init__(self, devices: Iterable[Device], address: str, today: date) -> None:
        self._devices = tuple(devices)
        self._address = address
        self.today = today

    def meet(self, profile: Profile) -> Met:
        """Which one it is; what has changed is to be said before values are shown (R52)."""
        device = recognised(self._devices, profile)
        told: list[tuple[str, str]] = []
        here = [ball for ball in self._devices if ball.paired_at is not None and ball.address == self._address]
        if device is None or device.paired_at is None:
            others = [ball for ball in here if not _same(ball, profile)]
            if others:
                text = f"this is not {others[0].name}, which was here last: it is {_who(profile)}, not paired"
                told.append(("identity", text))
            return Met(None, tuple(told))
        if device.nickname:
            told.append(("known", f"this is {device.nickname}"))
        changed = _changed(device.profile, profile)
        if changed:
            told.append(("identity", f"it has changed since it was last here: {changed}"))
        return Met(settled_of(device.kept), tuple(told))


def recognised(devices: Iterable[Known], profile: Profile) -> Known | None:
    """By kind and its own serial; where it has none, by kind and model alone. Never by address."""
    found = [device for device in devices if _same(device, profile)]
    return max(found, key=lambda device: (device.paired_at is not None, device.model == profile.model), default=None)


def settings_of(device: Device) -> Mapping[str, Json]:
    """What a driver of this kind is told beforehand (`Options.settings`): all that is kept, by its names.

    A full scale in newtons is told in the device's own numbers, too, where its unit says how.
    """
    kept = dict(device.kept)
    settled = settled_of(kept)
    newtons = NEWTONS.get(settled.unit or "")
    if "full_scale" not in kept and settled.full_scale_n is not None and newtons is not None:
        kept["full_scale"] = settled.full_scale_n / newtons
    return kept


def _same(device: Device, profile: Profile) -> bool:
    if (device.kind, device.serial) != (profile.kind, profile.serial):
        return False
    return bool(profile.serial) or device.model == profile.model


def _who(profile: Profile) -> str:
    return profile.serial or profile.model or "a ball without a serial"


def _changed(before: Fields, profile: Profile) -> str:
    """What a ball says of itself, and said otherwise. Its calibration has its own words."""
    now = {"model": profile.model, "firmware": profile.firmware, "channels": profile.channels}
    parts = [
        f"{name} {before[name]} is now {value}" for name, value in now.items() if before.get(name) not in (None, value)
    ]
    if before.get("unit") not in (None, int(profile.unit)):
        parts.append("its unit is another")
    if profile.unit == before.get("unit") and before.get("lsb") not in (None, profile.lsb):
        parts.append("its scale is another")
    return ", ".join(parts)
