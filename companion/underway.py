"""A run under way, to those who work with it and need not know whether it is an engine."""

from typing import Protocol

from companion.ending import Outcome
from sessions.events import Action


class Session(Protocol):
    """Its calls may come from any thread; all but `join` return at once."""

    @property
    def outcome(self) -> Outcome | None:
        """None while it runs."""
        ...

    def start(self) -> None: ...

    def submit(self, action: Action) -> bool:
        """False where it has ended, or has too much to do."""
        ...

    def stop(self, cause: str, outcome: Outcome | None = None) -> None:
        """The first cause stands."""
        ...

    def join(self, timeout_s: float | None = None) -> bool:
        """True once it has ended."""
        ...
