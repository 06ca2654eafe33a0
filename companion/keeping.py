"""What is kept of a person: answers, own limits and locks, each change listed."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from companion.errors import ConfigError
from companion.past import Past, place_of
from companion.remembered import locked_place, symptom
from companion.safety.person import (
    Lock,
    Person,
    agreed,
    checked_in,
    columns,
    next_day,
    read_person,
    screened,
)
from companion.safety.screening import Answer, Standing, check_answers
from sessions.errors import SessionError
from sessions.events import Event, Fields, Json, Notice, Opened

if TYPE_CHECKING:
    from sessions.people import Kept


def change(
    database: Path,
    name: str,
    kind: str,
    fields: Fields,
    make: Callable[[Person], Person],
    *,
    not_while_recording: bool = False,
) -> Person:
    """Change what is kept of a person, and add it to the list of changes. Raises SessionError, and what `make` does."""
    from sessions.store import Store

    def fresh(kept: "Kept") -> "Kept":
        try:
            person = read_person(name, kept)
        except ConfigError:
            person = Person(name)  # what cannot be read is replaced, never half kept
        return columns(make(person))

    with Store(database) as store:
        kept = store.people.change(
            name, datetime.now(UTC), kind, fields, fresh, not_while_recording=not_while_recording
        )
    return read_person(name, kept)


def answered(database: Path, name: str, when: str, answers: Mapping[str, Answer], known: Past) -> None:
    """Keep the answers of the week, of the short check, or of the day after. Raises ConfigError, SessionError."""
    checked = check_answers(answers, when)
    now = datetime.now(UTC)
    told: dict[str, Json] = dict(checked)
    if when == "session" and known.verdict.standing is Standing.EMERGENCY:
        raise ConfigError("after that answer the short check is not enough", "answer all questions: knead screen")
    if when == "after":
        session = known.history.outings[-1].session if known.history.outings else ""
        due = known.after_due()
        session = session if due is None else due.session
        if not session:
            raise ConfigError("there is no session to ask about", "simulated sessions do not count")
        change(database, name, when, told, lambda one: next_day(one, session, known.places(session), checked, now))
    elif when == "session":
        change(database, name, when, told, lambda one: checked_in(one, checked, now))
    else:
        change(database, name, when, told, lambda one: screened(one, checked, now))


def not_asked_again(database: Path, name: str, known: Past) -> None:
    """The day after was asked about, and not answered: it is asked once."""
    due = known.after_due()
    if due is not None:
        session = due.session
        change(database, name, "not answered", {"session": session}, lambda one: replace(one, asked_after=session))


def agree(database: Path, name: str, who: str) -> None:
    """A clinician has agreed to all that waits for one."""
    change(database, name, "agreed", {"by": who}, lambda one: agreed(one, who))


def without_raises(database: Path, name: str) -> None:
    """Limits that came from elsewhere only lower: a raise is typed here, with its reason, or there is none."""

    def make(person: Person) -> Person:
        own = {region: replace(limit, raised=1.0) for region, limit in person.limits.items()}
        return replace(person, limits=MappingProxyType(own))

    change(database, name, "limits imported", {}, make)


class Symptoms:
    """An observer that keeps the locks of a session; `keep` writes them once it is over."""

    def __init__(self, database: Path, name: str) -> None:
        self._database, self._name = database, name
        self._locks: list[Lock] = []
        self._opened: Opened | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Opened):
            self._opened = event
        place = locked_place(event)
        if place is not None and self._opened is not None and not self._opened.simulated:
            at = self._opened.started_at + timedelta(seconds=_seconds(event))
            self._locks.append(symptom(*place, at))

    def keep(self) -> None:
        """Quiet: the log has the symptom too, and is read before the next session."""
        if not self._locks:
            return
        told: list[Json] = [place_of(lock.region, lock.side) for lock in self._locks]
        with contextlib.suppress(SessionError, ConfigError):
            change(self._database, self._name, "locked", {"places": told}, lambda one: one.with_locks(*self._locks))


def _seconds(event: Event) -> float:
    return event.t_s if isinstance(event, Notice) else 0.0
