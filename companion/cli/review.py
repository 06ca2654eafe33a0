"""What a person says of a session afterwards, and its curve: note, tag, pain, mark, plot."""

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from companion.cli.failures import say
from companion.cli.log import opened_log
from companion.cli.options import document
from companion.cli.text import clean, span

if TYPE_CHECKING:
    from sessions.session import SessionRow

_NARROW, _WIDEST, _LOW, _HIGHEST = 20, 400, 4, 100


class Clock(click.ParamType[float]):
    """Session time: seconds, `m:ss` or `h:mm:ss`."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(?:(?:(\d{1,3}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d{1,6})?)", value)
        if found is None:
            self.fail(f"{value!r} is no time: seconds, 5:02 or 1:05:02", param, ctx)
        hours, minutes, seconds = (float(part or 0) for part in found.groups())
        return hours * 3600 + minutes * 60 + seconds


class Score(click.ParamType[int]):
    """0 to 10, or `unknown`, which is -1 here."""

    name = "0-10"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if value.lower() in ("unknown", "?"):
            return -1
        if value not in [str(score) for score in range(11)]:
            self.fail(f"{value!r} is no score: 0 is none, 10 the worst; or unknown", param, ctx)
        return int(value)


@click.command(help="Show a session's note, or write it.")
@click.argument("session")
@click.argument("words", nargs=-1)
@click.option("--clear", is_flag=True, help="Take the note away.")
def note(session: str, words: tuple[str, ...], clear: bool) -> None:
    if clear and words:
        raise click.UsageError("--clear takes no words.")
    if not words and not clear:
        row = _row(session)
        click.echo(clean(row.note, 100_000) if row.note else "", nl=bool(row.note))
        return
    row = _annotate(session, note=" ".join(words))
    say(f"{'took the note of' if clear else 'wrote the note of'} {_name(row)}{' away' if clear else ''}")


@click.command(help="Show a session's tags, or add some.")
@click.argument("session")
@click.argument("tags", nargs=-1)
@click.option("--remove", multiple=True, metavar="TAG", help="Take this tag away; may be given again.")
def tag(session: str, tags: tuple[str, ...], remove: tuple[str, ...]) -> None:
    row = _row(session)
    if tags or remove:
        kept = [each for each in dict.fromkeys((*row.tags, *tags)) if each not in remove and each.strip()]
        row = _annotate(row.id, tags=kept)
    for each in row.tags:
        click.echo(clean(each, 100))


@click.command(help="Show a session's pain scores, or write them: 0 is none, 10 the worst.")
@click.argument("session")
@click.option("--before", type=Score(), help="When it began; or unknown.")
@click.option("--after", type=Score(), help="When it had ended; or unknown.")
def pain(session: str, before: int | None, after: int | None) -> None:
    row = _row(session)
    if before is not None or after is not None:
        given = {"pain_before": before, "pain_after": after}
        row = _annotate(
            row.id,
            unknown=[name for name, score in given.items() if score == -1],
            **{name: score for name, score in given.items() if score not in (None, -1)},
        )
    scores = ["unknown" if score is None else f"{score} of 10" for score in (row.pain_before, row.pain_after)]
    click.echo(f"{scores[0]} before, {scores[1]} after")


@click.command(help="Set a mark in a session afterwards.")
@click.argument("session")
@click.argument("words", nargs=-1)
@click.option("--at", "at_s", type=Clock(), required=True, help="Session time, such as 5:02.")
def mark(session: str, words: tuple[str, ...], at_s: float) -> None:
    with opened_log() as store, _usage():
        row = store.mark(session, at_s, " ".join(words))
    say(f"marked {_name(row)} at {span(at_s)}")


@click.command(help="Draw a session's pressure as text.")
@click.argument("session", default="last")
@click.option("--from", "from_s", type=Clock(), help="Only from this session time on.")
@click.option("--to", "to_s", type=Clock(), help="Only up to this session time.")
@click.option("--width", type=click.IntRange(_NARROW, _WIDEST), help="In signs; that of the terminal, or 80.")
@click.option("--height", type=click.IntRange(_LOW, _HIGHEST), default=16, show_default=True, help="In lines.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with # only.")
@document
def plot(
    session: str,
    from_s: float | None,
    to_s: float | None,
    width: int | None,
    height: int,
    ascii_only: bool,
    as_json: bool,
) -> None:
    import json

    from sessions.errors import NotFoundError
    from sessions.moments import moments
    from sessions.summary import envelope

    with opened_log() as store:
        data = store.load(session)
    if not len(data.t_s):
        raise NotFoundError(f"Session {data.row.id} has no samples to draw.", "`knead sessions show` tells the rest.")
    begin, end = from_s or 0.0, data.row.duration_s if to_s is None else to_s
    if begin >= end:
        raise click.UsageError("--from must lie before --to, and in the session.")
    signs = width or min(_WIDEST, max(_NARROW, shutil.get_terminal_size((80, 24)).columns))
    if as_json:
        low, high = envelope(data.t_s, data.pressure_kpa, signs, from_s=begin, to_s=end)
        told = {"from_s": begin, "to_s": end, "low_kpa": _known(low), "high_kpa": _known(high)}
        told["moments"] = [
            {"t_s": moment.t_s, "kind": moment.kind, "text": moment.text} for moment in moments(data.events, data.gaps)
        ]
        click.echo(json.dumps({"schema": 1, "session": data.row.id, "plot": told}, indent=2))
        return
    from companion.tui import curve

    plain = ascii_only or "utf" not in (getattr(sys.stdout, "encoding", "") or "").lower()
    room = signs - curve.AXIS_CELLS
    rows = curve.trace_rows(data.t_s, data.pressure_kpa, begin, end, room, height, ascii_only=plain)
    marks = curve.lane(data.gaps, data.events, begin, end, room)
    title = f"{data.row.started_at:%Y-%m-%d %H:%M} {clean(data.row.region)} {clean(data.row.side)}, kPa"
    click.echo(title + (", simulated" if data.row.simulated else ""))
    for row in (*rows, ((" " * curve.AXIS_CELLS + marks, None),), curve.time_row(begin, end, room)):
        line = "".join(text for text, _ in row).rstrip()
        click.echo(line.replace("│", "|") if plain else line)


def _known(values: Any) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


def _row(session: str) -> "SessionRow":
    with opened_log() as store:
        return store.row(session)


def _annotate(session: str, **said: Any) -> "SessionRow":
    with opened_log() as store, _usage():
        return store.annotate(session, **said)


@contextmanager
def _usage() -> Iterator[None]:
    """What the log refuses to write is a fault of the command line."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(f"{error}.".capitalize()) from error


def _name(row: "SessionRow") -> str:
    return f"session {row.id} of {row.started_at:%Y-%m-%d %H:%M}"
