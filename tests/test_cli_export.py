"""`knead export`: which form a file gets, what is refused, and that nothing is written over."""

import json
from pathlib import Path

import pytest

from companion.cli import run
from tests.test_cli_sessions import keep, story

Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    keep(tmp_path, *story())
    return tmp_path


@pytest.mark.parametrize(
    ("name", "options", "begins"),
    [
        ("one.csv", [], "session,row,t_s"),
        ("one.CSV", [], "session,row,t_s"),
        ("one", [], "session,row,t_s"),
        ("one.json", [], "{"),
        ("one.jsonl", [], '{"'),
        ("one.xyz", ["--format", "csv"], "session,row,t_s"),
    ],
)
def test_the_ending_says_the_form_and_a_form_says_more(
    name: str, options: list[str], begins: str, home: Path, capsys: Shown
) -> None:
    assert run(["export", "last", *options, "-o", str(home / name)]) == 0
    assert (home / name).read_text("utf-8").lstrip("\ufeff").startswith(begins)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"knead: wrote 1 session to {home / name}\n")


@pytest.mark.parametrize("name", ["one.xyz", "one.csv.gz", "one.html"])
def test_an_ending_of_nothing_is_refused_and_nothing_is_written(name: str, home: Path, capsys: Shown) -> None:
    assert run(["export", "last", "-o", str(home / name)]) == 2
    told, hint = capsys.readouterr().err.splitlines()
    assert told.startswith(f"knead: nothing is written as {Path(name).suffix}: ")
    assert ".csv .json .jsonl .parquet" in told
    assert hint == "  see knead export --help"
    assert not (home / name).exists()


def test_no_file_is_written_over_unless_so_said(home: Path, capsys: Shown) -> None:
    there = home / "one.json"
    there.write_text("mine", "utf-8")
    assert run(["export", "last", "-o", str(there)]) == 6
    assert there.read_text("utf-8") == "mine"
    assert capsys.readouterr().err.splitlines()[1] == "  Choose another name, or say --force."
    assert run(["export", "last", "-o", str(there), "--force"]) == 0
    assert json.loads(there.read_text("utf-8"))["schema"] == 1


@pytest.mark.parametrize("arguments", [[], ["last", "--format", "parquet"]])
def test_what_cannot_be_meant_is_a_wrong_use(arguments: list[str], capsys: Shown) -> None:
    assert run(["export", *arguments]) == 2
    assert capsys.readouterr().out == ""
