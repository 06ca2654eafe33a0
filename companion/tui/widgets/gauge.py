"""Where the pressure stands among the zones."""

from companion.safety.scale import ZONES
from companion.tui.face import Now
from companion.tui.snapshot import PATTERNS, Marks
from companion.tui.tones import ZONE_TONES, Rows, Span, Tone
from companion.tui.widgets.painted import Painted


class Gauge(Painted):
    """Zone words, a bar of their patterns, and a marker: three signs besides the colour."""

    def show(self, now: Now) -> None:
        self.paint(gauge_rows(now, self.size.width, bar_rows=max(1, self.size.height - 2)))


_GAUGE = (*zip(ZONES, PATTERNS, ZONE_TONES, strict=True), ("STOP", PATTERNS[-1], ZONE_TONES[-1]))


def gauge_top(marks: Marks) -> float:
    """The end of the gauge: a little past the stop, so that the stop has a place on it."""
    return marks.stop * 1.15


def gauge_rows(now: Now, width: int, bar_rows: int = 1) -> Rows:
    """Zone words, the bar of patterns, and the marker under it."""
    marks = now.snapshot.marks
    if width < 1:
        return ()
    if not now.snapshot.judged:
        return ((("no pressure limits", Tone.QUIET),),)
    if marks is None:
        return ((("zones are not known yet", Tone.QUIET),),)
    top = gauge_top(marks)
    starts = [0, *(round(edge / top * width) for edge in (*marks.edges, marks.stop))]
    ends = [*starts[1:], width]
    heads: list[Span] = []
    bar: list[Span] = []
    for (name, pattern, tone), start, end in zip(_GAUGE, starts, ends, strict=True):
        room = max(0, end - start)
        head = f"│{name}"
        heads.append(((head if len(head) <= room else "│"[:room]).ljust(room), tone))
        bar.append((pattern * room, tone))
    if now.zone is None:
        word = now.word[:width]
        return (tuple(heads), *((tuple(bar),) * bar_rows), ((_over(_band(now, top, width), word, 0), Tone.STRONG),))
    first, last = starts[now.zone], max(starts[now.zone], (*starts[1:5], width)[now.zone] - 1)
    at = min(last, max(first, int(now.snapshot.value / top * width)))  # in its own zone, also at the very edge
    return (tuple(heads), *((tuple(bar),) * bar_rows), (_marker(now, at, _band(now, top, width)),))


def _marker(now: Now, at: int, under: str) -> Span:
    label = f"▲ {now.number}"
    if at + len(label) > len(under):
        label = f"{now.number} ▲"
        at = max(0, at + 1 - len(label))
    return (_over(under, label, at), Tone.STRONG)


def _band(now: Now, top: float, width: int) -> str:
    """Where a program wants the pressure, as a clasp under the bar; blank where none leads."""
    if now.coach is None:
        return " " * width
    low, high = (min(width - 1, int(edge / top * width)) for edge in now.coach.band_kpa)
    if high - low < 1:
        return _over(" " * width, "╨", low)
    return _over(" " * width, "╚" + "═" * (high - low - 1) + "╝", low)


def _over(under: str, text: str, at: int) -> str:
    return (under[:at] + text + under[at + len(text) :])[: len(under)]
