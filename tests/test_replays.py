"""Replays: a session once more, from its bytes and from the log, gives the events it gave."""

import pytest

from sessions.events import Action, Closed
from tests.rehearsal import Happening, Rehearsal, alike, from_capture, from_log, played

STORIES: dict[str, tuple[str, str, float, dict[float, Happening]]] = {
    "warned, stopped, unplugged and back": (
        "showcase",
        "glute",
        60.0,
        {31.0: Action("confirm"), 20.0: Action("mark", {"note": "here"}), 25.5: Action("silence")},
    ),
    "moved and changed": (
        "session",
        "glute",
        70.0,
        {
            12.0: Action("region", {"region": "calf", "side": "right"}),
            15.0: Action("tool", {"tool": "soft"}),
            18.5: Action("region", {"region": "elbow"}),
            30.0: Action("symptom", {"symptom": "tingling"}),
            33.0: Action("confirm"),
            50.0: Action("region", {"region": "glute", "side": "left"}),
            52.0: Action("tool", {"tool": "hard", "area_cm2": 3.0}),
            54.0: Action("side", {"side": "both", "rolling": True}),
        },
    ),
    "zeroed, free and under load": (
        "calm",
        "unknown",
        60.0,
        {
            2.0: Action("tare"),
            14.0: Action("tare"),
            16.0: Rehearsal.button,
            20.0: lambda story: story.button(long=True),
            40.0: Action("tare", {"free": True}),
        },
    ),
    "low on battery": ("calm", "glute", 40.0, {0.8: Rehearsal.run_low, 20.0: Rehearsal.run_low}),
    "restarted": ("calm", "unknown", 60.0, {1.7: Rehearsal.reboot, 25.0: Rehearsal.reboot}),
    "held back, silent and gone": (
        "calm",
        "glute",
        150.0,
        {
            10.0: lambda story: story.clump(0.3),
            13.0: lambda story: story.clump(1.6),
            20.0: lambda story: story.clump(70.0),
            95.0: Rehearsal.unplug,
            99.0: lambda story: story.clump(7.0),
            120.0: Rehearsal.unplug,
        },
    ),
}


@pytest.fixture(scope="module", params=STORIES)
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    scenario, region, seconds, happenings = STORIES[request.param]
    return Rehearsal(tmp_path_factory.mktemp("kept"), scenario, region).run(seconds, happenings).end()


def kinds(events: list[object]) -> list[object]:
    """For a failure's message: what is compared, in short."""
    return [
        (type(event).__name__, getattr(event, "t_s", None), getattr(event, "text", ""))
        if not isinstance(event, tuple)
        else ("run", event[-3], len(event[0]) // 8)
        for event in events
    ]


@pytest.mark.parametrize("in_blocks", [True, False], ids=["blocks", "batches"])
@pytest.mark.parametrize("source", ["capture", "log"])
def test_the_same_events_again(story: Rehearsal, source: str, in_blocks: bool) -> None:
    if source == "capture":
        script = from_capture(story.capture, in_blocks=in_blocks)
    else:
        script = from_log(story.database, in_blocks=in_blocks)
    assert script.warning == ""
    events, player = played(script)
    assert player.outcome is not None
    assert (player.outcome.code, player.outcome.text) == (0, "")
    last = events[-1]
    assert isinstance(last, Closed)
    assert last.cause == "replayed"
    assert kinds(alike(events)) == kinds(alike(story.events))
    assert alike(events) == alike(story.events)
