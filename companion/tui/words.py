"""The words of the screens: clean, short, and never a zero where nothing is known."""

import math
from collections.abc import Mapping
from datetime import datetime

from companion.plaintext import plain as plain_line
from companion.safety.scale import LEVELS
from sessions.events import Action, Alert, Closed, Cue, Event, Fields, Json, Notice, Opened, Phase

UNKNOWN = "--"
LINKS: Mapping[str, str] = {
    "": "connecting",
    "down": "connecting",
    "up": "connected, asking",
    "greeting": "connected, asking",
    "checking": "checking the ball",
    "starting": "starting",
    "live": "live",
    "stale": "silent",
    "closing": "ending",
    "ended": "ended",
    "lost": "lost, trying again",
    "gone": "gone",
}


def plain(text: object, longest: int = 60) -> str:
    """A text that is not our own, as one line."""
    return plain_line(text, longest)


def number(value: float | None, digits: int = 0) -> str:
    """`47`, or `--` where it is unknown."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0: a small negative one is 0, not -0


def clock(seconds: float | None) -> str:
    """`4:12`, `1:04:12`, or `--`."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def moment(when: datetime) -> str:
    """`20 Nov 2026 21:14`, in local time."""
    return f"{when.astimezone():%d %b %Y %H:%M}"


def place(region: str, side: str) -> str:
    """`glute left`; both sides go without saying."""
    return plain(region if side in ("", "both") else f"{region} {side}")


def device(fields: Fields) -> str:
    """`virtual ball 7F2A`: what a ball says of itself, made harmless."""
    return plain(f"{_word(fields, 'model')} {_word(fields, 'serial')}") or "a ball without a name"


def alert(event: Alert) -> str:
    """`CAUTION lighten: ...`."""
    return f"{LEVELS[event.level]} {plain(event.text, 120)}"


def failure(error: BaseException) -> str:
    """What went wrong, and what to do about it, in one line."""
    hint = getattr(error, "hint", "")
    return plain(f"{error} ({hint})" if hint else error, 300)


def event(happened: Event) -> str:
    """An event as a line of the log."""
    match happened:
        case Alert(phase=Phase.CLEARED):
            return f"over: {plain(happened.text, 120)}"
        case Alert(phase=Phase.LATCHED):
            return f"stopped: {plain(happened.text, 120)}"
        case Alert(phase=Phase.CONFIRMED):
            return "stop confirmed"
        case Alert(phase=Phase.SILENCED):
            return f"silenced: {plain(happened.text, 120)}"
        case Alert():
            return alert(happened)
        case Notice():
            return plain(happened.text, 120)
        case Cue():
            return plain(happened.text, 120)
        case Action():
            said = ", ".join(f"{plain(name, 20)} {plain(value, 20)}" for name, value in happened.fields.items())
            return f"you: {plain(happened.kind, 20)}" + (f" ({said})" if said else "")
        case Opened():
            return f"began: {device(happened.device)}, {place(happened.region, happened.side)}"
        case Closed():
            return f"ended: {plain(happened.cause)}"
        case _:
            return ""


def _word(fields: Fields, name: str) -> str:
    value: Json = fields.get(name)
    return "" if value is None else str(value)
