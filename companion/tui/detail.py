"""One session: its whole trace, its numbers, all that happened in it, and what the person says of it."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from companion.tui import keys, words
from companion.tui.aside import aside
from companion.tui.deck import FAILURES, Deck, Gap, SessionRow
from companion.tui.messages import GoBack, GoHome
from companion.tui.page import Page
from companion.tui.reviewing import EXPORTED
from companion.tui.told import log_lines, number_rows, provenance_lines
from companion.tui.tones import Tone
from companion.tui.widgets.entry import Entry
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar
from companion.tui.widgets.sessionplot import SessionPlot
from sessions.about import About, CurveFigures
from sessions.events import Event
from sessions.moments import Moment, moments

_SCORES = {str(score): score for score in range(11)}
_REFUSED = (*FAILURES, ValueError)  # a text the log does not take, too


class DetailScreen(Page):
    AUTO_FOCUS: ClassVar[str | None] = "#log"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("detail")

    def __init__(self, deck: Deck, row: SessionRow) -> None:
        super().__init__()
        self._deck = deck
        self._row = row
        self._tags: Sequence[str] = ()
        self._events: Sequence[Event] = ()
        self._gaps: Sequence[Gap] = ()
        self._moments: Sequence[Moment] = ()
        self._at_s: float | None = None  # of the moment gone to last
        self._asked = False  # to delete
        self._failure = ""  # why the samples cannot be read

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield SessionPlot(id="plot")
        with Horizontal(id="below"):
            yield Lines(id="numbers")
            with VerticalScroll(id="log"):
                yield Static(Content("reading the session ..."), id="happened")
        yield Lines(id="said")
        yield Entry(id="entry")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.query_one(KeyLine).show(self.BINDINGS)
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self._title)

    def _title(self) -> None:
        row = self._row
        where = f"session of {words.moment(row.started_at)}, {words.place(row.region, row.side)}"
        self.head(where, f"{words.plain(row.state, 12)}{' simulated' if row.simulated else ''}")

    # --- reading ---

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        name = self._row.id
        try:
            data = await aside(lambda: self._deck.load(name), self)
        except FAILURES as error:
            self._failure = words.failure(error)
            self.query_one("#happened", Static).update(Content(self._failure))
        else:
            self._row, self._events, self._gaps = data.row, data.events, data.gaps
            t_s, kpa = np.asarray(data.t_s), np.asarray(data.pressure_kpa)
            self.query_one(SessionPlot).load(t_s, kpa, data.gaps, data.events)
            self._tell(None)
        await self._read_about()

    async def _read_about(self) -> None:
        """The stored part; there also where the samples cannot be read."""
        name = self._row.id
        try:
            about = await aside(lambda: self._deck.review.about(name), self)
        except FAILURES as error:
            self.say(words.failure(error), tone=Tone.CAUTION)
            return
        self._row, self._tags, self._events = about.row, about.row.tags, about.events
        self._gaps = self._gaps or about.gaps
        self.query_one(SessionPlot).happened(self._events)
        self._tell(about)

    def _tell(self, about: About | None) -> None:
        curve = CurveFigures() if about is None else about.curve
        self._moments = moments(self._events, self._gaps)
        rows = number_rows(self._row, self._events, self._gaps, curve, self._tags)
        self.query_one("#numbers", Lines).paint(tuple(rows))
        origin = [] if about is None else provenance_lines(about)
        lines = [f"   {self._failure}"] if self._failure else []
        lines += log_lines(self._events) or ["nothing happened"]
        self.query_one("#happened", Static).update(Content("\n".join([*lines, *origin])))

    # --- the plot ---

    def action_pan(self, parts: float) -> None:
        self.query_one(SessionPlot).pan(parts)

    def action_zoom(self, factor: float) -> None:
        self.query_one(SessionPlot).zoom(factor)

    def action_fit(self) -> None:
        self._at_s = None
        self.query_one(SessionPlot).fit()

    def action_jump(self, kind: str, way: int) -> None:
        """To the next moment of a kind, or the one before; round at the end."""
        found = [moment for moment in self._moments if moment.kind == kind]
        if not found:
            self.say(f"no {kind} in this session", tone=Tone.QUIET)
            return
        at_s = self._at_s
        if at_s is None:
            moment = found[0 if way > 0 else -1]
        elif way > 0:
            moment = next((each for each in found if each.t_s > at_s), found[0])
        else:
            moment = next((each for each in reversed(found) if each.t_s < at_s), found[-1])
        self._at_s = moment.t_s
        self.query_one(SessionPlot).go_to(moment.t_s)
        place = f"{found.index(moment) + 1} of {len(found)}"
        self.say(f"{kind} {place} at {words.clock(moment.t_s)}: {moment.text}")

    # --- what the person says ---

    def action_note(self) -> None:
        self.ask("a note", words.plain(self._row.note or "", 20_000), lambda text: self._annotate(note=text))

    def action_tags(self) -> None:
        def answer(text: str) -> None:
            self._annotate(tags=list(dict.fromkeys(text.split())))

        self.ask("tags, with spaces between", words.plain(" ".join(self._tags), 3000), answer)

    def action_pain(self) -> None:
        scores = (self._row.pain_before, self._row.pain_after)
        known = " ".join("?" if score is None else str(score) for score in scores)
        self.ask("pain before and after, 0 to 10; ? for unknown", known, self._score)

    def _score(self, text: str) -> None:
        parts = text.replace(">", " ").split()
        if len(parts) != 2 or any(part not in _SCORES and part != "?" for part in parts):
            self.say("two scores, such as 6 3: before and after, 0 none to 10 the worst, ? unknown", tone=Tone.CAUTION)
            return
        scores = dict(zip(("pain_before", "pain_after"), parts, strict=True))
        unknown = [name for name, part in scores.items() if part == "?"]
        self._annotate(unknown=unknown, **{name: _SCORES[part] for name, part in scores.items() if part != "?"})

    def action_mark(self) -> None:
        plot = self.query_one(SessionPlot)
        at_s = (plot.from_s + plot.to_s) / 2
        name = self._row.id
        self.ask(
            f"a mark at {words.clock(at_s)}, the middle of what is seen",
            "",
            lambda text: self._write(lambda: self._deck.review.mark(name, at_s, text.strip())),
        )

    def action_export(self) -> None:
        name, review = self._row.id, self._deck.review
        self.ask(EXPORTED, review.proposed(self._row.started_at), lambda text: self._export(name, text))

    @work(group="write")
    async def _export(self, name: str, text: str) -> None:
        if not text.strip():
            self.say("nothing written", tone=Tone.QUIET)
            return
        try:
            self.say(await aside(lambda: self._deck.review.export([name], text), self))
        except _REFUSED as error:
            self.say(words.failure(error), tone=Tone.CAUTION)

    def _annotate(self, **said: object) -> None:
        name = self._row.id
        self._write(lambda: self._deck.review.annotate(name, **said))

    @work(group="write")
    async def _write(self, call: Callable[[], object]) -> None:
        try:
            await aside(call, self)
        except _REFUSED as error:
            self.say(words.failure(error), tone=Tone.CAUTION)
            return
        self.say("written")
        await self._read_about()

    def action_accept(self) -> None:
        """Nothing where nothing is typed; what is, the line that is typed into takes itself."""

    # --- deleting ---

    def action_ask_delete(self) -> None:
        self._asked = self._row.state != "recording"
        what = "delete this session? y deletes" if self._asked else "this session is being recorded: end it first"
        self.say(what, tone=Tone.CAUTION)

    def action_delete(self) -> None:
        if self._asked:
            self._deck.trash.put(self._row.id)
            self.post_message(GoBack(self))

    # --- leaving ---

    def action_scroll(self, rows: int) -> None:
        self.query_one("#log", VerticalScroll).scroll_relative(y=rows, animate=False)

    def action_home(self) -> None:
        self.post_message(GoHome(self))
