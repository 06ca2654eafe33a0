"""One ball being got to know: what was said and asked, what is answered, and what is to be kept. Knows no Textual."""

from dataclasses import dataclass, field

from companion.tui.pairing import Meeting, Said, Size, settle_rows, size_of, step_rows
from companion.tui.tones import Rows

KEPT_LINES = 200  # of what was said


@dataclass(slots=True)
class Acquaintance:
    """`meeting` is there once the ball was reached."""

    address: str
    meeting: Meeting | None = None
    heard: list[Said] = field(default_factory=list)
    asked: Said | None = None  # the question that stands
    called: str = ""
    size: Size = field(default_factory=Size)
    unknown: tuple[str, ...] = ()  # what stays so once it is kept, a line each

    # --- the steps ---

    def hear(self, said: Said) -> None:
        self.heard = [*self.heard, said][-KEPT_LINES:]
        self.asked = said if said.key else None

    def answer(self, yes: bool | None) -> None:
        """To the question that stands; None has the ball show itself again, where it can."""
        if self.asked is None or self.meeting is None or (yes is None and not self.asked.again):
            return
        self.meeting.answer(yes)
        if yes is not None:
            self.asked = None

    def skip(self) -> None:
        if self.meeting is not None:
            self.asked = None
            self.meeting.skip()

    def leave(self) -> None:
        if self.meeting is not None:
            self.meeting.leave()

    def step_rows(self, width: int, height: int) -> Rows:
        done_s = 0.0 if self.meeting is None else self.meeting.checked_s
        return step_rows(self.heard, self.asked, done_s, width, height)

    # --- what is kept ---

    def checked(self) -> None:
        """All steps are done: it is called as it was, or as it calls itself."""
        if self.meeting is not None:
            self.called = self.meeting.nickname

    def name(self, text: str) -> None:
        self.called = text.strip() or self.called

    def measure(self, text: str) -> None:
        """Its size as typed. Raises ValueError where that is none."""
        self.size = size_of(text)

    def believe(self) -> None:
        """Its size is as it says, if it says one."""
        if self.meeting is not None and self.meeting.claim:
            self.size = Size(as_told=True)

    def keep(self) -> None:
        """Remember it; may take its time. Raises one of FAILURES."""
        if self.meeting is not None:
            self.unknown = tuple(self.meeting.keep(self.called, self.size))

    def settle_rows(self, width: int, height: int) -> Rows:
        if self.meeting is None:
            return ()
        return settle_rows(self.meeting, self.called, self.size, self.unknown, width, height)
