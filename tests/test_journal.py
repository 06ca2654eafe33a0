"""The journal keeps what it is given: over kill -9, full, locked, vanished and hanging disks; and never waits."""

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from time import monotonic

import numpy as np
import pytest

from sessions import journal as journal_module
from sessions.draft import Pending
from sessions.events import Action, Alert, Closed, Event, Level, Notice, Phase, Reading, Totals
from sessions.journal import Journal
from sessions.store import Store
from sessions.writer import SessionWriter
from tests import session_events

LIMIT_S = 20.0  # no wait of a test is longer
ROOT = Path(__file__).parent.parent


class Told:
    """Takes the journal's notices; waits for one."""

    def __init__(self) -> None:
        self._notices: Queue[Notice] = Queue()

    def __call__(self, notice: Notice) -> None:
        self._notices.put(notice)

    def wait(self) -> Notice:
        return self._notices.get(timeout=LIMIT_S)

    @property
    def empty(self) -> bool:
        return self._notices.empty()


def until(seen: Callable[[], bool]) -> None:
    """Wait until `seen`, looking again and again."""
    end = monotonic() + LIMIT_S
    pause = threading.Event()
    while not seen():
        assert monotonic() < end, "did not come"
        pause.wait(0.01)


def healthy(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return whole and connection.execute("PRAGMA foreign_key_check").fetchall() == []


def values_of(events: list[Event]) -> np.ndarray:
    return np.concatenate([event.values for event in events if isinstance(event, Reading)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "knead.db"


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_session_comes_back_as_it_was(path: Path, told: Told) -> None:
    events: list[Event] = list(session_events.session(65.0))
    marked = Action("mark", {"text": "here"}, 30.0, 3000)
    events[900:900] = [session_events.alert(29.0), marked]
    journal = Journal(path, told)
    for event in [*events, Closed(65.0, "user")]:
        journal(event)
    result = journal.close()
    assert (result.unsaved_s, result.error) == (0.0, None)
    assert told.empty
    with Store(path) as store:
        data = store.load("last")
        assert store.recovered == []
    assert data.row.id == result.session_id == journal.session_id
    assert (data.row.state, data.row.end_cause) == ("complete", "user")
    assert np.array_equal(data.values, values_of(events))
    assert data.opened == events[0]
    assert marked in data.events
    assert session_events.alert(29.0) in data.events
    assert data.events[-1] == session_events.totals(64.0)
    assert list(path.parent.iterdir()) == [path], "lock and side files are gone"
    assert healthy(path)


def test_while_it_records_others_see_the_session_and_leave_it_alone(path: Path, told: Told) -> None:
    journal = Journal(path, told, commit_s=0.02)
    for event in session_events.session(3.0):
        journal(event)
    with Store(path) as store:
        until(lambda: [row.duration_s for row in store.list()] == [pytest.approx(2.99)])
        assert store.recover() == []
        assert store.row("last").state == "recording"
        assert len(store.load("last").t_s) == 300
        assert journal.close().error is None
        assert store.row("last").state == "complete"


def test_what_is_given_is_on_disk_within_a_second(path: Path, told: Told) -> None:
    journal = Journal(path, told)
    readings = session_events.readings(3.0)
    took = []
    journal(session_events.opened())
    with Store(path) as store:
        until(lambda: len(store.list()) == 1)
        for seconds in (1, 2, 3):
            for each in readings[20 * (seconds - 1) : 20 * seconds]:
                journal(each)
            given = monotonic()
            until(lambda end=seconds: store.row("last").duration_s > end - 0.02)  # type: ignore[misc] # bound at once
            took.append(monotonic() - given)
    journal.close()
    assert sorted(took)[1] < 1.0, "the median: the machine may be busy once"


def test_it_commits_every_half_second(path: Path, told: Told) -> None:
    journal, waits, waited = Journal(path, told), list[float | None](), threading.Event()

    class Wake(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            waited.set()
            return super().wait(timeout)

    journal._wake = Wake()
    journal(session_events.opened())
    assert waited.wait(LIMIT_S)
    assert waits[0] == 0.5
    assert journal.close().error is None


def test_nothing_opened_is_nothing_kept(path: Path, told: Told) -> None:
    journal = Journal(path, told)
    assert journal.session_id is None
    result = journal.close()
    assert (result.session_id, result.unsaved_s, result.error) == (None, 0.0, None)
    assert not path.exists()


def test_an_event_that_is_none_costs_no_other(path: Path, told: Told) -> None:
    journal = Journal(path, told)
    good = session_events.readings(1.0)
    journal(session_events.opened())
    for each in good[:10]:
        journal(each)
    journal(session_events.reading(good[10].values, 50, t_s=np.empty(0)))
    journal(replace(good[10], values=np.zeros(5, np.int16)))
    journal(session_events.reading(good[10].values, 50, t_s=np.array([np.nan])))
    for each in good[10:]:
        journal(each)
    result = journal.close()
    assert result.error is not None
    assert result.unsaved_s == 0.0
    with Store(path) as store:
        assert store.row("last").scans == 100


def test_a_session_without_a_time_zone_is_told_not_guessed(path: Path, told: Told) -> None:
    journal = Journal(path, told)
    journal(session_events.opened(started_at=session_events.STARTED.replace(tzinfo=None)))
    for each in session_events.readings(1.0):
        journal(each)
    result = journal.close()
    assert result.unsaved_s == pytest.approx(0.99)
    assert result.error is not None
    assert "aware" in result.error


def test_late_batches_and_new_clocks_are_kept(path: Path, told: Told) -> None:
    values = session_events.force_counts(60, 4, 100.0)
    journal = Journal(path, told)
    journal(session_events.opened())
    journal(session_events.reading(values[:20], 0))
    journal(session_events.reading(values[30:40], 30, lost=10))
    journal(session_events.reading(values[20:30], 20, late=True))
    journal(session_events.reading(values[40:], 40, segment=1, t_us=77, lost=0))
    assert journal.close().error is None
    with Store(path) as store:
        data = store.load("last")
        stamps = [(batch.first_index, batch.late, batch.segment, batch.t_us) for batch in store.batches("last")]
    assert np.array_equal(data.values, values)
    assert (np.diff(data.t_s) > 0).all()
    assert data.row.lost == 0
    assert list(data.segment) == [0] * 40 + [1] * 20
    assert stamps == [
        (0, False, 0, 10_000_000),
        (30, False, 0, 10_300_000),
        (20, True, 0, 10_200_000),
        (40, False, 1, 77),
    ]


# Crashes.

CHILD = """
import sys, threading
from pathlib import Path
from sessions.journal import Journal
from tests import session_events

journal, clock, t_s = Journal(Path(sys.argv[1]), print), threading.Event(), 0.0
for event in session_events.session(float(sys.argv[2])):
    journal(event)
    if hasattr(event, "values"):
        t_s = float(event.t_s[-1])
        if sys.argv[3] == "paced":
            clock.wait(0.05)
        print(t_s, flush=True)
print("closing", flush=True)
journal.close(60.0)
"""


def child(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT)


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    yield from process.stdout


def test_killed_at_any_moment_it_loses_at_most_a_second(path: Path) -> None:
    expected = session_events.force_counts(6000, 4, 100.0)
    for count, lines in enumerate((3, 19, 33, 46), start=1):
        with child(CHILD, str(path), "60", "paced") as process:
            given_s = 0.0
            for number, line in enumerate(lines_of(process)):
                given_s = float(line)
                if number == lines:
                    process.kill()
                    break
        assert healthy(path)
        with Store(path) as store:
            rows = store.recovered or store.list()  # killed before the first commit there may be none
            if given_s > 1.0:
                assert [row.state for row in store.recovered] == ["recovered"]
                data = store.load(rows[0].id)
                assert data.row.duration_s >= given_s - 1.0
                assert np.array_equal(data.values, expected[: len(data.values)])
                totals = [event for event in data.events if isinstance(event, Totals)]
                assert totals == [] or totals[-1].contact_s >= given_s - 2.0, "totals come once a second"
                assert store.regions(rows[0].id) == (totals[-1].regions if totals else ())
            assert len(store.list()) <= count
            assert store.recover() == []


def test_killed_while_it_completes_the_session_is_whole(path: Path) -> None:
    expected = session_events.force_counts(60_000, 4, 100.0)
    with child(CHILD, str(path), "600", "fast") as process:
        assert any(line == "closing\n" for line in lines_of(process))
        with Store(path) as store:  # the last scans are committed: it merges, or is about to
            until(lambda: store.row("last").duration_s > 599.9)
        process.kill()
    assert healthy(path)
    with Store(path) as store:
        data = store.load("last")
        assert data.row.state in ("complete", "recovered")
        assert np.array_equal(data.values, expected)
        assert data.row.scans == len(expected)


# Disks that refuse, and come back.


def record_across(journal: Journal, told: Told, spoil: Callable[[], None], mend: Callable[[], None]) -> list[Event]:
    """Three seconds of events: the disk fails after the first, and is back after the second."""
    events: list[Event] = list(session_events.session(3.0))
    thirds = (events[:20], events[20:40], events[40:])
    for event in thirds[0]:
        journal(event)
    spoil()
    for event in thirds[1]:
        journal(event)
    waiting = told.wait()
    assert (waiting.kind, waiting.fields["state"]) == ("storage", "waiting")
    mend()
    written = told.wait()
    assert (written.kind, written.fields["state"]) == ("storage", "written")
    for event in thirds[2]:
        journal(event)
    return events


def assert_whole(path: Path, journal: Journal, events: list[Event]) -> None:
    result = journal.close()
    assert (result.unsaved_s, result.error) == (0.0, None)
    assert healthy(path)
    with Store(path) as store:
        data = store.load("last")
    assert data.row.state == "complete"
    assert np.array_equal(data.values, values_of(events))
    assert data.events[-1] == session_events.totals(2.0)


def test_a_locked_database_is_waited_for(path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions.writer.BUSY_S", 0.1)
    Store(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        journal = Journal(path, told, commit_s=0.02)
        events = record_across(
            journal, told, lambda: void(other.execute("BEGIN IMMEDIATE")), lambda: void(other.execute("COMMIT"))
        )
    assert_whole(path, journal, events)


def test_a_directory_that_is_none_is_waited_for(path: Path, told: Told) -> None:
    path.parent.write_text("in the way")
    journal = Journal(path, told, commit_s=0.02)
    events = record_across(journal, told, lambda: None, path.parent.unlink)
    assert_whole(path, journal, events)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
@pytest.mark.parametrize("all_of_it", [True, False])
def test_a_log_deleted_under_it_is_written_anew(path: Path, told: Told, all_of_it: bool) -> None:
    journal = Journal(path, told, commit_s=0.02)
    events: list[Event] = list(session_events.session(3.0))
    for event in events[:30]:
        journal(event)
    with Store(path) as store:
        until(lambda: store.list() != [] and store.row("last").duration_s > 1.3)
    for each in path.parent.iterdir():
        if all_of_it or each == path:
            each.unlink()
    for event in events[30:]:
        journal(event)
    waiting, written = told.wait(), told.wait()
    assert (waiting.fields["state"], written.fields["state"]) == ("waiting", "written")
    assert "deleted" in waiting.text
    assert_whole(path, journal, events)


REFUSING = """
import json, os, resource, sys
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from sessions.journal import Journal
from tests import session_events

fault, path, told = sys.argv[1], Path(sys.argv[2]), Queue()
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
journal = Journal(path, told.put, commit_s=0.02)
events = list(session_events.session(200.0))
if fault == "read-only":
    if os.geteuid() == 0:  # root may write everywhere
        os.chown(path.parent.parent, 65534, -1)
        os.seteuid(65534)
    path.parent.mkdir(mode=0o500)
for event in events[:100]:
    journal(event)
if fault == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, unlimited[1]))
for event in events[100:2000]:
    journal(event)
waiting = told.get(timeout=20)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
path.parent.chmod(0o700)
written = told.get(timeout=20)
for event in events[2000:]:
    journal(event)
result = journal.close()
print(json.dumps([waiting.fields["state"], written.fields["state"], result.unsaved_s, result.error]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file modes and limits of POSIX")
@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_disk_that_takes_nothing_is_waited_for(fault: str) -> None:
    with TemporaryDirectory() as home:  # not pytest's, which only its owner may enter
        path = Path(home) / "data" / "knead.db"
        done = subprocess.run(
            [sys.executable, "-c", REFUSING, fault, str(path)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=60,
        )
        assert done.stderr == ""
        assert json.loads(done.stdout) == ["waiting", "written", 0.0, None]
        assert healthy(path)
        with Store(path) as store:
            assert np.array_equal(store.load("last").values, session_events.force_counts(20_000, 4, 100.0))


def test_what_never_reached_the_log_has_no_name_there(path: Path, told: Told) -> None:
    path.parent.write_text("no directory")
    journal = Journal(path, told, commit_s=0.02)
    for event in session_events.session(2.0):
        journal(event)
    waiting = told.wait()
    assert (waiting.fields["state"], waiting.text.endswith("is written when it can be")) == ("waiting", True)
    result = journal.close(timeout_s=0.2)
    assert result.session_id is None
    assert result.unsaved_s == pytest.approx(1.99)
    assert result.error is not None


def test_a_newer_log_is_not_touched_and_the_loss_is_told(path: Path, told: Told) -> None:
    Store(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    journal = Journal(path, told, commit_s=0.02)
    for event in session_events.session(2.0):
        journal(event)
    assert "newer" in told.wait().text
    result = journal.close(timeout_s=0.2)
    assert result.unsaved_s == pytest.approx(1.99)
    assert result.error is not None
    assert "newer" in result.error
    assert path.read_bytes() == before


# Disks that hang.


class Hanging:
    """Writes that do not return until they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.let_go = threading.Event(), threading.Event()
        self.hangs = False
        write = SessionWriter.write

        def hang(writer: SessionWriter, pending: Pending) -> None:
            self.hangs = True
            self.reached.set()
            assert self.let_go.wait(LIMIT_S)
            self.hangs = False
            write(writer, pending)

        monkeypatch.setattr(SessionWriter, "write", hang)


def test_a_hanging_disk_holds_up_nobody(path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "HANG_S", 0.05)
    hanging = Hanging(monkeypatch)
    journal = Journal(path, told)
    journal(session_events.opened())
    assert hanging.reached.wait(LIMIT_S)
    stuck = monotonic()
    readings = session_events.readings(60.0)
    for each in readings[:-1]:
        journal(each)
    assert hanging.hangs, "all were taken meanwhile"
    until(lambda: monotonic() - stuck > 0.06)
    journal(readings[-1])
    assert "does not answer" in told.wait().text
    result = journal.close(timeout_s=0.1)
    assert hanging.hangs, "it waited no longer than it was told to"
    assert result.unsaved_s == pytest.approx(59.99)
    assert result.error is not None
    hanging.let_go.set()
    assert journal.close().unsaved_s == 0.0, "it was not lost, only late"


def test_memory_is_bounded_and_the_loss_becomes_a_gap(path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "WAITING_BYTES", 100 * (journal_module.BATCH_BYTES + 40))
    hanging = Hanging(monkeypatch)
    journal = Journal(path, told, commit_s=0.02)
    journal(session_events.opened())
    assert hanging.reached.wait(LIMIT_S)
    readings = session_events.readings(20.0)
    for each in readings[:300]:
        journal(each)
    journal(session_events.alert(15.0, Level.STOP))  # events still find room
    hanging.let_go.set()
    with Store(path) as store:
        until(lambda: store.list() != [] and store.row("last").duration_s > 4.9)
    monkeypatch.undo()
    for each in readings[300:]:
        journal(each)
    result = journal.close()
    assert result.error is None
    with Store(path) as store:
        data = store.load("last")
    (gap,) = data.gaps
    assert gap.cause == "storage"
    assert gap.lost == len(readings) * 5 - len(data.t_s)
    assert gap.from_s == pytest.approx(5.0, abs=0.11)
    assert gap.to_s == pytest.approx(14.99)
    assert result.unsaved_s == pytest.approx(gap.to_s - gap.from_s)
    assert session_events.alert(15.0, Level.STOP) in data.events


def test_the_bound_is_ten_minutes_of_the_largest_ball() -> None:
    batches_per_s, values = 500 / 5, 5 * 16 * 2
    assert journal_module.WAITING_BYTES / (batches_per_s * (values + journal_module.BATCH_BYTES)) > 600


def test_a_taker_of_notices_that_raises_does_no_harm(path: Path) -> None:
    path.parent.write_text("in the way")
    tried = threading.Event()

    def raise_(notice: Notice) -> None:
        tried.set()
        raise RuntimeError("no taker")

    journal = Journal(path, raise_, commit_s=0.02)
    for event in session_events.session(1.0):
        journal(event)
    assert tried.wait(LIMIT_S)
    path.parent.unlink()
    result = journal.close()
    assert result.unsaved_s == 0.0
    assert result.error is not None
    assert "no taker" in result.error


def test_alerts_are_counted_by_level(path: Path, told: Told) -> None:
    journal = Journal(path, told)
    alerts: list[Alert] = [
        session_events.alert(0.1, Level.CAUTION),
        session_events.alert(0.2, Level.STOP, Phase.ESCALATED),
        session_events.alert(0.3, Level.OK, Phase.CLEARED),
        session_events.alert(0.4, Level.CAUTION),
    ]
    journal(session_events.opened())
    for alert in alerts:
        journal(alert)
    journal.close()
    with Store(path) as store:
        assert store.row("last").alerts_by_level == {"caution": 2, "stop": 1}
        assert store.events("last") == alerts


def void(_value: object) -> None:
    """For a callback whose value nobody wants."""
