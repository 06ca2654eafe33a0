"""`knead compare`: two to five sessions laid over each other, and a table of their differences."""

import json
import re
import shutil
import sys
from typing import TYPE_CHECKING

import click

from companion.cli.log import opened_log
from companion.cli.options import document
from companion.cli.text import clean, place

if TYPE_CHECKING:
    from companion.tui.overlay import Compared

_LEAST, _MOST = 2, 5
_HEIGHT = 14


def _align(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    step = re.fullmatch(r"step[ :]?(\d{1,3})", value)
    if step and int(step[1]):
        return f"step {int(step[1])}"
    if value not in ("start", "contact"):
        raise click.BadParameter("start, contact, or a step such as step3")
    return value


@click.command(help="Lay two to five sessions over each other, and say how they differ from the first.")
@click.argument("session", nargs=-1, required=True)
@click.option("--align", default="start", show_default=True, callback=_align, help="start, contact, or stepN.")
@document
def compare(session: tuple[str, ...], align: str, as_json: bool) -> None:
    from companion.tui.overlay import compared

    with opened_log() as store:
        names = list(dict.fromkeys(store.row(each).id for each in session))
        if not _LEAST <= len(names) <= _MOST:
            raise click.UsageError(f"Compare {_LEAST} to {_MOST} different sessions.")
        found = compared([(store.load(name), store.about(name).curve) for name in names], align)
    if as_json:
        sessions = [row.to_json() for row in found.rows]
        figures = [figure.to_json() for figure in found.figures]
        told = {"schema": 1, "align": align, "from_s": list(found.starts), "sessions": sessions, "figures": figures}
        click.echo(json.dumps(told, indent=2))
        return
    for line in lines(found, min(200, max(40, shutil.get_terminal_size((80, 24)).columns))):
        click.echo(line)


def lines(found: "Compared", width: int) -> list[str]:
    """The overlay, its legend, and the table."""
    from companion.tui.overlay import MARKERS, overlay_rows
    from companion.tui.tables import NO_CAUSE, figure_lines

    plain = "utf" not in (getattr(sys.stdout, "encoding", "") or "").lower()
    told = ["".join(text for text, _ in spans).rstrip() for spans in overlay_rows(found, width, _HEIGHT)]
    for marker, row, start in zip(MARKERS, found.rows, found.starts, strict=False):
        where = clean(place(row.region, row.side), 20)
        missing = "" if start is not None else f", has no {found.align}: not drawn"
        simulated = ", simulated" if row.simulated else ""
        told.append(f"  {marker} {row.id[:13]} {row.started_at:%Y-%m-%d %H:%M} {where}{simulated}{missing}")
    told += ["", *figure_lines(found.figures), NO_CAUSE]
    if plain:
        swap = str.maketrans(dict(zip((*MARKERS, "│"), "ox+*#|", strict=True)))
        told = [line.translate(swap) for line in told]
    return told
