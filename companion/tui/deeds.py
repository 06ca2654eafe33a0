"""All that can be done here, by name: type some letters of it, then enter. For who does not know the key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from companion.tui import keys
from companion.tui.keys import Key
from companion.tui.tones import Row, Rows, Tone
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that can be done on a screen."""

    name: str  # what it is rebound by
    key: str  # as it is written
    told: str
    action: str


def deeds_of(screen: str, table: Mapping[str, tuple[Key, ...]]) -> list[Deed]:
    """Those of a screen, then those that are the same everywhere. Moves of the cursor are left out."""
    return [
        Deed(f"{place}.{key.deed}", key.shown or key.keys.split(",")[0], key.told or key.label, key.action)
        for place in (screen, "app")
        for key in table.get(place, ())
        if (key.told or key.label) and key.deed not in ("up", "down", "deeds")
    ]


def found(deeds: list[Deed], typed: str) -> list[Deed]:
    """Those whose words hold all the words typed, in the table's order."""
    words = typed.lower().split()
    return [deed for deed in deeds if all(word in f"{deed.told} {deed.name} {deed.key}".lower() for word in words)]


class DeedsScreen(Screen[str]):
    """Gives the action that was chosen; an empty text where none was."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("deeds")

    def __init__(self, deeds: list[Deed]) -> None:
        super().__init__()
        self._deeds = deeds
        self._typed = ""
        self._cursor = 0

    @property
    def shown(self) -> list[Deed]:
        return found(self._deeds, self._typed)

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield Lines(id="deeds")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.query_one(KeyLine).show(self.BINDINGS)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def on_key(self, event: events.Key) -> None:
        """Letters are what is looked for."""
        if event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.character is not None and event.character.isprintable() and len(self._typed) < 40:
            self._typed += event.character
        else:
            return
        event.stop()
        event.prevent_default()
        self._cursor = 0
        self._show()

    def action_move(self, by: int) -> None:
        self._cursor = min(max(0, self._cursor + by), max(0, len(self.shown) - 1))
        self._show()

    def action_choose(self) -> None:
        shown = self.shown
        if shown:
            self.dismiss(shown[self._cursor].action)

    def action_leave(self) -> None:
        self.dismiss("")

    def _show(self) -> None:
        left = (("knead", Tone.STRONG), (f"  do: {self._typed}▏", Tone.PLAIN))
        self.query_one(TitleBar).show(left, ())
        lines = self.query_one("#deeds", Lines)
        lines.paint(self._rows(lines.size.height))

    def _rows(self, height: int) -> Rows:
        shown = self.shown
        if not shown:
            return ((("  nothing is called that", Tone.QUIET),),)
        first = max(0, self._cursor - height + 1)
        return tuple(
            _row(deed, at == self._cursor) for at, deed in enumerate(shown[first : first + height], start=first)
        )


def _row(deed: Deed, here: bool) -> Row:
    text = f"  {deed.key:>8}  {deed.told:<44.44} {deed.name}"
    return ((text, Tone.CURSOR if here else Tone.PLAIN),)
