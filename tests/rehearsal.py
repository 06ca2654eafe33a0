"""A session in simulated time, kept as a capture and in the log, to be played again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from companion.captures.format import Setup
from companion.captures.reader import Capture
from companion.captures.tap import Tap
from companion.captures.writer import CaptureWriter
from companion.contexts import guard_context
from companion.handsfree.terms import Terms
from companion.pipeline import Pipeline
from companion.programs.program import Routine
from companion.programs.view import CoachView
from companion.replays.captured import CapturedScript
from companion.replays.player import Player, ReplayClock
from companion.replays.script import Script
from companion.replays.stored import StoredScript
from companion.run import LiveRequest
from companion.safety.limits import LIMITS_VERSION, GuardContext
from companion.smoothing import VERSION
from companion.stages import Output, Plan, Stages
from firmware_protocol.driver import Chunk, Close, Profile, Send
from firmware_protocol.host import Host
from firmware_protocol.simulator.scenarios import Scenario
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Action, Closed, Event, Notice
from sessions.journal import Journal
from sessions.store import Store
from tests.kit import LIMIT_S, Recorder, joined

STEP_S = 0.01
EPOCH = datetime(2026, 3, 1, 18, 30, 15, 123456, tzinfo=UTC)
TAG = 9

Happening = Action | Callable[["Rehearsal"], object]  # a person's doing, or what befalls ball and link


class Rehearsal:
    """One session on a virtual ball. `kept` names the directory of its capture and its log."""

    def __init__(
        self,
        kept: Path,
        scenario: str | Scenario = "showcase",
        region: str = "glute",
        *,
        step_s: float = STEP_S,
        hands: Terms | None = None,
        routine: Routine | None = None,
    ) -> None:
        self.capture, self.database = kept / "session.cap", kept / "data" / "knead.db"
        self.events: list[Event] = []
        self.ball = VirtualBall(scenario, seed=5)
        self.now_s = 0.0
        self.deaf_until_s = 0.0  # what the ball sends until then comes in one clump
        self._region, self._step_s, self._hands, self._routine = region, step_s, hands, routine
        self.views: list[CoachView] = []
        self._linked = False
        setup = Setup("knead test", EPOCH.isoformat(), 1.0, "sim:x", "me", region, "left", None, TAG, VERSION, 0)
        setup = replace(setup, limits=LIMITS_VERSION, hands=None if hands is None else hands.to_json())
        if routine is not None:
            setup = replace(setup, program=routine.program, routine=routine.to_json())
        self._tap = Tap(CaptureWriter(self.capture, setup))
        self._line: Stages = self._tap.around(
            Pipeline(Host(framed=True, first_tag=TAG), self._plan(self._tap.context(self._context)))
        )
        self._journal = Journal(self.database, lambda notice: None, commit_s=0.05)

    def run(self, seconds: float, happenings: dict[float, Happening] | None = None) -> "Rehearsal":
        waiting = sorted((happenings or {}).items(), key=lambda item: item[0])
        while self.now_s < seconds:
            self.now_s += self._step_s
            self._link()
            while waiting and waiting[0][0] <= self.now_s:
                self._happen(waiting.pop(0)[1])
            if self._linked:
                self.ball.tick(self.now_s)
                if self.now_s >= self.deaf_until_s and (data := self.ball.outgoing()):
                    self._take(self._line.feed(Chunk("serial", data, self.now_s)))
            due_s = self._line.deadline()
            if due_s is not None and due_s <= self.now_s:
                self._take(self._line.tick(self.now_s))
        return self

    def end(self) -> "Rehearsal":
        """The session is over, and saved."""
        self._take(self._line.finish(self.now_s, "user"))
        result = self._journal.close()
        assert result.error is None
        assert self._tap.close() == ""
        return self

    # What befalls it

    def clump(self, seconds: float) -> None:
        """The link holds bytes back for so long."""
        self.deaf_until_s = self.now_s + seconds

    def reboot(self) -> None:
        self.ball._ball.reboot(77, self.ball._us(self.now_s))

    def run_low(self) -> None:
        """The battery is nearly empty; the ball says so with its next STATUS."""
        self.ball._ball.battery(self.ball._us(self.now_s), percent=4, millivolt=3400, temp_c=26.5)

    def button(self, long: bool = False) -> None:
        """Short confirms, long sets the zero."""
        self.ball._ball.press_button(long, self.ball._us(self.now_s))

    def unplug(self) -> None:
        self._linked = False
        self.ball.disconnected(self.now_s)
        self._take(self._line.closed(self.now_s, "pulled"))

    # Its parts

    def _context(self, profile: Profile) -> GuardContext:
        return guard_context(
            profile, LiveRequest(region=self._region, side="both" if self._routine is None else "left")
        )

    def _plan(self, context: Callable[[Profile], GuardContext]) -> Plan:
        program = None if self._routine is None else self._routine.program
        plan = Plan("me", self._region, "left", program, context, self._wall, "knead test", self._hands)
        return replace(plan, routine=self._routine, show=self.views.append)

    def _wall(self, at_s: float) -> datetime:
        return EPOCH + timedelta(seconds=at_s)

    def _link(self) -> None:
        if self._linked == self.ball.present(self.now_s):
            return
        if self._linked:
            self.unplug()
        else:
            self._linked = True
            self.ball.connected(self.now_s)
            self._take(self._line.opened(self.now_s))

    def _happen(self, happening: Happening) -> None:
        if isinstance(happening, Action):
            self._take(self._line.act(happening, self.now_s))
        else:
            happening(self)

    def _take(self, out: Sequence[Output]) -> None:
        for item in out:
            if isinstance(item, Send):
                if self._linked:
                    self.ball.feed(item.data, self.now_s)
            elif isinstance(item, Close):
                assert item.retry, item
                self.unplug()
            else:
                self.events.append(item)
                self._journal(item)


def from_capture(path: Path, *, in_blocks: bool = True) -> Script:
    return CapturedScript(Capture(path), joined=in_blocks)


def from_log(database: Path, session: str = "last", *, in_blocks: bool = True) -> Script:
    with Store(database) as store:
        return StoredScript(store.course(session), joined=in_blocks)


def played(script: Script) -> tuple[list[Event], Player]:
    """All events of a replay at full speed."""
    seen = Recorder()
    player = Player(script, (seen,), ReplayClock(float("inf")))
    player.start()
    assert player.join(LIMIT_S)
    if player.failure is not None:
        raise player.failure
    return seen.events, player


def alike(events: Iterable[Event]) -> list[object]:
    """Comparable: any split, any cause of the end, and not what a computer said of itself."""
    said = [event for event in events if not (isinstance(event, Notice) and event.kind in ("storage", "capture"))]
    return joined(replace(event, cause="") if isinstance(event, Closed) else event for event in said)
