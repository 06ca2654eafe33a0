"""Errors as a user meets them: one line, one hint, one exit code."""

import contextlib
import os
import sys

import click

from companion.cli.signals import Ended
from companion.cli.text import clean
from companion.errors import CompanionError
from firmware_protocol.errors import ProtocolError
from sessions.errors import SessionError

READER_GONE = 128 + 13  # whoever read our output has gone: what SIGPIPE would have given
_LONGEST = 1000  # of a message: it may list what is allowed


def software_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("knead-companion")
    except PackageNotFoundError:
        return "not installed"


def harden_streams() -> None:
    """What a terminal cannot show is shown by its code, instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(text: str, hint: str = "") -> None:
    """`knead: text`, and the hint under it, on stderr. Never raises."""
    mention(f"knead: {clean(text, _LONGEST)}")
    if hint:
        mention(f"  {clean(hint, _LONGEST)}")


def mention(line: str) -> None:
    """A line on stderr, if there is still anyone. Never raises."""
    with contextlib.suppress(OSError, ValueError):
        click.echo(line, err=True)


def report(error: BaseException) -> int:
    """Tell the user, and give the exit code."""
    if os.environ.get("KNEAD_DEBUG") == "1" and not isinstance(error, click.exceptions.Exit):
        import traceback

        with contextlib.suppress(OSError, ValueError):
            traceback.print_exception(error)
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case SystemExit():
            return error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        case Ended():
            say(f"ended by signal {error.number}")
            return 128 + error.number
        case click.Abort() | KeyboardInterrupt():
            say("interrupted")
            return 130
        case click.UsageError():
            say(error.format_message(), _usage_hint(error))
        case click.ClickException():
            say(error.format_message())
        case CompanionError() | SessionError():
            say(str(error), error.hint)
        case ProtocolError():
            say(str(error))
        case BrokenPipeError():
            pass
        case OSError():
            say(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
        case _:
            what = f"{type(error).__name__}: {error}".rstrip(": ")
            say(f"unexpected error, please report it: {what}", "KNEAD_DEBUG=1 shows where it happened")
    return exit_code(error)


def exit_code(error: BaseException) -> int:
    """Which of the documented exit codes an error stands for."""
    match error:
        case CompanionError() | click.ClickException():
            return error.exit_code
        case SessionError():
            return 6
        case BrokenPipeError():
            return READER_GONE
        case _:
            return 1


def _usage_hint(error: click.UsageError) -> str:
    return f"see {error.ctx.command_path} --help" if error.ctx is not None else "see knead --help"


def settle_stdout() -> None:
    """Write what still waits. Where that cannot be, drop it, lest it fail again when the interpreter ends."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
