"""kill -9 at random moments of a real recording: the log opens, is whole, and misses at most a second."""

import random
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from sessions.store import Store
from tests.reliability.recording import Recording, disagreements, finding, kept
from tests.reliability.row import Row
from tests.reliability.stalls import Stalls

SCENARIO = "too_hard"  # contact, alerts and holds within the seconds that a run has
LONGEST_S, SHORT_LONGEST_S = 6.0, 2.5
LOST_S = 1.0  # the promise: a commit every half second
LANES = 6  # recordings at a time
RUNS, SHORT_RUNS = 200, 10


@dataclass(slots=True)
class Fate:
    """What became of one recording."""

    lost_s: float = 0.0
    invented: int = 0
    begun: bool = False  # it had a session to lose
    faults: list[str] = field(default_factory=list)


def rows(*, short: bool) -> Iterator[Row]:
    runs = SHORT_RUNS if short else RUNS
    yield _row("kill -9 while recording", runs, _WhileRecording, SHORT_LONGEST_S if short else LONGEST_S)
    yield _row("kill -9 while ending", max(runs // 10, 2), _WhileEnding, 2.0)


def _row(fault: str, runs: int, doom: "type[_Doom]", longest_s: float) -> Row:
    row = Row(fault, runs)
    with TemporaryDirectory() as home, Stalls(Path(home)) as stalls:
        turns = iter(range(runs))
        lock = threading.Lock()

        def lane(number: int) -> list[Fate]:
            """One log, recorded into again and again: each run finds what the one before left."""
            fates: list[Fate] = []
            while True:
                with lock:
                    turn = next(turns, None)
                if turn is None:
                    return fates
                fates.append(doom(Path(home) / str(number), random.Random(turn), longest_s, stalls).run())

        with ThreadPoolExecutor(LANES) as lanes:
            fates = [fate for some in lanes.map(lane, range(LANES)) for fate in some]
    for fate in fates:
        for fault_found in fate.faults:
            row.promise(False, fault_found)
    row.promise(any(fate.begun for fate in fates), "no run had begun a session")
    invented = sum(fate.invented for fate in fates)
    row.promise(not invented, f"{invented} scans that were never measured")
    row.lost = f"at most {max(fate.lost_s for fate in fates):.2f} s"
    row.invented = str(invented) if invented else "nothing"
    row.notice = "next opening"
    row.note = f"{sum(fate.begun for fate in fates)} had a session; machine stood still {stalls.worst_s:.2f} s at most"
    return row


class _Doom:
    """One run: record, kill, look at what is left."""

    def __init__(self, home: Path, chance: random.Random, longest_s: float, stalls: Stalls) -> None:
        self._database = home / "data" / "knead.db"
        self._home, self._chance, self._longest_s, self._stalls = home, chance, longest_s, stalls

    def run(self) -> Fate:
        fate = Fate()
        before = self._sessions()
        started_s = monotonic()
        recording = Recording(self._home, f"sim:{SCENARIO}")
        try:
            self.reach(recording)
        finally:
            recording.kill()
        received_s = recording.received_s
        allowed_s = LOST_S + self._stalls.since(started_s)
        if not self._database.exists():
            if received_s > allowed_s:
                fate.faults.append(f"{received_s:.2f} s received and no log")
            return fate
        if found := finding(self._database):
            fate.faults.append(found)
        with closing(Store(self._database)) as store:
            fresh = [row for row in store.list() if row.id not in before]
            if len(fresh) > 1:
                fate.faults.append(f"{len(fresh)} sessions of one recording")
            if not fresh:
                fate.lost_s = received_s
            for row in fresh:
                fate.begun = True
                held = kept(store, row.id, SCENARIO)
                fate.lost_s = max(received_s - held.to_s, 0.0)
                fate.invented = held.invented
                fate.faults += disagreements(held.data)
                if row.state not in self.states:
                    fate.faults.append(f"state {row.state}")
                if held.missing:
                    fate.faults.append(f"{held.missing} scans missing in the middle")
            if store.recover():
                fate.faults.append("recovered twice")
        if fate.lost_s > allowed_s:
            fate.faults.append(f"{fate.lost_s:.2f} s missing ({allowed_s:.2f} s allowed)")
        return fate

    states: tuple[str, ...] = ("recovered",)

    def reach(self, recording: Recording) -> None:
        """Let it live until its end is due."""
        raise NotImplementedError  # each doom has its own

    def _sessions(self) -> set[str]:
        if not self._database.exists():
            return set()
        with closing(Store(self._database)) as store:
            return {row.id for row in store.list()}


class _WhileRecording(_Doom):
    """At a random moment after its first word, which may be before the first commit."""

    def reach(self, recording: Recording) -> None:
        recording.wait(lambda _: True)
        threading.Event().wait(self._chance.uniform(0.0, self._longest_s))


class _WhileEnding(_Doom):
    """It was asked to end, and is somewhere between the last scan and the merged session."""

    states = ("recovered", "complete")

    def reach(self, recording: Recording) -> None:
        recording.until(self._chance.uniform(0.3, self._longest_s))
        recording.process.send_signal(signal.SIGTERM)
        threading.Event().wait(self._chance.uniform(0.0, 0.4))
