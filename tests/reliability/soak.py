"""A long session in little time: nothing grows, nothing drifts, and the clocks stay joined.

Sans-IO: a virtual ball whose clock runs wrong, a link that delays, the whole pipeline, and the real journal. Time is
simulated to the microsecond: each batch arrives at the moment it was sent plus a delay.
"""

import gc
import heapq
import multiprocessing
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event as Flag
from time import thread_time

import psutil

from companion.contexts import guard_context
from companion.pipeline import Pipeline
from companion.run import LiveRequest
from companion.stages import Output, Plan
from firmware_protocol.driver import Chunk, Close, Send
from firmware_protocol.host import Host
from firmware_protocol.simulator.scenarios import parse_scenario
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Alert, Level, Notice, Opened, Reading
from sessions.journal import Journal
from sessions.store import Store
from tests.reliability.recording import kept
from tests.reliability.row import Row, milliseconds

PPM = (200.0, -200.0)
HOURS = (2.0, 2.0)
# Two hours take a minute and a half of processor time for each clock: `.ci/run` plays them by themselves, and the
# short form of all families, which has a minute in all, plays less.
SHORT_HOURS = (0.04, 0.04)
GROWTH_MB = 5.0
SETTLED_S = 300.0  # caches, buffers and numpy's own memory are full by then
FIT_S = 60.0
FIT_ERROR_S, EARLY_ERROR_S = 0.005, 0.015
DELAY_S = 0.030  # a batch is late by up to this
DRIFT = 1.5  # the processor time of a minute's work may grow by this; a leak of any kind doubles it
WAITING_BATCHES = 2_000  # the journal's thread is slower than simulated time

# A press of a second and a half every five minutes: seven minutes of contact in 24 hours, and the region that is
# pressed has its first notice of time at eight.
PLOT = parse_scenario(
    "soak",
    {
        "title": "Soak: short light presses",
        "steps": [
            {"move": "hold", "seconds": 4},
            {"move": "press", "seconds": 0.5, "newton": 12},
            {"move": "hold", "seconds": 0.5},
            {"move": "press", "seconds": 0.5, "newton": 0},
            {"move": "hold", "seconds": 294.5},
        ],
    },
)


def rows(*, short: bool, hours: float | None = None) -> Iterator[Row]:
    if short:
        yield from map(_soak, (hours or usual_h for usual_h in SHORT_HOURS), PPM)
        return
    with ProcessPoolExecutor(len(PPM), multiprocessing.get_context("spawn")) as lanes:  # a process for each clock
        yield from lanes.map(_soak, (hours or usual_h for usual_h in HOURS), PPM)


@dataclass(slots=True)
class Findings:
    """What was seen on the way."""

    early_s: float = 0.0  # worst error of the clocks' fit before a minute has come, and after
    settled_s: float = 0.0
    minutes: list[float] = field(default_factory=list)  # processor seconds of the pipeline, per simulated minute
    loud: list[str] = field(default_factory=list)
    sessions: int = 0
    gaps: int = 0
    closed: str = ""


def _soak(hours: float, ppm: float) -> Row:
    row = Row(f"soak of {hours:g} h, clock {ppm:+.0f} ppm", 1)
    with TemporaryDirectory() as home:
        database = Path(home) / "knead.db"
        journal = Journal(database, lambda _notice: None)
        soaked = _Soak(journal, ppm)
        soaked.run(min(SETTLED_S, 1800 * hours))
        before_mb = _memory_mb()
        soaked.run(3600 * hours)
        grown_mb = _memory_mb() - before_mb
        soaked.end()
        result = journal.close(120.0)
        row.promise(result.error is None and result.unsaved_s == 0.0, f"log: {result.error}")
        with closing(Store(database)) as store:
            held = kept(store, "last", PLOT)
    seen = soaked.seen
    row.promise(seen.closed == "", f"the session was ended: {seen.closed}")
    row.promise(seen.sessions == 1, f"{seen.sessions} sessions")
    row.promise(seen.gaps == 0, f"{seen.gaps} gaps")
    row.promise(not seen.loud, f"alerts: {seen.loud[:3]}")
    row.promise(held.missing + held.invented == 0, f"{held.missing} scans missing, {held.invented} invented")
    row.promise(len(held.data.values) > 3600 * hours * 100 * 0.999 - 100, f"{len(held.data.values)} scans")
    row.promise(grown_mb < GROWTH_MB, f"memory grew by {grown_mb:.1f} MB")
    quarter = max(len(seen.minutes) // 4, 1)
    drift = median(seen.minutes[-quarter:]) / median(seen.minutes[:quarter])
    row.promise(drift < DRIFT, f"the last minutes cost {drift:.1f} times the first")
    row.promise(seen.early_s < EARLY_ERROR_S, f"clock wrong by {milliseconds(seen.early_s)} before a minute")
    row.promise(seen.settled_s < FIT_ERROR_S, f"clock wrong by {milliseconds(seen.settled_s)} after a minute")
    row.note = (
        f"memory {grown_mb:+.1f} MB, work per minute x{drift:.2f}, "
        f"clock fit {1000 * seen.early_s:.1f} ms, {1000 * seen.settled_s:.1f} ms after a minute"
    )
    return row


class _Soak:
    """One session, run in pieces. `now_s` is the host's; the ball's clock gains `ppm` microseconds a second on it."""

    def __init__(self, journal: Journal, ppm: float) -> None:
        self.seen = Findings()
        self._journal = journal
        self._rate = 1.0 + ppm * 1e-6
        self._chance = random.Random(1)
        self._ball = VirtualBall(PLOT, boot_id=9)
        request = LiveRequest(region="glute", side="left")
        epoch = datetime(2026, 1, 1, tzinfo=UTC)
        plan = Plan(
            "me",
            "glute",
            "left",
            None,
            lambda profile: guard_context(profile, request),
            lambda at_s: epoch + timedelta(seconds=at_s),
            "soak",
        )
        self._line = Pipeline(Host(framed=True, first_tag=1), plan)
        self._now_s = 0.0
        self._flying: list[tuple[float, int, bytes]] = []  # arrival, number, bytes
        self._sent = 0
        self._spent_s = 0.0
        self._minute = 1
        self._first_s: float | None = None  # host moment of session time 0
        self._ball.connected(0.0)
        self._take(self._line.opened(0.0))

    def run(self, until_s: float) -> None:
        """Simulated time up to here."""
        while self._now_s < until_s and not self.seen.closed:
            self._step()
            if self._now_s >= 60.0 * self._minute:
                self.seen.minutes.append(self._spent_s)
                self._spent_s = 0.0
                self._minute += 1
                self._wait_for_the_log()

    def end(self) -> None:
        for event in self._line.finish(self._now_s, "user"):
            self._journal(event)

    def _step(self) -> None:
        ball_due_s, line_due_s = self._ball.deadline_s(), self._line.deadline()
        due = [self._flying[0][0]] if self._flying else []
        due += [] if ball_due_s is None else [ball_due_s / self._rate]
        due += [] if line_due_s is None else [line_due_s]
        self._now_s = max(self._now_s, min(due))
        if ball_due_s is not None and ball_due_s / self._rate <= self._now_s:
            self._ball.tick(max(ball_due_s, self._now_s * self._rate))
            self._send()
        while self._flying and self._flying[0][0] <= self._now_s:
            _, _, data = heapq.heappop(self._flying)
            self._timed(partial(self._line.feed, Chunk("serial", data, self._now_s)))
        if line_due_s is not None and line_due_s <= self._now_s:
            self._timed(partial(self._line.tick, self._now_s))

    def _timed(self, work: Callable[[], list[Output]]) -> None:
        start_s = thread_time()
        out = work()
        self._spent_s += thread_time() - start_s
        self._take(out)

    def _send(self) -> None:
        """What the ball sends now arrives later, in order."""
        if data := self._ball.outgoing():
            newest_s = max((at_s for at_s, _, _ in self._flying), default=0.0)
            arrival_s = max(newest_s, self._now_s + self._chance.random() ** 2 * DELAY_S)
            heapq.heappush(self._flying, (arrival_s, self._sent, data))
            self._sent += 1

    def _take(self, out: list[Output]) -> None:
        for item in out:
            match item:
                case Send():
                    self._ball.feed(item.data, self._now_s * self._rate)
                    self._send()
                case Close():
                    self.seen.closed = item.text
                case _:
                    self._look(item)
                    self._journal(item)

    def _look(self, event: object) -> None:
        match event:
            case Reading():
                self._fit(event)
            case Opened():
                self.seen.sessions += 1
            case Alert() if event.level >= Level.CAUTION:
                self.seen.loud.append(event.text)
            case Notice(kind="gap"):
                self.seen.gaps += 1

    def _fit(self, reading: Reading) -> None:
        """The host moment of the newest scan, as the pipeline has it, against the truth.

        The truth is known of the first scan's device time and the rates: host = device / rate.
        """
        newest_us = reading.t_us + reading.span_us
        true_s = newest_us * 1e-6 / self._rate
        if self._first_s is None:
            self._first_s = true_s
        told_s = self._line._route._timeline.host_s(float(reading.t_s[-1]))
        error_s = abs(told_s - true_s)
        if reading.t_s[-1] < FIT_S + 2.0:  # so many whole seconds have come then
            self.seen.early_s = max(self.seen.early_s, error_s)
        else:
            self.seen.settled_s = max(self.seen.settled_s, error_s)

    def _wait_for_the_log(self) -> None:
        pause = Flag()
        while self._journal._waiting_bytes() > WAITING_BATCHES * 1000:
            pause.wait(0.01)


def _memory_mb() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6
