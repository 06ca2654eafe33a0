"""The log as commands open it: what a crash left is recovered, and said."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from companion.cli.failures import say
from companion.cli.options import settings
from companion.cli.text import span

if TYPE_CHECKING:
    from sessions.store import Store


@contextmanager
def opened_log(tell: bool = True) -> "Iterator[Store]":
    """The user's log. With `tell`, what its opening recovered is said. Raises SessionError."""
    from sessions.store import Store

    with Store(settings().paths.database) as store:
        if tell:
            for row in store.recovered:
                say(f"recovered session {row.id}, {span(row.duration_s)}: it had not been ended")
        yield store


def pointed_at(store: "Store", named: Sequence[str], everything: bool) -> list[str]:
    """The ids of the sessions a command was given, each once, the oldest first where all are meant."""
    if everything:
        return [row.id for row in reversed(store.list())]
    return list(dict.fromkeys(store.row(name).id for name in named))
