"""Sessions on their way out: every scan, both clocks, gaps with their cause, and nobody's name where none is wanted."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from sessions import Store
from sessions.csvfile import COLUMNS, guarded, unguarded
from sessions.errors import SessionError, UnreadableError
from sessions.events import Action, Closed, Event, Json, Notice
from sessions.export import FORMATS, export
from sessions.scans import scans_of
from tests import session_events
from tests.test_store import keep

SECRETS = ("Ann Example", "B-0042", "my sciatica", "private-tag", "2026", "ttyUSB7", "019c")


def story() -> list[Event]:
    """Two places, a hole of two seconds, a back-filled batch, a mark with words, and a restart of the ball."""
    moved: dict[str, Json] = {"region": "calf", "side": "right", "tool": "tennis", "area_cm2": 12.0}
    at = [session_events.reading(values, index) for values, index in _batches()]
    gap: dict[str, Json] = {"from_s": 1.99, "to_s": 4.0, "lost": 200, "cause": "link"}
    return [
        replace(session_events.opened(), person="Ann Example"),
        *at[:4],
        Action("region", moved, 1.5, 149),
        session_events.alert(1.6),
        Notice(2.0, "link", "/dev/ttyUSB7 went away", {"state": "lost", "cause": "/dev/ttyUSB7 went away"}),
        Notice(4.0, "gap", "2.01 s without data (link)", dict(gap)),
        replace(at[6], lost=200),
        replace(at[5], late=True),
        Action("mark", {"text": "my sciatica"}, 4.2, 420),
        session_events.totals(4.5),
        Closed(4.5, "user"),
    ]


def _batches() -> Iterator[tuple[Any, int]]:
    values = session_events.force_counts(500, 3, 100.0)
    values[10, 1] = 32767
    for index in (0, 50, 100, 150, 200, 300, 400):
        yield values[index : index + 50], index


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "knead.db"
    session = keep(path, story())
    with Store(path) as store:
        store.annotate(
            session, note="=HYPERLINK(1)\nmy sciatica; =1+1", tags=["private-tag"], pain_before=6, pain_after=3
        )
        yield store


def out(store: Store, form: str, *names: str, nameless: bool = False) -> bytes:
    stream = io.BytesIO()
    export(names or ("last",), store.whole, form, stream, nameless=nameless)
    return stream.getvalue()


def rows(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


def test_csv_has_every_scan_as_it_was_loaded(log: Store) -> None:
    data = log.load("last")
    scans = [row for row in rows(out(log, "csv")) if row["row"] == "scan"]
    assert len(scans) == len(data.t_s) == 300
    for name, column in (("t_s", data.t_s), ("force_n", data.force_n), ("pressure_kpa", data.pressure_kpa)):
        told = np.array([float(row[name] or "nan") for row in scans])
        np.testing.assert_allclose(told, column, atol=1e-4)
    for cell in range(3):
        told = np.array([float(row[f"cell_{cell + 1}_n"] or "nan") for row in scans])
        np.testing.assert_allclose(told, data.cells[:, cell], atol=5e-5)
    assert scans[10]["cell_2_n"] == "", "a cell at its end is unknown, not zero"
    assert [row["saturated"] for row in scans[9:12]] == ["0", "1", "0"]


def test_csv_has_both_clocks_and_the_place_of_each_scan(log: Store) -> None:
    opened = session_events.opened()
    scans = [row for row in rows(out(log, "csv")) if row["row"] == "scan"]
    for row in scans[::37]:
        moment = datetime.fromisoformat(row["host_time"])
        assert moment - opened.started_at == timedelta(seconds=float(row["t_s"]))
        assert float(row["device_time_s"]) == pytest.approx(10.0 + float(row["t_s"]), abs=1e-6)
        assert float(row["arrival_s"]) == pytest.approx(500.5 + float(row["t_s"]), abs=0.6)
    assert {row["host_time"][-6:] for row in scans} == {"+02:00"}
    assert [row["index"] for row in scans[-1:]] == ["449"]
    places = [(row["region"], row["side"], row["tool"]) for row in scans]
    assert places[149] == ("glute", "left", "hard_ball")
    assert places[151] == ("calf", "right", "tennis")
    assert [row["late"] for row in scans].count("1") == 50
    assert float(scans[220]["t_s"]) < float(scans[250]["t_s"]), "back-filled scans stand at their time"


def test_a_gap_is_a_row_with_its_cause_at_its_place(log: Store) -> None:
    told = rows(out(log, "csv"))
    at = next(number for number, row in enumerate(told) if row["row"] == "gap")
    gap = told[at]
    assert (gap["t_s"], gap["to_s"], gap["lost"], gap["name"]) == ("1.990000", "4.000000", "200", "link")
    before = [row for row in told[:at] if row["row"] == "scan"]
    assert float(before[-1]["t_s"]) == 1.99
    assert all(float(row["t_s"]) > 1.99 for row in told[at:] if row["row"] == "scan")


def test_the_columns_are_those_that_are_documented(log: Store) -> None:
    header = out(log, "csv").split(b"\r\n", 1)[0].decode().split(",")
    assert header == [name for name in COLUMNS for name in _cells(name)]
    units = ("_s", "_n", "_kpa", "_cm2")
    measured = [name for name in header if name[0] in "tdpfca" and name not in ("tool", "text", "fields")]
    assert all(name.endswith(units) for name in measured), measured


def _cells(name: str) -> list[str]:
    return ["cell_1_n", "cell_2_n", "cell_3_n"] if name == "cell_1_n" else [name]


@pytest.mark.parametrize("form", FORMATS)
def test_anonymous_says_nothing_of_whom_it_is(log: Store, form: str) -> None:
    named, nameless = out(log, form), out(log, form, nameless=True)
    if form == "parquet":
        named, nameless = (_told(parquet.ParquetFile(io.BytesIO(data))) for data in (named, nameless))
    for secret in SECRETS:
        assert secret.encode() in named, f"{secret} proves nothing"
        assert secret.encode() not in nameless, secret
    assert b"calf" in nameless
    assert b'"lost"' in nameless or b",200," in nameless


def _told(file: Any) -> bytes:
    """All that is in a Parquet file, as text."""
    text: str = json.dumps(file.read().to_pylist(), default=str)
    return text.encode() + bytes(file.schema_arrow.metadata[b"knead"])


def test_anonymous_times_count_from_the_beginning(log: Store) -> None:
    scans = [row for row in rows(out(log, "csv", nameless=True)) if row["row"] == "scan"]
    assert "host_time" not in scans[0]
    assert (scans[0]["session"], scans[0]["t_s"], scans[0]["index"]) == ("1", "0.000000", "0")
    assert float(scans[0]["device_time_s"]) == 0.0
    assert 0.0 <= float(scans[0]["arrival_s"]) < 0.01


def test_no_cell_of_any_text_is_a_formula(log: Store) -> None:
    text = out(log, "csv").decode()
    for separator in ",;\t|":
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        cells = [cell.lstrip(' "') for row in reader for cell in row]
        wrong = [cell for cell in cells if cell[:1] in tuple("=+@") or (cell[:1] == "-" and not _number(cell))]
        assert not [cell for cell in wrong if cell], (separator, wrong[:3])
    assert "HYPERLINK" in text


def _number(cell: str) -> bool:
    return re.fullmatch(r"-[0-9.]+", cell) is not None


@given(st.text(alphabet="=+-@'\"; \t|,\nab", max_size=12))
def test_what_guards_a_text_comes_off_again(text: str) -> None:
    safe = guarded(text)
    assert unguarded(safe) == text
    assert not re.match(r"[\s\"]*[=+\-@]", safe)
    assert not re.search(r"[;|\t\n][\s\"]*[=+\-@]", safe)


def test_json_and_parquet_hold_the_numbers_exactly(log: Store) -> None:
    scans = scans_of(log.whole("last"))
    told = json.loads(out(log, "json"))
    assert told["schema"] == 1
    session = told["sessions"][0]
    assert session["columns"]["t_s"] == pytest.approx(scans.t_s.tolist())
    assert [len(column) for column in session["columns"]["cells"]] == [3] * 300
    assert session["columns"]["cells"][10][1] is None
    assert (session["pain_before"], session["pain_after"], session["tags"]) == (6, 3, ["private-tag"])
    table = parquet.read_table(io.BytesIO(out(log, "parquet")))
    np.testing.assert_array_equal(table["force_n"].to_numpy(), scans.load)
    assert table["cell_2_n"][10].as_py() is None
    assert table["host_time"][0].as_py() == session_events.STARTED


def test_json_lines_are_the_events_of_a_live_session(log: Store) -> None:
    told = [json.loads(line) for line in out(log, "jsonl").splitlines()]
    kinds = [line["event"] for line in told]
    assert (told[0]["kind"], kinds[-1]) == ("opened", "session")
    assert {"reading", "alert", "notice", "action", "totals"} < set(kinds)
    readings = [line for line in told if line["event"] == "reading"]
    assert sum(len(line["t_s"]) for line in readings) == 300
    assert [line["lost"] for line in readings if line["lost"]] == [200]
    assert all(set(line) >= {"t_s", "force_n", "pressure_kpa", "cells", "lost"} for line in readings)
    assert all("t_s" in line for line in told if line["event"] != "session")


def test_several_sessions_make_one_table_of_one_unit(log: Store, tmp_path: Path) -> None:
    path = tmp_path / "knead.db"
    other = keep(path, [*session_events.session(2.0)])
    told = rows(out(log, "csv", "last", other))
    assert len({row["session"] for row in told}) == len({"last", other}) - (log.row("last").id == other)
    counts = replace(session_events.readings(1.0)[0], unit="counts")
    odd = keep(path, [session_events.opened(started_at=session_events.later(3)), counts])
    header = out(log, "csv", odd).split(b"\r\n", 1)[0]
    assert b"load_counts" in header
    assert b"force_n" not in header
    with pytest.raises(SessionError, match="one table holds one unit"):
        out(log, "csv", odd, other)


def test_a_session_without_samples_is_a_table_of_facts(log: Store, tmp_path: Path) -> None:
    empty = keep(
        tmp_path / "knead.db", [session_events.opened(started_at=session_events.later(9)), Closed(0.0, "user")]
    )
    told = rows(out(log, "csv", empty))
    assert {row["row"] for row in told} == {"about"}
    assert json.loads(out(log, "json", empty))["sessions"][0]["columns"]["t_s"] == []
    assert parquet.read_table(io.BytesIO(out(log, "parquet", empty))).num_rows == 0


def test_a_damaged_chunk_is_named(log: Store, tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "knead.db") as raw:
        raw.execute("UPDATE chunk SET data = x'0102'")
    for form in FORMATS:
        with pytest.raises(UnreadableError, match="Chunk"):
            out(log, form)
