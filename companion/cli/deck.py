"""What the screens are given: each callable imports what it needs when it is called, so that they show at once."""

from functools import partial
from typing import TYPE_CHECKING, Any

from companion.cli.shelf import Shelf
from companion.tui.deck import Deck

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from companion.config import Settings
    from companion.engine import Observer
    from companion.inreach import Place
    from companion.run import LiveRequest, Run
    from companion.tui.books import ProgramPage
    from companion.tui.deck import Live, Outcome
    from companion.tui.liveview import Marks
    from sessions.events import Fields
    from sessions.session import SessionData, SessionRow


def deck_of(settings: "Settings", preface: str = "") -> Deck:
    """Each callable goes by the settings that hold when it is called."""
    from companion.cli.heard import Heard
    from companion.cli.limit_book import OwnBook
    from companion.cli.pair_deck import pairing_of
    from companion.cli.reviewing import LogReview
    from companion.cli.sheets import due, left_lines, today_lines

    shelf = Shelf(settings)
    return Deck(
        devices=_devices,
        live=partial(_of_address, shelf),
        guided=partial(_guided, shelf),
        demo=lambda: demo_run(shelf.settings, None, 1.0),
        tare=partial(_tare, shelf),
        sessions=partial(_sessions, settings),
        load=partial(_load, settings),
        delete=partial(_delete, settings),
        sheet=lambda address: due(shelf.settings, shelf.settings.person, address),
        today=lambda: today_lines(shelf.settings),
        left=lambda region, side: left_lines(shelf.settings, region, side),
        programs=partial(_programs, shelf),
        preface=preface,
        side=settings.side,
        settings=shelf,
        limits=OwnBook(shelf),
        sound=Heard(shelf),
        pairing=pairing_of(shelf),
        review=LogReview(settings.paths.database, settings.person, settings.paths.programs_dir),
        keys=settings.keys,
        theme=settings.theme,
        fps=settings.fps,
    )


def live_run(settings: "Settings", request: "LiveRequest") -> "Live":
    """A session on a ball, made but not started."""
    from companion import compose

    title = request.address or "the last ball"
    return _watched(lambda view: compose.live(request, settings, (view,)), title, request.record)


def demo_run(settings: "Settings", seconds: float | None, speed: float) -> "Live":
    """A session on the virtual ball of the showcase, made but not started."""
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


# --- balls and runs ---


def _devices() -> "Sequence[Place]":
    from companion import inreach
    from companion.cli.scan import called, paired_afar, places

    return [*called(places()), *called(paired_afar()), *inreach.virtual_places()]


def _of_address(shelf: Shelf, address: str) -> "Live":
    return _run(shelf, address=address, region=shelf.settings.region, side=shelf.settings.side)


def _guided(shelf: Shelf, address: str, key: str, side: str) -> "Live":
    return _run(shelf, address=address, program=key, side=side)


def _run(shelf: Shelf, **wanted: Any) -> "Live":
    from companion.run import LiveRequest

    held = shelf.settings
    request = LiveRequest(person=held.person, tool=held.tool, handsfree=held.handsfree, **wanted)
    return live_run(held, request)


def _tare(shelf: Shelf, address: str) -> "Outcome":
    from companion import compose

    return compose.tare(address, shelf.settings)


def _programs(shelf: Shelf) -> "ProgramPage":
    from companion.cli.program_page import program_page

    return program_page(shelf.settings)


# --- the log ---


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
