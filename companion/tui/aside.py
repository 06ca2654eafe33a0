"""Calls that may take their time, made beside the screen's loop."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from textual.screen import Screen

T = TypeVar("T")


def is_going(screen: Screen[Any]) -> bool:
    """Whether a screen is being taken down, or has been: from then on none of its widgets can be counted on."""
    return not screen.display


async def aside(call: Callable[[], T], screen: Screen[Any] | None = None) -> T:
    """Run a call in a thread of its own and wait for what it gives or raises.

    The thread is a daemon: a call that hangs keeps neither the screen nor the end of the program waiting.
    Where the call is made for a `screen` that has gone meanwhile, whoever waits is cancelled: a worker ends there.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def hand_over(settle: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if done.done() else settle())

    def work() -> None:
        try:
            result = call()
        except Exception as error:
            failure = error
            hand_over(lambda: done.set_exception(failure))
        else:
            hand_over(lambda: done.set_result(result))

    threading.Thread(target=work, name="knead aside", daemon=True).start()
    try:
        return await done
    finally:
        if screen is not None and is_going(screen):
            raise asyncio.CancelledError
