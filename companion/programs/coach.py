"""The coach: leads through a routine, scan by scan. Pure: told what happened, it answers with cues.

The clock of a repetition counts the scans inside the band and nothing else (repetition.py). Turns begin, and rests
end, with the totals of a whole second (lead.py): only there is the guard told of another place, so that any split of
the scans gives the same. A band never reaches above the lower of the program and the limits in force (band.py).
"""

from companion.programs.band import band_of
from companion.programs.body import Body, lasts
from companion.programs.lead import LEAD_S, Lead
from companion.programs.pauses import BY_DATA, BY_HANDS, FREE_US, RELEASE, SILENCE, STOP, UNKNOWN_US, USER, ZERO, Pauses
from companion.programs.program import Routine
from companion.programs.view import CoachView, Stand
from companion.safety.limits import GuardContext
from companion.safety.scale import CONTACT_KPA
from companion.safety.scans import unknown_us
from sessions.events import Action, Alert, Cue, Event, Floats, Notice, Totals

START_US = 1e6  # of contact, then the first step begins
LOOK_US = 0.04e6  # no screen shows more pictures a second
END_US = 20e6  # off the ball for so long after the end, the session ends and is saved

Said = Cue | Action | Notice


class Coach:
    """`context` is the guard's present one; `adopt` takes a newer one after each action."""

    def __init__(self, routine: Routine, context: GuardContext, *, ends: bool = True) -> None:
        """`ends`: it ends the session some time after the program; else somebody else does."""
        self.view: CoachView | None = None  # replaced as a whole: another thread may look at it
        self._lead = Lead(routine, context)
        self._body, self._pauses = Body(), Pauses()
        self._begun, self._ended = False, not ends
        self._looked_us = 0.0  # when the picture was made

    # --- inputs ---

    def feed(self, t_s: Floats, p_kpa: Floats, period_s: float, arrival_s: float) -> list[Said]:
        """The next scans: session time, and mean contact pressure (NaN unknown, infinite where saturated)."""
        out: list[Said] = []
        hole_us = unknown_us(period_s)
        for moment_s, pressure in zip(t_s.tolist(), p_kpa.tolist(), strict=True):
            t_us = float(round(moment_s * 1e6))
            if self._body.last_us is None or t_us > self._body.last_us:
                out += self._scan(t_us, pressure, period_s * 1e6, hole_us)
        self._body.arrival_s = arrival_s
        if out or (self._body.last_us or 0.0) - self._looked_us >= LOOK_US:
            self._look()
        return out

    def hear(self, event: Event) -> list[Said]:
        """What the guard says."""
        out: list[Said] = []
        match event:
            case Totals():
                out = self._second(event)
            case Alert():
                self._lead.closed.hear(event)
                stopped = self._pauses.hear(event)
                if stopped is not None:
                    t_us = float(round(event.t_s * 1e6))
                    out = self._hold_on(t_us, STOP) if stopped else self._go_on(t_us, STOP)
            case Notice():
                self._lead.closed.hear(event)
        self._look()
        return out

    def act(self, action: Action, t_s: float) -> list[Said]:
        """`pause`, `next` and `back`, between two scans. Others are not the coach's matter."""
        out: list[Said] = []
        t_us = float(round(t_s * 1e6))
        if self._begun and self._lead.stand is not Stand.OVER:
            if action.kind == "pause":
                out = self._pause_by(t_us, action)
            elif action.kind in ("next", "back") and not self._pauses.has(STOP):
                out = [*self._go_on(t_us, USER), *self._lead.turn(t_us, -1 if action.kind == "back" else 1)]
        self._look()
        return out

    def adopt(self, context: GuardContext) -> None:
        """Region, side, tool, locks or calibration have changed."""
        lead = self._lead
        if context is not lead.context:
            lead.context = context
            if lead.band is not None:
                lead.band = band_of(lead.step, context) or lead.band  # None: the step is left out with the next second
            self._look()

    def tick(self, now_s: float, t_s: float) -> list[Said]:
        """Judge the age of the newest scan: `now_s` on the clock of `arrival_s`."""
        arrival_s = self._body.arrival_s
        return [] if arrival_s is None else self.aged(now_s - arrival_s + 1e-6, t_s)

    def aged(self, age_s: float, t_s: float) -> list[Said]:
        """Judge a newest scan of this age. Twice the same says nothing new."""
        if age_s * 1e6 < UNKNOWN_US or self._pauses.has(SILENCE):
            return []
        out = self._hold_on(float(round(t_s * 1e6)), SILENCE)
        self._look()
        return out

    def deadline(self) -> float | None:
        """When `tick` is next due, on the clock of `arrival_s`."""
        arrival_s = self._body.arrival_s
        if arrival_s is None or self._lead.stand is Stand.OVER or self._pauses.has(SILENCE):
            return None
        return arrival_s + UNKNOWN_US * 1e-6

    # --- scans and seconds ---

    def _scan(self, t_us: float, p_kpa: float, period_us: float, hole_us: float) -> list[Said]:
        body, lead = self._body, self._lead
        out: list[Said] = []
        if not self._begun:
            self._begun = True
            out += lead.begin(t_us)
        since_us, dt_us = body.since(t_us, period_us, hole_us)
        body.feel(t_us, p_kpa, lead.band)
        if since_us >= UNKNOWN_US:
            out += self._hold_on(t_us, SILENCE)
        if lasts(body.unknown_us, t_us, UNKNOWN_US):
            out += self._hold_on(t_us, ZERO)
        elif self._pauses.cause and lasts(body.free_us, t_us, FREE_US):
            out += self._go_on(t_us, *BY_DATA)
        if lead.rest is not None:
            on_kpa = CONTACT_KPA if lead.band is None else lead.band.on_kpa
            if lead.rest.scan(t_us, dt_us, p_kpa, on_kpa) and not self._pauses.cause:
                out.append(lead.tell.off(t_us, lead.rest.number))
        if lead.stand is Stand.WORK and not self._pauses.cause:
            out += lead.work(t_us, dt_us, body.where)
        elif lead.stand is Stand.OVER and not self._ended and lasts(body.free_us, t_us, END_US):
            self._ended = True
            out.append(Notice(t_us * 1e-6, "over", "over: the session is saved", {"cause": "finished"}))
        return out

    def _second(self, totals: Totals) -> list[Said]:
        lead, t_us = self._lead, float(round(totals.t_s * 1e6))
        lead.loads.take(totals.regions, (lead.context.region, lead.context.side), totals.t_s)
        if self._pauses.cause or not self._begun or lead.stand is Stand.OVER:
            return []
        return [*lead.second(t_us, pressed=lasts(self._body.pressed_us, t_us, START_US))]

    # --- pauses ---

    def _hold_on(self, t_us: float, cause: str) -> list[Said]:
        lead = self._lead
        if not self._begun or lead.stand is Stand.OVER or not self._pauses.add(cause):
            return []
        return [lead.tell.pause(t_us, lead.turns[lead.at].step, self._pauses.cause)]

    def _go_on(self, t_us: float, *causes: str) -> list[Said]:
        """After a stop the same turn is offered again, once the body has rested."""
        lead = self._lead
        before, stopped = self._pauses.cause, self._pauses.has(STOP)
        if not self._pauses.drop(*causes) or lead.stand is Stand.OVER:
            return []
        out: list[Said] = [lead.tell.resume(t_us, lead.turns[lead.at].step, before)]
        if lead.stand is Stand.WORK and stopped:
            return [*out, *lead.rest_then(t_us, lead.at, lead.step.rest_s)]
        if lead.stand is Stand.NEXT:
            lead.due_us = t_us + LEAD_S * 1e6
        elif lead.stand is Stand.WORK and lead.clock is not None:
            lead.clock.again(t_us)
        return out

    def _pause_by(self, t_us: float, action: Action) -> list[Said]:
        """To and fro, or as `on` says. Off the ball is where one should be in a rest: no reason to pause."""
        wanted, by = action.fields.get("on"), action.fields.get("by")
        on = wanted if isinstance(wanted, bool) else not self._pauses.has(USER)
        if not on:
            return self._go_on(t_us, USER)
        if by == RELEASE and self._lead.stand is not Stand.WORK:
            return []
        self._pauses.by = str(by) if by in BY_HANDS else USER
        return self._hold_on(t_us, USER)

    # --- what is asked ---

    def _look(self) -> None:
        """A new picture for the screen."""
        lead = self._lead
        self._looked_us = self._body.last_us or 0.0
        number, rep = lead.turns[lead.at]
        step, clock, rest = lead.step, lead.clock, lead.rest
        now_us = self._body.last_us or 0.0
        band = lead.band or band_of(step, lead.context)
        cause = self._pauses.cause
        paused = Stand.STOPPED if cause == STOP else Stand.PAUSED
        self.view = CoachView(
            program=lead.routine.program,
            title=lead.routine.title,
            stand=paused if cause and lead.stand is not Stand.OVER else lead.stand,
            cause=cause,
            number=number + 1,
            step=step,
            band_kpa=(0.0, 0.0) if band is None else band.edges,
            where=self._body.where,
            rep=rep,
            held_s=0.0 if clock is None else clock.held_us * 1e-6,
            seconds=step.seconds,
            rest_left_s=None if rest is None else rest.left_s,
            hold_load=lead.load(now_us),
            next_in_s=max(0.0, (lead.due_us - now_us) * 1e-6) if lead.stand is Stand.NEXT else None,
            steps=lead.routine.steps,
            done=lead.progress.states,
        )
