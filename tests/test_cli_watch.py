"""A session without a screen ends well whatever ends it. The run is a stand-in that ends when it is told to."""

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from companion.cli import watch as watch_module
from companion.cli.jsonl import Jsonl
from companion.cli.outlet import Outlet
from companion.cli.plain import Plain
from companion.cli.watch import watch
from companion.config import Settings, find_paths
from companion.engine import Outcome
from companion.errors import DeviceNotFoundError
from sessions.events import Closed
from sessions.journal import Journal, JournalResult
from tests.test_printers import opened, reading


@dataclass
class FakeRun:
    """Ends when `begin` says so, or when stopped."""

    warning = remark = ""

    outlet: Outlet
    begin: Callable[["FakeRun"], None] = lambda run: None
    outcome: Outcome | None = field(default_factory=lambda: Outcome(0))
    result: JournalResult | None = None
    session_id: str | None = None
    stops: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self.begin(self)

    def stop(self, cause: str) -> None:
        self.stops.append(cause)
        self.ended.set()

    def join(self, timeout_s: float | None, /) -> bool:
        return self.ended.wait(timeout_s)


def settings(tmp_path: Path) -> Settings:
    return Settings(find_paths({"KNEAD_HOME": str(tmp_path)}))


def plain() -> Plain:
    return Plain(lambda _context: None)


def at_once(run: FakeRun) -> None:
    run.outlet(opened())
    run.outlet(reading([0.0, 1.0], 30.0))
    run.outlet(Closed(1.0, "seconds"))
    run.ended.set()


def test_a_session_is_printed_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = watch(lambda outlet: FakeRun(outlet, at_once), plain(), settings(tmp_path))
    shown = capsys.readouterr()
    assert code == 0
    lines = shown.out.splitlines()
    assert lines[0].startswith("STARTED glute left")
    assert lines[-2:] == ["ENDED after 1 s: seconds", "Nothing was recorded."]
    assert shown.err.startswith("knead: nobody was screened")


def test_the_last_json_line_is_the_session_as_it_was_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = settings(tmp_path)

    def record(run: FakeRun) -> None:
        journal = Journal(held.paths.database, lambda _notice: None)
        for event in (opened(), reading([0.0, 1.0], 30.0), Closed(1.0, "seconds")):
            journal(event)
            run.outlet(event)
        run.result = journal.close(10.0)
        run.session_id = run.result.session_id
        run.ended.set()

    assert watch(lambda outlet: FakeRun(outlet, record), Jsonl(), held) == 0
    shown = capsys.readouterr()
    last = json.loads(shown.out.splitlines()[-1])
    assert last["event"] == "session"
    assert last["state"] == "complete"
    assert last["duration_s"] == last["t_s"] == 1.0
    assert last["simulated"] is True
    assert {"id", "started_at", "person", "peak_kpa", "contact_s", "pain_before"} <= set(last)
    assert "knead sessions show last" in shown.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_and_saves(number: signal.Signals, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made: list[FakeRun] = []

    def make(outlet: Outlet) -> FakeRun:
        made.append(FakeRun(outlet, lambda _run: os.kill(os.getpid(), number)))
        return made[0]

    assert watch(make, plain(), settings(tmp_path)) == 128 + number
    assert made[0].stops == ["signal"]
    assert capsys.readouterr().err == ""


def test_what_is_not_saved_outranks_a_signal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def begin(run: FakeRun) -> None:
        run.result = JournalResult(None, 2.5, "No space left on device")
        os.kill(os.getpid(), signal.SIGTERM)

    assert watch(lambda outlet: FakeRun(outlet, begin), plain(), settings(tmp_path)) == 1
    assert "2.5 s of the session are not saved: No space left on device" in capsys.readouterr().err


class Stuck(FakeRun):
    """Does not end when told to."""

    def stop(self, cause: str) -> None:
        self.stops.append(cause)
        os.kill(os.getpid(), signal.SIGINT)  # the user's second press


def test_a_second_signal_does_not_wait(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = watch(
        lambda outlet: Stuck(outlet, lambda _run: os.kill(os.getpid(), signal.SIGINT)), plain(), settings(tmp_path)
    )
    assert code == 1
    assert "left before the session was saved" in capsys.readouterr().err


def test_one_that_never_ends_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Deaf(FakeRun):
        def stop(self, cause: str) -> None:
            self.stops.append(cause)

    monkeypatch.setattr(watch_module, "_END_S", 0.2)
    make: Callable[[Outlet], FakeRun] = lambda outlet: Deaf(outlet, lambda _run: os.kill(os.getpid(), signal.SIGTERM))  # noqa: E731
    assert watch(make, plain(), settings(tmp_path)) == 1
    assert "left before" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "text"), [(3, "no ball there"), (4, "the ball was away"), (7, "refused")])
def test_an_outcome_is_one_line_and_its_code(
    code: int, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def begin(run: FakeRun) -> None:
        run.outcome = Outcome(code, text, "do this")
        run.ended.set()

    assert watch(lambda outlet: FakeRun(outlet, begin), plain(), settings(tmp_path)) == code
    assert capsys.readouterr().err == f"knead: {text}\n  do this\n"


def test_a_run_without_an_outcome_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def begin(run: FakeRun) -> None:
        run.outcome = None
        run.ended.set()

    assert watch(lambda outlet: FakeRun(outlet, begin), plain(), settings(tmp_path)) == 1
    assert "please report it" in capsys.readouterr().err


def test_a_reader_that_leaves_ends_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    made: list[FakeRun] = []

    def begin(run: FakeRun) -> None:
        run.outlet(opened())

    def make(outlet: Outlet) -> FakeRun:
        made.append(FakeRun(outlet, begin))
        return made[0]

    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert watch(make, plain(), settings(tmp_path)) == 141
    assert made[0].stops == ["signal"]


def test_output_that_cannot_be_written_does_not_end_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    made: list[FakeRun] = []

    def begin(run: FakeRun) -> None:
        run.outlet(opened())
        threading.Timer(0.5, run.ended.set).start()

    def make(outlet: Outlet) -> FakeRun:
        made.append(FakeRun(outlet, begin))
        return made[0]

    assert watch(make, plain(), settings(tmp_path)) == 1
    assert made[0].stops == []
    assert "not all lines were written" in capsys.readouterr().err


def test_a_run_that_cannot_be_made_leaves_no_thread(tmp_path: Path) -> None:
    def make(_outlet: Outlet) -> FakeRun:
        raise DeviceNotFoundError("no such port")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(DeviceNotFoundError):
        watch(make, plain(), settings(tmp_path))
    assert signal.getsignal(signal.SIGINT) is before
    assert "knead printer" not in {thread.name for thread in threading.enumerate()}


def test_a_log_that_cannot_be_read_afterwards_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def begin(run: FakeRun) -> None:
        run.session_id = "0197a3b4-5c6d-7000-8000-000000000000"
        run.ended.set()

    held = settings(tmp_path)
    held.paths.data_dir.mkdir()
    held.paths.database.write_bytes(b"no database at all" * 1000)
    assert watch(lambda outlet: FakeRun(outlet, begin), Jsonl(), held) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out.splitlines()[-1])["state"] == "unreadable"
    assert "knead: " in shown.err
