"""What the screens for settings and limits are given: shapes only. Knows no Textual."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from companion.errors import CompanionError

if TYPE_CHECKING:
    from companion.programs.library import Entry


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it holds now."""

    name: str
    what: str
    value: str  # as it would be typed; empty: none
    origin: str  # where it comes from: default, config, KNEAD_..., flag
    allowed: str  # in words
    options: tuple[str, ...] = ()  # empty: any that is allowed


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a limit. None: there is none."""

    name: str
    unit: str
    holds: float | None  # for the tool and the person
    published: float | None  # for 12 cm2 and an adult with no lowering answer


@dataclass(frozen=True, slots=True)
class Limit:
    """A region's limits as they hold for a tool and a person, in mean contact pressure (kPa)."""

    region: str
    title: str
    limit_kpa: float  # a caution begins here
    without_kpa: float  # the same, had the person set nothing
    work_kpa: tuple[float, float]
    stop_kpa: float
    most_kpa: float  # as far as the limit may be raised
    work_most_kpa: float  # as far as the top of the working range may be raised
    hold_s: float
    figures: tuple[Figure, ...]  # all columns
    source: str
    confidence: str
    own: str = ""  # what the person, or the user's own file, has set
    remarks: tuple[str, ...] = ()  # bony, roll only ...


@dataclass(frozen=True, slots=True)
class LimitPage:
    tool: str
    area_cm2: float
    factor_k: float
    why: str  # of the factor, in words
    limits: Sequence[Limit]
    beside: Sequence[str]  # whole-body limits, blocked sites and sources, as lines


@dataclass(frozen=True, slots=True)
class Mine:
    """A step as it holds for the person: the band in kPa on the tool, or why it is left out."""

    band: str
    closed: str = ""


@dataclass(frozen=True, slots=True)
class ProgramPage:
    entries: "Sequence[Entry]" = ()  # what is broken has no item, and says why
    avoided: Sequence[tuple[str, str]] = ()  # places to leave alone, and why
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by key: how one has done so far, a line each
    mine: Mapping[tuple[str, str], Sequence[Mine]] = field(default_factory=dict)  # by key and side: a row a step


class SettingsBook(Protocol):
    """May take its time, and raise a CompanionError."""

    @property
    def place(self) -> str:
        """The file they are kept in."""
        ...

    def rows(self) -> Sequence[Setting]: ...
    def write(self, name: str, text: str) -> str:
        """Keep a value; gives a line for the user. An empty text forgets it: the default holds again."""
        ...


class LimitBook(Protocol):
    """May take its time, and raise a CompanionError or a SessionError."""

    def page(self) -> LimitPage: ...

    def raises(self, region: str, kpa: float | None, *, work: bool) -> bool:
        """Whether that is more than what holds; None: back to the published one. Raises where it is too much."""
        ...

    def write(self, region: str, kpa: float | None, *, work: bool, reason: str) -> str:
        """Keep it; gives a line for the user. Refused where it raises and there is no reason, or while recording."""
        ...


class SoundTest(Protocol):
    """May take its time, and raise one of FAILURES."""

    def due(self) -> bool:
        """Whether nobody has said yet that this computer's sound is heard."""
        ...

    def play(self) -> str:
        """A tone and two words; gives why nothing is heard, or nothing."""
        ...

    def heard(self, yes: bool) -> str:
        """Keep the answer; gives a line for the user."""
        ...


class NoSoundTest:
    """A deck without sound."""

    def due(self) -> bool:
        return False

    def play(self) -> str:
        return "there is no sound here"

    def heard(self, yes: bool) -> str:
        return ""


class NoSettings:
    """A deck without settings."""

    place = ""

    def rows(self) -> Sequence[Setting]:
        return ()

    def write(self, name: str, text: str) -> str:
        raise CompanionError("there are no settings here", "")


class NoLimits:
    """A deck without limits."""

    def page(self) -> LimitPage:
        raise CompanionError("there are no limits here", "")

    def raises(self, region: str, kpa: float | None, *, work: bool) -> bool:
        raise CompanionError("there are no limits here", "")

    def write(self, region: str, kpa: float | None, *, work: bool, reason: str) -> str:
        raise CompanionError("there are no limits here", "")
