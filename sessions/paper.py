"""What a report says, before anyone has decided how it looks: plain words, tables, and curves as numbers.

HTML and PDF are made of the same `Paper`. Limits, sources and what to say of them are handed in: this package does not
know by what a session was judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sessions.events import Floats, Level


@dataclass(frozen=True, slots=True)
class Edges:
    """Mean contact pressure, in kPa, that held from `from_s` on."""

    from_s: float
    work_kpa: float
    high_kpa: float
    over_kpa: float  # the limit


@dataclass(frozen=True, slots=True)
class LimitLine:
    """The limits of one region, as plain text."""

    title: str
    text: str
    sources: Sequence[str]  # codes or reasons


@dataclass(frozen=True, slots=True)
class Judged:
    """By what a session was judged, in words; all of it may be empty."""

    edges: Sequence[Edges] = ()
    limits: Sequence[LimitLine] = ()
    sources: Sequence[tuple[str, str]] = ()  # code, where it is found
    note: str = ""  # on screening and version
    disclaimer: str = ""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that happened at a moment, for the chart."""

    t_s: float
    level: Level | None  # None: a mark the person set
    words: str


@dataclass(frozen=True, slots=True)
class Hole:
    from_s: float
    to_s: float
    cause: str


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A session's pressure or load over time, as the lowest and highest of each stretch."""

    label: str  # of the axis, with its unit
    from_s: float
    to_s: float
    low: Floats  # NaN: nothing was received
    high: Floats
    edges: Sequence[Edges]
    holes: Sequence[Hole]
    signs: Sequence[Sign]
    moves: Sequence[tuple[float, str]]  # when the ball went where


@dataclass(frozen=True, slots=True)
class Bars:
    """Amounts a day, by region."""

    label: str
    days: Sequence[str]
    series: Sequence[tuple[str, Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. `kept` rows are always shown; more only where there is room."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str = "none"
    kept: int = 8
    note: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """One page."""

    title: str
    subtitle: str
    person: str  # as typed for this page; empty: nobody is named
    figures: Sequence[tuple[str, str, str]]  # label, value, remark: the few numbers to see first
    chart: Curve | Bars | None
    chart_words: str  # what it shows, for those who do not see it
    grids: Sequence[Grid]
    words: Sequence[tuple[str, str]]  # heading, text
    facts: Sequence[tuple[str, str]]  # where it comes from
    judged: Judged
