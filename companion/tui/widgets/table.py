"""A list with a cursor, each row under a key of its own."""

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual.widgets import DataTable


class Table(DataTable[Text]):
    """Rows of plain text, cut where a column ends: what stands in them may come from a device."""

    def __init__(self, *, id: str | None = None, show_header: bool = True) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id, cursor_type="row", show_header=show_header)

    def titles(self, columns: Iterable[tuple[str, int]]) -> None:
        """The columns: what stands above each, and its cells."""
        for title, width in columns:
            self.add_column(Text(title), width=width)

    @property
    def place(self) -> int | None:
        """Of the row under the cursor; None where there is none."""
        return self.cursor_row if 0 <= self.cursor_row < self.row_count else None

    @property
    def here(self) -> str | None:
        """The key of the row under the cursor; None where there is none."""
        return None if self.place is None else self.ordered_rows[self.place].key.value

    def add(self, key: str, cells: Sequence[str]) -> None:
        self.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in cells), key=key)

    def fill(self, rows: Iterable[tuple[str, Sequence[str]]], *, otherwise: int | None = None) -> None:
        """These rows from now on, each with its key.

        The cursor stays on the key it is on; where that has gone it goes to the row `otherwise`, or keeps its place.
        """
        key, place = self.here, self.cursor_row
        self.clear()
        keys = []
        for name, cells in rows:
            self.add(name, cells)
            keys.append(name)
        self.move_cursor(row=keys.index(key) if key in keys else place if otherwise is None else otherwise)

    def move(self, rows: int) -> None:
        """A row down, or up."""
        (self.action_cursor_down if rows > 0 else self.action_cursor_up)()

    def edge(self, way: int) -> None:
        """To the last row, or to the first."""
        self.move_cursor(row=self.row_count - 1 if way > 0 else 0)
