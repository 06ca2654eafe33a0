"""A paper as one HTML file: no script, no other address, light and dark, a phone's width and a printed page."""

from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files

from sessions.paper import Grid, Judged, Paper

MOST_ROWS = 200  # of a table; a program's export has them all
PRINTED_LIMITS = 2
PRINTED_SIGNS = 240
WIDE_IN, NARROW_IN = (9.6, 3.5), (4.1, 3.6)


@cache
def style() -> str:
    """The style sheet, as it stands in each file."""
    return files("sessions").joinpath("report.css").read_text(encoding="utf-8")


def html(paper: Paper) -> str:
    """The whole file."""
    return "".join(_parts(paper))


def _parts(paper: Paper) -> Iterator[str]:
    title = escape(paper.title)
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    yield 'img-src data:">\n'
    yield '<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
    yield f"<title>{title}</title>\n<style>{style()}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{title}</h1>\n"
    if paper.person:
        yield f"<p><strong>{escape(paper.person)}</strong></p>\n"
    yield f'<p class="sub">{escape(paper.subtitle)}</p>\n</header>\n'
    yield '<dl class="tiles">\n'
    for label, value, remark in paper.figures:
        yield f"<div><dt>{escape(label)}</dt><dd>{escape(value)}<small>{escape(remark)}</small></dd></div>\n"
    yield "</dl>\n"
    yield from _chart(paper)
    for grid in paper.grids:
        yield from _grid(grid)
    for heading, text in paper.words:
        yield f"<section><h2>{escape(heading)}</h2>{_said(text)}</section>\n"
    yield from _limits(paper.judged)
    yield '<section><h2>Where this comes from</h2>\n<dl class="facts">\n'
    for label, value in paper.facts:
        yield f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>\n"
    yield "</dl></section>\n"
    if paper.judged.disclaimer:
        yield f"<footer>{escape(paper.judged.disclaimer)}</footer>\n"
    yield "</main>\n</body>\n</html>\n"


def _chart(paper: Paper) -> Iterator[str]:
    from sessions.drawing import svg

    if paper.chart is None:
        yield '<p class="note">No samples were kept of this session: there is no curve to draw.</p>\n'
        return
    words = escape(paper.chart_words, quote=True)
    yield f'<figure role="img" aria-label="{words}">\n'
    for name, (width_in, height_in) in (("wide", WIDE_IN), ("narrow", NARROW_IN)):
        yield f'<div class="{name}" aria-hidden="true">{svg(paper.chart, width_in, height_in, name)}</div>\n'
    yield f"<figcaption>{words}</figcaption>\n</figure>\n"


def _grid(grid: Grid) -> Iterator[str]:
    yield f"<section><h2>{escape(grid.title)}</h2>\n"
    if grid.note:
        yield f'<p class="note">{escape(grid.note)}</p>\n'
    if not grid.rows:
        yield f"<p>{escape(grid.empty)}</p></section>\n"
        return
    yield '<div class="scroll"><table class="rows"><thead><tr>'
    yield "".join(f'<th scope="col">{escape(head)}</th>' for head in grid.heads)
    yield "</tr></thead><tbody>\n"
    for number, row in enumerate(grid.rows[:MOST_ROWS]):
        cells = "".join(
            f'<td data-head="{escape(head, quote=True)}">{escape(cell)}</td>'
            for head, cell in zip(grid.heads, row, strict=True)
        )
        yield f"<tr{' class=more' if number >= grid.kept else ''}>{cells}</tr>\n"
    yield "</tbody></table></div>\n"
    if len(grid.rows) > grid.kept:
        yield f'<p class="note paper">and {len(grid.rows) - grid.kept} more, not printed</p>\n'
    if len(grid.rows) > MOST_ROWS:
        yield f'<p class="note more">and {len(grid.rows) - MOST_ROWS} more, not shown</p>\n'
    yield "</section>\n"


def _said(text: str) -> str:
    """A text as it was written; on paper its beginning, and that there is more."""
    if len(text) <= PRINTED_SIGNS:
        return f'<p class="said">{escape(text)}</p>'
    beginning = " ".join(text[:PRINTED_SIGNS].split())
    return f'<p class="said more">{escape(text)}</p><p class="paper">{escape(beginning)} [more, not printed]</p>'


def _limits(judged: Judged) -> Iterator[str]:
    if not judged.limits:
        if judged.note:
            yield f'<p class="note">{escape(judged.note)}</p>\n'
        return
    yield '<section class="limits"><h2>Limits it was judged by</h2>\n'
    if judged.note:
        yield f'<p class="note">{escape(judged.note)}</p>\n'
    for number, line in enumerate(judged.limits):
        told = (
            f"<strong>{escape(line.title)}.</strong> {escape(line.text)} Based on: {escape(', '.join(line.sources))}."
        )
        yield f"<p{' class=more' if number >= PRINTED_LIMITS else ''}>{told}</p>\n"
    if len(judged.limits) > PRINTED_LIMITS:
        yield f'<p class="note paper">and {len(judged.limits) - PRINTED_LIMITS} more regions, not printed</p>\n'
    yield "</section>\n"
    if judged.sources:
        yield '<section class="sources"><h2>Sources</h2>\n'
        printed = {code for line in judged.limits[:PRINTED_LIMITS] for code in line.sources}
        for code, text in judged.sources:
            yield f"<p{'' if code in printed else ' class=more'}>{escape(code)}: {escape(text)} </p>\n"
        if more := sum(code not in printed for code, _ in judged.sources):
            yield f'<p class="note paper">and {more} more, not printed</p>\n'
        yield "</section>\n"
