"""What the live screen knows: one immutable snapshot, made in the engine's thread and read by the screen.

`LiveView` is an observer. It takes every event, keeps what a screen needs and swaps one reference; it never blocks,
and nobody waits for it. Knows no Textual.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

import numpy as np

from companion.safety.scale import CONTACT_KPA, FREE_KPA, shown_level
from companion.tui.scanring import ScanRing
from companion.tui.snapshot import EMPTY, Numbered, Snapshot
from companion.tui.snapshot import Marks as Marks
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

EVENTS_KEPT = 200  # so that none is lost between two frames
_MEASURE_S = 3.0  # over which rate and loss are counted

MarksOf = Callable[[Fields], Marks | None]  # from a GuardContext as JSON; None where nothing is judged
Changes = dict[str, Any]  # fields of the snapshot that an event changes


@dataclass(slots=True)
class _Flow:
    """Rate and loss over the last seconds of arrivals."""

    batches: deque[tuple[float, int, int]] = field(default_factory=deque)  # arrival, scans, missing before them
    scans: int = 0
    missing: int = 0

    def take(self, arrival_s: float, scans: int, missing: int) -> None:
        self.batches.append((arrival_s, scans, missing))
        self.scans += scans
        self.missing += missing
        while self.batches[0][0] < arrival_s - _MEASURE_S:
            _, old_scans, old_missing = self.batches.popleft()
            self.scans -= old_scans
            self.missing -= old_missing

    def rate_hz(self) -> float:
        """What came after the first batch, over the time since it; NaN with less than half a second."""
        span_s = self.batches[-1][0] - self.batches[0][0]
        return (self.scans - self.batches[0][1]) / span_s if span_s >= 0.5 else math.nan

    def loss(self) -> float:
        return self.missing / (self.missing + self.scans)


class _Board:
    """Which alerts stand: active, or latched until confirmed."""

    def __init__(self) -> None:
        self._active: dict[tuple[str, str, str], Alert] = {}
        self._latched: dict[tuple[str, str, str], Alert] = {}
        self._silenced: set[str] = set()

    def take(self, alert: Alert) -> None:
        key = (alert.cause, alert.region, alert.side)
        if key in self._active and (not alert.text or alert.phase in (Phase.LATCHED, Phase.SILENCED)):
            alert = replace(alert, text=self._active[key].text)  # why it stands, not what has become of it
        match alert.phase:
            case Phase.RAISED | Phase.ESCALATED:
                self._active[key] = alert
                self._latched.pop(key, None)
                self._silenced.discard(alert.cause)
            case Phase.CLEARED | Phase.CONFIRMED:
                self._active.pop(key, None)
                self._latched.pop(key, None)
                self._silenced.discard(alert.cause)
            case Phase.LATCHED:
                self._active.pop(key, None)
                self._latched[key] = alert
            case Phase.SILENCED:
                self._silenced.add(alert.cause)
            case _:
                assert_never(alert.phase)

    def changes(self, loaded: bool) -> Changes:
        active = sorted(self._active.values(), key=lambda alert: (-alert.level, alert.t_s))
        return {
            "alerts": tuple(active),
            "latched": tuple(self._latched.values()),
            "silenced": frozenset(self._silenced),
            "level": shown_level((alert.level for alert in active), loaded),
        }


def _mute(fields: Fields) -> str:
    if fields.get("tones"):
        return ""
    return "sound off" if fields.get("state") == "off" else "no tones" if fields.get("voice") else "no sound"


def _no_marks(_: Fields) -> Marks | None:
    return None


class LiveView:
    """The observer behind the live screen.

    `wake` is called in the engine's thread after an alert has entered the snapshot; it must not block.
    `marks_of` gives the zones of a guard context, and again when region, side or tool have changed.
    """

    def __init__(self, marks_of: MarksOf = _no_marks) -> None:
        self.wake: Callable[[], None] | None = None
        self.ring = ScanRing()
        self._marks_of = marks_of
        self._snapshot = EMPTY
        self._flow = _Flow()
        self._board = _Board()
        self._context: dict[str, Json] = {}
        self._before: tuple[dict[str, Json], Changes] = ({}, {})  # context and fields before the last move
        self._events: deque[Numbered] = deque(maxlen=EVENTS_KEPT)
        self._numbered = 0

    def snapshot(self) -> Snapshot:
        """The newest one: from any thread, at once."""
        return self._snapshot

    def __call__(self, event: Event) -> None:
        """Take an event, in the engine's thread."""
        changes = self._changes(event)
        if not isinstance(event, Reading | Totals):
            self._events.append(Numbered(self._numbered, event))
            self._numbered += 1
            changes["events"] = tuple(self._events)
        self._snapshot = replace(self._snapshot, **changes)
        if isinstance(event, Alert) and self.wake is not None:
            self.wake()

    def _changes(self, event: Event) -> Changes:
        match event:
            case Reading():
                return self._reading(event)
            case Alert():
                self._board.take(event)
                return self._board.changes(self._snapshot.loaded)
            case Totals():
                return {"totals": event}
            case Notice():
                return self._notice(event)
            case Action():
                return self._act(event)
            case Cue():
                return {}
            case Opened():
                self._context = dict(event.context)
                placed = {"region": event.region, "side": event.side, "tool": event.tool}
                return {"opened": event, **placed, "marks": self._marks_of(self._context)}
            case Closed():
                return {"closed": event}
            case _:
                assert_never(event)

    def _act(self, action: Action) -> Changes:
        match action.kind:
            case "region" | "side" | "tool":
                return self._placed(action.fields)
            case "pause" if action.fields.get("by") not in ("release", "countdown"):  # the hands' state tells those
                told = action.fields.get("on")
                return {"paused": told if isinstance(told, bool) else not self._snapshot.paused}
            case _:
                return {}

    def _placed(self, fields: Fields) -> Changes:
        """Region, side or tool have changed; with them, the zones."""
        known = {name: fields[name] for name in ("region", "side", "tool") if isinstance(fields.get(name), str)}
        self._before = (self._context, {name: getattr(self._snapshot, name) for name in (*known, "marks")})
        self._context = {**self._context, **known}
        if "tool" in fields and "area_cm2" not in fields:
            self._context.pop("area_cm2", None)  # the tool's own stands
        return {**known, "marks": self._marks_of(self._context)}

    def _reading(self, reading: Reading) -> Changes:
        scans = len(reading.t_s)
        if scans == 0:
            return {}
        self.ring.append(reading.t_s, reading.pressure_kpa if reading.unit == "N" else reading.load)
        self._flow.take(reading.arrival_s, scans, reading.lost)
        changes: Changes = {
            "count": self.ring.count,
            "unit": reading.unit,
            "rate_hz": self._flow.rate_hz(),
            "loss": self._flow.loss(),
            "lost": self._snapshot.lost + reading.lost,
        }
        if reading.late:  # back-filled: it fills the plot, and is not what the ball feels now
            return changes
        loaded = self._loaded(float(reading.pressure_kpa[-1]))
        changes |= {
            "t_s": float(reading.t_s[-1]),
            "arrival_s": reading.arrival_s,
            "period_s": self._period_s(reading),
            "smooth_kpa": float(reading.smooth_kpa[-1]),
            "pressure_kpa": float(reading.pressure_kpa[-1]),
            "load": float(reading.load[-1]),
            "saturated": bool(reading.saturated[-1]),
            "loaded": loaded,
        }
        if loaded is not self._snapshot.loaded:
            changes |= self._board.changes(loaded)
        return changes

    def _period_s(self, reading: Reading) -> float:
        """Of the newest scans; the last known one where a gap lies between."""
        if len(reading.t_s) > 1:
            return float(reading.t_s[-1] - reading.t_s[0]) / (len(reading.t_s) - 1)
        step_s, before_s = float(reading.t_s[0]) - self._snapshot.t_s, self._snapshot.period_s
        longest_s = 1.0 if math.isnan(before_s) else 2.0 * before_s
        return step_s if reading.lost == 0 and 0 < step_s < longest_s else before_s

    def _loaded(self, pressure_kpa: float) -> bool:
        """Whether somebody presses. An unknown pressure leaves it as it was."""
        if np.isnan(pressure_kpa):
            return self._snapshot.loaded
        return pressure_kpa >= (FREE_KPA if self._snapshot.loaded else CONTACT_KPA)

    def _notice(self, notice: Notice) -> Changes:
        state = str(notice.fields.get("state", ""))
        match notice.kind:
            case "link":
                return {"link": state}
            case "value":
                return {"known": state != "unknown"}
            case "storage":
                seconds = notice.fields.get("seconds")
                waiting_s = float(seconds) if isinstance(seconds, int | float) else 0.0
                return {"storage": state, "stored_to_s": notice.t_s - waiting_s}
            case "hands":
                value = notice.fields.get("value")
                told = value if isinstance(value, int) else None
                return {"hands": state, "hands_value": told, "hands_s": notice.t_s}
            case "sound":
                return {"mute": _mute(notice.fields)}
            case "refused" if notice.fields.get("request") in ("region", "side", "tool"):
                self._context, changes = self._before
                return changes
            case "status" | "ball" if "battery_pct" in notice.fields:
                charge = notice.fields["battery_pct"]
                return {"battery_pct": charge if isinstance(charge, int) else None}
            case _:
                return {}
