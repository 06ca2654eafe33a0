"""What sounds when, row by row of the table of levels. Nothing here plays anything."""

from dataclasses import dataclass, field

import pytest

from companion.cues.patterns import PATTERNS
from companion.cues.sounding import PAUSE_S, Command, Hush, Play, Say, Sounding
from companion.safety.causes import FIRM_TEXT
from sessions.events import Alert, Level, Phase

STOP_S = round(PATTERNS["stop"].seconds + PAUSE_S, 3)  # from the tones to the words
CAUTION_S = round(PATTERNS["caution"].seconds + PAUSE_S, 3)


def alert(cause: str, level: Level, phase: Phase = Phase.RAISED, text: str = "words", t_s: float = 0.0) -> Alert:
    return Alert(t_s, cause, level, phase, None, None, "", "glute", "left", text)


@dataclass
class Ear:
    """Somebody lying there: what is heard, and when."""

    sounding: Sounding = field(default_factory=Sounding)
    now_s: float = 100.0
    heard: list[tuple[float, Command]] = field(default_factory=list)

    def take(self, commands: list[Command]) -> None:
        self.heard += [(round(self.now_s - 100.0, 3), command) for command in commands]

    def hear(
        self, cause: str, level: Level, phase: Phase = Phase.RAISED, text: str = "words", at: float | None = None
    ) -> "Ear":
        t_s = self.now_s - 100.0 if at is None else at
        self.take(self.sounding.hear(alert(cause, level, phase, text, t_s), self.now_s))
        return self

    def press(self, pressed: bool) -> "Ear":
        self.take(self.sounding.press(pressed, self.now_s))
        return self

    def wait(self, seconds: float) -> "Ear":
        """By appointments only, as the thread does."""
        end_s = self.now_s + seconds
        while (due_s := self.sounding.deadline()) is not None and due_s <= end_s:
            assert due_s >= self.now_s - 1e-9, "an appointment in the past is kept at once"
            self.now_s = max(due_s, self.now_s)
            self.take(self.sounding.tick(self.now_s))
        self.now_s = end_s
        return self

    def played(self) -> list[tuple[float, str]]:
        return [(at_s, command.pattern) for at_s, command in self.heard if isinstance(command, Play)]

    def said(self) -> list[tuple[float, str]]:
        return [(at_s, command.text) for at_s, command in self.heard if isinstance(command, Say)]

    def hushed(self) -> list[float]:
        return [at_s for at_s, command in self.heard if isinstance(command, Hush)]


def test_a_notice_is_one_tone_and_its_words() -> None:
    ear = Ear().press(True).hear("peak", Level.NOTICE, text="ease off soon").wait(60)
    assert ear.played() == [(0, "notice")]
    assert ear.said() == [(round(PATTERNS["notice"].seconds + PAUSE_S, 3), "ease off soon")]


def test_a_caution_sounds_every_ten_seconds_while_pressed() -> None:
    ear = Ear().press(True).hear("peak", Level.CAUTION, text="lighten").wait(25)
    assert ear.played() == [(0, "caution"), (10, "caution"), (20, "caution")]
    assert ear.said() == [(CAUTION_S, "lighten")], "its words come with the alert, not with each tone"


def test_a_caution_is_quiet_while_nothing_presses() -> None:
    ear = Ear().press(True).hear("peak", Level.CAUTION).wait(5).press(False).wait(30)
    assert ear.played() == [(0, "caution")]
    ear.press(True)
    assert ear.played() == [(0, "caution"), (35, "caution")], "what is overdue sounds with the press"


def test_words_of_cautions_come_three_times_a_minute_then_the_hint() -> None:
    ear = Ear().press(True)
    for _ in range(5):
        ear.hear("peak", Level.CAUTION, text="lighten").wait(5)
        ear.hear("peak", Level.OK, Phase.CLEARED).wait(3)
    ear.hear("peak", Level.CAUTION, text=FIRM_TEXT).wait(5)
    assert [text for _, text in ear.said()] == ["lighten"] * 3 + [FIRM_TEXT]
    assert len(ear.played()) == 6, "the tones come each time"
    ear.hear("peak", Level.OK, Phase.CLEARED).wait(60).hear("peak", Level.CAUTION, text="lighten").wait(2)
    assert [text for _, text in ear.said()] == ["lighten"] * 3 + [FIRM_TEXT, "lighten"]


def test_a_stop_sounds_and_speaks_every_three_seconds_until_it_has_come_off() -> None:
    ear = Ear().press(True).hear("peak", Level.STOP, Phase.ESCALATED, "stop, come off: take weight on hands").wait(8)
    assert ear.played() == [(0, "stop"), (3, "stop"), (6, "stop")]
    assert ear.said() == [
        (STOP_S, "stop, come off"),
        (STOP_S + 3, "stop, come off: take weight on hands"),
        (STOP_S + 6, "stop, come off"),
    ]
    ear.press(False).wait(2).hear("peak", Level.STOP, Phase.LATCHED).wait(60)
    assert ear.hushed() == [10]
    assert [at_s for at_s, _ in ear.played()] == [0, 3, 6, 9], "free, it sounds on for the two seconds of the guard"


def test_a_latched_stop_sounds_again_when_touched() -> None:
    ear = Ear().press(True).hear("peak", Level.STOP).wait(1).hear("peak", Level.STOP, Phase.LATCHED).wait(30)
    ear.hear("peak", Level.STOP, Phase.RAISED, "stop, come off: still stopped, confirm first").wait(3.5)
    assert [at_s for at_s, _ in ear.played()] == [0, 31, 34]
    ear.hear("peak", Level.STOP, Phase.LATCHED).hear("peak", Level.OK, Phase.CONFIRMED).wait(30)
    assert len(ear.played()) == 3


def test_a_technical_alarm_has_its_own_tones() -> None:
    ear = Ear().press(True).hear("silence", Level.TECHNICAL, text="sensor lost, ease off").wait(12)
    assert ear.played() == [(0, "technical"), (10, "technical")]
    assert ear.said()[0][1] == "sensor lost, ease off"


def test_a_technical_alarm_counts_as_a_notice_while_free() -> None:
    ear = Ear().press(False).hear("silence", Level.TECHNICAL).wait(60)
    assert ear.played() == [(0, "technical")]
    ear = Ear().press(False).hear("silence", Level.TECHNICAL).hear("ramp", Level.CAUTION)
    assert ear.played() == [(0, "technical"), (0, "caution")]
    ear = Ear().press(True).hear("silence", Level.TECHNICAL).hear("ramp", Level.CAUTION)
    assert ear.played() == [(0, "technical")], "under load it is above a caution"


def test_unknown_counts_as_pressed() -> None:
    assert Ear().hear("silence", Level.TECHNICAL).wait(12).played() == [(0, "technical"), (10, "technical")]


def test_one_level_at_a_time_the_highest() -> None:
    ear = Ear().press(True).hear("peak", Level.STOP).hear("hold", Level.CAUTION).hear("static", Level.NOTICE).wait(7)
    assert {pattern for _, pattern in ear.played()} == {"stop"}
    ear.hear("peak", Level.STOP, Phase.LATCHED)
    assert ear.hushed() == [7]
    assert ear.sounding.level is Level.CAUTION
    ear.wait(9.5)
    assert ear.played()[-1][1] == "stop", "what has been heard before does not sound at once"
    ear.wait(1)
    assert ear.played()[-1] == (17, "caution")


def test_a_higher_level_cuts_in_and_its_words_replace_those_that_wait() -> None:
    ear = Ear().press(True).hear("peak", Level.CAUTION, text="lighten").wait(0.5)
    ear.hear("peak", Level.STOP, Phase.ESCALATED, "stop, come off").wait(2.9)
    assert ear.played() == [(0, "caution"), (0.5, "stop")]
    assert [text for _, text in ear.said()] == ["stop, come off"]


def test_easing_off_is_no_new_warning() -> None:
    ear = Ear().press(True).hear("peak", Level.CAUTION).wait(5).hear("peak", Level.NOTICE).wait(30)
    assert ear.played() == [(0, "caution")]
    assert ear.hushed() == [5]


@pytest.mark.parametrize("cause", ["time", "dose", "day", "hold"])
def test_a_sum_sounds_only_while_pressed(cause: str) -> None:
    ear = Ear().press(True).hear(cause, Level.CAUTION, text="move on").wait(1).press(False).wait(60)
    assert ear.played() == [(0, "caution")]
    ear.press(True).wait(1).press(False).wait(1).press(True).wait(5)
    assert ear.played() == [(0, "caution"), (61, "caution")], "getting on again is told, but not each time"
    ear.wait(10)
    assert ear.played()[2:] == [(71, "caution")]


def test_a_sum_that_stands_hides_nothing_while_free() -> None:
    ear = Ear().press(True).hear("hold", Level.CAUTION).wait(20).press(False)
    ear.hear("silence", Level.TECHNICAL)
    assert ear.played()[-1] == (20, "technical")


def test_two_causes_of_a_level_do_not_chatter() -> None:
    ear = Ear().press(True).hear("peak", Level.CAUTION, text="lighten").wait(1)
    ear.hear("ramp", Level.CAUTION, text="slow down").wait(1)
    assert ear.played() == [(0, "caution")]
    assert [text for _, text in ear.said()] == ["lighten", "slow down"]
    ear.wait(5).hear("locked", Level.CAUTION)
    assert ear.played() == [(0, "caution"), (7, "caution")]


def test_silence_mutes_that_cause_for_a_minute() -> None:
    ear = Ear().press(True).hear("peak", Level.CAUTION).wait(3).hear("peak", Level.CAUTION, Phase.SILENCED).wait(59)
    assert ear.played() == [(0, "caution")]
    assert ear.hushed() == [3]
    ear.wait(2)
    assert ear.played() == [(0, "caution"), (63, "caution")], "without the guard's word, too: there may be no data"


def test_the_guards_word_ends_the_silence_once() -> None:
    ear = Ear().press(True).hear("peak", Level.CAUTION, at=3.0).hear("peak", Level.CAUTION, Phase.SILENCED, at=3.0)
    ear.wait(59.99).hear("peak", Level.CAUTION, at=63.0).wait(2)
    assert ear.played() == [(0, "caution"), (59.99, "caution")]


def test_a_sum_told_again_stays_silent() -> None:
    ear = Ear().press(True).hear("dose", Level.CAUTION).hear("dose", Level.CAUTION, Phase.SILENCED).wait(20)
    ear.hear("dose", Level.CAUTION).wait(20)
    assert ear.played() == [(0, "caution")]
    assert ear.said() == []


def test_a_higher_level_always_sounds() -> None:
    ear = Ear().press(True).hear("peak", Level.CAUTION).hear("peak", Level.CAUTION, Phase.SILENCED).wait(5)
    ear.hear("peak", Level.STOP, Phase.ESCALATED).wait(0.5)
    assert ear.played() == [(0, "caution"), (5, "stop")]
    ear.hear("peak", Level.STOP, Phase.SILENCED).wait(1).hear("symptom", Level.STOP)
    assert ear.played()[-1] == (6.5, "stop"), "another cause of the same level sounds"


def test_a_silenced_stop_lets_nothing_lesser_speak_for_it() -> None:
    ear = Ear().press(True).hear("ramp", Level.CAUTION).hear("peak", Level.STOP).wait(1)
    ear.hear("peak", Level.STOP, Phase.SILENCED).wait(30)
    assert [pattern for _, pattern in ear.played()] == ["caution", "stop"]


def test_without_tones_the_words_come_at_once() -> None:
    ear = Ear(Sounding(tones=False)).press(True).hear("peak", Level.STOP).wait(4)
    assert ear.played() == []
    assert ear.said() == [(0, "stop, come off"), (3, "words")]


def test_without_a_voice_the_tones_are_the_same() -> None:
    ear = Ear(Sounding(voice=False)).press(True).hear("peak", Level.STOP).wait(4)
    assert ear.said() == []
    assert ear.played() == [(0, "stop"), (3, "stop")]


def test_a_new_player_is_told_what_stands() -> None:
    ear = Ear().press(True).hear("peak", Level.STOP).wait(1)
    ear.take(ear.sounding.again(ear.now_s))
    assert ear.played() == [(0, "stop"), (1, "stop")]
    assert Sounding().again(0.0) == []


def test_long_words_are_cut() -> None:
    ear = Ear().press(True).hear("peak", Level.NOTICE, text="x" * 5000).wait(2)
    assert len(ear.said()[0][1]) == 200
