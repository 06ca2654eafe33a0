"""The journal: an observer that has everything on disk within a second, and never makes its caller wait.

Its own thread commits every half second. A disk that refuses is a state, not the end: what came waits in
memory and is written when the disk is back; `tell` hears of both.
"""

import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np

from sessions.batches import Batch
from sessions.draft import EVENT_BYTES, Draft
from sessions.errors import SessionError
from sessions.events import Closed, Event, Floats, Json, Notice, Opened, Reading
from sessions.identity import uuid7
from sessions.writer import SessionWriter

# What may wait, in memory. Under a disk that refuses, scans wait compressed: 16 cells at 500 Hz for hours. Under
# one that hangs in the middle of a write they wait as they came, 860 bytes for five scans of 16 cells: 13 minutes
# at 500 Hz, 65 at 100 Hz.
WAITING_BYTES = 64 << 20
BATCH_BYTES = 700  # what a queued batch weighs besides its values (measured: 685)
SPARE_BYTES = 4 << 20  # events still find room where scans find none
LAST_TRY = 0.8  # of the time to close: the last attempt begins, and has the rest to end
HANG_S = 1.0  # a write that takes longer breaks the promise of a second, and is told though no error came


@dataclass(frozen=True, slots=True)
class JournalResult:
    """How it ended. All is well where `unsaved_s` is 0 and `error` None."""

    session_id: str | None  # None: nothing was ever opened, or nothing of it reached the log
    unsaved_s: float  # seconds of the session that are on no disk
    error: str | None


class Journal:
    """Observer of one session, from `Opened` to `Closed`; events after that are not its.

    `tell` is called from the journal's thread, or from the caller's where the disk hangs; it must return at
    once, and may feed the notice back. A batch's times must run evenly.
    """

    def __init__(self, path: Path, tell: Callable[[Notice], None], commit_s: float = 0.5) -> None:
        self._path = path
        self._tell = tell
        self._commit_s = commit_s
        self._queue: deque[tuple[Batch, str] | Event] = deque()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._session: str | None = None
        self._over = False  # caller: `Closed` was taken
        self._draft = Draft()
        # Each number is written by one thread only, and read by both.
        self._taken_bytes = 0  # caller: put into the queue, ever
        self._drained_bytes = 0  # writer: taken out of it, ever
        self._held_bytes = 0  # writer: waiting in the draft
        self._taken_to_s = 0.0  # caller
        self._saved_to_s = 0.0  # writer
        self._begun = False  # writer: the log has the session
        self._writing_since: float | None = None  # writer
        self._give_up_at: float | None = None  # caller: closing
        self._waiting = False  # the caller was told that data wait
        self._error: str | None = None
        self._fault: str | None = None  # the first event that could not be kept, though the disk would take it
        self._vanished_s = 0.0
        self._refused: tuple[float, float, int] | None = None  # from, to, scans that found no room
        self._refused_s = 0.0

    @property
    def session_id(self) -> str | None:
        """The session's id, from `Opened` on."""
        return self._session

    @property
    def waiting_bytes(self) -> int:
        """What waits in memory for the disk, about."""
        return self._waiting_bytes()

    def __call__(self, event: Event) -> None:
        """Take one event. Never waits, never raises for what the disk does."""
        if self._over:
            return
        if isinstance(event, Reading):
            self._take_reading(event)
            return
        if self._waiting_bytes() > WAITING_BYTES + SPARE_BYTES:
            return
        self._taken_bytes += EVENT_BYTES
        self._queue.append(event)
        if isinstance(event, Opened) and self._thread is None:
            self._session = uuid7(event.started_at)
            self._taken_to_s = self._saved_to_s = event.t_s
            self._thread = threading.Thread(target=self._run, args=(self._session,), name="journal", daemon=True)
            self._thread.start()
        if isinstance(event, Closed):
            self._over = True
        if isinstance(event, Opened | Closed):
            self._wake.set()

    def close(self, timeout_s: float = 10.0) -> JournalResult:
        """Write what is left and complete the session, within `timeout_s`. Never waits longer."""
        if self._thread is None:
            return JournalResult(None, 0.0, None)
        self._tell_refused()
        self._give_up_at = monotonic() + LAST_TRY * timeout_s
        self._wake.set()
        self._thread.join(timeout_s)
        error = self._error
        if self._thread.is_alive():
            error = error or f"The disk did not answer within {timeout_s:g} s."
        unsaved_s = max(self._taken_to_s - self._saved_to_s, 0.0) + self._refused_s + self._vanished_s
        return JournalResult(self._session if self._begun else None, unsaved_s, error or self._fault)

    # On the caller's thread.

    def _take_reading(self, reading: Reading) -> None:
        t_s, values = reading.t_s, reading.values
        if len(t_s) == 0:
            return
        load, pressure = reading.load, float(reading.pressure_kpa[-1])
        batch = Batch(
            values,
            reading.index,
            reading.t_us,
            reading.span_us,
            float(t_s[0]),
            float(t_s[-1]),
            reading.arrival_s,
            reading.segment,
            reading.lost,
            reading.late,
            0 if load[0] == load[0] else _leading_nan(load),
            10.0 * float(load[-1]) / pressure if pressure else math.nan,
        )
        if self._waiting_bytes() > WAITING_BYTES:
            self._refuse(batch)
            return
        if self._refused is not None:
            self._tell_refused()
        self._taken_bytes += values.nbytes + BATCH_BYTES
        self._taken_to_s = max(self._taken_to_s, batch.to_s)
        self._queue.append((batch, reading.unit))
        since = self._writing_since
        if since is not None and not self._waiting and monotonic() - since > HANG_S:
            self._tell_waiting("The disk does not answer")

    def _waiting_bytes(self) -> int:
        return self._taken_bytes - self._drained_bytes + self._held_bytes

    def _refuse(self, batch: Batch) -> None:
        """No room: count what is not kept. It becomes a gap in the log."""
        from_s, _, scans = self._refused or (batch.from_s, 0.0, 0)
        self._refused = (from_s, batch.to_s, scans + len(batch.values))

    def _tell_refused(self) -> None:
        if self._refused is None:
            return
        from_s, to_s, scans = self._refused
        self._refused = None
        self._refused_s += to_s - from_s
        fields: dict[str, Json] = {"from_s": from_s, "to_s": to_s, "lost": scans, "cause": "storage"}
        text = f"{to_s - from_s:.1f} s were not kept: the log could not be written and memory was full"
        self._taken_bytes += EVENT_BYTES
        self._queue.append(Notice(to_s, "gap", text, fields))

    # On the writer's thread, but for `_tell_waiting`.

    def _run(self, session: str) -> None:
        writer = SessionWriter(self._path, session)
        try:
            while not self._step(writer):
                give_up_at = self._give_up_at
                self._wake.wait(self._commit_s if give_up_at is None else min(self._commit_s, give_up_at - monotonic()))
                self._wake.clear()
        finally:
            writer.close()

    def _step(self, writer: SessionWriter) -> bool:
        """Drain, commit, and complete where the end has come. Whether all is done, or given up."""
        self._writing_since = monotonic()
        give_up_at = self._give_up_at  # read before draining: what came before `close` is drained here
        self._drain()
        ending = give_up_at is not None or self._draft.closed is not None
        saved = self._attempt(writer, ending)
        self._writing_since = None
        return (saved and ending) or (give_up_at is not None and monotonic() >= give_up_at)

    def _drain(self) -> None:
        while self._queue:
            item = self._queue.popleft()
            try:
                if isinstance(item, tuple):
                    self._drained_bytes += item[0].values.nbytes + BATCH_BYTES
                    self._draft.take_batch(*item)
                else:
                    self._drained_bytes += EVENT_BYTES
                    self._draft.take(item)
            except Exception as error:  # one event that is none must not cost the others
                self._fault = self._fault or f"An event could not be kept: {error!r}."
        self._held_bytes = self._draft.held_bytes

    def _commit(self, writer: SessionWriter) -> None:
        try:
            moved = writer.moved()
        except SessionError:
            moved = (), ()
            self._vanished_s = self._saved_to_s
        if moved is not None:
            self._draft.restore(*moved)
            self._saved_to_s = 0.0
            self._begun = False
            self._tell_waiting("The log was deleted or replaced while it was written")
        pending = self._draft.pending()
        if pending is None or (writer.begun and not pending.chunks and not pending.events):
            return
        writer.write(pending)
        self._begun = True
        self._draft.confirm()
        self._saved_to_s = pending.to_s
        self._held_bytes = self._draft.held_bytes

    def _attempt(self, writer: SessionWriter, ending: bool) -> bool:
        """Whether it went well. Whatever the disk or its driver raises, what came is kept and tried again."""
        try:
            self._commit(writer)
            if ending and writer.begun:
                writer.complete(self._draft.tally.last, self._draft.closed)
        except Exception as error:
            self._error = str(error) if isinstance(error, SessionError) else f"The log failed: {error!r}."
            if not self._waiting:
                self._tell_waiting(self._error.rstrip("."))
            return False
        self._error = None
        if self._waiting:
            self._waiting = False
            self._say("The log is written again, and all that waited is saved", "written")
        return True

    def _tell_waiting(self, cause: str) -> None:
        self._waiting = True
        self._say(f"{cause}. What comes now waits in memory, and is written when it can be", "waiting")

    def _say(self, text: str, state: str) -> None:
        to_s = self._taken_to_s
        fields: dict[str, Json] = {"state": state, "seconds": max(to_s - self._saved_to_s, 0.0)}
        try:
            self._tell(Notice(to_s, "storage", text, fields))
        except Exception as error:
            self._fault = self._fault or f"A notice found no taker: {error!r}."


def _leading_nan(load: Floats) -> int:
    known = np.flatnonzero(~np.isnan(load))
    return int(known[0]) if len(known) else len(load)
