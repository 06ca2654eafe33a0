"""What the screens of the log ask of it, and the sessions that are deleted but not gone yet."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from companion.errors import CompanionError

if TYPE_CHECKING:
    from companion.tui.overlay import Compared
    from sessions.about import About
    from sessions.session import SessionRow
    from sessions.trends import Trend

EXPORTED = "a file: .csv .json .jsonl .parquet .html .pdf; `anonymous` behind it: nameless"


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines of a list."""

    rows: "Sequence[SessionRow]"
    fitting: int  # sessions the filter finds in all
    whole: int  # sessions of the log


@dataclass(frozen=True, slots=True)
class Trends:
    found: "Sequence[Trend]"
    simulated: int  # sessions left out
    plans: Sequence[str] = ()  # how those go that have begun, a line each


class Review(Protocol):
    """Each may take its time, and raise a SessionError; a text that cannot be used is a ValueError."""

    def find(self, text: str, sort: str, offset: int, limit: int) -> Page: ...
    def about(self, session: str) -> "About": ...
    def annotate(self, session: str, **said: object) -> object: ...
    def mark(self, session: str, t_s: float, words: str) -> object: ...
    def compared(self, sessions: Sequence[str], align: str) -> "Compared": ...
    def trends(self, weeks: int) -> Trends: ...

    def proposed(self, began: datetime) -> str:
        """A name for the file of a session."""
        ...

    def export(self, sessions: Sequence[str], text: str) -> str:
        """To the file that `text` names; what was written, in words."""
        ...


class NoReview:
    """A deck without a log."""

    def _refuse(self) -> CompanionError:
        return CompanionError("there is no log here", "")

    def find(self, text: str, sort: str, offset: int, limit: int) -> Page:
        raise self._refuse()

    def about(self, session: str) -> "About":
        raise self._refuse()

    def annotate(self, session: str, **said: object) -> object:
        raise self._refuse()

    def mark(self, session: str, t_s: float, words: str) -> object:
        raise self._refuse()

    def compared(self, sessions: Sequence[str], align: str) -> "Compared":
        raise self._refuse()

    def trends(self, weeks: int) -> Trends:
        raise self._refuse()

    def proposed(self, began: datetime) -> str:
        return ""

    def export(self, sessions: Sequence[str], text: str) -> str:
        raise self._refuse()


class Trash:
    """Sessions the person deleted: hidden at once, gone when the screens are left, brought back until then."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []  # of `empty`
        self._ids: list[str] = []
        self._lock = threading.Lock()

    def __contains__(self, session: str) -> bool:
        return session in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def put(self, session: str) -> None:
        with self._lock:
            if session not in self._ids:
                self._ids.append(session)

    def undo(self) -> str | None:
        """Bring back the last one; its id, or None."""
        with self._lock:
            return self._ids.pop() if self._ids else None

    def empty(self, delete: Callable[[str], object]) -> None:
        """Delete them for good; `failures` then holds what went wrong. A session that could not be deleted is kept."""
        while (session := self.undo()) is not None:
            try:
                delete(session)
            except Exception as error:  # each is to be tried, whatever became of the one before
                self.failures.append(error)
