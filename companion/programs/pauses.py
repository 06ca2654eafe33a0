"""Why the coach stands still: any of several causes, and it goes on when all are gone."""

from dataclasses import dataclass, field

from sessions.events import Alert, Level, Phase

STOP, SILENCE, ZERO, USER, RELEASE = "stop", "silence", "zero", "user", "release"
BY_HANDS = (RELEASE, "contact", "countdown", "squeezes")  # whoever is led without hands is told by them
BY_DATA = (SILENCE, ZERO)  # these end when data come and the ball has been free
UNKNOWN_US = 5e6  # without a value for so long guidance pauses (safety, section 4)
FREE_US = 1e6  # ... and goes on after the ball has been free for so long
RANK = (STOP, SILENCE, ZERO, USER)


@dataclass(slots=True)
class Pauses:
    by: str = USER  # what paused it where a person did
    _causes: set[str] = field(default_factory=set)
    _stops: set[str] = field(default_factory=set)

    @property
    def cause(self) -> str:
        """The most urgent one; empty: none."""
        found = next((cause for cause in RANK if cause in self._causes), "")
        return self.by if found == USER else found

    def has(self, cause: str) -> bool:
        return cause in self._causes

    def add(self, cause: str) -> bool:
        """True if that is news to the person."""
        before = self.cause
        self._causes.add(cause)
        return self.cause != before

    def drop(self, *causes: str) -> bool:
        """True if nothing is left that pauses."""
        before = bool(self._causes)
        self._causes.difference_update(causes)
        return before and not self._causes

    def hear(self, alert: Alert) -> bool | None:
        """True: a stop has come; False: the last one is confirmed; None: neither."""
        if alert.level is Level.STOP and alert.phase in (Phase.RAISED, Phase.ESCALATED):
            fresh = not self._stops
            self._stops.add(alert.cause)
            return True if fresh else None
        if alert.phase is Phase.CONFIRMED and alert.cause in self._stops:
            self._stops.discard(alert.cause)
            return None if self._stops else False
        return None
