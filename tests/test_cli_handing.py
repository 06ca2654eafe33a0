"""Sessions handed on from a screen: the file's name says what becomes of them; a deletion that fails is said."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from companion.cli import screen
from companion.cli.handing import ENDINGS, hand_on, proposed
from companion.cli.reviewing import LogReview
from companion.tui.reviewing import Trash
from sessions import Store
from sessions.errors import FileExistsRefusal, NotFoundError, StoreBusyError
from tests import session_events
from tests.test_store import keep


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "data" / "knead.db"
    keep(path, session_events.session(2.0))
    keep(path, session_events.session(2.0))
    with Store(path) as store:
        yield store


def test_a_name_is_proposed() -> None:
    assert proposed(datetime(2026, 11, 21, 14, 5, tzinfo=UTC)) == "knead-2026-11-21-1405.csv"


@pytest.mark.parametrize("ending", ENDINGS)
def test_its_ending_says_what_it_becomes(ending: str, store: Store, tmp_path: Path) -> None:
    file = tmp_path / f"one two{ending}"
    assert hand_on(store, ["last"], f" {file} ") == (
        f"wrote the report {file}" if ending in (".html", ".htm", ".pdf") else f"wrote 1 session to {file}"
    )
    begins = {".pdf": b"%PDF", ".html": b"<!", ".htm": b"<!", ".parquet": b"PAR1", ".csv": b"session,row,"}
    assert file.read_bytes().lstrip(b"\xef\xbb\xbf").startswith(begins.get(ending, b"{"))
    with pytest.raises(FileExistsRefusal):
        hand_on(store, ["last"], str(file))


def test_several_sessions_and_nobodys_name(store: Store, tmp_path: Path) -> None:
    ids = [row.id for row in store.list()]
    assert hand_on(store, ids, f"{tmp_path / 'all.jsonl'} anonymous").startswith("wrote 2 sessions, nameless, to ")
    assert ids[0] not in (tmp_path / "all.jsonl").read_text("utf-8")
    assert LogReview(tmp_path / "data" / "knead.db", "me", tmp_path).export(ids[:1], str(tmp_path / "one.json"))
    assert ids[0] in (tmp_path / "one.json").read_text("utf-8")


@pytest.mark.parametrize("name", ["", "page", "page.doc", "page\x1b[31m.csv", "a.html anonymous"])
def test_what_is_no_name_is_refused(name: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"name a file|report"):
        hand_on(store, ["last"], name)
    with pytest.raises(ValueError, match="one session"):
        hand_on(store, ["last", "last"], "a.pdf")
    with pytest.raises(NotFoundError):
        hand_on(store, ["01a1"], "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_deletion_that_fails_at_the_end_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Deck:
        trash = Trash()

    def shown(deck: Deck, live: object) -> int:
        deck.trash.empty(refuse)
        return 0

    def refuse(session: str) -> None:
        if session == "b":
            raise StoreBusyError("Session b is being recorded.", "End it first.")

    monkeypatch.setattr("companion.tui.app.run_tui", shown)
    deck = Deck()
    for name in "abc":
        deck.trash.put(name)
    assert screen._shown(cast("Any", deck)) == 1
    told = capsys.readouterr().err.splitlines()
    assert told == ["knead: a session you deleted is still there: Session b is being recorded.", "  End it first."]
