"""Every key in one table, as the user wants it, and all that can be done by name."""

import re
from pathlib import Path

import pytest

from companion.config import find_paths, load_settings, resolve
from companion.errors import ConfigError
from companion.tui.deeds import DeedsScreen, deeds_of, found
from companion.tui.home import HomeScreen
from companion.tui.keys import TABLE
from companion.tui.live import LiveScreen
from companion.tui.rebinding import rebound, table
from sessions.events import Phase
from tests.test_tui_screens import home, on_live, sees, stop, text_of, until
from tests.test_tui_stage import Stage
from tests.tui_plays import totals


def settings_of(tmp_path: Path, text: str) -> dict[str, str]:
    env = {"KNEAD_HOME": str(tmp_path)}
    file = find_paths(env).config_file
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return dict(load_settings(env).keys)


# --- the table ---


def test_everything_that_can_be_done_has_a_key_that_needs_neither_alt_nor_a_function_key() -> None:
    for screen, keys in TABLE.items():
        for key in keys:
            names = key.keys.split(",")
            assert any(not re.match(r"alt\+|f\d+$", name) for name in names), f"{screen}.{key.deed}"
            assert key.told or key.label, f"{screen}.{key.deed} is not told"


def test_no_key_does_two_things_on_a_screen() -> None:
    for screen, keys in TABLE.items():
        names = [name for key in keys for name in key.keys.split(",")]
        assert sorted(names) == sorted(set(names)), screen


def test_a_key_is_given_by_what_it_does() -> None:
    assert rebound({"live.mark": "k", "live.pause": "p", "home.help": "f5"}) == {
        "live.mark": "k",
        "live.pause": "p",
        "home.help": "f5",
    }
    assert rebound({"live.help": "!"}) == {"live.help": "exclamation_mark"}
    assert [key.keys for key in table({"live.mark": "k"})["live"] if key.deed == "mark"] == ["k"]


def test_two_keys_may_be_changed_for_each_other() -> None:
    assert rebound({"live.mark": "z", "live.tare": "m"}) == {"live.mark": "z", "live.tare": "m"}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"live.mrak": "k"}, "live.mrak is nothing"),
        ({"mark": "k"}, "mark is nothing"),
        ({"live.mark": "kk"}, "is no key"),
        ({"live.mark": ""}, "is no key"),
        ({"live.mark": "z"}, "both on z"),
    ],
)
def test_what_is_no_key_is_said(told: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        rebound(told)


def test_keys_are_read_from_the_config_file(tmp_path: Path) -> None:
    assert settings_of(tmp_path, '[keys]\n"live.mark" = "k"\nlive.next = "space"\n') == {
        "live.mark": "k",
        "live.next": "space",
    }


@pytest.mark.parametrize("text", ["keys = 3", '[keys]\n"live.mark" = 3', '[keys]\n"live.mark" = ""'])
def test_a_table_of_keys_that_is_none_is_a_problem_and_not_a_crash(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="keys"):
        settings_of(tmp_path, text)
    assert resolve(find_paths({"KNEAD_HOME": str(tmp_path)}), {}).problems


# --- on the screen ---


async def test_a_rebound_key_does_it_and_the_old_one_does_not() -> None:
    async with on_live(Stage(keys={"live.mark": "k"})) as (pilot, _, run):
        await sees(pilot, "k Mark")
        await pilot.press("m", "k")
        await until(pilot, lambda: len(run.actions) == 1)
        assert [action.kind for action in run.actions] == ["mark"]


async def test_after_a_stop_pain_keeps_its_meaning_where_it_was_put() -> None:
    async with on_live(Stage(keys={"live.symptom": "k"})) as (pilot, _, run):
        run.emit(stop(), stop(Phase.LATCHED))
        await until(pilot, lambda: isinstance(pilot.app.screen, LiveScreen))
        await pilot.press("k", "s")
        await until(pilot, lambda: len(run.actions) == 2)
        assert [action.kind for action in run.actions] == ["symptom", "confirm"]


async def test_a_score_is_that_before_until_there_was_contact() -> None:
    async with on_live(Stage()) as (pilot, _, run):
        run.emit(totals(3.0, contact_s=0.0))
        await pilot.press("7")
        await until(pilot, lambda: len(run.actions) == 1)
        assert run.actions[0].fields == {"value": 7, "when": "hold", "by": "key"}
        await sees(pilot, "pain 7 of 10 is kept")


async def test_what_can_be_done_is_found_by_its_name_and_done() -> None:
    async with on_live(Stage()) as (pilot, _, run):
        await pilot.press("colon")
        await sees(pilot, "pain, numb or tingling: a stop")
        await pilot.press(*"set a mark")
        await sees(pilot, "do: set a mark")
        assert "numb" not in text_of(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: bool(run.actions))
        assert [action.kind for action in run.actions] == ["mark"]
        assert isinstance(pilot.app.screen, LiveScreen)


async def test_nothing_is_done_by_leaving_it() -> None:
    async with home(Stage()) as pilot:
        await pilot.press("ctrl+p")
        await sees(pilot, "do: ")
        await pilot.press(*"xyzzy")
        await sees(pilot, "nothing is called that")
        await pilot.press("enter", "backspace", "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, DeedsScreen))
        await sees(pilot, "serial:/dev/ttyACM0")
        assert isinstance(pilot.app.screen, HomeScreen)
        assert "nothing is called that" not in text_of(pilot)


async def test_danger_covers_what_can_be_done_and_is_not_covered_by_it() -> None:
    async with on_live(Stage()) as (pilot, _, run):
        await pilot.press("colon")
        await sees(pilot, "do: ")
        run.emit(stop())
        await sees(pilot, "far over your limit")
        await pilot.press("colon", "m", "enter")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, DeedsScreen)
        assert run.actions == []


def test_words_are_looked_for_in_any_order() -> None:
    deeds = deeds_of("live", TABLE)
    assert [deed.name for deed in found(deeds, "zero ball")] == ["live.tare"]
    assert [deed.name for deed in found(deeds, "ball ZERO")] == ["live.tare"]
    assert found(deeds, "") == deeds


@pytest.mark.parametrize("screen", ["pair", "sessions", "detail", "compare", "programs", "settings", "limits", "after"])
def test_the_way_out_is_among_the_keys_that_are_always_shown(screen: str) -> None:
    """The line of keys keeps its last two where not all fit."""
    assert [key.deed for key in TABLE[screen] if key.label][-2:] == ["help", "leave"]
