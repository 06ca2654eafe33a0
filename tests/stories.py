"""A session told from its ends: what a virtual ball did, what the user saw and heard, and what the log holds.

The real host, pipeline, live view, journal and store; only the engine's loop is played here, in simulated time.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from companion.clock import Clock
from companion.contexts import guard_context
from companion.engine import BACKOFF_S
from companion.pipeline import Pipeline
from companion.run import LiveRequest
from companion.stages import Output, Plan
from companion.tui.face import Now
from companion.tui.liveview import LiveView
from companion.tui.snapshot import Snapshot
from firmware_protocol.driver import Chunk, Close, Send
from firmware_protocol.host import Host
from firmware_protocol.simulator.faults import parse_faults
from firmware_protocol.simulator.scenarios import Scenario, parse_scenario
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Action, Alert, Closed, Event, Level, Notice, Opened, Phase, Reading, Totals
from sessions.journal import Journal
from sessions.session import SessionData
from sessions.store import Store

T = TypeVar("T")
LONGEST_STEP_S = 0.05
LEAST_STEP_S = 0.0005
HELD_N = 40.0  # on the glute far below every limit
SOFTENED_S = 0.005  # what rounding and steps may add to a moment


def pressed(seconds: float = 60.0, newton: float = HELD_N, free_s: float = 12.0, **more: object) -> Scenario:
    """Two seconds free, two to press, `seconds` held, one to lift, then free."""
    steps = [
        {"move": "hold", "seconds": 2},
        {"move": "press", "seconds": 2, "newton": newton},
        {"move": "hold", "seconds": seconds},
        {"move": "press", "seconds": 1, "newton": 0},
        {"move": "hold", "seconds": free_s},
    ]
    return parse_scenario("pressed", {"title": "Pressed", "steps": steps, **more})


@dataclass(frozen=True, slots=True)
class Sight:
    """What the screen showed from a moment on."""

    now_s: float
    known: bool  # whether there was a number
    level: Level


@dataclass
class Story:
    """`scenario` with `faults` (a specification), heard by a host that asks for `rate_hz`."""

    scenario: str | Scenario = field(default_factory=pressed)
    faults: str = ""
    seed: int = 5
    region: str = "glute"
    rate_hz: int = 0
    acts: Mapping[float, Action] = field(default_factory=dict)  # by the second they happen
    asleep: tuple[float, float] | None = None  # from, to: the computer sleeps, and its clock goes on
    events: list[Event] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    closes: list[Close] = field(default_factory=list)
    scenario_at_s: float | None = None  # second at which the scenario began, about

    def __post_init__(self) -> None:
        faults = parse_faults(self.faults) if self.faults else ()
        self.ball = VirtualBall(self.scenario, seed=self.seed, boot_id=7, faults=faults)
        self.view = LiveView()
        self.host = Host(framed=True, first_tag=3, rate_hz=self.rate_hz)
        request = LiveRequest(region=self.region)
        clock = Clock()
        self.line = Pipeline(
            self.host,
            Plan("me", self.region, "left", None, lambda profile: guard_context(profile, request), clock.wall, "test"),
        )
        self.now_s = 0.0
        self.bytes_in = 0
        self._linked = False
        self._open_at_s = 0.0
        self._attempt = 0
        self._ended = False

    # --- playing it ---

    def run(self, seconds: float) -> "Story":
        waiting = sorted(self.acts.items())
        while self.now_s < seconds and not self._ended:
            self._step()
            while waiting and waiting[0][0] <= self.now_s:
                self._take(self.line.act(waiting.pop(0)[1], self.now_s))
            self._look()
            self._pass(seconds)
        return self

    def end(self, cause: str = "user") -> "Story":
        for event in self.line.finish(self.now_s, cause):
            self._emit(event)
        return self

    def _pass(self, seconds: float) -> None:
        due = [at_s for at_s in (self.ball.deadline_s(), self.line.deadline()) if at_s is not None]
        self.now_s = min(seconds, max(self.now_s + LEAST_STEP_S, min([*due, self.now_s + LONGEST_STEP_S])))
        if self.asleep is not None and self.asleep[0] <= self.now_s < self.asleep[1]:
            self.now_s, self.asleep = self.asleep[1], None

    def _step(self) -> None:
        now_s, ball = self.now_s, self.ball
        ball.tick(now_s)
        if self._linked and not ball.present(now_s):
            self._hear()  # its last words
            self._lose("pulled")
        elif not self._linked and ball.present(now_s) and now_s >= self._open_at_s:
            self._linked = True
            ball.connected(now_s)
            self._take(self.line.opened(now_s))
        if self._linked:
            self._hear()
        due_s = self.line.deadline()
        if due_s is not None and due_s <= now_s:
            self._take(self.line.tick(now_s))

    def _hear(self) -> None:
        if data := self.ball.outgoing():
            self.bytes_in += len(data)
            self._take(self.line.feed(Chunk("serial", data, self.now_s)))

    def _lose(self, cause: str) -> None:
        self._linked = False
        self.ball.disconnected(self.now_s)
        self._take(self.line.closed(self.now_s, cause))
        self._open_at_s = self.now_s + BACKOFF_S[min(self._attempt, len(BACKOFF_S) - 1)]
        self._attempt += 1

    def _take(self, out: Sequence[Output]) -> None:
        closing: Close | None = None
        for item in out:
            match item:
                case Send():
                    if self._linked:
                        self.ball.feed(item.data, self.now_s)
                case Close():
                    closing = item
                case _:
                    self._emit(item)
        if closing is not None:
            self.closes.append(closing)
            if closing.retry:
                self._lose(closing.text)
            else:
                self._ended = True

    def _emit(self, event: Event) -> None:
        if isinstance(event, Reading):
            self._attempt = 0
            if self.scenario_at_s is None:
                self.scenario_at_s = self.now_s - float(event.t_s[-1])
        self.events.append(event)
        self.view(event)

    def _look(self) -> None:
        face = self.face()
        level = self.snapshot.level
        if not self.sights or (self.sights[-1].known, self.sights[-1].level) != (face.known, level):
            self.sights.append(Sight(self.now_s, face.known, level))

    # --- what the user saw ---

    @property
    def snapshot(self) -> Snapshot:
        return self.view.snapshot()

    def face(self) -> Now:
        """The screen at this moment."""
        return Now(self.snapshot, self.now_s - self.snapshot.arrival_s)

    def unseen(self) -> list[tuple[float, float]]:
        """From when to when there was no number, after the first one, by the caller's second."""
        spells: list[tuple[float, float]] = []
        since_s: float | None = None
        first = next((at for at, sight in enumerate(self.sights) if sight.known), len(self.sights))
        for sight in self.sights[first:]:
            if not sight.known and since_s is None:
                since_s = sight.now_s
            elif sight.known and since_s is not None:
                spells.append((since_s, sight.now_s))
                since_s = None
        return spells if since_s is None else [*spells, (since_s, self.now_s)]

    # --- what was said ---

    def of(self, kind: type[T], where: Callable[[T], bool] = lambda _: True) -> list[T]:
        return [event for event in self.events if isinstance(event, kind) and where(event)]

    def notices(self, kind: str) -> list[Notice]:
        return self.of(Notice, lambda notice: notice.kind == kind)

    def alerts(self, cause: str = "") -> list[Alert]:
        """Of one cause, or of all."""
        return self.of(Alert, lambda alert: cause in ("", alert.cause))

    def heard(self, cause: str = "") -> list[tuple[str, Level, Phase]]:
        return [(alert.cause, alert.level, alert.phase) for alert in self.alerts(cause)]

    def gaps(self) -> list[tuple[float, float, int, str]]:
        """From, to, lost, cause."""
        found = []
        for notice in self.notices("gap"):
            fields = notice.fields
            from_s, to_s, lost = fields["from_s"], fields["to_s"], fields["lost"]
            assert isinstance(from_s, float)
            assert isinstance(to_s, float)
            assert isinstance(lost, int)
            found.append((from_s, to_s, lost, str(fields["cause"])))
        return found

    def damage(self) -> dict[str, int]:
        """Damaged frames told of, by reason."""
        told: dict[str, int] = {}
        for notice in self.notices("damaged"):
            count = notice.fields["count"]
            assert isinstance(count, int)
            told[str(notice.fields["reason"])] = told.get(str(notice.fields["reason"]), 0) + count
        return told

    def estimated_s(self) -> float:
        return sum(row.estimated_s for row in self.of(Totals)[-1].regions)

    # --- what is true ---

    def truth(self, directory: Path) -> dict[tuple[int, int], tuple[int, float, NDArray[np.int16]]]:
        """(index, t_us) -> row, true newtons, counts of every scan the ball took."""
        path = directory / "truth.csv"
        self.ball.write_truth(path)
        with path.open(newline="") as file:
            lines = list(csv.reader(file))[1:]
        return {
            (int(line[0]), int(line[1])): (row, float(line[2]), np.array(line[3:], np.int16))
            for row, line in enumerate(lines)
        }

    def rows(self, directory: Path) -> list[int]:
        """Rows of the truth that were received, in order. Fails if a scan was received that the ball never took."""
        truth = self.truth(directory)
        values = np.array([counts for _, _, counts in truth.values()])
        found: list[int] = []
        for reading in self.of(Reading):
            first = truth[reading.index, reading.t_us][0]
            assert np.array_equal(values[first : first + len(reading.t_s)], reading.values)
            found += range(first, first + len(reading.t_s))
        return found

    def log(self, directory: Path) -> SessionData:
        """The session as it is read back from a real database."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "knead.db"
        with Store(path):
            pass
        journal = Journal(path, lambda notice: None)
        for event in self.events:
            journal(event)
        result = journal.close()
        assert result.error is None
        assert result.unsaved_s == 0
        with Store(path) as store:
            data = store.load("last")
        assert data.row.state == "complete"
        scans = sum(len(reading.t_s) for reading in self.of(Reading))
        assert len(data.t_s) == scans, "what was received is in the log, and nothing else"
        return data


def told(story: Story, fault: str) -> int:
    """How often the ball's own record has a fault."""
    return sum(harm.fault == fault for harm in story.ball.harms)


__all__ = ["HELD_N", "SOFTENED_S", "Closed", "Opened", "Sight", "Story", "pressed", "told"]
