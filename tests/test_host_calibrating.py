"""RAW, CAL_GET and CAL_SET as a person asks for them: a ball takes points at rest, and is heard again after (R31)."""

import numpy as np
import pytest

from firmware_protocol.calibration import checksum
from firmware_protocol.devices.kind import Link
from firmware_protocol.driver import (
    Calibrated,
    Phase,
    PhaseChanged,
    PointsTold,
    Profile,
    RawMeans,
    Refused,
    Samples,
    Started,
    Unit,
)
from firmware_protocol.messages import CalGet, CalPoint, CalSet, Raw, Status
from firmware_protocol.simulator.virtual import VirtualBall
from tests.foreign import Ball, Joined, joined

POINTS = CalSet(0, 9820, (CalPoint(0, 0.0), CalPoint(100_000, 50.0)))


def live(*, framed: bool = True, calibrated: bool = True) -> Joined:
    side = Ball(framed=framed)
    side.ball = VirtualBall("empty", channels=1, framed=framed, boot_id=5, calibrated=calibrated)
    line = joined("native", Link.SERIAL if framed else Link.GATT, side)
    line.run(2.0)
    assert line.of(Samples)
    return line


@pytest.mark.parametrize("framed", [True, False])
def test_numbers_and_points_are_told_while_scans_come(framed: bool) -> None:
    line = live(framed=framed)
    line.ask(Raw(500))
    line.ask(CalGet(0))
    line.run(2.0)
    (means,) = line.of(RawMeans)
    assert list(means.means) == [pytest.approx(0.0, abs=64.0)]
    (told,) = line.of(PointsTold)
    assert len(told.points) == 2
    assert np.diff([batch.index for batch in line.of(Samples)]).max() < 50


def test_points_are_taken_at_rest_and_scans_come_again() -> None:
    line = live()
    line.ask(POINTS)
    line.run(3.0)
    (done,) = line.of(Calibrated)
    assert (done.channel, done.cal_crc) == (0, checksum({0: POINTS}))
    assert [profile.cal_crc for profile in line.of(Profile)][1:] == [done.cal_crc]
    assert line.of(PhaseChanged)[-1].phase is Phase.LIVE
    assert line.of(Samples)[-1].arrival_s > line.now_s - 0.2
    assert len(line.of(Started)) == 2
    assert not line.of(Refused)


def test_no_points_erase_and_the_ball_gives_counts() -> None:
    line = live()
    line.ask(CalSet(0, 0, ()))
    line.run(3.0)
    assert line.of(Profile)[-1].unit is Unit.RAW


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (live(framed=False), Status.DENIED),
        (live(calibrated=False), Status.UNKNOWN),
    ],
    ids=["an open radio link", "a ball without points"],
)
def test_a_refusal_is_told_and_scans_come_again(line: Joined, status: Status) -> None:
    line.ask(POINTS)
    line.run(4.0)
    (refused,) = line.of(Refused)
    assert (refused.request, refused.status) == ("CAL_SET", status)
    assert not line.of(Calibrated)
    assert line.of(Samples)[-1].arrival_s > line.now_s - 0.2


def test_no_answer_is_told_and_the_conversation_begins_anew() -> None:
    line = live()
    line.mute = True
    line.ask(POINTS)
    line.run(1.0)
    line.mute = False
    line.run(20.0)
    assert [refused.request for refused in line.of(Refused)] in ([], ["CAL_SET"])
    assert line.of(Samples)[-1].arrival_s > line.now_s - 0.2


def test_a_link_that_breaks_meanwhile_is_told() -> None:
    line = live()
    line.ask(POINTS)
    line.close()
    assert [refused.request for refused in line.of(Refused)] == ["CAL_SET"]
