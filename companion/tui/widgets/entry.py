"""One line to type into: a filter, a note, a score. Hidden until it is asked for."""

from collections.abc import Callable

from textual.widget import Widget
from textual.widgets import Input

LONGEST = 20_000


class Entry(Input):
    """Asks for one thing at a time; `close` gives the focus back."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id, compact=True, max_length=LONGEST, select_on_focus=False)
        self.display = False
        self.answer: Callable[[str], object] | None = None
        self._before: Widget | None = None  # had the keys before

    def ask(self, what: str, value: str, answer: Callable[[str], object]) -> None:
        """Show the line, with what it is for where it is empty."""
        self.answer = answer
        self.placeholder = what
        self.value = value
        self.cursor_position = len(value)
        if not self.display:
            self._before = self.screen.focused
        self.display = True
        self.screen.set_focus(self)  # at once: `focus` waits, and would come after a key that closes it again

    def accept(self) -> None:
        answer, text = self.answer, self.value
        self.close()
        if answer is not None:
            answer(text)

    def close(self) -> None:
        self.answer = None
        self.display = False
        self.screen.set_focus(self._before)

    def step(self, way: int) -> None:
        """The cursor a letter on, or back."""
        (self.action_cursor_right if way > 0 else self.action_cursor_left)()
