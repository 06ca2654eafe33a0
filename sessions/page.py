"""A paper as a PDF: one page, A4 or Letter, its words as text. What does not fit is counted, never cut silently."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, BinaryIO

from sessions.drawing import PRINT, draw
from sessions.paper import Grid, Paper

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHEETS: Mapping[str, tuple[float, float]] = {"a4": (8.268, 11.693), "letter": (8.5, 11.0)}  # inches
MARGIN_PT = 36.0
CHART_PT, CHART_MOST_PT = 165.0, 240.0
LETTER_EM = 0.55  # mean width of a letter of DejaVu Sans, measured on these texts; widest 0.6
# How it is tried until it fits: height of letters, rows of a table at most, signs of a text, signs of a source.
TRIES = (
    (8.6, 14, 800, 160),
    (8.0, 12, 700, 140),
    (7.4, 10, 600, 110),
    (7.0, 7, 400, 110),
    (6.6, 5, 300, 100),
    (6.2, 3, 200, 90),
    (6.0, 2, 120, 80),
    (5.6, 1, 90, 60),
)
LEADING = 1.32
FONTS = ["DejaVu Sans"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text, or a gap where it is empty; `columns` stand at parts of the width."""

    cells: Sequence[tuple[float, str]]
    size: float
    tone: str = "ink"
    bold: bool = False
    before: float = 0.0  # points above it
    last: bool = False  # whatever else must go, this stays

    @property
    def height(self) -> float:
        return self.before + LEADING * self.size


def write_pdf(paper: Paper, stream: BinaryIO, *, sheet: str = "a4") -> list[str]:
    """Write the page; `sheet` is a key of SHEETS. Gives the signs its font has not, which are boxes there."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    with rc_context({"pdf.fonttype": 42, "font.family": FONTS}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(SHEETS[sheet])
        FigureCanvasPdf(figure)
        _fill(figure, paper)
        told = {"Title": paper.title, "Author": None, "Creator": "knead", "Producer": None, "CreationDate": None}
        figure.savefig(stream, format="pdf", metadata=told)
    return _missing(paper)


def _fill(figure: "Figure", paper: Paper) -> None:
    width, height = (inches * 72 for inches in figure.get_size_inches())
    room = height - 2 * MARGIN_PT - (CHART_PT if paper.chart is not None else 0.0)
    above: list[Line] = []
    below: list[Line] = []
    for attempt in TRIES:
        above, below = list(_above(paper, width, attempt)), list(_below(paper, width, attempt))
        if _height(above) + _height(below) <= room:
            break
    else:
        below = _cut(below, room - _height(above))
    y = _put(figure, above, height - MARGIN_PT, width, height)
    if paper.chart is not None:
        chart_pt = min(CHART_PT + room - _height(above) - _height(below), CHART_MOST_PT)
        left, inner = MARGIN_PT + 30, width - 2 * MARGIN_PT - 40
        bottom = y - chart_pt + 40
        box = (left / width, bottom / height, inner / width, (chart_pt - 50) / height)
        draw(paper.chart, figure.add_axes(box), PRINT, size=7.0, narrow=False)
        y -= chart_pt
    _put(figure, below, y, width, height)


def _height(lines: Sequence[Line]) -> float:
    return sum(line.height for line in lines)


def _cut(lines: Sequence[Line], room: float) -> list[Line]:
    """The most that fits, its last line saying that there is more; the disclaimer stays."""
    disclaimer = [line for line in lines if line.last]
    kept: list[Line] = []
    room -= _height(disclaimer) + 10
    for line in lines:
        if line in disclaimer:
            continue
        if _height(kept) + line.height > room:
            kept.append(Line([(0.0, "[more does not fit on this page; the HTML report has it all]")], 5.6, "faint"))
            break
        kept.append(line)
    return [*kept, *disclaimer]


def _put(figure: "Figure", lines: Sequence[Line], y: float, width: float, height: float) -> float:
    """Draw lines from `y` points down; where the last ends."""
    inner = width - 2 * MARGIN_PT
    for line in lines:
        y -= line.height
        for at, text in line.cells:
            figure.text(
                (MARGIN_PT + at * inner) / width,
                (y + 0.28 * line.size) / height,
                text.replace("$", r"\$"),
                fontsize=line.size,
                color=PRINT[line.tone],
                fontweight="bold" if line.bold else "normal",
                parse_math=False,
            )
    return y


Attempt = tuple[float, int, int, int]


def _above(paper: Paper, width: float, attempt: Attempt) -> Iterator[Line]:
    size = attempt[0]
    yield Line(
        [(0.0, paper.title), *([(0.62, _fitted(paper.person, 0.38, width, 10))] if paper.person else [])], 13, bold=True
    )
    yield from _wrapped(paper.subtitle, width, size + 1, "faint")
    each = 1.0 / max(len(paper.figures), 1)
    at = [number * each for number in range(len(paper.figures))]
    labels = [label for label, _, _ in paper.figures]
    values = [value for _, value, _ in paper.figures]
    remarks = [_fitted(remark, each, width, 6.0) for _, _, remark in paper.figures]
    yield Line(list(zip(at, labels, strict=True)), 6.4, "faint", before=5)
    yield Line(list(zip(at, values, strict=True)), 9.4, bold=True)
    yield Line(list(zip(at, remarks, strict=True)), 6.0, "faint")
    if paper.chart is None:
        yield Line([(0.0, "No samples were kept of this session: there is no curve to draw.")], size, before=6)


def _below(paper: Paper, width: float, attempt: Attempt) -> Iterator[Line]:
    size, rows, signs, source_signs = attempt
    for grid in paper.grids:
        yield from _table(grid, width, size, min(rows, grid.kept))
    for heading, text in paper.words:
        yield from _heading(heading, size)
        yield from _wrapped(_shortened(text, signs), width, size)
    judged = paper.judged
    if judged.note and not judged.limits:
        yield from _wrapped(judged.note, width, size, "faint")
    if judged.limits:
        yield from _heading("Limits it was judged by", size)
        if judged.note:
            yield from _wrapped(judged.note, width, size - 0.4, "faint")
        for limit in judged.limits[:rows]:
            yield from _wrapped(f"{limit.title}. {limit.text} Based on: {', '.join(limit.sources)}.", width, size - 0.4)
        if len(judged.limits) > rows:
            yield Line([(0.0, f"and {len(judged.limits) - rows} more regions")], size - 0.4, "faint")
    if judged.sources:
        yield from _heading("Sources", size)
        told = "; ".join(f"{code}: {_shortened(text, source_signs)}" for code, text in judged.sources)
        yield from _wrapped(told, width, size - 1.0)
    yield from _heading("Where this comes from", size)
    yield from _wrapped("; ".join(f"{label}: {value}" for label, value in paper.facts), width, size - 0.4)
    if judged.disclaimer:
        for number, line in enumerate(_wrapped(judged.disclaimer, width, size - 0.2, "faint")):
            yield Line(line.cells, line.size, "faint", last=True, before=6.0 if number == 0 else 0.0)


def _heading(text: str, size: float) -> Iterator[Line]:
    yield Line([(0.0, text)], size + 1, bold=True, before=5)


def _table(grid: Grid, width: float, size: float, rows: int) -> Iterator[Line]:
    yield from _heading(grid.title, size)
    if grid.note:
        yield from _wrapped(grid.note, width, size - 0.2, "faint")
    if not grid.rows:
        yield Line([(0.0, grid.empty)], size)
        return
    shown = grid.rows[:rows]
    widths = [max(len(row[column]) for row in (grid.heads, *shown)) + 2 for column in range(len(grid.heads))]
    total = max(sum(widths), 1)
    ats = [sum(widths[:column]) / total for column in range(len(widths))]
    parts = [each / total for each in widths]
    yield Line(list(zip(ats, grid.heads, strict=True)), size - 0.4, "faint")
    for row in shown:
        yield Line(
            [(at, _fitted(cell, part, width, size)) for at, cell, part in zip(ats, row, parts, strict=True)], size
        )
    if len(grid.rows) > len(shown):
        yield Line([(0.0, f"and {len(grid.rows) - len(shown)} more")], size - 0.4, "faint")


def _wrapped(text: str, width: float, size: float, tone: str = "ink") -> Iterator[Line]:
    letters = int((width - 2 * MARGIN_PT) / (LETTER_EM * size))
    for paragraph in text.splitlines():
        for line in wrap(paragraph, letters):
            yield Line([(0.0, line)], size, tone)


def _fitted(text: str, part: float, width: float, size: float) -> str:
    """As much of a text as has room in a part of the width."""
    return _shortened(text, max(int(part * (width - 2 * MARGIN_PT) / (LETTER_EM * size)), 4))


def _shortened(text: str, signs: int) -> str:
    return text if len(text) <= signs else text[: signs - 3].rstrip() + "..."


def _missing(paper: Paper) -> list[str]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties(family=FONTS))).get_charmap()
    words = [paper.title, paper.subtitle, paper.person, *(text for pair in paper.words for text in pair)]
    return sorted({sign for word in words for sign in word if sign.isprintable() and ord(sign) not in known})
