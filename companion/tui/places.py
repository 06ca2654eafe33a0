"""Which screen stands for what. Each is loaded when somebody goes there, and not before."""

from collections.abc import Sequence

from textual.screen import Screen

from companion.tui.deck import Deck, SessionRow


def place(name: str, deck: Deck, address: str) -> Screen[None] | None:
    """A place to go to; None for the first screen. `address`: the ball a program would begin on."""
    match name:
        case "programs":
            from companion.tui.programs import ProgramsScreen

            return ProgramsScreen(deck, address)
        case "pair":
            from companion.tui.pair import PairScreen

            return PairScreen(deck)
        case "sessions":
            from companion.tui.sessions import SessionsScreen

            return SessionsScreen(deck)
        case "settings":
            from companion.tui.settings import SettingsScreen

            return SettingsScreen(deck)
        case "limits":
            from companion.tui.limits import LimitsScreen

            return LimitsScreen(deck)
        case _:
            return None


def session(deck: Deck, row: SessionRow) -> Screen[None]:
    from companion.tui.detail import DetailScreen

    return DetailScreen(deck, row)


def comparison(deck: Deck, sessions: Sequence[str]) -> Screen[None]:
    from companion.tui.compare import CompareScreen

    return CompareScreen(deck, tuple(sessions))


def after(deck: Deck, name: str, ended: str) -> Screen[None]:
    """What is told and asked once a session is saved; `ended`: how it ended."""
    from companion.tui.after import AfterScreen

    return AfterScreen(deck, name, ended)


def keys_of(screen: str, deck: Deck) -> Screen[None]:
    """The help, with the keys of one screen first."""
    from companion.tui.help import HelpScreen
    from companion.tui.rebinding import table

    return HelpScreen(screen, table(deck.keys))
