"""When a session is over: its seconds have passed, no ball comes, its link has ended for good, or somebody asked.

Times are the engine's clock, in seconds; waits are of the wall: twice as long on a clock that runs twice as fast. Used
in the engine's thread alone; nothing here waits.
"""

from collections.abc import Callable
from dataclasses import dataclass

from companion.clock import Clock
from companion.stages import Stages
from firmware_protocol.driver import Close

FIRST_READING_S = 10.0  # from the first link on
OPENING_S = 90.0  # until the first link: a system may ask whether to pair (PROTOCOL.md section 5)
AWAY_S = 600.0  # a ball gone this long ends the session
CLOSING_S = 2.5  # STOP is answered within 0.8 s (R42); three tries are not worth a user's wait

# What a link's end for good means to the caller; anything else is an error (1).
_EXIT_BY_CLOSE = {"stopped": 0, "no_ball": 3, "wrong_ball": 3, "elsewhere": 3, "guard": 7}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: the command's exit code, one line, and what to do."""

    code: int
    text: str = ""
    hint: str = ""


class End(Exception):  # noqa: N818  # not an error: how the engine's loop is left from anywhere in it
    def __init__(self, outcome: Outcome, cause: str) -> None:
        super().__init__(outcome.text)
        self.outcome, self.cause = outcome, cause


class Ending:
    """Follows the ball's coming and going, and raises `End` when it is time. One session's; first `begin`.

    `stages` know the session time of a moment, None before the first reading; `seconds` of it end the session.
    `ask_stop` takes the cause, has the ball asked to stop, and returns at once. `away_s`: how long a ball that has
    measured may be away.
    """

    def __init__(
        self,
        clock: Clock,
        stages: Stages,
        ask_stop: Callable[[str], None],
        *,
        seconds: float | None,
        away_s: float,
    ) -> None:
        self._clock = clock
        self._stages = stages
        self._ask_stop = ask_stop
        self._seconds = seconds
        self._away_s = away_s
        self._linked = False  # there has been a link
        self._first_by_s = 0.0  # there must have been a reading
        self._away_since_s: float | None = None  # None while a link is up
        self._asked: End | None = None
        self._closing_until_s = 0.0  # the ball has so long to stop
        self.measured = False  # a first reading has come

    # --- the ball comes and goes ---

    def begin(self) -> None:
        """The session begins, without a ball."""
        self._away_since_s = self._clock.now_s()
        self._await_link()

    def linked(self) -> None:
        """A link is up."""
        self._away_since_s = None
        if not self._linked:
            self._linked = True
            self._first_by_s = self._after(FIRST_READING_S)

    def away(self) -> None:
        """The link is down."""
        self._away_since_s = self._clock.now_s()

    def rejected(self) -> None:
        """It was another ball's; before the first reading that counts for nothing."""
        self._linked = self.measured
        self._await_link()

    # --- is it over? ---

    def at_s(self) -> float | None:
        """When that is next to be asked; None: not until something comes."""
        if self._asked is not None:
            return self._closing_until_s
        now_s = self._clock.now_s()
        session_s = self._stages.session_s(now_s)
        due = []
        if session_s is None:
            due.append(self._first_by_s)
        elif self._seconds is not None:
            due.append(now_s + self._seconds - session_s)
        if self._away_since_s is not None:
            due.append(self._away_since_s + self._away_s)
        return min(due, default=None)

    def check(self, now_s: float) -> None:
        """Raises End, or asks the ball to stop, where it is time."""
        at_s = self.at_s()
        if at_s is None or now_s < at_s:
            return
        self.check_asked()
        away = self._away_since_s is not None
        if self._stages.session_s(now_s) is None:
            text = f"no reading from the ball within {FIRST_READING_S if self._linked else OPENING_S:.0f} s"
            raise End(Outcome(3, text, "check that it is on and that it speaks the knead protocol"), "no reading")
        if self._away_since_s is not None and now_s >= self._away_since_s + self._away_s:
            long = f"{self._away_s / 60:g} minutes" if self._away_s >= 60 else f"{self._away_s:g} s"
            raise End(Outcome(4, f"the ball was away for {long}", "the session is saved"), "away")
        self.ask("seconds", Outcome(4, "the ball was away at the end", "the session is saved") if away else Outcome(0))

    def ask(self, cause: str, outcome: Outcome) -> None:
        """Ask the ball to stop; without a ball there is nobody to ask. The first cause stands."""
        if self._asked is not None:
            return
        self._asked = End(outcome, cause)
        there = self._away_since_s is None
        self._closing_until_s = self._after(CLOSING_S) if there else self._clock.now_s()
        self._ask_stop(cause)

    def check_asked(self) -> None:
        """Raises the End that was asked for: the ball has answered, or its time is up."""
        if self._asked is not None:
            raise self._asked

    def check_close(self, close: Close) -> None:
        """Raises End where no other link may follow this one."""
        if not close.retry:
            raise End(Outcome(_EXIT_BY_CLOSE.get(close.cause, 1), close.text, close.hint), close.cause)

    def _await_link(self) -> None:
        self._first_by_s = self._after(OPENING_S)

    def _after(self, wait_s: float) -> float:
        return self._clock.now_s() + wait_s * self._clock.speed
