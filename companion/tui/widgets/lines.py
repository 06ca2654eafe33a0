"""Lines of text across the screen."""

from collections.abc import Iterable

from textual import events
from textual.binding import Binding, BindingType
from textual.keys import format_key

from companion.tui.tones import Row, Rows, Tone
from companion.tui.widgets.painted import Painted


class Lines(Painted):
    """Plain rows: panels, lists of alerts, help."""

    def fit(self, rows: Rows) -> None:
        """Show these rows and be as high as they are: what stands beside it has the rest."""
        self.paint(rows)
        if self.styles.height is None or self.styles.height.value != len(rows):
            self.styles.height = len(rows)


class TitleBar(Painted):
    """One line: what this is on the left, how it stands on the right. The right half wins where both do not fit."""

    def show(self, left: Row, right: Row) -> None:
        right = ((" ", Tone.PLAIN), *right) if any(text for text, _ in right) else right
        room = self.size.width - sum(len(text) for text, _ in right)
        kept: list[tuple[str, Tone]] = []
        for text, tone in left:
            kept.append((text[: max(0, room)], tone))
            room -= len(text)
        self.paint(((*kept, (" " * max(0, room), Tone.PLAIN), *right),))


class KeyLine(Painted):
    """The keys that do something now. Where not all fit the last two stay, help and the way out, and the first."""

    _shown: tuple[tuple[str, str], ...] = ()

    def show(self, bindings: Iterable[BindingType]) -> None:
        rebound = getattr(self.app, "rebound", {})  # as the user wants them
        self._shown = tuple(
            (
                written(rebound[binding.id]) if binding.id in rebound else binding.key_display or binding.key,
                binding.description,
            )
            for binding in bindings
            if isinstance(binding, Binding) and binding.show and binding.description
        )
        self._fit(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size.width)

    def _fit(self, width: int) -> None:
        kept = list(self._shown)
        while len(kept) > _LAST and 1 + sum(len(key) + len(what) + 3 for key, what in kept) - 2 > width:
            kept.pop(-_LAST - 1)
        spans = [span for key, what in kept for span in ((key, Tone.STRONG), (f" {what}  ", Tone.QUIET))]
        self.paint((((" ", Tone.PLAIN), *spans),))


_LAST = 2


def written(key: str) -> str:
    """A key as it is read: `?`, not `question_mark`."""
    return format_key(key) if key and "+" not in key else key
