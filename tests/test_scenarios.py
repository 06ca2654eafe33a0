"""Each named scenario keeps what it promises, by the default limits written out here from their table."""

from dataclasses import dataclass

import numpy as np
import pytest

from firmware_protocol.simulator.body import Floats, Move
from firmware_protocol.simulator.scenarios import (
    Absence,
    Absences,
    Interval,
    list_scenarios,
    load_scenario,
    parse_scenario,
)

HZ = 50
AREA_CM2 = 12.0  # tennis-size
K = 0.5  # unscreened
SEEDS = (0, 1, 7)


@dataclass(frozen=True)
class Limits:
    peq_max_kpa: float
    working_kpa: tuple[float, float]
    hold_s: float
    rest_s: float
    session_s: float
    dose_kpa_s: float


UNKNOWN = Limits(330, (29, 66), 30, 60, 180, 9600)
PIRIFORMIS = Limits(420, (35, 87), 60, 45, 600, 18_000)
GLUTE = Limits(500, (43, 101), 90, 30, 600, 24_000)
STRICTEST = Limits(250, (23, 52), 20, 45, 120, 4800)  # of the regions that are on by default


@dataclass(frozen=True)
class Judged:
    """Instant ratio, hold load and shares of dose and time (n,), 1 is the limit."""

    t_s: Floats
    load_n: Floats
    ratio: Floats
    hold: Floats
    dose: Floats
    contact: Floats


def judged(key: str, limits: Limits, seed: int = 0, seconds: float | None = None) -> Judged:
    scenario = load_scenario(key)
    t_s = np.arange(round((seconds or scenario.seconds) * HZ)) / HZ
    load = scenario.body(seed=seed).load(t_s)
    p_kpa = 10 * load / AREA_CM2
    ratio = p_kpa * np.sqrt(AREA_CM2) / (K * limits.peq_max_kpa)
    top = K * limits.working_kpa[1]
    allowed_s = np.clip(K * limits.hold_s * (top / np.maximum(p_kpa, 1e-9)) ** 4, 5, 120)
    pressed = p_kpa >= max(10, 0.5 * limits.working_kpa[0])
    hold = np.empty_like(load)
    level = 0.0
    for at, (on, full_s) in enumerate(zip(pressed.tolist(), allowed_s.tolist(), strict=True)):
        level = level + 1 / HZ / full_s if on else level * np.exp(-1 / HZ / limits.rest_s)
        hold[at] = level
    dose = np.cumsum(np.maximum(p_kpa - 9, 0)) / HZ / (K * limits.dose_kpa_s)
    return Judged(t_s, load, ratio, hold, dose, np.cumsum(p_kpa >= 5) / HZ / limits.session_s)


def test_there_are_the_named_ones_with_four_cells() -> None:
    known = {info.key: info for info in list_scenarios()}
    assert {"calm", "too_hard", "too_long", "rolling", "session", "showcase", "empty", "fall"} <= known.keys()
    assert all(info.channels == 4 and info.title and info.seconds > 0 for info in known.values())
    assert known["session"].seconds == pytest.approx(720)
    assert known["showcase"].seconds == pytest.approx(72)


def test_an_unknown_one_is_told_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'clam'.*calm.*empty"):
        load_scenario("clam")


@pytest.mark.parametrize("seed", SEEDS)
def test_calm_stays_below_every_notice_for_four_minutes(seed: int) -> None:
    found = judged("calm", UNKNOWN, seed, seconds=240)
    assert found.ratio.max() < 0.85
    assert found.hold.max() < 0.67
    assert found.dose.max() < 0.8
    assert found.contact.max() < 0.8
    held = found.load_n[found.load_n > 35]
    assert held.max() < 45
    assert len(held) / HZ > 15


@pytest.mark.parametrize("seed", SEEDS)
def test_too_hard_is_a_stop_within_ten_seconds(seed: int) -> None:
    found = judged("too_hard", GLUTE, seed)
    early = found.t_s < 10
    assert 150 <= found.load_n[early].max() <= 250
    assert np.count_nonzero(found.ratio[early] >= 1.25) / HZ > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_too_long_is_only_too_long(seed: int) -> None:
    found = judged("too_long", UNKNOWN, seed)
    held = found.load_n[(found.t_s > 7) & (found.t_s < 300)]
    assert held.min() >= 45
    assert held.max() <= 50
    assert found.ratio.max() < 1
    assert found.hold.max() > 1.5


@pytest.mark.parametrize("seed", SEEDS)
def test_rolling_is_seen_as_rolling(seed: int) -> None:
    found = judged("rolling", UNKNOWN, seed)
    strokes = found.load_n[(found.t_s > 8) & (found.t_s < 62)]
    windows = np.lib.stride_tricks.sliding_window_view(strokes, 5 * HZ)
    assert (windows.std(axis=1) / windows.mean(axis=1)).min() >= 0.25
    assert strokes.min() > 3.6 * 1.2  # never lifts
    assert found.ratio.max() < 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_whole_session_needs_no_caution(seed: int) -> None:
    found = judged("session", PIRIFORMIS, seed)
    assert found.ratio.max() < 0.85
    assert found.hold.max() < 1
    assert found.dose[-1] < 0.8
    assert 300 < found.contact[-1] * PIRIFORMIS.session_s < 420
    working = (found.load_n >= 42) & (found.load_n <= 52)
    assert np.count_nonzero(working) / HZ > 150
    assert found.load_n.max() <= 52


@pytest.mark.parametrize("seed", SEEDS)
def test_showcase_goes_from_contact_to_stop_and_back(seed: int) -> None:
    found = judged("showcase", GLUTE, seed)

    def during(from_s: float, to_s: float) -> Judged:
        at = (found.t_s >= from_s) & (found.t_s < to_s)
        return Judged(
            *(part[at] for part in (found.t_s, found.load_n, found.ratio, found.hold, found.dose, found.contact))
        )

    assert not during(0, 3).load_n.any()
    held = during(6.5, 17.5).load_n / 1.2
    assert held.min() >= 43
    assert held.max() <= 50.5  # the working zone, of half the limits
    assert during(0, 18).ratio.max() < 0.85
    caution = during(20.2, 23.9)
    assert caution.ratio.min() >= 1
    assert caution.ratio.max() < 1.25
    assert during(25, 27).ratio.min() >= 1.25
    assert not during(27.7, 42).load_n.any()
    assert during(45.5, 53.5).load_n.min() > 37
    assert during(28, 60).ratio.max() < 0.85
    assert not during(55.6, 60).load_n.any()


def test_showcase_drops_out_unloaded_and_is_back_before_the_next_contact() -> None:
    showcase = load_scenario("showcase")
    (away,) = showcase.away
    assert list(showcase.button) == [31]
    assert away.to_s - away.from_s == pytest.approx(5)
    assert not showcase.body().load(np.linspace(away.from_s - 6, away.to_s + 3, 500)).any()


def test_fall_lands_harder_than_anything_allowed() -> None:
    fall = load_scenario("fall")
    (step,) = [step for step in fall.steps if step.move is Move.FALL]
    assert 0.08 <= step.rise_s <= 0.3
    assert judged("fall", GLUTE).ratio.max() > 4


def test_empty_is_empty() -> None:
    assert not judged("empty", STRICTEST).load_n.any()


REST = [{"move": "hold", "seconds": 10}]


def test_a_step_keeps_the_load_it_was_left() -> None:
    rows = [
        {"move": "press", "seconds": 1, "newton": 20},
        {"move": "hold", "seconds": 2},
        {"move": "press", "seconds": 1, "newton": 0},
    ]
    plot = parse_scenario("mine", {"title": "Mine", "steps": rows, "channels": 2, "silent": [[1, 2]]})
    assert [step.newton for step in plot.steps] == [20, 20, 0]
    assert (plot.channels, plot.silent) == (2, (Interval(1, 2),))
    assert plot.body().force(np.array([2.0])).shape == (1, 2)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"steps": REST}, "title"),
        ({"title": "x"}, "steps"),
        ({"title": "x", "steps": REST, "stpes": 1}, "stpes"),
        ({"title": "x", "steps": [{"move": "jump", "seconds": 1}]}, "jump"),
        ({"title": "x", "steps": [{"move": "hold", "seconds": 1, "newtons": 3}]}, "newtons"),
        ({"title": "x", "steps": [{"seconds": 1}]}, "move"),
        ({"title": "x", "steps": [{"move": "press", "seconds": 1, "newton": 3}]}, "0 N"),
        ({"title": "x", "steps": []}, "0 N"),
        ({"title": "x", "steps": REST, "channels": 17}, "channels"),
        ({"title": "x", "steps": REST, "away": [[4, 3]]}, "rise"),
        ({"title": "x", "steps": REST, "away": [[0, 3]]}, "rise"),
        ({"title": "x", "steps": REST, "away": [[4, 10]]}, "rise"),
        ({"title": "x", "steps": REST, "away": [[2, 4]], "silent": [[3, 5]]}, "rise"),
        ({"title": "x", "steps": REST, "away": [4]}, "unpack"),
        ({"title": "x", "steps": REST, "button": [10]}, "button"),
        ({"title": "x", "steps": REST, "button": [3, 2]}, "rise"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(table: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=rf"scenario mine.*{says}"):
        parse_scenario("mine", table)


def test_absences_recur_in_order_with_the_scenario() -> None:
    plot = parse_scenario("mine", {"title": "x", "steps": REST, "away": [[5, 6]], "silent": [[2, 3]]})
    absences = Absences(plot)
    found, at_s = [], 0.0
    for _ in range(5):
        absence = absences.ending_after(at_s)
        assert absence is not None
        found.append(absence)
        at_s = absence.to_s
    assert found == [
        Absence(2, 3, True),
        Absence(5, 6, False),
        Absence(12, 13, True),
        Absence(15, 16, False),
        Absence(22, 23, True),
    ]
    assert absences.ending_after(5.5) == Absence(5, 6, False)
    assert Absences(load_scenario("calm")).ending_after(0) is None
