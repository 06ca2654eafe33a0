"""Every screen, driven by keys over a deck of fakes: at two sizes, without colour, and in a terminal far too small."""

import asyncio
import html
import math
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from types import UnionType

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import DataTable

from companion.tui.app import KneadApp
from companion.tui.compare import CompareScreen
from companion.tui.danger import DangerScreen
from companion.tui.deck import Live
from companion.tui.detail import DetailScreen
from companion.tui.help import HelpScreen
from companion.tui.home import HomeScreen
from companion.tui.live import LiveScreen
from companion.tui.plotting import SCALES, big_rows
from companion.tui.sessions import PAGE, SessionsScreen
from companion.tui.widgets.sessionplot import SessionPlot
from sessions.errors import UnreadableError
from sessions.events import Alert, Level, Phase
from tests.test_tui_stage import HOSTILE, HOSTILE_SHOWN, FakeRow, Stage
from tests.tui_plays import FakeOutcome, FakeRun, alert, notice, opened, reading, totals

SIZES = [(80, 24), (120, 40)]
LIMIT_S = 20.0
CELL_WIDTH, CELL_HEIGHT = 12.2, 24.4  # of a cell in the screenshot


def shown(pilot: Pilot[int]) -> list[str]:
    """The lines on the screen, as the terminal is given them, read back from a screenshot."""
    svg = pilot.app.export_screenshot(simplify=True)
    lines = [""] * pilot.app.size.height
    found = re.findall(r'<text class="[^"]*" x="([\d.]+)" y="([\d.]+)"[^>]*clip-path[^>]*>(.*?)</text>', svg)
    for x, y, text in sorted(found, key=lambda item: float(item[0])):
        row = round((float(y) - CELL_HEIGHT / 1.22) / CELL_HEIGHT)
        lines[row] = lines[row].ljust(round(float(x) / CELL_WIDTH)) + html.unescape(text).replace("\xa0", " ")
    return [line.rstrip() for line in lines]


def text_of(pilot: Pilot[int]) -> str:
    return "\n".join(shown(pilot))


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    """Let the app work until something holds."""
    async with asyncio.timeout(LIMIT_S):
        while not holds():
            await pilot.pause(0.01)


async def sees(pilot: Pilot[int], text: str) -> None:
    try:
        await until(pilot, lambda: text in text_of(pilot))
    except TimeoutError:
        pytest.fail(f"{text!r} is not on the screen:\n{text_of(pilot)}")


@pytest.fixture(params=["colour", "NO_COLOR"])
def colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if request.param == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    return str(request.param)


@asynccontextmanager
async def home(stage: Stage, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[int]]:
    app = KneadApp(stage.deck)
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "serial:/dev/ttyACM0" if stage.devices else "no ball in sight")
        yield pilot


@asynccontextmanager
async def on_live(
    stage: Stage, size: tuple[int, int] = (80, 24), *, age_s: float = 0.02
) -> AsyncIterator[tuple[Pilot[int], Live, FakeRun]]:
    """A run given to the app, frozen after a few readings of 47 kPa."""
    live = stage.live()
    run = stage.runs[-1]
    run.clock.frozen_s = 100.0 + age_s
    run.emit(notice("link", state="live"), opened(), reading(3.0, [47.0] * 10, arrival_s=100.0), totals(3.0))
    app = KneadApp(stage.deck, live)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LiveScreen))
        yield pilot, live, run


def stop(phase: Phase = Phase.RAISED) -> Alert:
    return alert("peak", Level.OK if phase is Phase.CONFIRMED else Level.STOP, phase, text="far over your limit")


# --- live ---


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("colour")
async def test_the_live_screen(size: tuple[int, int]) -> None:
    async with on_live(Stage(), size) as (pilot, _, _run):
        for word in ("▒▒▒ WORK", "hold    0:18", "live, 0.0 s old", "LIGHT", "HIGH", "OVER", "STOP", "▲ 47", "now"):
            await sees(pilot, word)  # each widget paints when its own turn comes
        await sees(pilot, "-30 s")  # beneath what is said at the start
        await until(pilot, lambda: re.search("[\u2801-\u28ff]", text_of(pilot)) is not None)  # the trace
        rows = 14 if size[1] >= 40 else 7
        await until(pilot, lambda: sum("██" in line for line in shown(pilot)[2:18]) >= rows)
        lines = shown(pilot)
        assert lines[0].startswith("Live  virtual 7F2A")
        assert lines[0].endswith("● REC 0:03")
        assert len(lines) == size[1]


@pytest.mark.parametrize("size", SIZES)
async def test_an_old_value_is_unknown_on_the_screen(size: tuple[int, int]) -> None:
    async with on_live(Stage(), size, age_s=0.3) as (pilot, _, _run):
        await sees(pilot, "UNKNOWN  kPa")
        assert "▲" not in text_of(pilot)
        assert "0.3 s old" in text_of(pilot)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("colour")
async def test_a_lost_signal_under_load_is_said_large(size: tuple[int, int]) -> None:
    async with on_live(Stage(), size, age_s=3.0) as (pilot, _, run):
        await sees(pilot, "UNKNOWN")
        run.emit(alert("silence", Level.TECHNICAL, text="sensor lost, ease off"))
        await sees(pilot, "[?] SENSOR sensor lost, ease off")
        await sees(pilot, "▄▀▀▀▀  ▀█▀  ▄▀▀▀▄ █▄  █")
        assert pilot.app.screen.has_class("-lost")
        run.emit(reading(6.0, [47.0], arrival_s=103.0), alert("silence", Level.OK, Phase.CLEARED))
        await sees(pilot, "▒▒▒ WORK")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("colour")
async def test_danger_covers_everything_and_goes_by_itself(size: tuple[int, int]) -> None:
    async with on_live(Stage(), size) as (pilot, _, run):
        app = pilot.app
        run.emit(stop())
        await until(pilot, lambda: isinstance(app.screen, DangerScreen))
        await sees(pilot, "far over your limit")
        lines = shown(pilot)
        assert lines[0] == lines[-1] == "█" * size[0]
        assert len(lines) == size[1]
        assert "Live" not in "".join(lines)
        await pilot.press("question_mark", "f", "q", "escape", "enter", "z")
        await pilot.pause()
        assert isinstance(app.screen, DangerScreen)
        assert app.screen.focused is None
        assert [action.kind for action in run.actions] == []
        run.emit(stop(Phase.LATCHED))
        await until(pilot, lambda: isinstance(app.screen, LiveScreen))
        await sees(pilot, "[X] STOPPED: press any key to go on")


async def test_danger_comes_again_and_over_the_help() -> None:
    async with on_live(Stage()) as (pilot, _, run):
        app = pilot.app
        for _ in range(3):
            await pilot.press("question_mark")
            await until(pilot, lambda: isinstance(app.screen, HelpScreen))
            run.emit(stop())
            await until(pilot, lambda: isinstance(app.screen, DangerScreen))
            run.emit(stop(Phase.LATCHED), stop(Phase.CONFIRMED))
            await until(pilot, lambda: isinstance(app.screen, HelpScreen))
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, LiveScreen))
        assert [type(screen) for screen in app.screen_stack].count(DangerScreen) == 0
        assert run.actions == [], "help and danger confirm nothing"


async def test_danger_shows_the_newest_number() -> None:
    async with on_live(Stage()) as (pilot, _, run):
        run.emit(stop())
        await until(pilot, lambda: isinstance(pilot.app.screen, DangerScreen))
        await until(pilot, lambda: is_large("47", text_of(pilot)))
        assert not is_large("188", text_of(pilot))
        run.emit(reading(3.1, [188.0], arrival_s=100.0))
        await until(pilot, lambda: is_large("188", text_of(pilot)))
        assert isinstance(pilot.app.screen, DangerScreen)


def is_large(number: str, text: str) -> bool:
    """Whether a number stands there in numerals of any size, row by row."""
    drawn = ([row.strip() for row in big_rows(number, scale)] for scale in SCALES)
    return any(all(row in text for row in rows) for rows in drawn)


async def test_any_key_confirms_a_stop_and_only_then() -> None:
    async with on_live(Stage()) as (pilot, _, run):
        await pilot.press("g")
        await pilot.pause()
        assert run.actions == []
        run.emit(stop(), stop(Phase.LATCHED))
        await sees(pilot, "STOPPED")
        await pilot.press("m")
        await until(pilot, lambda: bool(run.actions))
        assert [action.kind for action in run.actions] == ["confirm"]
        await pilot.press("s")  # pain says more than that one goes on
        await until(pilot, lambda: len(run.actions) == 2)
        assert run.actions[1].kind == "symptom"
        run.emit(stop(Phase.CONFIRMED))
        await until(pilot, lambda: "STOPPED" not in text_of(pilot))


@pytest.mark.parametrize(("key", "kind"), [("z", "tare"), ("m", "mark"), ("s", "symptom"), ("x", "silence")])
async def test_keys_become_actions(key: str, kind: str) -> None:
    async with on_live(Stage()) as (pilot, _, run):
        await pilot.press(key)
        await until(pilot, lambda: bool(run.actions))
        assert [action.kind for action in run.actions] == [kind]


async def test_the_sound_can_be_turned_off_in_danger() -> None:
    async with on_live(Stage()) as (pilot, _, run):
        run.emit(stop())
        await until(pilot, lambda: isinstance(pilot.app.screen, DangerScreen))
        await pilot.press("x")
        await until(pilot, lambda: bool(run.actions))
        assert run.actions[0].kind == "silence"
        assert isinstance(pilot.app.screen, DangerScreen)


async def test_what_the_ball_answers_is_said() -> None:
    async with on_live(Stage()) as (pilot, _, run):
        run.emit(notice("refused", f"not zeroed {HOSTILE}", request="tare"))
        await sees(pilot, f"not zeroed {HOSTILE_SHOWN}")
        assert HOSTILE not in text_of(pilot)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("colour")
async def test_the_far_view(size: tuple[int, int]) -> None:
    async with on_live(Stage(), size) as (pilot, _, _run):
        await sees(pilot, "-30 s")
        await pilot.press("f")
        await until(pilot, lambda: "hold" not in text_of(pilot))
        await until(pilot, lambda: sum("████" in line for line in shown(pilot)) >= 14)
        assert "hold" not in text_of(pilot), "figures are for reading near"
        await pilot.press("f")
        await sees(pilot, "hold    0:18")


@pytest.mark.parametrize("size", [(79, 24), (80, 23), (40, 10), (12, 3), (2, 1)])
@pytest.mark.usefixtures("colour")
async def test_a_tiny_terminal_has_number_and_word_only(size: tuple[int, int]) -> None:
    async with on_live(Stage(), size) as (pilot, _, run):
        await sees(pilot, "WORK 47"[: min(7, size[0])])
        assert "hold" not in text_of(pilot)
        run.emit(stop())
        await until(pilot, lambda: isinstance(pilot.app.screen, DangerScreen))
        await sees(pilot, "STOP"[: size[0]] if size[1] < 6 else "COME OFF")


@pytest.mark.parametrize(("size", "below"), [((80, 40), True), ((113, 50), True), ((114, 40), False)])
async def test_a_tall_terminal_has_large_numerals_and_the_panel_where_it_fits(
    size: tuple[int, int], below: bool
) -> None:
    async with on_live(Stage(), size) as (pilot, _, _run):
        await until(pilot, lambda: sum("████" in line for line in shown(pilot)[4:19]) >= 14)
        (line,) = (line for line in shown(pilot) if "hold    0:18" in line)
        assert line.startswith("hold") is below


async def test_a_lost_link_is_said() -> None:
    async with on_live(Stage()) as (pilot, _, run):
        run.emit(notice("link", "the cable was pulled", state="lost"))
        await sees(pilot, "the cable was pulled")
        await sees(pilot, "link    lost, trying again")
        assert isinstance(pilot.app.screen, LiveScreen), "it waits here"


async def test_a_terminal_that_grows_shows_it_all() -> None:
    async with on_live(Stage(), (40, 10)) as (pilot, _, _run):
        await sees(pilot, "WORK 47 kPa")
        await pilot.resize_terminal(120, 40)
        await sees(pilot, "hold    0:18")
        await pilot.resize_terminal(80, 24)
        await sees(pilot, "-30 s")
        assert len(shown(pilot)) == 24


# --- how a run ends ---


async def test_a_given_run_closes_the_app_with_its_code() -> None:
    stage = Stage()
    async with on_live(stage) as (pilot, _, run):
        run.finish(FakeOutcome(4, "the ball was away"))
        await until(pilot, lambda: pilot.app.return_value is not None)
    assert pilot.app.return_value == 4


async def test_q_ends_at_once_and_esc_at_the_second_press() -> None:
    for keys in (["q"], ["escape", "escape"]):
        stage = Stage()
        async with on_live(stage) as (pilot, _, run):
            for key in keys:
                assert run.causes == []
                await pilot.press(key)
                await pilot.pause()
            await until(pilot, lambda: pilot.app.return_value == 0)
        assert run.causes == ["user"]


async def test_one_esc_only_asks() -> None:
    async with on_live(Stage()) as (pilot, _, run):
        await pilot.press("escape")
        await sees(pilot, "press esc again to end")
        assert run.causes == []


async def test_the_app_waits_until_the_session_is_saved() -> None:
    async with on_live(Stage()) as (pilot, _, run):
        run.saved.clear()
        await pilot.press("q")
        await sees(pilot, "ending and saving the session")
        assert pilot.app.return_value is None
        run.saved.set()
        await until(pilot, lambda: pilot.app.return_value == 0)


async def test_a_run_that_does_not_end_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.tui.course.SAVE_S", 0.2)
    async with on_live(Stage()) as (pilot, _, run):
        monkeypatch.setattr(run, "stop", run.causes.append)
        await pilot.press("q")
        await until(pilot, lambda: pilot.app.return_value == 1)
        assert run.causes == ["user"]


async def test_ctrl_c_twice_leaves_and_saves() -> None:
    async with on_live(Stage()) as (pilot, _, run):
        await pilot.press("ctrl+c")
        await sees(pilot, "press ctrl+c again")
        await pilot.press("ctrl+c")
        await until(pilot, lambda: pilot.app.return_value == 0)
        assert run.causes == ["user"]


# --- home ---


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("colour")
async def test_home_lists_balls_plainly(size: tuple[int, int]) -> None:
    async with home(Stage(), size) as pilot:
        await sees(pilot, "stops 1, cautions 2")
        whole = text_of(pilot)
        for word in (HOSTILE_SHOWN, "sim:showcase", "virtual", "cannot be used", "known", "enter Begin", "q Quit"):
            assert word in whole
        await pilot.press("down")
        await sees(pilot, "not permitted: join the group dialout")


async def test_a_new_ball_appears_and_the_cursor_stays() -> None:
    stage = Stage()
    async with home(stage) as pilot:
        await pilot.press("down", "down")
        await sees(pilot, "showcase, virtual, new")
        stage.devices.pop(1)
        await pilot.press("r")
        await until(pilot, lambda: "CP2102" not in text_of(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LiveScreen))
        assert stage.addresses == ["sim:showcase"]


async def test_from_home_to_live_and_back_with_its_outcome() -> None:
    stage = Stage()
    async with home(stage) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LiveScreen))
        assert stage.runs[0].started
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await sees(pilot, "saved 0193-fake")
        assert pilot.app.return_value is None
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, LiveScreen))
        assert stage.addresses == ["serial:/dev/ttyACM0", "demo"]
        run = stage.runs[1]
        run.emit(opened(), stop())
        await until(pilot, lambda: isinstance(pilot.app.screen, DangerScreen))
        run.finish(FakeOutcome(3, "the cable was cut", "plug it in"))
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await sees(pilot, "plug it in")


async def test_a_ball_that_cannot_be_opened_says_why() -> None:
    async with home(Stage()) as pilot:
        await pilot.press("down", "enter")
        await sees(pilot, "no such port")
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_home_without_balls_offers_the_demonstration() -> None:
    stage = Stage()
    stage.devices.clear()
    async with home(stage) as pilot:
        await pilot.press("enter")
        await sees(pilot, "no ball is chosen")
        assert "press d for a demonstration without hardware" in text_of(pilot)
        assert stage.runs == []


async def test_zeroing_the_chosen_ball() -> None:
    stage = Stage()
    async with home(stage) as pilot:
        await pilot.press("z")
        await sees(pilot, "zeroed")
        assert stage.tared == ["serial:/dev/ttyACM0"]


async def test_q_leaves_home() -> None:
    async with home(Stage()) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: pilot.app.return_value is not None)
        assert pilot.app.return_value == 0


# --- sessions ---


@asynccontextmanager
async def sessions(stage: Stage, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[int]]:
    async with home(stage, size) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        await sees(pilot, "sessions " if stage.rows else "nothing yet")
        yield pilot


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("colour")
async def test_the_log_with_its_preview(size: tuple[int, int]) -> None:
    async with sessions(Stage(), size) as pilot:
        await sees(pilot, "0 to 80 kPa")
        whole = text_of(pilot)
        for word in ("3 sessions", "glute left", "12:35", "71", "6 > --", "del Delete"):
            assert word in whole


async def test_an_empty_log_says_what_to_do() -> None:
    stage = Stage()
    stage.rows.clear()
    async with sessions(stage) as pilot:
        await pilot.press("enter", "delete", "y")
        await pilot.pause()
        assert isinstance(pilot.app.screen, SessionsScreen)


async def test_deleting_takes_a_second_key() -> None:
    stage = Stage()
    async with sessions(stage) as pilot:
        await sees(pilot, "3 sessions")
        await pilot.press("y")
        await pilot.press("delete", "down", "y")  # another row: asked anew
        await pilot.pause()
        assert stage.deleted == []
        await pilot.press("delete")
        await sees(pilot, "y deletes")
        await pilot.press("y")
        await sees(pilot, "2 sessions")
        await sees(pilot, "u brings it back")
        await pilot.press("u")
        await sees(pilot, "3 sessions")
        await pilot.press("up", "delete", "y")
        await sees(pilot, "2 sessions")
        assert (stage.deleted, list(map(stage.deck.trash.__contains__, ("0193-0", "0193-1")))) == ([], [True, False])
    stage.deck.trash.empty(stage.deck.delete)
    assert stage.deck.trash.failures == []
    assert stage.deleted == ["0193-0"]


async def test_a_session_that_cannot_be_read_says_so() -> None:
    stage = Stage()

    def damaged(_: str) -> None:
        raise UnreadableError("a chunk is damaged", "see knead doctor")

    object.__setattr__(stage.deck, "load", damaged)
    async with sessions(stage) as pilot:
        await sees(pilot, "a chunk is damaged (see knead doctor)")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DetailScreen))
        await sees(pilot, "a chunk is damaged")
        await sees(pilot, "contact 9:31")  # what is stored of it can still be read
        assert "nothing was measured" not in text_of(pilot)


async def test_finding_sorting_and_what_is_no_filter() -> None:
    stage = Stage()
    stage.rows[1] = replace(stage.rows[1], note="needle")
    async with sessions(stage) as pilot:
        await pilot.press("slash", *"needle", "enter")
        await sees(pilot, "1 fit")
        await pilot.press("o")
        await sees(pilot, "by date, rising")
        assert stage.review.asked[-1][:2] == ("needle", "date")
        await pilot.press("slash", *["backspace"] * 6, *"foo:", "enter")
        await sees(pilot, "A filter knows no 'foo'")
        await pilot.press("slash", "escape")
        assert isinstance(pilot.app.screen, SessionsScreen)


async def test_the_list_is_read_as_far_as_it_is_looked_at() -> None:
    stage = Stage()
    stage.rows = [FakeRow(f"0193-{number:04}") for number in range(1000)]
    async with sessions(stage) as pilot:
        await sees(pilot, "1000 sessions")
        table = pilot.app.screen.query_one(DataTable)
        assert table.row_count == PAGE
        table.move_cursor(row=PAGE - 1)
        await until(pilot, lambda: table.row_count == 2 * PAGE)
        assert [ask[2:] for ask in stage.review.asked] == [(0, PAGE), (PAGE, PAGE)]


@pytest.mark.parametrize("size", SIZES)
async def test_selected_sessions_are_compared(size: tuple[int, int]) -> None:
    async with sessions(Stage(), size) as pilot:
        await pilot.press("c")
        await sees(pilot, "select 2 to 5")
        await pilot.press("space", "down", "space")
        await sees(pilot, "2 selected")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        for word in ("●", "×", "aligned on start", "peak, kPa", "they do not say what caused"):
            await sees(pilot, word)
        await pilot.press("a", "2")
        await sees(pilot, "aligned on contact")
        await sees(pilot, "(hidden)")
        await pilot.press("tab")
        await sees(pilot, "trends, 12 weeks")
        await sees(pilot, "n = 1; not known: before 0, after 0, in zone 0")
        await sees(pilot, "4 sim. left out")
        await sees(pilot, "Plan two-weeks: 2 of 5 days")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        assert "2 selected" in text_of(pilot), "they stay selected"


# --- one session ---


async def test_jumping_from_mark_to_alert_to_gap() -> None:
    async with sessions(Stage()) as pilot:
        await pilot.press("enter")
        await sees(pilot, "stop, come off")
        plot = pilot.app.screen.query_one(SessionPlot)
        for key, t_s, said in (("m", 60.0, "mark 1 of 1"), ("a", 441.0, "alert 1 of 1"), ("G", 270.0, "gap 1 of 1")):
            await pilot.press(key)
            await sees(pilot, said)
            assert (plot.from_s + plot.to_s) / 2 == pytest.approx(t_s)
        await pilot.press("right_square_bracket")
        await sees(pilot, "no step in this session")


async def test_what_the_person_says_is_written() -> None:
    stage = Stage()
    async with sessions(stage) as pilot:
        await pilot.press("enter")
        await sees(pilot, "mean 41 p95 63")
        await pilot.press("p", *["backspace"] * 3, *"7", "enter")
        await sees(pilot, "two scores")
        await pilot.press("p", *["backspace"] * 3, *"7 2", "enter")
        await sees(pilot, "7 before, 2 after")
        await pilot.press("n", *["backspace"] * 40, *"qm1", "enter")
        await sees(pilot, "note   qm1")
        await pilot.press("t", *"one two", "enter")
        await sees(pilot, "tags one two")
        await pilot.press("m", "i", *"here", "enter")
        await until(pilot, lambda: len(stage.review.said) == 4)
        assert stage.review.said[-1] == ("0193-0", {"mark": "here", "t_s": pytest.approx(60.0)})
        await pilot.press("delete", "y")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        await sees(pilot, "2 sessions")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("colour")
async def test_a_session_in_detail(size: tuple[int, int]) -> None:
    async with sessions(Stage(), size) as pilot:
        await pilot.press("enter")
        await sees(pilot, "stop, come off")
        whole = text_of(pilot)
        for word in ("1, together 60.0 s", "stop 1", HOSTILE_SHOWN, "[b]spot[/b]", "~~~", "X", "you: mark", "12:35"):
            assert word in whole
        plot = pilot.app.screen.query_one(SessionPlot)
        rows = plot.text.splitlines()[:-2]
        per_s = (size[0] - 6) / 600
        gap = range(6 + math.ceil(270 * per_s), 6 + math.floor(330 * per_s))
        assert {row[column] for row in rows for column in gap} == {" "}


async def test_zooming_and_moving_along() -> None:
    async with sessions(Stage()) as pilot:
        await pilot.press("enter")
        await sees(pilot, "stop, come off")
        plot = pilot.app.screen.query_one(SessionPlot)
        whole = (plot.from_s, plot.to_s)
        await pilot.press("+", "left", "left", "left")
        assert (plot.from_s, plot.to_s) == pytest.approx((0.0, (whole[1] - whole[0]) / 2))
        await pilot.press("right", "minus")
        assert (plot.from_s, plot.to_s) == pytest.approx(whole)
        for _ in range(20):
            plot.zoom(0.5)
        assert plot.to_s - plot.from_s == pytest.approx(2.0)
        for _ in range(2000):
            plot.pan(0.25)
        assert plot.to_s == pytest.approx(whole[1])
        await pilot.press("0")
        assert (plot.from_s, plot.to_s) == pytest.approx(whole)


async def test_one_and_q_lead_back() -> None:
    async with sessions(Stage()) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DetailScreen))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DetailScreen))
        await pilot.press("1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        assert not any(isinstance(screen, DetailScreen) for screen in pilot.app.screen_stack)


# --- help, themes ---


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("colour")
async def test_help_says_keys_and_what_it_is_not(size: tuple[int, int]) -> None:
    async with home(Stage(), size) as pilot:
        await pilot.press("question_mark")
        await sees(pilot, "KEYS, BALLS")
        await pilot.press("j", "down", "k", "space", "b", "end")
        await sees(pilot, "Not a medical device")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        assert not any(isinstance(screen, HelpScreen) for screen in pilot.app.screen_stack)


@pytest.mark.parametrize("theme", ["dark", "light", "high-contrast", "mono", "nobody-made-it"])
async def test_every_theme_can_be_shown(theme: str) -> None:
    async with on_live(Stage(theme=theme)) as (pilot, _, run):
        await sees(pilot, "▒▒▒ WORK")
        assert pilot.app.theme == ("dark" if theme == "nobody-made-it" else theme)
        run.emit(stop())
        await sees(pilot, "far over your limit")


async def test_no_color_chooses_the_theme_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_live(Stage()) as (pilot, _, _run):
        assert pilot.app.theme == "mono"


def shows(app: KneadApp, screen: type[Screen[None]] | UnionType) -> bool:
    return isinstance(app.screen, screen)


@pytest.mark.parametrize("size", [(30, 8), (10, 2)])
async def test_other_screens_survive_a_tiny_terminal(size: tuple[int, int]) -> None:
    app = KneadApp(Stage().deck)
    async with app.run_test(size=size) as pilot:
        for key, screen in (("3", SessionsScreen), ("enter", DetailScreen), ("question_mark", HelpScreen)):
            await until(pilot, lambda: app.screen.is_mounted)
            await pilot.pause()
            await pilot.press(key)
            # an empty list, where no row has room, opens nothing
            await until(pilot, partial(shows, app, SessionsScreen | DetailScreen if key == "enter" else screen))
            assert len(shown(pilot)) == size[1]


async def test_a_session_is_written_to_a_file_from_its_page_and_from_the_list() -> None:
    stage = Stage()
    async with sessions(stage) as pilot:
        await pilot.press("e")
        await sees(pilot, "behind it: nameless")
        await sees(pilot, "knead-2026-")
        await pilot.press("end", *("backspace",) * 4, *".doc", "enter")
        await sees(pilot, "name a file that ends in .csv")
        await pilot.press("space", "down", "space", "e", "enter")
        await sees(pilot, "wrote knead-2026-")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DetailScreen))
        await sees(pilot, "e Export")
        await pilot.press("e")
        await sees(pilot, ".jsonl .parquet")
        await pilot.press("escape")
        await pilot.press("e", "enter")
        await sees(pilot, "wrote knead-2026-")
    both, one = [name for name, said in stage.review.said if "export" in said]
    assert (both.count(","), one.count(",")) == (1, 0)
    assert set(both.split(",")) <= {row.id for row in stage.rows}
