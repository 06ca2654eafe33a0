"""What is heard of a session that is led: ticks by the band, tones and words for cues, and never over a warning."""

import math

import pytest

from companion.cues.band import Band
from companion.cues.guiding import LEVEL, Guiding, spoken_s
from companion.cues.patterns import PATTERNS, TICKS_S
from companion.cues.pressing import Pressing
from companion.cues.sounding import Command, Play, Quiet, Say
from companion.handsfree.words import OVER, WORDS
from companion.safety.limits import GuardContext, zone_edges_kpa
from sessions.events import Action, Cue, Event, Json, Notice
from tests.tui_plays import opened, reading

LOUD = Play("caution", 2)


def guiding(*, voice: bool = True) -> Guiding:
    return Guiding(tones=True, voice=voice, ticks=True)


def hands(state: str, value: int | None = None, t_s: float = 1.0) -> Notice:
    return Notice(t_s, "hands", WORDS[state].format(value=value), {"state": state, "value": value})


def cue(kind: str, text: str = "hold", **fields: Json) -> Cue:
    return Cue(1.0, kind, 1, text, fields)


def run(guide: Guiding, from_s: float, to_s: float) -> list[tuple[float, Command]]:
    """All that comes by itself, with the second it comes."""
    out: list[tuple[float, Command]] = []
    now_s = from_s
    while (due_s := guide.deadline()) is not None and due_s <= to_s:
        now_s = max(now_s, due_s)
        out += [(round(now_s, 2), command) for command in guide.tick(now_s)]
    return out


# --- ticks ---


def test_ticks_go_on_while_it_stays_in_the_band_and_stop_when_it_leaves() -> None:
    guide = guiding()
    assert guide.band(1, 0.0) == [Play("tick-1", LEVEL)]
    assert run(guide, 0.0, 13.0) == [(6.0, Play("tick-1", LEVEL)), (12.0, Play("tick-1", LEVEL))]
    assert guide.band(3, 13.0) == [Quiet(), Play("tick-3", LEVEL)]
    assert guide.band(0, 14.0) == [Quiet()]
    assert guide.deadline() is None


@pytest.mark.parametrize("rate", [1, 2, 3, 4])
def test_faster_when_higher_and_never_a_program_for_each_tick(rate: int) -> None:
    pattern = PATTERNS[f"tick-{rate}"]
    assert len(pattern.tones) == rate * TICKS_S
    assert pattern.seconds == pytest.approx(TICKS_S)
    assert pattern.loudness < PATTERNS["caution"].loudness


def test_a_warning_silences_the_ticks_until_it_is_over() -> None:
    guide = guiding()
    guide.band(1, 0.0)
    assert guide.warned([LOUD], 2.0, stopped=False) == [Quiet()]
    assert guide.tick(2.1) == []
    ((at_s, command),) = run(guide, 2.1, 4.0)
    assert command == Play("tick-1", LEVEL)
    assert at_s == pytest.approx(2.0 + PATTERNS["caution"].seconds + 0.08, abs=0.02)


def test_while_a_stop_sounds_nothing_guides() -> None:
    guide = guiding()
    guide.band(1, 0.0)
    guide.hear(cue("next"), 0.0)
    assert guide.warned([Play("stop", 4)], 1.0, stopped=True) == []  # the words had silenced the ticks already
    assert guide.hear(cue("step"), 2.0) == []
    assert guide.band(4, 3.0) == []
    assert guide.deadline() is None
    guide.warned([], 9.0, stopped=False)
    assert Play("tick-4", LEVEL) in guide.tick(9.0)


# --- words and tones ---


def test_every_cue_is_spoken_one_after_the_other() -> None:
    guide = guiding()
    first, second = "next: hold still", "left side, breathe"
    assert guide.hear(cue("next", first), 0.0) == [Say(first, LEVEL)]
    assert guide.hear(cue("breathe", second), 0.1) == []
    assert run(guide, 0.1, 10.0) == [(round(spoken_s(first), 2), Say(second, LEVEL))]


def test_what_is_stale_is_left_out() -> None:
    guide = guiding()
    guide.hear(cue("next", "x" * 150), 0.0)
    guide.hear(cue("breathe", "breathe"), 0.1)
    assert run(guide, 0.1, 60.0) == []


def test_the_last_seconds_are_counted_by_a_tone_and_earlier_ones_by_words() -> None:
    guide = guiding()
    assert guide.hear(cue("count", "10", left_s=10), 0.0) == [Say("10", LEVEL)]
    for at, left in enumerate((3, 2, 1)):
        assert guide.hear(cue("count", str(left), left_s=left), 7.0 + at) == [Play("count", LEVEL)]
    assert guide.hear(cue("done", "done"), 10.0) == [Play("done", LEVEL), Say("done", LEVEL)]


def test_of_the_grades_that_wait_only_the_newest_is_said() -> None:
    guide = guiding()
    guide.hear(hands("scoring"), 0.0)
    said_s = spoken_s(WORDS["scoring"])
    for value in (3, 5, 6):
        guide.hear(hands("grade", value), said_s - 0.3)
    assert [command for _, command in run(guide, said_s - 0.3, said_s + 9.0)] == [Say("score 6", LEVEL)]


@pytest.mark.parametrize("state", sorted(set(WORDS) - {"answered", "finished"}))
def test_whatever_is_said_without_hands_is_heard(state: str) -> None:
    heard = guiding().hear(hands(state, 7), 0.0)
    assert any(isinstance(command, Say) for command in heard)
    assert all(command.level == LEVEL for command in heard if isinstance(command, Play | Say))


def test_the_end_is_said() -> None:
    assert guiding().hear(Notice(9.0, "over", OVER["finished"], {"cause": "finished"}), 0.0) == [
        Say(OVER["finished"], LEVEL)
    ]


def test_where_nobody_speaks_nothing_waits_for_words() -> None:
    guide = guiding(voice=False)
    assert guide.hear(cue("next"), 0.0) == []
    assert guide.band(1, 0.1) == [Play("tick-1", LEVEL)]
    guide.warned([Say("lighten", 2)], 1.0, stopped=False)
    assert Play("tick-1", LEVEL) in guide.tick(1.1)


# --- where the pressure lies ---


class Ear:
    """A band, fed as the observer feeds it."""

    def __init__(self, context: GuardContext) -> None:
        self._pressing = Pressing()
        self.band = Band(self._pressing)
        self.hear(opened(context=context.to_json()))

    def hear(self, event: Event) -> int:
        self._pressing.feed(event)
        self.band.feed(event)
        return self.band.rate

    def press(self, kpa: float) -> int:
        return self.hear(reading(1.0, kpa))


GLUTE = GuardContext(region="glute", side="left", tool="tennis", area_cm2=12.0, screened=True, factor_k=1.0)


def test_the_rate_follows_the_working_range_and_rises_above_it() -> None:
    _, low, high, over = zone_edges_kpa(GLUTE.limits())
    ear = Ear(GLUTE)
    rates = [ear.press(kpa) for kpa in (0.0, low - 5, low + 1, high - 5, high + 1, (high + over) / 2 + 1, over + 1)]
    assert rates == [0, 0, 1, 1, 2, 3, 4]
    assert ear.press(math.nan) == 0


def test_it_does_not_stutter_at_an_edge() -> None:
    _, low, _, _ = zone_edges_kpa(GLUTE.limits())
    ear = Ear(GLUTE)
    assert [ear.press(kpa) for kpa in (low + 0.1, low - 0.5, low + 0.1, low * 0.97, low * 0.95)] == [1, 1, 1, 1, 0]


def test_a_programs_step_brings_its_own_band_and_its_end_takes_it() -> None:
    ear = Ear(GLUTE)
    ear.hear(cue("step", band_kpa=[10.0, 20.0]))
    assert [ear.press(kpa) for kpa in (9.0, 15.0, 25.0)] == [0, 1, 2]
    ear.hear(cue("rest"))
    assert ear.press(15.0) == 0
    ear.hear(cue("rested"))
    assert ear.press(15.0) == 1
    ear.hear(cue("finish"))
    assert ear.press(15.0) == 0


def test_another_place_has_another_range() -> None:
    ear = Ear(GLUTE)
    assert ear.press(60.0) == 1
    ear.hear(Action("region", {"region": "sacrum"}, 2.0))
    assert ear.press(60.0) > 1


def test_nobody_is_led_while_the_session_waits() -> None:
    ear = Ear(GLUTE)
    kpa = zone_edges_kpa(GLUTE.limits())[1] + 1
    for state, rate in (("ready", 0), ("started", 1), ("paused", 0), ("asked", 0), ("resumed", 1), ("scoring", 0)):
        ear.hear(hands(state))
        assert ear.press(kpa) == rate, state
