"""`knead export`: sessions as a table, a document or lines, for other programs and people."""

import sys
from pathlib import Path

import click

from companion.cli.failures import say
from companion.cli.log import opened_log, pointed_at

FORMATS = ("csv", "json", "jsonl", "parquet")
SUFFIXES = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".parquet": "parquet"}


@click.command(help="Write sessions as CSV, JSON, JSON lines or Parquet. SESSION is an id, its beginning, or `last`.")
@click.argument("session", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All sessions of the log.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: what the file's ending says, else csv.")
@click.option("--anonymous", is_flag=True, help="Without names, serials, notes and dates; times from the beginning.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file. Without it: standard output.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def export(
    session: tuple[str, ...], everything: bool, form: str | None, anonymous: bool, output: Path | None, force: bool
) -> None:
    from sessions import export as out
    from sessions.files import new_file, refuse_existing

    form = form or _told_by(output)
    if not session and not everything:
        raise click.UsageError("name a session, or say --all")
    if output is None and form in out.BINARY:
        raise click.UsageError(f"{form} is no text: name a file with -o")
    if output is not None:
        refuse_existing(output, force=force)
    with opened_log() as store:
        names = pointed_at(store, session, everything)
        if output is None:
            sys.stdout.flush()
            out.export(names, store.whole, form, sys.stdout.buffer, nameless=anonymous)
            sys.stdout.buffer.flush()
            return
        with new_file(output, force=force) as file:
            out.export(names, store.whole, form, file, nameless=anonymous)
    say(f"wrote {len(names)} session{'' if len(names) == 1 else 's'} to {output}")


def _told_by(output: Path | None) -> str:
    """The form that a file's ending stands for; csv where there is none. UsageError for an ending of nothing here."""
    ending = "" if output is None else output.suffix.lower()
    if ending and ending not in SUFFIXES:
        raise click.UsageError(f"nothing is written as {ending}: end the name in {' '.join(SUFFIXES)}, or say --format")
    return SUFFIXES.get(ending, "csv")
