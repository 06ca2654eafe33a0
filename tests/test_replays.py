"""Replays: a session once more, from its bytes and from the log, gives the events it gave."""

import math
import random
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.captures.format import CRC, HEAD, HEADER
from companion.errors import CaptureError
from companion.replays.player import DAMAGED, ReplayClock
from sessions.events import Action, Alert, Closed, Event, Reading
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


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """Contact, a stop, a mark: what a capture is damaged in."""
    marked: dict[float, Happening] = {12.0: Action("mark", {"note": "here"}), 20.0: Action("silence")}
    return Rehearsal(tmp_path_factory.mktemp("spoilt"), "showcase", "glute").run(30.0, marked).end()


def scans_and_alerts(events: list[Event]) -> tuple[list[tuple[float, bytes]], list[Alert]]:
    readings = [event for event in events if isinstance(event, Reading)]
    scans = [(t_s, row.tobytes()) for each in readings for t_s, row in zip(each.t_s.tolist(), each.values, strict=True)]
    return scans, [event for event in events if isinstance(event, Alert)]


@pytest.mark.parametrize("in_blocks", [True, False], ids=["blocks", "batches"])
def test_a_capture_cut_anywhere_gives_the_beginning_of_its_events(
    kept: Rehearsal, in_blocks: bool, tmp_path: Path
) -> None:
    whole, drawn = kept.capture.read_bytes(), random.Random(3)
    all_scans, all_alerts = scans_and_alerts(kept.events)
    cut = tmp_path / "cut.cap"
    for place in sorted(drawn.randrange(1, len(whole)) for _ in range(12)):
        cut.write_bytes(whole[:place])
        try:
            script = from_capture(cut, in_blocks=in_blocks)
        except CaptureError:
            assert place < next(places(whole))[1], "only one that ends within its setup cannot be begun"
            continue
        events, player = played(script)
        scans, alerts = scans_and_alerts(events)
        assert player.outcome is not None
        assert (player.outcome.code, player.failure) == (DAMAGED, None)
        assert scans == all_scans[: len(scans)]
        assert alerts == all_alerts[: len(alerts)]
    assert len(all_alerts) >= 3


def test_a_capture_that_somebody_wrote_for_us_never_makes_the_program_fall(kept: Rehearsal, tmp_path: Path) -> None:
    """Every checksum right, and anything in its records: other times, other kinds, other bytes, no JSON."""
    whole, drawn = kept.capture.read_bytes(), random.Random(5)
    records = [*places(whole)]
    forged = tmp_path / "forged.cap"
    codes = Counter[int]()
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(drawn.randrange(1, 5)):
            start, end = drawn.choice(records[:6] if drawn.random() < 0.5 else records)
            match drawn.randrange(3):
                case 0:
                    data[start + 5 : start + 13] = struct.pack("<d", drawn.choice([-1e11, 0.0, 1e9, 9e11, 40.0]))
                case 1:
                    data[start + 4] = drawn.choice(b"SGOXIBTAE")
                case _ if end - 4 > start + HEAD.size:
                    at = drawn.randrange(start + HEAD.size, end - 4)
                    data[at] = drawn.choice(b'0123456789"{}[],:.-ea\x00\xff')
            data[end - 4 : end] = CRC.pack(zlib.crc32(bytes(data[start : end - 4])))
        forged.write_bytes(bytes(data))
        try:
            _, player = played(from_capture(forged, in_blocks=bool(drawn.randrange(2))))
        except CaptureError as error:
            assert str(error).isprintable()
            codes[DAMAGED] += 1
            continue
        assert player.failure is None
        assert player.outcome is not None
        codes[player.outcome.code] += 1
    assert set(codes) == {0, DAMAGED}


def places(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each record of a capture begins and ends."""
    at = len(HEADER)
    while at < len(data):
        end = at + HEAD.size + HEAD.unpack_from(data, at)[0] + CRC.size
        yield at, end
        at = end


def test_a_replay_clock_in_haste_stands_at_its_step_and_never_turns_back() -> None:
    clock = ReplayClock(math.inf)
    shown = []
    for at_s in (5.0, 6.0, 5.5, 7.0):  # bytes that waited come with the time at which they arrived
        clock.reach(at_s)
        shown.append(clock.now_s())
    assert shown == [5.0, 6.0, 6.0, 7.0]
