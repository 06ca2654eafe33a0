"""A session in plain words, for people and screen readers.

Pure: events in, lines out, in the outlet's thread. An unknown value is the word `unknown`, never 0. Whatever a ball
says of itself is printed without controls and escapes.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, assert_never

from companion.cli.assumed import assumptions
from companion.cli.text import amount, clean, measured, number, place, span
from companion.cli.zones import Edges, moved
from companion.safety.scale import LEVELS, ZONES
from sessions.events import (
    Action,
    Alert,
    Closed,
    Cue,
    Event,
    Fields,
    Json,
    Notice,
    Opened,
    Phase,
    Reading,
    Totals,
)

if TYPE_CHECKING:
    from companion.cli.watch import Ending

EdgesOf = Callable[[Fields], Edges | None]  # from a GuardContext as JSON; None where nothing is judged

HELD_S = 5.0  # a hold is told from here on
TOUCHED, LEFT = 0.05, 0.03  # of full scale, where the ball gives no newtons: pressed from the one, free below the other
ZONE_S = 0.3  # a zone left again sooner is not told
DAMAGE_S = 10.0  # damaged frames are told at most this often
LINKS_TOLD = ("live", "stale", "lost", "gone")  # the steps between are of no use to a listener
QUIET = ("clock",)
BY_BALL = ("release", "contact", "squeezes", "countdown", "program")  # a notice or a cue tells of it in words


class Plain:
    """One line for each thing worth saying, the most important word first."""

    def __init__(self, edges_of: EdgesOf) -> None:
        self.known: Iterable[str] = ()  # what is known of the person, said when the session begins
        self._edges_of = edges_of
        self._edges: Edges | None = None
        self._context: dict[str, Json] = {}
        self._zone: int | None = None  # told last
        self._next: tuple[int, float] | None = None  # a zone not told yet, and since when
        self._pressed: bool | None = None  # of a ball without newtons, as told last
        self._at_end = False  # of what the sensor can tell
        self._held_s = 0.0  # the present hold, as known last
        self._damage_s = -math.inf
        self._low = False  # the battery
        self._opened = False

    def words(self, event: Event) -> Iterable[str]:
        return (*self.known, *assumptions(event)) if isinstance(event, Opened) else ()

    def lines(self, event: Event) -> Iterable[str]:
        match event:
            case Reading():
                return self._reading(event)
            case Alert():
                return (_alert_line(event),)
            case Notice():
                return self._notice(event)
            case Action():
                return self._action(event)
            case Opened():
                return self._begin(event)
            case Closed():
                return (f"ENDED after {span(event.t_s)}: {clean(event.cause.replace('_', ' '))}",)
            case Totals():
                return self._holds(event)
            case Cue():
                return (_cue_line(event),) if event.text else ()
            case _:
                assert_never(event)

    def dropped(self, readings: int) -> Iterable[str]:
        return (f"NOTICE {readings} readings were not printed: their reader is slow",)

    def ending(self, ending: "Ending") -> list[str]:
        if ending.session_id is None:
            return ["Nothing was recorded."]
        lines = [f"Saved as session {ending.session_id} in {ending.database}"]
        if ending.row is not None:
            peak = amount(ending.row.peak_kpa, "kPa")
            lines[0] = f"Saved {span(ending.row.duration_s)}, peak {peak}, as session {ending.session_id}"
            lines.append(f"It lies in {ending.database}")
        return [*lines, "Look at it with: knead sessions show last"]

    def parting(self, ending: "Ending") -> list[str]:
        return []

    def _begin(self, opened: Opened) -> Iterator[str]:
        self._opened = True
        self._context = dict(opened.context)
        self._edges = self._edges_of(self._context)
        what = "virtual ball" if opened.simulated else "ball"
        serial = clean(str(opened.device.get("serial") or "without a serial"), 40)
        yield f"STARTED {place(opened.region, opened.side)}, {what} {serial}, at {opened.started_at:%H:%M:%S}"

    def _reading(self, reading: Reading) -> Iterator[str]:
        if reading.late:
            return
        t_s = float(reading.t_s[-1])
        at_end, self._at_end = self._at_end, bool(reading.saturated[-1])
        if self._at_end and not at_end:
            yield f"TOO MUCH for the sensor, more than it can tell, at {t_s:.1f} s"
        if reading.unit == "N":
            yield from self._zones(reading)
        else:
            yield from self._touches(reading)

    def _touches(self, reading: Reading) -> Iterator[str]:
        """All that can be told where there is no pressure."""
        full = self._context.get("full_scale_n")
        if not isinstance(full, int | float) or not full > 0:
            return
        for t_s, load in zip(reading.t_s.tolist(), reading.load.tolist(), strict=True):
            pressed = load >= (LEFT if self._pressed else TOUCHED) * full if load == load else self._pressed
            if pressed is not None and pressed is not self._pressed:
                self._pressed = pressed
                word = "PRESSED" if pressed else "FREE"
                yield f"{word}, {amount(load, clean(reading.unit), 1)}, not judged, at {t_s:.1f} s"

    def _holds(self, totals: Totals) -> Iterator[str]:
        """Where a hold has begun, and where it is over."""
        held_s = max((row.hold_s for row in totals.regions), default=0.0)
        before_s, self._held_s = self._held_s, held_s
        if before_s < HELD_S <= held_s:
            yield f"HOLD for {held_s:.0f} s, at {totals.t_s:.1f} s"
        elif before_s >= HELD_S > held_s:
            yield f"HOLD over, it lasted {before_s:.0f} s, at {totals.t_s:.1f} s"

    def _zones(self, reading: Reading) -> Iterator[str]:
        if self._edges is None:
            return
        for t_s, pressure in zip(reading.t_s.tolist(), reading.smooth_kpa.tolist(), strict=True):
            if pressure != pressure:
                self._next = None
                continue
            zone = _zone(pressure, self._edges)
            if zone == self._zone:
                self._next = None
            elif self._next is None or self._next[0] != zone:
                self._next = (zone, t_s)
            elif t_s - self._next[1] >= ZONE_S:
                self._zone, self._next = zone, None
                yield f"{ZONES[zone]} zone, {number(pressure)} kPa, at {t_s:.1f} s"

    def _notice(self, notice: Notice) -> Iterator[str]:
        match notice.kind:
            case "status":
                yield from self._status(notice)
            case "link" if notice.fields.get("state") not in LINKS_TOLD:
                pass
            case "damaged" if notice.t_s - self._damage_s < DAMAGE_S:
                pass
            case kind if kind not in QUIET:
                if kind == "damaged":
                    self._damage_s = notice.t_s
                text = clean(notice.text)
                yield f"{text[:1].upper()}{text[1:]}" + (f", at {notice.t_s:.1f} s" if self._opened else "")

    def _status(self, notice: Notice) -> Iterator[str]:
        low, self._low = self._low, notice.fields.get("battery_low") is True
        if self._low and not low:
            yield f"BATTERY low: {clean(notice.text)}"

    def _action(self, action: Action) -> Iterator[str]:
        fresh = moved(self._context, action)
        edges = None if fresh is None else self._edges_of(fresh)
        if fresh is not None and edges is not None:  # else the guard refuses it, or nothing is judged
            self._context, self._edges = fresh, edges
        if action.kind == "pain":
            when = {"before": "before", "after": "after"}.get(str(action.fields.get("when")), "after that hold")
            yield f"PAIN {clean(str(action.fields.get('value')), 3)} of 10 {when}, at {action.t_s:.1f} s"
        elif action.fields.get("by") not in BY_BALL and action.kind != "end":
            said = " ".join(clean(str(value), 60) for value in action.fields.values())
            yield f"{clean(action.kind).upper()} {said}".rstrip() + (f", at {action.t_s:.1f} s" if self._opened else "")


def _zone(pressure_kpa: float, edges: Edges) -> int:
    return sum(pressure_kpa >= edge for edge in edges)


def _alert_line(alert: Alert) -> str:
    """`CAUTION lighten, peak 182.0 of 144.0 kPa, glute left, at 31.2 s`; what is over begins with that."""
    head = {
        Phase.CLEARED: "OVER:",
        Phase.LATCHED: "STOPPED, confirm to go on:",
        Phase.CONFIRMED: "CONFIRMED:",
        Phase.SILENCED: "SILENCED:",
    }.get(alert.phase, LEVELS[alert.level])
    # Once it is over, or waits for a word, its own text no longer tells what it was about.
    said = alert.text if head == LEVELS[alert.level] else alert.cause.replace("_", " ")
    parts = [f"{head} {clean(said)}"]
    if alert.phase in (Phase.RAISED, Phase.ESCALATED) and alert.value is not None:
        parts.append(f"{clean(alert.cause)} {measured(alert.value, alert.limit, alert.unit)}")
    return ", ".join([*parts, place(alert.region, alert.side), f"at {alert.t_s:.1f} s"])


def _cue_line(cue: Cue) -> str:
    """`HOLD 40 seconds, at 31.2 s`: the words themselves, for they are made to be heard."""
    return f"{clean(cue.text)}, at {cue.t_s:.1f} s"
