"""`knead sessions`: the log. Opening it recovers what a crash left behind."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from companion.cli.failures import say
from companion.cli.options import document, settings
from companion.cli.text import clean, span, table

if TYPE_CHECKING:
    from sessions.session import SessionRow
    from sessions.store import Store

_ID = 13  # signs of an id: its millisecond, so no two are alike
_WORST = ("stop", "technical", "caution", "notice")


@click.group(help="List, show, delete or recover sessions. SESSION is an id, its beginning, or `last`.")
def sessions() -> None:
    pass


@sessions.command("list", help="All sessions, the newest first.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), help="Only the newest so many.")
@document
def list_(limit: int | None, as_json: bool) -> None:
    with _store() as store:
        rows = store.list(limit=limit)
    if as_json:
        click.echo(_document(rows))
        return
    if not rows:
        click.echo("No sessions yet. Try: knead demo", err=True)
        return
    for line in table(("ID", "STARTED", "LENGTH", "PLACE", "kPa", "ALERT", "STATE"), [_cells(row) for row in rows]):
        click.echo(line)


@sessions.command(help="What happened in a session.")
@click.argument("session", default="last")
@document
def show(session: str, as_json: bool) -> None:
    from companion.cli.account import account

    with _store() as store:
        row = store.row(session)
        told = account(row, store.events(row.id))
    if as_json:
        click.echo(json.dumps({"schema": 1, "session": told.to_json()}, indent=2))
        return
    for line in told.lines():
        click.echo(line)


@sessions.command(help="Delete sessions for good. Asks when a person sits at the terminal.")
@click.argument("session", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(session: tuple[str, ...], yes: bool) -> None:
    with _store() as store:
        rows = {row.id: row for row in map(store.row, session)}  # all are known before one is deleted
        for row in rows.values():
            what = f"session {row.id} of {row.started_at:%Y-%m-%d %H:%M}"
            if yes or not _someone() or click.confirm(f"Delete {what}, {span(row.duration_s)}?", err=True):
                store.delete(row.id)
                say(f"deleted {what}")


@sessions.command(help="Complete the sessions a crash left unfinished. Every command that reads the log does it, too.")
@document
def recover(as_json: bool) -> None:
    with _store(tell=False) as store:
        rows = store.recovered
    if as_json:
        click.echo(_document(rows))
        return
    for row in rows:
        click.echo(f"{clean(row.id)} recovered, {span(row.duration_s)}")
    if not rows:
        click.echo("Nothing to recover.", err=True)


@contextmanager
def _store(tell: bool = True) -> "Iterator[Store]":
    from sessions.store import Store

    with Store(settings().paths.database) as store:
        if tell:
            for row in store.recovered:
                say(f"recovered session {row.id}, {span(row.duration_s)}: it had not been ended")
        yield store


def _document(rows: "Sequence[SessionRow]") -> str:
    """JSON. What a ball or another program put into the log is made plain; a person's own note is kept as it is."""
    plain = [
        {name: clean(value) if isinstance(value, str) and name != "note" else value for name, value in told.items()}
        for told in (row.to_json() for row in rows)
    ]
    return json.dumps({"schema": 1, "sessions": plain}, indent=2)


def _someone() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()


def _cells(row: "SessionRow") -> tuple[str, ...]:
    worst = next((level for level in _WORST if row.alerts_by_level.get(level)), "")
    state = row.state if row.state != "complete" else "simulated" if row.simulated else ""
    side = "" if row.side == "both" else row.side
    return (
        clean(row.id[:_ID]),
        f"{row.started_at:%Y-%m-%d %H:%M}",
        _length(row.duration_s),
        clean(f"{row.region} {side}".rstrip(), 16),
        "?" if row.peak_kpa is None else f"{min(row.peak_kpa, 9999):.0f}".rjust(4),
        worst,
        clean(state, 12),
    )


def _length(seconds: float | None) -> str:
    """At most six signs: `59m59s`, `99h59m`."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"
