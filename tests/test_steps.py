"""What became of a program, from its cues: also from those that are damaged."""

import math

import pytest

from companion.programs.library import load_library
from companion.programs.program import Routine
from sessions.events import Alert, Cue, Event, Fields, Json, Level, Phase
from sessions.moments import moments
from sessions.steps import program_done

HOLD: Fields = {"title": "Hold", "site": "calf", "band_kpa": [10.0, 20.0], "seconds": 30.0, "repeats": 2}


def done(rep: int, held_s: float, cause: str = "time") -> Fields:
    return {"rep": rep, "held_s": held_s, "seconds": 30.0, "from_s": 1.0, "cause": cause}


def test_without_cues_there_was_no_program() -> None:
    alert = Alert(1.0, "peak", Level.STOP, Phase.RAISED, None, None, "kPa", "calf", "left", "")
    assert program_done([alert]) is None


def test_a_session_that_ended_before_its_program_says_so() -> None:
    events: list[Event] = [
        Cue(0.0, "program", None, "", {"steps": 3}),
        Cue(0.0, "next", 1, "", HOLD),
        Cue(5.0, "step", 1, "", HOLD),
        Cue(40.0, "done", 1, "", done(1, 30.0)),
        Cue(70.0, "done", 1, "", done(2, 11.5, "next")),
        Cue(71.0, "next", 2, "", {"title": "Out"}),
    ]
    told = program_done(events)
    assert told is not None
    assert told.to_json() == {"steps": 3, "steps_done": 0, "holds": 1, "held_s": 41.5, "end": None}
    assert [(step.title, step.state, step.began_s) for step in told.steps] == [
        ("Hold", "part", 5.0),
        ("Out", "begun", None),
    ]
    assert told.steps[0].to_json()["band_kpa"] == [10.0, 20.0]


HOSTILE: list[Json] = [None, True, "x", -1, 1e300, math.nan, [], [1], ["a", "b"], {}, {"a": [1, {}]}]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_damaged_cues_are_told_as_far_as_they_go(value: Json) -> None:
    names = ("title", "site", "band_kpa", "seconds", "repeats", "rep", "held_s", "from_s", "cause", "steps")
    fields: Fields = dict.fromkeys(names, value)
    kinds = ("program", "next", "step", "start", "done", "skip", "finish", "nonsense")
    events: list[Event] = [Cue(1.0, kind, step, "", fields) for kind in kinds for step in (1, None)]
    events += [Cue(1.0, kind, value, "", fields) for kind in kinds]  # type: ignore[arg-type]  # as a log may have it
    told = program_done(events)
    assert told is not None
    assert told.steps[0].to_json()["state"] in ("done", "part", "skipped", "begun")
    assert len(moments(events, [])) == 3


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_a_stored_routine_that_is_none_is_refused_and_breaks_nothing(value: Json) -> None:
    whole = load_library(None).program("calf").routine("left").to_json()
    steps = whole["steps"]
    assert isinstance(steps, list)
    first = steps[0]
    assert isinstance(first, dict)
    with pytest.raises(ValueError, match=r"a routine without steps|no step"):
        Routine.from_json({**whole, "steps": value})
    for name in ("region", "side", "technique", "band_kpa", "seconds", "repeats", "title", "site", "tool", "cue"):
        try:
            routine = Routine.from_json({**whole, "steps": [{**first, name: value}]})
        except ValueError:
            continue
        assert getattr(routine.steps[0], name) == value  # a word, where words stand
