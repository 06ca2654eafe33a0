"""What this computer can be heard by: which programs play and speak, a test of them, and a session's own sound."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from companion.config import Settings
from sessions.events import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from companion.cues.check import Sounded
    from companion.cues.observer import Cues, Wanted


@dataclass(frozen=True, slots=True)
class SoundPrograms:
    """What plays and what speaks: those this computer has, and those it could have."""

    tones: tuple[list[str], list[str]]
    voice: tuple[list[str], list[str]]


def sound_programs() -> SoundPrograms:
    from companion.cues import equipment

    return SoundPrograms(*(equipment.listed(programs) for programs in (equipment.PLAYERS, equipment.SPEAKERS)))


def sound_check(settings: Settings) -> "Iterator[Sounded]":
    """Every warning, as this computer sounds it. Raises OSError."""
    from companion.cues.check import check

    return check(_wanted(settings))


def sound_test(settings: Settings) -> str:
    """One tone and two words; gives what went wrong, or nothing. Raises OSError."""
    from companion.cues import check

    return check.test(_wanted(settings))


def cues_of(settings: Settings, tell: Callable[[Notice], None], *, led: bool) -> "Cues":
    """What a session is heard by: made, not begun. `led`: by a program or without hands."""
    from companion.cues.bell import bell_of_terminal
    from companion.cues.observer import Cues as Observing

    return Observing(_wanted(settings, led=led), tell, bell_of_terminal() if settings.sound else None)


def _wanted(settings: Settings, *, led: bool = False) -> "Wanted":
    from companion.cues.observer import Wanted as Wants

    ticks = settings.sound and (settings.ticks == "on" or (settings.ticks == "auto" and led))
    return Wants(settings.sound, settings.voice, settings.paths.state_dir / "sounds", ticks)
