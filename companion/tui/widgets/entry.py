"""One line to type into: a filter, a note, a score. Hidden until it is asked for."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

LONGEST = 20_000


class Entry(Input):
    """Asks for one thing at a time. While it does, all keys are its own, so that each comes in its turn.

    Enter hands over what was typed, escape gives it up; either way the keys go back to who had them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", show=False),
        Binding("tab,shift+tab,up,down", "stay", show=False),
    ]

    class Closed(Message):
        """It asks no longer; `answered`: not given up."""

        def __init__(self, *, answered: bool) -> None:
            super().__init__()
            self.answered = answered

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
        self.close(answered=True)
        if answer is not None:
            answer(text)

    def close(self, *, answered: bool = False) -> None:
        self.answer = None
        self.display = False
        self.screen.set_focus(self._before)
        self.post_message(self.Closed(answered=answered))

    async def on_key(self, event: events.Key) -> None:
        """A key that does something does it in its turn: a binding would wait until the key has gone all the way up."""
        if not self.display:
            event.prevent_default()  # it came before the line was closed, and is for who has the keys now
            return
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            event.stop()
            event.prevent_default()
            await self.run_action(binding.action)
            return

    async def action_submit(self) -> None:
        """What Textual calls for enter."""
        self.accept()

    def action_give_up(self) -> None:
        self.close()

    def action_stay(self) -> None:
        """There is nowhere else to go."""
