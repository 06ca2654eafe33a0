"""The pair screen: choosing, answering, naming and keeping a ball; and a ball that goes away meanwhile."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable

from companion import inreach, whereabouts
from companion.cli.pair_deck import pairing_of
from companion.cli.shelf import Shelf
from companion.config import Settings, find_paths
from companion.errors import ConfigError, UnavailableError
from companion.inreach import Place
from companion.pairing.profile import settled_of
from companion.pairing.trust import Finding
from companion.tui.app import KneadApp
from companion.tui.home import HomeScreen
from companion.tui.live import LiveScreen
from companion.tui.pair import PairScreen
from companion.tui.pairing import Near, Pairing, Said, Size, bars, finding_rows, near_cells, size_of
from companion.tui.widgets.lines import Lines
from tests.test_tui_stage import HOSTILE, HOSTILE_SHOWN, Stage
from tests.tui_plays import FakeOutcome, steady

SIZE = (80, 24)
LIMIT_S = 20.0
CABLE = Place("serial", "serial:/dev/ttyACM0", "Port", "USB", False, "")
AIR = Place("ble", "ble:Ball", HOSTILE, "pressure ball", True, "", "native", -63, 81, "Blue")
HELD = Place("ble", "ble:Held", "Held", "", True, "connected to this computer already", "native")
FOUND = (
    Finding("noise", "ok", "quiet", 0.1, "N", "0.1 N"),
    Finding("zero", "problem", "off", 12.0, "N", "reads 12 N", "zero it"),
)


@dataclass
class FakeMeeting:
    """Says what it is told to, asks once, and ends as told."""

    hear: Callable[[Said], None]
    outcome: FakeOutcome = field(default_factory=lambda: FakeOutcome(0, ""))
    claim: str = "tennis-size ball, 12 cm2"
    size: str = ""
    nickname: str = "KB-00A7"
    checked_s: float = 3.0
    answers: list[bool | None] = field(default_factory=list)
    kept: list[tuple[str, Size]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    refusal: Exception | None = None
    left: bool = False

    def answer(self, yes: bool | None, /) -> None:
        self.answers.append(yes)
        if yes is not None:
            self.done.set()

    def skip(self) -> None:
        self.done.set()

    def leave(self) -> None:
        self.left = True
        self.outcome = FakeOutcome(1, "given up: nothing was kept")
        self.done.set()

    def run(self) -> FakeOutcome:
        self.hear(Said(f"ball {HOSTILE}"))
        self.hear(Said("did it buzz?", key="buzz", again=True))
        assert self.done.wait(LIMIT_S)
        return self.outcome

    def findings(self) -> Sequence[Finding]:
        return FOUND

    def keep(self, nickname: str, size: Size, /) -> Sequence[str]:
        if self.refusal is not None:
            raise self.refusal
        self.kept.append((nickname, size))
        return ["its full scale is not known"]


class Bench:
    """The app with a pair screen over fakes."""

    def __init__(self, near: Sequence[Near] | Exception = (CABLE, AIR, HELD), **meeting: Any) -> None:
        self.met: list[tuple[str, FakeMeeting]] = []
        self._near, self._meeting = near, meeting
        self.stage = Stage(steady, pairing=Pairing(near=self._look, meet=self._meet))
        self.app = KneadApp(self.stage.deck)

    def _look(self, tell: Callable[[Near], None]) -> Sequence[Near]:
        if isinstance(self._near, Exception):
            raise self._near
        for near in self._near:
            tell(near)
        return self._near

    def _meet(self, address: str, hear: Callable[[Said], None]) -> FakeMeeting:
        if address == "nonsense":
            raise ConfigError("nonsense is no address", "write one")
        self.met.append((address, FakeMeeting(hear, **self._meeting)))
        return self.met[-1][1]

    @property
    def meeting(self) -> FakeMeeting:
        return self.met[-1][1]


def shown(pilot: Pilot[Any]) -> str:
    return "\n".join(lines.text for lines in pilot.app.screen.query(Lines))


async def until(pilot: Pilot[Any], there: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not there():
            await pilot.pause(0.01)


async def at_pairing(pilot: Pilot[Any], text: str = "") -> None:
    await pilot.press("p")
    await until(pilot, lambda: isinstance(pilot.app.screen, PairScreen) and pilot.app.screen.query("#near"))
    table: DataTable[Any] = pilot.app.screen.query_one("#near", DataTable)
    await until(pilot, lambda: text in shown(pilot) if text else table.row_count)


async def asked(pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: "y yes   n no" in shown(pilot))


async def test_a_ball_is_chosen_known_named_and_kept() -> None:
    bench = Bench()
    async with bench.app.run_test(size=SIZE) as pilot:
        await at_pairing(pilot)
        await pilot.press("j", "enter")
        await asked(pilot)
        assert HOSTILE_SHOWN in shown(pilot)
        await pilot.press("b", "y")
        await until(pilot, lambda: "name  KB-00A7" in shown(pilot))
        for text in ("noise        quiet", "MEND zero         off", "zero it", "taken for a hard ball", "12 cm2"):
            assert text in shown(pilot)
        await pilot.press("e", "ctrl+u", *"Blue", "enter", "y")
        await until(pilot, lambda: "as the ball says" in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Blue is remembered" in shown(pilot))
        assert "not known: its full scale" in shown(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(bench.app.screen, LiveScreen))
        assert bench.stage.addresses == ["Blue"]
        bench.stage.runs[0].stop("user")
        await until(pilot, lambda: "the fake run is over" in shown(pilot))
    assert bench.met[0][0] == "ble:Ball"
    assert bench.meeting.answers == [None, True]
    assert bench.meeting.kept == [("Blue", Size(as_told=True))]


async def test_a_size_is_typed_and_what_is_none_is_told() -> None:
    bench = Bench()
    async with bench.app.run_test(size=SIZE) as pilot:
        await at_pairing(pilot)
        await pilot.press("enter")
        await asked(pilot)
        await pilot.press("s")
        await until(pilot, lambda: "name  KB-00A7" in shown(pilot))
        await pilot.press("a", *"huge", "enter")
        await until(pilot, lambda: "that is no size" in shown(pilot))
        await pilot.press("a", *"soft 18", "enter")
        await until(pilot, lambda: "soft 18 cm2" in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "is remembered" in shown(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(bench.app.screen, HomeScreen))
    assert bench.meeting.kept == [("KB-00A7", Size("soft", 18.0))]


async def test_a_ball_that_goes_away_leads_back_to_the_choice() -> None:
    bench = Bench(outcome=FakeOutcome(4, "the ball went away: nothing was kept", "bring it near"))
    async with bench.app.run_test(size=SIZE) as pilot:
        await at_pairing(pilot)
        await pilot.press("enter")
        await asked(pilot)
        await pilot.press("n")
        await until(pilot, lambda: "went away" in shown(pilot))
        assert "bring it near" in shown(pilot)
        assert bench.app.screen.query_one("#near").display
    assert bench.meeting.kept == []


async def test_giving_up_keeps_nothing_at_each_step() -> None:
    bench = Bench()
    async with bench.app.run_test(size=SIZE) as pilot:
        await at_pairing(pilot)
        await pilot.press("enter")
        await asked(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: "given up" in shown(pilot))
        assert bench.meeting.left
        await until(pilot, lambda: bench.app.screen.query_one("#near").display)
        await pilot.press("enter")
        await until(pilot, lambda: len(bench.met) == 2)
        await asked(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "name  KB-00A7" in shown(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "nothing was kept" in shown(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(bench.app.screen, HomeScreen))
    assert [met.kept for _, met in bench.met] == [[], []]


async def test_leaving_the_app_in_the_middle_hangs_up() -> None:
    bench = Bench()
    async with bench.app.run_test(size=SIZE) as pilot:
        await at_pairing(pilot)
        await pilot.press("enter")
        await asked(pilot)
        await pilot.press("ctrl+q")
    assert bench.meeting.left


async def test_a_ball_in_use_and_an_address_that_is_none_are_told() -> None:
    bench = Bench()
    async with bench.app.run_test(size=SIZE) as pilot:
        await at_pairing(pilot)
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: "connected to this computer" in shown(pilot))
        assert bench.met == []
        await pilot.press("t", *"nonsense", "enter")
        await until(pilot, lambda: "nonsense is no address" in shown(pilot))
        assert bench.met == []


async def test_a_name_that_is_taken_is_told_and_another_one_kept() -> None:
    bench = Bench(refusal=ConfigError("another ball is called so", "choose another name"))
    async with bench.app.run_test(size=SIZE) as pilot:
        await at_pairing(pilot)
        await pilot.press("enter")
        await asked(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "name  KB-00A7" in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "another ball is called so" in shown(pilot))
        assert bench.meeting.kept == []
        bench.meeting.refusal = None
        await pilot.press("enter")
        await until(pilot, lambda: "is remembered" in shown(pilot))
        assert [name for name, _ in bench.meeting.kept] == ["KB-00A7"]


async def test_bluetooth_that_is_off_is_told_with_its_cure() -> None:
    bench = Bench(UnavailableError("Bluetooth is off", "switch Bluetooth on"))
    async with bench.app.run_test(size=SIZE) as pilot:
        await at_pairing(pilot, "Bluetooth is off")
        assert "switch Bluetooth on" in shown(pilot)


async def test_with_the_parts_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    monkeypatch.setattr(inreach, "serial_places", lambda _: [])
    monkeypatch.setattr(inreach, "ble_places", lambda *_: [])
    settings = Settings(paths=find_paths())
    bench = Bench()
    bench.stage.deck = KneadApp(Stage(steady, pairing=pairing_of(Shelf(settings))).deck)._deck
    app = KneadApp(bench.stage.deck)
    async with app.run_test(size=(120, 40)) as pilot:
        await at_pairing(pilot)
        await pilot.press("enter")
        await asked(pilot)
        assert "V-CALM-0" in shown(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "trust check" in shown(pilot))
        await pilot.press("s")
        await until(pilot, lambda: "name  V-CALM-0" in shown(pilot))
        await pilot.press("y", "enter")
        await until(pilot, lambda: "V-CALM-0 is remembered" in shown(pilot))
    (kept,) = whereabouts.remembered(settings.paths)
    assert settled_of(kept.kept).area_cm2 == 12.0


# --- rows ---


def test_signal_bars_and_what_is_unknown() -> None:
    assert [bars(dbm) for dbm in (-40, -65, -75, -95, None)] == ["####", "###.", "##..", "#...", "--"]
    assert near_cells(AIR) == (HOSTILE_SHOWN, "###.", "native", "81 %", "Blue", "ble:Ball")
    assert near_cells(CABLE)[1:5] == ("cable", "--", "--", "new")
    assert near_cells(HELD)[4] == "in use"


def test_what_to_do_is_left_out_before_a_finding_is() -> None:
    assert [len(finding_rows(FOUND, height)) for height in (0, 2, 3, 9)] == [2, 2, 3, 3]


@pytest.mark.parametrize(
    ("text", "size"),
    [("hard", Size("hard")), ("12", Size(None, 12.0)), ("12 cm2", Size(None, 12.0)), ("9.5 nub", Size("nub", 9.5))],
)
def test_sizes_as_they_are_typed(text: str, size: Size) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "gun", "900", "-1", "nan", "hard soft", "1 2"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        size_of(text)
