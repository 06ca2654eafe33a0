"""A run put together: pipeline, engine, and all that watches them, begins and ends with them. Nothing has begun yet."""

import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from companion import guidance, past, whereabouts
from companion.captures.format import Setup
from companion.captures.tap import Tap
from companion.captures.writer import CaptureWriter
from companion.clock import Clock
from companion.config import Settings
from companion.contexts import guard_context
from companion.engine import Engine, Observer
from companion.handsfree.terms import Terms, wished
from companion.hearing import cues_of
from companion.pairing.acquaintance import Acquaintances
from companion.pipeline import Pipeline
from companion.programs.view import Board
from companion.run import LiveRequest, Run
from companion.safety.limits import LIMITS_VERSION
from companion.smoothing import VERSION as SMOOTHING
from companion.speech import Speech
from companion.stages import Plan, Stages
from companion.transports import Transport
from companion.wakeful import Wakeful
from sessions.errors import StoreBusyError, StoreDeniedError
from sessions.events import Action, Notice

if TYPE_CHECKING:
    from sessions.journal import Journal
    from sessions.store import Store

UNOPENED = (StoreDeniedError, StoreBusyError)  # a full disk, no permission, another program: it may pass


def assemble(
    request: LiveRequest,
    settings: Settings,
    clock: Clock,
    make_transport: Callable[[], Transport],
    observers: Sequence[Observer],
    owned: Sequence[Callable[[], None]] = (),
    known: past.Past | None = None,
    speech: Speech | None = None,
    acquaintances: Acquaintances | None = None,
    hands: Terms | None = None,
    lead: guidance.Guidance | None = None,
) -> Run:
    """A run on whatever `make_transport` opens, with all that watches it, and that begins and ends with it."""
    speech = speech or Speech(first_tag=first_tag())
    board = Board()
    plan = Plan(
        person=request.person,
        region=request.region,
        side=request.side,
        program=request.program,
        context=lambda profile: guard_context(profile, request, known, acquaintances),
        wall=clock.wall,
        software=f"knead {version('knead-companion')}",
        routine=None if lead is None else lead.routine,
        show=board.show,
        hands=hands or wished(request.handsfree, request.arm_s, guided=request.program is not None),
    )

    def tell(notice: Notice) -> None:
        engine.tell(notice)  # there before the first event is

    checked = known is None or known.known
    journal = journal_of(settings, tell, checked=checked) if request.record else None
    observers = observers if journal is None else [journal, *observers]
    led = plan.hands is not None or plan.program is not None
    cues = cues_of(settings, tell, led=led) if request.sound else None
    if cues is not None:
        observers = [cues, *observers]  # first: a sound takes longest to arrive
        owned = [cues.close, *owned]
    started: list[Callable[[], object]] = [] if cues is None else [cues.start]
    if settings.awake and request.record:
        wakeful = Wakeful()
        started, owned = [*started, wakeful.start], [wakeful.close, *owned]
    line, tap = _stages(request, plan, clock, speech)  # last: it makes a file, so nothing may be refused behind it
    engine = Engine(make_transport, line, observers, clock, seconds=request.seconds, away_s=request.away_s)
    if request.pain is not None:
        started = [*started, partial(engine.submit, _score(request.pain))]
    nobody = (request.address or "").partition(":")[0] in whereabouts.NOBODY
    words = () if known is None else known.words(request.region, request.side, simulated=nobody)
    return Run(clock, engine, journal, owned, started, words, tap, board=board)


def open_store(settings: Settings) -> "Store":
    """The log. Raises SessionError."""
    from sessions.store import Store

    return Store(settings.paths.database)


def journal_of(settings: Settings, tell: Callable[[Notice], None], *, checked: bool = True) -> "Journal":
    """The writer of the log. What keeps it from the disk for a while is told by itself, and waits in memory.

    With `checked` the log is opened once before: what a crash left is recovered, and one that is damaged or newer
    raises SessionError now.
    """
    from sessions.journal import Journal

    if checked:
        with contextlib.suppress(*UNOPENED):
            open_store(settings).close()
    return Journal(settings.paths.database, tell)


def first_tag() -> int:
    """Of the first request: another one than a client before us had, most likely."""
    return random.randint(1, 255)


def _score(pain: int) -> Action:
    return Action("pain", {"value": pain, "when": "before", "by": "flag"})


def _stages(request: LiveRequest, plan: Plan, clock: Clock, speech: Speech) -> tuple[Stages, Tap | None]:
    """The pipeline; within a tap where its bytes are to be kept, too."""
    driver = speech.driver()
    tap = _tap(request, plan, clock, speech)
    if tap is None:
        return Pipeline(driver, plan), None
    return tap.around(Pipeline(driver, replace(plan, context=tap.context(plan.context)))), tap


def _tap(request: LiveRequest, plan: Plan, clock: Clock, speech: Speech) -> Tap | None:
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
        first_tag=speech.first_tag,
        smoothing=SMOOTHING,
        limits=LIMITS_VERSION,
        kind=speech.kind,
        link=speech.link.value,
        expect_serial=speech.expect_serial,
        settings=dict(speech.settings),
        routine=None if plan.routine is None else plan.routine.to_json(),
        hands=None if plan.hands is None else plan.hands.to_json(),
    )
    return Tap(CaptureWriter(request.capture, setup))
