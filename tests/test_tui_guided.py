"""What the screens show of a guided session, of one led by the ball alone, and after it; and the list of programs."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable

from companion.errors import RefusedError
from companion.programs.library import Entry, load_library
from companion.programs.program import Program, Step
from companion.programs.view import CoachView, Stand, Where
from companion.tui import guide
from companion.tui.after import AfterScreen
from companion.tui.aftermath import Aftermath, fact_rows, score_rows
from companion.tui.app import KneadApp
from companion.tui.books import ProgramPage
from companion.tui.danger import DangerScreen
from companion.tui.deck import Live
from companion.tui.detail import DetailScreen
from companion.tui.face import Now
from companion.tui.guidebook import TITLES, help_text
from companion.tui.home import HomeScreen
from companion.tui.keys import TABLE
from companion.tui.leaflet import leaflet_rows
from companion.tui.live import LiveScreen
from companion.tui.liveview import LiveView
from companion.tui.programs import ProgramsScreen
from companion.tui.tones import Rows
from companion.tui.widgets.bignumber import far_number, hands_rows, speaks
from companion.tui.widgets.gauge import gauge_rows
from sessions.about import About
from sessions.events import Action, Alert, Cue, Event, Level, Phase, Totals
from tests.test_tui_screens import home, sees, shown, text_of, until
from tests.test_tui_stage import FakeRow, Stage
from tests.tui_plays import MARKS, FakeOutcome, FakeRun, alert, notice, opened, reading, totals

LOOKS = [((80, 24), "1"), ((100, 30), ""), ((120, 40), "1")]


def step(title: str, technique: str = "hold", **other: Any) -> Step:
    fields: dict[str, Any] = {
        "site": "piriformis",
        "region": "piriformis",
        "side": "left",
        "tool": "tennis",
        "band_kpa": (40.0, 60.0),
        "seconds": 40.0,
        "repeats": 3,
        "rest_s": 15.0,
        "cue": "breathe",
    }
    return Step(title=title, technique=technique, **(fields | other))


STEPS = (step("Light rolling", "roll"), step("Still holds"), step("Ease off", "ease", repeats=1))


def view(**other: Any) -> CoachView:
    fields: dict[str, Any] = {
        "program": "piriformis",
        "title": "Piriformis",
        "stand": Stand.WORK,
        "cause": "",
        "number": 2,
        "step": STEPS[1],
        "band_kpa": (40.0, 60.0),
        "where": Where.IN,
        "rep": 2,
        "held_s": 22.0,
        "seconds": 40.0,
        "rest_left_s": None,
        "hold_load": 0.45,
        "next_in_s": None,
        "steps": STEPS,
        "done": ("done", "", ""),
    }
    return CoachView(**(fields | other))


def now(coach: CoachView | None = None, kpa: float = 47.0, **other: Any) -> Now:
    seen = LiveView(lambda _: MARKS)
    for event in (opened(), reading(3.0, [kpa] * 10, arrival_s=100.0), totals(3.0)):
        seen(event)
    return Now(dataclasses.replace(seen.snapshot(), **other), 0.02, coach=coach)


def text(rows: Rows) -> str:
    return "\n".join("".join(part for part, _ in row) for row in rows)


# --- words of a coach ---


@pytest.mark.parametrize(
    ("coach", "word", "said"),
    [
        (view(), "HOLD", "stay, breathe out slowly"),
        (view(step=STEPS[0]), "ROLL", "roll slowly"),
        (view(where=Where.BELOW), "MORE", "up to 40"),
        (view(where=Where.ABOVE), "LESS", "down to 60"),
        (view(where=Where.FREE), "PRESS", "the clock waits"),
        (view(where=Where.UNKNOWN), "WAIT", "no pressure is known"),
        (view(stand=Stand.READY), "START", "press the ball to begin"),
        (view(stand=Stand.NEXT, next_in_s=4.2), "NEXT", "next in 5 s: Still holds"),
        (view(stand=Stand.REST, rest_left_s=11.5), "REST", "come off; 0 to 9"),
        (view(stand=Stand.PAUSED, cause="user"), "PAUSE", "paused (by you)"),
        (view(stand=Stand.PAUSED, cause="silence"), "PAUSE", "paused (no signal)"),
        (view(stand=Stand.STOPPED), "STOP", "come off the ball"),
        (view(stand=Stand.OVER, cause="done"), "DONE", "the program is over"),
        (view(stand=Stand.OVER, done=("skipped", "done", "skipped")), "DONE", "over, 2 of 3 steps left out"),
    ],
)
def test_what_to_do_is_one_short_word_and_a_few_more(coach: CoachView, word: str, said: str) -> None:
    assert guide.word(coach) == word
    assert len(word) <= 5  # large, they fit beside the number on 80 columns
    assert said in guide.told(coach)


@pytest.mark.parametrize(
    ("coach", "seconds"),
    [
        (view(), "18"),
        (view(held_s=39.99), "1"),
        (view(held_s=40.0), "0"),
        (view(stand=Stand.REST, rest_left_s=11.2), "12"),
        (view(stand=Stand.REST, rest_left_s=None), ""),
        (view(stand=Stand.NEXT, next_in_s=3.0), "3"),
        (view(stand=Stand.READY), ""),
        (view(stand=Stand.OVER), ""),
    ],
)
def test_the_seconds_that_count_down(coach: CoachView, seconds: str) -> None:
    assert guide.seconds(coach) == seconds


@pytest.mark.parametrize(("width", "height"), [(44, 8), (44, 15), (80, 8)])
def test_the_panel_has_step_clock_band_and_what_is_next(width: int, height: int) -> None:
    rows = guide.guide_rows(now(view()), view(), width, height)
    told = text(rows)
    for words in (
        "Still holds",
        "HOLD  in the band",
        "22/40 s",
        "target 40 to 60 kPa  ▒ WORK",
        "step 2 of 3",
        "rep 2 of 3",
    ):
        assert words in told
    assert "then Ease off" in told
    assert len(rows) <= height
    assert max(map(len, told.split("\n"))) <= width
    assert ("x 1 Light rolling" in told) == (height > 10)


def test_the_gauge_clasps_the_band() -> None:
    marker = text(gauge_rows(now(view()), 78)).split("\n")[-1]
    assert marker.index("╚") < marker.index("▲ 47") < marker.index("╝")
    assert "╚" not in text(gauge_rows(now(), 78))


@pytest.mark.parametrize("kpa", [7.0, 47.0, 121.0])
@pytest.mark.parametrize("width", [80, 100, 120])
def test_from_afar_the_number_has_fourteen_rows_and_the_deed_stands_beside_it(width: int, kpa: float) -> None:
    rows = far_number(now(view(), kpa), width, 14)
    lines = text(rows).split("\n")
    assert max(map(len, lines)) <= width
    drawn = [line for line in lines if line.strip()]
    assert len(drawn) == 14 or (kpa > 99 and width == 80)  # three numerals leave no room beside them


@pytest.mark.parametrize(
    ("hands", "value"), [("countdown", 7), ("asked", None), ("scoring", None), ("grade", 10), ("taken", 6)]
)
@pytest.mark.parametrize(("width", "height"), [(80, 14), (120, 14), (36, 8), (20, 4)])
def test_what_the_ball_is_asked_and_told_fits(hands: str, value: int | None, width: int, height: int) -> None:
    rows = hands_rows(now(hands=hands, hands_value=value), width, height)
    assert 0 < len(rows) <= height
    assert all(len(line) <= width for line in text(rows).split("\n"))


# --- the live screen ---


@asynccontextmanager
async def guided(
    size: tuple[int, int] = (80, 24), coach: CoachView | None = None, stage: Stage | None = None, **other: Any
) -> AsyncIterator[tuple[Pilot[int], Live, FakeRun]]:
    stage = stage or Stage()
    live = dataclasses.replace(stage.live(), coach=lambda: coach, **other)
    run = stage.runs[-1]
    run.clock.frozen_s = 100.02
    run.emit(notice("link", state="live"), opened(), reading(3.0, [47.0] * 10, arrival_s=100.0), totals(3.0))
    app = KneadApp(stage.deck, live)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LiveScreen))
        yield pilot, live, run


@pytest.mark.parametrize(("size", "no_color"), LOOKS)
async def test_the_guided_screen(size: tuple[int, int], no_color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    async with guided(size, view()) as (pilot, _, _run):
        await sees(pilot, "HOLD  in the band")
        for words in ("Still holds", "step 2 of 3", "then Ease off", "╚", "n Next", "? Help"):
            assert words in text_of(pilot)
        await sees(pilot, "60>")  # the band in the trace
        await pilot.press("f")
        await sees(pilot, "step 2 of 3 · rep 2 of 3 · in the band")
        assert all(len(line) <= size[0] for line in shown(pilot))


async def test_the_program_is_led_by_keys() -> None:
    async with guided(coach=view()) as (pilot, _, run):
        await pilot.press("space", "n", "b")
        await until(pilot, lambda: len(run.actions) == 3)
        assert [action.kind for action in run.actions] == ["pause", "next", "back"]


async def test_what_is_spoken_is_shown() -> None:
    async with guided(coach=view()) as (pilot, _, run):
        run.emit(Cue(4.0, "next", 3, "next: ease off, in five seconds", {"in_s": 5}))
        await sees(pilot, "next: ease off, in five seconds")
        run.emit(Cue(5.0, "count", 3, "three"))
        assert "three" not in text_of(pilot).lower().replace("first three", "")


async def test_danger_covers_a_guided_session() -> None:
    async with guided(coach=view()) as (pilot, _, run):
        run.emit(alert("peak", Level.STOP))
        await until(pilot, lambda: isinstance(pilot.app.screen, DangerScreen))
        run.emit(alert("peak", Level.STOP, Phase.LATCHED))
        assert "HOLD  in the band" not in text_of(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, LiveScreen))
        await sees(pilot, "HOLD  in the band")
        assert "STOPPED: press any key to go on" in text_of(pilot)


async def test_begun_without_hands_it_is_seen_from_afar_and_a_key_comes_near() -> None:
    async with guided() as (pilot, _, run):
        await sees(pilot, "hold    0:18")
        run.emit(notice("hands", "starting", state="started"))
        await until(pilot, lambda: pilot.app.screen.has_class("-far"))
        await pilot.press("f")
        await sees(pilot, "hold    0:18")
        run.emit(notice("hands", "paused: you are off the ball", state="paused"))
        await sees(pilot, "paused: you are off the ball")
        assert not pilot.app.screen.has_class("-far")  # the person has chosen


def test_what_was_asked_does_not_stand_for_ever() -> None:
    asked = now(hands="scored", hands_value=4, hands_s=3.0)
    assert speaks(asked)
    assert not speaks(now(hands="scored", hands_value=4, hands_s=-4.0))
    assert not speaks(now(hands="started", hands_s=3.0))
    assert not speaks(now(hands="asked", hands_s=3.0, level=Level.TECHNICAL))


async def test_the_pause_of_a_free_session_is_said() -> None:
    async with guided() as (pilot, _, run):
        run.emit(Action("pause", {}, 3.0, 1))
        await sees(pilot, "PAUSED by you")
        run.emit(Action("pause", {"on": False}, 3.0, 1))
        await until(pilot, lambda: "PAUSED by you" not in text_of(pilot))
        assert "WORK" in text_of(pilot)


async def test_what_holds_is_said_as_it_begins_and_brought_back_by_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    known = ("one of your first three sessions: limits times 0.7", "calf left: 8 min of contact left today")
    async with guided(words=known) as (pilot, _, _run):
        await sees(pilot, "[i] one of your first three sessions: limits times 0.7")
        await sees(pilot, "8 min of contact left today")
        await sees(pilot, "nobody was screened: limits are times 0.5")
        monkeypatch.setattr("companion.tui.live.WORDS_S", -100.0)
        await pilot.press("w")
        await until(pilot, lambda: "8 min of contact" not in text_of(pilot))
        monkeypatch.undo()
        await pilot.press("w")
        await sees(pilot, "8 min of contact left today")
        assert "[i] one of your first three sessions: limits times 0.7" in text_of(pilot)


# --- after it ---


@asynccontextmanager
async def ended(stage: Stage, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[int]]:
    async with guided(size, stage=stage) as (pilot, _, run):
        run.session_id = "0193-0"
        run.finish(FakeOutcome(0, "saved"))
        await until(pilot, lambda: isinstance(pilot.app.screen, AfterScreen))
        await sees(pilot, "How much does it hurt now?")
        yield pilot


def real(**other: Any) -> Stage:
    stage = Stage(left=lambda region, side: [f"{region} {side}: 5 min left"])
    stage.rows = [FakeRow("0193-0", simulated=False, pain_before=6, note="", **other)]
    return stage


@pytest.mark.parametrize(("size", "no_color"), LOOKS)
async def test_after_a_session(size: tuple[int, int], no_color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    async with ended(real(), size) as pilot:
        await sees(pilot, "glute left: 5 min left")
        for words in ("pain 6", "contact", "9:31 of 12:35", "holds    2", "stop 1", "dose", "0 to 9"):
            assert words in text_of(pilot)
        assert all(len(line) <= size[0] for line in shown(pilot))


async def test_a_score_a_note_and_tags_are_written_and_the_app_ends() -> None:
    stage = real()
    async with ended(stage) as pilot:
        await sees(pilot, "glute left: 5 min left")
        await pilot.press("n", *"near it", "enter")
        await sees(pilot, "near it")
        await pilot.press("t", *"hip", "enter")
        await sees(pilot, "tags     hip")
        await pilot.press("b", "7", "enter")
        await sees(pilot, "pain 7")
        await pilot.press("b", "9", "9", "enter")
        await sees(pilot, "a score from 0 to 10")
        await pilot.press("4", "left", "right", "right")
        await sees(pilot, "[5]")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.return_code is not None or not pilot.app.is_running)
    said = [words for _, words in stage.review.said]
    assert said == [{"note": "near it"}, {"tags": ["hip"]}, {"pain_before": 7}, {"pain_after": 5}]


async def test_ten_has_a_key_and_the_score_given_by_squeezing_stands() -> None:
    async with ended(real(pain_after=3)) as pilot:
        await sees(pilot, "[3]")
        await pilot.press("x")
        await sees(pilot, "[10]")
        assert "pain now: 10" in text_of(pilot)


async def test_skipping_writes_nothing() -> None:
    stage = real()
    async with ended(stage) as pilot:
        await pilot.press("8", "escape")
        await until(pilot, lambda: not pilot.app.is_running or pilot.app.return_code is not None)
    assert stage.review.said == []


async def test_left_alone_it_goes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.tui.after.SHORT_S", 0.2)
    stage = Stage()  # simulated rows
    async with guided(stage=stage) as (pilot, _, run):
        run.session_id = "0193-0"
        run.finish(FakeOutcome(7, "ended by stops"))
        await until(pilot, lambda: pilot.app.return_code is not None or not pilot.app.is_running)
        assert pilot.app.return_value == 7  # the outcome's code, not that of the question
    assert stage.review.said == []


async def test_from_the_first_screen_it_leads_back_there() -> None:
    stage = real()
    async with home(stage) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LiveScreen))
        stage.runs[0].session_id = "0193-0"
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, AfterScreen))
        await sees(pilot, "glute left: 5 min left")
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, DetailScreen))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, AfterScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        assert len(pilot.app.screen_stack) == 1


async def test_a_session_that_cannot_be_read_back_says_so_and_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = real()

    def away(session: str) -> About:
        raise RefusedError("the log is away", "")

    monkeypatch.setattr(stage.review, "about", away)
    async with ended(stage) as pilot:
        await sees(pilot, "the log is away")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.return_code is not None or not pilot.app.is_running)
        assert pilot.app.return_value == 0


def test_what_is_unknown_after_a_session_is_no_zero() -> None:
    row: Any = FakeRow("a", peak_kpa=None, contact_s=None, duration_s=None, alerts_by_level={})
    told = text(tuple(fact_rows(Aftermath(row))))
    assert "-- of --" in told
    assert "-- kPa" in told
    assert "0" not in told
    counts: Any = FakeRow("b", peak_kpa=None, contact_s=30.0, duration_s=60.0, alerts_by_level={})
    told = text(tuple(fact_rows(Aftermath(counts, [totals(3.0)]))))
    assert "0:30 of 1:00" in told
    assert "holds    --" in told
    assert "dose" not in told


@pytest.mark.parametrize(("width", "height"), [(80, 6), (80, 12), (120, 24), (60, 3)])
@pytest.mark.parametrize("score", [None, 0, 10])
def test_the_score_fits(width: int, height: int, score: int | None) -> None:
    rows = score_rows(score, width, height)
    assert len(rows) <= max(height, 1)
    assert (f"[{score}]" in text(rows)) == (score is not None)


# --- programs ---


def programs() -> ProgramPage:
    """Those that come with knead, and a broken one."""
    entries = [*load_library(None).entries.values()]
    broken = Entry("desk", "yours", "/home/me/desk.toml", None, "desk.toml: step 2: seconds = -3; allowed is above 0")
    return ProgramPage([*entries, broken], [("Groin", "great vessels and nerves")], {"two-weeks": ["3 of 5 days"]})


@asynccontextmanager
async def on_programs(stage: Stage, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[int]]:
    async with home(stage, size) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: isinstance(pilot.app.screen, ProgramsScreen))
        await sees(pilot, "enter begins it")
        yield pilot


async def test_a_narrow_screen_leaves_room_for_what_a_program_is() -> None:
    async with on_programs(Stage(programs=programs), (60, 20)) as pilot:
        await sees(pilot, "side  [left]   right    both")
        assert "enter begins it" in text_of(pilot)


async def choose(pilot: Pilot[int], key: str) -> None:
    keys = [entry.key for entry in programs().entries]
    pilot.app.screen.query_one("#programs", DataTable).move_cursor(row=keys.index(key))
    await pilot.pause()


@pytest.mark.parametrize(("size", "no_color"), LOOKS)
async def test_programs_show_what_they_do_and_for_whom_not(
    size: tuple[int, int], no_color: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    async with on_programs(Stage(programs=programs), size) as pilot:
        await choose(pilot, "piriformis")
        await sees(pilot, "[left]")
        assert "8 min" in text_of(pilot)
        assert all(len(line) <= size[0] for line in shown(pilot))
        for _ in range(4):
            if "Sacroiliac joint" in text_of(pilot):
                break
            await pilot.press("space")
        await sees(pilot, "Sacroiliac joint")


async def test_a_program_begins_on_the_chosen_ball_and_side() -> None:
    asked: list[tuple[str, str, str]] = []
    stage = Stage(programs=programs)

    def begin(address: str, program: str, side: str) -> Live:
        asked.append((address, program, side))
        return stage.live(address)

    stage.deck = dataclasses.replace(stage.deck, guided=begin)
    async with on_programs(stage) as pilot:
        await choose(pilot, "piriformis")
        await pilot.press("r", "right", "left")
        await sees(pilot, "[left]")
        await pilot.press("r", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LiveScreen))
        assert asked == [("serial:/dev/ttyACM0", "piriformis", "right")]


async def test_what_is_refused_is_said_among_the_programs() -> None:
    def refuse(address: str, program: str, side: str) -> Live:
        raise RefusedError("glute left is locked until tomorrow", "choose another")

    stage = Stage(programs=programs)
    stage.deck = dataclasses.replace(stage.deck, guided=refuse)
    async with on_programs(stage) as pilot:
        await pilot.press("enter")
        await sees(pilot, "glute left is locked until tomorrow")
        assert isinstance(pilot.app.screen, ProgramsScreen)


async def test_broken_ones_plans_and_places_to_avoid_begin_nothing() -> None:
    stage = Stage(programs=programs)
    async with on_programs(stage) as pilot:
        await choose(pilot, "desk")
        await sees(pilot, "step 2: seconds = -3")
        await pilot.press("enter")
        await sees(pilot, "this program is broken, and not run")
        await choose(pilot, "two-weeks")
        await sees(pilot, "days a week")
        await pilot.press("enter")
        await sees(pilot, "a plan over weeks")
        await pilot.press("G")
        await sees(pilot, "great vessels and nerves")
        await pilot.press("enter")
        await sees(pilot, "these places are left alone")
        assert stage.addresses == []


async def test_without_a_ball_no_program_begins() -> None:
    stage = Stage(programs=programs)
    stage.devices = []
    async with on_programs(stage) as pilot:
        await pilot.press("enter")
        await sees(pilot, "no ball is chosen")
        assert stage.runs == []


@pytest.mark.parametrize("entry", programs().entries, ids=lambda entry: entry.key)
@pytest.mark.parametrize("width", [36, 46, 76])
def test_every_leaflet_fits_and_names_step_band_and_source(entry: Entry, width: int) -> None:
    told = text(tuple(leaflet_rows(entry, "left", width, ("3 of 5 days",))))
    assert max(map(len, told.split("\n"))) <= width
    if isinstance(entry.item, Program):
        for each in entry.item.steps:
            assert f"{each.band_kpa[0]:.0f}-{each.band_kpa[1]:.0f}" in told
        assert "sources" in told
        assert "avoid" in told
    assert ("broken" in told) == (entry.item is None)


# --- the help ---


def test_the_help_names_every_key_of_every_screen() -> None:
    told = help_text("live")
    assert told.startswith("KEYS, LIVE")
    for screen, keys in TABLE.items():
        for key in keys:
            if screen in TITLES and key.told and not key.keys.isdigit():
                assert key.told in told
    assert max(map(len, told.split("\n"))) <= 76  # beside a scroll bar


def test_every_key_of_a_screen_does_one_thing() -> None:
    for screen, keys in TABLE.items():
        names = [name for key in keys for name in key.keys.split(",")]
        assert len(names) == len(set(names)), screen
        assert len({key.deed for key in keys}) == len(keys), screen


def test_an_alert_counts_once_after_a_session() -> None:
    row: Any = FakeRow("a")
    happened: list[Event] = [alert("peak", Level.STOP), alert("peak", Level.STOP, Phase.LATCHED), totals(3.0)]
    told = text(tuple(fact_rows(Aftermath(row, happened))))
    assert "stop 1" in told
    assert isinstance(happened[-1], Totals)
    assert isinstance(happened[0], Alert)


def test_what_was_done_of_a_program_is_told_after_it() -> None:
    row: Any = FakeRow("a", program="piriformis")
    happened: list[Event] = [
        Cue(0.0, "program", None, "", {"steps": 4}),
        Cue(1.0, "step", 1, ""),
        Cue(40.0, "done", 1, "", {"held_s": 38.5}),
        Cue(50.0, "step", 2, ""),
        Cue(99.0, "done", 2, "", {"held_s": 40.0}),
    ]
    told = text(tuple(fact_rows(Aftermath(row, happened))))
    assert "piriformis: 2 of 4 steps, 2 repetitions, 1:18 in the band" in told
    assert "not counted" not in told
    cut_short = [*happened, Cue(70.0, "start", 2, "", {"rep": 1, "repeats": 2, "seconds": 20.0})]
    assert "one more was begun, and is not counted" in " ".join(
        text(tuple(fact_rows(Aftermath(row, cut_short)))).split()
    )
    assert "steps" not in text(tuple(fact_rows(Aftermath(row, []))))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_what_happened_is_told_to_its_end(width: int) -> None:
    row: Any = FakeRow("a")
    rows = fact_rows(Aftermath(row, [totals(3.0, estimated_s=15.0)]), width)
    told = ["".join(text for text, _ in each) for each in rows]
    assert max(map(len, told)) < width
    words_of = " ".join(" ".join(told).split())
    assert "34 % of what one session may give, by judgement, 15 s of it estimated" in words_of
    assert sum(line.startswith(" dose ") for line in told) == 1
