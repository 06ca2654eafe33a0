"""What a screen asks of the app: screens know neither it nor each other."""

from collections.abc import Sequence

from textual.message import Message

from companion.tui.deck import SessionRow
from sessions.events import Json


class StartLive(Message):
    """Begin a session on an address; on "demo", the demonstration. With a program: led by it, on a side."""

    def __init__(self, address: str, program: str = "", side: str = "") -> None:
        super().__init__()
        self.address = address
        self.program = program
        self.side = side


class Do(Message):
    """Hand an action of this kind to the session that runs."""

    def __init__(self, kind: str, **fields: Json) -> None:
        super().__init__()
        self.kind = kind
        self.fields = fields


class EndLive(Message):
    """End the session that runs, saving it."""


class OpenSession(Message):
    def __init__(self, row: SessionRow) -> None:
        super().__init__()
        self.row = row


class ShowComparison(Message):
    """Of these sessions; without any, the trends alone."""

    def __init__(self, sessions: Sequence[str] = ()) -> None:
        super().__init__()
        self.sessions = tuple(sessions)


class GoTo(Message):
    """To one of the places: home, pair, programs, sessions, settings, limits."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place


class SettingChanged(Message):
    """A setting has been written; an empty text: its default holds again."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__()
        self.name = name
        self.text = text


class Finished(Message):
    """What was to be said after a session has been, or nobody answered."""


class ShowHelp(Message):
    pass


class GoBack(Message):
    """Back to where this screen was opened from; from the first screen, out."""


class GoHome(Message):
    pass
