"""The short form of `python -m tests.reliability`: every promise is kept; and the table tells when one is not."""

import importlib
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest

from tests.reliability import __main__ as table
from tests.reliability.needs import MissingError, judged, require
from tests.reliability.row import Row

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals, pseudo-terminals and limits of POSIX")


# Those that wait for processes of their own are played at the same time, in one test: so each is played once,
# however the tests are spread.
TOGETHER = (("disk", "ending", "kill"), *((family,) for family in ("damage", "fuzz", "powercut", "storm", "soak")))


def play(family: str) -> list[Row]:
    return list(importlib.import_module(f"tests.reliability.{family}").rows(short=True))


def test_every_family_is_played() -> None:
    assert sorted(family for families in TOGETHER for family in families) == sorted(table.FAMILIES)


@pytest.mark.parametrize("families", TOGETHER, ids=" ".join)
def test_every_promise_is_kept(families: tuple[str, ...]) -> None:
    try:
        with ThreadPoolExecutor(len(families)) as lanes:
            rows = [row for found in lanes.map(play, families) for row in found]
    except MissingError as missing:
        if judged():
            raise
        pytest.skip(str(missing))
    assert rows
    assert [table.line(row) for row in rows if row.broken] == []


def family_of(*rows: Row) -> ModuleType:
    module = ModuleType("tests.reliability.damage")

    def play(*, short: bool) -> Iterator[Row]:
        yield from rows

    vars(module)["rows"] = play
    return module


@pytest.mark.parametrize(("broken", "code"), [("", 0), ("3 scans invented", 1)])
def test_a_broken_promise_is_told_and_the_exit_code(
    broken: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Row("flip", 7)
    row.promise(not broken, broken)
    row.promise(True, "nothing")
    monkeypatch.setitem(sys.modules, "tests.reliability.damage", family_of(row))
    assert table.main(["damage", "--short"]) == code
    shown = capsys.readouterr().out
    assert "flip" in shown
    assert ("BROKEN: 3 scans invented" in shown) == bool(broken)


def test_a_family_that_is_none_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        table.main(["nonsense"])
    assert "no such family: nonsense" in capsys.readouterr().err


def test_a_missing_tool_has_a_name() -> None:
    require("sys")
    with pytest.raises(MissingError, match="no-such-tool"):
        require("no-such-tool")
