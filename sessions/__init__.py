"""What a session is, kept and read back.

Laws of this package: it knows no device and no screen, and no other package of the project. What was given
to the journal is on disk within a second. The ball's own values are kept; all else can be computed again.

Names resolve on use, so that importing `sessions.events` costs no SQLAlchemy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sessions.journal import Journal, JournalResult
    from sessions.session import SessionData, SessionRow
    from sessions.store import Store

__all__ = ["Journal", "JournalResult", "SessionData", "SessionRow", "Store"]

_HOME = {
    "Journal": "sessions.journal",
    "JournalResult": "sessions.journal",
    "SessionData": "sessions.session",
    "SessionRow": "sessions.session",
    "Store": "sessions.store",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
