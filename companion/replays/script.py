"""What a player plays, and the words for it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from companion.safety.limits import LIMITS_VERSION
from companion.smoothing import VERSION as SMOOTHING
from companion.stages import Output
from sessions.events import Event

OF_THIS_COMPUTER = ("storage", "observer", "capture", "sound", "output")  # kinds of notices that are not said again


@dataclass(frozen=True, slots=True)
class Step:
    """One input, due at `at_s` of the clock that ran then. Bytes that waited may be due before the last one."""

    at_s: float
    run: Callable[[], list[Output]]


class Script(Protocol):
    """A session to be played once."""

    @property
    def warning(self) -> str:
        """What may make the events differ, known before; or an empty line."""
        ...

    def steps(self) -> Iterator[Step]: ...

    def finish(self, cause: str) -> list[Event]:
        """The last events, after all steps or as many as were run."""
        ...

    def verdict(self) -> "Verdict":
        """After `finish`: how it went."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    damage: str = ""  # why not all could be replayed
    remark: str = ""  # for the user, on stderr


def versions(smoothing: object, limits: object, software: str) -> str:
    """One line where this program judges by other versions than the one before."""
    parts = []
    if smoothing != SMOOTHING:
        parts.append(f"smoothing {smoothing} (now {SMOOTHING})")
    if limits != LIMITS_VERSION:
        parts.append(f"limits {limits} (now {LIMITS_VERSION})")
    if not parts:
        return ""
    return f"recorded by {software} with {' and '.join(parts)}: the events may differ from those of then"
