"""Setting the zero from the command line: wait, ask, hear the answer, end."""

from typing import Protocol

from companion.engine import Outcome
from sessions.events import Action, Event, Notice, Reading

SEEN_S = 1.2  # a tare needs the ball free for a second; a scan or two on top


class Session(Protocol):
    """What is needed of a run under way."""

    def submit(self, action: Action) -> bool: ...

    def stop(self, cause: str, outcome: Outcome | None = None) -> None: ...


class Taring:
    """An observer that asks for a tare once the ball has been watched long enough, then ends the session.

    `free`: the person says that nothing touches the ball, whatever it reads.
    """

    def __init__(self, *, free: bool = False) -> None:
        self._free = free
        self.outcome: Outcome | None = None
        self._session: Session | None = None
        self._asked = False

    def attach(self, session: Session) -> None:
        """Before the session starts."""
        self._session = session

    def __call__(self, event: Event) -> None:
        assert self._session is not None
        if isinstance(event, Reading) and not self._asked and event.t_s[-1] >= SEEN_S:
            self._asked = self._session.submit(Action("tare", {"free": True} if self._free else {}))
        elif isinstance(event, Notice) and self._asked and self.outcome is None:
            self._answered(event, self._session)

    def _answered(self, notice: Notice, session: Session) -> None:
        if notice.kind == "refused":
            self.outcome = Outcome(1, notice.text, "the zero is as it was")
        elif notice.kind == "zero" and notice.fields.get("value") is not None:
            trusted = self._free or bool(notice.fields.get("trusted"))
            self.outcome = Outcome(
                0 if trusted else 1, notice.text, "" if trusted else "take the weight off, tare again"
            )
        if self.outcome is not None:
            session.stop("user", self.outcome)
