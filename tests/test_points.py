"""Lines through known weights, and what calibrating asks of a ball."""

import pytest

from companion.points import Fit, NoLineError, Point, fit, request_of
from firmware_protocol.messages import CalGet, CalPoint, CalSet, Raw
from sessions.events import Action


def fitted(*pairs: tuple[float, float]) -> Fit:
    return fit([Point(newton, number) for newton, number in pairs])


def test_a_straight_sensor_is_two_points_on_its_line() -> None:
    found = fitted((0.0, 1000.0), (100.0, 3001.0), (200.0, 4999.0))
    assert found.straight
    assert [number for number, _ in found.points] == [1000.0, 4999.0]
    assert found.newton_per_step == pytest.approx(0.05, rel=1e-3)
    assert found.residuals_n == pytest.approx((0.02, -0.05, 0.02), abs=0.02)
    assert found.remarks == ()


def test_a_sensor_that_bends_keeps_its_points() -> None:
    found = fitted((0.0, 0.0), (20.0, 256.0), (60.0, 512.0), (300.0, 850.0))
    assert not found.straight
    assert found.points == ((0.0, 0.0), (256.0, 20.0), (512.0, 60.0), (850.0, 300.0))
    assert any("bends" in remark for remark in found.remarks)


def test_numbers_may_fall_and_come_in_any_order() -> None:
    found = fitted((100.0, -2000.0), (0.0, 0.0), (200.0, -4000.0))
    assert [list(pair) for pair in found.points] == [pytest.approx([-4000.0, 200.0]), pytest.approx([0.0, 0.0])]
    assert found.newton_per_step == pytest.approx(-0.05)


def test_two_points_and_light_weights_are_remarked_on() -> None:
    found = fitted((0.0, 0.0), (10.0, 100.0))
    assert found.points == ((0.0, 0.0), (100.0, 10.0))
    assert len(found.remarks) == 2


def test_a_weight_that_moved_is_remarked_on() -> None:
    points = [Point(0.0, 0.0), Point(100.0, 1000.0, moved=80.0), Point(200.0, 2000.0, moved=2.0)]
    (remark,) = fit(points).remarks
    assert "100.0 N moved by 8.0 N" in remark


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        ([], "two"),
        ([(0.0, 1.0)], "two"),
        ([(float(n), float(n)) for n in range(9)], "8"),
        ([(0.0, 5.0), (10.0, 5.0)], "same number"),
        ([(0.0, 0.0), (10.0, 5.0), (5.0, 9.0)], "follow"),
        ([(0.0, 0.0), (10.0, 5.0), (10.0, 9.0)], "follow"),
    ],
)
def test_what_is_no_line_is_said(pairs: list[tuple[float, float]], why: str) -> None:
    with pytest.raises(NoLineError, match=why):
        fitted(*pairs)


@pytest.mark.parametrize(
    ("action", "request_"),
    [
        (Action("raw"), Raw()),
        (Action("raw", {"avg_ms": 700}), Raw(700)),
        (Action("points", {"channel": 3}), CalGet(3)),
        (
            Action("calibrate", {"channel": 1, "day": 9820, "points": [[1.4, 0], [9, 5.5]]}),
            CalSet(1, 9820, (CalPoint(1, 0.0), CalPoint(9, 5.5))),
        ),
        (Action("calibrate", {"channel": 0, "points": []}), CalSet(0, 0, ())),
        (Action("raw", {"avg_ms": 6000}), None),
        (Action("raw", {"avg_ms": "x"}), None),
        (Action("points", {"channel": 16}), None),
        (Action("points", {"channel": None}), None),
        (Action("calibrate", {"points": "x"}), None),
        (Action("calibrate", {"points": [[1]]}), None),
        (Action("calibrate", {"points": [[1e12, 0]]}), None),
        (Action("calibrate", {"points": [[0, 0]] * 9}), None),
        (Action("calibrate", {"day": -1, "points": []}), None),
        (Action("tare"), None),
    ],
)
def test_actions_are_requests_or_none(action: Action, request_: object) -> None:
    assert request_of(action) == request_


def test_one_point_is_said_as_one() -> None:
    with pytest.raises(NoLineError, match=r"^1 point: two to 8 are needed"):
        fit([Point(0.0, 1.0)])
