"""The one door from the command line to the screens: who may enter, and what the screens are given."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from companion.cli.first import once, tell

if TYPE_CHECKING:
    from companion.config import Settings
    from companion.engine import Observer
    from companion.run import LiveRequest, Run
    from companion.tui.deck import Deck, Live
    from companion.tui.liveview import Marks
    from sessions.events import Fields
    from sessions.session import SessionData, SessionRow


def on_terminal() -> bool:
    """Whether a screen can be shown: someone types, reads, and the terminal can place a cursor.

    All three streams count: the screen is drawn on stderr, and data asked for on stdout must not be lost behind it.
    """
    streams = (sys.stdin, sys.stdout, sys.stderr)
    try:
        seen = all(stream is not None and stream.isatty() for stream in streams)
    except ValueError:  # closed
        return False
    return seen and os.environ.get("TERM", "") not in ("dumb", "unknown")


def wants_screen(form: str | None) -> bool:
    """A screen, unless lines were asked for or there is no terminal."""
    return form is None and on_terminal()


def open_home(settings: "Settings") -> int:
    """All screens, from the first. Gives the exit code."""
    return _shown(replace(_deck(settings), preface=once(settings.paths)))


def open_live(settings: "Settings", request: "LiveRequest") -> int:
    """One session on a ball, once what is due has been asked."""
    code = _asked(settings, request.person, request.address)
    return code if code is not None else _open(settings, _live(settings, request))


def open_demo(settings: "Settings", seconds: float | None, speed: float) -> int:
    """One session on the virtual ball of the showcase."""
    return _open(settings, _demo(settings, seconds, speed))


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
    from companion.cli.failures import say
    from companion.cli.printers import Plain
    from companion.cli.watch import Ending, session_row
    from companion.cli.zones import edges_of

    tell(settings.paths)
    if live.run.warning:
        say(live.run.warning)
    code = _shown(_deck(settings), live)
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


def _deck(settings: "Settings") -> "Deck":
    """Each callable goes by the settings that hold when it is called."""
    from companion import balls, compose
    from companion.cli.heard import Heard
    from companion.cli.limit_book import OwnBook
    from companion.cli.pair_deck import pairing_of
    from companion.cli.program_page import program_page
    from companion.cli.programs import folder_of
    from companion.cli.reviewing import LogReview
    from companion.cli.scan import called, paired_afar, places
    from companion.cli.sheets import due, left_lines, today_lines
    from companion.cli.shelf import Shelf
    from companion.run import LiveRequest
    from companion.tui.deck import Deck

    shelf = Shelf(settings)

    def address_of(address: str) -> "Live":
        held = shelf.settings
        request = LiveRequest(
            address=address,
            person=held.person,
            region=held.region,
            side=held.side,
            tool=held.tool,
            handsfree=held.handsfree,
        )
        return _live(held, request)

    def guided(address: str, key: str, side: str) -> "Live":
        held = shelf.settings
        request = LiveRequest(
            address=address,
            person=held.person,
            side=side,
            tool=held.tool,
            program=key,
            handsfree=held.handsfree,
        )
        return _live(held, request)

    return Deck(
        devices=lambda: [*called(places()), *called(paired_afar()), *balls.virtual_places()],
        live=address_of,
        demo=lambda: _demo(shelf.settings, None, 1.0),
        tare=lambda address: compose.tare(address, shelf.settings),
        sessions=partial(_sessions, settings),
        load=partial(_load, settings),
        delete=partial(_delete, settings),
        sheet=lambda address: due(shelf.settings, shelf.settings.person, address),
        today=lambda: today_lines(shelf.settings),
        left=lambda region, side: left_lines(shelf.settings, region, side),
        programs=lambda: program_page(shelf.settings),
        guided=guided,
        side=settings.side,
        settings=shelf,
        limits=OwnBook(shelf),
        sound=Heard(shelf),
        pairing=pairing_of(shelf),
        review=LogReview(settings.paths.database, settings.person, folder_of(settings)),
        keys=settings.keys,
        theme=settings.theme,
        fps=settings.fps,
    )


def _live(settings: "Settings", request: "LiveRequest") -> "Live":
    from companion import compose

    title = request.address or "the last ball"
    return _watched(lambda view: compose.live(request, settings, (view,)), title, request.record)


def _demo(settings: "Settings", seconds: float | None, speed: float) -> "Live":
    from companion import compose

    return _watched(lambda view: compose.demo(settings, seconds=seconds, speed=speed, observers=(view,)), "demo", True)


def _watched(make: "Callable[[Observer], Run]", title: str, recorded: bool) -> "Live":
    from companion.tui.deck import Live
    from companion.tui.liveview import LiveView

    view = LiveView(_marks)
    run = make(view)
    return Live(run, view, title, recorded, run.words, lambda: run.coach)


def _marks(context: "Fields") -> "Marks | None":
    from companion.cli.zones import limits_of
    from companion.safety.limits import stop_kpa, zone_edges_kpa
    from companion.tui.liveview import Marks

    limits = limits_of(context)
    return None if limits is None else Marks(*zone_edges_kpa(limits), stop_kpa(limits))


def _sessions(settings: "Settings") -> "list[SessionRow]":
    from sessions.store import Store

    with Store(settings.paths.database) as store:
        return store.list()


def _load(settings: "Settings", session: str) -> "SessionData":
    from sessions.store import Store

    with Store(settings.paths.database) as store:
        return store.load(session)


def _delete(settings: "Settings", session: str) -> None:
    from sessions.store import Store

    with Store(settings.paths.database) as store:
        store.delete(session)
