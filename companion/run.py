"""A session as it was asked for, and one under way."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from companion import replaying
from companion.captures.tap import Tap
from companion.clock import Clock
from companion.engine import AWAY_S, Engine, Outcome
from companion.programs.view import Board, CoachView
from sessions.events import Action, Json

if TYPE_CHECKING:
    from companion.replays.player import Player
    from sessions.journal import Journal, JournalResult

_JOURNAL_CLOSE_S = 30.0
_CUT_HINT = "the capture is cut short there; what it has is whole"


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """What the user asked for. None: the setting, or what the ball proposes."""

    address: str | None = None
    person: str = "me"
    region: str = "unknown"
    side: str = "both"
    tool: str | None = None
    program: str | None = None
    arm_s: float = 0.0  # to get down on the floor, before it begins by itself
    pain: int | None = None  # before it, 0 to 10
    handsfree: str = "auto"  # one of handsfree.terms.MODES
    seconds: float | None = None
    speed: float = 1.0  # infinite for a replay at its fastest
    kind: str | None = None
    capture: Path | None = None
    record: bool = True
    sound: bool = True  # False: no sound of any kind, whatever the settings say
    away_s: float = AWAY_S  # how long the ball may be away before that ends the session
    settings: Mapping[str, Json] = field(default_factory=dict)  # of the device, over what its profile says

    @property
    def is_replay(self) -> bool:
        return replaying.is_replay(self.address)


class Run:
    """One session under way, and all that must be closed after it."""

    def __init__(
        self,
        clock: Clock,
        engine: "Engine | Player",
        journal: "Journal | None",
        owned: Sequence[Callable[[], None]] = (),
        started: Sequence[Callable[[], object]] = (),
        words: tuple[str, ...] = (),
        tap: Tap | None = None,
        warning: str = "",
        board: Board | None = None,
    ) -> None:
        """`started`: what begins with the session. `warning`: a line for the user before it does."""
        self.clock = clock
        self.words = words  # what is to be said before it begins, one line each
        self.warning = warning
        self._board = board or Board()
        self.result: JournalResult | None = None  # what the journal kept; None where nothing was to be recorded
        self._engine = engine
        self._journal = journal
        self._owned = owned
        self._tap = tap
        self._uncaptured = ""  # why the capture is not whole
        self._started = started
        self._closing = threading.Lock()
        self._closed = False

    def start(self) -> None:
        self._engine.start()
        for start in self._started:
            start()

    def submit(self, action: Action) -> bool:
        """False if it could not be taken."""
        return self._engine.submit(action)

    def stop(self, cause: str, outcome: Outcome | None = None) -> None:
        """End and save; `join` waits for it."""
        self._engine.stop(cause, outcome)

    def join(self, timeout_s: float | None = None) -> bool:
        """True once the engine has ended and the journal has written what it could."""
        if not self._engine.join(timeout_s):
            return False
        with self._closing:
            if not self._closed:
                self._closed = True
                if self._journal is not None:
                    self.result = self._journal.close(_JOURNAL_CLOSE_S)
                if self._tap is not None:
                    self._uncaptured = self._tap.close()
                for close in self._owned:
                    close()
        return True

    @property
    def failure(self) -> BaseException | None:
        """A fault of this program, for whoever debugs it."""
        return self._engine.failure

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it runs. What stayed unsaved is an error, whatever else happened."""
        outcome = self._engine.outcome
        if outcome is not None and self._uncaptured:
            text = f"not all was captured: {self._uncaptured}"
            outcome = Outcome(outcome.code or 1, text, _CUT_HINT)
        if outcome is None or self.result is None or not self.result.error:
            return outcome
        text = f"{self.result.unsaved_s:.1f} s of the session could not be saved: {self.result.error}"
        return Outcome(outcome.code or 1, text, "free some space, or see 'knead doctor'")

    @property
    def coach(self) -> CoachView | None:
        """The newest picture of the coach; None where there is no program, or nothing has come yet."""
        return self._board.view

    @property
    def remark(self) -> str:
        """A line for the user once it is over; or none."""
        return getattr(self._engine, "remark", "")

    @property
    def session_id(self) -> str | None:
        return None if self.result is None else self.result.session_id
