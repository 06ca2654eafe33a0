"""`knead backup`, `knead restore`, `knead erase`: the whole log, saved, brought back, gone."""

from pathlib import Path

import click

from companion.cli.failures import say, software_version
from companion.cli.options import settings
from companion.cli.terminal import someone


@click.command(help="Save the whole log in FILE, also while a session is recorded, and check what was written.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def backup(file: Path, force: bool) -> None:
    from sessions.backup import back_up

    made = back_up(settings().paths.database, file, software=f"knead {software_version()}", force=force)
    say(f"saved {_sessions(made.sessions)}, {_size(made.size)}, in {file}; read back and checked")


@click.command(help="Bring the log of a backup back. FILE is checked whole before anything is changed.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Only check the file.")
@click.option("--replace", is_flag=True, help="Although there are sessions: today's log is kept under another name.")
def restore(file: Path, check: bool, replace: bool) -> None:
    from sessions.backup import restore as bring_back
    from sessions.backup import verify

    if check:
        made = verify(file)
        say(f"{file} is whole: {_sessions(made.sessions)} of {made.made_at.astimezone():%Y-%m-%d %H:%M}")
        return
    made, kept = bring_back(file, settings().paths.database, replace=replace)
    say(f"restored {_sessions(made.sessions)} of {made.made_at.astimezone():%Y-%m-%d %H:%M}")
    if kept is not None:
        say(f"the log of before is kept as {kept}")


@click.command(help="Erase all sessions, persons and balls from this computer. There is no way back.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--settings", "with_settings", is_flag=True, help="The settings, too.")
def erase(yes: bool, with_settings: bool) -> None:
    from shutil import rmtree

    from sessions.backup import erase as remove

    paths = settings().paths
    if not yes:
        if not someone():
            raise click.UsageError("nobody can be asked here: say --yes")
        say(f"all sessions in {paths.database} and all kept copies beside it will be gone for good")
        if click.prompt("Type erase to go on", default="", show_default=False, err=True) != "erase":
            say("nothing was erased")
            raise click.exceptions.Exit(1)
    removed = remove(paths.database)
    rmtree(paths.state_dir, ignore_errors=True)
    if with_settings:
        paths.config_file.unlink(missing_ok=True)
    say(f"erased: {len(removed)} file{'' if len(removed) == 1 else 's'} in {paths.data_dir}, and what was remembered")
    say("backups and exports that you keep elsewhere are still there")


def _sessions(count: int) -> str:
    return f"{count} session{'' if count == 1 else 's'}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
