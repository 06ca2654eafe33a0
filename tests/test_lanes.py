"""Work in several processes: in order, stopped when nobody wants more, and told where a process dies."""

import multiprocessing
import os
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests import lanes
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


def test_a_pool_that_takes_no_more_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may die between two slices: the one that is handed over then must be played, too."""
    made: list[ProcessPoolExecutor] = []

    class Broken(ProcessPoolExecutor):
        taken = 0

        def submit(self, *given: Any, **named: Any) -> "Future[Any]":
            self.taken += 1
            if self is made[0] and self.taken > 7:
                raise BrokenProcessPool("a process has died")
            return super().submit(*given, **named)

    def pool() -> ProcessPoolExecutor:
        made.append(Broken(2, multiprocessing.get_context("spawn")))
        return made[-1]

    monkeypatch.setattr(lanes, "_pool", pool)
    assert list(in_lanes(square, range(40), "squares", size=3)) == [number * number for number in range(40)]
    assert len(made) == 2


def test_a_slice_that_always_dies_is_named() -> None:
    with pytest.raises(RuntimeError, match="a process died 2 times at numbers"):
        list(in_lanes(dies_always, range(12), "work", size=3))


def test_an_error_says_at_which_number() -> None:
    with pytest.raises(ZeroDivisionError) as failed:
        list(in_lanes(reciprocal, range(3), "work"))
    assert any("at number 0" in note for note in failed.value.__notes__)
