"""What limits stand for a region, a tool and a person; and all that the guard must know from outside.

Point-equivalent pressure compares tools: Peq = 10*F/sqrt(A) kPa, with F in N and A in cm2 (pressure threshold falls as
the root of the area: F12, F13; beyond 2 cm2 it is our own extension). Mean contact pressure is p = 10*F/A kPa.
"""

import dataclasses
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from companion.errors import ConfigError
from companion.safety.scale import CONTACT_KPA, STOP_RATIO
from companion.safety.table import AREA_RANGE, LimitTable, Region, Tool, read_table
from companion.safety.table import RegionLimits as RegionLimits
from sessions.events import Fields, Json

SIDES = ("left", "right", "both")
GRAVITY = 9.81
DEFAULT_TOOL = "hard"  # the smallest ball, so the strictest
NOTHING_LOWERED: Mapping[str, float] = MappingProxyType({})


@cache
def table() -> LimitTable:
    """The limits this version comes with."""
    text = files(__package__ or "companion.safety").joinpath("limits.toml").read_text(encoding="utf-8")
    return read_table(text, "limits.toml")


LIMITS_VERSION = table().version


def regions() -> Mapping[str, Region]:
    return table().regions


def tools() -> Mapping[str, Tool]:
    return table().tools


def whole_body() -> Mapping[str, float]:
    return table().whole_body


def tool_of_ball(code: int) -> str | None:
    """The key of the tool a ball says it is; None if it does not say, or says one we do not know."""
    return next((tool.key for tool in tools().values() if tool.ball_code == code), None)


def combined_factor(factors: Iterable[float], *, screened: bool = True) -> float:
    """k of a person: the product of the screening factors, not below the floor; unscreened the fixed one."""
    body = whole_body()
    if not screened:
        return body["unscreened_factor"]
    return max(body["factor_floor"], min(1.0, math.prod(factors)))


def effective(
    region: str,
    tool: str = DEFAULT_TOOL,
    area_cm2: float | None = None,
    factor_k: float = 1.0,
    *,
    body_kg: float | None = None,
    calibrated: bool = True,
    full_scale_n: float | None = None,
    personal: float = 1.0,
    lowered: Mapping[str, float] = NOTHING_LOWERED,
) -> RegionLimits:
    """The limits of a region for a tool of `area_cm2` and a person of factor k.

    `personal` lowers freely and raises up to 1.2, pressure only, never above the force cap. `full_scale_n` is what the
    whole ball can show: a ball that cannot show the limit with a margin lowers it. `lowered` are columns of the base
    that a user's limits file makes less. Raises KeyError on unknown keys.
    """
    base, body, kind = _lowered(regions()[region].base, lowered), whole_body(), tools()[tool]
    area = kind.area_cm2 if area_cm2 is None else area_cm2
    k = factor_k * (1.0 if calibrated else body["calibration_factor"])
    own = min(personal, body["raise_max"])
    root = math.sqrt(area)
    scale = math.sqrt(body["reference_area_cm2"]) / root
    cap = None if kind.roller else base.force_cap_n
    most_n = cap or body["roller_body_weight"] * (body_kg or body["roller_body_kg"]) * GRAVITY
    force_n = min(min(0.1 * base.peq_max_kpa * root, most_n) * own, most_n) * k
    if full_scale_n is not None and full_scale_n < body["full_scale_margin"] * force_n:
        force_n = body["full_scale_part"] * full_scale_n
    bottom, top = (edge * scale * own for edge in base.working_kpa)
    top *= k
    return RegionLimits(
        peq_max_kpa=base.peq_max_kpa * own * k,
        force_max_n=force_n,
        force_cap_n=None if cap is None else cap * k,
        working_kpa=(min(bottom, top), top),
        hold_s=base.hold_s * k,
        rest_s=base.rest_s,
        session_s=base.session_s,
        day_s=base.day_s,
        dose_kpa_s=base.dose_kpa_s * k,
        area_cm2=area,
    )


def _lowered(base: RegionLimits, columns: Mapping[str, float]) -> RegionLimits:
    """The working range follows the pressure limit down."""
    if not columns:
        return base
    less = {column: min(value, getattr(base, column)) for column, value in columns.items()}
    part = less.get("peq_max_kpa", base.peq_max_kpa) / base.peq_max_kpa
    bottom, top = base.working_kpa
    return dataclasses.replace(base, working_kpa=(bottom * part, top * part), **less)


def zone_edges_kpa(limits: RegionLimits) -> tuple[float, float, float, float]:
    """Lower edges of LIGHT, WORK, HIGH and OVER, never falling. OVER always begins where x is 1."""
    over = max(CONTACT_KPA, limits.mean_max_kpa)
    bottom, top = limits.working_kpa
    return CONTACT_KPA, min(max(CONTACT_KPA, bottom), over), min(max(CONTACT_KPA, top), over), over


def zone_of(p_kpa: float, limits: RegionLimits) -> int:
    """Index into ZONES. The pressure must be known."""
    return bisect_right(zone_edges_kpa(limits), p_kpa)


def stop_kpa(limits: RegionLimits) -> float:
    """The mean contact pressure that is a stop at once."""
    at_ratio = STOP_RATIO * limits.mean_max_kpa
    return at_ratio if limits.force_cap_n is None else min(at_ratio, 10.0 * limits.force_cap_n / limits.area_cm2)


def limits_to_json(limits: RegionLimits) -> dict[str, Json]:
    """The nine columns, by name."""
    columns: dict[str, Json] = dataclasses.asdict(limits)
    del columns["area_cm2"]
    columns["working_kpa"] = list(limits.working_kpa)
    return columns


@dataclass(frozen=True, slots=True)
class Carried:
    """What a region and side brought from the last 24 hours; its dose already halved every 12."""

    region: str
    side: str
    contact_s: float
    dose_kpa_s: float


@dataclass(frozen=True, slots=True)
class GuardContext:
    """All that the guard must know from outside. Stored whole with the session, and used again by replay."""

    person: str = "me"
    screened: bool = False
    factor_k: float = 0.5  # of the screening; calibration is applied on top of it
    region: str = "unknown"
    side: str = "both"
    tool: str = DEFAULT_TOOL
    area_cm2: float = 8.0
    body_kg: float | None = None
    full_scale_n: float | None = None  # what the whole ball can show; in the index's unit where not judged
    calibrated: bool = True
    judged: bool = True  # False where the unit is not newtons: no pressure limits, clocks on contact only
    limits_version: int = LIMITS_VERSION
    cell_cm2: float | None = None  # skin area of one channel; None under a common shell
    noise_n: float = 0.0  # baseline noise: widens the deadband where it is known
    rolling: bool = False  # the person or the step says that the ball rolls
    session_limit_s: float = 1800.0  # 900 in the first three sessions
    personal: Mapping[str, float] = dataclasses.field(default_factory=dict)  # region -> factor on its pressure limits
    carried: tuple[Carried, ...] = ()
    carried_s: float = 0.0  # contact of the whole body in the last 24 hours
    locked: tuple[str, ...] = ()  # regions locked by a symptom; "calf left" where it is one side
    resting: tuple[str, ...] = ()  # regions that a rule over days leaves alone for now: said at contact, not refused
    lowered: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)  # region -> columns made less
    told: tuple[tuple[str, str], ...] = ()  # of the ball, cause and words: said before its values are shown

    def __post_init__(self) -> None:
        checks = (
            ("factor_k", 0.0 < self.factor_k <= 1.0, "above 0, up to 1"),
            ("area_cm2", AREA_RANGE[0] <= self.area_cm2 <= AREA_RANGE[1], "{:g} to {:g} cm2".format(*AREA_RANGE)),
            ("region", self.region in regions(), ", ".join(regions())),
            ("side", self.side in SIDES, ", ".join(SIDES)),
            ("tool", self.tool in tools(), ", ".join(tools())),
            ("session_limit_s", 0.0 < self.session_limit_s <= whole_body()["session_s"], "above 0, up to 1800 s"),
            ("carried", all(row.region in regions() and row.side in SIDES for row in self.carried), "known regions"),
            ("rolling", self.rolling in (True, False), "true or false"),
            ("personal", all(factor > 0.0 for factor in self.personal.values()), "factors above 0"),
        )
        for name, fine, allowed in checks:
            if not fine:
                raise ConfigError(f"guard context: {name} = {getattr(self, name)}; allowed: {allowed}")

    def limits(self, *, raised: bool = True) -> RegionLimits:
        """Of the present region and tool; with `raised` False as if the person had raised nothing."""
        personal = self.personal.get(self.region, 1.0)
        return effective(
            self.region,
            self.tool,
            self.area_cm2,
            self.factor_k if self.screened else min(self.factor_k, whole_body()["unscreened_factor"]),
            body_kg=self.body_kg,
            calibrated=self.calibrated,
            full_scale_n=self.full_scale_n if self.judged else None,
            personal=personal if raised else min(personal, 1.0),
            lowered=self.lowered.get(self.region, NOTHING_LOWERED),
        )

    def _require_numbers(self) -> None:
        """TypeError where JSON has put in something else: nothing that computes with them asks again."""
        numbers = [self.factor_k, self.area_cm2, self.limits_version, self.noise_n, self.session_limit_s]
        numbers += [self.carried_s, *self.personal.values()]
        numbers += [number for row in self.carried for number in (row.contact_s, row.dose_kpa_s)]
        numbers += [number for columns in self.lowered.values() for number in columns.values()]
        numbers += [number for number in (self.body_kg, self.full_scale_n, self.cell_cm2) if number is not None]
        if not all(isinstance(number, int | float) for number in numbers):
            raise TypeError("a number is none")
        if not all(isinstance(name, str) for name in (self.person, *self.locked, *self.resting)):
            raise TypeError("a name is none")

    @property
    def is_locked(self) -> bool:
        return self._named_in(self.locked)

    @property
    def is_resting(self) -> bool:
        return self._named_in(self.resting)

    def _named_in(self, places: tuple[str, ...]) -> bool:
        """`calf` names both sides, `calf left` that one and a session on both."""
        sides = SIDES if self.side == "both" else (self.side, "both")
        return self.region in places or any(f"{self.region} {side}" in places for side in sides)

    def to_json(self) -> dict[str, Json]:
        fields: dict[str, Json] = dataclasses.asdict(self)
        fields["carried"] = [dataclasses.asdict(row) for row in self.carried]
        fields["locked"], fields["resting"] = list(self.locked), list(self.resting)
        fields["told"] = [[cause, words] for cause, words in self.told]
        return fields

    @classmethod
    def from_json(cls, fields: Fields) -> "GuardContext":
        """From a stored session. Unknown names are left out; raises ConfigError if it is no context at all."""
        known: dict[str, Any] = {
            item.name: fields[item.name] for item in dataclasses.fields(cls) if item.name in fields
        }
        try:
            known["carried"] = tuple(Carried(**row) for row in known.get("carried", ()))
            known["locked"] = tuple(known.get("locked", ()))
            known["resting"] = tuple(known.get("resting", ()))
            known["told"] = tuple((str(cause), str(words)) for cause, words in known.get("told", ()))
            context = cls(**known)
            context._require_numbers()
            context.limits()
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise ConfigError(f"the stored guard context cannot be read: {error}") from error
        return context
