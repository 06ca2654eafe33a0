"""The log, opened for a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from companion.cli.failures import say
from companion.cli.options import settings
from companion.cli.text import span

if TYPE_CHECKING:
    from sessions.store import Store


@contextmanager
def open_store(tell: bool = True) -> "Iterator[Store]":
    """The log, for a command; what its opening recovered is told."""
    from sessions.store import Store

    with Store(settings().paths.database) as store:
        if tell:
            for row in store.recovered:
                say(f"recovered session {row.id}, {span(row.duration_s)}: it had not been ended")
        yield store
