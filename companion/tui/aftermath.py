"""What one is told and asked right after a session, as rows of text. Knows no Textual."""

import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from companion.tui import words
from companion.tui.deck import SessionRow
from companion.tui.plotting import SCALES, big_rows
from companion.tui.tones import Row, Rows, Tone
from sessions.events import Alert, Cue, Event, Level, Phase, RegionTotals, Totals

WORST = 10
_ASK = "How much does it hurt now?   0 not at all  ...  10 the worst"
_NAMES = {Level.STOP: "stop", Level.TECHNICAL: "sensor", Level.CAUTION: "caution", Level.NOTICE: "notice"}


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is known of the session that has just ended. None is unknown."""

    row: SessionRow
    events: Sequence[Event] = ()
    left: Sequence[str] = ()  # what is left today, a line each
    note: str = ""
    tags: Sequence[str] = ()
    ended: str = ""  # how it ended, where that is worth a line


def score_rows(score: int | None, width: int, height: int) -> Rows:
    """The question, the score as large as it fits, and the scale with the score on it."""
    rows: list[Row] = [((f" {_ASK}", Tone.STRONG),)]
    room = height - 3
    large = _large(words.UNKNOWN if score is None else str(score), width, room)
    rows += [((row.center(width), Tone.STRONG),) for row in ["", *large]][: room + 1]
    rows += [()] * (height - 1 - len(rows))
    return (*rows[: height - 1], _scale(score, width))


def _large(text: str, width: int, height: int) -> list[str]:
    for scale in SCALES:
        rows = big_rows(text, scale)
        if len(rows) <= height and len(rows[0]) <= width:
            return rows
    return [text]


def _scale(score: int | None, width: int) -> Row:
    spans = [
        (f" [{each}] ", Tone.CURSOR) if each == score else (f"  {each}  ", Tone.PLAIN) for each in range(WORST + 1)
    ]
    used = sum(len(text) for text, _ in spans)
    return ((" " * max(0, (width - used) // 2), Tone.PLAIN), *spans)


def fact_rows(told: Aftermath, width: int = 120) -> list[Row]:
    """What happened, the most important first; what runs over goes on below itself."""
    row = told.row
    # No pressure is known: of a ball that gives no newtons neither holds nor dose are, either.
    regions = () if row.peak_kpa is None else _regions(told.events)
    facts: list[tuple[str, str, Tone]] = []
    if told.ended:
        facts.append(("ended", words.plain(told.ended, 200), Tone.STRONG))
    facts.append(("before", "not said" if row.pain_before is None else f"pain {row.pain_before}", Tone.PLAIN))
    facts.append(("contact", f"{words.clock(row.contact_s)} of {words.clock(row.duration_s)}", Tone.PLAIN))
    facts += [("program", line, Tone.PLAIN) for line in _program(row, told.events)]
    facts.append(("holds", _holds(regions), Tone.PLAIN))
    facts.append(("peak", f"{words.number(row.peak_kpa)} kPa", Tone.PLAIN))
    facts.append(("warnings", *_warnings(told.events)))
    facts += [("dose", _dose(region), Tone.PLAIN) for region in regions if region.dose_limit_kpa_s > 0]
    facts += [
        ("today" if not number else "", words.plain(line, 200), Tone.STRONG) for number, line in enumerate(told.left)
    ]
    if told.note:
        facts.append(("note", words.plain(told.note, 200), Tone.PLAIN))
    if told.tags:
        facts.append(("tags", words.plain(" ".join(told.tags), 200), Tone.PLAIN))
    return [
        ((f" {'' if number else name:<9}", Tone.QUIET), (part, tone))
        for name, text, tone in facts
        for number, part in enumerate(textwrap.wrap(text, max(20, width - 11)) or [""])
    ]


def _program(row: SessionRow, happened: Sequence[Event]) -> list[str]:
    """What was done of it: steps, and the seconds that counted. Nothing without a program."""
    cues = [event for event in happened if isinstance(event, Cue)]
    if not cues:
        return []
    held = [cue.fields.get("held_s") for cue in cues if cue.kind == "done"]
    in_band_s = math.fsum(seconds for seconds in held if isinstance(seconds, int | float))
    steps = next((cue.fields.get("steps") for cue in cues if cue.kind == "program"), None)
    begun = len({cue.step for cue in cues if cue.kind == "step"})
    of = f" of {steps}" if isinstance(steps, int) else ""
    name = words.plain(row.program or "", 40) or "a program"
    clocks = [cue.kind for cue in cues if cue.kind in ("start", "done")]
    cut = "; one more was begun, and is not counted" if clocks and clocks[-1] == "start" else ""
    return [f"{name}: {begun}{of} steps, {len(held)} repetitions, {words.clock(in_band_s)} in the band{cut}"]


def _regions(happened: Sequence[Event]) -> tuple[RegionTotals, ...]:
    return next((event.regions for event in reversed(happened) if isinstance(event, Totals)), ())


def _holds(regions: Sequence[RegionTotals]) -> str:
    """Holds, and the part of the contact that was in the working band; unknown without totals."""
    if not regions:
        return words.UNKNOWN
    zones = [math.fsum(region.zone_s[place] for region in regions) for place in range(5)]
    pressed = math.fsum(zones[1:])
    share = 100 * zones[2] / pressed if pressed > 0 else math.nan
    return f"{sum(region.holds for region in regions)}, in the working band {words.number(share)} % of the time pressed"


def _dose(region: RegionTotals) -> str:
    part = 100 * region.dose_kpa_s / region.dose_limit_kpa_s
    guessed = f", {region.estimated_s:.0f} s of it estimated" if region.estimated_s > 0 else ""
    where = words.place(region.region, region.side)
    return f"{where}: {words.number(part)} % of what one session may give, by judgement{guessed}"


def _warnings(happened: Sequence[Event]) -> tuple[str, Tone]:
    raised = Counter(
        event.level for event in happened if isinstance(event, Alert) and event.phase in (Phase.RAISED, Phase.ESCALATED)
    )
    told = [f"{name} {raised[level]}" for level, name in _NAMES.items() if raised[level]]
    return ", ".join(told) or "none", Tone.CAUTION if raised[Level.STOP] else Tone.PLAIN
