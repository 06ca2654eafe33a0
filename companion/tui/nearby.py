"""The balls that may be paired, as they come and go."""

from collections.abc import Sequence

from companion.tui.pairing import Near, near_cells
from companion.tui.widgets.table import Table

_COLUMNS = (("BALL", 20), ("SIGNAL", 7), ("KIND", 12), ("BATTERY", 7), ("STATE", 14), ("ADDRESS", 40))


class Nearby(Table):
    """A row a ball, in the order they were found; the cursor stays on its ball."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self._near: dict[str, Near] = {}
        self._shown: dict[str, tuple[str, ...]] = {}

    def on_mount(self) -> None:
        self.titles(_COLUMNS)

    @property
    def balls(self) -> Sequence[Near]:
        return tuple(self._near.values())

    @property
    def chosen(self) -> Near | None:
        return None if self.here is None else self._near.get(self.here)

    def found(self, near: Near) -> None:
        """One more, or what is new of one."""
        self._near[near.address] = near
        self._list()

    def only(self, found: Sequence[Near]) -> None:
        """These have been found, and the others have gone."""
        kept = {near.address: near for near in found}
        self._near = {address: kept[address] for address in (*self._near, *kept) if address in kept}
        self._list()

    def _list(self) -> None:
        """Anew where anything has changed."""
        rows = {address: near_cells(near) for address, near in self._near.items()}
        if rows != self._shown:
            self._shown = rows
            self.fill(rows.items(), otherwise=0)
