"""A link that drops hundreds of times: one session, every gap with a cause, and nothing piles up."""

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from companion import balls
from companion.clock import Clock
from companion.contexts import guard_context
from companion.engine import Engine
from companion.errors import LinkLostError
from companion.pipeline import Pipeline
from companion.run import LiveRequest
from companion.stages import Plan
from companion.transports import Transport
from companion.transports.sim import SimTransport
from firmware_protocol.driver import Chunk
from firmware_protocol.host import Host
from firmware_protocol.simulator.scenarios import Scenario, parse_scenario
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Closed, Event, Notice, Opened, Reading
from sessions.journal import Journal
from sessions.store import Store
from tests.reliability.recording import kept
from tests.reliability.row import Row

DROPS, SHORT_PORT_DROPS = 500, 12
CAUSES = {"link", "lost", "other_run", "reboot", "suspended"}
BATCHES, AWAY_S = 5, 0.4  # in memory: a link lasts for so many, and is then away for so long
LIMIT_S = 400.0
SLACK = 2  # tasks, threads and files come and go by so many while a link is made


def _plot(seconds: float, away_s: float) -> Scenario:
    steps = [
        {"move": "press", "seconds": seconds / 2, "newton": 20},
        {"move": "press", "seconds": seconds / 2, "newton": 0},
    ]
    return parse_scenario(
        "storm", {"title": "Storm", "steps": steps, "away": [[seconds - 2 * away_s, seconds - away_s]]}
    )


IN_MEMORY = "rolling"
ON_A_PORT = _plot(2.0, 0.6)


@dataclass(slots=True)
class Counts:
    """What could pile up, seen from within the engine's loop at each gap."""

    tasks: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def look(self) -> None:
        self.tasks.append(len(asyncio.all_tasks()))
        self.threads.append(threading.active_count())
        self.files.append(psutil.Process().num_fds())

    def grown(self) -> dict[str, int]:
        """By how much the most of the last tenth exceeds the most of the first."""
        tenth = max(len(self.tasks) // 10, 3)
        columns = {"tasks": self.tasks, "threads": self.threads, "files": self.files}
        return {name: max(seen[-tenth:]) - max(seen[:tenth]) for name, seen in columns.items()}


def rows(*, short: bool) -> Iterator[Row]:
    yield _in_memory(DROPS)
    yield _on_a_port(SHORT_PORT_DROPS if short else DROPS)


class Dropping(SimTransport):
    """A virtual ball whose link is lost after every few batches, however fast the machine is."""

    def __init__(self, ball: VirtualBall, clock: Clock) -> None:
        super().__init__(ball, "storm", clock)
        self._clock = clock
        self.batches = 0  # since the link was made

    async def open(self) -> None:
        await super().open()
        self.batches = 0

    async def receive(self) -> Chunk:
        if self.batches >= BATCHES:
            raise LinkLostError("dropped")
        return await super().receive()

    async def returned(self) -> None:
        await asyncio.sleep(AWAY_S / self._clock.speed)


def _in_memory(drops: int) -> Row:
    clock = Clock(40.0)
    link = Dropping(VirtualBall(IN_MEMORY), clock)

    def count(event: Event) -> None:
        link.batches += isinstance(event, Reading) and not event.late

    return _storm("reconnect storm, in memory", drops, clock, IN_MEMORY, lambda: link, count)


def _on_a_port(drops: int) -> Row:
    """A pseudo-terminal that vanishes and comes back as another; real threads and files."""
    clock = Clock(6.0)
    served = balls.serve_here(VirtualBall(ON_A_PORT), clock)
    try:
        make = balls.transport(served.address, None, clock)
        return _storm("reconnect storm, on a serial port", drops, clock, ON_A_PORT, make)
    finally:
        served.close()


def _storm(
    fault: str,
    drops: int,
    clock: Clock,
    plot: str | Scenario,
    make: Callable[[], Transport],
    *observers: Callable[[Event], None],
) -> Row:
    row, counts, opened, gaps, over = Row(fault, drops), Counts(), [0], list[Notice](), threading.Event()
    before = _now()

    def watch(event: Event) -> None:
        match event:
            case Opened():
                opened[0] += 1
            case Notice(kind="gap"):
                gaps.append(event)
                counts.look()
                if len(gaps) >= drops:
                    over.set()
            case Closed():
                over.set()

    with TemporaryDirectory() as home:
        database = Path(home) / "knead.db"
        journal = Journal(database, lambda notice: engine.tell(notice))
        engine = Engine(make, _pipeline(clock), (journal, watch, *observers), clock)
        engine.start()
        over.wait(LIMIT_S)
        row.promise(len(gaps) >= drops, f"{len(gaps)} gaps after {LIMIT_S:.0f} s, outcome {engine.outcome}")
        engine.stop("user")
        row.promise(engine.join(30.0), "the engine did not end")
        result = journal.close(30.0)
        row.promise(result.error is None, f"log: {result.error}")
        with closing(Store(database)) as store:
            row.promise(len(store.list()) == 1, f"{len(store.list())} sessions")
            held = kept(store, "last", plot)
            logged = [gap for gap in held.data.gaps if gap.cause in CAUSES]
    row.promise(opened[0] == 1, f"{opened[0]} sessions begun")
    row.promise(len(logged) >= drops == len(logged[:drops]), f"{len(logged)} gaps with a cause in the log")
    row.promise(len(held.data.gaps) == len(logged), "a gap without a cause")
    row.promise(not held.invented, f"{held.invented} scans invented")
    grown = counts.grown()
    row.promise(all(more <= SLACK for more in grown.values()), f"piled up: {grown}")
    gc.collect()
    left = {name: now - before[name] for name, now in _now().items()}
    row.promise(all(more <= 0 for more in left.values()), f"left behind: {left}")
    causes = Counter(str(gap.fields["cause"]) for gap in gaps)
    row.lost = f"{held.missing} of {held.missing + len(held.data.values)} scans"
    row.invented = "nothing" if not held.invented else str(held.invented)
    row.notice = "at the drop"
    row.note = ", ".join(f"{cause} {count}" for cause, count in causes.items())
    return row


def _now() -> dict[str, int]:
    return {"threads": threading.active_count(), "files": psutil.Process().num_fds()}


def _pipeline(clock: Clock) -> Pipeline:
    request = LiveRequest()
    plan = Plan("me", "unknown", "both", None, lambda profile: guard_context(profile, request), clock.wall, "storm")
    return Pipeline(Host(framed=True, first_tag=1), plan)
