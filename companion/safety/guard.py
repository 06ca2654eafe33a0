"""The guard: scans in, alerts, totals and notices out.

Pure. It reads no clock; time comes with the scans, or as an argument of `tick`, which judges silence and nothing else.
Whatever the split of the scans, the events are the same. Inside, a run of scans is cut at whole seconds, measured at
once (meters), and watched against the alarm table (panel); only where a condition changes is anything done per scan.
"""

import dataclasses
import math
from collections.abc import Callable

from companion.errors import ConfigError
from companion.safety.alarms import Alarms, Moment, Stop, Value
from companion.safety.causes import BELOW_TEXT, CAUSES, RATING_MAX
from companion.safety.dose import tune
from companion.safety.limits import GuardContext, tools, zone_of
from companion.safety.meters import LOST_MAX_S, Measured, Meters
from companion.safety.panel import Panel, Sight
from companion.safety.scans import NEGATIVE_KPA, Dropped, Intake, Judged, Scans, Seconds, unknown_us
from companion.safety.signals import Place, of_body, pressure
from companion.safety.silence import CLOSE_S, DROP_PART, UNTRUSTED_ALARM_US, DropRate, ValueAge
from companion.safety.squeezes import Squeezes
from companion.safety.stuck import Stuck
from companion.safety.telling import Told
from companion.safety.terms import at_start, of_place
from sessions.events import Action, Alert, Level, Notice, Totals

__all__ = ["Guard", "Judged", "zone_of"]

Said = Alert | Totals | Notice
LOCK_H = 24  # a region is locked after numb, tingling or shooting pain
UNLOCKED = ("pain",)  # a symptom that stops, but locks nothing


class Guard:
    """One session's guard. `context` is the present one: region, side, tool and locks change with actions."""

    def __init__(self, context: GuardContext) -> None:
        self.context = context
        self.tuning = tune(context)
        self._intake = Intake()
        self._meters = Meters(context)
        self._panel = Panel()
        self._alarms = Alarms()
        self._age = ValueAge()
        self._drops = DropRate()
        self._stuck = Stuck()
        self._squeezes = Squeezes()  # followed while a stop stands
        self._battery_low = False
        self._closed: set[str] = set()
        self._seconds = Seconds()
        self._period_s = 0.0
        self._known_us: float | None = None  # of the last scan with a trusted value
        self._first_us: float | None = None
        self._begun = False  # a value has come, and the terms have been said
        self._untrusted_us: float | None = None  # since when the zero is not trusted
        self._panel.retune(context, self.tuning, self._meters)

    # --- inputs ---

    def feed(self, judged: Judged) -> list[Said]:
        """Take the next scans."""
        out: list[Said] = []
        self._period_s = self._age.period_s = judged.period_s
        if judged.fresh:
            self._meters.restart()
            self._stuck.restart()
        self._age.wait(judged.arrival_s)
        least_n = self.tuning.saturated_n(judged.cells_n.shape[1])
        floor_n = -NEGATIVE_KPA / self.tuning.kpa_per_n if judged.trusted else -math.inf  # a wrong zero may read below
        for run in self._intake.take(judged, floor_n, least_n):
            if isinstance(run, Dropped):
                out += self._drop(run)
                continue
            self._age.heard(judged.arrival_s)
            for piece in [run] if judged.trusted else self._cut_at_alarm(run):
                out += self._found(piece, trusted=judged.trusted)
                for part, passes in self._seconds.cut(piece):
                    for scans in self._apart(part):
                        out += self._judge(scans, trusted=judged.trusted)
                    if passes:
                        self._stuck.second()
                        out.append(self._totals(float(part.t_s[-1])))
        return out

    def tick(self, now_s: float, t_s: float) -> list[Alert | Notice]:
        """Judge the age of the value: `now_s` on the clock of `arrival_s`, `t_s` the same moment in session time."""
        age_s = self._age.age_s(now_s)
        return [] if age_s is None else self.aged(age_s, t_s)

    def aged(self, age_s: float, t_s: float) -> list[Alert | Notice]:
        """Judge a value of this age. Twice the same says nothing new."""
        out: list[Alert | Notice] = []
        if age_s >= self._age.unknown_after_s():
            out += self._age.lose("silence", t_s)
        if age_s >= self._age.alarm_after_s():
            out += self._silent(self._moment(t_s), age_s)
        if age_s >= CLOSE_S and self._may_close:
            out.append(self._close(t_s))
        return out

    def act(self, action: Action, t_s: float) -> list[Alert | Totals | Notice]:
        """What a person did, between two scans. Kinds that are not the guard's matter give nothing."""
        kinds: dict[str, Callable[[Action, float], list[Said]]] = {
            "region": self._move,
            "side": self._move,
            "tool": self._move,
            "confirm": self._confirm,
            "silence": self._silence,
            "symptom": self._symptom,
            "pain": self._pain,
        }
        act = kinds.get(action.kind)
        return [] if act is None else act(action, t_s)

    def battery(self, low: bool) -> None:
        """What the ball says of its battery, between two scans. Told with the next scan."""
        self._battery_low = low

    def recalibrated(self) -> None:
        """The ball's calibration is another from here on: nobody has confirmed its newtons."""
        self.context = dataclasses.replace(self.context, calibrated=False)
        self.tuning = tune(self.context)
        self._meters.move(self.context, self._intake.last_us or 0.0)
        self._panel.retune(self.context, self.tuning, self._meters)

    def deadline(self) -> float | None:
        """When `tick` is next due, on the clock of `arrival_s`."""
        return self._age.deadline_s(may_close=self._may_close)

    @property
    def loaded(self) -> bool:
        """Whether something pressed when last known."""
        return self._meters.contact.on

    @property
    def stopped(self) -> bool:
        """Whether a stop stands that has not been confirmed."""
        return self._alarms.stop is not Stop.NONE

    def finish(self, t_s: float) -> list[Totals]:
        """The last totals, with what was lost at the end."""
        missing_s = 0.0 if self._known_us is None else t_s - self._known_us * 1e-6
        if missing_s * 1e6 > unknown_us(self._period_s):
            self._meters.lose(missing_s, round(t_s * 1e6), self.tuning)
        return [self._totals(t_s)]

    # --- scans ---

    def _judge(self, scans: Scans, *, trusted: bool) -> list[Said]:
        tuning, alarms = self.tuning, self._alarms
        if trusted:
            touched = self._meters.session_us > 0.0
            measured = self._meters.feed(scans, tuning, self._period_s)
            region = self.context.region
            place = Place(
                region in self._closed, self.context.is_locked, self.context.is_resting, self._battery_low, touched
            )
            signals = pressure(scans, tuning) | of_body(measured, tuning, place)
            if tuning.judged:
                signals["stuck_s"] = self._stuck.feed(measured)
        else:
            measured = self._meters.skip(scans, tuning)
            signals = pressure(scans, tuning)
        first = self._first_press(measured) if trusted and alarms.any_quiet else len(scans)
        sight = Sight(measured, signals, tuning, first, trusted)
        steps = self._panel.run(sight, alarms)
        told = Told(alarms, self._drops, self._squeezes, self.context.region, self.context.side)
        if not steps and first == len(scans) and not told.due(float(scans.t_us[-1])):
            return []
        standing = self._panel.standing(sight, alarms) if first < len(scans) else {}
        return [*told.tell(sight, steps, standing)]

    def _apart(self, part: Scans) -> list[Scans]:
        """Scan by scan where one of them may confirm a stop, as a person could between any two."""
        if self._alarms.stop is Stop.LATCHED and self._squeezes.listens(float(part.t_us[-1])):
            return [part.cut(at, at + 1) for at in range(len(part))]
        return [part]

    def _first_press(self, measured: Measured) -> int:
        loaded = measured.pressing()
        return len(measured.scans) if loaded is None else int(loaded.argmax())

    def _found(self, run: Scans, *, trusted: bool) -> list[Said]:
        """A run of values begins: what was unknown is known again, and what was lost is booked."""
        t_s, first_us = float(run.t_s[0]), float(run.t_us[0])
        at = self._moment(t_s)
        out: list[Said] = []
        if not self._age.known or self._age.silent:
            out += self._age.find("silence", t_s)
            self._age.silent = False
            out += self._alarms.change("silence", Level.OK, at, Value())
        if self._first_us is None:
            self._first_us = first_us
        if not self._begun:
            self._begun = True
            out += at_start(self.context, self.tuning, self._period_s, float(run.force_n[0]), t_s)
        if not trusted:
            out += self._distrust(first_us, at)
            return out
        if self._untrusted_us is not None:
            self._untrusted_us = None
            out += self._age.find("zero", t_s)
            out += self._alarms.change("zero", Level.OK, at, Value())
        begins_us = first_us - float(run.dt_us[0])
        missing_us = 0.0 if self._known_us is None else begins_us - self._known_us
        if missing_us > 0.0:
            out += self._lost(missing_us * 1e-6, begins_us, t_s)
        self._known_us = float(run.t_us[-1])
        return out

    def _lost(self, missing_s: float, until_us: float, t_s: float) -> list[Said]:
        """Nothing was measured for so long."""
        out: list[Said] = []
        if missing_s > LOST_MAX_S and self._may_close:
            out.append(self._close(t_s))
        self._meters.lose(missing_s, until_us, self.tuning)
        self._meters.restart()
        self._meters.doubt()
        self._panel.doubt()
        self._stuck.restart()
        self._squeezes.doubt()
        return out

    def _cut_at_alarm(self, run: Scans) -> list[Scans]:
        """Untrusted scans, cut where that becomes an alarm."""
        since_us = float(run.t_us[0]) if self._untrusted_us is None else self._untrusted_us
        due = int(run.t_us.searchsorted(since_us + UNTRUSTED_ALARM_US))
        return [run.cut(0, due), run.cut(due, len(run))] if 0 < due < len(run) else [run]

    def _distrust(self, first_us: float, at: Moment) -> list[Said]:
        if self._untrusted_us is None:
            self._untrusted_us = first_us
        out: list[Said] = [*self._age.lose("zero", at.t_s)]
        if first_us - self._untrusted_us >= UNTRUSTED_ALARM_US:
            out += self._alarms.change("zero", Level.TECHNICAL, at, Value())
        return out

    def _drop(self, run: Dropped) -> list[Said]:
        out: list[Said] = []
        for t_s, t_us, below in zip(run.t_s.tolist(), run.t_us.tolist(), run.below.tolist(), strict=True):
            if self._first_us is None:
                self._first_us = t_us
            part = self._drops.drop(t_us, self._period_s)
            if part > DROP_PART and self._drops.clear_us is None:
                self._drops.alarm(t_us)
                value = Value(100.0 * part, 100.0 * DROP_PART, BELOW_TEXT if below else None)
                out += self._alarms.change("dropped", Level.TECHNICAL, self._moment(t_s), value)
            last_us = self._first_us if self._intake.last_us is None else self._intake.last_us
            age_s = (t_us - last_us) * 1e-6
            if age_s > self._age.unknown_after_s():
                out += self._age.lose("silence", t_s)
            if age_s > self._age.alarm_after_s():
                out += self._silent(self._moment(t_s), age_s)
        return out

    # --- silence and loss ---

    def _silent(self, at: Moment, age_s: float) -> list[Alert | Notice]:
        if self._age.silent:
            return []
        self._age.silent = True
        return self._alarms.change("silence", Level.TECHNICAL, at, Value(age_s, self._age.alarm_after_s()))

    @property
    def _may_close(self) -> bool:
        """Somebody presses, as far as is known, in a region whose load was known so far."""
        return self._meters.contact.on and self.context.region not in self._closed

    def _close(self, t_s: float) -> Notice:
        self._closed.add(self.context.region)
        text = "load unknown for over a minute: leave this area for today"
        return self._region_notice(t_s, "closed", text)

    def _region_notice(self, t_s: float, state: str, text: str) -> Notice:
        fields = {"region": self.context.region, "side": self.context.side, "state": state}
        return Notice(t_s, "region", text, fields)

    # --- actions ---

    def _move(self, action: Action, t_s: float) -> list[Said]:
        """Region, side or tool, and with any of them whether the ball rolls."""
        known = ("region", "side", "tool", "area_cm2", "rolling")
        fields = {name: action.fields[name] for name in known if name in action.fields}
        try:
            if "tool" in fields and "area_cm2" not in fields:
                fields["area_cm2"] = tools()[str(fields["tool"])].area_cm2
            context = dataclasses.replace(self.context, **fields)  # type: ignore[arg-type]  # checked by the context
        except (ConfigError, KeyError, TypeError) as error:
            return [Notice(t_s, "refused", f"not changed: {error}", {"request": action.kind, "status": None})]
        before, self.context = self.context, context
        self.tuning = tune(context)
        out: list[Said] = []
        if (before.region, before.side) != (context.region, context.side):
            self._panel.forget_region()
            out += self._alarms.forget((cause.key for cause in CAUSES if cause.of_region), self._moment(t_s))
        self._meters.move(context, self._intake.last_us or 0.0)
        self._panel.retune(context, self.tuning, self._meters)
        if self._begun and (before.region, before.tool) != (context.region, context.tool):
            out += of_place(context, self.tuning, t_s)
        return out

    def _confirm(self, action: Action, t_s: float) -> list[Said]:
        return [*self._alarms.confirm(self._moment(t_s))]

    def _silence(self, action: Action, t_s: float) -> list[Said]:
        cause = action.fields.get("cause")
        return [*self._alarms.silence(cause if isinstance(cause, str) else "", self._moment(t_s))]

    def _pain(self, action: Action, t_s: float) -> list[Said]:
        """A score between holds is judged like a rating; before and after there is nothing to stop."""
        if action.fields.get("when") != "hold":
            return []
        return self._symptom(Action("symptom", {"rating": action.fields.get("value")}), t_s)

    def _symptom(self, action: Action, t_s: float) -> list[Said]:
        """Pain, numbness, tingling: a stop. Anything but plain pain locks the region. A rating stops from 7 on."""
        rating, symptom = action.fields.get("rating"), action.fields.get("symptom")
        rated = isinstance(rating, int | float) and not isinstance(rating, bool)
        if symptom is None and rated and float(str(rating)) < RATING_MAX:
            return []
        out: list[Said] = []
        standing = self._alarms.stop
        value = Value(float(str(rating)), RATING_MAX) if rated else Value()
        out += self._alarms.raise_stop("symptom", self._moment(t_s), value)
        if standing is not Stop.SOUNDING:
            self._squeezes.reset()
        if symptom in UNLOCKED or (symptom is None and rated):
            return out
        if self.context.region not in self.context.locked:
            self.context = dataclasses.replace(self.context, locked=(*self.context.locked, self.context.region))
        text = f"leave this area for {LOCK_H} hours, and see a professional if it stays"
        return [*out, self._region_notice(t_s, "locked", text)]

    # --- telling ---

    def _moment(self, t_s: float) -> Moment:
        return Moment(t_s, float(round(t_s * 1e6)), self.context.region, self.context.side)

    def _totals(self, t_s: float) -> Totals:
        return Totals(t_s, self._meters.session_us * 1e-6, self._meters.totals(judged=self.tuning.judged))
