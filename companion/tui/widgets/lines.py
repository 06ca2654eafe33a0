"""Lines of text across the screen."""

from collections.abc import Iterable

from textual.binding import Binding, BindingType

from companion.tui.tones import Row, Tone
from companion.tui.widgets.painted import Painted


class Lines(Painted):
    """Plain rows: panels, lists of alerts, help."""


class TitleBar(Painted):
    """One line: what this is on the left, how it stands on the right. The right half wins where both do not fit."""

    def show(self, left: Row, right: Row) -> None:
        room = self.size.width - sum(len(text) for text, _ in right)
        kept: list[tuple[str, Tone]] = []
        for text, tone in left:
            kept.append((text[: max(0, room)], tone))
            room -= len(text)
        self.paint(((*kept, (" " * max(0, room), Tone.PLAIN), *right),))


class KeyLine(Painted):
    """The keys that do something now."""

    def show(self, bindings: Iterable[BindingType]) -> None:
        spans: list[tuple[str, Tone]] = [(" ", Tone.PLAIN)]
        for binding in bindings:
            if isinstance(binding, Binding) and binding.show and binding.description:
                spans += [
                    (binding.key_display or binding.key, Tone.STRONG),
                    (f" {binding.description}  ", Tone.QUIET),
                ]
        self.paint((tuple(spans),))
