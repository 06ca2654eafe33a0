"""What can go wrong with the log, told apart by what the user can do.

SessionError            .hint says what to do
├── NotFoundError       no such session, or no such ball
├── UnreadableError     the file or a part of it is damaged
├── StoreBusyError      another program holds it
│   └── RecordingError  a session is being recorded, and this is not to be done meanwhile
├── StoreTooNewError    written by a newer version: update knead
├── StoreDeniedError    the directory cannot be written or read
├── ImportedError       a file to be read in is not what it should be
├── FileExistsRefusal   a file would have been written over
├── NameTakenError      another ball has this nickname
└── MissingExtraError   an optional package is not installed
"""


class SessionError(Exception):
    """Root of this package's errors. `str()` is one line for the user; `hint` is what to do."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


class NotFoundError(SessionError):
    """No session has this id, or no ball this name."""


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


class ImportedError(SessionError):
    """A file that was to be read in is cut, damaged or of no known kind."""


class FileExistsRefusal(SessionError):  # noqa: N818  # nothing went wrong: it was asked not to
    """A file of that name is there, and stays."""


class NameTakenError(SessionError):
    """Another ball has this nickname."""


class MissingExtraError(SessionError):
    """An optional package is needed and not installed."""
