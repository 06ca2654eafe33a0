"""By what a session was judged, in words for a report: from its stored guard context and the table of limits."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from companion.cli.text import DISCLAIMER, clean
from companion.cli.zones import limits_of, moves
from sessions.events import Json, Totals
from sessions.paper import Edges, Judged, LimitLine

if TYPE_CHECKING:
    from companion.safety.limits import RegionLimits
    from sessions.session import SessionData

_UNJUDGED = "Pressure was not judged in this session; no limits stood."


def judged(data: "SessionData") -> Judged:
    """Of one session."""
    context = dict(data.opened.context)
    if limits_of(context) is None:
        return Judged(note=_UNJUDGED, disclaimer=DISCLAIMER)
    last = next((event for event in reversed(data.events) if isinstance(event, Totals)), None)
    keys = [each.region for each in last.regions] if last is not None else []
    lines, sources = _told([{**context, "region": key} for key in dict.fromkeys([*keys, data.row.region])])
    return Judged(tuple(_edges(data)), lines, sources, _note(context), DISCLAIMER)


def judged_week(datas: Iterable[tuple[str, dict[str, Json]]]) -> Judged:
    """Of the regions of many sessions: each region with the context of its latest session."""
    contexts = {region: {**context, "region": region} for region, context in datas}
    lines, sources = _told(list(contexts.values()))
    note = "Each region as it stood in its latest session of these days." if lines else ""
    return Judged((), lines, sources, note, DISCLAIMER)


def _told(contexts: list[dict[str, Json]]) -> tuple[tuple[LimitLine, ...], tuple[tuple[str, str], ...]]:
    from companion.safety.limits import regions, table

    lines: list[LimitLine] = []
    codes: list[str] = []
    for context in contexts:
        region = regions().get(str(context.get("region")))
        held = None if region is None else limits_of(context)
        if region is None or held is None:
            continue
        lines.append(LimitLine(region.title, _words(held, region.confidence), region.basis))
        codes += region.basis
    known = table().sources
    sources = tuple((code, clean(known[code], 200)) for code in dict.fromkeys(codes) if code in known)
    return tuple(lines), sources


def _words(held: "RegionLimits", confidence: str) -> str:
    cap = "" if held.force_cap_n is None else f", stop at {held.force_cap_n:.0f} N"
    low, high = held.working_kpa
    return (
        f"Pressure up to {held.mean_max_kpa:.0f} kPa on {held.area_cm2:g} cm², force {held.force_max_n:.0f} N{cap}; "
        f"working range {low:.0f} to {high:.0f} kPa; hold {held.hold_s:.0f} s, then rest {held.rest_s:.0f} s; "
        f"{held.session_s:.0f} s a session, {held.day_s:.0f} s a day; dose {held.dose_kpa_s:.0f} kPa s. "
        f"Confidence: {confidence}."
    )


def _note(context: dict[str, Json]) -> str:
    factor = context.get("factor_k")
    screened = (
        f"screened, limits times {factor}"
        if context.get("screened")
        else "nobody was screened, so half of each limit stands"
    )
    return (
        f"Limits version {context.get('limits_version', 'unknown')}; {screened}. "
        "Nobody has measured a harmless ball pressure; each limit is a cautious choice made from what was measured."
    )


def _edges(data: "SessionData") -> Iterator[Edges]:
    """The zones, and again at each move to another region or tool."""
    for from_s, _, (_, work, high, over) in moves(data.opened, data.events):
        yield Edges(from_s, work, high, over)
