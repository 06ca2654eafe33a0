"""The advisory lock that says: this session is being recorded. The system drops it when its holder dies."""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from sessions.errors import UnreadableError

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class RecordingLock:
    """The lock of one session of one log: a file beside the log, there only while it is recorded or was cut short."""

    def __init__(self, database: Path, session: str) -> None:
        """UnreadableError where `session` is no id: it becomes part of a path, and may come from a foreign file."""
        if re.fullmatch(r"[0-9a-f-]{1,36}", session) is None:
            raise UnreadableError("A session of the log has no proper id.", "Restore the log from a backup.")
        self.path = database.with_name(f"{database.name}-{session}.lock")
        self._handle: int | None = None

    def take(self) -> bool:
        """Take it, without waiting. False where somebody holds it (or the file system cannot say)."""
        if self._handle is not None:
            return True
        try:
            handle = os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError:
            return False
        try:
            _take(handle)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def close(self) -> None:
        """Let it go, and remove its file."""
        if self._handle is None:
            return
        if sys.platform == "win32":  # an open file cannot be removed there
            os.close(self._handle)
            with suppress(OSError):
                self.path.unlink()
        else:  # removed while held, so that nobody takes it in between and finds it gone
            with suppress(OSError):
                self.path.unlink()
            os.close(self._handle)
        self._handle = None
