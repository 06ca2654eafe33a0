"""`knead config`: works with a broken file too, for it is how one is mended."""

import os

import click

from companion.cli.failures import say
from companion.cli.shelf import shown
from companion.config import KEYS, find_paths, resolve, write_setting


@click.group(help="Read or change a setting.")
def config() -> None:
    pass


@config.command(help="Print where the config file is, or would be.")
def path() -> None:
    click.echo(str(find_paths().config_file))


@config.command(help="Print what holds: one key's value, or all with where each comes from.")
@click.argument("key", type=click.Choice(tuple(KEYS)), required=False)
def get(key: str | None) -> None:
    found = resolve(find_paths(), os.environ)
    for warning in found.warnings:
        say(warning)
    for problem in found.problems:
        say(str(problem), problem.hint)
    if key is not None:
        click.echo(shown(found.values[key]))
        return
    for name in KEYS:
        click.echo(f"{name} = {shown(found.values[name])}  ({found.origins[name]})")


@config.command("set", help="Write a key's value into the config file.")
@click.argument("key", type=click.Choice(tuple(KEYS)))
@click.argument("value")
def set_(key: str, value: str) -> None:
    paths = find_paths()
    written = write_setting(paths, key, value)
    say(f"{key} = {shown(written)} in {paths.config_file}")
    if os.environ.get(KEYS[key].variable):
        say(f"{KEYS[key].variable} is set and outranks it")


@config.command(help="List every key of the screens, by the name it is rebound by: [keys] in the config file.")
def keys() -> None:
    from companion.config import load_settings
    from companion.tui.rebinding import table

    for screen, rows in table(load_settings().keys).items():
        for key in rows:
            click.echo(f"{screen + '.' + key.deed:<22} {key.shown or key.keys:<14} {key.told or key.label}".rstrip())
