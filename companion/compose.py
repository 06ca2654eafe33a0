"""The one place where parts become a program: command line, screens and tests all start here.

Screens and commands are given what this module makes, and import none of its parts.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from companion import balls, guidance, keeping, past, replaying, whereabouts
from companion.assembly import UNOPENED, assemble, first_tag, journal_of
from companion.assembly import open_store as open_store
from companion.calibrating import Bench
from companion.clock import Clock
from companion.config import Settings
from companion.engine import Observer, Outcome
from companion.errors import ConfigError
from companion.handsfree.terms import Terms
from companion.meeting import Meeting
from companion.pairing.acquaintance import Acquaintances, settings_of
from companion.pairing.profile import checked_name
from companion.pairing.settling import NO_WISHES, Wishes
from companion.pairing.steps import PATIENCE_S, Ask, Say, Steps
from companion.run import LiveRequest, Run
from companion.taring import Taring
from companion.zeros import Zeros
from firmware_protocol.simulator.scenarios import list_scenarios
from firmware_protocol.simulator.virtual import VirtualBall

if TYPE_CHECKING:
    from sessions.journal import Journal

DEMO_SCENARIO = "showcase"
DEMO_REGION = "glute"  # what the showcase plays
DEMO_HANDS = Terms(end_s=5.0)  # nobody watches an empty ball for a minute


def live(request: LiveRequest, settings: Settings, observers: Sequence[Observer] = ()) -> Run:
    """A session on a ball, or one from before. Raises CompanionError and SessionError before anything has begun.

    RefusedError after an emergency or clinician-first answer, and in a locked region.
    """
    if request.is_replay:
        if request.program is not None:
            raise ConfigError("a replay is led by its own program", "leave --program out")
        if request.arm_s or request.pain is not None:
            raise ConfigError("a replay is what was done then", "leave --arm and --pain out")
        return _replay(request, settings, observers)
    if not math.isfinite(request.speed):
        raise ConfigError("a ball has no highest speed", "--speed max is for replays")
    known = gather_anyhow(settings, request.person)
    if request.program is None:
        known.refuse(request.region, request.side)
    return _on_ball(request, settings, known, observers)


def gather(settings: Settings, person: str | None = None) -> past.Past:
    """All that is known of a person now. Raises SessionError."""
    paths = settings.paths
    limits_file = paths.config_file.with_name(past.LIMITS_FILE)
    return past.gather(paths.database, limits_file, person or settings.person, datetime.now(UTC))


def gather_anyhow(settings: Settings, person: str | None = None) -> past.Past:
    """As `gather`; but a log that may not be opened, or that another program holds, keeps no session from being judged.

    Raises SessionError where it is damaged or newer.
    """
    try:
        return gather(settings, person)
    except UNOPENED as error:
        limits_file = settings.paths.config_file.with_name(past.LIMITS_FILE)
        return past.unknown(error, limits_file, person or settings.person, datetime.now(UTC))


def _on_ball(
    request: LiveRequest,
    settings: Settings,
    known: past.Past,
    observers: Sequence[Observer],
    *,
    pairing: bool = False,
) -> Run:
    """`pairing`: the next start is not to find this ball yet, and radios may pair anew."""
    devices = whereabouts.remembered(settings.paths)
    target = whereabouts.find(request.address, settings.paths, devices)
    clock = Clock(request.speed)
    last = whereabouts.LastBall(settings.paths, target.address)
    symptoms = keeping.Symptoms(settings.paths.database, request.person)
    kind = request.kind or target.kind or balls.kind_in_reach(target.address)
    request = replace(request, address=target.address, kind=kind)
    make_transport = balls.transport(target.address, request.kind, clock, target.serial, renew_bond=pairing)
    expected = whereabouts.known_at(target, request.kind, devices)
    kept = {**({} if expected is None else settings_of(expected)), **request.settings}
    speech = balls.speech(target.address, request.kind, first_tag(), target.serial, kept)
    lead: guidance.Guidance | None = None
    if request.program is not None:
        nobody = target.address.partition(":")[0] in whereabouts.NOBODY
        lead = guidance.prepare(
            request.program, request.side, settings.paths.programs_dir, known, simulated=nobody, tool=request.tool
        )
        request = replace(request, program=lead.routine.program, region=lead.region, side=lead.side)
    zeros = Zeros(settings.paths, target.address)
    watching: list[Observer] = [*observers, last, symptoms, zeros]
    acquaintances = Acquaintances(devices, target.address, datetime.now().astimezone().date())
    owned = (symptoms.keep, zeros.keep) if pairing else (last.keep, symptoms.keep, zeros.keep)
    return assemble(request, settings, clock, make_transport, watching, owned, known, speech, acquaintances, lead=lead)


def demo(
    settings: Settings, *, seconds: float | None = None, speed: float = 1.0, observers: Sequence[Observer] = ()
) -> Run:
    """The showcase: a virtual ball behind a real serial port of this computer, recorded as simulated.

    No key is needed: it begins on contact, and ends by itself after the score.
    """
    clock = Clock(speed)
    seconds = _showcase_seconds() if seconds is None else seconds
    server = balls.serve_here(VirtualBall(DEMO_SCENARIO), clock)
    region = DEMO_REGION if settings.region == "unknown" else settings.region
    request = LiveRequest(person=settings.person, region=region, side=settings.side, seconds=seconds, speed=speed)
    try:
        transport = balls.transport(server.address, None, clock)
        return assemble(request, settings, clock, transport, observers, (server.close,), hands=DEMO_HANDS)
    except BaseException:
        server.close()
        raise


def tare(
    address: str | None, settings: Settings, seconds: float = 5.0, *, kind: str | None = None, free: bool = False
) -> Outcome:
    """Set the ball's zero, once it has been seen free for a second; or with `free` by the person's word."""
    taring = Taring(free=free)
    request = LiveRequest(address=address, seconds=seconds, kind=kind, record=False, sound=False)
    run = _on_ball(request, settings, past.nobody(datetime.now(UTC)), (taring,))  # nobody is on it
    taring.attach(run)
    run.start()
    run.join()
    return taring.outcome or run.outcome or Outcome(1, "the ball was not zeroed", "try again")


def calibrate(address: str | None, settings: Settings, kind: str | None = None) -> Bench:
    """A ball to be calibrated: made, not begun. Raises CompanionError and SessionError."""
    bench = Bench(settings.paths)
    target = whereabouts.find(address, settings.paths, whereabouts.remembered(settings.paths))
    open_store(settings).close()  # said now, not after all points, if nothing can be kept
    request = LiveRequest(address=address, kind=kind, record=False, sound=False, away_s=PATIENCE_S)
    run = _on_ball(request, settings, past.nobody(datetime.now(UTC)), (bench,))
    bench.attach(run, target.address)
    return bench


def pair(
    address: str | None,
    settings: Settings,
    hear: Callable[[Say | Ask], None],
    steps: Steps,
    *,
    wishes: Wishes = NO_WISHES,
    nickname: str = "",
    kind: str | None = None,
    speed: float = 1.0,
) -> Meeting:
    """Get to know a ball: made, not begun. Raises CompanionError and SessionError."""
    wishes.checked(datetime.now().astimezone().date())
    meeting = Meeting(steps, hear, settings.paths, wishes, checked_name(nickname) if nickname else "")
    request = LiveRequest(
        address=address, kind=kind, speed=speed, record=False, sound=False, away_s=PATIENCE_S, settings=wishes.settings
    )
    target = whereabouts.find(address, settings.paths, whereabouts.remembered(settings.paths))
    said = {"baud": wishes.baud, "columns": ",".join(wishes.columns)}
    if any(said.values()) and target.address.startswith("serial:"):
        told = "&".join(f"{name}={value}" for name, value in said.items() if value)
        target = replace(target, address=f"{target.address.partition('?')[0]}?{told}")
        request = replace(request, address=target.address)
    open_store(settings).close()  # said now, not after all steps, if nothing can be kept
    whereabouts.refuse_name(meeting.nickname, target, whereabouts.remembered(settings.paths))
    run = _on_ball(request, settings, past.nobody(datetime.now(UTC)), (meeting.observer,), pairing=True)
    meeting.attach(run, target.address)
    return meeting


# --- parts ---


def _replay(request: LiveRequest, settings: Settings, observers: Sequence[Observer]) -> Run:
    """A session from before. It is judged in blocks where nobody looks at its pace."""
    if request.capture is not None:
        raise ConfigError("a replay is not captured", "copy its capture, or record it with --record")
    in_haste = not math.isfinite(request.speed) and request.seconds is None and not request.record
    script = replaying.script_of(request.address or "", settings.paths, joined=in_haste)
    journal: Journal | None = None
    if request.record:
        open_store(settings).close()  # said now: to be kept is all that this replay is for
        journal = journal_of(settings, lambda notice: None)
        observers = [replaying.Recorded(journal), *observers]
    player, clock = replaying.player_of(script, observers, request.speed, request.seconds)
    return Run(clock, player, journal, warning=script.warning)


def _showcase_seconds() -> float:
    return next(info.seconds for info in list_scenarios() if info.key == DEMO_SCENARIO)
