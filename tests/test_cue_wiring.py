"""Sound as a user meets it: a session that is heard, one that is not, and what screen, lines and doctor say of it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from companion.cli.doctor import Finding, sound
from companion.config import Paths, find_paths, load_settings, write_setting
from companion.cues.equipment import PLAYERS, SPEAKERS, found, names
from companion.cues.patterns import PATTERNS
from companion.cues.pressing import Pressing
from companion.errors import ConfigError
from companion.safety.dose import tune
from companion.safety.limits import GuardContext
from companion.tui.face import title_row
from sessions.events import Action, Level, Notice
from tests.loudspeaker import Loudspeaker, needs_bash
from tests.test_tui_face import lines, now
from tests.tui_plays import alert, notice, opened, reading

pytestmark = needs_bash()
ROOT = Path(__file__).parent.parent


def demo(speaker: Loudspeaker, home: Path, *arguments: str, **variables: str) -> list[str]:
    """A demo up to its first stop, twenty times as fast; its lines but the readings."""
    done = subprocess.run(
        [sys.executable, "-m", "companion", "demo", "--seconds", "28", "--speed", "20", "--plain", *arguments],
        cwd=ROOT,
        env=os.environ | speaker.environment | {"KNEAD_HOME": str(home)} | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "\a" not in done.stderr, "no bell: it is no terminal"
    return [line for line in done.stdout.splitlines() if not re.search(r"N, at \d+ s$", line)]


def test_a_session_is_heard(tmp_path: Path) -> None:
    speaker = Loudspeaker(tmp_path / "speaker", "aplay", "espeak-ng")
    said = demo(speaker, tmp_path / "home", "--seconds", "60", "--speed", "12")  # time for a player that starts slowly
    assert any(line.startswith("Sound by aplay, voice by espeak-ng") for line in said)
    assert any(line.startswith("The ball watches, too: it warns by itself from 105 N on") for line in said)
    played = [given.what for given in speaker.given("aplay")]
    assert "stop" in played
    assert "begin" in played
    assert "ready: lie on the ball" in [given.what for given in speaker.given("espeak-ng")]
    assert sorted(path.suffix for path in (tmp_path / "home" / "state" / "sounds").iterdir()) == [".wav"] * len(
        PATTERNS
    )


def test_a_session_that_is_to_be_quiet_still_warns(tmp_path: Path) -> None:
    speaker = Loudspeaker(tmp_path / "speaker", "aplay", "espeak-ng")
    said = demo(speaker, tmp_path / "home", "--quiet", KNEAD_SOUND="on")
    assert speaker.given() == []
    assert any(line.startswith("Sound is off by your settings: watch the screen") for line in said)
    assert any(line.startswith("STOP ") for line in said)


def test_a_computer_without_sound_says_so(tmp_path: Path) -> None:
    said = demo(Loudspeaker(tmp_path / "speaker"), tmp_path / "home")
    (line,) = [line for line in said if line.startswith("No sound, nothing found that plays or speaks")]
    assert "watch the screen" in line
    assert any(line.startswith("STOP ") for line in said)


# --- the screen stands in ---


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"state": "on", "tones": "aplay", "voice": "say"}, ""),
        ({"state": "on", "tones": "aplay", "voice": ""}, ""),
        ({"state": "on", "tones": "", "voice": "say"}, "NO TONES"),
        ({"state": "failed", "tones": "", "voice": ""}, "NO SOUND"),
        ({"state": "off", "tones": "", "voice": ""}, "SOUND OFF"),
    ],
)
def test_the_live_screen_says_that_nothing_is_heard(fields: dict[str, str], shown: str) -> None:
    right = "".join(lines([title_row(now(opened(), reading(3.0, 10.0), _sound(**fields)))[1]]))
    assert right.startswith(shown)
    assert ("NO " in right or "OFF" in right) is bool(shown)
    assert "REC" in right


def _sound(state: str, tones: str, voice: str) -> Notice:
    return notice("sound", state=state, tones=tones, voice=voice)


def test_sound_that_returns_is_said_no_more() -> None:
    failed, back = notice("sound", state="failed", tones="", voice=""), notice("sound", state="on", tones="aplay")
    assert now(failed).snapshot.mute == "no sound"
    assert now(failed, back).snapshot.mute == ""


# --- settings and doctor ---


@pytest.mark.parametrize(("text", "value"), [("on", True), ("OFF", False), ("yes", True), ("0", False)])
def test_a_switch_is_set_in_words(tmp_path: Path, text: str, value: bool) -> None:
    env = {"KNEAD_HOME": str(tmp_path)}
    assert load_settings(env).sound is True, "by default it is heard"
    assert write_setting(find_paths(env), "sound", text) is value
    assert load_settings(env).sound is value
    assert load_settings(env | {"KNEAD_SOUND": "on"}).sound is True


def test_a_switch_is_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"KNEAD_HOME": str(tmp_path), "KNEAD_VOICE": "loud"})
    assert caught.value.hint == "allowed is on or off"


def findings(tmp_path: Path) -> list[Finding]:
    return list(sound(Paths(tmp_path / "config.toml", tmp_path, tmp_path)))


def test_doctor_says_what_plays_and_speaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Loudspeaker(tmp_path / "speaker", "aplay", "pw-play").use(monkeypatch)
    tones, words = findings(tmp_path)
    assert (tones.state, tones.text) == ("ok", "tones by pw-play, else aplay")
    assert (words.state, words.todo) == ("note", "install one of spd-say, espeak-ng, espeak")
    monkeypatch.setenv("KNEAD_SOUND", "off")
    assert findings(tmp_path)[0].todo == "knead config set sound on"


@pytest.mark.parametrize(
    ("system", "player", "speaker"), [("darwin", "afplay", "say"), ("win32", "winsound", "powershell")]
)
def test_other_systems_have_their_own(
    system: str, player: str, speaker: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("companion.cues.equipment.system", lambda: system)
    assert names(PLAYERS).split(", ")[0] == player
    assert names(SPEAKERS).split(", ")[0] == speaker
    Loudspeaker(tmp_path / "speaker", "afplay", "say", "powershell", "aplay").use(monkeypatch)
    assert {program.name for program in found((*PLAYERS, *SPEAKERS))} <= {player, speaker}
    assert speaker in {program.name for program in found(SPEAKERS)}


# --- pressed or free ---


def context(**changes: object) -> GuardContext:
    return GuardContext(screened=True, factor_k=1.0, region="glute", tool="tennis", area_cm2=12.0, **changes)  # type: ignore[arg-type]  # by name


def pressed(pressing: Pressing) -> bool | None:
    return pressing.pressed


def test_pressed_is_the_guards_own_measure() -> None:
    pressing = Pressing()
    assert pressed(pressing) is None
    on_kpa = tune(context()).on_kpa
    assert on_kpa > 10.0
    assert not pressing.feed(opened(context=context().to_json()))
    assert pressing.feed(reading(0.0, [50.0, on_kpa - 0.1]))
    assert pressed(pressing) is False
    assert pressing.feed(reading(0.1, on_kpa))
    assert not pressing.feed(reading(0.2, np.nan)), "unknown leaves it as it was"
    assert pressed(pressing) is True
    assert not pressing.feed(alert("peak", Level.STOP))


def test_another_region_has_another_measure() -> None:
    pressing = Pressing()
    pressing.feed(opened(context=context().to_json()))
    neck_kpa = tune(context()).on_kpa - 1.0
    pressing.feed(reading(0.0, neck_kpa))
    assert pressed(pressing) is False
    pressing.feed(Action("region", {"region": "nowhere"}))
    pressing.feed(reading(0.1, neck_kpa))
    assert pressed(pressing) is False
    pressing.feed(Action("region", {"region": "neck"}))
    pressing.feed(reading(0.2, neck_kpa))
    assert pressed(pressing) is True
