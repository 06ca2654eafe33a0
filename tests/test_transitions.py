"""Every cause at every level: appear, hold, escalate, ease, clear, latch, confirm, silence, return.

First the alarms alone, for all causes and levels of the table. Then the whole guard: for each row of the table a scene
that raises it after its delay and not before, keeps it, and ends it by its own clear rule. A row without a scene fails.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from companion.safety.alarms import Alarms, Event, Moment, Stop, Value
from companion.safety.causes import CAUSES, Cause, text_of
from companion.safety.limits import Carried, GuardContext
from sessions.events import Alert, Level, Notice, Phase
from tests.alarm_page import BY_HAND
from tests.guard_story import GLUTE, Story

N, C, T, S = Level.NOTICE, Level.CAUTION, Level.TECHNICAL, Level.STOP
Pair = tuple[Cause, Level]


def levels_of(cause: Cause) -> list[Level]:
    if cause.key in BY_HAND:
        return [BY_HAND[cause.key][0]]
    found = [row.level for row in cause.rows] + [share.level for share in cause.shares]
    return [*found, *([S] if cause.escalate_s and S not in found else [])]


PAIRS: list[Pair] = [(cause, level) for cause in CAUSES for level in levels_of(cause)]
each_pair = pytest.mark.parametrize(("cause", "level"), PAIRS, ids=lambda item: getattr(item, "key", None) or item.name)


# --- the alarms alone ---


def at(t_s: float, region: str = "glute") -> Moment:
    return Moment(t_s, t_s * 1e6, region, "left")


def brief(said: list[Event]) -> list[tuple[str, Level, Phase]]:
    return [(event.cause, event.level, event.phase) for event in said if isinstance(event, Alert)]


def raised(cause: Cause, level: Level, t_s: float = 1.0) -> tuple[Alarms, list[Event]]:
    alarms = Alarms()
    return alarms, alarms.change(cause.key, level, at(t_s), Value(2.0, 1.0))


@each_pair
def test_it_appears_once_with_its_words_value_and_place(cause: Cause, level: Level) -> None:
    alarms, said = raised(cause, level)
    (alert,) = [event for event in said if isinstance(event, Alert)]
    assert (alert.cause, alert.level, alert.phase) == (cause.key, level, Phase.RAISED)
    assert (alert.t_s, alert.value, alert.limit, alert.unit) == (1.0, 2.0, 1.0, cause.unit)
    assert (alert.region, alert.side) == ("glute", "left")
    assert alert.text == text_of(cause, level, Phase.RAISED)
    assert alert.text
    assert alarms.change(cause.key, level, at(2.0), Value()) == [], "it holds"


@each_pair
def test_from_each_lower_level_it_escalates(cause: Cause, level: Level) -> None:
    for lower in [one for one in levels_of(cause) if one < level]:
        alarms, _ = raised(cause, lower)
        said = alarms.change(cause.key, level, at(2.0), Value())
        assert brief(said) == [(cause.key, level, Phase.ESCALATED)]


@each_pair
def test_to_each_lower_level_it_eases_and_to_none_it_clears(cause: Cause, level: Level) -> None:
    for lower in [one for one in levels_of(cause) if one < level]:
        alarms, _ = raised(cause, level)
        said = brief(alarms.change(cause.key, lower, at(2.0), Value()))
        assert said == ([] if level is S else [(cause.key, lower, Phase.RAISED)]), "a stop does not ease"
    alarms, _ = raised(cause, level)
    said = brief(alarms.change(cause.key, Level.OK, at(2.0), Value()))
    assert said == ([] if level is S else [(cause.key, Level.OK, Phase.CLEARED)]), "nor does it clear"
    again = brief(alarms.change(cause.key, level, at(3.0), Value()))
    assert again == ([] if level is S else [(cause.key, level, Phase.RAISED)]), "what was cleared returns as new"


@each_pair
def test_silenced_it_returns_after_a_minute_and_not_if_it_went(cause: Cause, level: Level) -> None:
    for which in ("", cause.key):
        alarms, _ = raised(cause, level)
        assert brief(alarms.silence(which, at(2.0))) == [(cause.key, level, Phase.SILENCED)]
        assert alarms.any_silenced
        assert alarms.unsilence(at(61.9)) == []
        assert brief(alarms.unsilence(at(62.0))) == [(cause.key, level, Phase.RAISED)]
        assert not alarms.any_silenced
    if level is not S:
        alarms, _ = raised(cause, level)
        alarms.silence(cause.key, at(2.0))
        alarms.change(cause.key, Level.OK, at(3.0), Value())
        assert alarms.unsilence(at(90.0)) == []


@each_pair
def test_silenced_at_a_lower_level_it_sounds_at_a_higher(cause: Cause, level: Level) -> None:
    for lower in [one for one in levels_of(cause) if one < level]:
        alarms, _ = raised(cause, lower)
        alarms.silence(cause.key, at(2.0))
        alarms.change(cause.key, level, at(3.0), Value())
        assert not alarms.any_silenced


@each_pair
def test_silencing_one_leaves_the_others_sounding(cause: Cause, level: Level) -> None:
    other = next(one for one in CAUSES if one is not cause)
    alarms, _ = raised(cause, level)
    assert alarms.silence(other.key, at(2.0)) == []
    assert alarms.silence("nothing such", at(2.0)) == []
    assert not alarms.any_silenced


@pytest.mark.parametrize("cause", [cause for cause, level in PAIRS if level is S], ids=lambda cause: cause.key)
def test_a_stop_latches_sounds_again_waits_and_is_confirmed(cause: Cause) -> None:
    alarms, _ = raised(cause, S)
    assert alarms.stop.value == "sounding"
    refused = alarms.confirm(at(2.0))
    assert [event.kind for event in refused if isinstance(event, Notice)] == ["refused"]
    for turn in range(3):
        assert brief(alarms.freed(at(3.0 + turn))) == [(cause.key, S, Phase.LATCHED)]
        assert alarms.freed(at(3.1 + turn)) == []
        if turn < 2:
            assert brief(alarms.touched(at(3.5 + turn))) == [(cause.key, S, Phase.RAISED)]
            assert alarms.touched(at(3.6 + turn)) == []
    assert brief(alarms.confirm(at(9.0))) == [(cause.key, Level.OK, Phase.CONFIRMED)]
    assert alarms.stop.value == "none"
    assert alarms.confirm(at(9.1)) == []
    assert alarms.change(cause.key, S, at(10.0), Value()) == [], "quiet while nothing presses"
    assert brief(alarms.pressed(cause.key, at(11.0), Value())) == [(cause.key, S, Phase.RAISED)], "told at the press"


@pytest.mark.parametrize("cause", [cause for cause, level in PAIRS if level is S], ids=lambda cause: cause.key)
def test_a_confirmed_stop_that_went_and_came_is_a_new_one(cause: Cause) -> None:
    alarms, _ = raised(cause, S)
    alarms.freed(at(3.0))
    alarms.confirm(at(4.0))
    assert alarms.change(cause.key, Level.OK, at(5.0), Value()) == []
    assert brief(alarms.change(cause.key, S, at(6.0), Value())) == [(cause.key, S, Phase.RAISED)]


def test_two_silenced_causes_return_each_at_its_own_time() -> None:
    alarms, _ = raised(CAUSES[0], C)
    alarms.change("hold", N, at(1.0), Value())
    alarms.silence("peak", at(2.0))
    alarms.silence("hold", at(12.0))
    assert brief(alarms.unsilence(at(70.0))) == [("peak", C, Phase.RAISED)]
    assert brief(alarms.unsilence(at(72.0))) == [("hold", N, Phase.RAISED)]


# --- the whole guard ---

Play = Callable[[Story], object]


def press(kpa: float, seconds: float, **more: object) -> Play:
    return lambda story: story.press(kpa, max(seconds, 1 / story.hz), **more)


def act(kind: str, **fields: str | float | bool) -> Play:
    return lambda story: story.act(kind, **fields)


@dataclass(frozen=True)
class Scene:
    """`lead` says nothing at this level but its last scan comes just before; `last` completes it."""

    lead: list[Play]
    last: Play
    clear: list[Play]  # ends it with its last piece, and not sooner
    context: GuardContext = GLUTE
    hz: float = 100
    hold: list[Play] = field(default_factory=list)  # goes on without another word
    after: tuple[Level, Phase] = (Level.OK, Phase.CLEARED)  # what the clear rule says


ISCHIAL = dataclasses.replace(GLUTE, region="ischial", side="left")
NECK = dataclasses.replace(GLUTE, region="neck", factor_k=0.5)
MOVE = [act("region", region="calf")]
OFF = [press(0.0, 2.0), press(0.0, 0.01)]
LATCHES = (S, Phase.LATCHED)
STEEP, STEEPER = 160 / math.sqrt(12), 310 / math.sqrt(12)


def lively(story: Story) -> None:
    rng = np.random.default_rng(3)
    story.feed(np.rint((60 + rng.normal(0, 0.3, 300)) * 1024) / 1024)


def low_battery(story: Story) -> None:
    story.guard.battery(True)
    story.press(0.0, 0.01)


def charged(story: Story) -> None:
    story.guard.battery(False)
    story.press(0.0, 0.01)


def saturate(story: Story) -> None:
    story.feed(np.full(1, np.nan), saturated=[0])


def lose(story: Story) -> None:
    story.wait(61.0)
    story.press(60.0, 0.01)


def tick(age_s: float) -> Play:
    def play(story: Story) -> None:
        t_s = story.now_s - 0.01 + age_s
        story.said += story.guard.tick(1000.0 + t_s, t_s)

    return play


def carried(seconds: float, dose: float) -> GuardContext:
    return dataclasses.replace(ISCHIAL, carried=(Carried("ischial", "left", seconds, dose),))


SCENES: dict[tuple[str, Level], Scene] = {
    ("peak", N): Scene([press(123.0, 1.0)], press(123.0, 0.01), [press(109.0, 1.0), press(108.2, 0.01)]),
    ("peak", C): Scene([press(145.0, 0.5)], press(145.0, 0.01), [press(130.0, 1.0), press(108.0, 0.01)]),
    ("peak", S): Scene([press(181.0, 0.1)], press(181.0, 0.01), OFF, hold=[press(181.0, 1.0)], after=LATCHES),
    ("saturation", S): Scene([press(60.0, 1.0), saturate], saturate, OFF, hold=[press(60.0, 1.0)], after=LATCHES),
    ("locked", S): Scene(
        [press(60.0, 0.2)], press(60.0, 0.01), OFF, dataclasses.replace(GLUTE, locked=("glute",)), after=LATCHES
    ),
    ("symptom", S): Scene([press(60.0, 1.0)], act("symptom", symptom="pain"), OFF, after=LATCHES),
    ("hold", N): Scene(
        [press(52.0, 11.0)], press(52.0, 0.3), [press(0.0, 17.0), press(0.0, 5.0)], ISCHIAL, hold=[press(40.0, 0.5)]
    ),
    ("hold", C): Scene(
        [press(52.0, 15.4)], press(52.0, 0.2), [press(0.0, 64.0), press(0.0, 6.0)], ISCHIAL, hold=[press(52.0, 1.0)]
    ),
    ("hold", S): Scene([press(52.0, 22.4)], press(52.0, 0.2), OFF, ISCHIAL, after=LATCHES),
    ("static", N): Scene([press(40.0, 60.0)], press(40.0, 0.05), [press(0.0, 1.0), press(0.0, 0.5)], hz=20),
    ("roll_only", N): Scene(
        [press(20.0, 10.0)],
        press(20.0, 0.3),
        [press(0.0, 1.0), press(0.0, 0.5)],
        dataclasses.replace(GLUTE, region="trochanter"),
    ),
    ("light_only", N): Scene([press(25.0, 5.0)], press(25.0, 0.6), [press(0.0, 0.9), press(0.0, 0.2)], ISCHIAL),
    ("ramp", N): Scene(
        [press(40.0, 0.3, ramp_kpa_s=STEEP)], press(40.0, 0.01, ramp_kpa_s=STEEP), [press(40.0, 2.0), press(40.0, 0.01)]
    ),
    ("ramp", C): Scene(
        [press(40.0, 0.3, ramp_kpa_s=STEEPER)],
        press(40.0, 0.01, ramp_kpa_s=STEEPER),
        [press(40.0, 2.0), press(40.0, 0.01)],
    ),
    ("dose", N): Scene([press(18.0, 106.0)], press(18.0, 1.2), MOVE, NECK, hz=20),
    ("dose", C): Scene([press(18.0, 132.0)], press(18.0, 1.8), MOVE, NECK, hz=20, hold=[press(18.0, 10.0)]),
    ("dose", S): Scene([press(30.0, 57.0), press(3.0, 40.0)], press(30.0, 12.0), OFF, NECK, hz=20, after=LATCHES),
    ("time", N): Scene([press(15.0, 47.9)], press(15.0, 0.2), MOVE, ISCHIAL, hz=20, hold=[press(15.0, 5.0)]),
    ("time", C): Scene([press(15.0, 59.9)], press(15.0, 0.2), MOVE, ISCHIAL, hz=20, hold=[press(15.0, 5.0)]),
    ("time", S): Scene([press(15.0, 74.9)], press(15.0, 0.2), OFF, ISCHIAL, hz=20, after=LATCHES),
    ("time_advice", N): Scene(
        [press(15.0, 299.9)],
        press(15.0, 0.3),
        MOVE,
        dataclasses.replace(GLUTE, region="piriformis"),
        hz=20,
        hold=[press(15.0, 60.0)],
    ),
    ("session", N): Scene(
        [press(15.0, 23.9)], press(15.0, 0.1), [], dataclasses.replace(GLUTE, session_limit_s=30.0), hold=MOVE
    ),
    ("session", S): Scene(
        [press(15.0, 29.9)],
        press(15.0, 0.1),
        OFF,
        dataclasses.replace(GLUTE, session_limit_s=30.0),
        hold=[press(15.0, 5.0)],
        after=LATCHES,
    ),
    ("session_advice", N): Scene([press(6.0, 1199.8)], press(6.0, 0.5), [], hz=10, hold=[press(6.0, 200.0), *MOVE]),
    ("day", N): Scene([press(15.0, 0.9)], press(15.0, 0.2), MOVE, carried(719.0, 0.0), hold=[press(15.0, 1.0)]),
    ("day", C): Scene([press(15.0, 0.9)], press(15.0, 0.2), MOVE, carried(899.0, 0.0), hold=[press(15.0, 1.0)]),
    ("day", S): Scene([press(15.0, 15.9)], press(15.0, 0.2), OFF, carried(899.0, 0.0), after=LATCHES),
    ("day_dose", N): Scene([press(15.0, 1.6)], press(15.0, 0.2), MOVE, carried(0.0, 5750.0), hold=[press(15.0, 1.0)]),
    ("day_dose", C): Scene([press(15.0, 1.6)], press(15.0, 0.2), MOVE, carried(0.0, 7190.0), hold=[press(15.0, 1.0)]),
    ("day_dose", S): Scene([press(15.0, 16.6)], press(15.0, 0.2), OFF, carried(0.0, 7190.0), after=LATCHES),
    ("day_total", N): Scene(
        [press(15.0, 0.9)], press(15.0, 0.2), [], dataclasses.replace(GLUTE, carried_s=1439.0), hold=MOVE
    ),
    ("day_total", C): Scene(
        [press(25.0, 0.9)], press(25.0, 0.2), [], dataclasses.replace(GLUTE, carried_s=1799.0), hold=MOVE
    ),
    ("day_total", S): Scene(
        [press(25.0, 15.9)], press(25.0, 0.2), OFF, dataclasses.replace(GLUTE, carried_s=1799.0), after=LATCHES
    ),
    ("rest", N): Scene(
        [press(60.0, 0.7)],
        press(60.0, 0.01),
        [press(0.0, 1.0), press(0.0, 0.01)],
        dataclasses.replace(GLUTE, resting=("glute",)),
        hold=[press(60.0, 5.0)],
    ),
    ("closed", C): Scene([press(60.0, 1.0), lose, press(60.0, 0.49)], press(60.0, 0.01), [press(4.0, 0.01)]),
    ("closed", S): Scene([press(60.0, 1.0), lose, press(60.0, 15.49)], press(60.0, 0.01), OFF, after=LATCHES),
    ("silence", T): Scene([press(60.0, 1.0), tick(0.99)], tick(1.0), [tick(3.0), press(60.0, 0.01)]),
    ("zero", T): Scene(
        [press(60.0, 1.0), press(60.0, 0.25, trusted=False)],
        press(60.0, 0.01, trusted=False),
        [press(60.0, 3.0, trusted=False), press(60.0, 0.01)],
    ),
    ("dropped", T): Scene(
        [press(60.0, 1.0), lambda story: story.feed(np.full(20, np.nan))],
        lambda story: story.feed(np.full(1, np.nan)),
        [press(60.0, 0.99), press(60.0, 0.01)],
    ),
    ("stuck", T): Scene([lively, press(50.0, 3.01)], press(50.0, 0.01), [press(50.0, 1.0), press(50.5, 0.01)]),
    ("battery", T): Scene([press(0.0, 1.0)], low_battery, [press(0.0, 9.0), charged], hold=[press(0.0, 5.0)]),
    ("battery", N): Scene(
        [press(0.0, 1.0), low_battery, press(40.0, 0.2)], press(40.0, 0.01), [press(40.0, 9.0), charged]
    ),
}


def test_every_row_of_the_table_has_its_scene() -> None:
    assert set(SCENES) == {(cause.key, level) for cause, level in PAIRS}


@each_pair
def test_it_is_raised_after_its_delay_held_and_ended_by_its_own_rule(cause: Cause, level: Level) -> None:
    scene = SCENES[(cause.key, level)]
    story = Story(scene.context, hz=scene.hz)
    told = _teller(story, cause)
    for play in scene.lead:
        play(story)
    assert level not in [one for one, _ in told()], "not before its time"
    scene.last(story)
    assert told()[-1:] == [(level, told()[-1][1])], "at its time"
    assert told()[-1][1] in (Phase.RAISED, Phase.ESCALATED)
    count = len(told())
    for play in scene.hold:
        play(story)
    assert len(told()) == count, "it holds without another word"
    if not scene.clear:
        return
    for play in scene.clear[:-1]:
        play(story)
    assert scene.after not in told()[count:], "not ended sooner"
    scene.clear[-1](story)
    assert told()[-1] == scene.after


def _teller(story: Story, cause: Cause) -> Callable[[], list[tuple[Level, Phase]]]:
    return lambda: [
        (event.level, event.phase) for event in story.said if isinstance(event, Alert) and event.cause == cause.key
    ]


@pytest.mark.parametrize("cause", [cause for cause, level in PAIRS if level is S], ids=lambda cause: cause.key)
def test_every_stop_is_refused_under_load_and_confirmed_off_it(cause: Cause) -> None:
    scene = SCENES[(cause.key, S)]
    story = Story(scene.context, hz=scene.hz)
    for play in (*scene.lead, scene.last):
        play(story)
    assert not [alert for alert in story.act("confirm") if isinstance(alert, Alert)]
    story.press(0.0, 2.2)
    confirmed = [alert for alert in story.act("confirm") if isinstance(alert, Alert)]
    assert cause.key in {alert.cause for alert in confirmed if alert.phase is Phase.CONFIRMED}
    assert story.guard._alarms.stop is Stop.NONE
