"""`knead import`: sessions from another library, from a backup, from CSV."""

from datetime import datetime
from pathlib import Path

import click

from companion.cli.failures import say, software_version
from companion.cli.options import setting, settings
from companion.cli.text import clean

PARTLY = 6  # some of it could not be read


@click.command("import", help="Add the sessions of another library or backup, of our CSV, or of `time,weight` tables.")
@click.argument("file", type=click.Path(path_type=Path))
@setting("person")
@setting("region")
@setting("side")
@setting("tool")
@click.option("--started", metavar="DATE", help="Its start, where the file does not say. Default: the file's date.")
@click.pass_context
def import_(
    ctx: click.Context,
    file: Path,
    person: str | None,
    region: str | None,
    side: str | None,
    tool: str | None,
    started: str | None,
) -> None:
    from companion import keeping
    from companion.safety.limits import DEFAULT_TOOL, tools
    from sessions.importing import import_file
    from sessions.progressor import Setting

    held = settings(person=person, region=region, side=side, tool=tool)
    kind = tools()[held.tool or DEFAULT_TOOL]
    began = _started(file, started)
    known = Setting(
        began, held.person, held.region, held.side, kind.key, kind.area_cm2, f"knead {software_version()}, imported"
    )
    told = import_file(file, held.paths.database, known)
    for name in told.added:
        click.echo(name)
    for name in told.known:
        say(f"session {name} is in the log already")
    for name, columns in told.people.items():
        if "limits" in columns:
            keeping.without_raises(held.paths.database, name)
        say(f"of {clean(name, 40)} came along: {', '.join(columns)}; see knead screen --show, knead limits show")
    for why in told.refused:
        say(f"left out: {why}")
    say(f"{len(told.added)} imported, {len(told.known)} known already, {len(told.refused)} left out")
    if told.refused:
        ctx.exit(PARTLY)


def _started(file: Path, told: str | None) -> datetime:
    from sessions.incoming import moment

    if told is not None:
        try:
            return moment(told)
        except ValueError as error:
            raise click.UsageError(f"--started: {told!r} is no date; write 2026-03-01T18:30") from error
    try:
        return datetime.fromtimestamp(file.stat().st_mtime).astimezone()  # made aware at once
    except OSError:
        return datetime.now().astimezone()  # made aware at once; that there is no file is told later
