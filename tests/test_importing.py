"""Sessions from elsewhere: whole or not at all, once and not twice, and the file they come from is left as it was."""

import csv
import hashlib
import io
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from companion.cli import run
from companion.config import find_paths
from sessions import Store, backup
from sessions.errors import ImportedError, StoreTooNewError
from sessions.events import Alert, Closed, Json, Opened, Totals
from sessions.export import export
from sessions.importing import Imported, import_file
from sessions.people import Kept
from sessions.progressor import Setting
from tests import session_events
from tests.test_export import story
from tests.test_store import cut_short, keep

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SETTING = Setting(STARTED, "me", "calf", "left", "tennis", 12.0, "knead test")
TINDEQ = "date,tag,comment,unit\n2023-10-26 10:00:00,left,easy day,SI\n\ntime,weight\n"
PULL = "0.0,0.1\n0.0125,1.5\n0.025,2.5\n2.0,3.5\n2.0125,3.25\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine" / "knead.db"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Another library, of two sessions, the second with notes."""
    other = tmp_path / "theirs" / "knead.db"
    keep(other, [*session_events.session(3.0), Closed(3.0, "user")])
    begun, *events = story()
    assert isinstance(begun, Opened)
    session = keep(other, [replace(begun, started_at=session_events.later(2)), *events])
    with Store(other) as store:
        store.annotate(session, note="=1+1; -2\nsecond line", tags=["a,b", "c"], pain_before=0, pain_after=10)
    return other


def write_csv(source: Path, target: Path, *, nameless: bool = False) -> Path:
    with Store(source) as store, target.open("wb") as file:
        names = [row.id for row in store.list()]
        export(names, store.whole, "csv", file, nameless=nameless)
    return target


def text(directory: Path, content: str, name: str = "pull.csv") -> Path:
    file = directory / name
    file.write_text(content, "utf-8", newline="")
    return file


def told(imported: Imported) -> tuple[int, int, int]:
    return len(imported.added), len(imported.known), len(imported.refused)


def assert_same(path: Path, other: Path) -> None:
    with Store(path) as mine, Store(other) as store:
        for row in store.list():
            ours = mine.row(row.id)
            assert ours == row
            got, want = mine.load(row.id), store.load(row.id)
            np.testing.assert_array_equal(got.values, want.values)
            np.testing.assert_allclose(got.t_s, want.t_s, atol=2e-6)
            np.testing.assert_array_equal(got.cells, want.cells)
            np.testing.assert_allclose(got.pressure_kpa, want.pressure_kpa, equal_nan=True)
            assert (got.gaps, got.unit) == (want.gaps, want.unit)
            assert [event for event in got.events if isinstance(event, Alert)] == [
                event for event in want.events if isinstance(event, Alert)
            ]
            assert (dict(got.opened.context), got.opened.software) == (dict(want.opened.context), want.opened.software)


def test_another_library_comes_in_whole(theirs: Path, path: Path) -> None:
    before = hashlib.sha256(theirs.read_bytes()).digest()
    assert told(import_file(theirs, path, SETTING)) == (2, 0, 0)
    assert_same(path, theirs)
    with Store(path) as mine, Store(theirs) as store:
        for row in store.list():
            assert mine.events(row.id) == store.events(row.id)
            for got, want in zip(mine.batches(row.id), store.batches(row.id), strict=True):
                np.testing.assert_array_equal(got.values, want.values)
                assert got[1:-1] == want[1:-1], "stamps of every batch"
    assert hashlib.sha256(theirs.read_bytes()).digest() == before
    assert told(import_file(theirs, path, SETTING)) == (0, 2, 0)


def test_a_backup_is_a_library_too(theirs: Path, path: Path, tmp_path: Path) -> None:
    backup.back_up(theirs, tmp_path / "log.backup")
    assert told(import_file(tmp_path / "log.backup", path, SETTING)) == (2, 0, 0)
    assert_same(path, theirs)
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


def test_what_was_being_recorded_elsewhere_comes_in_as_recovered(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "theirs.db"
    session = cut_short(other, session_events.session(3.0))
    assert import_file(other, path, SETTING).added == [session]
    with Store(path) as mine:
        assert mine.row(session).state == "recovered"
        assert len(mine.load(session).t_s) > 250
    with sqlite3.connect(other) as raw:
        assert raw.execute("SELECT state FROM session").fetchall() == [("recording",)]


def test_a_damaged_session_stays_out_and_the_others_come_in(theirs: Path, path: Path) -> None:
    with sqlite3.connect(theirs) as raw:
        raw.execute("UPDATE chunk SET data = x'0102' WHERE session_id = 1")
    imported = import_file(theirs, path, SETTING)
    assert told(imported) == (1, 0, 1)
    assert "Chunk" in imported.refused[0]
    with Store(path) as mine:
        assert [row.id for row in mine.list()] == imported.added


def test_our_csv_gives_the_session_back(theirs: Path, path: Path, tmp_path: Path) -> None:
    table = write_csv(theirs, tmp_path / "all.csv")
    assert told(import_file(table, path, SETTING)) == (2, 0, 0)
    assert_same(path, theirs)
    with Store(path) as mine, Store(theirs) as store:
        for row in store.list():
            got, want = ([event for event in log.events(row.id) if isinstance(event, Totals)] for log in (mine, store))
            assert [event.t_s for event in got] == [event.t_s for event in want]
            assert got[-1].contact_s == pytest.approx(want[-1].contact_s)
    assert told(import_file(table, path, SETTING)) == (0, 2, 0)


def test_our_csv_as_a_spreadsheet_saves_it(theirs: Path, path: Path, tmp_path: Path) -> None:
    """Semicolons, decimal commas, a byte order mark, other line ends."""
    table = write_csv(theirs, tmp_path / "all.csv")
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    numeric = [number for number, name in enumerate(rows[0]) if name not in ("name", "text", "fields", "host_time")]
    for row in rows[1:]:
        for number in numeric:
            row[number] = row[number].replace(".", ",")
    saved = io.StringIO()
    csv.writer(saved, delimiter=";", lineterminator="\n").writerows(rows)
    assert told(import_file(text(tmp_path, "\ufeff" + saved.getvalue()), path, SETTING)) == (2, 0, 0)
    assert_same(path, theirs)


def test_an_anonymous_copy_is_recognised_by_its_scans(theirs: Path, path: Path, tmp_path: Path) -> None:
    table = write_csv(theirs, tmp_path / "nameless.csv", nameless=True)
    assert told(import_file(table, theirs, SETTING)) == (0, 2, 0)
    first = import_file(table, path, SETTING)
    assert told(first) == (2, 0, 0)
    assert told(import_file(table, path, SETTING)) == (0, 2, 0)
    with Store(path) as mine:
        row = mine.row(first.added[0])
        assert (row.started_at, row.note, row.device) == (STARTED, "", "ball")


def test_force_over_time_as_other_apps_write_it(path: Path, tmp_path: Path) -> None:
    imported = import_file(text(tmp_path, TINDEQ + PULL), path, SETTING)
    with Store(path) as mine:
        data = mine.load(imported.added[0])
    np.testing.assert_allclose(data.t_s, [0.0, 0.0125, 0.025, 2.0, 2.0125], atol=1e-6)
    np.testing.assert_allclose(data.force_n, np.array([0.1, 1.5, 2.5, 3.5, 3.25]) * 9.80665, atol=0.001)
    row = data.row
    assert (row.tags, row.note, row.region, row.side, row.tool) == (("left",), "easy day", "calf", "left", "tennis")
    assert f"{row.started_at:%Y-%m-%d %H:%M}" == "2023-10-26 10:00"
    assert (row.contact_s, row.simulated, row.end_cause) == (None, False, "imported"), "what nobody judged is unknown"
    assert [(gap.from_s, gap.to_s, gap.cause) for gap in data.gaps] == [(0.025, 2.0, "not in the file")]
    assert told(import_file(text(tmp_path, TINDEQ + PULL), path, SETTING)) == (0, 1, 0)
    assert told(import_file(text(tmp_path, "time,weight\n" + PULL), path, SETTING)) == (0, 1, 0), "whatever its date"


@pytest.mark.parametrize(
    ("content", "peak_n", "last_s"),
    [
        ("time,weight\n0,1\n1,2\n", 19.6133, 1.0),
        ("Time [ms];Force [N]\n0;1,5\n1000;2,25\n", 2.25, 1.0),
        ("timestamp\tweight (lbs)\n5\t1\n7\t10\n", 44.482, 2.0),
        (",Overall Avg\nAvg,0.0\nPeak,0.0\n,\ntime,weight\n0.054,0.1\n1.054,0.2\n", 1.96133, 1.0),
        ("time_us,force_n\n0,-1\n500000,700\n", 700.0, 0.5),
    ],
)
def test_units_are_taken_from_the_header(
    path: Path, tmp_path: Path, content: str, peak_n: float, last_s: float
) -> None:
    imported = import_file(text(tmp_path, content), path, SETTING)
    with Store(path) as mine:
        data = mine.load(imported.added[0])
    assert float(data.force_n.max()) == pytest.approx(peak_n, rel=0.001)
    assert data.t_s[-1] == pytest.approx(last_s)
    assert data.row.started_at == STARTED


def test_a_session_packed_by_the_app(path: Path, tmp_path: Path) -> None:
    archive = tmp_path / "repeaters.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("info.csv", "date,tag,comment,unit,reps\n2026-20-08 19:55:38,rehab,,SI,8\n")
        packed.writestr("data_set_1.csv", ",Overall Avg\nAvg,0.0\n,\ntime,weight\n" + PULL)
        packed.writestr("data_set_2.csv", "time,weight\n0,5\n1,6\n")
    imported = import_file(archive, path, SETTING)
    assert told(imported) == (2, 0, 0)
    with Store(path) as mine:
        rows = [mine.row(name) for name in imported.added]
    assert {f"{row.started_at:%Y-%m-%d}" for row in rows} == {"2026-08-20"}
    assert {row.tags for row in rows} == {("rehab",)}


HEADER = "session,row,t_s,index,segment,late,saturated,cell_1_n,name,text,fields\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("a,b\n1,2\n", "no columns `time` and `weight`"),
        ("time,weight\n", "no samples"),
        ("time,weight\n0,1\n1,x\n", "line 3"),
        ("time,weight\n0,1\n2,1\n1,1\n", "line 4: time must rise"),
        ("time,weight\n0,1\n1,nan\n", "line 3"),
        ("time [years],weight\n0,1\n1,1\n", "'years'"),
        ("date,tag,comment,unit\nsoon,,,SI\n\ntime,weight\n0,1\n1,1\n", "soon"),
        ("session,row,t_s\n1,scan,0\n", "index, cell_1_n"[:5]),
        (HEADER + "1,scan,0,0,0,0,0,x,,,\n", "'x' (line 2)"),
        (HEADER + "1,scan,,0,0,0,0,1,,,\n", "time in every scan (line 2)"),
        (HEADER + "1,scan,1,0,0,0,0,1,,,\n1,scan,0,1,0,0,0,1,,,\n", "rising time (line 3)"),
        (HEADER + "1,dance,0,0,0,0,0,1,,,\n", "line 2: no row 'dance'"),
        (HEADER + '1,alert,0,,,,,,,,"{broken"\n', "line 2: no JSON"),
        (HEADER + '1,alert,0,,,,,,,,"{}"\n', "line 2"),
        (HEADER + "1,about,,,,,,,pain_before,11,\n", "pain from 0 to 10"),
        ("PK\x03\x04 no archive", "cannot be unpacked"),
        ("SQLite format 3\x00 no database", "damaged"),
        ("\x00\x01\x02 neither", "no text, no library"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(path: Path, tmp_path: Path, content: str, says: str) -> None:
    keep(path, [*session_events.session(1.0)])
    before = path.read_bytes()
    with pytest.raises(ImportedError) as caught:
        import_file(text(tmp_path, content), path, SETTING)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) <= 3, "nothing is left lying about"


@pytest.mark.parametrize("make", [lambda log: log.parent, lambda log: log.with_name("none.csv")])
def test_a_file_that_is_none(theirs: Path, path: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(ImportedError, match="cannot be read"):
        import_file(make(theirs), path, SETTING)


def test_a_library_of_a_newer_program(theirs: Path, path: Path) -> None:
    with sqlite3.connect(theirs) as raw:
        raw.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreTooNewError):
        import_file(theirs, path, SETTING)


def test_a_table_cut_anywhere_leaves_no_half_session(theirs: Path, path: Path, tmp_path: Path) -> None:
    whole = write_csv(theirs, tmp_path / "all.csv").read_bytes()
    for part in range(1, 12):
        (tmp_path / "cut.csv").write_bytes(whole[: part * len(whole) // 12])
        try:
            import_file(tmp_path / "cut.csv", path, SETTING)
        except ImportedError as error:
            assert "Nothing was imported" in str(error)
        with Store(path) as mine:
            assert mine.recovered == []
            for row in mine.list():
                assert row.state == "complete"
                mine.load(row.id)
        backup.erase(path)


# --- people ---

LOCKED: dict[str, Json] = {"region": "calf", "side": "left", "why": "a bruise", "until": None, "refuses": True}
ANSWERS: Kept = {
    "screening": {"version": 1, "week": None, "check": None, "asked_after": ""},
    "limits": {"glute": {"peq_kpa": 550.0, "raised": 1.1, "work_peq_kpa": None}},
    "locks": {"all": [LOCKED]},
}


def known_of(path: Path, name: str = "me") -> Kept:
    with Store(path) as store:
        return store.people.kept(name)


def knows(path: Path, kept: Kept, name: str = "me") -> None:
    with Store(path) as store:
        store.people.change(name, STARTED, "week", {"why": "asked"}, lambda _: kept)


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_kept_of_a_person_comes_along(packed: bool, theirs: Path, path: Path, tmp_path: Path) -> None:
    knows(theirs, ANSWERS)
    if packed:
        backup.back_up(theirs, tmp_path / "log.knead")
    found = import_file(tmp_path / "log.knead" if packed else theirs, path, SETTING)
    assert found.people == {"me": ("screening", "limits", "locks")}
    assert known_of(path) == ANSWERS
    with Store(path) as store:
        assert [(change.kind, change.at) for change in store.people.changes("me")] == [("week", STARTED)]
    assert import_file(theirs, path, SETTING).people == {}, "once is enough"


def test_what_we_know_ourselves_stays_and_locks_add_up(theirs: Path, path: Path) -> None:
    mine: dict[str, Json] = {"region": "glute", "side": "both", "why": "numb", "until": None, "refuses": True}
    knows(theirs, ANSWERS)
    knows(path, {"screening": {}, "limits": {"glute": {"peq_kpa": 300.0}}, "locks": {"all": [mine]}})
    assert import_file(theirs, path, SETTING).people == {"me": ("screening", "locks")}
    assert known_of(path)["limits"] == {"glute": {"peq_kpa": 300.0}}
    assert known_of(path)["locks"] == {"all": [mine, LOCKED]}


@pytest.mark.parametrize("stored", ["[1, 2]", "3", '"all"', '{"all": 7}', "null"])
def test_what_is_no_column_of_a_person_does_no_harm(stored: str, theirs: Path, path: Path) -> None:
    knows(theirs, ANSWERS)
    knows(path, ANSWERS)
    with sqlite3.connect(theirs) as connection:
        connection.execute("UPDATE person SET locks = ?", (stored,))
    assert len(import_file(theirs, path, SETTING).added) == 2
    assert known_of(path) == ANSWERS


def test_a_limit_raised_elsewhere_is_not_raised_here(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    knows(theirs, ANSWERS)
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path / "home"))
    assert run(["import", str(theirs)]) == 0
    assert "of me came along: screening, limits, locks" in capsys.readouterr().err
    kept = known_of(find_paths().database)
    assert kept["limits"] == {"glute": {"peq_kpa": 550.0, "raised": 1.0, "work_peq_kpa": None}}
    assert run(["live", "sim:calm", "--region", "calf", "--side", "left", "--seconds", "1", "--plain"]) == 7
    assert "calf left is locked" in capsys.readouterr().err


def test_on_the_command_line(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path / "home"))
    assert run(["import", str(theirs)]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.split()) == 2
    assert "2 imported, 0 known already" in shown.err
    pull = str(text(tmp_path, "time,weight\n" + PULL))
    assert run(["import", pull, "--region", "calf", "--started", "2026-03-01T18:30"]) == 0
    session = capsys.readouterr().out.strip()
    assert run(["sessions", "show", session]) == 0
    assert "2026-03-01 18:30:00" in capsys.readouterr().out
    assert run(["import", pull, "--started", "yesterday"]) == 2
    assert run(["import", str(tmp_path / "none")]) == 6
    with sqlite3.connect(theirs) as raw:
        raw.execute("UPDATE chunk SET data = x'0102' WHERE session_id = 1")
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path / "other"))
    assert run(["import", str(theirs)]) == 6, "some of it stayed out"
    assert "Traceback" not in capsys.readouterr().err
