"""What a screen asks of the app: screens know neither it nor each other."""

from collections.abc import Sequence

from textual.message import Message

from companion.tui.deck import SessionRow


class StartLive(Message):
    """Begin a session on an address; on "demo", the demonstration."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address


class Do(Message):
    """Hand an action of this kind to the session that runs."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind


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


class ShowSessions(Message):
    pass


class ShowHelp(Message):
    pass


class GoBack(Message):
    """Back to where this screen was opened from; from the first screen, out."""


class GoHome(Message):
    pass
