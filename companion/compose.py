"""The one place where parts become a program: command line, screens and tests all start here.

Screens and commands are given what this module makes, and import none of its parts.
"""

import math
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from companion import balls, guidance, keeping, past, replaying
from companion.captures.format import Setup
from companion.captures.tap import Tap
from companion.captures.writer import CaptureWriter
from companion.clock import Clock
from companion.config import Settings
from companion.engine import Engine, Observer, Outcome
from companion.errors import ConfigError
from companion.pipeline import Pipeline
from companion.programs.program import Routine
from companion.programs.view import Board, CoachView
from companion.safety import limits
from companion.safety.limits import LIMITS_VERSION, GuardContext
from companion.safety.table import AREA_RANGE
from companion.smoothing import VERSION as SMOOTHING
from companion.stages import Plan, Stages
from companion.taring import Taring
from companion.transports import Transport
from firmware_protocol.driver import Profile, Unit
from firmware_protocol.host import Host
from firmware_protocol.simulator.scenarios import list_scenarios
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Action, Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from companion.cues.check import Sounded
    from companion.cues.observer import Cues, Wanted
    from companion.replays.player import Player
    from sessions.journal import Journal, JournalResult
    from sessions.store import Store

DEMO_SCENARIO = "showcase"
DEMO_REGION = "glute"  # what the showcase plays
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
    program_tool: str | None = None  # what the program is made for
    arm_s: float = 0.0
    seconds: float | None = None
    speed: float = 1.0  # infinite for a replay at its fastest
    kind: str | None = None
    capture: Path | None = None
    record: bool = True
    sound: bool = True  # False: no sound of any kind, whatever the settings say

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
        started: Sequence[Callable[[], None]] = (),
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


def live(request: LiveRequest, settings: Settings, observers: Sequence[Observer] = ()) -> Run:
    """A session on a ball, or one from before. Raises CompanionError and SessionError before anything has begun.

    RefusedError after an emergency or clinician-first answer, and in a locked region.
    """
    if request.is_replay:
        if request.program is not None:
            raise ConfigError("a replay is led by its own program", "leave --program out")
        return _replay(request, settings, observers)
    if not math.isfinite(request.speed):
        raise ConfigError("a ball has no highest speed", "--speed max is for replays")
    known = gather(settings, request.person)
    if request.program is None:
        known.refuse(request.region, request.side)
    return _on_ball(request, settings, known, observers)


def gather(settings: Settings, person: str | None = None) -> past.Past:
    """All that is known of a person now. Raises SessionError."""
    paths = settings.paths
    limits_file = paths.config_file.with_name(past.LIMITS_FILE)
    return past.gather(paths.database, limits_file, person or settings.person, datetime.now(UTC))


def _on_ball(request: LiveRequest, settings: Settings, known: past.Past, observers: Sequence[Observer]) -> Run:
    address = request.address or balls.last_address(settings.paths)
    clock = Clock(request.speed)
    last = balls.LastBall(settings.paths, address)
    symptoms = keeping.Symptoms(settings.paths.database, request.person)
    make_transport = balls.transport(address, request.kind, clock)
    watching: list[Observer] = [*observers, last, symptoms]
    request = replace(request, address=address)
    routine: Routine | None = None
    if request.program is not None:
        nobody = balls.presses_nobody(settings.paths, address)
        lead = guidance.prepare(request.program, request.side, settings.paths.config_file, known, simulated=nobody)
        routine = lead.routine
        request = replace(
            request, program=routine.program, region=lead.region, side=lead.side, program_tool=routine.tool
        )
    return _run(request, settings, clock, make_transport, watching, (last.keep, symptoms.keep), known, routine)


def demo(
    settings: Settings, *, seconds: float | None = None, speed: float = 1.0, observers: Sequence[Observer] = ()
) -> Run:
    """The showcase: a virtual ball behind a real serial port of this computer, recorded as simulated."""
    clock = Clock(speed)
    seconds = _showcase_seconds() if seconds is None else seconds
    server = balls.serve_here(VirtualBall(DEMO_SCENARIO), clock)
    region = DEMO_REGION if settings.region == "unknown" else settings.region
    request = LiveRequest(person=settings.person, region=region, side=settings.side, seconds=seconds, speed=speed)
    try:
        return _run(request, settings, clock, balls.transport(server.address, None, clock), observers, (server.close,))
    except BaseException:
        server.close()
        raise


def tare(address: str | None, settings: Settings, seconds: float = 5.0) -> Outcome:
    """Set the ball's zero, once it has been seen free for a second."""
    taring = Taring()
    request = LiveRequest(address=address, seconds=seconds, record=False, sound=False)
    run = _on_ball(request, settings, past.nobody(datetime.now(UTC)), (taring,))  # nobody is on it
    taring.attach(run)
    run.start()
    run.join()
    return taring.outcome or run.outcome or Outcome(1, "the ball was not zeroed", "try again")


def open_store(settings: Settings) -> "Store":
    """The log. Raises SessionError."""
    from sessions.store import Store

    return Store(settings.paths.database)


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


# --- parts ---


def _run(
    request: LiveRequest,
    settings: Settings,
    clock: Clock,
    make_transport: Callable[[], Transport],
    observers: Sequence[Observer],
    owned: Sequence[Callable[[], None]] = (),
    known: past.Past | None = None,
    routine: Routine | None = None,
) -> Run:
    first_tag = random.randint(1, 255)
    driver = Host(framed=True, first_tag=first_tag)
    board = Board()
    plan = Plan(
        person=request.person,
        region=request.region,
        side=request.side,
        program=request.program,
        context=lambda profile: guard_context(profile, request, known),
        wall=clock.wall,
        software=f"knead {version('knead-companion')}",
        routine=routine,
        show=board.show,
    )
    journal: Journal | None = None

    def tell(notice: Notice) -> None:
        engine.tell(notice)  # there before the first event is

    if request.record:
        journal = _journal(settings, tell)
        observers = [journal, *observers]
    cues = _cues(settings, tell) if request.sound else None
    if cues is not None:
        observers = [cues, *observers]  # first: a sound takes longest to arrive
        owned = [cues.close, *owned]
    tap = _tap(request, plan, clock, first_tag)
    line: Stages
    if tap is None:
        line = Pipeline(driver, plan)
    else:
        line = tap.around(Pipeline(driver, replace(plan, context=tap.context(plan.context))))
    engine = Engine(make_transport, line, observers, clock, seconds=request.seconds)
    nobody = balls.presses_nobody(settings.paths, request.address)
    words = () if known is None else known.words(request.region, request.side, simulated=nobody)
    return Run(clock, engine, journal, owned, () if cues is None else (cues.start,), words, tap, board=board)


def _replay(request: LiveRequest, settings: Settings, observers: Sequence[Observer]) -> Run:
    """A session from before. It is judged in blocks where nobody looks at its pace."""
    if request.capture is not None:
        raise ConfigError("a replay is not captured", "copy its capture, or record it with --record")
    in_haste = not math.isfinite(request.speed) and request.seconds is None and not request.record
    script = replaying.script_of(request.address or "", settings.paths, joined=in_haste)
    journal: Journal | None = None
    if request.record:
        journal = _journal(settings, lambda notice: None)
        observers = [replaying.Recorded(journal), *observers]
    player, clock = replaying.player_of(script, observers, request.speed, request.seconds)
    return Run(clock, player, journal, warning=script.warning)


def _journal(settings: Settings, tell: Callable[[Notice], None]) -> "Journal":
    from sessions.journal import Journal

    with open_store(settings):  # recovers what a crash left, and says now if the log cannot be used
        pass
    return Journal(settings.paths.database, tell)


def _tap(request: LiveRequest, plan: Plan, clock: Clock, first_tag: int) -> Tap | None:
    if request.capture is None:
        return None
    setup = Setup(
        software=plan.software,
        epoch=clock.wall(0.0).isoformat(),
        speed=clock.speed,
        address=request.address or "",
        person=plan.person,
        region=plan.region,
        side=plan.side,
        program=plan.program,
        framed=True,
        first_tag=first_tag,
        smoothing=SMOOTHING,
        limits=LIMITS_VERSION,
        routine=None if plan.routine is None else plan.routine.to_json(),
    )
    return Tap(CaptureWriter(request.capture, setup))


def _wanted(settings: Settings) -> "Wanted":
    from companion.cues.observer import Wanted as Wants

    return Wants(settings.sound, settings.voice, settings.paths.state_dir / "sounds")


def _cues(settings: Settings, tell: Callable[[Notice], None]) -> "Cues":
    from companion.cues.bell import bell_of_terminal
    from companion.cues.observer import Cues as Observing

    return Observing(_wanted(settings), tell, bell_of_terminal() if settings.sound else None)


def guard_context(profile: Profile, request: LiveRequest, known: past.Past | None = None) -> GuardContext:
    """All that the guard must know from outside, in one frozen value. `known`: of the person; None: nothing.

    The tool is the user's choice, else the ball's own proposal, else the program's, else the hard ball: the smallest,
    so the strictest.
    """
    tool = request.tool or limits.tool_of_ball(profile.tool) or request.program_tool or limits.DEFAULT_TOOL
    area_cm2 = limits.tools()[tool].area_cm2
    told_cm2 = profile.contact_mm2 / 100
    if request.tool is None and AREA_RANGE[0] <= told_cm2 <= AREA_RANGE[1]:
        area_cm2 = told_cm2  # what no tool can be is the ball's mistake, and its tool's own area stands
    context = GuardContext(
        person=request.person,
        screened=False,  # until something is known of the person: half of every limit
        region=request.region,
        side=request.side,
        tool=tool,
        area_cm2=area_cm2,
        cell_cm2=profile.cell_mm2 / 100 or None,
        full_scale_n=profile.full_scale * profile.lsb or None,
        judged=profile.unit is Unit.NEWTON,
    )
    return context if known is None else known.apply(context, simulated=profile.simulated)


def _showcase_seconds() -> float:
    return next(info.seconds for info in list_scenarios() if info.key == DEMO_SCENARIO)
