"""What is kept for a ball that keeps nothing itself: its zero, and whether it is still the one behind that port."""

from dataclasses import replace
from pathlib import Path

import pytest

from companion import inreach, whereabouts
from companion.config import Paths, find_paths
from companion.whereabouts import Target, known_at
from companion.zeros import Zeros
from sessions.devices import Device
from sessions.events import Event, Notice, Opened
from sessions.store import Store
from tests.session_events import opened

PORT = "serial:/dev/ttyUSB7"


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    found = find_paths()
    Store(found.database).close()
    return found


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The one behind every port; may be changed."""
    present = [("1a86:7523", "A1")]
    monkeypatch.setattr(inreach, "adapter_of", lambda address: present[0])
    return present


def board(**kept: object) -> Device:
    return Device("text", "", "", {}, address=PORT, kept=kept)  # type: ignore[arg-type]  # JSON


def zero(*numbers: float) -> Notice:
    return Notice(1.0, "zero", "zero set", {"value": 3, "trusted": True, "numbers": list(numbers)} if numbers else {})


def begun() -> Opened:
    return replace(opened(), device={"kind": "text", "serial": "", "model": "", "channels": 1})


def test_the_newest_zero_is_kept_with_the_adapter_it_was_behind(paths: Paths, adapter: list[tuple[str, str]]) -> None:
    zeros = Zeros(paths, PORT)
    for event in (begun(), zero(5.0), zero(), zero(7.0, 8.0)):
        zeros(event)
    zeros.keep()
    (device,) = whereabouts.remembered(paths)
    assert device.kept == {"zero": [7.0, 8.0], "usb_id": "1a86:7523", "usb_serial": "A1"}
    assert device.address == PORT


@pytest.mark.parametrize("events", [(), ("begun",), ("begun", "none"), ("zero",)])
def test_without_a_zero_nothing_is_kept(paths: Paths, events: tuple[str, ...]) -> None:
    zeros = Zeros(paths, PORT)
    told: dict[str, Event] = {"begun": begun(), "none": zero(), "zero": zero(5.0)}
    for name in events:
        zeros(told[name])
    zeros.keep()
    assert whereabouts.remembered(paths) == []


def test_the_zero_of_a_virtual_ball_is_not_kept(paths: Paths) -> None:
    zeros = Zeros(paths, "sim:calm")
    zeros(begun())
    zeros(zero(5.0))
    zeros.keep()
    assert whereabouts.remembered(paths) == []


def test_a_board_is_expected_where_it_was_whatever_its_address_says(adapter: list[tuple[str, str]]) -> None:
    known = board(points=[1])
    for address in (PORT, f"{PORT}?kind=text", f"{PORT}?baud=57600&unit=kg"):
        assert known_at(Target(address), None, [known]) is known
    assert known_at(Target("serial:/dev/ttyUSB8"), None, [known]) is None


def test_another_adapter_is_another_board(adapter: list[tuple[str, str]]) -> None:
    known = board(usb_id="1a86:7523", usb_serial="A1")
    assert known_at(Target(PORT), None, [known]) is known
    adapter[0] = ("1a86:7523", "B2")
    assert known_at(Target(PORT), None, [known]) is None
    assert known_at(Target(PORT, device=known), None, [known]) is None


def test_another_kind_is_another_ball(adapter: list[tuple[str, str]]) -> None:
    known, other = board(), Device("native", "KB-1", "", {}, address=PORT)
    assert known_at(Target(PORT), "text", [other, known]) is known
    assert known_at(Target(PORT), "native", [known, other]) is other
    assert known_at(Target(PORT), None, [other, known]) is other, "the one that was there last"
