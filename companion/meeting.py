"""A pairing under way: its session, its talk, and what is kept of the ball at its end."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING

from companion import inreach, whereabouts
from companion.config import Paths
from companion.engine import Outcome
from companion.pairing import settling
from companion.pairing.footing import Told, claimed
from companion.pairing.profile import Settled, merged, settled_of
from companion.pairing.settling import Wishes
from companion.pairing.steps import Ask, Say, Steps
from companion.pairing.talk import Talk
from companion.pairing.trust import Finding
from companion.safety.limits import tools
from companion.underway import Session
from firmware_protocol.driver import Profile, Unit
from sessions.events import Fields

if TYPE_CHECKING:
    from sessions.devices import Device


ABANDON_S = 5.0  # a ball is asked to stop, and may take 2.5 s


@dataclass(frozen=True, slots=True)
class Paired:
    """How it ended. `device` None: nothing was kept."""

    outcome: Outcome
    device: "Device | None" = None
    findings: tuple[Finding, ...] = ()
    told: Told = ()  # what is not known, and takes the stricter value


class Meeting:
    """Made, not started. `answer`, `skip` and `leave` from any thread; `run` in one of its own, to the end."""

    def __init__(
        self, steps: Steps, hear: Callable[[Say | Ask], None], paths: Paths, wishes: Wishes, nickname: str
    ) -> None:
        """`wishes` may be added to until `keep`. `nickname` "": the one it has, or its serial."""
        self.steps = steps
        self.wishes = wishes
        self.nickname = nickname
        self._talk = Talk(steps, hear)
        self._paths = paths
        self._session: Session | None = None
        self._address = ""

    @property
    def observer(self) -> Talk:
        return self._talk

    def attach(self, session: Session, address: str) -> None:
        """Before it is run."""
        self._session, self._address = session, address

    @property
    def address(self) -> str:
        """Where the ball is met."""
        return self._address

    def answer(self, yes: bool | None) -> None:
        self._talk.answer(yes)

    def skip(self) -> None:
        self._talk.skip()

    def leave(self) -> None:
        self._talk.leave()

    def abandon(self) -> None:
        """Nobody waits for `run` any more: hang up, in a few seconds at most."""
        assert self._session is not None
        self._session.stop("user")
        self._session.join(ABANDON_S)

    def run(self) -> Outcome:
        """All steps with the ball. Code 0: it may be kept."""
        assert self._session is not None
        return self._talk.run(self._session)

    @property
    def claim(self) -> str:
        """What the ball says of its size, in words; or nothing."""
        key, area_cm2 = claimed(self._profile)
        parts = [tools()[key].title.lower() if key else "", f"{area_cm2:g} cm2" if area_cm2 else ""]
        return ", ".join(part for part in parts if part)

    @property
    def size(self) -> str:
        """What was settled of its size before; or nothing."""
        before = self._before()
        parts = [before.tool or "", f"{before.area_cm2:g} cm2" if before.area_cm2 else ""]
        return " ".join(part for part in parts if part)

    @property
    def called(self) -> str:
        """Its name, unless somebody says otherwise."""
        device = whereabouts.recognised_in(self._paths, self._profile)
        own = "" if device is None else device.nickname
        return self.nickname or own or self._profile.serial or self._profile.kind

    def findings(self) -> tuple[Finding, ...]:
        """Of the trust check, once it has been run."""
        profile, before = self._profile, self._before()
        return settling.findings(self.steps.check, self.wishes, before, profile, datetime.now().astimezone().date())

    def keep(self) -> Paired:
        """Remember the ball, with the profile. Raises SessionError, ConfigError."""
        profile, before, found = self._profile, self._before(), self.findings()
        now = datetime.now().astimezone()
        wanted = self.wishes.checked(now.date())
        fresh = settling.settled(before, wanted, profile, self.steps.check, now, found)
        fresh = _linked(fresh, self._address, self.steps.check.status)
        device = whereabouts.remember(
            self._paths, self._device, self._address, now, self.nickname, lambda kept: merged(kept, fresh)
        )
        last = whereabouts.LastBall(self._paths, self._address)
        assert self.steps.opened is not None
        last(self.steps.opened)
        last.keep()
        return Paired(Outcome(0), device, found, settling.unknown(profile, fresh, now.date()))

    @property
    def _device(self) -> Fields:
        assert self.steps.opened is not None
        return self.steps.opened.device

    @property
    def _profile(self) -> Profile:
        told = {item.name: self._device[item.name] for item in fields(Profile)}
        return Profile(**told | {"unit": Unit(int(str(told["unit"])))})  # type: ignore[arg-type]  # as `asdict` gave it

    def _before(self) -> Settled:
        device = whereabouts.recognised_in(self._paths, self._profile)
        return Settled() if device is None else settled_of(device.kept)


def _linked(settled: Settled, address: str, status: Fields) -> Settled:
    """By what its port is found again, and whether its radio is closed to listeners."""
    if address.startswith("serial:"):
        adapter = inreach.adapter_of(address)
        usb_id, usb_serial = adapter or ("", "")
        return replace(settled, usb_id=usb_id, usb_serial=usb_serial)
    if address.startswith("ble:"):
        return replace(settled, radio_name=address.removeprefix("ble:"), encrypted=status.get("encrypted") is True)
    return settled
