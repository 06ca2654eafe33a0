"""A person's own limit for a region: what a number asks for, whether it may be, and how it is kept.

Numbers are mean contact pressures on a tool (kPa), as the screens show them. Lowering is free. Raising takes a reason,
ends at the published limit times 1.2, is never done while a session is recorded, and never moves the stop.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from companion.errors import RefusedError
from companion.past import Past
from companion.safety.limits import RegionLimits, effective, regions, tools, whole_body
from companion.safety.person import OwnLimit, Person
from sessions.errors import RecordingError
from sessions.events import Json

_SAME = 1e-9  # of a factor: what differs by less is the same limit


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a person's limits may go on a tool, in kPa."""

    most_kpa: float  # a limit raised as far as may be
    published_kpa: float  # times the person's factor
    work_most_kpa: float  # the published top of the working range, times the factor


def reach(past: Past, region: str, tool: str) -> Reach:
    root = math.sqrt(tools()[tool].area_cm2)
    base, body = regions()[region].base, whole_body()
    published = past.factor_k * base.peq_max_kpa / root
    work = past.factor_k * base.working_kpa[1] * math.sqrt(body["reference_area_cm2"]) / root
    return Reach(body["raise_max"] * published, published, work)


def wanted(past: Past, region: str, tool: str, kpa: float, *, work: bool) -> OwnLimit:
    """What the number asks for. Raises RefusedError beyond the stated cap."""
    now = past.person.limits.get(region, OwnLimit())
    root = math.sqrt(tools()[tool].area_cm2)
    most = reach(past, region, tool)
    if work:
        if kpa > most.work_most_kpa * (1 + _SAME):
            top = floored(most.work_most_kpa)
            raise RefusedError(f"{kpa:g} kPa is above the working range here", f"allowed is up to {top:g} kPa")
        return replace(now, work_peq_kpa=kpa * root)
    if kpa > most.most_kpa * (1 + _SAME):
        top = floored(most.most_kpa)
        raise RefusedError(f"{kpa:g} kPa is more than a limit may be raised to", f"allowed is up to {top:g} kPa")
    return replace(now, peq_kpa=kpa * root, raised=max(1.0, kpa / most.published_kpa))


def raises(past: Past, region: str, own: OwnLimit) -> bool:
    """Whether this is more than what holds now."""
    now = past.person.limits.get(region, OwnLimit())
    return own.factor(region, past.factor_k) > now.factor(region, past.factor_k) + _SAME


def keep(
    database: Path, name: str, region: str, own: OwnLimit, fields: Mapping[str, object], *, raised: bool, reason: str
) -> None:
    """Keep it, with what was asked for and why. Raises SessionError, and RefusedError where it cannot be now."""
    from companion import keeping

    def make(person: Person) -> Person:
        limits = {**person.limits, region: own}
        if own == OwnLimit():
            del limits[region]
        return replace(person, limits=MappingProxyType(limits))

    told: dict[str, Json] = {"region": region, "reason": reason or None}
    told |= {key: value for key, value in fields.items() if isinstance(value, bool | float | str | None)}
    kind = "limit raised" if raised else "limit lowered"
    try:
        keeping.change(database, name, kind, told, make, not_while_recording=raised)
    except RecordingError as error:
        raise RefusedError("a limit is not raised while a session is recorded", "end the session first") from error


def holding(past: Past, region: str, tool: str) -> tuple[RegionLimits, RegionLimits]:
    """With the person's own limit, and without."""
    lowered = past.lowered[region].columns if region in past.lowered else {}
    factor_k = past.factor_k
    own = past.person.personal(factor_k).get(region, 1.0)
    body_kg = past.verdict.body_kg
    return (
        effective(region, tool, None, factor_k, body_kg=body_kg, personal=own, lowered=lowered),
        effective(region, tool, None, factor_k, body_kg=body_kg, lowered=lowered),
    )


def floored(kpa: float) -> float:
    """To a tenth, cut and not rounded: what is shown is never more than what is allowed."""
    return int(kpa * 10 + 1e-6) / 10
