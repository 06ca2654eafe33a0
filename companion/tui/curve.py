"""A session's curve as rows of text, with its axis, gaps and signs. Knows no Textual: commands draw with it, too."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from companion.tui import words
from companion.tui.plotting import LEAST_TOP, Bins, braille_rows, bridged, envelope, nice_top
from companion.tui.snapshot import PATTERNS
from companion.tui.tones import ZONE_TONES, Row, Rows, Tone
from sessions.events import Action, Alert, Cue, Event, Floats, Level, Notice, Phase
from sessions.moments import Stretch

_BAND_SIGN = ">"
AXIS_CELLS = 6  # a number, a zone's pattern, the line
GAP_SIGN, MARK_SIGN, CAUTION_SIGN, STOP_SIGN, STEP_SIGN = "~", "m", "!", "X", "|"


def axis_rows(
    height: int, top: float, edges: tuple[float, ...], band: tuple[float, ...] = ()
) -> list[tuple[str, Tone]]:
    """A label and the tone of its zone for each row, top first. Rows of a zone's lower edge show its pattern.

    The edges of a band have an arrow, and its rows a heavy line.
    """
    labels: dict[int, str] = {0: f"{top:4.0f} ", height - 1: f"{0:4} "}
    signs = [(edge, _BAND_SIGN) for edge in band] + list(zip(edges, PATTERNS[1:], strict=False))
    for edge, sign in signs:
        row = round((top - edge) / top * (height * 4 - 1)) // 4
        if 0 <= edge < top and row not in labels:
            labels[row] = f"{edge:4.0f}{sign}"
    rows = []
    for row in range(height):
        middle = top * (1 - (row + 0.5) / height)
        zone = sum(middle >= edge for edge in edges)
        line = "┃" if band and band[0] <= middle <= band[-1] else "│"
        rows.append((labels.get(row, "     ") + line, ZONE_TONES[zone] if edges else Tone.PLAIN))
    return rows


def trace_rows(
    t_s: Floats, kpa: Floats, from_s: float, to_s: float, width: int, height: int, *, ascii_only: bool = False
) -> Rows:
    """The part of a session in [from_s, to_s), with its axis. Scans next to each other are joined; gaps are not."""
    columns = width if ascii_only else 2 * width
    bins = binned(t_s, kpa, from_s, to_s, columns)
    top = top_of((kpa,))
    drawn = hash_rows(bins, height, top) if ascii_only else braille_rows(bins, height, 0.0, top)
    axis = axis_rows(height, top, ())
    return tuple(((label, tone), (text, Tone.PLAIN)) for (label, tone), text in zip(axis, drawn, strict=True))


def binned(t_s: Floats, kpa: Floats, from_s: float, to_s: float, columns: int) -> Bins:
    """The least and greatest value of each column; blank only where nothing was measured."""
    bins = envelope(t_s, kpa, from_s, to_s, columns)
    steps = np.diff(t_s[:: max(1, len(t_s) // 100_000)] if len(t_s) > 200_000 else t_s)
    period_s = float(np.median(steps)) if len(steps) else 0.0
    return bridged(bins, math.ceil(1.5 * period_s / ((to_s - from_s) / columns)) - 1)


def top_of(curves: Sequence[Floats]) -> float:
    """The end of the axis for all of them."""
    peaks = [float(kpa[np.isfinite(kpa)].max()) for kpa in curves if np.isfinite(kpa).any()]
    return nice_top(max([LEAST_TOP, *peaks]))


def hash_rows(bins: Bins, height: int, top: float) -> list[str]:
    """The trace in the signs every terminal has."""
    lo, hi = bins
    cells = np.arange(height - 1, -1, -1)[:, None]
    with np.errstate(invalid="ignore"):
        first = np.clip(np.floor(lo / top * height), 0, height - 1)
        last = np.clip(np.floor(hi / top * height), 0, height - 1)
        full = (cells >= first) & (cells <= last)
    return ["".join("#" if cell else " " for cell in row) for row in full]


def lane(gaps: Iterable[Stretch], happened: Iterable[Event], from_s: float, to_s: float, width: int) -> str:
    """One sign per cell for what happened in it; the more urgent one stands."""
    cells = [" "] * width
    per_s = width / (to_s - from_s)
    for gap in gaps:
        first, last = int((gap.from_s - from_s) * per_s), int((gap.to_s - from_s) * per_s)
        for cell in range(max(0, first), min(width - 1, last) + 1):
            cells[cell] = GAP_SIGN
    signs = [(at, sign) for at, sign in ((time_of(event), sign_of(event)) for event in happened) if sign]
    for wanted in (STEP_SIGN, MARK_SIGN, CAUTION_SIGN, STOP_SIGN):
        for at_s, sign in signs:
            if sign == wanted and from_s <= at_s < to_s:
                cells[min(width - 1, int((at_s - from_s) * per_s))] = sign
    return "".join(cells)


def time_of(event: Event) -> float:
    at_s = getattr(event, "t_s", None)
    return at_s if isinstance(at_s, int | float) else -1.0


def sign_of(event: Event) -> str:
    """The sign of an event on the lane under the plot; empty for what has none."""
    match event:
        case Alert(level=Level.STOP, phase=Phase.RAISED | Phase.ESCALATED):
            return STOP_SIGN
        case Alert(level=Level.CAUTION | Level.TECHNICAL, phase=Phase.RAISED | Phase.ESCALATED):
            return CAUTION_SIGN
        case Action(kind="mark"):
            return MARK_SIGN
        case Action(kind="next") | Notice(kind="step") | Cue(kind="step"):
            return STEP_SIGN
        case _:
            return ""


def time_row(from_s: float, to_s: float, width: int) -> Row:
    left, right = words.clock(from_s), words.clock(to_s)
    legend = f"{GAP_SIGN} gap  {STOP_SIGN} stop  {CAUTION_SIGN} warning  {MARK_SIGN} mark  {STEP_SIGN} step"
    room = max(0, width - len(left) - len(right))
    return ((" " * AXIS_CELLS + left + (legend if len(legend) + 4 < room else "").center(room) + right, Tone.QUIET),)
