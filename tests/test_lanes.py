"""Work in several processes: in order, stopped when nobody wants more, and told where a process dies."""

import os
from itertools import count
from pathlib import Path

import pytest

from tests.lanes import in_lanes

MARK = "KNEAD_TEST_MARK"
FATAL = 7


def square(number: int) -> int:
    return number * number


def dies_once(number: int) -> int:
    mark = Path(os.environ[MARK])
    if number == FATAL and not mark.exists():
        mark.touch()
        os._exit(1)
    return number


def dies_always(number: int) -> int:
    if number == FATAL:
        os._exit(1)
    return number


def reciprocal(number: int) -> float:
    return 1 / number


def test_results_come_in_order_and_no_more_than_wanted() -> None:
    found = []
    for value in in_lanes(square, count(), "squares", size=3):
        found.append(value)
        if len(found) == 20:
            break
    assert found == [number * number for number in range(20)]


def test_a_process_that_dies_is_replaced_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(MARK, str(tmp_path / "died"))
    assert list(in_lanes(dies_once, range(20), "work", size=3)) == list(range(20))
    assert "a process died near number" in capsys.readouterr().err
    assert (tmp_path / "died").exists()


def test_a_slice_that_always_dies_is_named() -> None:
    with pytest.raises(RuntimeError, match="a process died 2 times at numbers"):
        list(in_lanes(dies_always, range(12), "work", size=3))


def test_an_error_says_at_which_number() -> None:
    with pytest.raises(ZeroDivisionError) as failed:
        list(in_lanes(reciprocal, range(3), "work"))
    assert any("at number 0" in note for note in failed.value.__notes__)
