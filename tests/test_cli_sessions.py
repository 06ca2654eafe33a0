"""`knead sessions`: what the log says, in 80 columns or as JSON."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from companion.cli import run
from companion.cli.account import account
from companion.cli.sessions import _length
from companion.config import find_paths
from sessions.events import Alert, Closed, Event, Level, Notice, Phase, RegionTotals, Totals
from sessions.journal import Journal
from sessions.session import SessionRow
from sessions.store import Store
from tests.test_cli_main import knead
from tests.test_printers import alert, opened, reading

Shown = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    return tmp_path


def keep(home: Path, *events: Event, close: bool = True) -> Journal:
    """Journal a session as the engine would."""
    journal = Journal(find_paths({"KNEAD_HOME": str(home)}).database, lambda _notice: None)
    for event in events:
        journal(event)
    if close:
        result = journal.close(10.0)
        assert result.error is None
    return journal


def story(day: int = 1, **changed: Any) -> list[Event]:
    """A session with a known danger, a hole and a lost link."""
    region = RegionTotals("glute", "left", 40.0, 1200.0, 12000.0, 0.5, 10.0, 2, 182.0, 145.6, (20, 15, 20, 4, 1), 3.0)
    return [
        opened(started_at=datetime(2026, 3, day, 9, 30, tzinfo=UTC), **changed),
        reading([0.0, 1.0], 30.0),
        alert(),
        alert(Level.STOP, Phase.ESCALATED, t_s=13.0, text="come off"),
        alert(Level.OK, Phase.CLEARED, t_s=15.0, value=None),
        Notice(20.0, "link", "cable pulled", {"state": "lost", "cause": "unplugged"}),
        Notice(25.0, "gap", "5 s without data", {"from_s": 20.0, "to_s": 25.0, "lost": 480, "cause": "link"}),
        reading([25.0, 60.0], 182.0, lost=480),
        Totals(60.0, 40.0, (region,)),
        Closed(60.0, "seconds"),
    ]


def lines(shown: Shown) -> list[str]:
    return shown.readouterr().out.splitlines()


# --- list ---


def test_an_empty_log_says_so(home: Path, capsys: Shown) -> None:
    assert run(["sessions", "list"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "knead demo" in shown.err
    assert run(["sessions", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "sessions": []}


def test_the_list_fits_80_columns(home: Path, capsys: Shown) -> None:
    keep(home, *story(1, region="quadriceps", side="right", simulated=False))
    keep(home, *story(2, simulated=True))
    assert run(["sessions", "list"]) == 0
    table = lines(capsys)
    assert len(table) == 3
    assert max(map(len, table)) <= 80
    assert "2026-03-02" in table[1], "the newest first"
    assert "glute left" in table[1]
    assert "simulated" in table[1]
    assert " 182 " in table[2]
    assert " stop" in table[2]
    assert "quadriceps right" in table[2]
    first = table[1].split()[0]
    assert run(["sessions", "show", first]) == 0, "what is printed as an id is one"


def test_a_simulated_session_that_was_cut_short_is_both(home: Path, capsys: Shown) -> None:
    path = home / "data" / "knead.db"
    for simulated in (True, False):
        keep(home, *story(1, region="quadriceps", side="right", simulated=simulated))
    with closing(sqlite3.connect(path)) as log, log:
        log.execute("UPDATE session SET state = 'recovered'")
    assert run(["sessions", "list"]) == 0
    table = lines(capsys)
    assert [row.rpartition("  ")[2] for row in table[1:]] == ["recovered", "recovered sim."]
    assert max(map(len, table)) <= 80


def test_the_list_as_json_has_what_is_promised(home: Path, capsys: Shown) -> None:
    for day in (1, 2, 3):
        keep(home, *story(day))
    assert run(["sessions", "list", "--json", "--limit", "2"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1
    assert [row["started_at"][:10] for row in document["sessions"]] == ["2026-03-03", "2026-03-02"]
    promised = (
        "id state started_at duration_s person device region side tool program simulated peak_kpa contact_s "
        "pain_before pain_after"
    )
    assert set(promised.split()) <= set(document["sessions"][0])
    assert document["sessions"][0]["duration_s"] == 60.0


# --- show ---


def test_show_tells_the_session(home: Path, capsys: Shown) -> None:
    keep(home, *story())
    assert run(["sessions", "show"]) == 0
    text = capsys.readouterr().out
    told = text.splitlines()
    assert max(map(len, told)) <= 100
    assert told[0].endswith("complete, simulated")
    assert any(line == "Started   2026-03-01 09:30:00, lasted 1 min 0 s" for line in told)
    assert any(line.startswith("Ball      VB-1") for line in told)
    assert any(line.startswith("Place     glute left, tool hard") for line in told)
    assert any(line.startswith("Contact   40 s") for line in told)
    assert any(line.startswith("Peak      182 kPa, 146 N") for line in told)
    assert any(line.startswith("Dose      glute left: 1200 of 12000 kPa s (10 %), contact 40 s") for line in told)
    assert any("2 holds; rest 20 s, light 15 s, work 20 s, high 4 s, over 1 s" in line for line in told)
    assert any("3 s of it estimated" in line for line in told)
    assert any(line.startswith("Link      lost 1 time, 480 scans lost") for line in told)
    assert "20.0 s to 25.0 s: link, 5.0 s, 480 scans lost" in text
    alerts = [line.split() for line in told[told.index("Alerts    3") + 1 :][:3]]
    assert [words[2:4] for words in alerts] == [["caution", "peak:"], ["stop", "escalated"], ["cleared", "peak:"]]
    assert text.count("Not a medical device") == 1


def test_show_as_json_has_alerts_gaps_and_regions(home: Path, capsys: Shown) -> None:
    keep(home, *story())
    assert run(["sessions", "show", "last", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    session = document["session"]
    assert document["schema"] == 1
    assert [(row["level"], row["phase"]) for row in session["alerts"]] == [
        ("caution", "raised"),
        ("stop", "escalated"),
        ("ok", "cleared"),
    ]
    assert session["gaps"] == [{"from_s": 20.0, "to_s": 25.0, "lost": 480, "cause": "link"}]
    assert session["links_lost"] == 1
    assert session["regions"][0]["dose_kpa_s"] == 1200.0


def test_an_unknown_peak_is_unknown_and_not_zero(home: Path, capsys: Shown) -> None:
    keep(home, opened(context={"judged": False}), reading([0.0, 1.0], float("nan"), unit="counts"), Closed(1.0, "user"))
    assert run(["sessions", "show"]) == 0
    text = capsys.readouterr().out
    assert "Peak      unknown, unknown" in text
    assert run(["sessions", "list"]) == 0
    assert " ? " in lines(capsys)[1]


def test_what_a_ball_says_of_itself_is_shown_clean(home: Path, capsys: Shown) -> None:
    hostile = "VB\x1b[2J\x1b]0;x\x07\u202e1"
    keep(home, opened(device={"serial": hostile, "model": hostile, "kind": "native"}), *story()[1:])
    assert run(["sessions", "show"]) == 0
    assert all(line.isprintable() for line in lines(capsys))


def test_an_unknown_session_is_one_line_and_6(home: Path, capsys: Shown) -> None:
    for arguments in (["show"], ["show", "0000"], ["delete", "0000"]):
        assert run(["sessions", *arguments]) == 6
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.startswith("knead: ")
        assert "Traceback" not in shown.err


def test_a_damaged_log_is_one_line_and_6(home: Path, capsys: Shown) -> None:
    database = find_paths({"KNEAD_HOME": str(home)}).database
    database.parent.mkdir(parents=True)
    database.write_bytes(b"not a database" * 500)
    assert run(["sessions", "list"]) == 6
    assert capsys.readouterr().err.startswith("knead: ")


# --- delete ---


def test_delete_without_a_terminal_does_not_ask(home: Path, capsys: Shown) -> None:
    for day in (1, 2):
        keep(home, *story(day))
    database = find_paths({"KNEAD_HOME": str(home)}).database
    with Store(database) as store:
        newest, oldest = store.list()
    found = knead("sessions", "delete", oldest.id, home=home)
    assert found.returncode == 0
    assert found.stdout == ""
    assert oldest.id in found.stderr
    with Store(database) as store:
        assert [row.id for row in store.list()] == [newest.id]


def test_delete_deletes_nothing_unless_all_are_known(home: Path, capsys: Shown) -> None:
    keep(home, *story())
    assert run(["sessions", "delete", "last", "0000", "--yes"]) == 6
    capsys.readouterr()
    assert run(["sessions", "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["sessions"]) == 1


def test_delete_asks_a_person(home: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(home, *story())
    monkeypatch.setattr("companion.cli.sessions.someone", lambda: True)
    for answer, left in (("n\n", 1), ("y\n", 0)):
        reader, writer = os.pipe()
        os.write(writer, answer.encode())
        os.close(writer)
        with os.fdopen(reader) as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            assert run(["sessions", "delete", "last"]) == 0
        capsys.readouterr()
        assert run(["sessions", "list", "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["sessions"]) == left


# --- recover ---

CRASH = """
import os, sys
from pathlib import Path
from tests.test_cli_sessions import keep, story
journal = keep(Path(sys.argv[1]), *story()[:-1], close=False)
from sessions.store import Store
import time
until = time.monotonic() + 20
database = Path(sys.argv[1]) / "data" / "knead.db"
while time.monotonic() < until:
    with Store(database) as store:
        rows = store.list()
        if rows and rows[0].duration_s and rows[0].duration_s >= 60:
            break
    time.sleep(0.05)
os._exit(9)
"""


def crash(home: Path) -> None:
    """A session whose process dies once its samples are on disk."""
    found = subprocess.run([sys.executable, "-c", CRASH, str(home)], timeout=60, capture_output=True, text=True)
    assert found.returncode == 9, found.stderr


def test_recover_completes_what_a_crash_left(home: Path, capsys: Shown) -> None:
    crash(home)
    assert run(["sessions", "recover", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["sessions"]
    assert (row["state"], row["duration_s"]) == ("recovered", 60.0)
    assert run(["sessions", "recover"]) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "Nothing to recover.\n")


def test_a_damaged_log_is_not_said_to_need_nothing(home: Path, capsys: Shown) -> None:
    keep(home, *story())
    log = find_paths({"KNEAD_HOME": str(home)}).database
    content = bytearray(log.read_bytes())
    content[4096::7] = b"\xff" * len(content[4096::7])
    log.write_bytes(content)
    assert run(["sessions", "recover"]) == 0
    shown = capsys.readouterr()
    assert "the log was damaged: 0 sessions could be read" in shown.err
    assert f"the damaged log is kept as {log}.before-" in shown.err
    assert "Nothing to recover" not in shown.err


def test_any_command_that_reads_the_log_recovers_and_says_so(home: Path, capsys: Shown) -> None:
    crash(home)
    assert run(["sessions", "list"]) == 0
    shown = capsys.readouterr()
    assert "recovered session" in shown.err
    assert "recovered" in shown.out.splitlines()[1]


def test_lengths_are_short() -> None:
    for seconds, expected in ((0.4, "0s"), (59.6, "1m00s"), (3599, "59m59s"), (3600, "1h00m"), (359_940, "99h59m")):
        assert _length(seconds) == expected
        assert len(expected) <= 6


def test_an_alert_keeps_its_order_among_equals() -> None:
    row = SessionRow.__new__(SessionRow)
    same = [alert(cause=name) for name in ("a", "b", "c")]
    told = account(row, [*same, Notice(1.0, "link", "x", {"state": "live"}), Closed(2.0, "user")])
    assert [found.cause for found in told.alerts] == ["a", "b", "c"]
    assert isinstance(told.alerts[0], Alert)
    assert (told.gaps, told.links_lost, told.regions) == ((), 0, ())
