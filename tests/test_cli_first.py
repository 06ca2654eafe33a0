"""What knead is not is said once: with the first session, or on the first screen."""

from pathlib import Path

import pytest

from companion.cli import first, run
from companion.cli.text import DISCLAIMER
from companion.config import find_paths
from tests.test_tui_screens import home, shown, text_of, until
from tests.test_tui_stage import Stage

Shown = pytest.CaptureFixture[str]


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def knead_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("form", ["--plain", "--jsonl"])
@pytest.mark.usefixtures("knead_home")
def test_the_first_session_says_it_and_no_other(form: str, capsys: Shown) -> None:
    command = ["live", "sim:calm", "--seconds", "1", "--speed", "20", "--quiet", "--no-record", form]
    assert run(command) == 0
    said = capsys.readouterr()
    assert DISCLAIMER in flat(said.err)
    assert DISCLAIMER not in flat(said.out), "words, not data"
    assert run(command) == 0
    assert DISCLAIMER not in flat(capsys.readouterr().err)


@pytest.mark.usefixtures("knead_home")
def test_a_session_that_cannot_begin_leaves_it_to_the_next(capsys: Shown) -> None:
    assert run(["live", "sim:nonsense", "--plain"]) != 0
    assert DISCLAIMER not in flat(capsys.readouterr().err)
    assert first.once(find_paths()) == DISCLAIMER


def test_where_it_cannot_be_kept_it_is_said_again(knead_home: Path) -> None:
    (knead_home / "state").write_text("a file where the directory should be")
    assert [first.once(find_paths()) for _ in range(2)] == [DISCLAIMER] * 2


def test_it_is_kept_for_you_alone(knead_home: Path) -> None:
    first.once(find_paths())
    assert (knead_home / "state" / first.MARK).stat().st_mode & 0o777 == 0o600
    assert first.once(find_paths()) == ""


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_first_screen_shows_all_of_it(size: tuple[int, int]) -> None:
    async with home(Stage(preface=DISCLAIMER), size) as pilot:
        await until(pilot, lambda: DISCLAIMER in flat(text_of(pilot)))
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: DISCLAIMER in flat(text_of(pilot)) and len(shown(pilot)) == 30)
        assert shown(pilot)[-1].startswith(" enter Begin"), "the keys stay below it"


async def test_later_screens_do_not() -> None:
    async with home(Stage()) as pilot:
        assert "medical" not in text_of(pilot)
