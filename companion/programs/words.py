"""What the coach says: plain and short, the most important word first."""

import math

from companion.programs.band import Band
from companion.programs.pauses import BY_HANDS
from companion.programs.program import Routine, Step
from companion.programs.view import Where
from companion.safety.limits import tools
from companion.safety.sites import sites

SHUT = {
    "locked": "it is locked for now",
    "resting": "it rests today",
    "enough": "it had enough",
    "tool": "it takes the tool it is made for",
    "limits": "the limits leave no room for it",
    "user": "skipped",
}
PAUSES = {
    "silence": "Paused, no signal from the ball",
    "zero": "Paused, the zero is not trusted",
    "stop": "Stopped. Come off the ball",
    "user": "Paused",
}
SPEECH_S = 1 / 14  # a letter, at an unhurried pace


def program(routine: Routine, tool: str) -> str:
    """`tool` is the one in use."""
    count = len(routine.steps)
    side = "" if routine.side == "both" and routine.steps[0].side == "both" else f", {side_of(routine.side)}"
    minutes = max(1, round(routine.whole_s / 60))
    steps = f"{count} step{'s' if count > 1 else ''}, about {minutes} minute{'s' if minutes > 1 else ''}"
    wanted = tools().get(routine.tool)
    made_for = "" if wanted is None or wanted.key == tool else f" Made for: {wanted.title}."
    return f"{routine.title}{side}. {steps}.{made_for} {routine.position}".strip()


def side_of(side: str) -> str:
    return "left, then right side" if side == "both" else f"{side} side"


def following(step: Step, first: bool) -> str:
    """Announced before it begins."""
    site = sites()[step.site].title if step.site in sites() else step.site
    side = "" if step.side == "both" else f", {step.side} side"
    times = f", {step.repeats} times" if step.repeats > 1 else ""
    what = step.title if site.lower() in step.title.lower() else f"{step.title}, {site.lower()}"
    return f"{'First' if first else 'Next'}: {what}{side}. {step.seconds:g} seconds{times}"


def start(step: Step) -> str:
    return f"{'Go on' if step.rolling else 'Now'}, {step.seconds:g} seconds"


def left(where: Where, band: Band) -> str:
    """Where to go with the pressure."""
    if where is Where.FREE:
        return "Back on the ball"
    unit = "" if band.judged else " percent"
    if where is Where.ABOVE:
        return f"Lighter, to {math.floor(band.high_kpa)}{unit}"
    return f"More, to {math.ceil(band.low_kpa)}{unit}"


def back(step: Step) -> str:
    return "Good, go on" if step.rolling else "Good, stay"


def count(seconds: int) -> str:
    return "10 seconds" if seconds == 10 else str(seconds)


BREATHE = "Breathe out slowly"
REST = "Rest. Come off the ball"
RESTED = "Rested"
STILL_RESTING = "Come off, still resting"


def done(cause: str) -> str:
    return {"time": "Done. Ease off slowly", "limit": "Enough here. Ease off slowly"}.get(cause, "Done")


def again(rep: int, repeats: int) -> str:
    return f"Again, {rep} of {repeats}"


def skip(step: Step, cause: str) -> str:
    return f"Left out: {step.title}, {SHUT.get(cause, cause)}"


def pause(cause: str) -> str:
    return "" if cause in BY_HANDS else PAUSES.get(cause, "Paused")


def resume(cause: str) -> str:
    return "" if cause in BY_HANDS else "Going on"


def finish(routine: Routine, cause: str) -> str:
    first = "Finished" if cause == "done" else "Finished early"
    return f"{first}. Come off slowly. {routine.stretch}".strip()


def seconds_of(text: str) -> float:
    """About how long it takes to say it."""
    return SPEECH_S * len(text)
