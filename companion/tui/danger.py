"""The danger screen: replaces everything while a stop stands, and is covered by nothing."""

import math
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from companion.tui import keys, words
from companion.tui.face import Now
from companion.tui.messages import Do
from companion.tui.plotting import SCALES, big_rows, fitting_rows
from companion.tui.snapshot import EMPTY
from companion.tui.tones import Rows, Tone
from companion.tui.widgets.painted import Painted
from sessions.events import Level

WHAT_TO_DO = "COME OFF THE BALL"
ENDS_BY_ITSELF = (
    "ends by itself once nothing presses; the session goes on being recorded",
    "ends once nothing presses",
)
KEPT_NOWHERE = "ends by itself once nothing presses; the session goes on, and is not on the disk now"
_FRAME = "██"


class DangerScreen(Screen[None]):
    """Steady, in inverse, without focus. It goes when the guard says so, not when a key is pressed."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("danger")

    def __init__(self) -> None:
        super().__init__()
        self._danger = Danger()

    def compose(self) -> ComposeResult:
        yield self._danger

    def show(self, now: Now) -> None:
        """Before or after it is put up: it comes with its words at once."""
        self._danger.show(now)

    def action_silence(self) -> None:
        self.post_message(Do("silence"))


class Danger(Painted):
    """Keeps the moment it shows, so that another size shows it at once."""

    def __init__(self) -> None:
        super().__init__()
        self._now = Now(EMPTY, math.nan)

    def on_resize(self) -> None:
        self.show(self._now)

    def show(self, now: Now) -> None:
        self._now = now
        self.paint(danger_rows(now, self.size.width, self.size.height))


def danger_rows(now: Now, width: int, height: int) -> Rows:
    """STOP, what to do, why, and the number, inside a solid frame; the frame is the first to go when it is small."""
    inner_width, inner_height = width - 2 * len(_FRAME), height - 2
    if inner_width < 24 or inner_height < 9:
        small = [*(_large("STOP", 1, width, height - 2) or ["STOP"]), WHAT_TO_DO, _why(now)]
        return _rows([_centred(line, width) for line in small[:height]])
    lines = _fill(now, inner_width, inner_height)
    above = (inner_height - len(lines)) // 2
    lines = [""] * above + lines + [""] * (inner_height - len(lines) - above)
    framed = [_FRAME + _centred(line, inner_width) + _FRAME for line in lines]
    edge = "█" * width
    return _rows([edge, *framed, edge])


def _fill(now: Now, width: int, height: int) -> list[str]:
    """The words large, the rest as far as it fits, most important first."""
    stop = next(rows for rows in (_large("STOP", scale, width, height - 2) for scale in SCALES) if rows)
    lines = [*stop, "", *_heading(width, height - len(stop) - 14), _why(now)]
    number = fitting_rows(now.number, width, min(7, height - len(lines) - 4), largest=2)
    if len(number) > 1:
        limit = f"limit {words.number(_limit(now))} {now.unit}" if _limit(now) is not None else now.unit
        lines += ["", *number, limit]
    if height - len(lines) >= 2:
        kept = now.recorded and now.snapshot.storage != "waiting"
        lasting = ENDS_BY_ITSELF if kept else (KEPT_NOWHERE, *ENDS_BY_ITSELF[1:])
        lines += ["", next((text for text in lasting if len(text) <= width), "")]
    return lines


def _heading(width: int, height: int) -> list[str]:
    """What to do, in large letters where they fit."""
    return _large(WHAT_TO_DO, 1, width, height) or [WHAT_TO_DO]


def _large(text: str, scale: int, width: int, height: int) -> list[str]:
    rows = big_rows(text, scale)
    return rows if len(rows) <= height and len(rows[0]) <= width else []


def _why(now: Now) -> str:
    stop = next((alert for alert in now.snapshot.alerts if alert.level is Level.STOP), None)
    return words.plain(stop.text, 120) if stop is not None else ""


def _limit(now: Now) -> float | None:
    stop = next((alert for alert in now.snapshot.alerts if alert.level is Level.STOP), None)
    return stop.limit if stop is not None and stop.unit == now.unit else None


def _centred(text: str, width: int) -> str:
    return text[:width].center(width)


def _rows(lines: list[str]) -> Rows:
    return tuple(((line, Tone.STRONG),) for line in lines)
