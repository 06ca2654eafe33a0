"""What the keys do, what the words mean, and what this is not."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from companion.tui import keys
from companion.tui.messages import GoBack
from companion.tui.tones import Tone
from companion.tui.widgets.lines import KeyLine, TitleBar

HELP = """\
KEYS, LIVE
  q    end the session, save it, go back    esc  the same, pressed twice
  z    zero the ball, with nothing on it    m    set a mark
  s    pain, numb or tingle: a stop         x    sound off for a minute
  f    far view, and back
  any  goes on after a stop, once you have come off the ball

KEYS, ELSEWHERE
  enter  connect, or open the session       d    demonstration, no hardware
  1 3    balls, sessions                    z    zero the chosen ball
  r      look for balls again               del  delete a session, then y
  /      find sessions                      u    bring a deleted one back
  o      another order                      space  select, c compare, t trends
  + - 0  zoom a session's plot, fit it      left right  move along it
  [ ]    step to step                       m a g  next mark, alert, gap
  n p t  write note, pain, tags             i    set a mark
  q esc  back; on the first screen, out     ctrl+c twice  out from anywhere

ZONES
  · REST   hardly any pressure              ░ LIGHT  below your working range
  ▒ WORK   your working range               ▓ HIGH   above it
  █ OVER   over your limit
  Limits rest on judgement, not on measured harm: knead limits show

LEVELS
  [i] NOTICE   ease off soon                [!] CAUTION  lighten, or move on
  [?] SENSOR   the ball cannot be believed: ease off
  [X] STOP     come off the ball; the screen ends once nothing presses

A number older than a quarter of a second is not shown: -- and UNKNOWN
stand for it. Time that was not measured is drawn as a gap.

For general relaxation and muscle comfort. Not a medical device: it does
not diagnose, treat, cure or prevent any condition. Readings are
estimates; a quiet screen does not mean safe. Stop for sharp, shooting or
growing pain, numbness, tingling or weakness. If you are pregnant, ill,
injured, take blood thinners or are unsure, ask a health professional
first. In an emergency call your local number."""


class HelpScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("help")

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        with VerticalScroll(id="help"):
            yield Static(Content(HELP))
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.query_one(KeyLine).show(self.BINDINGS)

    def on_resize(self) -> None:
        self.call_after_refresh(self._title)

    def _title(self) -> None:
        self.query_one(TitleBar).show((("knead", Tone.STRONG), ("  help", Tone.PLAIN)), ())

    def action_scroll(self, rows: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)

    def action_leave(self) -> None:
        self.post_message(GoBack())
