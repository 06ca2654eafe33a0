"""Where the zones of a session lie, from the guard context it was opened with."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from sessions.events import Action, Fields, Json, Opened

if TYPE_CHECKING:
    from companion.safety.limits import RegionLimits
    from sessions.inzone import Working

Edges = tuple[float, float, float, float]


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


def edges_of(context: Fields) -> Edges | None:
    """Mean contact pressure, in kPa, where LIGHT, WORK, HIGH and OVER begin."""
    from companion.safety.limits import zone_edges_kpa

    limits = limits_of(context)
    return None if limits is None else zone_edges_kpa(limits)


def moved(context: Fields, action: Action) -> dict[str, Json] | None:
    """The context after a move to another region, side or tool; None for an action that is none.

    Another tool has its own area, unless one was told with it.
    """
    if action.kind not in ("region", "side", "tool"):
        return None
    told = {name: action.fields[name] for name in ("region", "side", "tool", "area_cm2") if name in action.fields}
    fresh = {**context, **told}
    if "tool" in told and "area_cm2" not in told:
        fresh.pop("area_cm2", None)
    return fresh if told else None


def moves(opened: Opened, events: Iterable[object]) -> "Iterator[tuple[float, Fields, Edges]]":
    """Where the zones lie at first, and again at each move to another region, side or tool: from when, by which
    context. Nothing where pressure is not judged."""
    now = dict(opened.context)
    edges = edges_of(now)
    if edges is not None:
        yield opened.t_s, now, edges
    for event in events:
        if isinstance(event, Action) and event.t_s is not None and (fresh := moved(now, event)) is not None:
            edges = edges_of(fresh)
            if edges is not None:
                now = fresh
                yield event.t_s, now, edges


def working(opened: Opened, actions: "Sequence[Action]") -> "list[Working]":
    """Where the working zone lay, for `Store.visits`."""
    from sessions.inzone import Working

    return [
        Working(from_s, str(context.get("region")), str(context.get("side")), work, high)
        for from_s, context, (_, work, high, _) in moves(opened, actions)
    ]
