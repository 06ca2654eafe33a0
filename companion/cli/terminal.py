"""Who sits at the terminal, and what it can do."""

import os
import sys


def on_terminal() -> bool:
    """Whether a screen can be shown: someone types, reads, and the terminal can place a cursor.

    All three streams count: the screen is drawn on stderr, and data asked for on stdout must not be lost behind it.
    """
    streams = (sys.stdin, sys.stdout, sys.stderr)
    try:
        seen = all(stream is not None and stream.isatty() for stream in streams)
    except ValueError:  # closed
        return False
    return seen and os.environ.get("TERM", "") not in ("dumb", "unknown")


def someone() -> bool:
    """Whether a person sits there, who can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()
