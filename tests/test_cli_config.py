"""`knead config`: works with a broken file too."""

from pathlib import Path

import pytest

from companion.cli import run
from companion.config import KEYS

Shown = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    for key in KEYS.values():
        monkeypatch.delenv(key.variable, raising=False)
    return tmp_path / "config" / "config.toml"


def test_path_prints_the_path_and_makes_nothing(file: Path, capsys: Shown) -> None:
    assert run(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert not file.parent.exists()


def test_set_then_get(file: Path, capsys: Shown) -> None:
    assert run(["config", "set", "side", "left"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert str(file) in shown.err
    assert run(["config", "get", "side"]) == 0
    assert capsys.readouterr().out == "left\n"


def test_get_lists_all_with_their_origin(file: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["config", "set", "person", "Ann"]) == 0
    monkeypatch.setenv("KNEAD_FPS", "7")
    capsys.readouterr()
    assert run(["config", "get"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(KEYS)
    assert "person = Ann  (config)" in lines
    assert "fps = 7  (KNEAD_FPS)" in lines
    assert "side = both  (default)" in lines


def test_set_says_when_a_variable_outranks_it(file: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEAD_FPS", "7")
    assert run(["config", "set", "fps", "9"]) == 0
    assert "KNEAD_FPS is set and outranks it" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["get", "speed"], ["set", "speed", "1"], ["set", "fps", "99"], ["set", "fps"]])
def test_wrong_use_is_2(file: Path, arguments: list[str], capsys: Shown) -> None:
    assert run(["config", *arguments]) == 2
    assert capsys.readouterr().err.startswith("knead: ")
    assert not file.exists()


def test_a_broken_file_is_shown_and_mended(file: Path, capsys: Shown) -> None:
    file.parent.mkdir()
    file.write_text("fps = 99\nperson = 'Ann'\ncolour = 1\n", "utf-8")
    assert run(["config", "get", "person"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "Ann\n"
    assert "fps: 99 is not allowed" in shown.err
    assert "'colour'" in shown.err
    assert run(["config", "set", "fps", "9"]) == 0
    capsys.readouterr()
    assert run(["config", "get", "fps"]) == 0
    assert capsys.readouterr().out == "9\n"


def test_a_file_that_is_no_toml_is_not_overwritten(file: Path, capsys: Shown) -> None:
    file.parent.mkdir()
    file.write_text("fps = = 9\n", "utf-8")
    assert run(["config", "get", "fps"]) == 0
    shown = capsys.readouterr()
    assert "not TOML" in shown.err
    assert "line 1" in shown.err
    assert run(["config", "set", "fps", "9"]) == 2
    assert file.read_text("utf-8") == "fps = = 9\n"
