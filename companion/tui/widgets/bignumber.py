"""The number one sees across the room."""

from collections.abc import Mapping

from companion.tui import guide, words
from companion.tui.face import SIGNAL_LOST, Now
from companion.tui.plotting import SCALES, big_rows, fitting_rows
from companion.tui.tones import Rows, Tone
from companion.tui.widgets.painted import Painted
from sessions.events import Level

_APART = 4  # cells between the number and what stands beside it


class BigNumber(Painted):
    """The pressure in large numerals, or two dashes; under load without a signal, what to do about it."""

    def show(self, now: Now, *, far: bool = False) -> None:
        width, height = self.size.width, self.size.height
        if now.lost_under_load:
            self.paint(banner(SIGNAL_LOST, width, height))
        elif speaks(now):
            self.paint(hands_rows(now, width, height))
        elif far:
            self.paint(far_number(now, width, height))
        else:
            self.paint(near_number(now, width, height))


def near_number(now: Now, width: int, height: int) -> Rows:
    """The number alone. A column stays free on its right, where the panel stands; on its left where there is room."""
    rows = fitting_rows(now.number, width - 1, height)
    return tuple(((row if len(row) > width - 2 else f" {row}", now.tone),) for row in rows)


def banner(lines: tuple[str, ...], width: int, height: int) -> Rows:
    """Large words, each on a line of its own, in inverse from edge to edge."""
    drawn = _column(lines, width - 2, height) or list(lines[:height])
    return tuple(((f" {row}"[:width].ljust(width), Tone.TECHNICAL),) for row in drawn)


def speaks(now: Now) -> bool:
    """Whether a session that is led by the ball alone asks or tells something large now. Nothing stands for ever."""
    snapshot = now.snapshot
    if snapshot.hands not in _HANDS or snapshot.level >= Level.TECHNICAL:
        return False
    since_s = now.session_s - snapshot.hands_s
    return not since_s > _HANDS[snapshot.hands][2]


def hands_rows(now: Now, width: int, height: int) -> Rows:
    """What is asked or told: two words and a number, or four words."""
    head, asked, _ = _HANDS[now.snapshot.hands]
    value = now.snapshot.hands_value
    tone = Tone.CURSOR if asked else Tone.STRONG
    if asked:
        rows = fitting_rows(head[0], width - 1, max(4, height // 3), largest=2)
        rows = [*rows, "", *fitting_rows(head[1], width - 1, height - len(rows) - 1)]
    else:
        number = fitting_rows(words.UNKNOWN if value is None else str(value), width - 1, height)
        beside = _column(head, width - 1 - _APART - len(number[0]), height)
        pairs = zip(_lengthened(number, height), _lengthened(beside, height), strict=True) if beside else ()
        rows = [left + " " * _APART + right for left, right in pairs] or number
    return tuple(((f" {row}"[:width].ljust(width), tone),) for row in rows[:height])


# The words; whether they ask (what does not has its number beside it); for how many seconds they may stand.
_HANDS: Mapping[str, tuple[tuple[str, str], bool, float]] = {
    "armed": (("START", "IN"), False, 31.0),
    "countdown": (("START", "IN"), False, 31.0),
    "asked": (("PAIN OR NUMB", "SQUEEZE 2 S"), True, 15.0),
    "answered": (("NOTED", "STAY OFF"), True, 6.0),
    "rating": (("PAIN THEN", "SQUEEZE"), True, 25.0),
    "scoring": (("PAIN NOW", "SQUEEZE"), True, 25.0),
    "grade": (("PAIN", "IS"), False, 25.0),
    "taken": (("LET", "GO"), False, 10.0),
    "scored": (("KEPT", ""), False, 4.0),
}


def far_number(now: Now, width: int, height: int) -> Rows:
    """Number, zone and hold, all large: beside each other, or else number over zone.

    Where a program leads: what to do and the seconds that are left.
    """
    here = now.snapshot.here
    hold = words.clock(here.hold_s) if here is not None and here.hold_s > 0 else ""
    said = (now.word, hold) if now.coach is None else (guide.word(now.coach), guide.seconds(now.coach))
    number = big_rows(now.number, SCALES[0])
    beside = _column(said, width - 1 - _APART - len(number[0]), height)
    if len(number) <= height and beside:
        gap = " " * _APART
        pairs = zip(_lengthened(number, height), _lengthened(beside, height), strict=True)
        return _toned([left + gap + right for left, right in pairs], now.tone)
    above = fitting_rows(now.number, width - 1, height // 2)
    below = " ".join(said) if now.coach is not None else now.word
    return _toned(above + fitting_rows(below, width - 1, height - len(above)), now.tone)


def _column(texts: tuple[str, ...], width: int, height: int) -> list[str]:
    """Texts under each other, as large as they all fit; empty if they do not."""
    for scale in SCALES[1:]:
        blocks = [big_rows(text, scale) for text in texts if text]
        widest = max((len(block[0]) for block in blocks), default=0)
        if widest <= width and sum(map(len, blocks)) <= height:
            return [row.ljust(widest) for block in blocks for row in block]
    return []


def _lengthened(rows: list[str], height: int) -> list[str]:
    return rows + [" " * max(map(len, rows))] * (height - len(rows))


def _toned(rows: list[str], tone: Tone) -> Rows:
    return tuple(((f" {row}", tone),) for row in rows)
