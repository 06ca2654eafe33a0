"""The stop: it latches, waits for a person, sounds again, and ends a session that needs too many."""

import dataclasses

from companion.safety.limits import GuardContext
from sessions.events import Notice
from tests.guard_story import GLUTE, Story, brief, notices


def stopped(context: GuardContext = GLUTE) -> Story:
    story = Story(context)
    story.press(200.0, 0.2)
    return story


def test_a_stop_latches_after_two_free_seconds_and_waits_for_a_person() -> None:
    story = stopped()
    story.press(4.9, 2.0)
    assert story.alerts()[-1] == (0.1, "peak", "stop", "raised")
    story.press(4.9, 0.01)
    assert story.alerts()[-1] == (2.2, "peak", "stop", "latched")
    assert brief(story.act("confirm")) == [(2.21, "peak", "ok", "confirmed")]
    story.press(60.0, 1.0)
    assert story.alerts()[-1][3] == "confirmed", "the session goes on"


def test_a_stop_is_not_confirmed_while_loaded() -> None:
    story = stopped()
    said = story.act("confirm")
    assert brief(said) == []
    assert [event.kind for event in said if isinstance(event, Notice)] == ["refused"]
    story.press(50.0, 5.0)
    assert story.alerts()[-1][3] == "raised", "50 kPa is not free"


def test_contact_before_confirming_sounds_again_and_is_no_new_stop() -> None:
    story = stopped()
    for _ in range(4):
        story.press(0.0, 2.01)
        story.press(60.0, 0.5)
    phases = [phase for *_, phase in story.alerts("peak")]
    assert phases == ["raised"] + ["latched", "raised"] * 4
    assert notices(story.said, "end") == [], "one stop, not five"


def test_three_pressure_stops_end_the_session_once_unloaded() -> None:
    story = Story()
    for number in range(3):
        story.press(200.0, 0.2)
        assert notices(story.said, "end") == [], number
        story.press(0.0, 2.01)
        story.act("confirm")
    assert len(notices(story.said, "end")) == 1


def test_after_a_confirmed_stop_the_next_slam_is_told_at_once() -> None:
    story = stopped()
    story.press(0.0, 2.01)
    story.act("confirm")
    story.press(250.0, 0.15)
    story.press(0.0, 0.1)
    assert story.alerts("peak")[-1] == (2.31, "peak", "stop", "raised"), "shorter than a contact, and yet a stop"


def test_a_hole_is_no_free_time() -> None:
    story = stopped()
    story.press(0.0, 1.5)
    story.wait(3.0)
    story.press(0.0, 1.9)
    assert story.alerts("peak")[-1][3] == "raised"
    story.press(0.0, 0.2)
    assert story.alerts("peak")[-1][3] == "latched"


def test_a_second_cause_joins_the_stop() -> None:
    story = Story(dataclasses.replace(GLUTE, session_limit_s=3.0))
    story.press(200.0, 0.5)
    story.press(60.0, 4.0)
    story.press(0.0, 2.1)
    story.act("confirm")
    assert [(cause, phase) for _, cause, level, phase in story.alerts() if level == "stop"] == [
        ("peak", "raised"),
        ("session", "escalated"),
        ("peak", "latched"),
        ("session", "latched"),
    ]
    assert {cause for _, cause, _, phase in story.alerts() if phase == "confirmed"} == {"peak", "session"}
    story.press(0.0, 1.0)
    count = len(story.alerts())
    story.press(60.0, 1.0)
    assert [alert[1:] for alert in story.alerts()[count:]] == [("session", "stop", "raised")], "only by new contact"
