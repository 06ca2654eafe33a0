"""Where the zones of a session lie, from the guard context it was opened with."""

from typing import TYPE_CHECKING

from sessions.events import Fields

if TYPE_CHECKING:
    from companion.safety.limits import RegionLimits


def limits_of(context: Fields) -> "RegionLimits | None":
    """The limits that hold; None where pressure is not judged, or the context is of a version not known here.

    A context without an area is one whose tool was changed: the area is that of the tool.
    """
    from companion.errors import ConfigError
    from companion.safety.limits import GuardContext, tools

    tool = tools().get(str(context.get("tool")))
    if "area_cm2" not in context and tool is not None:
        context = {**context, "area_cm2": tool.area_cm2}
    try:
        found = GuardContext.from_json(context)
    except ConfigError:
        return None
    return found.limits() if found.judged else None


def edges_of(context: Fields) -> tuple[float, float, float, float] | None:
    """Mean contact pressure, in kPa, where LIGHT, WORK, HIGH and OVER begin."""
    from companion.safety.limits import zone_edges_kpa

    limits = limits_of(context)
    return None if limits is None else zone_edges_kpa(limits)
