"""The guard, written once more: one scan at a time, with nothing but plain numbers. Slow, and easy to check by eye.

It shares with the guard only the alarm table and the limits, and is held against it on random signals.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from companion.safety.causes import BELOW_TEXT
from companion.safety.guard import Judged
from companion.safety.limits import GuardContext, RegionLimits, regions, tools
from sessions.events import Action, Level, Notice, Phase
from tests.reference_alarms import Condition, Delay, Off, Said
from tests.reference_sums import ReferenceSums, shared

NAN = math.nan


class ReferenceGuard(ReferenceSums):
    def __init__(self, context: GuardContext) -> None:
        super().__init__(context)
        self.last: int | None = None  # last scan with a value
        self.known: int | None = None  # ... that was trusted
        self.first: int | None = None
        self.force = 0.0
        self.second: int | None = None
        self.forces: list[int] = []
        self.held = Delay(5.0, 1.0)
        self.reasons: list[str] = []
        self.silent = False
        self.untrusted_since: int | None = None
        self.drops: list[int] = []
        self.drops_clear: int | None = None
        self.closed: list[str] = []
        self.raw: float | None = None
        self.raw_since = 0
        self.noisy = False
        self.second_scans = self.second_changes = 0
        self.period = 0.0
        self.battery_low = False
        self.begun = False
        self.arrival_s: float | None = None
        self.rolled: list[tuple[int, float]] = []  # (time, force) of the present contact
        self.since_touch = -10_000_000
        self.touching = False

    # --- inputs ---

    def feed(self, judged: Judged) -> list[Said]:
        self.period = judged.period_s
        if judged.fresh:
            self.forces, self.raw, self.rolled = [], None, []
        out: list[Said] = []
        channels = judged.cells_n.shape[1]
        for i in range(len(judged.t_s)):
            cells = [float(cell) for cell in judged.cells_n[i]]
            scan = Scan(
                float(judged.t_s[i]),
                round(float(judged.t_s[i]) * 1e6),
                float(judged.force_n[i]),
                float(judged.raw_n[i]),
                cells,
                float(judged.ramp_kpa_s[i]),
                bool(judged.saturated[i]),
            )
            if self.arrival_s is None or self._usable(scan):
                self.arrival_s = judged.arrival_s
            out += self._scan(scan, channels, judged.trusted)
        return out

    def tick(self, now_s: float, t_s: float) -> list[Said]:
        if self.arrival_s is None:
            return []
        age_s, t = now_s - self.arrival_s + 1e-6, round(t_s * 1e6)
        out = self._lose("silence", t_s) if age_s >= max(0.25, 3 * self.period) else []
        if age_s >= max(1.0, 6 * self.period) and not self.silent:
            self.silent = True
            out += self._change(self.conditions["silence"], Level.TECHNICAL, t_s, t)
        if age_s >= 60.0 and self.contact.on and self.context.region not in self.closed:
            self.closed.append(self.context.region)
            out.append(Notice(t_s, "region", "", {"state": "closed"}))
        return out

    def act(self, action: Action, t_s: float) -> list[Said]:
        t = round(t_s * 1e6)
        match action.kind:
            case "confirm":
                return self._confirm(t_s)
            case "silence":
                loudest = max(self.conditions.values(), key=lambda item: item.said)
                loudest = self.conditions.get(str(action.fields.get("cause", "")), loudest)
                if loudest.said is Level.OK:
                    return []
                loudest.silent_until = t + 60_000_000
                return [self._alert(loudest, Phase.SILENCED, t_s)]
            case "symptom":
                standing, symptom, rating = self.stop, action.fields.get("symptom"), action.fields.get("rating")
                if symptom is None and isinstance(rating, int) and rating < 7:
                    return []
                out = self._raise_stop(self.conditions["symptom"], t_s, t)
                if standing != "sounding":
                    self.free = Off()
                if symptom == "pain" or (symptom is None and rating is not None):
                    return out
                if self.context.region not in self.context.locked:
                    self.context = replace(self.context, locked=(*self.context.locked, self.context.region))
                return [*out, Notice(t_s, "region", "", {"state": "locked"})]
            case "region" | "side":
                return self._move(action, t_s, t)
            case "tool":
                tool, before = str(action.fields["tool"]), self.context
                self.context = replace(self.context, tool=tool, area_cm2=tools()[tool].area_cm2)
                self.part.held_us, self.held, self.rolled = 0, Delay(5.0, 1.0), []
                self.part.rest(self.part.at)
                self._retune()
                return self._place_terms(t_s) if tool != before.tool else []
            case _:
                return []

    def _move(self, action: Action, t_s: float, t: int) -> list[Said]:
        before, left = self.context, self.part
        name = str(action.fields.get(action.kind, getattr(before, action.kind)))
        self.context = replace(before, region=name) if action.kind == "region" else replace(before, side=name)
        self.context = replace(self.context, rolling=bool(action.fields.get("rolling", before.rolling)))
        self.touching = self.touching and before.rolling and self.context.rolling
        self._retune()
        left.held_us, self.held, self.rolled = 0, Delay(5.0, 1.0), []
        now = self.last or 0
        left.rest(left.at)
        if self.part is left:
            return []
        self.part.rest(now)
        for other in self.parts.values():
            if other.region == self.part.region and shared(other.side, self.part.side):
                other.rest(now)
                if other.hold > self.part.hold:
                    self.part.hold, self.part.at = other.hold, other.at
                    self.part.peak_of_rest, self.part.rests_since = other.peak_of_rest, other.rests_since
        out: list[Said] = []
        for key, old in self.conditions.items():
            if old.cause.of_region:
                new = self._condition(old.cause)
                old.delays, old.told_tenth, old.lasting, old.quiet = new.delays, new.told_tenth, new.lasting, False
                out += self._change(self.conditions[key], Level.OK, t_s, t)
        return out + (self._place_terms(t_s) if self.context.region != before.region else [])

    # --- a scan ---

    def _scan(self, scan: "Scan", channels: int, trusted: bool) -> list[Said]:
        if not self._usable(scan):
            return self._drop(scan)
        if self.first is None:
            self.first = scan.t
        begins, self.begun = not self.begun, True
        raw = scan.raw
        force = scan.force if math.isfinite(scan.force) else raw
        if scan.saturated:
            full = self.context.full_scale_n if self.context.full_scale_n and channels == 1 else self.limits.force_max_n
            force = raw = max(full, self.force)
        period = round(self.period * 1e6)
        hole = round(max(0.25, 3 * self.period) * 1e6)
        dt = period if self.last is None or scan.t - self.last > hole else scan.t - self.last
        self.last, self.force = scan.t, force
        out: list[Said] = []
        if self.reasons or self.silent:
            out += self._find("silence", scan.t_s)
            self.silent = False
            out += self._change(self.conditions["silence"], Level.OK, scan.t_s, scan.t)
        if begins:
            out += self._terms(scan.t_s, force)
        out += self._trust(scan, trusted, dt)
        if self.second is None:
            self.second = scan.t // 1_000_000
        out += self._judge(scan, force, raw, dt, trusted)
        if scan.t >= (self.second + 1) * 1_000_000:
            self.second = scan.t // 1_000_000
            if self.second_scans >= 10 and self.second_changes * 2 >= self.second_scans:
                self.noisy = True
            self.second_scans = self.second_changes = 0
            out.append(self._totals(scan.t_s))
        return out

    def _usable(self, scan: "Scan") -> bool:
        per_n = 10.0 / self.limits.area_cm2
        fine = scan.saturated or (math.isfinite(scan.raw) and scan.raw >= -10.0 / per_n)
        return fine and (self.last is None or scan.t > self.last)

    def _terms(self, t_s: float, force: float) -> list[Said]:
        context = self.context
        p = force * 10.0 / self.limits.area_cm2
        said = {
            "calibration": not context.calibrated,
            "rate": self.period > 0.1 + 1e-6,
            "full_scale": self._short(),
            "zero": p > 10.0 or (context.full_scale_n is not None and force > 0.05 * context.full_scale_n),
        }
        return [Notice(t_s, "terms", "", {"cause": cause}) for cause, holds in said.items() if holds]

    def _place_terms(self, t_s: float) -> list[Said]:
        return [Notice(t_s, "terms", "", {"cause": "full_scale"})] if self.begun and self._short() else []

    def _short(self) -> bool:
        """Whether a limit is more than 0.8 of what the ball shows."""
        full, cell = self.context.full_scale_n, self.context.cell_cm2
        if full is None:
            return False
        whole = replace(self.context, full_scale_n=None).limits()
        most = [whole.force_max_n] + ([whole.peq_max_kpa * math.sqrt(cell) / 10] if cell else [])
        return any(full < 1.25 * limit for limit in most)

    def _trust(self, scan: "Scan", trusted: bool, dt: int) -> list[Said]:
        out: list[Said] = []
        if not trusted:
            if self.untrusted_since is None:
                self.untrusted_since = scan.t
            out += self._lose("zero", scan.t_s)
            if scan.t - self.untrusted_since >= 250_000:
                out += self._change(self.conditions["zero"], Level.TECHNICAL, scan.t_s, scan.t)
            return out
        if self.untrusted_since is not None:
            self.untrusted_since = None
            out += self._find("zero", scan.t_s)
            out += self._change(self.conditions["zero"], Level.OK, scan.t_s, scan.t)
        missing = 0 if self.known is None else scan.t - dt - self.known
        if missing > 0:
            if missing > 60_000_000 and self.contact.on and self.context.region not in self.closed:
                self.closed.append(self.context.region)
                out.append(Notice(scan.t_s, "region", "", {"state": "closed"}))
            self._book(missing * 1e-6, scan.t - dt)
            self.forces, self.raw, self.rolled = [], None, []
            for delay in self._delays():
                if delay.on:
                    delay.since = None
            self.free.hole()
        self.known = scan.t
        return out

    def _delays(self) -> Iterator[Delay]:
        yield self.contact
        yield self.held
        for condition in self.conditions.values():
            yield from (delay for _, delay in condition.delays)

    def _judge(self, scan: "Scan", force: float, raw: float, dt: int, trusted: bool) -> list[Said]:
        p = force * 10.0 / self.limits.area_cm2
        peak = NAN if scan.saturated else scan.force
        least = force if scan.saturated else scan.force
        signals = {"ratio": self._ratio(least, scan, self.limits), "strict": self._strict(least, scan)}
        pressing = False
        if trusted:
            touched = self.session_us > 0
            signals |= self._body(scan, p, raw, force, peak, dt)
            pressing = self.contact.on and p >= 5.0
            for key, of in (("closed", self.closed), ("locked", self.context.locked)):
                signals[key] = 1.0 if pressing and self.context.region in of else 0.0
            signals["pressed_hold"] = signals["hold"] if pressing else 0.0
            signals["battery"] = float(self.battery_low)
            signals["battery_first"] = float(self.battery_low and not touched and not self.contact.on)
        return self._conditions(scan, p, signals, pressing, trusted)

    def _ratio(self, peak: float, scan: "Scan", limits: RegionLimits) -> float:
        ratio = max(10 * peak / math.sqrt(limits.area_cm2) / limits.peq_max_kpa, peak / limits.force_max_n)
        if math.isnan(peak):
            ratio = NAN
        if self.context.cell_cm2:
            for cell in scan.cells:
                most = limits.peq_max_kpa * math.sqrt(self.context.cell_cm2) / 10
                full = self.context.full_scale_n
                local = cell / (0.8 * full if full is not None and full < 1.25 * most else most)
                if not math.isnan(local) and not local <= ratio:
                    ratio = local
        return ratio

    def _strict(self, peak: float, scan: "Scan") -> float:
        ratio = self._ratio(peak, scan, self.strict)
        if self.strict.force_cap_n is not None and peak >= self.strict.force_cap_n:
            ratio = max(1.25, ratio)
        return ratio

    def _body(self, scan: "Scan", p: float, raw: float, force: float, peak: float, dt: int) -> dict[str, float]:
        part, limits, t = self.part, self.limits, scan.t
        contact_us = self.contact.touch(t, dt, p)
        part.contact_us += contact_us
        self.session_us += contact_us
        bottom, top = limits.working_kpa
        over = limits.mean_max_kpa
        part.zones_us[sum(p >= min(edge, over) for edge in (5.0, bottom, top, over))] += dt
        if peak > part.peak_n:
            part.peak_n, part.peak_kpa = peak, max(part.peak_kpa, peak * 10.0 / limits.area_cm2)
        part.dose += max(0.0, raw * 10.0 / limits.area_cm2 - 9.0) * dt * 1e-6
        window = max(1, round(0.5 / self.period))
        self.forces = [*self.forces, round(force * 1024)][-window:]
        mean = sum(self.forces) / len(self.forces) / 1024 * 10.0 / limits.area_cm2
        on = max(10.0, bottom / 2)
        rolls, onset = self._rolls(t, force)
        slow = self.context.rolling and rolls
        if mean >= on:
            part.press(t, dt * 1e-6 / self._hold_s(mean) * (0.25 if slow else 1.0))
        else:
            part.rest(t)
        static = mean >= on and not slow
        if self.held.step(t, static, not static) and self.held.on:
            part.holds += 1
        begun = self.held.start if self.held.on else self.held.since
        part.held_us = 0 if begun is None else t - begun
        self.p = p
        region = regions()[self.context.region]
        return {
            "hold": part.hold,
            "static": float(static),
            "standing": float(region.roll_only and mean >= on and not rolls),
            "firm": float(region.light_only and static and mean >= bottom),
            "ramp": scan.ramp * math.sqrt(limits.area_cm2) if p >= 0.3 * top and onset else 0.0,
            "saturated": 1.0 if scan.saturated else 0.0,
            "stuck_s": self._stuck(scan, raw, p),
        }

    def _rolls(self, t: int, force: float) -> tuple[bool, bool]:
        """Whether the force of the last 5 s of contact varies; whether a rise counts, for the contact is new."""
        if not self.contact.on:
            self.rolled, self.touching = [], False
            return False, True
        if not self.touching:
            self.touching, self.since_touch = self.context.rolling, t
        onset = not self.context.rolling or t - self.since_touch <= 2_000_000
        self.rolled.append((t, force))
        window = [value for at, value in self.rolled if at > t - 5_000_000]
        if t - self.rolled[0][0] < 5_000_000:
            return False, onset
        mean = sum(window) / len(window)
        variance = sum(value * value for value in window) / len(window) - mean * mean
        return variance >= 0.04 * mean * mean, onset

    def _stuck(self, scan: "Scan", raw: float, p: float) -> float:
        changed = self.raw is None or raw != self.raw or scan.saturated
        self.raw = raw
        if changed:
            self.raw_since = scan.t
        if not self.noisy:
            if self.contact.on:
                self.second_scans += 1
                self.second_changes += changed
            return 0.0
        return (scan.t - self.raw_since) * 1e-6 if p >= 5.0 else 0.0

    # --- conditions ---

    def _conditions(
        self, scan: "Scan", p: float, signals: dict[str, float], pressing: bool, trusted: bool
    ) -> list[Said]:
        t_s, t = scan.t_s, scan.t
        out: list[Said] = []
        turn = self.free.step(t, p >= 5.0) if trusted and self.stop != "none" else ""
        out += self._sound_again(t_s, t)
        if turn == "touched":
            out += self._touched(t_s)
        elif turn == "squeezed":
            out += self._confirm(t_s)
        sounding = self.stop == "sounding"
        waiting = [condition for condition in self.conditions.values() if condition.quiet] if pressing else []
        before = {key: condition.level for key, condition in self.conditions.items()}
        told = {key: condition.told_tenth for key, condition in self.conditions.items()}
        for condition in waiting:
            condition.quiet = False
            out += self._change(condition, condition.level, t_s, t)
        lasted: list[Condition] = []
        standing = list(self.stopped)
        for key, condition in self.conditions.items():
            if condition.cause.rows:
                self._rows(condition, t, signals, trusted)
            elif condition.cause.shares and trusted:
                self._sum(condition, pressing)
            elif key == "dropped" and self.drops_clear is not None and t >= self.drops_clear:
                self.drops_clear = None
                out += self._change(condition, Level.OK, t_s, t)
            again = condition.told_tenth != told[key]
            if condition.level is not before[key] or again:
                rises = condition.level > before[key]
                out += self._change(condition, condition.level, t_s, t, again, signals.get("ratio", 0.0), rises)
            if condition.cause.escalate_s and self._lasts(condition, t, p, condition in standing):
                lasted.append(condition)
        for condition in lasted:
            out += self._raise_stop(condition, t_s, t)
        if self.stop == "sounding" and not sounding and turn != "touched":
            self.free = Off()  # followed from the next scan on
        elif turn == "freed":
            out += self._freed(t_s)
        return out

    def _sound_again(self, t_s: float, t: int) -> list[Said]:
        out: list[Said] = []
        for condition in self.conditions.values():
            if condition.silent_until is not None and t >= condition.silent_until:
                condition.silent_until = None
                if not (self.stop == "latched" and condition in self.stopped):
                    out.append(self._alert(condition, Phase.RAISED, t_s))
        return out

    def _rows(self, condition: Condition, t: int, signals: dict[str, float], trusted: bool) -> None:
        for row, delay in condition.delays:
            value = signals.get(row.signal)
            if value is not None:
                clear_at = row.clear_at
                if condition.cause.key == "peak" and clear_at < row.set_at:
                    clear_at = min(clear_at, row.set_at - 3 * self.context.noise_n / self.limits.force_max_n)
                delay.step(t, value >= row.set_at, value < clear_at if trusted else None)
        condition.level = max((row.level for row, delay in condition.delays if delay.on), default=Level.OK)

    def _sum(self, condition: Condition, pressing: bool) -> None:
        if not pressing:
            return
        used, limit = self._used(condition.cause.key)
        last = round(condition.cause.shares[-1].at * 10) if condition.cause.once else math.inf
        while condition.told_tenth < last and used >= limit * (condition.told_tenth + 1) / 10:
            condition.told_tenth += 1
            shares = condition.cause.shares
            condition.level = max(share.level for share in shares if round(share.at * 10) <= condition.told_tenth)

    def _lasts(self, condition: Condition, t: int, p: float, stands: bool) -> bool:
        if stands:
            condition.lasting.since = None
            return False
        bottom = self.limits.working_kpa[0]
        active = condition.level is Level.CAUTION and not condition.quiet and p >= max(10.0, bottom / 2)
        lasted = condition.lasting.step(t, active, None)
        if lasted:
            condition.lasting = Delay(condition.cause.escalate_s or 0.0)
        return lasted

    # --- dropped and unknown ---

    def _drop(self, scan: "Scan") -> list[Said]:
        out: list[Said] = []
        if self.first is None:
            self.first = scan.t
        self.drops = [*(t for t in self.drops if t > scan.t - 1_000_000), scan.t]
        if self.drops_clear is not None:
            self.drops_clear = scan.t + 1_000_000
        elif min(1.0, len(self.drops) * self.period) > 0.2:
            self.drops_clear = scan.t + 1_000_000
            text = BELOW_TEXT if scan.raw < -self.limits.area_cm2 else None  # -10 kPa
            out += self._change(self.conditions["dropped"], Level.TECHNICAL, scan.t_s, scan.t, text=text)
        age = (scan.t - (self.first if self.last is None else self.last)) * 1e-6
        if age > max(0.25, 3 * self.period):
            out += self._lose("silence", scan.t_s)
        if age > max(1.0, 6 * self.period) and not self.silent:
            self.silent = True
            out += self._change(self.conditions["silence"], Level.TECHNICAL, scan.t_s, scan.t)
        return out

    def _lose(self, reason: str, t_s: float) -> list[Said]:
        known = not self.reasons
        if reason not in self.reasons:
            self.reasons.append(reason)
        return [Notice(t_s, "value", "", {"state": "unknown"})] if known else []

    def _find(self, reason: str, t_s: float) -> list[Said]:
        if reason not in self.reasons:
            return []
        self.reasons.remove(reason)
        return [] if self.reasons else [Notice(t_s, "value", "", {"state": "known"})]


@dataclass
class Scan:
    t_s: float
    t: int
    force: float
    raw: float
    cells: list[float]
    ramp: float
    saturated: bool
