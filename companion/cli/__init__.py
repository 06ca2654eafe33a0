"""The command line.

Laws of this package: data to stdout, words to stderr. Nothing reads standard input unless a person sits at it.
No command imports more than it needs: this module knows click alone, a command's file is read when it is run.
An error is one line, one hint and an exit code; a traceback is a bug.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# name: (where its click command is, its line in the help)
COMMANDS = {
    "demo": ("companion.cli.live:demo", "Watch a virtual ball for a minute: no hardware needed."),
    "live": ("companion.cli.live:live", "Show, judge and record a ball's pressure."),
    "calibrate": ("companion.cli.calibrate:calibrate", "Tell a ball what its numbers mean, by known weights."),
    "tare": ("companion.cli.tare:tare", "Make the ball's present load its zero."),
    "scan": ("companion.cli.scan:scan", "List the balls in reach."),
    "pair": ("companion.cli.pair:pair", "Get to know a ball, check it, and remember it."),
    "devices": ("companion.cli.devices:devices", "List the balls that are remembered."),
    "forget": ("companion.cli.devices:forget", "Forget a ball; its sessions stay."),
    "sessions": ("companion.cli.sessions:sessions", "Find, show, plot, annotate or delete sessions."),
    "compare": ("companion.cli.compare:compare", "Lay sessions over each other."),
    "trends": ("companion.cli.trends:trends", "How sessions went over weeks."),
    "export": ("companion.cli.export:export", "Write sessions as CSV, JSON, JSON lines or Parquet."),
    "report": ("companion.cli.report:report", "One page of a session or a week, as HTML or PDF."),
    "import": ("companion.cli.importing:import_", "Add sessions of another library, a backup or CSV."),
    "backup": ("companion.cli.backup:backup", "Save the whole log in one file, checked."),
    "restore": ("companion.cli.backup:restore", "Bring a backup back, or check one."),
    "erase": ("companion.cli.backup:erase", "Erase all sessions and all that is kept."),
    "programs": ("companion.cli.programs:programs", "What one may be led through, step by step."),
    "limits": ("companion.cli.limits:limits", "Show the limits each region is judged by, and set your own."),
    "screen": ("companion.cli.questions:screen", "Answer the questions that the limits depend on."),
    "today": ("companion.cli.today:today", "What is left today per region, and when again."),
    "check": ("companion.cli.check:check", "Does a ball keep the protocol: pass, or what to mend."),
    "simulate": ("companion.cli.simulate:simulate", "Offer a virtual ball for others to connect to."),
    "config": ("companion.cli.config:config", "Read or change a setting."),
    "doctor": ("companion.cli.doctor:doctor", "Check what knead needs, and say what to mend."),
    "completion": ("companion.cli.completion:completion", "Print a completion script for a shell."),
}


class LazyGroup(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        options = click.Command.shell_complete(self, ctx, incomplete)
        found = [(name, line) for name, (_, line) in COMMANDS.items() if name.startswith(incomplete)]
        return [CompletionItem(name, help=line) for name, line in found] + options


def _version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    from companion.cli.failures import software_version

    click.echo(f"knead {software_version()}")
    ctx.exit()


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print the version."
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """The companion of a pressure-sensing massage ball.

    Alone it opens the screen. Not a medical device: `knead limits show` says what it judges by.
    """
    if ctx.invoked_subcommand is not None:
        return
    from companion.cli.screen import open_home
    from companion.cli.terminal import on_terminal

    if on_terminal():
        from companion.cli.options import settings

        ctx.exit(open_home(settings()))
    click.echo(ctx.get_help())
    ctx.exit(2)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every error ends here as one line. Gives the exit code and never raises."""
    from companion.cli.failures import harden_streams, report, settle_stdout
    from companion.cli.signals import raised

    harden_streams()
    try:
        with raised():
            code = _invoke(sys.argv[1:] if arguments is None else list(arguments))
        if sys.stdout is not None:
            sys.stdout.flush()
    except BaseException as error:
        code = report(error)
        settle_stdout()
    return code


def _invoke(arguments: list[str]) -> int:
    """Click's own `main` would turn a reader that has gone into an exit of its own; only completion needs it."""
    if os.environ.get("_KNEAD_COMPLETE"):
        cli.main(arguments, "knead")
    with cli.make_context("knead", arguments) as ctx:
        cli.invoke(ctx)
    return 0
