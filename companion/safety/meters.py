"""From scans to what they mean for a body: pressure, contact, hold load, dose and clocks, per region and side."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from companion.safety.dose import HOLD_COUNTS_S, Account, HoldLoad, Tuning, overlaps
from companion.safety.limits import GuardContext, effective, regions, whole_body
from companion.safety.rolling import Rolling
from companion.safety.scale import CONTACT_KPA, FREE_KPA
from companion.safety.scans import Bools, Scans, least, most
from companion.safety.watch import Debounce, Meter, mask_of
from sessions.events import Floats, RegionTotals

HOLD_MEAN_S = 0.5  # H is judged on the mean of this
ONSET_US = whole_body()["ramp_onset_s"] * 1e6
FREE_US, SQUEEZE_US = 3e6, 0.6e6  # free for so long, a touch is contact only from here on,
SQUEEZES = 2  # and so is the next
LOST_MAX_S = 60.0  # booked at most; longer closes the region
add = np.add.reduce  # of whole microseconds, so exact in any order
_GRID = 1024.0  # sums of forces on this grid are exact


class ContactState(Debounce):
    """Contact. A ball that has been free for a while may be squeezed: so short a touch is none (hands-free).

    Nobody means more than two squeezes: a third short touch with no such rest before it is somebody on the ball.
    """

    def __init__(self, on_us: float, off_us: float) -> None:
        super().__init__(on_us, off_us)
        self.begun_us: list[float] = []  # the first scans of contacts that began in this run
        self._let_go_us = 0.0  # the end of the last touch that was too short
        self._squeezes = 0  # how many of those since the ball had been free for a while

    def _rise_us(self, since_us: float) -> float:
        return SQUEEZE_US if self._rested(since_us) or 0 < self._squeezes < SQUEEZES else self.on_us

    def _rested(self, since_us: float) -> bool:
        return since_us - max(self.start_us, self._let_go_us) >= FREE_US

    def _break(self, t_us: float) -> None:
        assert self.since_us is not None
        if not self.on:
            if self._rested(self.since_us):
                self._squeezes = 1
            elif self._squeezes:
                self._squeezes += 1
            self._let_go_us = t_us

    def _flip(self) -> None:
        super()._flip()
        self._squeezes = 0
        if self.on:
            self.begun_us.append(self.start_us)


@dataclass(slots=True, eq=False)
class Measured:
    """One run of scans, at most a second of session time, all in one region, side and tool."""

    scans: Scans
    p_kpa: Floats  # mean contact pressure; percent of full scale where not judged
    low_kpa: float
    high_kpa: float
    contact: Bools | bool
    hold_kpa: Floats | None  # mean of half a second; None where not judged
    hold: Floats | None  # H
    static: Bools | bool  # held at p_on or more, and not rolling
    standing: Bools | bool  # held at p_on or more where only rolling is meant, and the force does not vary
    firm: Bools | bool  # held in the working range or more where only a light touch is meant
    onset: Bools | None  # not in contact, or only just; None where nothing is said to roll
    meters: dict[str, Meter]

    def pressing(self) -> Bools | None:
        """Contact, and at least CONTACT_KPA; None where no scan is."""
        if self.contact is False or self.high_kpa < CONTACT_KPA:
            return None
        loaded = (self.p_kpa >= CONTACT_KPA) & self.contact
        return loaded if loaded.any() else None


class Meters:
    """All sums of a session. `at` is the account of the present region and side."""

    def __init__(self, context: GuardContext) -> None:
        self.accounts: dict[tuple[str, str], Account] = {}
        self.session_us = 0.0
        self.contact = ContactState(0.2e6, 0.5e6)
        self._waiting_us = 0.0  # measured of a touch that is no contact yet
        self._booked: list[tuple[int, float]] = []  # at scan i, such a touch is contact from its first scan on
        self.at = self._account(context)
        self._held = Debounce(HOLD_COUNTS_S * 1e6, 1e6)
        self._in_contact, self._touched_us = False, 0.0  # followed only where something is said to roll
        self._watch_rolling(context)
        self._tail = np.empty(0)  # the last forces, for the mean of half a second
        self._window = 0
        self._p_kpa = 0.0  # of the last scan

    # --- scans ---

    def feed(self, scans: Scans, tuning: Tuning, period_s: float) -> Measured:
        p_kpa = scans.force_n * tuning.kpa_per_n
        low, high = scans.low_n * tuning.kpa_per_n, scans.high_n * tuning.kpa_per_n
        dt_s = scans.dt_us * 1e-6
        contact = self._touch(scans, p_kpa, low, high)
        account = self.at
        zone = bisect_right(tuning.edges, low)
        spent_us = float(add(scans.dt_us))
        if zone == bisect_right(tuning.edges, high):
            account.zone_us[zone] += spent_us
        else:
            zones = np.searchsorted(tuning.edges, p_kpa, side="right")
            account.zone_us += np.bincount(zones, weights=scans.dt_us, minlength=5)
        measured = Measured(scans, p_kpa, low, high, contact, None, None, False, False, False, None, {})
        self._clocks(measured, spent_us)
        if tuning.judged:
            self._judge(measured, dt_s, tuning, period_s)
        self._p_kpa = p_kpa.item(-1)
        return measured

    def skip(self, scans: Scans, tuning: Tuning) -> Measured:
        """Scans whose zero is not trusted: only their pressure is looked at."""
        p_kpa = scans.force_n * tuning.kpa_per_n
        low, high = scans.low_n * tuning.kpa_per_n, scans.high_n * tuning.kpa_per_n
        return Measured(scans, p_kpa, low, high, self.contact.on, None, None, False, False, False, None, {})

    def _touch(self, scans: Scans, p_kpa: Floats, low: float, high: float) -> Bools | bool:
        state, t_us, dt_us = self.contact, scans.t_us, scans.dt_us
        self._booked.clear()
        if (state.settled and low >= FREE_KPA) or (state.idle and high < CONTACT_KPA):
            return state.on
        before, waiting = state.on, 0.0 if state.on else self._waiting_us
        state.begun_us.clear()
        flips = state.run(t_us, p_kpa >= CONTACT_KPA, p_kpa < FREE_KPA)
        for at, begun_us in zip(flips[1 if before else 0 :: 2], state.begun_us, strict=True):
            first = int(t_us.searchsorted(begun_us))
            self._booked.append((at, float(add(dt_us[first:at])) + (waiting if begun_us < t_us[0] else 0.0)))
        self._waiting_us = 0.0
        if not state.on and state.since_us is not None:
            first = int(t_us.searchsorted(state.since_us))
            self._waiting_us = float(add(dt_us[first:])) + (waiting if state.since_us < t_us[0] else 0.0)
        return mask_of(len(t_us), before, flips) if flips else before

    def _clocks(self, measured: Measured, spent_us: float) -> None:
        dt_us, contact = measured.scans.dt_us, measured.contact
        if contact is True:
            spent, passed = dt_us, spent_us
        elif contact is False:
            spent, passed = np.zeros(len(dt_us)), 0.0
        else:
            spent = np.where(contact, dt_us, 0.0)
            for at, booked_us in self._booked:
                spent[at] += booked_us
            passed = float(add(spent))
        account = self.at
        before_us, session_us = account.contact_us, self.session_us
        account.contact_us, self.session_us = before_us + passed, session_us + passed
        meters = measured.meters
        meters["contact"] = Meter(account.contact_us, lambda: before_us + np.add.accumulate(spent))
        meters["session"] = Meter(self.session_us, lambda: session_us + np.add.accumulate(spent))

    def _judge(self, measured: Measured, dt_s: Floats, tuning: Tuning, period_s: float) -> None:
        scans, account = measured.scans, self.at
        known_n = scans.peak_n if scans.saturated is None else np.where(scans.saturated, np.nan, scans.peak_n)
        highest = float(np.fmax.reduce(known_n))
        if highest > account.peak_force_n:
            account.peak_force_n = highest
            account.peak_kpa = max(account.peak_kpa, highest * tuning.kpa_per_n)
        dose = account.dose(scans.raw_n * tuning.kpa_per_n, dt_s)
        measured.meters["dose"] = Meter(account.dose_kpa_s, lambda: dose)
        hold_kpa = self._mean(scans.force_n, period_s) * tuning.kpa_per_n
        pace = self._pace(measured)
        rolling = pace if self._rolls else None
        measured.hold_kpa = hold_kpa
        measured.hold = account.hold.feed(scans.t_us, dt_s, hold_kpa, tuning, rolling)
        self._hold_length(measured, hold_kpa, tuning, rolling)
        if self._roll_only and pace is not None:
            measured.standing = (hold_kpa >= tuning.on_kpa) & (pace == 1.0)
        if self._light_only:
            measured.firm = (hold_kpa >= tuning.limits.working_kpa[0]) & measured.static

    def _mean(self, force_n: Floats, period_s: float) -> Floats:
        """(scans,) over the last half second, or what there is of it. On the grid, so every sum is exact."""
        window = max(1, round(HOLD_MEAN_S / period_s))
        if window != self._window:
            self._window, self._tail = window, np.empty(0)
        past = len(self._tail)
        forces = np.concatenate((self._tail, np.rint(force_n * _GRID)))
        sums = np.zeros(len(forces) + 1)
        np.add.accumulate(forces, out=sums[1:])
        self._tail = forces[-(window - 1) :] if window > 1 else np.empty(0)
        if past == window - 1:
            return (sums[window:] - sums[:-window]) / (window * _GRID)
        ends = np.arange(past + 1, len(forces) + 1)
        starts = np.maximum(ends - window, 0)
        return (sums[ends] - sums[starts]) / ((ends - starts) * _GRID)

    def _pace(self, measured: Measured) -> Floats | None:
        rolling, scans = self._rolling, measured.scans
        if rolling is None:
            return None
        contact = np.full(len(scans), measured.contact) if isinstance(measured.contact, bool) else measured.contact
        if self._rolls:
            measured.onset = self._onset(scans.t_us, contact)
        pace = np.ones(len(scans))
        edges = [0, *(np.flatnonzero(contact[1:] != contact[:-1]) + 1).tolist(), len(scans)]
        for start, stop in pairwise(edges):
            if contact[start]:
                pace[start:stop] = rolling.feed(scans.t_us[start:stop], scans.force_n[start:stop])
            else:
                rolling.reset()
        return pace

    def _onset(self, t_us: Floats, contact: Bools) -> Bools:
        touched = contact.copy()
        touched[0] &= not self._in_contact
        touched[1:] &= ~contact[:-1]
        since_us = np.maximum.accumulate(np.where(touched, t_us, self._touched_us))
        self._in_contact, self._touched_us = bool(contact[-1]), float(since_us[-1])
        return ~contact | (t_us - since_us <= ONSET_US)

    def _hold_length(self, measured: Measured, hold_kpa: Floats, tuning: Tuning, rolling: Floats | None) -> None:
        state, account, t_us = self._held, self.at, measured.scans.t_us
        low, high = float(least(hold_kpa)), float(most(hold_kpa))
        if rolling is None and low >= tuning.on_kpa:
            measured.static = True
        elif high >= tuning.on_kpa:
            measured.static = (hold_kpa >= tuning.on_kpa) & (True if rolling is None else rolling == 1.0)
        if (state.settled and measured.static is True) or (state.idle and measured.static is False):
            pass
        else:
            static = np.full(len(t_us), measured.static) if isinstance(measured.static, bool) else measured.static
            before = state.on
            flips = state.run(t_us, static, ~static)
            account.holds += (len(flips) + (0 if before else 1)) // 2
        begun_us = state.start_us if state.on else state.since_us
        account.held_us = 0.0 if begun_us is None else float(t_us[-1]) - begun_us

    # --- what is no scan ---

    def restart(self) -> None:
        """Windows begin anew."""
        self._tail = np.empty(0)
        if self._rolling is not None:
            self._rolling.reset()

    def doubt(self) -> None:
        self.contact.doubt()
        self._held.doubt()

    def lose(self, seconds: float, until_us: float, tuning: Tuning) -> None:
        """Book time that was not measured, if it was lost under load: at the last pressure, at least mid-range."""
        if not self.contact.on:
            return
        booked_s = min(seconds, LOST_MAX_S)
        self.session_us += float(round(booked_s * 1e6))
        self.at.book(booked_s, max(self._p_kpa, tuning.mid_kpa), until_us, tuning)

    def move(self, context: GuardContext, now_us: float) -> None:
        """Another region, side or way: a new account, or the one from before, its hold load at rest meanwhile."""
        before = self.at
        before.held_us = 0.0
        before.hold.release()
        self._held.reset()
        account = self._account(context)
        if account is not before:
            account.hold.pass_to(now_us)
            for other in self.accounts.values():
                shared = other.region == account.region and overlaps(other.side, account.side)
                if shared and other.hold.pass_to(now_us) > account.hold.value:
                    account.hold.adopt(other.hold)
        self.at = account
        self._watch_rolling(context)

    def _watch_rolling(self, context: GuardContext) -> None:
        """Another place must roll anew."""
        region = regions()[context.region]
        self._rolls, self._roll_only, self._light_only = context.rolling, region.roll_only, region.light_only
        self._rolling = Rolling() if context.rolling or region.roll_only else None
        self._in_contact = self._in_contact and context.rolling

    def elsewhere(self, value: Callable[[Account], float], shares: Callable[[str, str], bool]) -> float:
        """The sum over other accounts whose (region, side) shares tissue. Of left and right, the larger counts."""
        sides = {"left": 0.0, "right": 0.0, "both": 0.0}
        for account in self.accounts.values():
            if account is not self.at and shares(account.region, account.side):
                sides[account.side] += value(account)
        return sides["both"] + max(sides["left"], sides["right"])

    def totals(self, *, judged: bool) -> tuple[RegionTotals, ...]:
        return tuple(account.totals(judged=judged) for account in self.accounts.values())

    def _account(self, context: GuardContext) -> Account:
        key = (context.region, context.side)
        if key not in self.accounts:
            limits = context.limits()
            rest_s = effective(context.region).rest_s
            self.accounts[key] = Account(*key, limits.dose_kpa_s, HoldLoad(rest_s))
        return self.accounts[key]
