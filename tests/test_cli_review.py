"""The commands of the review: note, tag, pain, mark, plot, compare, trends; and what damage does to them."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from companion.cli import run
from companion.cli.reviewing import LogReview
from companion.config import find_paths
from sessions.events import Event
from sessions.store import Store
from tests import session_events
from tests.benchmarks.library import build
from tests.test_cli_sessions import Shown, home, keep, lines, story
from tests.test_store import keep as keep_in

__all__ = ["home"]


@pytest.fixture
def three(home: Path) -> list[str]:
    """Ids, the newest first."""
    for day in (1, 2, 3):
        keep(home, *story(day, simulated=False))
    with Store(find_paths({"KNEAD_HOME": str(home)}).database) as store:
        return [row.id for row in store.list()]


def test_what_is_said_is_shown_and_found(three: list[str], capsys: Shown) -> None:
    assert run(["sessions", "note", three[1], "near", "the", "hip"]) == 0
    assert run(["sessions", "tag", three[1], "evening", "sore"]) == 0
    assert run(["sessions", "tag", three[1], "--remove", "sore"]) == 0
    assert run(["sessions", "pain", three[1], "--before", "6", "--after", "3"]) == 0
    assert run(["sessions", "mark", three[1], "--at", "0:20", "sharp spot"]) == 0
    capsys.readouterr()
    for words in (["hip"], ["sharp"], ["sharp spot"], ["tag:evening"], ["pain:>5"], ["change:-3", "-tag:sore"]):
        assert run(["sessions", "list", *words, "--json"]) == 0
        assert [row["id"] for row in json.loads(capsys.readouterr().out)["sessions"]] == [three[1]], words
    assert run(["sessions", "show", three[1], "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["session"]
    assert (told["note"], told["tags"], told["pain_before"]) == ("near the hip", ["evening"], 6)
    assert told["marks"] == [{"t_s": 20.0, "text": "sharp spot"}]
    assert told["provenance"]["software"]
    assert run(["sessions", "pain", three[1], "--before", "unknown"]) == 0
    assert "unknown before, 3 of 10 after" in capsys.readouterr().out
    assert run(["sessions", "note", three[1], "--clear"]) == 0
    capsys.readouterr()
    assert run(["sessions", "note", three[1]]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list", "foo:1"], 2),
        (["list", "--sort", "colour"], 2),
        (["list", "--limt", "3"], 2),
        (["pain", "last", "--before", "11"], 2),
        (["mark", "last", "--at", "99:00"], 2),
        (["mark", "last", "--at", "soon"], 2),
        (["note", "last", "x" * 1_000_000], 2),
        (["note", "0000", "x"], 6),
        (["plot", "0000"], 6),
        (["plot", "last", "--from", "50", "--to", "10"], 2),
    ],
)
def test_what_cannot_be_is_one_line(three: list[str], capsys: Shown, arguments: list[str], code: int) -> None:
    assert run(["sessions", *arguments]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("knead: ")
    assert len(shown.err.splitlines()) <= 2
    assert max(map(len, shown.err.splitlines())) <= 1010


def test_a_plot_has_its_axis_signs_and_gap(three: list[str], capsys: Shown) -> None:
    assert run(["sessions", "plot", "--width", "70", "--height", "8", "--ascii"]) == 0
    drawn = lines(capsys)
    assert len(drawn) == 1 + 8 + 2
    assert max(map(len, drawn)) <= 70
    assert all(line.isascii() for line in drawn)
    assert {"X", "~"} <= set(drawn[-2])
    assert run(["sessions", "plot", "--json", "--width", "20"]) == 0
    plot = json.loads(capsys.readouterr().out)["plot"]
    assert (plot["from_s"], plot["to_s"], len(plot["high_kpa"])) == (0.0, 60.0, 20)
    assert [moment["kind"] for moment in plot["moments"]] == ["alert", "alert", "gap"]


def test_comparing(three: list[str], capsys: Shown) -> None:
    assert run(["compare", *three]) == 0
    text = capsys.readouterr().out
    assert all(name[:13] in text for name in three)
    assert "do not say what caused" in text
    assert run(["compare", *three, "--align", "step2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["from_s"] == [None, None, None], "there is no second step"
    peak = next(figure for figure in document["figures"] if figure["name"] == "peak")
    assert (peak["values"], peak["difference_from_first"]) == ([182.0] * 3, [0.0] * 3)
    for arguments in ([three[0]], [three[0], three[0]], [*three, "--align", "noon"]):
        assert run(["compare", *arguments]) == 2
        assert capsys.readouterr().err.startswith("knead: ")


def test_trends_say_n_what_is_missing_and_no_cause(home: Path, capsys: Shown) -> None:
    assert run(["trends"]) == 0
    assert "No real sessions" in capsys.readouterr().err
    build(find_paths({"KNEAD_HOME": str(home)}).database, 60, 1)
    assert run(["trends", "--weeks", "1040"]) == 0
    text = capsys.readouterr().out
    assert "not known: before" in text
    assert "do not say what caused" in text
    assert "simulated sessions" in text
    assert run(["trends", "--weeks", "1040", "--region", "glute", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {trend["region"] for trend in document["trends"]} == {"glute"}
    assert all(len(trend["weeks"]) == 1040 for trend in document["trends"])
    assert run(["trends", "--region", "elbow"]) == 2


# --- damage: one clear line, and the rest stays usable ---


def sql(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(find_paths({"KNEAD_HOME": str(home)}).database)) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_chunk_that_does_not_decompress_spoils_only_its_session(home: Path, three: list[str], capsys: Shown) -> None:
    sql(home, f"UPDATE chunk SET data = x'00ff' WHERE session_id = (SELECT id FROM session WHERE uuid = '{three[1]}')")
    assert run(["sessions", "plot", three[1]]) == 6
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Chunk" in shown.err
    assert run(["sessions", "show", three[1]]) == 0
    assert "Damaged" in capsys.readouterr().out
    assert run(["sessions", "list", "unheard"]) == 0
    assert run(["trends", "--weeks", "52"]) == 0
    assert run(["compare", three[0], three[2]]) == 0
    assert run(["sessions", "plot", three[0]]) == 0


def test_a_session_without_samples_is_shown_and_not_drawn(home: Path, three: list[str], capsys: Shown) -> None:
    sql(home, "DELETE FROM chunk")
    assert run(["sessions", "plot", three[0]]) == 6
    assert "no samples" in capsys.readouterr().err
    assert run(["sessions", "show", three[0]]) == 0
    assert "mean unknown" in capsys.readouterr().out
    assert run(["compare", *three]) == 0
    assert "nothing to draw" in capsys.readouterr().out


def test_a_note_of_a_megabyte_from_elsewhere_does_no_harm(home: Path, three: list[str], capsys: Shown) -> None:
    sql(home, f"UPDATE session SET note = '{'giraffe ' * 125_000}' WHERE uuid = '{three[2]}'")
    assert run(["sessions", "list", "giraffe"]) == 0
    assert len(lines(capsys)) == 2
    assert run(["sessions", "show", three[2]]) == 0
    assert max(map(len, lines(capsys))) < 2100


def test_a_damaged_page_of_samples_leaves_the_list(home: Path, three: list[str], capsys: Shown) -> None:
    path = find_paths({"KNEAD_HOME": str(home)}).database
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.execute("PRAGMA page_size").fetchone()[0]
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'chunk'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * page)
        file.write(b"\xff" * page)
    assert run(["sessions", "list"]) == 0
    assert len(lines(capsys)) == 4
    assert run(["sessions", "plot", three[0]]) == 6
    shown = capsys.readouterr()
    assert shown.err.startswith("knead: ")
    assert len(shown.err.splitlines()) <= 2


def test_trends_say_how_a_plan_goes(home: Path, capsys: Shown) -> None:
    path = find_paths({"KNEAD_HOME": str(home)}).database
    for days_ago in (9, 8, 8, 1):
        begun = datetime.now(UTC) - timedelta(days=days_ago)
        told: list[Event] = [
            replace(session_events.opened(started_at=begun), program="piriformis"),
            session_events.totals(300.0),
        ]
        keep_in(path, told)
    assert run(["trends"]) == 0
    assert "Plan two-weeks: 2 of 5 days (40%), 3 missing; n = 4 sessions since" in capsys.readouterr().out
    assert run(["trends", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)["plans"]["two-weeks"]
    assert (plan["days_asked"], plan["days_done"], plan["sessions"]) == (5, 2, 4)
    shown = LogReview(path, "me", home).trends(12)
    assert [line.partition(":")[0] for line in shown.plans] == ["Plan two-weeks"]
