"""The screen after a session: it is saved already; what happened, what is left today, and how it feels now."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType

from companion.tui import keys, words
from companion.tui.aftermath import WORST, Aftermath, fact_rows, score_rows
from companion.tui.aside import aside
from companion.tui.deck import FAILURES, Deck, SessionRow
from companion.tui.messages import Finished, OpenSession
from companion.tui.page import Page
from companion.tui.tones import Tone
from companion.tui.widgets.entry import Entry
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar

PATIENCE_S = 60.0  # without a key the session stays without a score
SHORT_S = 8.0  # of a simulated session, and of one without contact: nobody was pressed
_REFUSED = (*FAILURES, ValueError)  # a text the log does not take, too


class AfterScreen(Page):
    """Asks; never a gate. Says `Finished` when it was answered, skipped, or left alone for `patience_s`."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("after")

    def __init__(self, deck: Deck, session: str, ended: str = "") -> None:
        super().__init__()
        self._deck = deck
        self._session = session
        self._ended = ended
        self._told: Aftermath | None = None
        self._score: int | None = None
        self._failure = ""
        self._left = False
        self._touched = False

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield Lines(id="score")
        yield Lines(id="facts")
        yield Lines(id="said")
        yield Entry(id="entry")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.query_one(KeyLine).show(self.BINDINGS)
        self.say("the session is saved", "reading it ...")
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # --- reading and showing ---

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        deck, name = self._deck, self._session

        def read() -> Aftermath:
            about = deck.review.about(name)
            row = about.row
            left: Sequence[str] = () if row.simulated else deck.left(row.region, row.side)
            return Aftermath(row, about.events, tuple(left), row.note, row.tags, self._ended)

        try:
            told = await aside(read, self)
        except FAILURES as error:
            self._failure = words.failure(error)
            self.say("the session is saved, but cannot be read", self._failure, Tone.CAUTION)
            self.set_timer(PATIENCE_S, self._give_up)
            return
        first = self._told is None
        self._told = told
        if first:
            self._score = told.row.pain_after
            self.set_timer(self._patience_s, self._give_up)
            self._hint()
        self._show()

    @property
    def _patience_s(self) -> float:
        """Where nobody was pressed, nobody is waited for long."""
        pressed = self._told is not None and not self._told.row.simulated and self._told.row.contact_s
        return PATIENCE_S if pressed else SHORT_S

    def _hint(self) -> None:
        simulated = self._told is not None and self._told.row.simulated
        stays = "without a score" if self._score is None else "as it is"
        counts = "; simulated: it does not count" if simulated else ""
        self.say(
            "the session is saved; score with 0 to 9, x is ten; enter writes it",
            f"without a key in {self._patience_s:.0f} s it stays {stays}{counts}",
        )

    def _show(self) -> None:
        told = self._told
        where = "" if told is None else f"  {words.place(told.row.region, told.row.side)}"
        self.head(f"after the session{where}", "simulated" if told is not None and told.row.simulated else "")
        score = self.query_one("#score", Lines)
        score.paint(score_rows(self._score, score.size.width, score.size.height))
        if told is not None:
            rows, facts = tuple(fact_rows(told, self.size.width)), self.query_one("#facts", Lines)
            if facts.styles.height is None or facts.styles.height.value != len(rows) + 1:
                facts.styles.height = len(rows) + 1
                self.call_after_refresh(self._show)  # the score has another height now
            facts.paint(rows)

    # --- scoring ---

    def on_key(self, event: events.Key) -> None:
        self._touched = True  # somebody is here: nothing is hurried

    def action_score(self, score: int) -> None:
        self._touched = True
        self._score = score
        self.say(f"pain now: {score}; enter writes it", "esc goes on without it")
        self._show()

    def action_step(self, by: int) -> None:
        self.action_score(min(WORST, max(0, by if self._score is None else self._score + by)))

    def action_keep(self) -> None:
        self._touched = True
        if self._score is None:
            self._finish()
        else:
            score = self._score
            self._write(lambda: self._deck.review.annotate(self._session, pain_after=score), then=self._finish)

    def action_before(self) -> None:
        def answer(text: str) -> None:
            if text.strip() not in {str(score) for score in range(WORST + 1)}:
                self.say("a score from 0 to 10; nothing is written", tone=Tone.CAUTION)
                return
            score = int(text)
            self._write(lambda: self._deck.review.annotate(self._session, pain_before=score))

        self.ask("pain before the session, 0 to 10", "", answer)

    def action_note(self) -> None:
        note = "" if self._told is None else self._told.note
        self.ask("a note", words.plain(note, 20_000), lambda text: self._annotate(note=text))

    def action_tags(self) -> None:
        tags = () if self._told is None else self._told.tags
        self.ask(
            "tags, with spaces between",
            words.plain(" ".join(tags), 3000),
            lambda text: self._annotate(tags=list(dict.fromkeys(text.split()))),
        )

    def ask(self, what: str, value: str, answer: Callable[[str], object]) -> None:
        self._touched = True
        super().ask(what, value, answer)
        self.call_after_refresh(self._show)

    def on_entry_closed(self, message: Entry.Closed) -> None:
        self.call_after_refresh(self._show)

    def _annotate(self, **said: object) -> None:
        self._write(lambda: self._deck.review.annotate(self._session, **said))

    @work(group="write")
    async def _write(self, call: Callable[[], object], then: Callable[[], None] | None = None) -> None:
        try:
            await aside(call, self)
        except _REFUSED as error:
            self.say(words.failure(error), tone=Tone.CAUTION)
            return
        if then is not None:
            then()
            return
        self.say("written", "enter writes the score, esc goes on without it")
        self._read()

    # --- leaving ---

    def _give_up(self) -> None:
        if not self._touched:
            self._finish()

    def _finish(self) -> None:
        if not self._left:
            self._left = True
            self.post_message(Finished())

    def row(self) -> SessionRow | None:
        """The session, once it has been read."""
        return None if self._told is None else self._told.row

    def action_open(self) -> None:
        self._touched = True
        row = self.row()
        if row is not None:
            self.post_message(OpenSession(self, row))

    def action_help(self) -> None:
        self._touched = True
        super().action_help()

    def action_leave(self) -> None:
        self._finish()
