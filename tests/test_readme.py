"""The README's commands are such as there are: each is parsed by the command it names, options, choices and all."""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.exceptions import Exit

from companion.cli import COMMANDS, cli

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(knead [^`]+)`")
_COMMENT = re.compile(r"(^|\s)#.*")


def commands() -> list[str]:
    """Every one in a block or between backticks, without the comment behind it."""
    lines = [line for block in _BLOCK.findall(README) for line in block.splitlines()]
    told = [part.strip().removeprefix(".venv/bin/") for line in lines for part in _COMMENT.sub("", line).split("&&")]
    told += [" ".join(text.split()) for text in _INLINE.findall(README)]
    return sorted({text for text in told if text.startswith("knead ")})


def parsed(arguments: list[str]) -> click.Command:
    """The command that takes them. Raises UsageError; runs nothing but what answers by itself, as --help does."""
    command: click.Command = cli
    context = click.Context(cli, info_name="knead")
    while isinstance(command, click.Group) and not arguments[0].startswith("-"):
        found = command.get_command(context, arguments[0])
        if found is None:
            raise click.UsageError(f"there is no {arguments[0]}")
        command, arguments = found, arguments[1:]
        context = click.Context(command, info_name=command.name, parent=context)
    try:
        command.make_context(command.name, [*arguments], parent=context.parent)
    except Exit as answered:
        assert answered.exit_code == 0
    return command


@pytest.mark.parametrize("text", commands())
def test_a_command_of_the_readme_is_one_that_there_is(text: str) -> None:
    assert isinstance(parsed(shlex.split(text)[1:]), click.Command)


def test_the_readme_names_every_command() -> None:
    words = {word for text in re.findall(r"knead [^`\n#;)]+", README) for word in text.split()}
    assert [name for name in COMMANDS if name not in words] == []


def test_one_that_there_is_not_would_be_found() -> None:
    for wrong in (["live", "--bogus"], ["nonsense"], ["simulate", "serial", "--scenario", "nonsense"]):
        with pytest.raises(click.UsageError):
            parsed(wrong)
