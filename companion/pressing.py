"""The guided test at work: watches a session, tells each press, and ends it after the third."""

import math
from collections.abc import Callable
from typing import Protocol

from companion.engine import Outcome
from companion.safety.limits import GuardContext
from companion.safety.presses import PRESSES, PressTest
from sessions.events import Alert, Event, Level, Opened, Phase, Reading


class Session(Protocol):
    """What is needed of a run under way."""

    def stop(self, cause: str, outcome: Outcome | None = None) -> None: ...


class Pressing:
    """An observer. `tell` is given a line for each press, in the engine's thread, and must return at once."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.context: GuardContext | None = None
        self.simulated = False
        self.stopped = False  # by the guard: the limit came before any discomfort
        self._tell = tell
        self._test: PressTest | None = None
        self._session: Session | None = None

    def attach(self, session: Session) -> None:
        """Before the session starts."""
        self._session = session

    @property
    def work_peq_kpa(self) -> float | None:
        return None if self._test is None else self._test.work_peq_kpa

    @property
    def counted(self) -> int:
        return 0 if self._test is None else len(self._test.counted)

    def __call__(self, event: Event) -> None:
        assert self._session is not None
        match event:
            case Opened():
                self.simulated = event.simulated
                self.context = GuardContext.from_json(event.context)
                if not self.context.judged:
                    text = "this ball gives no newtons: nothing can be measured with it"
                    self._session.stop("user", Outcome(1, text, "calibrate it, or use another"))
                    return
                self._test = PressTest(math.sqrt(event.area_cm2))
                self._tell(f"press 1 of {PRESSES}: slowly, until you first feel discomfort; then ease off and come off")
            case Reading() if self._test is not None and not event.late:
                self._read(event, self._test, self._session)
            case Alert(level=Level.STOP, phase=Phase.RAISED | Phase.ESCALATED):
                self.stopped = True
                text = "the limit came before the test was over: nothing is changed"
                self._session.stop("guard", Outcome(7, text, "press slower and less, then try again"))
            case _:
                pass

    def _read(self, reading: Reading, test: PressTest, session: Session) -> None:
        for press in test.feed(reading.t_s, reading.smooth_kpa, reading.ramp_kpa_s):
            if press.refused:
                self._tell(f"does not count: {press.refused}")
                continue
            self._tell(f"press {len(test.counted)} of {PRESSES}: {press.peak_kpa:.1f} kPa")
            if not test.done:
                self._tell(f"press {len(test.counted) + 1} of {PRESSES}: when it feels as before")
        if test.done:
            session.stop("user")
