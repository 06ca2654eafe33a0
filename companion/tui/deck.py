"""What the screens are given to work with, and what they expect of it.

The composition root fills a `Deck` with callables. Screens call them aside, in a thread of their own, and show a
`CompanionError` or a `SessionError` as its line and its hint. Everything here is a shape: the parts themselves
are neither imported nor known.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from companion.errors import CompanionError
from companion.tui.books import LimitBook, NoLimits, NoSettings, NoSoundTest, ProgramPage, SettingsBook, SoundTest
from companion.tui.pairing import Pairing, no_pairing
from companion.tui.reviewing import NoReview, Review, Trash
from sessions.errors import SessionError
from sessions.events import Action, Event, Floats

if TYPE_CHECKING:
    from companion.programs.view import CoachView
    from companion.tui.liveview import LiveView
    from companion.tui.sheet import Sheet
    from companion.tui.snapshot import Snapshot

FAILURES = (CompanionError, SessionError, OSError)


class Outcome(Protocol):
    """How a run or a command ended."""

    @property
    def code(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def hint(self) -> str: ...


class EngineClock(Protocol):
    """Seconds that may run faster than the wall's."""

    @property
    def speed(self) -> float: ...
    def now_s(self) -> float: ...


class Run(Protocol):
    """One session under way, made but not started, whose observers include the `LiveView` beside it."""

    @property
    def clock(self) -> EngineClock: ...

    @property
    def outcome(self) -> Outcome | None:
        """None while it runs. Final once `join` has given True."""
        ...

    @property
    def session_id(self) -> str | None: ...

    @property
    def warning(self) -> str:
        """A line for the user before it begins, or none."""
        ...

    @property
    def remark(self) -> str:
        """A line once it is over, or none."""
        ...

    def start(self) -> object: ...

    def submit(self, action: Action, /) -> object:
        """At once, from any thread. What comes of it is an event."""
        ...

    def stop(self, cause: str, /) -> object:
        """Ask it to end and to save: at once, from any thread, more than once. The first cause stands."""
        ...

    def join(self, timeout_s: float | None, /) -> bool:
        """Wait until it has ended and is saved; True if so."""
        ...


@dataclass(frozen=True, slots=True)
class Live:
    """A run and the view that watches it."""

    run: Run
    view: "LiveView"
    title: str  # the address, or "demo"
    recorded: bool = True
    words: tuple[str, ...] = ()  # what is to be said before it begins, a line each
    coach: "Callable[[], CoachView | None]" = lambda: None  # where a program leads, what it is at
    _joining: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def join(self, timeout_s: float) -> bool:
        """`run.join`, by one thread at a time: the screen and a signal may both wait for the end."""
        with self._joining:
            return self.run.join(timeout_s)

    def age_s(self, snapshot: "Snapshot") -> float:
        """Real seconds since the newest scan came; NaN before the first."""
        return (self.run.clock.now_s() - snapshot.arrival_s) / self.run.clock.speed


class Device(Protocol):
    """A ball that may be there: a serial port, or a virtual ball. Nothing was opened to find it."""

    @property
    def address(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def known(self) -> bool: ...
    @property
    def problem(self) -> str:
        """Why it cannot be used; empty if it can."""
        ...


class SessionRow(Protocol):
    """One line of the log. None is unknown."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def duration_s(self) -> float | None: ...
    @property
    def person(self) -> str: ...
    @property
    def device(self) -> str | None: ...
    @property
    def region(self) -> str: ...
    @property
    def side(self) -> str: ...
    @property
    def tool(self) -> str: ...
    @property
    def program(self) -> str | None: ...
    @property
    def simulated(self) -> bool: ...
    @property
    def peak_kpa(self) -> float | None: ...
    @property
    def contact_s(self) -> float | None: ...
    @property
    def pain_before(self) -> int | None: ...
    @property
    def pain_after(self) -> int | None: ...
    @property
    def alerts_by_level(self) -> Mapping[str, int]: ...
    @property
    def lost(self) -> int | None: ...
    @property
    def note(self) -> str | None: ...


class Gap(Protocol):
    """Time of a session from which nothing was received."""

    @property
    def from_s(self) -> float: ...
    @property
    def to_s(self) -> float: ...
    @property
    def cause(self) -> str: ...


class SessionData(Protocol):
    """A whole session."""

    @property
    def row(self) -> SessionRow: ...
    @property
    def t_s(self) -> Floats: ...
    @property
    def pressure_kpa(self) -> Floats: ...
    @property
    def gaps(self) -> Sequence[Gap]: ...
    @property
    def events(self) -> Sequence[Event]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deck:
    """The callables behind the screens. Each may take its time, and may raise one of FAILURES."""

    devices: Callable[[], Sequence[Device]]
    live: Callable[[str], Live]  # a run on an address, not started
    demo: Callable[[], Live]
    tare: Callable[[str], Outcome]  # zero the ball at an address
    sessions: Callable[[], Sequence[SessionRow]]  # newest first
    load: Callable[[str], SessionData]  # by id
    delete: Callable[[str], object]  # by id
    sheet: "Callable[[str], Sheet | None]" = lambda _address: None  # what is to be asked before a run on an address
    today: Callable[[], Sequence[str]] = tuple  # what is left today, a line each, the most important first
    preface: str = ""  # said on the first screen, below all else
    left: Callable[[str, str], Sequence[str]] = lambda _region, _side: ()  # the same, of one region and side
    programs: Callable[[], ProgramPage] = ProgramPage
    guided: Callable[[str, str, str], Live] | None = None  # a run led by a program: address, its key, side
    side: str = "both"  # by the settings
    settings: SettingsBook = field(default_factory=NoSettings)
    limits: LimitBook = field(default_factory=NoLimits)
    sound: SoundTest = field(default_factory=NoSoundTest)
    review: Review = field(default_factory=NoReview)
    pairing: Pairing = field(default_factory=no_pairing)
    trash: Trash = field(default_factory=Trash)
    keys: Mapping[str, str] = field(default_factory=dict)  # as the user wants them, by the name of what they do
    theme: str = "dark"
    fps: float | None = None  # None: 10, and 5 over SSH
