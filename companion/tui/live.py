"""The live screen: the number, its zone, the last thirty seconds, and what to do."""

import math
import time
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from companion.tui import keys, words
from companion.tui.deck import Live
from companion.tui.face import Now, alert_rows, look, panel_rows, start_rows, title_row
from companion.tui.guide import guide_lines, guide_rows
from companion.tui.messages import Do, EndLive, ShowHelp
from companion.tui.snapshot import Snapshot
from companion.tui.tones import Rows, Tone
from companion.tui.widgets.bignumber import BigNumber
from companion.tui.widgets.gauge import Gauge
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar
from companion.tui.widgets.tiny import Tiny
from companion.tui.widgets.trace import Trace
from sessions.events import Cue, Notice

SMALLEST = (80, 24)  # below it only number and word
TALL = 40  # rows from which the number has 14
ROOMY = 28  # rows from which the gauge of the far view is thick
WIDE_FOR_TALL = 114  # three numerals of 14 rows, and the panel beside them; else it stands below
TWICE_S = 3.0  # within which a second press counts
WORDS_S, ROW_S = 5.0, 3.0  # what is said at the start stands for so long, and so much longer for each line of it
FAR_ROWS = 21  # of the far view below ROOMY rows: all but words and trace
LEAST_TRACE = 3  # rows: with fewer it says nothing
WAIT_S = 2.0  # without a reading, until it is said that one is waited for
_ANSWER_S = 5.0  # that a notice stays
_THROUGH = ("end", "end_twice", "symptom")  # what keeps its meaning after a stop: leaving, and pain


class LiveScreen(Screen[None]):
    """Shows one run. It is told `show` at every frame and reads nothing by itself."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("live")

    def __init__(self, live: Live) -> None:
        super().__init__()
        self._live = live
        self._said = ""
        self._said_until_s = 0.0
        self._asked_to_end_s = -TWICE_S
        self._mounted_s = math.inf
        self._heard = -1  # number of the newest event looked at
        self.ending = False
        self._words_until_s: float | None = None  # what is said at the start stands for so long; None: not yet said
        self._words_rows: Rows = ()
        self._words_made_for: tuple[object, ...] = ()
        self._far_by_hand = False  # the person has chosen the view
        self._title = TitleBar(id="title")
        self._alerts = Lines(id="alerts")
        self._number = BigNumber(id="number")
        self._panel = Lines(id="panel")
        self._gauge = Gauge(id="gauge")
        self._trace = Trace(id="trace")
        self._area = Trace(id="area", solid=True)
        self._words = Lines(id="words")
        self._keys = KeyLine(id="keys")
        self._tiny = Tiny(id="tiny")

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._alerts
        with Horizontal(id="middle"):
            yield self._number
            yield self._panel
        yield self._gauge
        yield self._words
        yield self._trace
        yield self._area
        yield self._keys
        yield self._tiny

    def on_mount(self) -> None:
        self._mounted_s = time.monotonic()
        self._fit(self.app.size.width, self.app.size.height)
        self._keys.show(self.BINDINGS)
        self.show(look(self._live))  # before the first layout: what is said at the start has its height in it

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size.width, event.size.height)
        self.show(look(self._live))

    def _fit(self, width: int, height: int) -> None:
        self.set_class(width < SMALLEST[0] or height < SMALLEST[1], "-tiny")
        self.set_class(height >= TALL, "-tall")
        self.set_class(height >= ROOMY, "-roomy")
        self.set_class(width < WIDE_FOR_TALL, "-narrow")

    def show(self, now: Now) -> None:
        """Paint a moment. Widgets repaint only what differs."""
        if self.has_class("-tiny"):
            self._tiny.show(now)
            return
        self._listen(now.snapshot)
        self.set_class(now.lost_under_load, "-lost")
        if now.snapshot.hands and not self._far_by_hand:
            self.add_class("-far")  # begun without hands: nobody sits before it
        far = self.has_class("-far")
        self._say_words(now)
        self._title.show(*title_row(now))
        size = self._alerts.size
        led = guide_lines(now.coach) if now.coach is not None and far else ()
        self._alerts.paint(alert_rows(now, size.height, size.width, self._saying(now.snapshot), led))
        self._number.show(now, far=far)
        if not far:
            panel = self._panel.size
            coach = now.coach
            self._panel.paint(panel_rows(now) if coach is None else guide_rows(now, coach, panel.width, panel.height))
        self._gauge.show(now)
        (self._area if far else self._trace).show(now, self._live.view.ring)

    def _say_words(self, now: Now) -> None:
        """What holds for this session, said once as it begins; a key brings it back."""
        if now.snapshot.opened is None:
            return
        until_s = self._words_until_s
        shown = until_s is None or time.monotonic() < until_s
        made_for = (now.snapshot.opened, now.snapshot.judged, now.snapshot.totals is None, self.size.width)
        if shown and made_for != self._words_made_for:
            self._words_made_for = made_for
            self._words_rows = start_rows(now, self._live.words, self.size.width)
        rows = self._fitting(self._words_rows)
        self.set_class(shown and self._far_room - len(rows) < LEAST_TRACE, "-full")
        if until_s is None:
            self._words_until_s = time.monotonic() + WORDS_S + ROW_S * len(rows)
        if shown != self._words.display:
            self._words.display = shown
        if shown:
            self._words.fit(rows)

    @property
    def _far_room(self) -> int:
        """Rows that words and trace share in the far view, where it is at its lowest."""
        height = self.app.size.height
        return height - FAR_ROWS if height < ROOMY else height

    def _fitting(self, rows: Rows) -> Rows:
        """As many as the far view has room for; the near one has more."""
        if not self.has_class("-far") or len(rows) <= self._far_room:
            return rows
        return (*rows[: self._far_room - 1], ((_MORE, Tone.QUIET),))

    def action_words(self) -> None:
        self._words_until_s = None

    def _listen(self, snapshot: Snapshot) -> None:
        """Say what the ball or the guard answered since the last frame."""
        for item in snapshot.events[::-1]:
            if item.number <= self._heard:
                break
            match item.event:
                case Notice() as notice if _is_answer(notice):
                    self.say(words.plain(notice.text, 160), _ANSWER_S)
                    break
                case Cue(kind=kind, text=text) if kind in _SPOKEN:
                    self.say(words.plain(text, 160), _FINISH_S if kind == "finish" else _ANSWER_S)
                    break
                case _:
                    pass
        if snapshot.events:
            self._heard = snapshot.events[-1].number

    def say(self, text: str, seconds: float = TWICE_S) -> None:
        """A line of the screen's own, for a while, above the alerts."""
        self._said = text
        self._said_until_s = time.monotonic() + seconds

    def _saying(self, snapshot: Snapshot) -> str:
        now_s = time.monotonic()
        if self.ending:
            return "ending and saving the session ..."
        if now_s < self._said_until_s:
            return self._said
        return _WAITING if snapshot.opened is None and now_s - self._mounted_s > WAIT_S else ""

    def on_key(self, event: events.Key) -> None:
        """While a stop waits to be confirmed, any other key confirms it."""
        if self._live.view.snapshot().stopped and event.key not in self._through:
            event.stop()
            self.post_message(Do("confirm"))

    @property
    def _through(self) -> set[str]:
        """The keys that keep their meaning after a stop: leaving, and pain."""
        now = keys.TABLE["live"]
        rebound: dict[str, str] = getattr(self.app, "rebound", {})
        kept = (rebound.get(f"live.{key.deed}", key.keys) for key in now if key.deed in _THROUGH)
        return {*("ctrl+q", "ctrl+c"), *(each for each in ",".join(kept).split(","))}

    def action_pain(self, score: int) -> None:
        """Before the first contact it is the pain before, from then on that of the last hold."""
        totals = self._live.view.snapshot().totals
        when = "hold" if totals is not None and totals.contact_s > 0 else "before"
        self.post_message(Do("pain", value=score, when=when, by="key"))
        self.say(f"pain {score} of 10 is kept")

    def action_act(self, kind: str) -> None:
        self.post_message(Do(kind))
        self.say(_SAID[kind])

    def action_far(self) -> None:
        self._far_by_hand = True
        self.toggle_class("-far")

    def action_end(self) -> None:
        self.post_message(EndLive())

    def action_end_twice(self) -> None:
        """A touch of one key must not end a session; before the first reading there is none."""
        now_s = time.monotonic()
        if now_s - self._asked_to_end_s < TWICE_S or self._live.view.snapshot().opened is None:
            self.post_message(EndLive())
            return
        self._asked_to_end_s = now_s
        self.say("press esc again to end; the session is saved")

    def action_help(self) -> None:
        self.post_message(ShowHelp(self))


def _is_answer(notice: Notice) -> bool:
    """What a person wants to be told at once, and not only find in the log."""
    return notice.kind in _ANSWERS or (notice.kind, notice.fields.get("state")) in _ANSWER_STATES


_WAITING = "no reading yet: without one this ends by itself; esc leaves"
_MORE = "     more: f, then w"
_ANSWER_STATES = (("link", "lost"), ("limit", "lowered"), ("limit", "off"))
_ANSWERS = (
    "hands",
    "refused",
    "zero",
    "region",
    "end",
    "segment",
    "calibration",
    "storage",
    "observer",
    "sound",
    "terms",
)
_SPOKEN = (
    "program",
    "next",
    "step",
    "rest",
    "rested",
    "skip",
    "breathe",
    "finish",
)  # of a program: shown as they are heard
_FINISH_S = 30.0  # that the last words of a program stay
_SAID = {
    "tare": "zero asked for",
    "mark": "mark set",
    "pause": "pause, or going on; warnings go on in any case",
    "next": "next step",
    "back": "the step before",
    "symptom": "noted: stop, and come off the ball",
    "silence": "sound off for a minute",
}
