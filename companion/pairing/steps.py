"""Pairing step by step, whatever the link: connect, identify, set the zero, ten seconds of trust check.

Fed with a session's events and a person's answers; gives orders: an action for the ball, a line or a question for the
person, or the end. A ball may go away at any step: the step begins again when it is back, and the session's own
patience ends it otherwise; `ended` then says at which step, and nothing was kept.
"""

from dataclasses import dataclass
from enum import StrEnum

from companion.engine import Outcome
from companion.pairing.trust import CHECK_S, TrustCheck
from companion.taring import SEEN_S
from firmware_protocol.messages import Caps
from sessions.events import Action, Event, Notice, Opened, Reading

PATIENCE_S = 10.0  # a ball that is away for longer will not come back by itself
ZERO_TRIES = 10  # a try every SEEN_S: time enough to take the hands off
ASK_FREE_AFTER = 3  # tries; then a zero that has wandered is likelier than a hand
CHECK_MOST_S = 90.0  # a ball that nobody leaves alone for so long is checked as it is


class Step(StrEnum):
    CONNECT = "connect"
    IDENTIFY = "identify"
    ZERO = "zero"
    CHECK = "check"
    DONE = "done"


DOING = {
    Step.CONNECT: "while it was asked who it is",
    Step.IDENTIFY: "before you knew whether it is the right one",
    Step.ZERO: "while its zero was set",
    Step.CHECK: "during the trust check",
    Step.DONE: "when all was done",
}


@dataclass(frozen=True, slots=True)
class Do:
    """For the ball."""

    action: Action


@dataclass(frozen=True, slots=True)
class Say:
    """For the person."""

    step: Step
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A yes or no of the person; `again` repeats what was to be seen."""

    key: str  # "buzz", "press" or "free"
    text: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class End:
    outcome: Outcome


Order = Do | Say | Ask | End


class Steps:
    """`asks`: there is a person who answers; else what would be asked is said, and taken for yes."""

    def __init__(self, *, asks: bool, identify: bool = True, zero: bool = True, seconds: float = CHECK_S) -> None:
        self.step = Step.CONNECT
        self.opened: Opened | None = None
        self.check = TrustCheck(seconds)
        self.asking: Ask | None = None
        self._asks, self._identify, self._zero = asks, identify, zero
        self._t_s = 0.0  # of the newest scan
        self._since_s = 0.0  # the step's present try began
        self._tries = 0
        self._asked_ball = False
        self._away = False
        self._looked_s = 0.0  # the check was looked at so far
        self._touched = False  # as said last

    @property
    def left_s(self) -> float:
        """Of the trust check."""
        return max(0.0, self.check.seconds - self.check.seen_s)

    # --- inputs ---

    def feed(self, event: Event) -> list[Order]:
        self.check.feed(event)
        match event:
            case Opened():
                self.opened = event
            case Reading(late=False):
                return self._scans(event)
            case Notice(kind="link", fields={"state": "lost"}) if not self._away and self.step is not Step.DONE:
                self._away = True
                hint = f"waiting {PATIENCE_S:.0f} s for it: bring it near, or plug it in"
                return [Say(self.step, f"the ball went away {DOING[self.step]}", hint)]
            case Notice():
                return self._told(event)
            case _:
                pass
        return []

    def answer(self, yes: bool | None) -> list[Order]:
        """To what is asked; None: show it again."""
        asked, self.asking = self.asking, None
        if asked is None:
            return []
        if yes is None:
            self.asking = asked
            return [Do(Action("find"))] if asked.again else []
        if asked.key == "free":
            self._tries = 0
            self._asked_ball = yes
            self._since_s = self._t_s
            return [Do(Action("tare", {"free": True}))] if yes else []
        if yes:
            return self._to_zero()
        return [End(Outcome(3, "that was another ball: nothing was kept", "choose another one, and pair that"))]

    def skip(self) -> list[Order]:
        """Leave out the step under way; connecting cannot be."""
        self.asking = None
        match self.step:
            case Step.IDENTIFY:
                return [Say(self.step, "not identified: be sure that it is yours"), *self._to_zero()]
            case Step.ZERO:
                return [Say(self.step, "its zero is as it was"), *self._to_check()]
            case Step.CHECK:
                return [Say(self.step, "the check was cut short"), *self._done()]
        return []

    def ended(self, outcome: Outcome) -> Outcome:
        """How pairing ended, given how its session did."""
        if self.step is Step.DONE or outcome.code not in (0, 4):
            return outcome
        if outcome.code == 0:
            return Outcome(1, "pairing was given up: nothing was kept", "")
        text = f"the ball went away {DOING[self.step]}: nothing was kept"
        return Outcome(4, text, "bring it near, charge it, or see its cable; then pair it again")

    # --- scans ---

    def _scans(self, reading: Reading) -> list[Order]:
        self._t_s = float(reading.t_s[-1])
        if self._away:
            self._away = False
            self._asked_ball = False
            if self.step is Step.CHECK:
                self._begin_check()  # within the same bound: a ball that keeps leaving is checked as it is
            else:
                self._since_s = self._t_s
            return [Say(self.step, "the ball is back")]
        match self.step:
            case Step.CONNECT:
                return self._connected()
            case Step.ZERO if not self._asked_ball and self.asking is None and self._t_s - self._since_s >= SEEN_S:
                self._asked_ball = True
                return [Do(Action("tare"))]
            case Step.CHECK:
                return self._checking()
        return []

    def _connected(self) -> list[Order]:
        self.step = Step.IDENTIFY
        if not self._identify:
            return self._to_zero()
        caps = self.opened.device.get("caps") if self.opened is not None else 0
        shows = isinstance(caps, int) and bool(caps & (Caps.HAPTIC | Caps.LED))
        if not shows:
            if not self._asks:
                text = "it can neither buzz nor blink: its serial says which one it is"
                return [Say(self.step, text), *self._to_zero()]
            return self._ask(Ask("press", "press the ball in your hand: does the number move?"))
        if not self._asks:
            text = "it buzzes and blinks now for three seconds"
            hint = "if it was not the one in your hand: knead forget it, and pair the other"
            return [Do(Action("find")), Say(self.step, text, hint), *self._to_zero()]
        return [Do(Action("find")), *self._ask(Ask("buzz", "did the ball in your hand buzz or blink?", again=True))]

    def _checking(self) -> list[Order]:
        """A touch is looked for once a second, and at the end."""
        if not self.check.done and self.check.seen_s - self._looked_s < 1.0:
            return []
        self._looked_s = self.check.seen_s
        if self.check.touched and self._t_s - self._since_s < CHECK_MOST_S:
            said, self._touched = self._touched, True
            self._begin_check()
            return [] if said else [Say(self.step, "it was touched: ten seconds anew", "lay it down, leave it alone")]
        self._touched = False
        return self._done() if self.check.done else []

    # --- steps ---

    def _to_zero(self) -> list[Order]:
        self.step, self._tries, self._since_s, self._asked_ball = Step.ZERO, 0, self._t_s, False
        if not self._zero:
            return self._to_check()
        return [Say(self.step, "setting its zero: nothing may touch it")]

    def _to_check(self) -> list[Order]:
        self.step, self._since_s, self._touched = Step.CHECK, self._t_s, False
        self._begin_check()
        return [Say(self.step, "ten seconds of trust check: leave it alone")]

    def _begin_check(self) -> None:
        self.check.begin()
        self._looked_s = 0.0

    def _done(self) -> list[Order]:
        self.step = Step.DONE
        return [End(Outcome(0))]

    def _ask(self, ask: Ask) -> list[Order]:
        self.asking = ask
        return [ask]

    # --- notices ---

    def _told(self, notice: Notice) -> list[Order]:
        match notice.kind:
            case "ball" | "terms" | "calibration" if self.step is Step.CONNECT or notice.kind == "calibration":
                return [Say(self.step, notice.text)]
            case "zero" if self.step is Step.ZERO and notice.fields.get("value") is not None:
                if notice.fields.get("trusted") is True:
                    return [Say(self.step, "zero set"), *self._to_check()]
                return self._not_zeroed(notice.text)
            case "refused" if self.step is Step.ZERO and str(notice.fields.get("request")).lower() == "tare":
                return self._not_zeroed(notice.text)
            case "refused" if self.step is Step.IDENTIFY:
                return [Say(self.step, f"it did not buzz: {notice.text}")]
        return []

    def _not_zeroed(self, why: str) -> list[Order]:
        self._tries += 1
        self._asked_ball, self._since_s = False, self._t_s
        if self._tries >= ZERO_TRIES:
            return [End(Outcome(1, "its zero could not be set: nothing was kept", "take all off it, then pair again"))]
        if self._asks and self._tries == ASK_FREE_AFTER:
            return self._ask(Ask("free", "it seems loaded: is nothing touching it?"))
        return [Say(self.step, why)] if self._tries == 1 else []
