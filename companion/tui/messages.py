"""What a screen asks of the app: screens know neither it nor each other."""

from collections.abc import Sequence
from typing import Any

from textual.message import Message
from textual.screen import Screen

from companion.tui.deck import SessionRow
from sessions.events import Json


class Asked(Message):
    """For another screen, by the one that stands: heeded while it does, so that a key pressed twice asks once."""

    def __init__(self, by: Screen[Any]) -> None:
        super().__init__()
        self.by = by


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


class OpenSession(Asked):
    def __init__(self, by: Screen[Any], row: SessionRow) -> None:
        super().__init__(by)
        self.row = row


class ShowComparison(Asked):
    """Of these sessions; without any, the trends alone."""

    def __init__(self, by: Screen[Any], sessions: Sequence[str] = ()) -> None:
        super().__init__(by)
        self.sessions = tuple(sessions)


class GoTo(Asked):
    """To one of the places: home, pair, programs, sessions, settings, limits."""

    def __init__(self, by: Screen[Any], place: str) -> None:
        super().__init__(by)
        self.place = place


class SettingChanged(Message):
    """A setting has been written; an empty text: its default holds again."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__()
        self.name = name
        self.text = text


class Finished(Message):
    """What was to be said after a session has been, or nobody answered."""


class ShowHelp(Asked):
    pass


class GoBack(Asked):
    """Back to where this screen was opened from; from the first screen, out."""


class GoHome(Asked):
    pass
