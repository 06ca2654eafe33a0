"""The display stays awake during a session: nobody presses a key for ten minutes, and the screen would go dark.

Quiet where the computer has no way to do it: a session without it is only darker. What is started here ends with us,
however we end: on Linux the pipe it reads closes, on macOS it watches our process, on Windows it is a thread of ours.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

_WHY = "a massage session is under way"
_CLOSE_S = 1.0
# Windows: ES_CONTINUOUS, ES_SYSTEM_REQUIRED, ES_DISPLAY_REQUIRED (SetThreadExecutionState)
_CONTINUOUS, _AWAKE = 0x80000000, 0x80000000 | 0x00000001 | 0x00000002

# Each keeps the display awake for as long as it runs. On Linux `cat` runs until its input, our pipe, ends; all of
# them are asked, for no one of them is heeded by every desktop.
PROGRAMS: Mapping[str, Sequence[Sequence[str]]] = {
    "linux": (
        ("systemd-inhibit", "--what=idle", "--who=knead", f"--why={_WHY}", "cat"),
        ("gnome-session-inhibit", "--app-id", "knead", "--reason", _WHY, "--inhibit", "idle", "cat"),
    ),
    "darwin": (("caffeinate", "-d", "-w", str(os.getpid())),),
}


def able() -> tuple[str, ...]:
    """What this computer has for it."""
    if sys.platform == "win32":
        return ("Windows itself",)
    return tuple(argv[0] for argv in _programs() if shutil.which(argv[0]) is not None)


def _programs() -> Sequence[Sequence[str]]:
    return PROGRAMS.get("darwin" if sys.platform == "darwin" else "linux", ())


class Wakeful:
    """`start` with the session, `close` after it. Neither raises, neither waits for long."""

    def __init__(self) -> None:
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._over = threading.Event()

    @property
    def by(self) -> tuple[str, ...]:
        """The programs that do it and still run."""
        return tuple(name for name, process in self._processes if process.poll() is None)

    def start(self) -> None:
        if sys.platform == "win32":
            threading.Thread(target=self._hold, name="knead awake", daemon=True).start()
            return
        for argv in _programs():
            if shutil.which(argv[0]) is not None:
                self._run(argv)

    def close(self) -> None:
        """Idempotent."""
        self._over.set()
        processes, self._processes = self._processes, []
        for _, process in processes:
            assert process.stdin is not None
            with suppress(OSError):
                process.stdin.close()
            with suppress(OSError):
                process.terminate()
            try:
                process.wait(_CLOSE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _run(self, argv: Sequence[str]) -> None:
        with suppress(OSError):
            process = subprocess.Popen(  # noqa: S603  # from our table
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a ctrl+c is for us
            )
            self._processes.append((argv[0], process))

    def _hold(self) -> None:
        """Windows: it holds for the thread that asked, and ends with it."""
        kernel = getattr(getattr(ctypes, "windll", None), "kernel32", None)
        if kernel is not None:
            kernel.SetThreadExecutionState(_AWAKE)
            self._over.wait()
            kernel.SetThreadExecutionState(_CONTINUOUS)
