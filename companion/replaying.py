"""`replay:SESSION` and `replay:FILE`: which one is meant, and the parts that play it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from companion.captures.reader import Capture
from companion.config import Paths
from companion.engine import Observer
from companion.errors import CaptureError
from companion.replays.captured import CapturedScript
from companion.replays.player import Player, ReplayClock
from companion.replays.script import Script
from sessions.events import Event, Opened

if TYPE_CHECKING:
    from sessions.journal import Journal

SCHEME = "replay:"
_SESSION = re.compile(r"last|[0-9a-fA-F-]{1,36}")  # as the log names its sessions
_AHEAD_BYTES = 8 << 20  # what may wait for the disk: a replay has time
_PATIENCE_S = 10.0  # beyond that the disk hangs, and the journal says so itself


def is_replay(address: str | None) -> bool:
    return address is not None and address.startswith(SCHEME)


def script_of(address: str, paths: Paths, *, joined: bool) -> Script:
    """What `replay:...` names: a session of the log by its id, the beginning of one or `last`; else a capture.

    A capture with such a name is given with its directory: `replay:./last`. Raises CaptureError and SessionError.
    """
    name = address.removeprefix(SCHEME)
    if _SESSION.fullmatch(name):
        from companion.replays.stored import StoredScript
        from sessions.store import Store

        with Store(paths.database) as store:
            return StoredScript(store.course(name), joined=joined)
    if not name:
        raise CaptureError("a replay of what?", "write replay:last, replay:SESSION or replay:FILE")
    try:
        path = Path(name).expanduser()
    except RuntimeError as error:  # ~nobody
        raise CaptureError(f"{name} is no capture: {error}", "write replay:FILE") from error
    return CapturedScript(Capture(path), joined=joined)


def player_of(
    script: Script, observers: Sequence[Observer], speed: float, seconds: float | None
) -> tuple[Player, ReplayClock]:
    clock = ReplayClock(speed)
    return Player(script, observers, clock, seconds=seconds), clock


class Recorded:
    """A replay kept as a session of its own: marked as simulated, so that it neither counts nor is counted."""

    def __init__(self, journal: "Journal", now_s: Callable[[], float] = monotonic) -> None:
        self._journal = journal
        self._now_s = now_s

    def __call__(self, event: Event) -> None:
        until_s = self._now_s() + _PATIENCE_S
        while self._journal.waiting_bytes > _AHEAD_BYTES and self._now_s() < until_s:
            sleep(0.01)  # the disk's pace, not ours
        self._journal(replace(event, simulated=True) if isinstance(event, Opened) else event)
