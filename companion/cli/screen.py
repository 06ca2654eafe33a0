"""The one door from the command line to the screens: who may enter, and what the screens are given."""

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from companion.cli.first import once, tell
from companion.cli.terminal import on_terminal

if TYPE_CHECKING:
    from companion.config import Settings
    from companion.run import LiveRequest
    from companion.tui.deck import Deck, Live


def wants_screen(form: str | None) -> bool:
    """A screen, unless lines were asked for or there is no terminal."""
    return form is None and on_terminal()


def open_home(settings: "Settings") -> int:
    """All screens, from the first. Gives the exit code."""
    from companion.cli.deck import deck_of

    return _shown(deck_of(settings, once(settings.paths)))


def open_live(settings: "Settings", request: "LiveRequest") -> int:
    """One session on a ball, once what is due has been asked."""
    from companion.cli.deck import live_run

    code = _asked(settings, request.person, request.address)
    return code if code is not None else _open(settings, live_run(settings, request))


def open_demo(settings: "Settings", seconds: float | None, speed: float) -> int:
    """One session on the virtual ball of the showcase."""
    from companion.cli.deck import demo_run

    return _open(settings, demo_run(settings, seconds, speed))


def _asked(settings: "Settings", person: str, address: str | None) -> int | None:
    """Ask all that is due. The exit code where no session begins."""
    from companion.cli.failures import say
    from companion.cli.sheets import due
    from companion.tui.questions import ask
    from companion.tui.sheet import Result

    while (sheet := due(settings, person, address)) is not None:
        answer = ask(sheet, settings.theme)
        if isinstance(answer, Result):
            say(answer.refused, answer.advice)
            return 7
        if isinstance(answer, int):
            return answer
        if answer == "skipped" and sheet.final:
            break
    return None


def _open(settings: "Settings", live: "Live") -> int:
    """Show one run until it is over, then say where it lies: the screen has taken its own words away."""
    from companion.cli.deck import deck_of
    from companion.cli.failures import say
    from companion.cli.plain import Plain
    from companion.cli.watch import Ending, session_row
    from companion.cli.zones import edges_of

    tell(settings.paths)
    if live.run.warning:
        say(live.run.warning)
    code = _shown(deck_of(settings), live)
    session_id, outcome = live.run.session_id, live.run.outcome
    if outcome is not None and outcome.code:
        say(outcome.text, outcome.hint)
    ending = Ending(code, session_id, session_row(session_id, settings), str(settings.paths.database))
    with suppress(OSError):  # the terminal may be what has gone
        for line in Plain(edges_of).ending(ending):
            click.echo(line)
    if live.run.remark:
        say(live.run.remark)
    return code


def _shown(deck: "Deck", live: "Live | None" = None) -> int:
    """The screens, until they are left; what could not be deleted then is said, and is an error."""
    from companion.cli.failures import say
    from companion.tui.app import run_tui

    code = run_tui(deck, live)
    for failure in deck.trash.failures:
        say(f"a session you deleted is still there: {failure}", getattr(failure, "hint", "") or "delete it again")
    return code or int(bool(deck.trash.failures))
