"""The route of a scan: placed in session time, measured, judged, led. Pure.

Its stages are made when the ball joins: `profiled` says what it is, `started` how fast its scans come; no scan passes
before both. Another profile, rate or boot changes them in mid-session, and what has changed is said before the values
are (R52). `t_s` is session time in seconds, `now_s` the engine's clock.
"""

import dataclasses

from companion import notices
from companion.guiding import Guided
from companion.handsfree.hands import Hands
from companion.handsfree.terms import Terms
from companion.leading import Leading
from companion.measuring import Measure
from companion.opening import first_event
from companion.programs.coach import Coach
from companion.safety.guard import Guard
from companion.safety.limits import GuardContext
from companion.stages import Output, Plan
from companion.timeline import Gap, Placed, Timeline
from firmware_protocol.driver import Close, Continuity, Profile, Samples, Started, ZeroChanged
from sessions.events import Action, Event, Json, Notice, Opened


class Route:
    """One session's, over any number of links and boots of the ball."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._timeline = Timeline()
        self._measure: Measure | None = None
        self._guard: Guard | None = None
        self._leading: Leading | None = None  # the guard's, with what is led beside it
        self._hands: Terms | None = None  # how a hands-free session is led
        self._battery_low = False  # as told last
        self._index: int | None = None  # of the newest scan
        self._t_s = 0.0  # of the newest scan
        self.begun = False  # a first scan has passed
        self.profile: Profile | None = None  # the newest
        self.context: GuardContext | None = None  # what the guard judges by now

    # --- time ---

    def session_s(self, now_s: float) -> float:
        """Session time of a moment; never before the newest scan, and 0 before the first."""
        return max(self._t_s, self._timeline.session_s(now_s)) if self.begun else 0.0

    def deadline(self) -> float | None:
        """When `tick` is next due, on the engine's clock."""
        due = [None if stage is None else stage.deadline() for stage in (self._guard, self._leading)]
        return min((at_s for at_s in due if at_s is not None), default=None)

    def suspended(self) -> None:
        """The host slept: its clock went on while nothing was heard."""
        self._timeline.suspended()

    # --- scans ---

    def place(self, samples: Samples) -> list[Placed | Gap]:
        """Where they stand in session time, with what is missing before them. Each is then to pass, in order."""
        return self._timeline.feed(samples)

    def gap(self, gap: Gap) -> Notice:
        """What is missing before the next scan."""
        if self._measure is not None:
            self._measure.gap_s = gap.to_s - gap.from_s
        return notices.of_gap(gap)

    def feed(self, placed: Placed) -> list[Event]:
        """Their reading, then all that is said of them, by guard, hands and coach. Of late scans only the reading."""
        measure, leading = self._measure, self._leading
        if measure is None or leading is None:
            return []  # no Profile and START yet: the host drops such samples itself (R46)
        out: list[Event] = [] if self.begun else [self._opening(placed)]
        self.begun = True
        measured = measure.feed(placed)
        out.append(measured.reading)
        if placed.late:
            return out
        index = placed.index
        for judged in measured.judged:
            out += leading.feed(judged, index)
            index += len(judged.t_s)
        self._follow()
        self._t_s = float(placed.t_s[-1])
        self._index = placed.index + len(placed.t_s) - 1
        return out

    def _opening(self, placed: Placed) -> Opened:
        profile, context = self.profile, self.context
        smoother = None if self._measure is None else self._measure.smoother
        assert profile is not None
        assert context is not None
        assert smoother is not None
        t_s = float(placed.t_s[0])
        return first_event(self._plan, profile, context, smoother, self._hands, t_s, self._timeline.host_s(t_s))

    # --- between two scans ---

    def tick(self, now_s: float) -> list[Event]:
        """What the age of the newest value says; nothing before there is a guard."""
        guard, leading = self._guard, self._leading
        if guard is None or leading is None:
            return []
        t_s = self.session_s(now_s)
        out = [*leading.hear([*guard.tick(now_s, t_s)]), *leading.tick(now_s, t_s)]
        self._show()
        return out

    def act(self, action: Action) -> list[Event]:
        """What a person did, stamped with the newest scan, and what comes of it."""
        action = dataclasses.replace(action, t_s=self._t_s, after_index=self._index)
        out: list[Event] = [action] if self._leading is None else [*self._leading.act(action, self._t_s)]
        self._follow()
        return out

    def finish(self, now_s: float) -> list[Event]:
        """The last totals."""
        return [] if self._guard is None else [*self._guard.finish(self.session_s(now_s))]

    # --- the ball joins, and changes ---

    def profiled(self, profile: Profile, now_s: float) -> list[Output]:
        """What the ball is. The first profile makes the stages; a Close where a later one no longer fits them."""
        before, self.profile = self.profile, profile
        at_s = self.session_s(now_s)
        out: list[Output] = [notices.of_profile(profile, at_s)]
        if before is None:
            context = self.context = self._plan.context(profile)
            self._measure = Measure(profile, context)
            self._timeline = Timeline(profile.has_clock)
            return [*out, *notices.of_kind(profile, at_s), *notices.of_terms(context.told, at_s)]
        if (before.unit, before.channels, before.lsb) != (profile.unit, profile.channels, profile.lsb):
            text = "the ball changed its unit, scale or channels"
            return [*out, Close("changed", text, "start a new session", retry=False)]
        if before.cal_crc != profile.cal_crc:
            self.recalibrated()
            out.append(notices.of_calibration(before, profile, at_s))
        return out

    def started(self, started: Started, now_s: float) -> list[Output]:
        """Its scans come, or come again. The guard is there from the first time on."""
        measure, context = self._measure, self.context
        if measure is None or context is None:
            return []
        out: list[Output] = [self.gap(gap) for gap in self._timeline.start(started)]
        at_s = self.session_s(now_s)
        if started.continuity is Continuity.NEW_CLOCK:
            out.append(notices.of_reboot(started, at_s, loaded=measure.rebooted()))
        if measure.start(started.period_s):
            out.append(notices.of_rate(started, at_s))
        if self._guard is None:
            self._engage(context)
            out += notices.of_slowness(started.period_s, at_s)
        return out

    def _engage(self, context: GuardContext) -> None:
        """Guard, hands and coach, as the plan has them."""
        guard = self._guard = Guard(context)
        guard.battery(self._battery_low)
        self._hands = None if self._plan.hands is None else self._plan.hands.within(context)
        hands, routine = None if self._hands is None else Hands(self._hands), self._plan.routine
        coach = None if routine is None else Coach(routine, context, ends=hands is None)
        self._leading = Leading(guard, hands, None if coach is None else Guided(guard, coach))

    def recalibrated(self) -> None:
        """Nobody has confirmed the ball's newtons from here on: its limits are those of an uncalibrated one."""
        if self._leading is not None:
            self._leading.recalibrated()
            self._follow()
        elif self.context is not None:  # before the first scan
            self._adopt(dataclasses.replace(self.context, calibrated=False))

    # --- what the ball tells of itself ---

    def battery(self, low: bool) -> None:
        """As it is told, so that the log tells a replay the same."""
        self._battery_low = low
        if self._guard is not None:
            self._guard.battery(low)

    def zeroed(self, zero: ZeroChanged, now_s: float) -> Notice:
        """Its zero is another; `numbers` of one that stands are to be kept for the ball."""
        fields: dict[str, Json] = {"value": zero.value, "from_index": zero.from_index, "trusted": zero.trusted}
        text = "zero set" if self._measure is None else self._measure.zeroed(zero)
        if zero.numbers and self._measure is not None and self._measure.zero_stands:
            fields["numbers"] = list(zero.numbers)
        return Notice(self.session_s(now_s), "zero", text, fields)

    # --- what is asked of it ---

    @property
    def judging(self) -> bool:
        """There is a guard."""
        return self._guard is not None

    @property
    def loaded(self) -> bool:
        """Something presses."""
        return self._guard is not None and self._guard.loaded

    @property
    def stopped(self) -> bool:
        """A stop holds, or waits to be confirmed."""
        return self._guard is not None and self._guard.stopped

    def may_tare(self, free: bool) -> bool:
        """Whether the ball was seen free, or a person's word stands for it (`free`)."""
        return self._measure is not None and self._measure.say_free(free)

    # --- the context, and the coach's picture ---

    def _follow(self) -> None:
        """What was done, by a person or by the ball itself, may have moved the guard's context, and the coach."""
        if self._guard is not None and self._guard.context is not self.context:
            self._adopt(self._guard.context)
        self._show()

    def _adopt(self, context: GuardContext) -> None:
        self.context = context
        if self._measure is not None:
            self._measure.adopt(context)

    def _show(self) -> None:
        view = None if self._leading is None else self._leading.view
        if self._plan.show is not None and view is not None:
            self._plan.show(view)
