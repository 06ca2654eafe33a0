"""The log read back: rows, curves, events; found, annotated, deleted, recovered."""

import json
import math
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sessions.draft import Draft
from sessions.errors import NotFoundError, StoreBusyError, UnreadableError
from sessions.events import Action, Alert, Closed, Event, Level, Notice, Opened, Reading, RegionTotals, Totals
from sessions.journal import Journal
from sessions.lock import RecordingLock
from sessions.store import Store
from sessions.writer import SessionWriter
from tests import session_events
from tests.session_events import AREA_CM2, LSB

ROW_KEYS = """
id state started_at duration_s person device region side tool program simulated peak_kpa contact_s
pain_before pain_after
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "knead.db"


def keep(path: Path, events: Iterable[Event]) -> str:
    """Record a session; its id."""
    journal = Journal(path, lambda _notice: None)
    for event in events:
        journal(event)
    result = journal.close()
    assert (result.error, result.unsaved_s) == (None, 0.0)
    assert result.session_id is not None
    return result.session_id


def cut_short(path: Path, events: Iterable[Event], session: str = "0199aaaa-0000-7000-8000-000000000000") -> str:
    """A session that was never completed, as a crash leaves it; a commit every twenty events."""
    draft, writer = Draft(), SessionWriter(path, session)
    for number, event in enumerate([*events, None], start=1):
        if isinstance(event, Reading):
            draft.take_batch(session_events.batch_of(event), event.unit)
        elif event is not None:
            draft.take(event)
        if number % 20 == 0 or event is None:
            pending = draft.pending()
            assert pending is not None
            writer.write(pending)
            draft.confirm()
    writer.close()
    return session


def one_reading(values: list[list[int]], **changes: object) -> list[Event]:
    return [session_events.opened(), session_events.reading(np.array(values, np.int16), 0, 100.0, **changes)]


def test_a_row_says_what_the_command_line_promises(path: Path) -> None:
    session = keep(path, [*session_events.session(3.0), session_events.alert(2.9), Closed(3.0, "user")])
    with Store(path) as store:
        row = store.row(session)
        assert store.list() == [row]
    shown = json.loads(json.dumps(row.to_json(), allow_nan=False))
    assert set(shown) >= set(ROW_KEYS.split())
    assert shown["started_at"] == "2026-03-01T18:30:15.123456+02:00"
    assert shown["duration_s"] == pytest.approx(2.99)
    assert (shown["device"], shown["region"], shown["tool"]) == ("B-0042", "glute", "hard_ball")
    assert (shown["contact_s"], shown["peak_kpa"], shown["peak_force_n"]) == (2.0, 51.2, 61.4)
    assert (shown["scans"], shown["lost"], shown["alerts_by_level"]) == (300, 0, {"caution": 1})
    assert shown["pain_before"] is shown["program"] is None


def test_without_totals_the_peak_is_that_of_the_values(path: Path) -> None:
    events: list[Event] = [session_events.opened(), *session_events.readings(5.0)]
    loads = np.concatenate([event.load for event in events if isinstance(event, Reading)])
    keep(path, events)
    with Store(path) as store:
        row = store.row("last")
    assert row.peak_force_n == loads.max()
    assert row.peak_kpa == loads.max() * (10 / AREA_CM2)
    assert row.contact_s is None


def test_of_a_session_without_a_value_peak_and_contact_are_unknown_not_zero(path: Path) -> None:
    """The guard counted all of its sums from zero, and none of them rose."""
    nothing = np.full((300, 2), -32_768, dtype=np.int16)
    region = RegionTotals("glute", "left", 0.0, 0.0, 24000.0, 0.0, 0.0, 0, 0.0, 0.0, session_events.ZONES, 0)
    counted = Totals(3.0, 0.0, (region,))
    unknown: dict[str, Any] = {"load": np.full(300, np.nan), "pressure_kpa": np.full(300, np.nan)}
    keep(path, [session_events.opened(), session_events.reading(nothing, 0, **unknown), counted, Closed(3.0, "user")])
    with Store(path) as store:
        row = store.row("last")
    assert row.scans == 300
    assert (row.peak_kpa, row.peak_force_n, row.contact_s) == (None, None, None)


def test_curves_are_the_live_ones(path: Path) -> None:
    events = list(session_events.session(130.0))
    live = [event for event in events if isinstance(event, Reading)]
    keep(path, events)
    with Store(path) as store:
        data = store.load("last")
    assert np.array_equal(data.values, np.concatenate([each.values for each in live]))
    assert np.array_equal(data.cells, np.concatenate([each.cells for each in live]))
    assert np.array_equal(data.force_n, np.concatenate([each.load for each in live]))
    assert np.array_equal(data.pressure_kpa, np.concatenate([each.pressure_kpa for each in live]))
    assert data.t_s == pytest.approx(np.concatenate([each.t_s for each in live]), abs=1e-6)
    assert not data.force_n.flags.writeable
    assert data.cells_n.shape == (13_000, 4)


def test_unknown_and_saturated_cells_are_nan(path: Path) -> None:
    keep(path, one_reading([[100, 200], [-32768, 200], [32767, 200], [-32767, 5], [100, 29400]]))
    with Store(path) as store:
        data = store.load("last")
    assert np.isnan(data.cells[:, 0]).tolist() == [False, True, True, True, False]
    assert np.isnan(data.load).tolist() == [False, True, False, True, False]
    assert data.load[2] == round(0.93 * 300 * 1024) / 1024 + data.cells[2, 1], "at least so much"
    assert data.saturated.tolist() == [False, False, True, True, True]
    assert data.cells[1, 1] == round(200 * LSB * 1024) / 1024


def test_a_change_of_tool_changes_the_area_from_there_on(path: Path) -> None:
    """The area in use is told by the readings: a change of tool that was refused changes nothing."""
    values = np.full((5, 1), 1000, np.int16)
    batches = [session_events.reading(values * (at != 10), at) for at in range(0, 25, 5)]
    on_roller = [replace(each, pressure_kpa=each.load * (10 / 40.5)) for each in batches[3:]]
    keep(path, [session_events.opened(), *batches[:3], Action("tool", {"tool": "roller"}, 0.14, 14), *on_roller])
    with Store(path) as store:
        data = store.load("last")
        areas = [batch.area_cm2 for batch in store.batches("last")]
    assert np.array_equal(data.pressure_kpa, np.concatenate([each.pressure_kpa for each in [*batches[:3], *on_roller]]))
    assert areas == [AREA_CM2] * 3 + [40.5] * 2
    assert data.row.peak_kpa == batches[0].pressure_kpa[0]


def test_what_was_not_to_be_trusted_stays_unknown(path: Path) -> None:
    """After a tare under load the values are kept, but mean nothing until the ball has been seen free."""
    first, second, third = session_events.readings(0.15)
    nan = np.full(5, math.nan)
    second = replace(second, load=nan, pressure_kpa=nan)
    third = replace(third, load=np.where(np.arange(5) < 3, nan, third.load))
    keep(path, [session_events.opened(), first, second, third])
    with Store(path) as store:
        data = store.load("last")
    assert np.isnan(data.load).tolist() == [False] * 5 + [True] * 8 + [False] * 2
    assert np.isnan(data.pressure_kpa).tolist() == np.isnan(data.cells[:, 0]).tolist() == np.isnan(data.load).tolist()
    assert np.array_equal(data.values, np.concatenate([first.values, second.values, third.values]))


def test_a_ball_without_newtons_has_no_force(path: Path) -> None:
    keep(path, one_reading([[1000], [2000]], unit="counts"))
    with Store(path) as store:
        data = store.load("last")
    assert data.unit == "counts"
    assert data.load.tolist() == [10.0, 20.0]
    assert np.isnan(data.force_n).all()
    assert np.isnan(data.cells_n).all()
    assert np.isnan(data.pressure_kpa).all()
    assert (data.row.peak_kpa, data.row.peak_force_n) == (None, None)


def test_events_come_back_typed_and_in_order(path: Path) -> None:
    others: list[Event] = [
        Notice(0.5, "link", "up", {"state": "up", "cause": None}),
        Action("region", {"region": "calf", "side": "right"}, 1.25, 125),
        session_events.alert(3.0, Level.STOP),
        Alert(3.5, "silence", Level.NOTICE, session_events.alert(0).phase, None, None, "s", "calf", "right", "?"),
        Notice(3.2, "gap", "30 scans were lost", {"from_s": 3.0, "to_s": 3.2, "lost": 30, "cause": "lost"}),
        Action("end", {}, 4.0, 400),
    ]
    keep(path, [session_events.opened(), *others])
    with Store(path) as store:
        assert store.events("last") == others, "their own order, even where times do not rise"
        (gap,) = store.load("last").gaps
    assert (gap.from_s, gap.to_s, gap.lost, gap.cause) == (3.0, 3.2, 30, "lost")


def test_fields_nobody_foresaw_are_kept_as_json(path: Path) -> None:
    fields = {"nan": math.nan, "count": np.int64(3), "pair": (1, 2.5), "bytes": "half \ud800 of it"}
    keep(path, [session_events.opened(), Notice(0.0, "ball", "x", fields)])  # type: ignore[arg-type] # on purpose
    with Store(path) as store:
        (notice,) = store.events("last")
    assert isinstance(notice, Notice)
    assert notice.fields == {"nan": None, "count": 3, "pair": [1, 2.5], "bytes": "half ? of it"}


def test_totals_are_thinned_on_the_way_and_exact_at_the_end(path: Path) -> None:
    glute, calf = session_events.totals(1.0).regions[0], replace(session_events.totals(1.0).regions[0], region="calf")
    given = [Totals(float(t), t / 3, (replace(glute, contact_s=min(t, 30) / 3),)) for t in range(1, 41)]
    given += [Totals(float(t), t / 3, (*given[-1].regions, replace(calf, contact_s=t / 7))) for t in range(41, 61)]
    keep(path, [session_events.opened(), *given])
    with Store(path) as store:
        found = [event for event in store.events("last") if isinstance(event, Totals)]
        assert store.regions("last") == given[-1].regions
    assert [each.t_s for each in found] == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    assert found[-1] == given[-1]
    for each in found:
        exact = given[round(each.t_s) - 1]
        assert [entry.region for entry in each.regions] == [entry.region for entry in exact.regions]
        assert [entry.contact_s for entry in each.regions] == pytest.approx(
            [entry.contact_s for entry in exact.regions], abs=5.01e-4
        )


def test_a_crash_leaves_totals_of_the_last_commit(path: Path) -> None:
    cut_short(path, session_events.session(27.0))
    with Store(path) as store:
        (recovered,) = store.recovered
        (entry,) = store.regions("last")
    assert recovered.state == "recovered"
    assert recovered.contact_s == entry.contact_s == 26.0
    assert entry.dose_kpa_s == pytest.approx(26 * 37.123456789, abs=5e-4)
    assert recovered.duration_s == pytest.approx(26.99)


def test_recovery_gives_the_same_as_completion(path: Path) -> None:
    events = list(session_events.session(150.0))
    session = keep(path, events)
    other = cut_short(path, events)
    with Store(path) as store:
        one, two = store.load(session), store.load(other)
    assert replace(two.row, id=session, state="complete") == replace(one.row, contact_s=two.row.contact_s)
    assert np.array_equal(one.values, two.values)
    assert np.array_equal(one.t_s, two.t_s)
    with closing(sqlite3.connect(path)) as connection:
        ends = connection.execute("SELECT to_s - from_s FROM chunk").fetchall()
    assert sorted(round(length) for (length,) in ends) == [30, 30, 60, 60, 60, 60]


def test_a_session_whose_lock_is_held_is_not_recovered(path: Path) -> None:
    session = cut_short(path, session_events.session(2.0))
    with closing(RecordingLock(path, session)) as lock:
        assert lock.take()
        with Store(path) as store:
            assert store.recovered == []
            assert store.row("last").state == "recording"
            assert store.row("last").duration_s == pytest.approx(1.99)
            with pytest.raises(StoreBusyError):
                store.delete(session)
    with Store(path) as store:
        assert [row.id for row in store.recovered] == [session]


def test_two_that_open_it_at_once_recover_it_once(path: Path) -> None:
    session = cut_short(path, session_events.session(20.0))
    start, recovered = threading.Barrier(4), []

    def open_() -> None:
        start.wait()
        with Store(path) as store:
            recovered.extend(store.recovered)

    threads = [threading.Thread(target=open_) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Store(path) as store:
        assert store.row(session).state == "recovered"
        assert len(store.load(session).t_s) == 2000
    assert [row.id for row in recovered] == [session]


@pytest.fixture
def three(path: Path) -> Iterator[tuple[Store, list[str]]]:
    """A log of three sessions: a day apart, the last of another person and simulated."""
    readings = session_events.readings(1.0)
    openings: list[Opened] = [
        session_events.opened(),
        session_events.opened(started_at=session_events.later(1)),
        session_events.opened(started_at=session_events.later(2), person="you", simulated=True),
    ]
    ids = [keep(path, [opening, *readings, session_events.totals(1.0)]) for opening in openings]
    with Store(path) as store:
        yield store, ids


def test_the_list_is_newest_first_and_can_be_narrowed(three: tuple[Store, list[str]]) -> None:
    store, ids = three

    def listed(**narrowed: object) -> list[str]:
        return [row.id for row in store.list(**narrowed)]  # type: ignore[arg-type] # checked by each call below

    assert listed() == ids[::-1]
    assert listed(limit=2) == ids[:0:-1]
    assert listed(person="me") == [ids[1], ids[0]]
    assert listed(since=session_events.later(1)) == ids[:0:-1]
    assert listed(person="nobody") == []
    assert [row.simulated for row in store.list()] == [True, False, False]


def test_a_session_is_found_by_the_beginning_of_its_id(three: tuple[Store, list[str]]) -> None:
    store, ids = three
    assert store.row("last").id == ids[2]
    for session in ids:
        assert store.row(session).id == store.row(session[:8]).id == store.row(session[:13].upper()).id == session
    with pytest.raises(NotFoundError, match="More than one"):
        store.row(ids[0][:2])
    for wrong in ("ffff", "", "%", "_", "last ", "' OR 1=1 --", ids[0] + "0"):
        with pytest.raises(NotFoundError):
            store.row(wrong)


def test_an_empty_log_has_no_last(path: Path) -> None:
    with Store(path) as store, pytest.raises(NotFoundError, match="no session yet") as caught:
        store.load("last")
    assert caught.value.hint == "Try: knead demo"


def test_regions_of_real_sessions_are_carried(three: tuple[Store, list[str]]) -> None:
    store, ids = three
    records = store.region_records(person="me")
    assert [record.session_id for record in records] == ids[:2]
    assert records[0].totals == session_events.totals(1.0).regions[0]
    assert records[0].started_at == session_events.STARTED
    assert store.region_records(person="you") == [], "simulated sessions do not count"
    assert [record.session_id for record in store.region_records(person="me", since=session_events.later(1))] == [
        ids[1]
    ]


def test_what_the_person_says_is_kept(three: tuple[Store, list[str]]) -> None:
    store, ids = three
    store.annotate(ids[0], note="better", tags=["evening", "tired"], pain_before=6)
    row = store.annotate(ids[0][:8], pain_after=0)
    assert (row.note, row.tags, row.pain_before, row.pain_after) == ("better", ("evening", "tired"), 6, 0)
    assert store.annotate(ids[0], note="").note == ""
    with pytest.raises(ValueError, match="0 to 10"):
        store.annotate(ids[0], pain_before=11)
    assert store.row(ids[0]).pain_before == 6


def test_what_is_deleted_is_gone_from_the_file(path: Path, three: tuple[Store, list[str]]) -> None:
    store, ids = three
    store.annotate(ids[0], note="very private words")
    assert b"very private words" in path.read_bytes() + path.with_name("knead.db-wal").read_bytes()
    assert store.delete(ids[0]).id == ids[0]
    assert [row.id for row in store.list()] == ids[:0:-1]
    assert b"very private words" not in path.read_bytes() + path.with_name("knead.db-wal").read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        for table in ("chunk", "event", "session_region"):
            assert connection.execute(f"SELECT count(DISTINCT session_id) FROM {table}").fetchone() == (2,)
    with pytest.raises(NotFoundError):
        store.load(ids[0])


def test_a_damaged_chunk_is_named(path: Path) -> None:
    session = keep(path, session_events.session(130.0))
    damage(path, "WHERE from_s > 50 AND from_s < 70")
    with Store(path) as store:
        with pytest.raises(UnreadableError, match=rf"Chunk .*60\.0 to .* of session {session}"):
            store.load("last")
        assert store.row("last").state == "complete"


def test_a_damaged_event_is_named(path: Path) -> None:
    session = keep(path, [*session_events.session(2.0), session_events.alert(1.5)])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE event SET fields = '{\"level\": 7}' WHERE kind = 'alert'")
    with Store(path) as store, pytest.raises(UnreadableError, match=f"Event .* of session {session}"):
        store.load("last")


def test_damage_does_not_keep_a_log_from_opening(path: Path) -> None:
    cut_short(path, session_events.session(60.0))
    damage(path, "WHERE seq = 1")
    with Store(path) as store:
        (row,) = store.recovered
        assert row.state == "recovered"
        assert row.duration_s == pytest.approx(59.99)
        assert row.scans is not None
        assert 2000 < row.scans < 6000
        with pytest.raises(UnreadableError, match="Chunk 1 "):
            store.load("last")


@pytest.mark.parametrize(
    "scribble",
    [
        "UPDATE session SET context = '{'",
        "UPDATE session SET tags = CAST(X'ff1b5b' AS TEXT)",
        "UPDATE chunk SET data = CAST(X'ff1b5b' AS TEXT)",
        "UPDATE chunk SET data = 'text'",
        "UPDATE event SET fields = '\x1b[2J'",
    ],
)
def test_columns_that_hold_what_they_cannot(path: Path, scribble: str) -> None:
    keep(path, session_events.session(2.0))
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(scribble).rowcount > 0
    with Store(path) as store, pytest.raises(UnreadableError, match="is damaged") as caught:
        store.load("last")
    assert str(caught.value).isprintable()


def damage(path: Path, where: str) -> None:
    scribbled = "CAST(substr(data, 1, length(data) - 9) || 'scribbled' AS BLOB)"
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(f"UPDATE chunk SET data = {scribbled} {where}").rowcount == 1


def test_a_replay_is_given_the_batches_as_they_came(path: Path) -> None:
    readings = session_events.readings(70.0)
    keep(path, [session_events.opened(), *readings])
    with Store(path) as store:
        batches = list(store.batches("last"))
    assert [batch.first_index for batch in batches] == [each.index for each in readings]
    assert [batch.t_us for batch in batches] == [each.t_us for each in readings]
    assert all(np.array_equal(batch.values, each.values) for batch, each in zip(batches, readings, strict=True))


def test_regions_with_unknown_numbers(path: Path) -> None:
    unknown = RegionTotals("calf", "both", 1.5, math.nan, math.nan, 0, 0, 0, math.nan, math.nan, (0, 0, 0, 0, 0), 0)
    keep(path, [*one_reading([[-32768]]), Totals(1.0, 1.5, (unknown,))])
    with Store(path) as store:
        (found,) = store.regions("last")
        assert (store.row("last").peak_kpa, store.row("last").contact_s) == (None, 1.5)
    assert math.isnan(found.dose_kpa_s)
    assert math.isnan(found.peak_kpa)
    assert found.contact_s == 1.5


@pytest.mark.parametrize("damage", ["1", "true", '"x"', "[]", "[1, 2]", "[[[]]]", "null", "NaN", "Infinity"])
@pytest.mark.parametrize("column", ["profile", "context", "smoothing", "routine", "tags", "alerts"])
def test_json_of_another_shape_is_one_error_and_hides_no_other_session(path: Path, column: str, damage: str) -> None:
    good, bad = (keep(path, session_events.session(1.0)) for _ in range(2))
    log = sqlite3.connect(path, isolation_level=None)
    log.execute(f"UPDATE session SET {column} = ? WHERE uuid = ?", (damage, bad))
    log.close()
    with Store(path) as store:
        assert {row.id for row in store.list()} == {good, bad}
        assert len(store.load(good).t_s)
        for read in (store.load, store.whole, store.course, store.opened):
            try:
                read(bad)
            except UnreadableError as error:
                assert bad in str(error)
                assert column in str(error)
                assert column not in ("tags", "alerts"), "of these nothing depends on"


def test_what_json_does_not_have_is_unknown(path: Path) -> None:
    session = keep(path, session_events.session(1.0))
    log = sqlite3.connect(path, isolation_level=None)
    log.execute("UPDATE session SET profile = json_set(profile, '$.lsb', 1)")
    log.execute('UPDATE session SET profile = replace(profile, \'"lsb":1\', \'"lsb":NaN,"more":[-Infinity]\')')
    log.close()
    with Store(path) as store:
        device = store.opened(session).device
    assert (device["lsb"], device["more"]) == (None, [None])
