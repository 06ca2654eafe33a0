"""The player's process, seen from its parent: started once, spoken to over a pipe that is never waited for."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import companion

Heard = Callable[[dict[str, Any] | None], None]  # a report; None: the child is gone

_ROOT = Path(companion.__file__).parent.parent
_LONGEST_LINE = 4096


class Child:
    """Runs until `close`, or until it dies. `heard` is called in a thread of its own."""

    def __init__(self, arguments: list[str], heard: Heard, environment: Mapping[str, str] | None = None) -> None:
        """Raises OSError if it cannot be started."""
        known = os.environ if environment is None else environment
        path = os.pathsep.join(part for part in (str(_ROOT), known.get("PYTHONPATH", "")) if part)
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            # -P: what lies in the working directory is not imported
            [sys.executable, "-P", "-m", "companion.cues.player", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={**known, "PYTHONPATH": path},
            start_new_session=True,  # a ctrl+c is for us: it must be heard until the session is saved
        )
        assert self._process.stdin is not None
        self._in = self._process.stdin.fileno()
        with suppress(OSError, AttributeError, ValueError):  # Windows: a full pipe would hold our own thread, no other
            os.set_blocking(self._in, False)
        self._ear = threading.Thread(target=self._listen, args=(heard,), name="knead cues ear", daemon=True)
        self._ear.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, command: Mapping[str, object]) -> bool:
        """False if it does not take it: it is gone, or hangs. A line is taken whole or not at all."""
        try:
            line = json.dumps(command).encode() + b"\n"
            return os.write(self._in, line) == len(line)
        except OSError:
            return False

    def kill(self) -> None:
        """`heard(None)` follows."""
        self._process.kill()

    def close(self, wait_s: float) -> None:
        """The end of its input is its end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._ear.join(wait_s)

    def _listen(self, heard: Heard) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as reports:
            buffered = b""
            while part := reports.read(_LONGEST_LINE):
                *lines, buffered = (buffered + part).split(b"\n")
                for line in lines:
                    with suppress(ValueError):
                        report = json.loads(line)
                        if isinstance(report, dict):
                            heard(report)
                buffered = buffered[-_LONGEST_LINE:]
        heard(None)
