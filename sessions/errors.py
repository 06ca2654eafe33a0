"""What can go wrong with the log, told apart by what the user can do.

SessionError            .hint says what to do
├── NotFoundError       no such session
├── UnreadableError     the file or a part of it is damaged
├── StoreBusyError      another program holds it
│   └── RecordingError  a session is being recorded, and this is not to be done meanwhile
├── StoreTooNewError    written by a newer version: update knead
└── StoreDeniedError    the directory cannot be written or read
"""


class SessionError(Exception):
    """Root of this package's errors. `str()` is one line for the user; `hint` is what to do."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


class NotFoundError(SessionError):
    """No session has this id."""


class UnreadableError(SessionError):
    """The database, or a part of it, is damaged."""


class StoreBusyError(SessionError):
    """Another program holds the database."""


class RecordingError(StoreBusyError):
    """A session is being recorded: this is not to be done meanwhile."""


class StoreTooNewError(SessionError):
    """The database was written by a newer version."""


class StoreDeniedError(SessionError):
    """The database may not be opened or written."""
