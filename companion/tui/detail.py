"""One session: its whole trace, its numbers, and all that happened in it."""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from companion.tui import words
from companion.tui.aside import aside
from companion.tui.deck import FAILURES, Deck, SessionData, SessionRow
from companion.tui.messages import GoBack, GoHome, ShowHelp
from companion.tui.tones import Row, Tone
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar
from companion.tui.widgets.sessionplot import SessionPlot
from sessions.events import Alert, Event, Notice, Phase, Reading, Totals

LINES_MAX = 2000  # of the log shown; a longer one says so


class DetailScreen(Screen[None]):
    AUTO_FOCUS: ClassVar[str | None] = "#log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "pan(-0.25)", "Earlier", key_display="left", priority=True),
        Binding("right", "pan(0.25)", "Later", key_display="right", priority=True),
        Binding("plus,equals_sign", "zoom(0.5)", "Closer", key_display="+"),
        Binding("minus", "zoom(2.0)", "Further", key_display="-"),
        Binding("0", "fit", "Whole"),
        Binding("1", "home", "Home"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q,escape", "leave", "Back", key_display="q"),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, deck: Deck, row: SessionRow) -> None:
        super().__init__()
        self._deck = deck
        self._row = row

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield SessionPlot(id="plot")
        with Horizontal(id="below"):
            yield Lines(id="numbers")
            with VerticalScroll(id="log"):
                yield Static(Content("reading the session ..."), id="happened")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.query_one(KeyLine).show(self.BINDINGS)
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self._title)

    def _title(self) -> None:
        row = self._row
        where = f"  session of {words.moment(row.started_at)}, {words.place(row.region, row.side)}"
        right = (f"{words.plain(row.state, 12)}{' simulated' if row.simulated else ''} ", Tone.QUIET)
        self.query_one(TitleBar).show((("knead", Tone.STRONG), (where, Tone.PLAIN)), (right,))

    @work(exclusive=True)
    async def _read(self) -> None:
        log = self.query_one("#happened", Static)
        try:
            data = await aside(lambda: self._deck.load(self._row.id))
        except FAILURES as error:
            log.update(Content(words.failure(error)))
            return
        t_s, kpa = np.asarray(data.t_s), np.asarray(data.pressure_kpa)
        self.query_one(SessionPlot).load(t_s, kpa, data.gaps, data.events)
        self.query_one("#numbers", Lines).paint(tuple(number_rows(data)))
        log.update(Content("\n".join(log_lines(data.events)) or "nothing happened"))

    def action_pan(self, parts: float) -> None:
        self.query_one(SessionPlot).pan(parts)

    def action_zoom(self, factor: float) -> None:
        self.query_one(SessionPlot).zoom(factor)

    def action_fit(self) -> None:
        self.query_one(SessionPlot).fit()

    def action_scroll(self, rows: int) -> None:
        self.query_one("#log", VerticalScroll).scroll_relative(y=rows, animate=False)

    def action_home(self) -> None:
        self.post_message(GoHome())

    def action_help(self) -> None:
        self.post_message(ShowHelp())

    def action_leave(self) -> None:
        self.post_message(GoBack())


def number_rows(data: SessionData) -> list[Row]:
    """What one asks first of a session."""
    row = data.row
    gap_s = sum(gap.to_s - gap.from_s for gap in data.gaps)
    raised = Counter(
        event.level.name.lower()
        for event in data.events
        if isinstance(event, Alert) and event.phase in (Phase.RAISED, Phase.ESCALATED)
    )
    counts = ", ".join(f"{level} {count}" for level, count in sorted(raised.items())) or "none"
    pain = f"{_or_unknown(row.pain_before)} before, {_or_unknown(row.pain_after)} after"
    facts = (
        ("length", words.clock(row.duration_s)),
        ("contact", words.clock(row.contact_s)),
        ("peak", f"{words.number(row.peak_kpa)} kPa"),
        ("alerts", counts),
        ("gaps", f"{len(data.gaps)}, together {gap_s:.1f} s, {_or_unknown(row.lost)} scans lost"),
        ("ball", words.plain(row.device or words.UNKNOWN, 30)),
        ("tool", words.plain(row.tool, 20)),
        ("pain", pain),
        ("note", words.plain(row.note or "", 60)),
    )
    return [((f" {name:<8}", Tone.QUIET), (text, Tone.PLAIN)) for name, text in facts if text]


def _or_unknown(value: int | None) -> str:
    return words.UNKNOWN if value is None else str(value)


def _is_routine(event: Event) -> bool:
    """The ball says how it is every few seconds."""
    return isinstance(event, Notice) and event.kind == "status"


def log_lines(happened: Sequence[Event]) -> list[str]:
    """The events that are no measurement, one line each, with their session time."""
    shown = [event for event in happened if not (isinstance(event, Reading | Totals) or _is_routine(event))]
    lines = [f"{words.clock(event.t_s):>8}  {words.event(event)}" for event in shown[:LINES_MAX]]
    if len(shown) > LINES_MAX:
        lines.append(f"          and {len(shown) - LINES_MAX} more")
    return lines
