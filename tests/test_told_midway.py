"""What a ball tells in the middle of a session: another calibration lowers limits and bands before the next scan."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from companion.clock import Clock
from companion.pipeline import Pipeline
from companion.programs.view import Board
from companion.safety.limits import GuardContext
from companion.stages import Output, Plan
from firmware_protocol.driver import Chunk, Continuity, Driver, DriverEvent, Profile, Samples, Started, Status
from sessions.events import Alert, Notice, Opened, Reading
from tests.guard_story import GLUTE
from tests.guided_story import STEP, GuidedStory, routine
from tests.test_contact import LSB, profile

STARTED = Started(Continuity.FIRST, 1, 0, 0.01, 0, 0, 0, 0.0)


class Told:
    """A driver that hears what the test says."""

    def __init__(self) -> None:
        self.next: list[DriverEvent] = []

    def feed(self, _chunk: Chunk) -> list[DriverEvent]:
        events, self.next = self.next, []
        return events

    def tick(self, _now_s: float) -> list[DriverEvent]:
        return []

    def ask(self, *_asked: object) -> list[DriverEvent]:
        return []

    def deadline(self) -> None:
        return None


class Line:
    """A pipeline, told driver events."""

    def __init__(self, context: GuardContext = GLUTE) -> None:
        self.board, self.driver = Board(), Told()
        plan = Plan("me", "glute", "left", None, lambda _: context, Clock().wall, "test")
        plan = replace(plan, routine=routine(replace(STEP, band_kpa=(45.0, 100.0))), show=self.board.show)
        self.line = Pipeline(cast("Driver", self.driver), plan)
        self.scans = 0

    def hear(self, *events: DriverEvent) -> list[Output]:
        self.driver.next = list(events)
        return self.line.feed(Chunk("serial", b"", self.scans * 0.01))

    def press(self, kpa: float, seconds: float) -> list[Output]:
        out: list[Output] = []
        for _ in range(round(seconds * 10)):
            values = np.full((10, 1), round(kpa * 1.2 / LSB), np.int16)
            batch = Samples(values, self.scans, self.scans * 10_000, 90_000, self.scans * 0.01)
            self.scans += 10
            out += self.hear(batch)
        return out


def ball(cal_crc: int) -> Profile:
    return replace(profile(full_scale=32_000), cal_crc=cal_crc)


def lowered_part(told: Sequence[Output]) -> float | None:
    alert = next(event for event in told if isinstance(event, Alert) and event.cause == "peak")
    return None if alert.limit is None else alert.limit / GLUTE.limits().mean_max_kpa


@pytest.mark.parametrize("begun", [False, True], ids=["before the first scan", "in the session"])
def test_another_calibration_lowers_every_limit_at_once(begun: bool) -> None:
    line = Line()
    line.hear(ball(1), *([STARTED] if begun else []))
    if begun:
        line.press(0.0, 1.0)
    told = line.hear(ball(2))
    assert [notice.kind for notice in told if isinstance(notice, Notice)][-1] == "calibration"
    if not begun:
        line.hear(STARTED)
    told = line.press(0.0, 2.0) + line.press(125.0, 1.0)
    assert lowered_part(told) == pytest.approx(0.8)
    opened = [event for event in told if isinstance(event, Opened)]
    assert [event.context["calibrated"] for event in opened] == ([] if begun else [False])


def test_the_band_of_a_program_is_lowered_with_the_limits() -> None:
    line = Line()
    line.hear(ball(1), STARTED)
    line.press(0.0, 5.0)
    line.press(40.0, 3.0)
    before = line.board.view
    line.hear(ball(2))
    after = line.board.view
    assert before is not None
    assert after is not None
    top_kpa = replace(GLUTE, calibrated=False).limits().working_kpa[1]
    assert before.band_kpa[1] > top_kpa
    assert after.band_kpa[1] <= top_kpa, "on the screen before the next scan"


def test_a_band_is_lowered_between_two_scans() -> None:
    story = GuidedStory(replace(STEP, band_kpa=(45.0, 100.0))).press((5, 0.0), (3, 40.0))
    story.leading.recalibrated()
    story.press((12, 40.0))
    top_kpa = story.guard.context.limits().working_kpa[1]
    assert story.view.band_kpa[1] <= top_kpa
    assert all(float(cue.text.rpartition(" ")[2]) <= top_kpa for cue in story.cues("left"))


def test_the_guard_hears_of_a_battery_when_the_log_does() -> None:
    """Of a flood only what is told counts, so that a replay of the log is judged alike."""
    line = Line()
    line.hear(ball(1), STARTED)
    line.press(0.0, 1.0)
    low = Status(False, False, True, False, False, False, 5, None, None, 0, 0)
    told = line.hear(*(replace(low, battery_pct=1 + n, battery_low=n >= 10) for n in range(12)))
    told += line.press(0.0, 0.5)
    assert not [event for event in told if isinstance(event, Alert) and event.cause == "battery"]
    told = line.press(0.0, 1.0) + line.line.tick(line.scans * 0.01)
    assert [notice.fields["battery_low"] for notice in told if isinstance(notice, Notice)][-1:] == [True]
    told = line.press(0.0, 0.5)
    assert any(isinstance(event, Reading) for event in told)
    assert [event.cause for event in told if isinstance(event, Alert)] == ["battery"]
