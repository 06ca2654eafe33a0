"""Plays a session in a thread of its own, at the pace it had, times a speed, or as fast as it can be judged."""

import math
import threading
from collections.abc import Sequence

from companion.clock import Clock
from companion.ending import Outcome
from companion.errors import CompanionError
from companion.observing import Observer, Observers
from companion.replays.script import Script
from companion.stages import Output
from firmware_protocol.driver import Close, Send
from sessions.errors import SessionError
from sessions.events import Action, Notice, Reading

DAMAGED = 6  # the exit code


class ReplayClock(Clock):
    """The clock that ran then. With an infinite speed it stands at the step that is played."""

    def __init__(self, speed: float) -> None:
        super().__init__(speed if math.isfinite(speed) else 1.0)
        self.paced = math.isfinite(speed)
        self._begun: tuple[float, float] | None = None  # it showed, when the parent showed
        self._at_s = 0.0

    def now_s(self) -> float:
        if not self.paced or self._begun is None:
            return self._at_s
        return self._begun[0] + super().now_s() - self._begun[1]

    def reach(self, at_s: float) -> None:
        """A step is due at `at_s`. The first one sets the clock."""
        if self._begun is None:
            self._begun = at_s, super().now_s()
            self._at_s = at_s
        self._at_s = max(self._at_s, at_s)  # bytes that waited do not turn it back


class Player:
    """What an `Engine` is to a ball, this is to a script. Actions are those of then; others are refused."""

    def __init__(
        self, script: Script, observers: Sequence[Observer], clock: ReplayClock, *, seconds: float | None = None
    ) -> None:
        """`seconds`: of session time, after which to end."""
        self.failure: BaseException | None = None
        self.remark = ""
        self._script = script
        self._observers = Observers(observers, lambda: self._t_s, "the replay goes on")
        self._clock = clock
        self._seconds = seconds
        self._t_s = 0.0  # of the newest reading
        self._refused: list[str] = []
        self._stopped = threading.Event()
        self._ending: tuple[str, Outcome] | None = None
        self._outcome: Outcome | None = None
        self._thread = threading.Thread(target=self._main, name="knead replay", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, action: Action) -> bool:
        """Nothing can be done to what has been; the screen is told so."""
        self._refused.append(action.kind)
        return not self._stopped.is_set()

    def stop(self, cause: str, outcome: Outcome | None = None) -> None:
        """Idempotent: the first cause stands."""
        if self._ending is None:
            self._ending = cause, outcome or Outcome(0)
        self._stopped.set()

    def join(self, timeout_s: float | None = None) -> bool:
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def outcome(self) -> Outcome | None:
        return self._outcome

    # --- in our thread ---

    def _main(self) -> None:
        try:
            self._outcome = self._play()
        except BaseException as error:  # the thread's edge
            self.failure = error
            self._outcome = Outcome(1, f"a fault of this program ended the replay: {error!r}", "please report it")

    def _play(self) -> Outcome:
        script, failed = self._script, Outcome(0)
        try:
            for step in script.steps():
                if not self._wait(step.at_s):
                    break
                self._emit(step.run())
                if self._seconds is not None and self._t_s >= self._seconds:
                    break
        except CompanionError as error:
            failed = Outcome(error.exit_code, str(error), error.hint)
        except SessionError as error:
            failed = Outcome(DAMAGED, str(error), error.hint)
        cause, outcome = self._ending or ("replayed", failed)
        self._emit(script.finish(cause))
        verdict = script.verdict()
        self.remark = verdict.remark
        if outcome.code == 0 and verdict.damage:
            return Outcome(DAMAGED, verdict.damage, "what came before was replayed")
        return outcome

    def _wait(self, at_s: float) -> bool:
        """Until it is due. False where the user ends it."""
        self._clock.reach(at_s)
        while self._clock.paced and (wait_s := self._clock.wait_s(at_s)) > 0:
            if self._stopped.wait(min(wait_s, 0.5)):
                return False
            self._answer()
        return not self._stopped.is_set()

    def _answer(self) -> None:
        while self._refused:
            fields = {"request": self._refused.pop(0), "status": None}
            self._observers.tell(Notice(self._t_s, "refused", "this is a replay: nothing can be changed", dict(fields)))

    def _emit(self, out: Sequence[Output]) -> None:
        for item in out:
            if isinstance(item, Send | Close):
                continue
            if isinstance(item, Reading):
                self._t_s = max(self._t_s, float(item.t_s[-1]))
            self._observers.tell(item)
