"""A page: a screen that is gone to, read and left again; and one with a list on it."""

from typing import TYPE_CHECKING, ClassVar

from textual.screen import Screen

from companion.tui import words
from companion.tui.messages import GoBack, GoTo, ShowHelp
from companion.tui.tones import Tone
from companion.tui.widgets.lines import Lines, TitleBar
from companion.tui.widgets.table import Table

if TYPE_CHECKING:
    from companion.tui.widgets.entry import Entry


class Page(Screen[None]):
    """Has a `TitleBar`, `#said` for what it says, and an `Entry` if something can be typed."""

    TONE: ClassVar[Tone] = Tone.STRONG  # in which it speaks

    def head(self, where: str, right: str = "", tone: Tone = Tone.QUIET) -> None:
        """The top line: where one is, and how it stands."""
        left = (("knead", Tone.STRONG), (f"  {where}", Tone.PLAIN))
        self.query_one(TitleBar).show(left, ((f"{right} " if right else "", tone),))

    def say(self, text: str, hint: str = "", tone: Tone | None = None) -> None:
        """A line above the keys, and where there is room for it a hint below."""
        first = ((f" {words.plain(text, 300)}", self.TONE if tone is None else tone),)
        for said in self.query("#said").results(Lines):  # none, where the screen was left meanwhile
            said.paint((first, ((f" {words.plain(hint, 300)}", Tone.QUIET),)))

    @property
    def entry(self) -> "Entry":
        from companion.tui.widgets.entry import Entry

        return self.query_one(Entry)

    @property
    def typing(self) -> bool:
        """Whether something is being typed."""
        return any(entry.display for entry in self.query("Entry"))

    def action_go(self, place: str) -> None:
        self.post_message(GoTo(self, place))

    def action_help(self) -> None:
        self.post_message(ShowHelp(self))

    def action_leave(self) -> None:
        """What is typed is left first."""
        if self.typing:
            self.entry.close()
        else:
            self.post_message(GoBack(self))


class ListPage(Page):
    """A page with one `Table`."""

    @property
    def table(self) -> Table:
        return self.query_one(Table)

    def action_move(self, rows: int) -> None:
        self.table.move(rows)

    def action_edge(self, way: int) -> None:
        self.table.edge(way)
