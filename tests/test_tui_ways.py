"""The ways between the screens: where one begins, what a burst of keys does, and that there is always a way out."""

from dataclasses import replace
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from companion.tui.after import AfterScreen
from companion.tui.app import KneadApp
from companion.tui.deck import Device
from companion.tui.detail import DetailScreen
from companion.tui.help import HelpScreen
from companion.tui.home import HomeScreen, first_choice
from companion.tui.live import LiveScreen
from companion.tui.reviewing import Trends
from companion.tui.sessions import SessionsScreen
from tests.test_tui_screens import home, on_live, sees, sessions, shown, text_of, until
from tests.test_tui_stage import FakeDevice, Stage
from tests.tui_plays import FakeOutcome, notice, opened

PHANTOM = FakeDevice("serial:/dev/ttyS0", "/dev/ttyS0", "n/a")
CALM = FakeDevice("sim:calm", "calm", known=True)
USED = FakeDevice("serial:/dev/ttyACM0", "ball", known=True)
HELD = replace(USED, problem="not permitted")


def burst(pilot: Pilot[Any], *keys: str) -> None:
    """Keys that are all there before the first has done anything."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))


# --- where one begins ---


@pytest.mark.parametrize(
    ("devices", "place"),
    [
        ([PHANTOM, CALM], 1),
        ([PHANTOM, CALM, USED], 2),
        ([HELD, PHANTOM, CALM], 2),
        ([PHANTOM], 0),
        ([HELD], 0),
        ([], 0),
    ],
)
def test_the_cursor_begins_on_what_can_answer(devices: list[Device], place: int) -> None:
    assert first_choice(devices) == place


async def test_a_first_start_begins_on_a_virtual_ball_and_stays_where_one_goes() -> None:
    stage = Stage()
    stage.devices[:] = [PHANTOM, CALM]
    app = KneadApp(stage.deck)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "calm, virtual, known")
        await pilot.press("up")
        await sees(pilot, "/dev/ttyS0, serial, new")
        stage.devices.append(USED)
        await pilot.press("r")
        await sees(pilot, USED.address)
        assert "/dev/ttyS0, serial, new" in text_of(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, LiveScreen))
        assert stage.addresses == ["sim:calm"]


# --- where nothing answers ---


async def test_a_port_that_nothing_is_behind_says_so_and_one_key_leads_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.tui.live.WAIT_S", 0.0)
    stage = Stage()
    async with home(stage) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LiveScreen))
        await sees(pilot, "no reading yet: without one this ends by itself; esc leaves")
        run = stage.runs[0]

        def stop(cause: str) -> None:
            run.causes.append(cause)
            run.finish(FakeOutcome())

        run.emit(notice("link", state="greeting"))
        monkeypatch.setattr(run, "stop", stop)
        await pilot.press("escape")
        await until(pilot, lambda: run.causes == ["user"])
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await sees(pilot, "ended before a first reading: there is nothing to save")
        assert run.causes == ["user"]


async def test_what_is_said_of_waiting_ends_with_the_first_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.tui.live.WAIT_S", 0.0)
    async with on_live(Stage()) as (pilot, _, run):
        await sees(pilot, "WORK")
        assert "no reading yet" not in text_of(pilot)
        await pilot.press("escape")
        await sees(pilot, "press esc again to end")
        assert run.causes == []


async def test_trends_of_an_empty_log_say_what_is_told_there(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    stage.rows.clear()
    monkeypatch.setattr(stage.review, "trends", lambda _weeks: Trends([], simulated=0))
    async with sessions(stage) as pilot:
        await pilot.press("t")
        await sees(pilot, "no real sessions in the last 12 weeks")
        await sees(pilot, "A session on a ball of your own is told here once it is saved;")
        await sees(pilot, "one on a virtual ball does not count.")
        assert "no real sessions in the last 12 weeks" in text_of(pilot)


# --- bursts of keys ---


async def test_two_keys_at_once_leave_the_help_and_nothing_more() -> None:
    stage = Stage()
    async with home(stage) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LiveScreen))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        burst(pilot, "q", "q", "q")
        await until(pilot, lambda: not isinstance(pilot.app.screen, HelpScreen))
        await pilot.pause()
        assert isinstance(pilot.app.screen, LiveScreen)


async def test_two_keys_at_once_open_one_screen() -> None:
    async with sessions(Stage()) as pilot:
        burst(pilot, "enter", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DetailScreen))
        burst(pilot, "question_mark", "question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await pilot.pause()
        kinds = [type(screen) for screen in pilot.app.screen_stack]
        assert kinds == [HomeScreen, SessionsScreen, DetailScreen, HelpScreen]


async def test_two_keys_at_once_do_not_leave_what_is_asked_after_a_session() -> None:
    stage = Stage()
    async with on_live(stage) as (pilot, _, run):
        run.session_id = stage.rows[0].id
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, AfterScreen))
        await sees(pilot, "the session is saved; score")
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, DetailScreen))
        burst(pilot, "q", "q")
        await until(pilot, lambda: not isinstance(pilot.app.screen, DetailScreen))
        assert isinstance(pilot.app.screen, AfterScreen)


async def test_what_is_typed_at_once_comes_in_its_turn() -> None:
    stage = Stage()
    async with sessions(stage) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DetailScreen))
        screen = pilot.app.screen
        assert isinstance(screen, DetailScreen)
        await sees(pilot, "stop, come off")
        await pilot.press("p")
        await sees(pilot, "pain before and after, 0 to 10; ? for unknown")  # also where the line is not empty
        assert screen.entry.value == "6 ?"
        await pilot.press("escape")
        await sees(pilot, "nothing is changed")
        await pilot.press("n")
        await until(pilot, lambda: screen.typing)
        screen.entry.value = ""
        burst(pilot, "a", "c", "left", "b", "q", "tab", "enter")
        await sees(pilot, "written")
        assert stage.review.said == [("0193-0", {"note": "abqc"})]
        await pilot.press("t")
        await until(pilot, lambda: screen.typing)
        burst(pilot, "x", "escape", "q")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        assert len(stage.review.said) == 1, "given up"


# --- the way out is seen ---


async def test_the_far_view_says_what_holds_and_keeps_its_keys() -> None:
    stage = Stage()
    live = replace(stage.live(), words=("one", "two", "three"))
    run = stage.runs[0]
    run.emit(notice("link", state="live"), opened())
    app = KneadApp(stage.deck, live)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "how much does it hurt now")
        await pilot.press("f")
        await sees(pilot, "more: f, then w")
        assert "? Help" in shown(pilot)[-1]
        assert "one" in text_of(pilot)
        await pilot.press("f", "w")
        await sees(pilot, "how much does it hurt now")
        assert "? Help" in shown(pilot)[-1]
        live.run.stop("user")


@pytest.mark.parametrize("size", [(60, 20), (40, 10)])
async def test_keys_stand_at_the_foot_of_small_screens_too(size: tuple[int, int]) -> None:
    async with sessions(Stage()) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DetailScreen))
        await pilot.resize_terminal(*size)
        await until(pilot, lambda: len(shown(pilot)) == size[1] and "q Back" in shown(pilot)[-1])
        assert "q Back" in shown(pilot)[-1]
