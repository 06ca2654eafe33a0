"""`knead doctor --sound`: every warning as it sounds in a session, and an honest word where it cannot be heard."""

from functools import partial
from pathlib import Path

import pytest

from companion.cli import run
from companion.cues import check as module
from companion.cues.check import WARNINGS, Sounded, check
from companion.cues.child import Child
from companion.cues.observer import Wanted
from tests.loudspeaker import Loudspeaker, needs_bash
from tests.test_cues import until

pytestmark = needs_bash()
HURRY = 50.0
HEARD = [part for name, _, words in WARNINGS for part in (name, words)]

Shown = pytest.CaptureFixture[str]


def sounded(tmp_path: Path, speaker: Loudspeaker, *, tones: bool = True, voice: bool = True) -> list[Sounded]:
    """A hurried check, that goes on when the last warning has come out as far as it can."""
    out: list[Sounded] = []
    each = sum((tones and (speaker.bin / "aplay").exists(), voice and (speaker.bin / "espeak-ng").exists()))
    for one in check(Wanted(tones, voice, tmp_path / "sounds"), HURRY):
        waiting = each * len(out)
        until(lambda waiting=waiting: len(speaker.given()) >= waiting)  # type: ignore[misc]  # a default binds it
        out.append(one)
    return out


def test_each_warning_is_said_and_sounds_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = Loudspeaker(tmp_path / "speaker", "aplay", "espeak-ng").use(monkeypatch)
    found = sounded(tmp_path, speaker)
    assert [one.name for one in found] == ["notice", "caution", "technical", "stop", "end"]
    assert found[0].text == 'one soft tone, "ease off soon"'
    assert found[-1].text == "", "nothing went wrong"
    assert [given.what for given in speaker.given("aplay")] == HEARD[::2]
    assert [given.what for given in speaker.given("espeak-ng")] == HEARD[1::2]


@pytest.mark.parametrize(
    ("tones", "voice", "first", "heard"),
    [(True, False, "one soft tone", HEARD[::2]), (False, True, '"ease off soon"', HEARD[1::2])],
)
def test_what_is_off_is_neither_sounded_nor_named(
    tones: bool, voice: bool, first: str, heard: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = Loudspeaker(tmp_path / "speaker", "aplay", "espeak-ng").use(monkeypatch)
    found = sounded(tmp_path, speaker, tones=tones, voice=voice)
    assert (found[0].text, found[-1].text) == (first, "")
    assert [given.what for given in speaker.given()] == heard


def test_with_both_off_nothing_sounds_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = Loudspeaker(tmp_path / "speaker", "aplay", "espeak-ng").use(monkeypatch)
    assert sounded(tmp_path, speaker, tones=False, voice=False) == [
        Sounded("end", "tones and words are off by your settings")
    ]
    assert speaker.given() == []


def test_without_any_program_it_does_not_ask_whether_it_was_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (end,) = sounded(tmp_path, Loudspeaker(tmp_path / "speaker").use(monkeypatch))
    assert "no player found (pw-play, " in end.text
    assert "no speaker found (spd-say, " in end.text


def test_a_missing_voice_is_told_though_tones_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end = sounded(tmp_path, Loudspeaker(tmp_path / "speaker", "aplay").use(monkeypatch))[-1]
    assert end.text.startswith("no speaker found (")


def test_a_player_that_fails_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = Loudspeaker(tmp_path / "speaker", "aplay", "espeak-ng").use(monkeypatch)
    speaker.manner("aplay:fails")
    assert sounded(tmp_path, speaker)[-1].text == "tones: aplay: device busy"


def test_a_player_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Loudspeaker(tmp_path / "speaker", "aplay").use(monkeypatch)

    class Dying(Child):
        def send(self, command: object) -> bool:
            self.kill()
            self._process.wait()
            self._ear.join()
            return False

    monkeypatch.setattr(module, "Child", Dying)
    end = list(check(Wanted(True, True, tmp_path / "sounds"), HURRY))[-1]
    assert "the sound player stopped" in end.text


def test_leaving_it_early_ends_the_player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Loudspeaker(tmp_path / "speaker", "aplay", "espeak-ng").use(monkeypatch)
    children: list[Child] = []

    class Known(Child):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]  # as it was called
            children.append(self)

    monkeypatch.setattr(module, "Child", Known)
    going = check(Wanted(True, True, tmp_path / "sounds"), HURRY)
    assert next(going).name == "notice"
    going.close()  # type: ignore[attr-defined]  # a generator
    assert children[0]._process.poll() is not None


def test_the_command_names_each_and_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    Loudspeaker(tmp_path / "speaker", "aplay", "espeak-ng").use(monkeypatch)
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(module, "check", partial(check, hurry=HURRY))
    assert run(["doctor", "--sound"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said[:4]] == ["notice", "caution", "technical", "stop"]
    assert said[4] == "OK      sound: did you hear each of them?"


@pytest.mark.parametrize(
    ("setting", "told", "todo"),
    [
        ("on", "no player found", "install one of those named"),
        ("off", "tones and words are off by your settings", "knead config set sound on"),
    ],
)
def test_the_command_says_what_to_mend(
    setting: str, told: str, todo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    Loudspeaker(tmp_path / "speaker").use(monkeypatch)
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(module, "check", partial(check, hurry=HURRY))
    for name in ("KNEAD_SOUND", "KNEAD_VOICE"):
        monkeypatch.setenv(name, setting)
    assert run(["doctor", "--sound"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2].startswith("PROBLEM sound: ")
    assert told in said[-2]
    assert said[-1].strip().startswith(f"To do: {todo}")


def test_it_is_for_ears(capsys: Shown) -> None:
    assert run(["doctor", "--sound", "--json"]) == 2
    assert "leave --json out" in capsys.readouterr().err


# --- the short test of the first screen ---


def test_the_short_test_is_one_tone_and_two_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = Loudspeaker(tmp_path / "speaker", "aplay", "espeak-ng").use(monkeypatch)
    assert module.test(Wanted(True, True, tmp_path / "sounds")) == ""
    assert [given.what for given in speaker.given()] == ["check", module.TEST_WORDS]


def test_the_short_test_says_what_fails_and_only_of_what_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = Loudspeaker(tmp_path / "speaker", "aplay").use(monkeypatch)
    speaker.manner("aplay:fails")
    assert "device busy" in module.test(Wanted(True, True, tmp_path / "sounds"))
    speaker.manner("")
    assert module.test(Wanted(True, False, tmp_path / "sounds")) == ""
