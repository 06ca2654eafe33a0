"""A page: a screen that is gone to, read and left again; and one with a list on it."""

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import Screen

from companion.tui import words
from companion.tui.messages import GoBack, GoTo, ShowHelp
from companion.tui.tones import Tone
from companion.tui.widgets.lines import Lines, TitleBar
from companion.tui.widgets.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from companion.tui.widgets.entry import Entry

_HOW = "enter takes it, esc changes nothing"


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

    def ask(self, what: str, value: str, answer: "Callable[[str], object]") -> None:
        """Have something typed, beginning with `value`; what it is for stays to be read meanwhile."""
        self.say(what, _HOW)
        self.entry.ask(what, value, answer)

    def on_entry_closed(self, message: "Entry.Closed") -> None:
        if not message.answered:
            self.say("nothing is changed")

    @property
    def typing(self) -> bool:
        """Whether something is being typed."""
        return any(entry.display for entry in self.query("Entry"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What comes before the widget with the focus otherwise does not while something is typed."""
        return not (action in self._first and self.typing)

    @property
    def _first(self) -> set[str]:
        bound = (binding for binding in self.BINDINGS if isinstance(binding, Binding))
        return {binding.action.partition("(")[0] for binding in bound if binding.priority}

    def action_go(self, place: str) -> None:
        self.post_message(GoTo(self, place))

    def action_help(self) -> None:
        self.post_message(ShowHelp(self))

    def action_leave(self) -> None:
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
