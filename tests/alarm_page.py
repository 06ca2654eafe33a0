"""The alarm table as a page: `python -m tests.alarm_page > companion/safety/ALARMS.md`."""

from companion.safety.causes import CAUSES, MANNERS, Cause, Row, Share
from sessions.events import Level

HEAD = """# The alarm table

Made from the rows that drive the guard (`causes.py`) by `python -m tests.alarm_page`; a test holds the two together.
Where the numbers come from: [limits.toml](limits.toml). Every bound of pressure, time and dose is a cautious choice
made from what has been measured, not a measured limit of harm.

`x` is the point-equivalent pressure or the force, by the limit in force, whichever is more; `x strict` the same by the
limit nobody raised, and 1.25 where the force cap is reached. `H` is the hold load: 1 is the limit. Times are of
contact.

A touch is contact once 5 kPa have stood for 0.2 s, until the pressure has been below 3 kPa for 0.5 s. A ball that has
been free for 3 s may be squeezed: the first two touches after that are contact only once they have lasted 0.6 s. A
touch that becomes contact counts from its first scan on, so no clock loses it; dose and H count every scan, contact or
not. Pressure, saturation and ramp never wait for contact: a fall or a hard squeeze is told by what it measures.

## What raises, holds and clears

A row is on once its signal has been at or above the bound for the delay, and off once it has been below the clear point
for the off-delay. A cause has the level of its highest row that is on. A sum is told at its share, then once per tenth
more, only while something presses, and stands until the region changes.

| cause | level | from | for | clears | grows to a stop | words |
|---|---|---|---|---|---|---|
"""

TAIL = """
## What is heard

| level | tones | again after | stays until confirmed |
|---|---|---|---|
"""

FOOT = """
## What becomes of an alert

- **raised** when it appears, **escalated** when it rises, **raised** again at the lower level when it eases,
  **cleared**.
- **silenced**: no sound for 60 s; a higher level always sounds; what still stands is **raised** again afterwards.
- A stop sounds until the pressure has been below 5 kPa for 2 s, then it is **latched**. It waits to be **confirmed**:
  by a key, by the ball's button, or, after 60 s in which nothing touched the ball, by two squeezes of 0.1 to 0.6 s at
  most 3 s apart. Contact before that raises it again; that is no new stop. It is not confirmed under load.
- After it is confirmed a cause is quiet until the ball is pressed again or the condition rises; what still holds is
  told at the first press.
- After three stops by pressure the session is ended once the ball is free.
- Another region or side begins anew all causes marked with *; their alerts are cleared, a stop is not.
- Without a value nothing clears. With a zero that is not trusted only pressure is judged, and it clears nothing.
- The same words of a caution are said three times a minute, then once a hint, then they are only shown.
"""

SIGNALS = {
    "ratio": "x {}",
    "strict": "x strict {}",
    "saturated": "a scan at 98 % of full scale",
    "locked": "contact in a locked region",
    "resting": "contact in a region that is to rest",
    "hold": "H {}",
    "pressed_hold": "H {} while pressed",
    "static": "held at p_on or more, not rolling",
    "standing": "the same where only rolling is meant",
    "firm": "held in the working range where only a light touch is meant",
    "ramp": "rise {} kPa/s",
    "closed": "contact where the load became unknown",
    "stuck_s": "the same raw value under load, over 3 s",
    "battery": "the ball says its battery is low",
    "battery_first": "the same before the first contact",
}
BY_HAND = {
    "symptom": (Level.STOP, "pain, numbness or tingling is told, or a rating of 7 or more", "-"),
    "silence": (Level.TECHNICAL, "no value for 1 s, or six scans", "with the next value"),
    "zero": (Level.TECHNICAL, "the zero is not trusted for 0.25 s", "once the ball was seen free, or zeroed"),
    "dropped": (Level.TECHNICAL, "over 20 % of a second's scans unusable", "1 s without one"),
}
LIMITS = {
    "dose": "the dose of a region",
    "time": "the time of a region in a session",
    "time_advice": "the advised time of a region, where one is",
    "session": "the time of a session: 1800 s, 900 s in the first three",
    "session_advice": "the advised time of a session: 1200 s",
    "day": "the day's time over the same tissue",
    "day_dose": "the day's dose of a region: 1.5 of a session's",
    "day_total": "the day's time of the whole body: 1800 s",
}


def page() -> str:
    rows = [line for cause in CAUSES for line in _lines(cause)]
    heard = [_manner(level) for level in Level if level is not Level.OK]
    return HEAD + "\n".join(rows) + "\n" + TAIL + "\n".join(heard) + "\n" + FOOT


def _lines(cause: Cause) -> list[str]:
    if cause.key in BY_HAND:
        level, when, clears = BY_HAND[cause.key]
        clears = "latches" if level is Level.STOP else clears
        return [_line(cause, level, when, "-", clears, cause.text)]
    lines = [_of_row(cause, row) for row in cause.rows]
    return lines + [_of_share(cause, share) for share in cause.shares]


def _of_row(cause: Cause, row: Row) -> str:
    when = SIGNALS[row.signal].format(f">= {row.set_at:g}")
    delay = f"{row.on_s:g} s" if row.on_s else "at once"
    delay += f", {row.scans} scans" if row.scans > 1 else ""
    below = "<" if row.clear_at == round(row.clear_at, 9) else "<="  # the next number after one is not below it
    clears = f"{below} {row.clear_at:.4g}" if row.set_at - row.clear_at > 1e-9 else "when it ends"
    clears += f", {row.off_s:g} s" if row.off_s else ""
    return _line(cause, row.level, when, delay, "latches" if row.level is Level.STOP else clears, row.text)


def _of_share(cause: Cause, share: Share) -> str:
    stands = "with the region" if cause.of_region else "with the session"
    clears = "latches" if share.level is Level.STOP else stands
    return _line(cause, share.level, f"{100 * share.at:.0f} % of {LIMITS[cause.key]}", "at once", clears, share.text)


def _line(cause: Cause, level: Level, when: str, delay: str, clears: str, words: str) -> str:
    grows = f"after {cause.escalate_s:g} s at p_on" if level is Level.CAUTION and cause.escalate_s else "-"
    star = "*" if cause.of_region else ""
    return f"| {cause.key}{star} | {level.name.lower()} | {when} | {delay} | {clears} | {grows} | {words} |"


def _manner(level: Level) -> str:
    manner = MANNERS[level]
    again = "-" if manner.repeat_s is None else f"{manner.repeat_s:g} s"
    return f"| {level.name.lower()} | {manner.tones} | {again} | {'yes' if manner.latches else 'no'} |"


if __name__ == "__main__":
    print(page(), end="")
