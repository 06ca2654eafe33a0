"""What is kept of a ball once it has been paired: a person's word, what was measured, what it was before."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from companion.errors import ConfigError
from companion.pairing.footing import CLOCK_DOUBT, Told, calibration_of, claimed, footing
from companion.pairing.profile import (
    BAUD_RANGE,
    CELL_RANGE_CM2,
    DIAMETER_RANGE_MM,
    FULL_SCALE_RANGE_N,
    HARDNESS,
    Settled,
    area_of,
)
from companion.pairing.trust import Finding, TrustCheck
from companion.safety.limits import tools
from companion.safety.table import AREA_RANGE
from firmware_protocol.driver import Profile
from firmware_protocol.foreign.known import COUNTS, NEWTONS, ROLES
from sessions.events import Json

NO_SERIAL = "it has no serial of its own: another one of its kind is taken for it"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person says of the ball. None: nothing."""

    tool: str | None = None
    area_cm2: float | None = None
    diameter_mm: float | None = None
    hardness: str | None = None
    cell_cm2: float | None = None
    full_scale_n: float | None = None
    baud: int | None = None
    columns: tuple[str, ...] = ()
    unit: str | None = None
    invert: bool | None = None
    calibrated_on: date | None = None
    as_told: bool = False  # what the ball says of its size is right

    def checked(self, today: date) -> "Wishes":
        """Raises ConfigError for what no ball can be."""
        ranges = (
            ("area", self.area_cm2, AREA_RANGE, "cm2"),
            ("diameter", self.diameter_mm, DIAMETER_RANGE_MM, "mm"),
            ("cell area", self.cell_cm2, CELL_RANGE_CM2, "cm2"),
            ("full scale", self.full_scale_n, FULL_SCALE_RANGE_N, "N"),
            ("baud rate", self.baud, BAUD_RANGE, "baud"),
        )
        for name, value, (low, high), unit in ranges:
            if value is not None and not low <= value <= high:
                raise ConfigError(
                    f"{value:g} {unit} cannot be the {name} of a ball", f"allowed: {low:g} to {high:g} {unit}"
                )
        choices: tuple[tuple[str, str | None, Iterable[str]], ...] = (
            ("tool", self.tool, tools()),
            ("hardness", self.hardness, HARDNESS),
            ("unit", self.unit, (*NEWTONS, COUNTS)),
            *(("column", column, ROLES) for column in self.columns),
        )
        for name, word, allowed in choices:
            if word is not None and word not in allowed:
                raise ConfigError(f"there is no {name} {word}", f"allowed: {', '.join(allowed)}")
        if (self.diameter_mm is None) is not (self.hardness is None):
            raise ConfigError("diameter and hardness go together", "or say the contact area: --area")
        if self.area_cm2 is not None and self.diameter_mm is not None:
            raise ConfigError("the size was said twice", "say the contact area, or diameter and hardness")
        if self.calibrated_on is not None and self.calibrated_on > today + CLOCK_DOUBT:
            raise ConfigError(f"{self.calibrated_on} is yet to come", "say the day it was calibrated")
        return self

    @property
    def settings(self) -> dict[str, Json]:
        """What a driver of the device must know already while it is paired, by its names."""
        told: dict[str, Json] = {} if self.invert is None else {"invert": self.invert}
        if self.columns:
            told["columns"] = list(self.columns)
        if self.unit is not None:
            told["unit"] = self.unit
            if self.full_scale_n is not None and self.unit in NEWTONS:
                told["full_scale"] = self.full_scale_n / NEWTONS[self.unit]
        return told

    @property
    def sized(self) -> bool:
        return self.as_told or any(item is not None for item in (self.tool, self.area_cm2, self.diameter_mm))


NO_WISHES = Wishes()


def settled(
    before: Settled, wishes: Wishes, profile: Profile, check: TrustCheck, at: datetime, findings: Iterable[Finding]
) -> Settled:
    """The new profile. A size said now replaces the one of before whole; what was not said stays."""
    fresh = replace(
        _sized(before, wishes, profile),
        cell_cm2=wishes.cell_cm2 or before.cell_cm2,
        full_scale_n=wishes.full_scale_n or before.full_scale_n,
        baud=wishes.baud or before.baud,
        columns=wishes.columns or before.columns,
        unit=wishes.unit or before.unit,
        invert=before.invert if wishes.invert is None else wishes.invert,
        cal_crc=profile.cal_crc,
        calibrated_on=wishes.calibrated_on,
        checked_at=at,
        checks=tuple(finding.to_fields() for finding in findings),
    )
    if wishes.calibrated_on is None and before.cal_crc == profile.cal_crc:
        fresh = replace(fresh, calibrated_on=before.calibrated_on)
    noise_n = check.noise_n
    return fresh if noise_n is None else replace(fresh, noise_n=noise_n)


def findings(check: TrustCheck, wishes: Wishes, before: Settled, profile: Profile, today: date) -> tuple[Finding, ...]:
    """Of the trust check; of the calibration, what is known once this pairing is kept."""
    on = wishes.calibrated_on or (before.calibrated_on if before.cal_crc == profile.cal_crc else None)
    known = replace(before, cal_crc=profile.cal_crc, calibrated_on=on)
    return check.findings(calibration_of(profile, known, today))


def unknown(profile: Profile, kept: Settled, today: date) -> Told:
    """What stays doubtful and therefore takes the stricter value: cause and words."""
    told = footing(profile, None, kept, today).told
    return told if profile.serial else (("identity", NO_SERIAL), *told)


def _sized(before: Settled, wishes: Wishes, profile: Profile) -> Settled:
    if not wishes.sized:
        return before
    if wishes.diameter_mm is not None and wishes.hardness is not None:
        return replace(
            before,
            tool=wishes.tool or HARDNESS[wishes.hardness],
            area_cm2=area_of(wishes.diameter_mm, wishes.hardness),
            diameter_mm=wishes.diameter_mm,
            hardness=wishes.hardness,
        )
    tool, area = wishes.tool, wishes.area_cm2
    if wishes.as_told:
        own_tool, own_cm2 = claimed(profile)
        tool, area = tool or own_tool, area or own_cm2
    return replace(before, tool=tool, area_cm2=area, diameter_mm=None, hardness=None)
