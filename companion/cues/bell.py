"""The terminal's bell, an extra: many terminals mute it. Written by a thread of its own, for a terminal may hang."""

import os
import sys
import threading
from contextlib import suppress


class Bell:
    """`ring` returns at once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._asked = threading.Event()
        self._closed = False
        threading.Thread(target=self._run, name="knead bell", daemon=True).start()

    def ring(self) -> None:
        """Once more; while one is on its way, only once."""
        self._asked.set()

    def close(self) -> None:
        self._closed = True
        self._asked.set()

    def _run(self) -> None:
        with suppress(OSError):  # the terminal has gone
            while self._asked.wait() and not self._closed:
                self._asked.clear()
                os.write(self._descriptor, b"\a")


def bell_of_terminal() -> Bell | None:
    """None unless stderr is a terminal."""
    with suppress(AttributeError, OSError, ValueError):
        if sys.stderr.isatty():
            return Bell(sys.stderr.fileno())
    return None
