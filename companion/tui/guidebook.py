"""The text of the help: what the keys do, from their one table; what the words mean; what this is not.

Knows no Textual.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from companion.tui.keys import TABLE, Key

TITLES: Mapping[str, str] = {
    "home": "BALLS, THE FIRST SCREEN",
    "live": "LIVE",
    "programs": "PROGRAMS",
    "after": "AFTER A SESSION",
    "sessions": "SESSIONS",
    "detail": "ONE SESSION",
    "compare": "SESSIONS COMPARED, TRENDS",
    "settings": "SETTINGS",
    "limits": "LIMITS",
    "questions": "QUESTIONS BEFORE A SESSION",
    "danger": "WHILE A STOP STANDS",
    "app": "EVERYWHERE",
}
_WRITTEN: Mapping[str, str] = {
    "question_mark": "?",
    "slash": "/",
    "minus": "-",
    "plus": "+",
    "comma": ",",
    "colon": ":",
    "equals_sign": "=",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "delete": "del",
    "pagedown": "pgdn",
    "pageup": "pgup",
}
_KEYS = 12  # cells

MEANING = """\
GUIDED
  START  press the ball to begin          PRESS  off it: the clock waits
  HOLD ROLL  in the band: the clock runs  MORE LESS  how hard to press
  REST   come off the ball                NEXT   what comes then
  PAUSE  the clock stands, warnings go on DONE   the program is over
  The clasp under the gauge and the heavy line beside the trace: the band.

LED BY THE BALL ALONE
  It begins after a second on the ball, pauses after three seconds off it,
  and ends, saved, after a minute off it. Two squeezes: the next step, or a
  pause. Asked whether it hurts or is numb, squeeze for two seconds to say
  yes. The score at the end: squeeze, harder is more; hold still for three
  seconds, then let go.

ZONES
  · REST   hardly any pressure            ░ LIGHT  below your working range
  ▒ WORK   your working range             ▓ HIGH   above it
  █ OVER   over your limit
  Limits rest on judgement, not on measured harm: 5 shows each with source
  and confidence. They are lowered at once, and raised only there.

LEVELS
  [i] NOTICE   ease off soon              [!] CAUTION  lighten, or move on
  [?] SENSOR   the ball cannot be believed: ease off
  [X] STOP     come off the ball; the screen ends once nothing presses
  After a stop any key goes on, once you have come off the ball.

A number older than a quarter of a second is not shown: -- and UNKNOWN
stand for it. Time that was not measured is drawn as a gap."""

DISCLAIMER = """\
For general relaxation and muscle comfort. Not a medical device: it does
not diagnose, treat, cure or prevent any condition. Readings are
estimates; a quiet screen does not mean safe. Stop for sharp, shooting or
growing pain, numbness, tingling or weakness. If you are pregnant, ill,
injured, take blood thinners or are unsure, ask a health professional
first. In an emergency call your local number."""


def help_text(first: str = "", table: Mapping[str, Sequence[Key]] = TABLE) -> str:
    """All of it; the keys of the screen `first` stand first."""
    screens = sorted((screen for screen in TITLES if screen in table), key=lambda screen: screen != first)
    parts = ["\n".join([f"KEYS, {TITLES[screen]}", *_lines(table[screen])]) for screen in screens]
    return "\n\n".join([parts[0], MEANING, *parts[1:], DISCLAIMER])


def _lines(keys: Sequence[Key]) -> Iterator[str]:
    for key in _gathered(keys):
        yield f"  {key.shown:<{_KEYS}} {key.told or key.label}"


def _gathered(keys: Sequence[Key]) -> Iterator[Key]:
    """With its keys as they are written; digits that differ in nothing but their number are one line."""
    alike: dict[str, list[Key]] = {}
    for key in keys:
        alike.setdefault(_pattern(key), []).append(key)
    for key in keys:
        same = alike[_pattern(key)]
        if not (key.told or key.label) or (len(same) > 2 and key is not same[0]):
            continue
        shown, told = written(key), key.told or key.label
        if len(same) > 2:
            shown = f"{same[0].keys} to {same[-1].keys}"
            told = _pattern(key).replace("#", shown)
        yield replace(key, shown=shown, told=told)


def _pattern(key: Key) -> str:
    """What is told of a digit, with a sign for its number; of another key, its name."""
    return key.told.replace(key.keys, "#", 1) if key.keys.isdigit() and key.keys in key.told else key.deed


def written(key: Key) -> str:
    """`esc q`: all that do it."""
    return " ".join(_WRITTEN.get(name, name) for name in key.keys.split(","))
