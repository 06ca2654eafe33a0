"""What several commands take, and the settings that hold for them."""

import math
import os
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from companion.config import Settings

Command = TypeVar("Command", bound=Callable[..., Any])
T = TypeVar("T")


def settings(**flags: object) -> "Settings":
    """What holds for this command; its warnings go to stderr. Raises ConfigError."""
    from companion.cli.failures import say
    from companion.config import load_settings

    found = load_settings(flags=flags)
    for warning in found.warnings:
        say(warning)
    return found


class Number(click.FloatRange):
    """A number within bounds: nan lies within none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if number != number:
            self.fail(f"{value} is not a number", param, ctx)
        return number


class Positive(Number):
    """Seconds or a factor: above 0, and finite."""

    def __init__(self, highest: float) -> None:
        super().__init__(min=0, min_open=True, max=highest)


SECONDS = Positive(7 * 86_400)  # a week: more is a slip of the hand
ARM = Number(0, 600)
SPEED = Positive(1_000)  # far beyond what any machine follows


class Pace(Positive):
    """A factor, or `max`: as fast as can be."""

    name = "factor"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        return math.inf if value in ("max", math.inf) else super().convert(value, param, ctx)


PACE = Pace(1_000)


class PlainPath(click.Path):
    """A path that prints: one with an escape in it was not typed by a person."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not os.fspath(value).isprintable():
            self.fail("the path has characters that do not print", param, ctx)
        return super().convert(value, param, ctx)


FILE = PlainPath(path_type=Path, dir_okay=False)
LINK = PlainPath(path_type=Path)


def setting(name: str) -> Callable[[Command], Command]:
    """An option that overrides the setting of this name, checked where all settings are."""
    from companion.config import KEYS

    key = KEYS[name]

    def complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> "list[str | CompletionItem]":
        options: Iterable[str] = getattr(key.rule, "options", lambda: ())()
        return [option for option in options if option.startswith(incomplete)]

    return click.option(f"--{name}", metavar=name.upper(), help=key.what.capitalize() + ".", shell_complete=complete)


def output(command: Callable[..., T]) -> Callable[..., T]:
    """`--plain` or `--jsonl`, given to the command as its `form`: "plain", "jsonl" or None. Both are a wrong use."""

    @wraps(command)
    def chosen(*arguments: Any, plain: bool, jsonl: bool, **others: Any) -> T:
        if plain and jsonl:
            raise click.UsageError("--plain and --jsonl are two forms of the same lines: choose one")
        return command(*arguments, form="jsonl" if jsonl else "plain" if plain else None, **others)

    marked = click.option("--jsonl", is_flag=True, help="One event a line, as JSON.")(chosen)
    return click.option("--plain", is_flag=True, help="Plain lines instead of the screen.")(marked)


def quiet(command: Command) -> Command:
    """`--quiet`: nothing is heard; what is seen stays as it is."""
    return click.option("--quiet", is_flag=True, help="No tones and no voice; every warning is still shown.")(command)


def silence(quiet: bool) -> dict[str, object]:
    """The settings that `--quiet` stands for."""
    return {"sound": False, "voice": False} if quiet else {}


def document(command: Command) -> Command:
    """`--json`: one document."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document.")(command)
