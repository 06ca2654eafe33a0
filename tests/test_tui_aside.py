"""Calls made beside the screen's loop: what becomes of those who wait when their screen goes."""

import asyncio
import threading

import pytest
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from companion.tui.aside import aside, is_going

LIMIT_S = 20.0


class _Leaf(Screen[None]):
    def compose(self) -> ComposeResult:
        yield Static("said", id="said")


async def test_it_gives_what_the_call_gives_while_the_screen_stands() -> None:
    app: App[None] = App()
    async with app.run_test():
        screen = _Leaf()
        await app.push_screen(screen)
        assert await aside(lambda: 7, screen) == 7
        assert screen.query("#said")
        await app.push_screen(_Leaf())
        assert await aside(lambda: 8, screen) == 8, "another screen over it takes nothing away"


@pytest.mark.parametrize("fails", [False, True])
async def test_whoever_waits_for_a_screen_that_has_gone_goes_no_further(fails: bool) -> None:
    """Neither with what was found, nor with why it was not: there is nothing left to say it on."""
    gate = threading.Event()

    def call() -> int:
        assert gate.wait(LIMIT_S)
        if fails:
            raise OSError("no log")
        return 7

    app: App[None] = App()
    async with app.run_test():
        screen = _Leaf()
        await app.push_screen(screen)
        waiting = asyncio.create_task(aside(call, screen))
        await app.pop_screen()
        assert is_going(screen)
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_screen_is_going_from_the_moment_it_is_taken_down() -> None:
    """Its widgets go one by one after that: a search for one of them is no answer."""
    app: App[None] = App()
    async with app.run_test():
        screen = _Leaf()
        await app.push_screen(screen)
        assert not is_going(screen)
        removed = screen.remove()
        assert is_going(screen)
        await removed
        assert is_going(screen)
