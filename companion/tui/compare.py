"""Sessions laid over each other, and how sessions went over weeks. What caused a change is never said."""

from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from companion.tui import keys, words
from companion.tui.aside import aside
from companion.tui.deck import FAILURES, Deck
from companion.tui.overlay import MARKERS, TONES, Compared, overlay_rows
from companion.tui.page import Page
from companion.tui.tables import NO_CAUSE, figure_lines, trend_lines
from companion.tui.tones import Row, Tone
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar
from companion.tui.widgets.painted import Painted

_WEEKS = (12, 26, 52, 4)
NONE = ("A session on a ball of your own is told here once it is saved;", "one on a virtual ball does not count.")


class Overlay(Painted):
    """The curves of several sessions; those in `shown` are drawn."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self._found: Compared | None = None
        self.shown: frozenset[int] = frozenset(range(len(MARKERS)))

    def show(self, found: Compared) -> None:
        self._found = found
        self.draw()

    def toggle(self, place: int) -> None:
        self.shown ^= {place}
        self.draw()

    def draw(self) -> None:
        if self._found is not None:
            self.paint(overlay_rows(self._found, self.size.width, self.size.height, self.shown))

    def on_resize(self, event: events.Resize) -> None:
        self.draw()


class CompareScreen(Page):
    TONE: ClassVar[Tone] = Tone.QUIET
    AUTO_FOCUS: ClassVar[str | None] = "#figures"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("compare")

    def __init__(self, deck: Deck, sessions: tuple[str, ...]) -> None:
        super().__init__()
        self._deck = deck
        self._ids = sessions
        self._found: Compared | None = None
        self._aligns = ["start", "contact"]
        self._trends = not sessions
        self._weeks = 0

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield Overlay(id="overlay")
        yield Lines(id="legend")
        with VerticalScroll(id="figures"):
            yield Static(Content(""), id="table")
        yield Lines(id="said")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.query_one(KeyLine).show(self.BINDINGS)
        self._show()

    def on_resize(self) -> None:
        self.call_after_refresh(self._title)

    def _title(self) -> None:
        what = f"trends, {_WEEKS[self._weeks]} weeks" if self._trends else f"{len(self._ids)} sessions compared"
        self.head(what, "" if self._trends else f"aligned on {self._aligns[0]}")

    def _show(self) -> None:
        for name in ("#overlay", "#legend"):
            self.query_one(name).display = not self._trends
        self._title()
        self.say("reading the log ...")
        if self._trends:
            self._read_trends()
        else:
            self._read_overlay()

    @work(exclusive=True, group="read")
    async def _read_overlay(self) -> None:
        align = self._aligns[0]
        try:
            found = await aside(lambda: self._deck.review.compared(self._ids, align), self)
        except FAILURES as error:
            self.say(words.failure(error), tone=Tone.CAUTION)
            return
        steps = [f"step {number}" for number in range(1, found.steps + 1)]
        self._aligns += [step for step in steps if step not in self._aligns]
        self._found = found
        self.query_one(Overlay).show(found)
        self._legend()
        self.query_one("#table", Static).update(Content("\n".join(figure_lines(found.figures))))
        self.say(NO_CAUSE)

    def _legend(self) -> None:
        if self._found is None:
            return
        shown = self.query_one(Overlay).shown
        spans: Row = ()
        for place, row in enumerate(self._found.rows):
            absent = "" if self._found.starts[place] is not None else f" has no {self._found.align}"
            hidden = "" if place in shown else " (hidden)"
            simulated = " sim" if row.simulated else ""
            text = f" {MARKERS[place]} {row.started_at.astimezone():%d %b %H:%M}{simulated}{absent}{hidden} "
            spans += ((text, TONES[place]),)
        self.query_one("#legend", Lines).paint((spans,))

    @work(exclusive=True, group="read")
    async def _read_trends(self) -> None:
        weeks = _WEEKS[self._weeks]
        try:
            trends = await aside(lambda: self._deck.review.trends(weeks), self)
        except FAILURES as error:
            self.say(words.failure(error), tone=Tone.CAUTION)
            return
        lines = (
            trend_lines(trends.found) if trends.found else [f"no real sessions in the last {weeks} weeks", "", *NONE]
        )
        lines = [*trends.plans, *[""][: len(trends.plans)], *lines]
        self.query_one("#table", Static).update(Content("\n".join(lines)))
        left_out = f"{trends.simulated} sim. left out. " if trends.simulated else ""
        self.say(left_out + NO_CAUSE)

    def action_turn(self) -> None:
        if self._ids:
            self._trends = not self._trends
            self._show()
        else:
            self.say("select 2 to 5 sessions in the list first", tone=Tone.CAUTION)

    def action_align(self) -> None:
        if not self._trends:
            self._aligns = [*self._aligns[1:], self._aligns[0]]
            self._show()

    def action_weeks(self) -> None:
        if self._trends:
            self._weeks = (self._weeks + 1) % len(_WEEKS)
            self._show()

    def action_hide(self, place: int) -> None:
        if not self._trends and place < len(self._ids):
            self.query_one(Overlay).toggle(place)
            self._legend()

    def action_scroll(self, rows: int) -> None:
        self.query_one("#figures", VerticalScroll).scroll_relative(y=rows, animate=False)
