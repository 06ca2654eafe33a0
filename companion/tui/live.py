"""The live screen: the number, its zone, the last thirty seconds, and what to do."""

import time
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from companion.tui import words
from companion.tui.deck import Live
from companion.tui.face import Now, alert_rows, panel_rows, title_row
from companion.tui.liveview import Snapshot
from companion.tui.messages import Do, EndLive, ShowHelp
from companion.tui.widgets.bignumber import BigNumber
from companion.tui.widgets.gauge import Gauge
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar
from companion.tui.widgets.tiny import Tiny
from companion.tui.widgets.trace import Trace
from sessions.events import Notice

SMALLEST = (80, 24)  # below it only number and word
TALL = 40  # rows from which the number has 14
WIDE_FOR_TALL = 112  # three numerals of 14 rows, and the panel beside them
TWICE_S = 3.0  # within which a second press counts
_ANSWER_S = 5.0  # that a notice stays
_THROUGH = ("q", "escape", "f", "ctrl+q", "ctrl+c", "question_mark")  # keys that do not confirm a stop


class LiveScreen(Screen[None]):
    """Shows one run. It is told `show` at every frame and reads nothing by itself."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "end", "End"),
        Binding("escape", "end_twice", "End (twice)", key_display="esc"),
        Binding("z", "act('tare')", "Zero"),
        Binding("m", "act('mark')", "Mark"),
        Binding("s", "act('symptom')", "Pain/numb"),
        Binding("x", "act('silence')", "Mute"),
        Binding("f", "far", "Far"),
        Binding("question_mark", "help", "Help", key_display="?"),
    ]

    def __init__(self, live: Live) -> None:
        super().__init__()
        self._live = live
        self._said = ""
        self._said_until_s = 0.0
        self._asked_to_end_s = -TWICE_S
        self._heard = -1  # number of the newest event looked at
        self.ending = False

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield Lines(id="alerts")
        with Horizontal(id="middle"):
            yield BigNumber(id="number")
            yield Lines(id="panel")
        yield Gauge(id="gauge")
        yield Trace(id="trace")
        yield Trace(id="area", solid=True)
        yield KeyLine(id="keys")
        yield Tiny(id="tiny")

    def on_mount(self) -> None:
        self._fit(self.app.size.width, self.app.size.height)
        self.query_one(KeyLine).show(self.BINDINGS)

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size.width, event.size.height)

    def _fit(self, width: int, height: int) -> None:
        self.set_class(width < SMALLEST[0] or height < SMALLEST[1], "-tiny")
        self.set_class(height >= TALL and width >= WIDE_FOR_TALL, "-tall")

    def show(self, now: Now) -> None:
        """Paint a moment. Widgets repaint only what differs."""
        if self.has_class("-tiny"):
            self.query_one(Tiny).show(now)
            return
        self._listen(now.snapshot)
        self.set_class(now.lost_under_load, "-lost")
        self.query_one(TitleBar).show(*title_row(now))
        alerts = self.query_one("#alerts", Lines)
        alerts.paint(alert_rows(now, alerts.size.height, alerts.size.width, self._saying()))
        self.query_one(BigNumber).show(now, far=self.has_class("-far"))
        if not self.has_class("-far"):
            self.query_one("#panel", Lines).paint(panel_rows(now))
        self.query_one(Gauge).show(now)
        trace = "#area" if self.has_class("-far") else "#trace"
        self.query_one(trace, Trace).show(now, self._live.view.ring)

    def _listen(self, snapshot: Snapshot) -> None:
        """Say what the ball or the guard answered since the last frame."""
        for item in snapshot.events[::-1]:
            if item.number <= self._heard:
                break
            if isinstance(item.event, Notice) and item.event.kind in _SAID_ALOUD:
                self.say(words.plain(item.event.text, 120), _ANSWER_S)
                break
        if snapshot.events:
            self._heard = snapshot.events[-1].number

    def say(self, text: str, seconds: float = TWICE_S) -> None:
        """A line of the screen's own, for a while, above the alerts."""
        self._said = text
        self._said_until_s = time.monotonic() + seconds

    def _saying(self) -> str:
        if self.ending:
            return "ending and saving the session ..."
        return self._said if time.monotonic() < self._said_until_s else ""

    def on_key(self, event: events.Key) -> None:
        """While a stop waits to be confirmed, any key but those that leave confirms it."""
        if self._live.view.snapshot().stopped and event.key not in _THROUGH:
            event.stop()
            self.post_message(Do("confirm"))

    def action_act(self, kind: str) -> None:
        self.post_message(Do(kind))
        self.say(_SAID[kind])

    def action_far(self) -> None:
        self.toggle_class("-far")

    def action_end(self) -> None:
        self.post_message(EndLive())

    def action_end_twice(self) -> None:
        """A touch of one key must not end a session."""
        now_s = time.monotonic()
        if now_s - self._asked_to_end_s < TWICE_S:
            self.post_message(EndLive())
            return
        self._asked_to_end_s = now_s
        self.say("press esc again to end; the session is saved")

    def action_help(self) -> None:
        self.post_message(ShowHelp())


_SAID_ALOUD = ("refused", "zero", "region", "end", "segment", "calibration", "storage", "observer", "terms")
_SAID = {
    "tare": "zero asked for",
    "mark": "mark set",
    "symptom": "noted: stop, and come off the ball",
    "silence": "sound off for a minute",
}
