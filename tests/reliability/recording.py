"""A real `knead live` in a process of its own, read line by line, and its log held against the truth."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from firmware_protocol.simulator.scenarios import Scenario
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.session import SessionData
from sessions.store import Store

ROOT = Path(__file__).parents[2]
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LIMIT_S = 60.0  # no wait is longer
LSB_N = 0.05


def heeding(before: Callable[[], None] | None) -> Callable[[], None] | None:
    """What a child does first, so that signals end it even where this process ignores them, as below a shell's `&`."""
    ignored = [number for number in ENDING if signal.getsignal(number) == signal.SIG_IGN]
    if not ignored:
        return before

    def begin() -> None:
        for number in ignored:
            signal.signal(number, signal.SIG_DFL)
        if before is not None:
            before()

    return begin


@dataclass(frozen=True, slots=True)
class Heard:
    """One line of stdout, and when it came."""

    at_s: float  # monotonic
    event: Mapping[str, Any]

    @property
    def t_s(self) -> float:
        """Session time; of a reading, of its last scan."""
        t_s = self.event["t_s"]
        return float(t_s[-1] if isinstance(t_s, list) else t_s)


class Recording:
    """`knead live ADDRESS --jsonl`, recording. Everything it prints is kept, with the moment it came."""

    def __init__(
        self,
        home: Path,
        address: str = "sim:calm",
        *options: str,
        env: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.heard: list[Heard] = []
        self.words = ""
        self._news = threading.Condition()
        self._over = False
        self.process = subprocess.Popen(
            [sys.executable, "-m", "companion", "live", address, "--jsonl", *options],
            cwd=ROOT,
            env={**os.environ, "KNEAD_HOME": str(home), **(env or {})},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heeding(before),
        )
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._read, self._listen)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.endswith("\n"):
                break  # killed in the middle of it
            with self._news:
                self.heard.append(Heard(monotonic(), json.loads(line)))
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        self.words = self.process.stderr.read()

    def wait(self, where: Callable[[Heard], bool], since: int = 0, limit_s: float = LIMIT_S) -> Heard:
        """The first line from number `since` on that fits, past or to come."""

        def found() -> Heard | None:
            return next((each for each in self.heard[since:] if where(each)), None)

        with self._news:
            self._news.wait_for(lambda: self._over or found() is not None, limit_s)
            seen = found()
        assert seen is not None, f"did not come; stderr: {self.words}"
        return seen

    def until(self, t_s: float) -> Heard:
        """The first reading at or after a session time."""
        return self.wait(lambda each: each.event["event"] == "reading" and each.t_s >= t_s)

    def told(self, kind: str, since: int = 0, **fields: object) -> Heard:
        """The first notice of a kind with these fields."""

        def fits(each: Heard) -> bool:
            event = each.event
            if event["event"] != "notice" or event["kind"] != kind:
                return False
            return all(event["fields"].get(name) == value for name, value in fields.items())

        return self.wait(fits, since)

    def kill(self) -> None:
        """kill -9, and all it had printed is read."""
        self.process.kill()
        self._end()

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal; the exit code."""
        self.process.send_signal(number)
        return self._end()

    def _end(self) -> int:
        code = self.process.wait(LIMIT_S)
        for thread in self._threads:
            thread.join(LIMIT_S)
        assert self.process.stdout is not None and self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def of(self, event: str) -> list[Heard]:
        return [each for each in self.heard if each.event["event"] == event]

    @property
    def received_s(self) -> float:
        """Session time of the newest scan printed; 0 before the first."""
        return max((each.t_s for each in self.of("reading")), default=0.0)


def finding(database: Path) -> str:
    """What is wrong with the file itself; empty if nothing is."""
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    return "" if found == [("ok",)] and not orphans else f"integrity check: {found[:3]} {orphans[:3]}"


@cache
def _truth(scenario: str | Scenario) -> VirtualBall:
    return VirtualBall(scenario)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the log has of a session, held against what the virtual ball measured."""

    data: SessionData
    invented: int  # scans that the ball never measured, or that are there twice
    missing: int  # scans between the first and the last one kept

    @property
    def to_s(self) -> float:
        """Session time of the last scan; 0 without one."""
        return float(self.data.t_s[-1]) if len(self.data.t_s) else 0.0


def kept(store: Store, session: str, scenario: str | Scenario) -> Kept:
    """The values of a virtual ball follow from its scenario and the index alone."""
    numbers = [np.empty(0, np.int64)]
    wrong = 0
    for batch in store.batches(session):
        index = np.arange(batch.first_index, batch.first_index + len(batch.values))
        wrong += int((_truth(scenario).truth.values(index) != batch.values).any(axis=1).sum())
        numbers.append(index)
    index = np.concatenate(numbers)
    once = np.unique(index)
    missing = int(once[-1] - once[0] + 1 - len(once)) if len(once) else 0
    return Kept(store.load(session), wrong + len(index) - len(once), missing)


def disagreements(data: SessionData) -> list[str]:
    """Where the summary is not what the session's own scans and events say."""
    row, found = data.row, []
    if row.scans != len(data.values):
        found.append(f"{row.scans} scans summed up, {len(data.values)} there")
    if row.lost:
        found.append(f"{row.lost} scans said to be lost")
    if len(data.values) and row.duration_s < float(data.t_s[-1]) - 1e-5:
        found.append(f"{row.duration_s} s summed up, the last scan is at {data.t_s[-1]} s")
    if len(data.values) and row.peak_force_n is not None:
        highest_n = float(data.values.sum(axis=1).max()) * LSB_N
        if row.peak_force_n > highest_n + 0.5:
            found.append(f"peak {row.peak_force_n} N, the scans say {highest_n:.1f} N")
    return found
