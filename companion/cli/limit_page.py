"""The limits as one page of the screens, with where each comes from and why it is as it is."""

from typing import TYPE_CHECKING

from companion import ownlimits
from companion.cli.limit_tables import figures_of, listed, remarks_of
from companion.compose import gather
from companion.safety.limits import regions, stop_kpa, tools, whole_body
from companion.tui.books import Figure, Limit, LimitPage

if TYPE_CHECKING:
    from companion.config import Settings
    from companion.past import Past
    from companion.safety.limits import RegionLimits
    from companion.safety.table import Region


def limit_page(settings: "Settings", tool_key: str) -> LimitPage:
    """Of the person of the settings, for one tool."""
    past, tool = gather(settings), tools()[tool_key]
    limits = [_limit(past, region, tool.key) for region in regions().values()]
    return LimitPage(tool.title, tool.area_cm2, past.factor_k, _why(past), limits, (*past.problems, *listed()[1:]))


def _limit(past: "Past", region: "Region", tool: str) -> Limit:
    now, without = ownlimits.holding(past, region.key, tool)
    most = ownlimits.reach(past, region.key, tool)
    unraised = now if now.mean_max_kpa <= without.mean_max_kpa else without  # a stop is never raised
    return Limit(
        region=region.key,
        title=region.title,
        limit_kpa=now.mean_max_kpa,
        without_kpa=without.mean_max_kpa,
        work_kpa=now.working_kpa,
        stop_kpa=stop_kpa(unraised),
        most_kpa=most.most_kpa,
        work_most_kpa=most.work_most_kpa,
        hold_s=now.hold_s,
        figures=_figures(now, region.base),
        source=region.source,
        confidence=region.confidence,
        own=_own(past, region.key),
        remarks=remarks_of(region),
    )


def _figures(now: "RegionLimits", base: "RegionLimits") -> tuple[Figure, ...]:
    return tuple(
        Figure(name, unit, holds, published)
        for (name, unit, holds), (_, _, published) in zip(figures_of(now), figures_of(base), strict=True)
    )


def _own(past: "Past", region: str) -> str:
    """What stands behind a limit that is not as published; its first word fits a column."""
    own, factor = past.person.limits.get(region), past.person.personal(past.factor_k).get(region, 1.0)
    told = []
    if own is not None:
        told.append(f"{'raised' if factor > 1 else 'own'}: times {factor:.2f}, set by {past.person.name}")
    if region in past.lowered:
        row = past.lowered[region]
        columns = ", ".join(f"{name} {value:g}" for name, value in row.columns.items())
        told.append(f"file: {columns} ({row.source})")
    return "; ".join(told)


def _why(past: "Past") -> str:
    """Of the factor on every limit."""
    if not past.verdict.screened:
        return "the questions have not been answered, or not lately"
    told = [f"{key.replace('_', ' ')} {factor:g}" for key, factor in past.verdict.factors.items()]
    if past.is_first:
        told.append("one of your first three sessions")
    if not told:
        return "nothing you answered lowers them"
    floor = whole_body()["factor_floor"]
    return ", ".join(told) + f"; never below {floor:g}"
