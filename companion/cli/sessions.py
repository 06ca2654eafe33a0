"""`knead sessions`: the log. Opening it recovers what a crash left behind."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from companion.cli.failures import say
from companion.cli.log import opened_log
from companion.cli.options import document, settings
from companion.cli.review import mark, note, pain, plot, tag
from companion.cli.terminal import someone
from companion.cli.text import clean, span, table

if TYPE_CHECKING:
    from sessions.filters import Filter
    from sessions.salvage import Salvaged
    from sessions.session import SessionRow

_ID = 13  # signs of an id: its millisecond, so no two are alike
_WORST = ("stop", "technical", "caution", "notice")


@click.group(help="List, show, delete or recover sessions. SESSION is an id, its beginning, or `last`.")
def sessions() -> None:
    pass


@sessions.command("list", context_settings={"ignore_unknown_options": True})
@click.argument("wanted", nargs=-1, metavar="[FILTER]...")
@click.option(
    "--sort", default="-date", show_default=True, help="By date length peak contact pain change area program."
)
@click.option("--limit", type=click.IntRange(1, 1_000_000), help="Only the first so many.")
@document
def list_(wanted: tuple[str, ...], sort: str, limit: int | None, as_json: bool) -> None:
    """Sessions, the newest first; with a FILTER only those that fit.

    \b
    person:me area:glute side:left program:release tool:hard ball:7F2A tag:evening
    since:2026-10 until:2026-10-15 since:4w 'pain:>4' before:? 'change:<-1'
    'peak:>80' 'length:>10m' 'contact:>5m' stop:yes caution:no simulated:no note:yes
    words "or more of them"     in notes, tags and marks

    All must fit; -tag:evening leaves out. Put < and > in quotation marks: the shell would take them.
    """
    from sessions.filters import FilterError

    try:
        chosen = _filter(wanted)
        with opened_log() as store:
            rows = store.find(chosen, sort=sort, limit=limit)
            counted = store.count(chosen) if wanted else None
            whole = store.count()
    except FilterError as error:
        raise click.UsageError(f"{error} {error.hint}") from error
    if as_json:
        click.echo(_document(rows))
        return
    if not whole.sessions:
        click.echo("No sessions yet. Try: knead demo", err=True)
        return
    if not rows:
        click.echo(f"None of {whole.sessions} sessions fits.", err=True)
        return
    for line in table(("ID", "STARTED", "LENGTH", "PLACE", "kPa", "ALERT", "STATE"), [_cells(row) for row in rows]):
        click.echo(line)
    if counted is not None:
        click.echo(f"{counted.sessions} of {whole.sessions} sessions fit.", err=True)


def _document(rows: "Sequence[SessionRow]") -> str:
    """JSON. What a ball or another program put into the log is made plain; a person's own note is kept as it is."""
    plain = [
        {name: clean(value) if isinstance(value, str) and name != "note" else value for name, value in told.items()}
        for told in (row.to_json() for row in rows)
    ]
    return json.dumps({"schema": 1, "sessions": plain}, indent=2)


def _filter(wanted: tuple[str, ...]) -> "Filter":
    """What a shell has taken apart is put together again: an argument with spaces is one value, or a whole filter."""
    from datetime import datetime

    from sessions.filters import parse

    for each in wanted:
        if each.startswith("--"):
            raise click.NoSuchOption(each)
    text = " ".join(_quoted(each) for each in wanted)
    return parse(text, datetime.now().astimezone().date())


def _quoted(argument: str) -> str:
    key, colon, value = argument.partition(":")
    if colon and key.lstrip("-").isalpha() and " " in value and ":" not in value and '"' not in value:
        return f'{key}:"{value}"'
    return argument


@sessions.command(help="What happened in a session.")
@click.argument("session", default="last")
@document
def show(session: str, as_json: bool) -> None:
    from companion.cli.account import account

    with opened_log() as store:
        about = store.about(session)
    told = account(about.row, about.events, about)
    if as_json:
        click.echo(json.dumps({"schema": 1, "session": told.to_json()}, indent=2))
        return
    for line in told.lines():
        click.echo(line)


@sessions.command(help="Delete sessions for good. Asks when a person sits at the terminal.")
@click.argument("session", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(session: tuple[str, ...], yes: bool) -> None:
    with opened_log() as store:
        rows = {row.id: row for row in map(store.row, session)}  # all are known before one is deleted
        for row in rows.values():
            what = f"session {row.id} of {row.started_at:%Y-%m-%d %H:%M}"
            if yes or not someone() or click.confirm(f"Delete {what}, {span(row.duration_s)}?", err=True):
                store.delete(row.id)
                say(f"deleted {what}")


@sessions.command(
    help="Complete the sessions a crash left unfinished; every command that reads the log does it, too. Of a damaged "
    "log take all that can be read: the damaged file is kept under another name."
)
@document
def recover(as_json: bool) -> None:
    from sessions.salvage import is_sound, salvage

    database = settings().paths.database
    damaged = database.exists() and not is_sound(database)
    if damaged:
        _tell_salvaged(salvage(database))
    with opened_log(tell=False) as store:
        rows = store.recovered
    if as_json:
        click.echo(_document(rows))
        return
    for row in rows:
        click.echo(f"{clean(row.id)} recovered, {span(row.duration_s)}")
    if not rows and not damaged:
        click.echo("Nothing to recover.", err=True)


def _tell_salvaged(found: "Salvaged") -> None:
    say(f"the log was damaged: {found.sessions} sessions could be read, and are the log now")
    for kind, count in found.lost.items():
        say(f"lost: {count} row{'' if count == 1 else 's'} of {kind}")
    for name in found.short:
        say(f"samples are missing of session {name}")
    say(f"the damaged log is kept as {found.kept}", "what it lacks may be in a backup: knead import FILE adds it")


def _cells(row: "SessionRow") -> tuple[str, ...]:
    worst = next((level for level in _WORST if row.alerts_by_level.get(level)), "")
    state = "simulated" if row.simulated else ""
    if row.state != "complete":
        state = f"{row.state} sim." if row.simulated else row.state
    side = "" if row.side == "both" else row.side
    return (
        clean(row.id[:_ID]),
        f"{row.started_at:%Y-%m-%d %H:%M}",
        _length(row.duration_s),
        clean(f"{row.region} {side}".rstrip(), 16),
        "?" if row.peak_kpa is None else f"{min(row.peak_kpa, 9999):.0f}".rjust(4),
        worst,
        clean(state, 14),
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


for _command in (plot, note, tag, pain, mark):
    sessions.add_command(_command)
