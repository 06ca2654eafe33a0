"""What a guided session shows: step, what to do, hold clock, band, what is next. A coach's view in, text out.

Knows no Textual. What to do stands first, as one short word that is large in the far view and needs no colour.
"""

import math
from typing import TYPE_CHECKING

from companion.programs.view import CoachView, Stand, Where
from companion.tui import words
from companion.tui.face import Now
from companion.tui.plotting import SCALES, big_rows
from companion.tui.snapshot import PATTERNS, Snapshot
from companion.tui.tones import Row, Rows, Span, Tone

if TYPE_CHECKING:
    from companion.programs.program import Step

_BAR, _REST_OF_BAR = "▰", "▱"
_BAR_CELLS = 20
_SIGNS = {"done": "x", "part": "/", "skipped": "-"}
_TEXT = 30  # cells of text beside the large seconds
_DO = {Where.BELOW: "MORE", Where.ABOVE: "LESS", Where.IN: "HOLD", Where.FREE: "PRESS", Where.UNKNOWN: "WAIT"}
_STANDS = {
    Stand.READY: "START",
    Stand.NEXT: "NEXT",
    Stand.REST: "REST",
    Stand.PAUSED: "PAUSE",
    Stand.STOPPED: "STOP",
    Stand.OVER: "DONE",
}


def word(view: CoachView) -> str:
    """What to do now, in one word of at most five letters."""
    if view.stand is not Stand.WORK:
        return _STANDS[view.stand]
    if view.where is Where.IN and view.step.rolling:
        return "ROLL"
    return _DO[view.where]


def tone(view: CoachView) -> Tone:
    if view.stand is Stand.STOPPED:
        return Tone.STOP
    if view.stand is Stand.WORK and view.where is Where.ABOVE:
        return Tone.CAUTION
    return Tone.WORK if view.stand is Stand.WORK and view.where is Where.IN else Tone.STRONG


def told(view: CoachView) -> str:
    """The same in a few words."""
    low, high = view.band_kpa
    match view.stand:
        case Stand.READY:
            return f"press the ball to begin: {words.plain(view.step.title, 60)}"
        case Stand.NEXT:
            when = "" if view.next_in_s is None else f" in {math.ceil(view.next_in_s)} s"
            return f"next{when}: {words.plain(view.step.title, 60)}"
        case Stand.REST:
            return "come off; 0 to 9 says how much it hurt"
        case Stand.PAUSED:
            return f"paused{_because(view.cause)}: the clock stands"
        case Stand.STOPPED:
            return "stopped: come off the ball"
        case Stand.OVER:
            skipped = sum(state == "skipped" for state in view.done)
            left_out = f", {skipped} of {len(view.steps)} steps left out" if skipped else ""
            return f"the program is over{_because(view.cause)}{left_out}"
        case Stand.WORK:
            pass
    match view.where:
        case Where.IN:
            return "roll slowly, keep the pressure" if view.step.rolling else "in the band: stay, breathe out slowly"
        case Where.BELOW:
            return f"a little more, up to {low:.0f}"
        case Where.ABOVE:
            return f"lighter, down to {high:.0f}"
        case Where.FREE:
            return "on the ball: the clock waits"
        case Where.UNKNOWN:
            return "no pressure is known: the clock waits"


def _because(cause: str) -> str:
    known = {"user": "by you", "silence": "no signal", "zero": "zero in doubt", "stop": "a stop", "done": ""}
    reason = known.get(cause, words.plain(cause, 20))
    return f" ({reason})" if reason else ""


def seconds(view: CoachView) -> str:
    """Those that count down now; empty where none do."""
    if view.stand is Stand.REST:
        return "" if view.rest_left_s is None else str(math.ceil(view.rest_left_s))
    if view.stand is Stand.NEXT:
        return "" if view.next_in_s is None else str(math.ceil(view.next_in_s))
    if view.stand in (Stand.READY, Stand.OVER):
        return ""
    return str(math.ceil(view.left_s - 1e-6))


def place(view: CoachView) -> str:
    """`step 3 of 6 · rep 2 of 3`."""
    return f"step {view.number} of {len(view.steps)} · rep {view.rep} of {view.step.repeats}"


def following(view: CoachView) -> str:
    step = view.following
    return "then the end" if step is None else f"then {words.plain(step.title, 60)}"


def guide_rows(now: Now, view: CoachView, width: int, height: int) -> Rows:
    """The panel beside the number: text on the left, the seconds large on its right where they fit."""
    rows: list[Row] = [
        ((words.plain(view.step.title, width), Tone.STRONG),),
        ((f"{word(view)}  ", tone(view)), (told(view)[: max(0, width - len(word(view)) - 2)], Tone.PLAIN)),
        (_bar(view),),
        _band(now, view),
        ((f"{place(view)}", Tone.PLAIN),),
        ((following(view)[:width], Tone.QUIET),),
        (_load(now.snapshot, view),),
        _link(now),
    ]
    if height > len(rows) + 1:
        rows += [(), *_course(view, width, height - len(rows) - 1)]
    large = _large(seconds(view), width - _TEXT, min(height - 2, 8))
    return tuple(_beside(rows[:height], large, width, 2))


def _beside(rows: list[Row], large: list[str], width: int, first: int) -> list[Row]:
    """The large seconds at the right end of the rows from `first` on; text gives way."""
    out = [_cut(row, width) for row in rows]
    room = width - (len(large[0]) + 1 if large else 0)
    for at, drawn in enumerate(large, start=first):
        if at < len(out):
            out[at] = (*_cut(out[at], room), (drawn, Tone.STRONG))
    return out


def _cut(row: Row, room: int) -> Row:
    """A row of exactly `room` cells."""
    kept: list[Span] = []
    for text, look in row:
        kept.append((text[:room], look))
        room -= len(kept[-1][0])
    return (*kept, (" " * max(0, room), Tone.PLAIN))


def _large(text: str, width: int, height: int) -> list[str]:
    for scale in SCALES[1:]:
        rows = big_rows(text, scale) if text else []
        if rows and len(rows) <= height and len(rows[0]) <= width:
            return rows
    return []


def _bar(view: CoachView) -> Span:
    if view.stand not in (Stand.WORK, Stand.PAUSED, Stand.STOPPED):
        return ("", Tone.PLAIN)
    part = view.held_s / view.seconds if view.seconds > 0 else 0.0
    filled = min(_BAR_CELLS, int(part * _BAR_CELLS + 1e-9))
    return (f"{_BAR * filled}{_REST_OF_BAR * (_BAR_CELLS - filled)} {view.held_s:.0f}/{view.seconds:.0f} s", tone(view))


def _band(now: Now, view: CoachView) -> Row:
    low, high = view.band_kpa
    pattern = PATTERNS[now.zone] + " " if now.zone is not None else ""
    return ((f"target {low:.0f} to {high:.0f} kPa  ", Tone.PLAIN), (f"{pattern}{now.word}", now.tone))


def _load(snapshot: Snapshot, view: CoachView) -> Span:
    here = snapshot.here
    dose = here.dose_kpa_s / here.dose_limit_kpa_s * 100 if here is not None and here.dose_limit_kpa_s > 0 else math.nan
    text = f"load {words.number(view.hold_load * 100)} %  dose {words.number(dose)} %"
    return (text, Tone.CAUTION if view.hold_load >= 1.0 else Tone.PLAIN)


def _link(now: Now) -> Row:
    """How far what is shown can be trusted, and what holds all the session long."""
    snapshot = now.snapshot
    age = f"{now.age_s:.1f} s old" if math.isfinite(now.age_s) else "no data yet"
    state = words.LINKS.get(snapshot.link, words.plain(snapshot.link, 12))
    judged = "" if snapshot.opened is None else ", limits by judgement"
    return ((f"link {state}, ", Tone.PLAIN), (age, Tone.CAUTION if now.stale else Tone.PLAIN), (judged, Tone.QUIET))


def _course(view: CoachView, width: int, height: int) -> list[Row]:
    """The steps, with what became of them, around the present one."""
    first = max(0, min(view.number - 1 - height // 2, len(view.steps) - height))
    rows: list[Row] = []
    for number, step in enumerate(view.steps[first : first + height], start=first + 1):
        state = view.done[number - 1] if number <= len(view.done) else ""
        sign = ">" if number == view.number else _SIGNS.get(state, " ")
        text = f"{sign} {number} {words.plain(step.title, 60)}  {_length(step)}"
        rows.append(((text[:width], Tone.STRONG if number == view.number else Tone.QUIET),))
    return rows


def _length(step: "Step") -> str:
    times = f" x {step.repeats}" if step.repeats > 1 else ""
    return f"{step.seconds:.0f} s{times}"


def guide_lines(view: CoachView) -> tuple[str, str]:
    """All in two lines, the more important one first, for where the panel is not."""
    return f"{place(view)} · {told(view)}", following(view)
