"""What a terminal too small for the live screen still shows: the number and its word."""

from companion.tui.face import LEVEL_TONES, SIGNAL_LOST, STOPPED, Now
from companion.tui.plotting import fitting_rows
from companion.tui.tones import Rows
from companion.tui.widgets.painted import Painted
from sessions.events import Level


class Tiny(Painted):
    """Number, word, and the level in a word if there is one."""

    def show(self, now: Now) -> None:
        self.paint(tiny_rows(now, self.size.width, self.size.height))


def tiny_rows(now: Now, width: int, height: int) -> Rows:
    """The word stands first: it is what remains when only one line fits."""
    snapshot = now.snapshot
    texts = [f"{now.word} {now.number} {now.unit}", f"{now.word} {now.number}", now.word]  # never half a number
    if now.lost_under_load:
        texts = [", ".join(SIGNAL_LOST), *SIGNAL_LOST[::-1]]
    first = next((text for text in texts if len(text) <= width), texts[-1][:width])
    rows: Rows = (((first.ljust(width), LEVEL_TONES[snapshot.level]),),)
    if snapshot.stopped:
        rows = (*rows, ((STOPPED[:width], LEVEL_TONES[Level.STOP]),))
    elif snapshot.alerts:
        rows = (*rows, ((snapshot.alerts[0].text[:width], LEVEL_TONES[snapshot.level]),))
    room = height - len(rows)
    large = fitting_rows(now.number, width, room) if room >= 4 else []
    return (*rows, *(((row, now.tone),) for row in large))[:height]
