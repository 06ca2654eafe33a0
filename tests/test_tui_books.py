"""The screens of settings and limits, over books of fakes and over the real ones."""

import threading
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from companion import ownlimits
from companion.cli.heard import Heard
from companion.cli.limit_book import OwnBook
from companion.cli.program_page import program_page
from companion.cli.sheets import left_lines
from companion.cli.shelf import Shelf
from companion.compose import gather
from companion.config import KEYS, find_paths, load_settings
from companion.errors import ConfigError, RefusedError
from companion.hearing import SoundPrograms
from companion.programs.program import Program
from companion.safety.person import OwnLimit
from companion.tui.app import KneadApp
from companion.tui.books import Figure, Limit, LimitPage, Setting
from companion.tui.home import HomeScreen
from companion.tui.limits import LimitsScreen, beside_rows, detail_rows, number_of
from companion.tui.settings import SettingsScreen
from sessions.events import Opened
from sessions.journal import Journal
from tests.session_events import opened
from tests.test_past import kept
from tests.test_tui_screens import SIZES, home, sees, shown, text_of, until
from tests.test_tui_stage import Stage

MOST = 120.0


class FakeSettings:
    place = "/home/me/config.toml"

    def __init__(self) -> None:
        self.kept: dict[str, str] = {"theme": "dark", "person": "me"}

    def rows(self) -> Sequence[Setting]:
        themes = ("dark", "light", "high-contrast", "mono")
        return [
            Setting("person", "whose sessions these are", self.kept["person"], "default", "a name"),
            Setting("theme", "colours", self.kept["theme"], "config", "one of them", themes),
        ]

    def write(self, name: str, text: str) -> str:
        if text == "nobody":
            raise ConfigError("person: 'nobody' is not allowed", "allowed is a name")
        self.kept[name] = text or "me"
        return f"{name} = {text}, written"


class FakeLimits:
    """A book of two regions; more than what holds is a raise, more than MOST is refused."""

    def __init__(self) -> None:
        self.kpa = {"glute": 100.0, "calf": 80.0}
        self.written: list[tuple[str, float | None, bool, str]] = []

    def page(self) -> LimitPage:
        limits = [
            Limit(
                region=region,
                title=f"The {region}",
                limit_kpa=kpa,
                without_kpa=100.0,
                work_kpa=(30.0, 60.0),
                stop_kpa=125.0,
                most_kpa=MOST,
                work_most_kpa=70.0,
                hold_s=45.0,
                figures=(Figure("force", "N", 80.0, 173.0), Figure("force, a stop", "N", None, None)),
                source="F22, guides",
                confidence="low",
                own="own: times 0.80, set by me" if kpa < 80 else "",
                remarks=("roll only",),
            )
            for region, kpa in self.kpa.items()
        ]
        return LimitPage(
            "Hard ball", 8.0, 0.5, "the questions have not been answered", limits, ["WHOLE BODY", "6 h rest"]
        )

    def raises(self, region: str, kpa: float | None, *, work: bool) -> bool:
        if kpa is not None and kpa > MOST:
            raise RefusedError(f"{kpa:g} kPa is more than a limit may be raised to", f"allowed is up to {MOST:g} kPa")
        return (100.0 if kpa is None else kpa) > self.kpa[region]

    def write(self, region: str, kpa: float | None, *, work: bool, reason: str) -> str:
        self.written.append((region, kpa, work, reason))
        self.kpa[region] = 100.0 if kpa is None else kpa
        return f"{region}: set"


@asynccontextmanager
async def on_place(stage: Stage, key: str, size: tuple[int, int] = (80, 24)) -> Any:
    async with home(stage, size) as pilot:
        await pilot.press(key)
        yield pilot


async def typed(pilot: Pilot[int], text: str) -> None:
    await until(pilot, lambda: any(entry.display for entry in pilot.app.screen.query("#entry")))
    await pilot.press(*("full_stop" if sign == "." else sign for sign in text), "enter")


# --- settings ---


@pytest.mark.parametrize("size", SIZES)
async def test_settings_show_value_origin_and_what_is_allowed(size: tuple[int, int]) -> None:
    async with on_place(Stage(settings=FakeSettings()), "4", size) as pilot:
        await sees(pilot, "dark")
        for words in ("person", "default", "config", "/home/me/config.toml", "allowed: a name"):
            assert words in text_of(pilot)


async def test_a_setting_is_turned_and_the_colours_change_at_once() -> None:
    book = FakeSettings()
    async with on_place(Stage(settings=book), "4") as pilot:
        await sees(pilot, "dark")
        await pilot.press("j", "enter")
        await until(pilot, lambda: pilot.app.theme == "light")
        assert book.kept["theme"] == "light"
        await sees(pilot, "theme = light, written")
        await pilot.press("left")
        await until(pilot, lambda: pilot.app.theme == "dark")


async def test_a_value_is_typed_and_a_wrong_one_says_what_is_allowed() -> None:
    book = FakeSettings()
    async with on_place(Stage(settings=book), "4") as pilot:
        await sees(pilot, "dark")
        await pilot.press("e", "backspace", "backspace")
        await typed(pilot, "nobody")
        await sees(pilot, "allowed is a name")
        assert book.kept["person"] == "me"
        await pilot.press("e", "backspace", "backspace")
        await typed(pilot, "ann")
        await until(pilot, lambda: book.kept["person"] == "ann")
        await pilot.press("e", "escape", "r")
        await until(pilot, lambda: book.kept["person"] == "me")


async def test_places_lead_to_each_other_and_back() -> None:
    async with on_place(Stage(settings=FakeSettings(), limits=FakeLimits()), "4") as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen))
        await pilot.press("5")
        await until(pilot, lambda: isinstance(pilot.app.screen, LimitsScreen))
        assert len(pilot.app.screen_stack) == 2
        await pilot.press("4")
        await until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen))
        await pilot.press("q")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


# --- limits ---


@pytest.mark.parametrize(("size", "no_color"), [((80, 24), "1"), ((100, 30), ""), ((120, 40), "1")])
async def test_limits_show_source_confidence_and_that_they_are_judgement(
    size: tuple[int, int], no_color: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    async with on_place(Stage(limits=FakeLimits()), "5", size) as pilot:
        await sees(pilot, "confidence low; source F22, guides")
        for words in ("LIMIT*", "* rests on judgement", "times 0.5", "roll only", "80 N (173)", "none"):
            assert words in text_of(pilot)


async def test_lowering_is_free() -> None:
    book = FakeLimits()
    async with on_place(Stage(limits=book), "5") as pilot:
        await sees(pilot, "The glute")
        await pilot.press("minus")
        await until(pilot, lambda: book.written == [("glute", 95.0, False, "")])
        await sees(pilot, "glute: set")
        await pilot.press("enter")
        await typed(pilot, "70.5")
        await until(pilot, lambda: book.written[1:] == [("glute", 70.5, False, "")])
        await pilot.press("w")
        await typed(pilot, "50")
        await until(pilot, lambda: len(book.written) == 3)
        assert book.written == [("glute", 95.0, False, ""), ("glute", 70.5, False, ""), ("glute", 50.0, True, "")]


async def test_raising_takes_the_number_again_and_a_reason() -> None:
    book = FakeLimits()
    async with on_place(Stage(limits=book), "5") as pilot:
        await sees(pilot, "The glute")
        await pilot.press("enter")
        await typed(pilot, "110")
        await sees(pilot, "this raises a limit of the glute")
        await typed(pilot, "110")
        await sees(pilot, "why it is raised")
        assert book.written == []
        await typed(pilot, "used to it")
        await until(pilot, lambda: bool(book.written))
        assert book.written == [("glute", 110.0, False, "used to it")]


@pytest.mark.parametrize(
    ("again", "reason", "said"), [("111", "", "the numbers differ"), ("110", " ", "without a reason")]
)
async def test_without_the_number_or_a_reason_nothing_is_raised(again: str, reason: str, said: str) -> None:
    book = FakeLimits()
    async with on_place(Stage(limits=book), "5") as pilot:
        await sees(pilot, "The glute")
        await pilot.press("enter")
        await typed(pilot, "110")
        await sees(pilot, "this raises a limit")
        await typed(pilot, again)
        if reason:
            await sees(pilot, "why it is raised")
            await typed(pilot, "")
        await sees(pilot, said)
        assert book.written == []


async def test_going_back_to_the_published_limit_is_a_raise_where_it_is_more() -> None:
    book = FakeLimits()
    async with on_place(Stage(limits=book), "5") as pilot:
        await sees(pilot, "The glute")
        await pilot.press("j", "r")
        await sees(pilot, "this raises a limit of the calf")
        await typed(pilot, "100")
        await sees(pilot, "why it is raised")
        await typed(pilot, "well again")
        await until(pilot, lambda: bool(book.written))
        assert book.written == [("calf", None, False, "well again")]


async def test_what_may_not_be_says_how_far_it_may() -> None:
    book = FakeLimits()
    async with on_place(Stage(limits=book), "5") as pilot:
        await sees(pilot, "The glute")
        await pilot.press("enter")
        await typed(pilot, "300")
        await sees(pilot, "allowed is up to 120 kPa")
        await pilot.press("enter")
        await typed(pilot, "much")
        await sees(pilot, "nothing is changed")
        assert book.written == []


async def test_the_page_beside_has_the_whole_body() -> None:
    async with on_place(Stage(limits=FakeLimits()), "5") as pilot:
        await sees(pilot, "The glute")
        await pilot.press("b")
        await sees(pilot, "6 h rest")
        assert "The glute" not in text_of(pilot)
        await pilot.press("escape")
        await sees(pilot, "The glute")
        assert "6 h rest" not in text_of(pilot)


@pytest.mark.parametrize(
    ("text", "number"),
    [("85", 85.0), (" 85,5 ", 85.5), ("", None), ("0", None), ("-3", None), ("nan", None), ("inf", None), ("x", None)],
)
def test_a_pressure_as_typed(text: str, number: float | None) -> None:
    assert number_of(text) == number


# --- the real books ---


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    for key in KEYS.values():
        monkeypatch.delenv(key.variable, raising=False)
    return Shelf(load_settings())


def test_a_setting_written_here_holds_for_what_is_started_next(shelf: Shelf) -> None:
    assert shelf.write("region", "calf") == "region = calf, written"
    assert shelf.settings.region == "calf"
    assert load_settings().region == "calf"
    row = next(row for row in shelf.rows() if row.name == "region")
    assert (row.value, row.origin) == ("calf", "config")
    assert "glute" in row.options
    shelf.write("region", "")
    assert shelf.settings.region == load_settings().region == "unknown"


def test_a_variable_outranks_what_is_written(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEAD_THEME", "mono")
    assert "KNEAD_THEME is set and outranks it" in shelf.write("theme", "light")
    assert shelf.settings.theme == "dark"


def test_a_flag_stands_until_it_is_changed_here(shelf: Shelf) -> None:
    flagged = Shelf(replace(shelf.settings, sound=False))
    assert next(row for row in flagged.rows() if row.name == "sound").origin == "flag"
    flagged.write("sound", "on")
    assert flagged.settings.sound


def test_a_value_that_is_not_allowed_is_refused(shelf: Shelf) -> None:
    with pytest.raises(ConfigError, match="not allowed"):
        shelf.write("fps", "1000")


def test_the_book_lowers_freely_and_raises_with_a_reason_within_the_cap(shelf: Shelf) -> None:
    book = OwnBook(shelf)
    (before,) = [limit for limit in book.page().limits if limit.region == "glute"]
    assert not book.raises("glute", before.limit_kpa - 10, work=False)
    book.write("glute", before.limit_kpa - 10, work=False, reason="")
    (lowered,) = [limit for limit in book.page().limits if limit.region == "glute"]
    assert lowered.limit_kpa == pytest.approx(before.limit_kpa - 10)
    assert lowered.own.startswith("own: times 0.8")
    assert book.raises("glute", before.limit_kpa, work=False)
    with pytest.raises(RefusedError, match="reason"):
        book.write("glute", before.most_kpa - 0.1, work=False, reason="")
    book.write("glute", before.most_kpa - 0.1, work=False, reason="used to it")
    (raised,) = [limit for limit in book.page().limits if limit.region == "glute"]
    assert raised.limit_kpa == pytest.approx(before.most_kpa - 0.1)
    assert raised.stop_kpa == before.stop_kpa  # a stop is judged as if nothing had been raised
    with pytest.raises(RefusedError, match="more than a limit may be raised to"):
        book.raises("glute", before.most_kpa + 1, work=False)
    kept = gather(shelf.settings).person.limits["glute"]
    assert kept.raised == pytest.approx(1.2, abs=0.01)


def test_the_book_is_as_the_table_has_it(shelf: Shelf) -> None:
    page = OwnBook(shelf).page()
    (glute,) = [limit for limit in page.limits if limit.region == "glute"]
    assert glute.limit_kpa == pytest.approx(0.5 * 500 / 8**0.5)  # unscreened, the hard ball
    assert glute.most_kpa == pytest.approx(1.2 * glute.limit_kpa)
    assert page.factor_k == 0.5
    assert next(figure for figure in glute.figures if figure.name == "dose").published == 24000
    assert any("BLOCKED SITES" in line for line in page.beside)


def test_nothing_is_raised_while_a_session_is_recorded(shelf: Shelf) -> None:
    book = OwnBook(shelf)
    (glute,) = [limit for limit in book.page().limits if limit.region == "glute"]
    journal = Journal(shelf.settings.paths.database, lambda _: None)
    begun: Opened = replace(opened(), started_at=datetime.now(UTC))
    journal(begun)
    try:
        with pytest.raises(RefusedError, match="while a session is recorded"):
            _until_recording(book, glute)
        book.write("glute", glute.limit_kpa - 5, work=False, reason="")  # lowering is free at any time
    finally:
        journal.close(10.0)


def _until_recording(book: OwnBook, limit: Limit) -> None:
    """The journal begins in a thread of its own: raise until it has."""
    for _ in range(10_000):
        book.write("glute", limit.limit_kpa + 1, work=False, reason="to see")
        ownlimits.keep(find_paths().database, "me", "glute", OwnLimit(), {}, raised=False, reason="")


def test_the_sound_is_asked_about_until_it_was_heard(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = SoundPrograms((["aplay"], ["aplay"]), (["espeak"], ["espeak"]))
    monkeypatch.setattr("companion.cli.heard.sound_programs", lambda: programs)
    monkeypatch.setattr("companion.cli.heard.sound_test", lambda settings: "")
    heard = Heard(shelf)
    assert heard.due()
    assert heard.play() == ""
    assert "screen stands in" in heard.heard(False)
    assert heard.due()
    heard.heard(True)
    assert not heard.due()
    other = SoundPrograms((["paplay"], ["paplay"]), (["espeak"], ["espeak"]))
    monkeypatch.setattr("companion.cli.heard.sound_programs", lambda: other)
    assert heard.due()  # nobody has heard these


def test_where_nothing_sounds_it_says_what_is_missing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    none = SoundPrograms(([], ["aplay"]), ([], ["espeak"]))
    monkeypatch.setattr("companion.cli.heard.sound_programs", lambda: none)
    assert Heard(shelf).play() == "nothing plays tones (aplay ...); nothing speaks (espeak ...)"
    off = Shelf(replace(shelf.settings, sound=False, voice=False))
    assert not Heard(off).due()
    assert Heard(off).play() == "it is off by your settings"


class FakeSound:
    def __init__(self, failure: str = "") -> None:
        self.failure = failure
        self.answers: list[bool] = []

    def due(self) -> bool:
        return True

    def play(self) -> str:
        return self.failure

    def heard(self, yes: bool) -> str:
        self.answers.append(yes)
        return "heard" if yes else "not heard: the screen stands in"


@pytest.mark.parametrize(("key", "yes"), [("y", True), ("n", False)])
async def test_the_first_screen_asks_whether_it_was_heard(key: str, yes: bool) -> None:
    sound = FakeSound()
    async with home(Stage(sound=sound)) as pilot:
        await sees(pilot, "did you hear them?")
        await pilot.press(key, key)
        await sees(pilot, "heard" if yes else "the screen stands in")
        assert sound.answers == [yes]  # the second press answers nothing


async def test_without_sound_the_first_screen_says_that_it_stands_in() -> None:
    async with home(Stage(sound=FakeSound("nothing plays tones"))) as pilot:
        await sees(pilot, "no sound, the screen stands in: nothing plays tones")
        assert len(shown(pilot)[-1]) <= 80


@pytest.mark.parametrize("size", SIZES)
async def test_what_the_sound_check_says_is_not_cut(size: tuple[int, int]) -> None:
    missing = (
        "nothing plays tones (pw-play, paplay, aplay ...); nothing speaks (spd-say, espeak-ng, espeak): install one"
    )
    async with home(Stage(sound=FakeSound(missing)), size) as pilot:
        await until(pilot, lambda: missing in " ".join(text_of(pilot).split()))
        assert max(len(line) for line in shown(pilot)) <= size[0]


async def test_a_theme_that_is_chosen_holds_also_where_the_settings_were_left_meanwhile() -> None:
    stage = Stage()
    gate = threading.Event()

    class Slow:
        place = "config.toml"

        def rows(self) -> Sequence[Setting]:
            return ()

        def write(self, name: str, text: str) -> str:
            assert gate.wait(20.0)
            return f"{name} is {text}"

    stage.deck = replace(stage.deck, settings=Slow())
    async with home(stage) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen))
        screen = pilot.app.screen
        assert isinstance(screen, SettingsScreen)
        screen._write("theme", "mono")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        gate.set()
        await until(pilot, lambda: pilot.app.theme == "mono")


def test_a_deck_without_books_says_so() -> None:
    stage = Stage()
    for call in (stage.deck.limits.page, lambda: stage.deck.settings.write("a", "b")):
        with pytest.raises(Exception, match="there are no"):
            call()
    assert KneadApp(stage.deck).live is None


# --- what is left, and the programs as they hold ---


def test_what_is_left_after_a_session_is_said_of_its_place(shelf: Shelf) -> None:
    kept(shelf.settings.paths.database, datetime.now(UTC) - timedelta(hours=8), region="glute")
    lines = left_lines(shelf.settings, "glute", "left")
    assert lines[0].startswith("glute left: ")
    assert "of the day's dose used" in lines[0]
    assert lines[-1].endswith("of contact left in all")
    assert all(not line.startswith("glute right") for line in lines)


def test_programs_are_shown_as_they_hold_and_what_is_broken_last(shelf: Shelf) -> None:
    folder = shelf.settings.paths.config_file.with_name("programs")
    folder.mkdir(parents=True)
    (folder / "desk.toml").write_text('title = "x')
    page = program_page(shelf.settings)
    assert page.entries[-1].key == "desk"
    assert "desk.toml" in page.entries[-1].fault
    mine = page.mine["piriformis", "left"]
    piriformis = next(entry.item for entry in page.entries if entry.key == "piriformis")
    assert isinstance(piriformis, Program)
    assert len(mine) == len(piriformis.steps)
    tops = [float(step.band.split("-")[1]) for step in mine]
    assert all(top <= step.band_kpa[1] for top, step in zip(tops, piriformis.steps, strict=True))  # unscreened: half
    assert any("not begun" in line for line in page.notes["two-weeks"])
    assert "Groin" in [title for title, _ in page.avoided]


def test_a_step_that_is_closed_says_why(shelf: Shelf) -> None:
    shelf.write("tool", "hard")
    page = program_page(shelf.settings)
    closed = [step.closed for step in page.mine["beside-the-sacrum", "left"]]
    assert closed
    assert all("tool" in why for why in closed)


def test_a_line_of_the_limits_that_runs_over_goes_on_below_its_last_column() -> None:
    line = f"{'1800 s':<10}{'contact in a session, a stop':<52}guide B, F38, F30"
    rows = ["".join(text for text, _ in row) for row in beside_rows([line, "", "x" * 30 + " " + "y" * 60], 80)]
    assert rows[0] == " " + line.removesuffix(" F30")
    assert rows[1] == " " * 63 + "F30"
    assert rows[2:] == [" ", " " + "x" * 30, " " + "y" * 60]
    narrow = ["".join(text for text, _ in row) for row in beside_rows([line], 40)]
    assert max(map(len, narrow)) <= 39
    assert all(row.startswith("     ") for row in narrow[1:])


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_figures_of_a_limit_stay_apart(width: int) -> None:
    figures = (Figure("limit", "kPa", 88.3, 144.1), Figure("point pressure", "kPa", 250.0, 500.0))
    limit = replace(FakeLimits().page().limits[0], figures=figures)
    told = ["".join(text for text, _ in row) for row in detail_rows(limit, width)]
    assert any("88.3 kPa (144.1) " in row and "point pressure 250 kPa" in row for row in told)
