"""The limits as the screens read and write them: the same rules as `knead limits`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from companion.cli.shelf import Shelf
    from companion.past import Past
    from companion.safety.person import OwnLimit
    from companion.tui.books import LimitPage


class OwnBook:
    """Of the person and the tool of the settings."""

    def __init__(self, shelf: "Shelf") -> None:
        self._shelf = shelf

    @property
    def _tool(self) -> str:
        from companion.safety.limits import DEFAULT_TOOL

        return self._shelf.settings.tool or DEFAULT_TOOL

    def page(self) -> "LimitPage":
        from companion.cli.limit_page import limit_page

        return limit_page(self._shelf.settings, self._tool)

    def raises(self, region: str, kpa: float | None, *, work: bool) -> bool:
        from companion import ownlimits
        from companion.compose import gather

        past = gather(self._shelf.settings)
        return ownlimits.raises(past, region, self._wanted(past, region, kpa, work=work))

    def write(self, region: str, kpa: float | None, *, work: bool, reason: str) -> str:
        from companion import ownlimits
        from companion.compose import gather
        from companion.errors import RefusedError

        held = self._shelf.settings
        past = gather(held)
        own = self._wanted(past, region, kpa, work=work)
        raised = ownlimits.raises(past, region, own)
        if raised and not reason:
            raise RefusedError("a limit is raised with a reason only", "type it after the number")
        told = {"kpa": kpa, "tool": self._tool, "work": work}
        ownlimits.keep(held.paths.database, held.person, region, own, told, raised=raised, reason=reason)
        now, _ = ownlimits.holding(gather(held), region, self._tool)
        what = "raised" if raised else "set"
        return f"{region}: {what}, caution from {now.mean_max_kpa:.1f} kPa, work up to {now.working_kpa[1]:.1f} kPa"

    def _wanted(self, past: "Past", region: str, kpa: float | None, *, work: bool) -> "OwnLimit":
        from companion import ownlimits
        from companion.safety.person import OwnLimit

        return OwnLimit() if kpa is None else ownlimits.wanted(past, region, self._tool, kpa, work=work)
