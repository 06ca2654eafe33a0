"""The log of sessions: list, load, annotate, delete. Whoever opens it completes what a crash cut short."""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import delete, select, update

from sessions import digest, reading, review
from sessions.about import About
from sessions.adherence import Guided
from sessions.batches import Batch
from sessions.completion import complete
from sessions.database import Database
from sessions.devices import Devices
from sessions.errors import SessionError, StoreBusyError
from sessions.events import Opened, RegionTotals, Totals
from sessions.filters import ALL, Filter
from sessions.home import default_path
from sessions.inzone import Zones
from sessions.lock import RecordingLock
from sessions.people import People
from sessions.record import Kept, microseconds, opened_of, region_of, started_at, text
from sessions.schema import PERSON, REGION, SESSION
from sessions.session import Course, SessionData, SessionRow, Whole, assemble, course
from sessions.trends import Visit

PAIN = range(11)  # the numeric rating scale
NOTE_MAX = 20_000  # signs: some pages; lists read every note
TAGS_MAX, TAG_MAX = 50, 60


SessionRows = list[SessionRow]
Events = list[Kept]
Visits = list[Visit]
GuidedDays = list[Guided]


@dataclass(frozen=True, slots=True)
class RegionRecord:
    """What one session gave one region and side: what carrying over and trends read."""

    session_id: str
    started_at: datetime
    duration_s: float
    tool: str
    totals: RegionTotals
    state: str = "complete"  # or recovered: cut short by a crash


class Store:
    """One log, open; made where it did not exist. A context manager. All calls raise SessionError.

    Without a path it is the user's own. A session is named by its id, the beginning of its id, or "last".
    Any thread may call.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = default_path() if path is None else path
        self._database = Database(self._path)
        self.people = People(self._database)
        self.devices = Devices(self._database)
        self.recovered: SessionRows = self.recover()  # what this opening has completed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def list(
        self, limit: int | None = None, *, person: str | None = None, since: datetime | None = None
    ) -> SessionRows:
        """Sessions, the newest first."""
        statement = reading.newest_first(reading.LINE).limit(limit)
        if person is not None:
            statement = statement.where(PERSON.c.name == person)
        if since is not None:
            statement = statement.where(SESSION.c.started_us >= microseconds(since))
        with self._database.reading() as connection:
            return [reading.session_row(connection, found) for found in connection.execute(statement).mappings()]

    def find(
        self, wanted: Filter = ALL, *, sort: str = "-date", limit: int | None = None, offset: int = 0
    ) -> SessionRows:
        """Sessions that fit a filter, in an order of `filters.SORTS`. FilterError for an unknown order."""
        return review.lines(self._database, wanted, sort, limit, offset)

    def count(self, wanted: Filter = ALL) -> review.Counted:
        """How many sessions fit a filter."""
        return review.count(self._database, wanted)

    def about(self, session: str) -> About:
        """A session without its samples: stored numbers, events, and where they come from."""
        return review.about(self._database, session)

    def visits(self, *, person: str, today: date, weeks: int, zones: Zones = lambda opened, actions: ()) -> Visits:
        """What `trends.trends` is made of. Simulated sessions do not count. `zones` tells where a session worked."""
        return review.visits(self._database, person, today, weeks, zones)

    def guided(self, *, person: str, programs: Sequence[str], least_s: float) -> GuidedDays:
        """The sessions of a plan's programs. Simulated sessions do not count, nor those of less contact."""
        return review.guided(self._database, person, programs, least_s)

    def mark(self, session: str, t_s: float, words: str = "") -> SessionRow:
        """Set a mark afterwards. ValueError unless the time lies in the session and the words are few."""
        if len(words) > review.MARK_MAX:
            raise ValueError(f"a mark has at most {review.MARK_MAX} signs")
        row = self.row(session)
        if row.state == "recording":
            raise StoreBusyError(f"Session {row.id} is being recorded.", "End it first.")
        if not 0 <= t_s <= row.duration_s:
            raise ValueError(f"a mark lies between 0 and {row.duration_s:.0f} s")
        with self._database.writing() as connection:
            review.add_mark(connection, reading.find(connection, row.id)["id"], t_s, words)
        return row

    def row(self, session: str) -> SessionRow:
        """One session's line."""
        with self._database.reading() as connection:
            return reading.session_row(connection, reading.find(connection, session))

    def load(self, session: str) -> SessionData:
        """All of one session, as far as it is journalled. UnreadableError names what is damaged."""
        return assemble(*self.whole(session))

    def whole(self, session: str) -> Whole:
        """All of one session with each batch's own stamps, as it is to be handed on. UnreadableError as `load`."""
        with self._database.reading() as connection:
            found = reading.find(connection, session, reading.WHOLE)
            row = reading.session_row(connection, found)
            parts, events = reading.parts(connection, found), reading.events(connection, found)
        return Whole(row, opened_of(found), found["unit"], parts, events)

    def opened(self, session: str) -> Opened:
        """How it began, with the guard's whole context."""
        with self._database.reading() as connection:
            return opened_of(reading.find(connection, session, reading.WHOLE))

    def batches(self, session: str) -> Iterator[Batch]:
        """The session's batches with their own stamps, in the order they came: what a replay feeds."""
        with self._database.reading() as connection:
            parts = reading.parts(connection, reading.find(connection, session))
        for part in parts:
            yield from part.batches()

    def course(self, session: str) -> Course:
        """All that a replay needs, whole, and in the order it came."""
        with self._database.reading() as connection:
            found = reading.find(connection, session, reading.WHOLE)
            row = reading.session_row(connection, found)
            parts, told = reading.parts(connection, found), reading.told(connection, found)
            end_s = reading.end_s(connection, found)
        return course(row, opened_of(found), parts, told, end_s)

    def events(self, session: str) -> Events:
        """Alerts, notices and actions in order; among them totals, at least every ten seconds and the last."""
        with self._database.reading() as connection:
            return reading.events(connection, reading.find(connection, session))

    def regions(self, session: str) -> tuple[RegionTotals, ...]:
        """What each region and side got in all."""
        totals = [event for event in self.events(session) if isinstance(event, Totals)]
        return totals[-1].regions if totals else ()

    def region_records(self, *, person: str, since: datetime | None = None) -> Sequence[RegionRecord]:
        """What each region got in each of a person's ended sessions, the oldest first. Simulated ones do not count."""
        names = ("uuid", "started_us", "utc_offset_s", "duration_s", "tool", "state")
        wanted = [SESSION.c[name] for name in names]
        statement = (
            select(*wanted, *REGION.columns)
            .select_from(reading.TABLES.join(REGION, REGION.c.session_id == SESSION.c.id))
            .where(PERSON.c.name == person, SESSION.c.simulated.is_(False))
            .order_by(SESSION.c.started_us, SESSION.c.id, REGION.c.place)
        )
        if since is not None:
            statement = statement.where(SESSION.c.started_us >= microseconds(since))
        with self._database.reading() as connection:
            rows = connection.execute(statement).mappings().all()
        return [
            RegionRecord(
                row["uuid"], started_at(row), row["duration_s"] or 0.0, row["tool"], region_of(row), row["state"]
            )
            for row in rows
        ]

    def annotate(
        self,
        session: str,
        *,
        note: str | None = None,
        tags: Sequence[str] | None = None,
        pain_before: int | None = None,
        pain_after: int | None = None,
        unknown: Sequence[str] = (),
    ) -> SessionRow:
        """Write down what the person says; what is None stays. Pain is 0 to 10, else ValueError.

        `unknown` names scores that are to be forgotten: "pain_before", "pain_after".
        """
        if any(pain is not None and pain not in PAIN for pain in (pain_before, pain_after)):
            raise ValueError("pain is a whole number from 0 to 10")
        if note is not None and len(note) > NOTE_MAX:
            raise ValueError(f"a note has at most {NOTE_MAX} signs")
        if tags is not None and (len(tags) > TAGS_MAX or any(len(tag) > TAG_MAX for tag in tags)):
            raise ValueError(f"a session has at most {TAGS_MAX} tags of at most {TAG_MAX} signs")
        said: dict[str, Any] = {
            "note": None if note is None else text(note),
            "tags": None if tags is None else [text(tag) for tag in tags],
            "pain_before": pain_before,
            "pain_after": pain_after,
        }
        fresh = {name: value for name, value in said.items() if value is not None}
        fresh |= {name: None for name in unknown if name in ("pain_before", "pain_after")}
        with self._database.writing() as connection:
            found = reading.find(connection, session)
            if fresh:
                connection.execute(update(SESSION).where(SESSION.c.id == found["id"]).values(fresh))
                digest.forget(connection, found["id"])
            return reading.session_row(connection, reading.find(connection, found["uuid"]))

    def delete(self, session: str) -> SessionRow:
        """Remove a session, and its bytes from the file. StoreBusyError while it is recorded."""
        with self._database.writing() as connection:
            found = reading.find(connection, session)
            row = reading.session_row(connection, found)
            if row.state == "recording":
                raise StoreBusyError(f"Session {row.id} is being recorded.", "End it first.")
            connection.exec_driver_sql("PRAGMA secure_delete = ON")  # what a person deletes is not to be found again
            connection.execute(delete(SESSION).where(SESSION.c.id == found["id"]))
        self._database.tidy()
        return row

    def recover(self) -> SessionRows:
        """Complete the sessions in state recording that nobody records any more; gives them.

        One that cannot be completed now (another program holds the log, the disk is full) stays for the next
        time: opening the log is not to fail for it.
        """
        open_ones = select(SESSION.c.uuid).where(SESSION.c.state == "recording")
        with self._database.reading() as connection:
            names = connection.scalars(open_ones).all()
        recovered = []
        for name in names:
            with suppress(SessionError), closing(RecordingLock(self._path, name)) as lock:
                if lock.take() and self._recover(name):
                    recovered.append(self.row(name))
        if recovered:
            self._database.tidy()
        return recovered

    def _recover(self, name: str) -> bool:
        with self._database.writing() as connection:
            found = reading.find(connection, name)
            if found["state"] != "recording":  # another program was quicker
                return False
            complete(connection, found["id"], "recovered", None, None)
        return True
