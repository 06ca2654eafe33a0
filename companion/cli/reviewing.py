"""The log as the screens ask for it."""

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from companion.tui.reviewing import Page, Trends

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from companion.tui.overlay import Compared
    from sessions.about import About
    from sessions.store import Store


class LogReview:
    """Opens the log for each call: another program may hold it in between."""

    def __init__(self, path: "Path", person: str, programs: "Path") -> None:
        """`programs`: where the person's own programs lie."""
        self._path = path
        self._person = person
        self._programs = programs

    @contextmanager
    def _store(self) -> "Iterator[Store]":
        from sessions.store import Store

        with Store(self._path) as store:
            yield store

    def find(self, text: str, sort: str, offset: int, limit: int) -> Page:
        from sessions.filters import parse

        wanted = parse(text, datetime.now().astimezone().date())
        with self._store() as store:
            rows = store.find(wanted, sort=sort, offset=offset, limit=limit)
            whole = store.count().sessions
            return Page(rows, store.count(wanted).sessions if text.strip() else whole, whole)

    def about(self, session: str) -> "About":
        with self._store() as store:
            return store.about(session)

    def annotate(self, session: str, **said: Any) -> object:
        with self._store() as store:
            return store.annotate(session, **said)

    def mark(self, session: str, t_s: float, words: str) -> object:
        with self._store() as store:
            return store.mark(session, t_s, words)

    def compared(self, sessions: "Sequence[str]", align: str) -> "Compared":
        from companion.tui.overlay import compared

        with self._store() as store:
            return compared([(store.load(name), store.about(name).curve) for name in sessions], align)

    def proposed(self, began: datetime) -> str:
        from companion.cli.handing import proposed

        return proposed(began)

    def export(self, sessions: "Sequence[str]", text: str) -> str:
        from companion.cli.handing import hand_on

        with self._store() as store:
            return hand_on(store, sessions, text)

    def trends(self, weeks: int) -> Trends:
        from companion.cli.plans import begun, plan_lines
        from companion.cli.zones import working
        from sessions.filters import Filter, Term
        from sessions.trends import trends

        today = datetime.now().astimezone().date()
        with self._store() as store:
            visits = store.visits(person=self._person, today=today, weeks=weeks, zones=working)
            found = trends(visits, today, weeks)
            simulated = store.count(Filter((Term("person", "=", self._person.lower()),))).simulated
            plans = begun(store, self._programs, self._person, today)
        return Trends(found, simulated, plan_lines(plans))
