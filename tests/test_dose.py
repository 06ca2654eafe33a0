"""Hold load, dose and clocks: the worked examples, by hand and through the whole guard."""

import dataclasses
import math

import numpy as np
import pytest

from companion.safety.dose import Account, HoldLoad, Tuning, overlaps, tune
from companion.safety.guard import Guard, Judged
from companion.safety.limits import GuardContext, effective
from companion.safety.rolling import Rolling
from sessions.events import Alert, Floats, Level, Notice, RegionTotals, Totals

GLUTE = GuardContext(screened=True, factor_k=1.0, region="glute", tool="tennis", area_cm2=12.0)
HZ = 20


def play(context: GuardContext, force_n: Floats, hz: float = HZ) -> tuple[list[Alert], RegionTotals]:
    """The alerts, and the totals at the end."""
    guard = Guard(context)
    t_s = np.arange(len(force_n)) / hz
    blank = np.zeros(len(force_n))
    said: list[Alert | Totals | Notice] = guard.feed(
        Judged(t_s, force_n, force_n, force_n[:, None], blank, blank > 0, 1 / hz, float(t_s[-1]))
    )
    return [event for event in said if isinstance(event, Alert)], guard.finish(float(t_s[-1]))[0].regions[0]


def every(step_us: float, count: int, start: int = 0) -> Floats:
    """Times in microseconds."""
    return np.multiply(np.arange(start, start + count, dtype=np.float64), step_us)


def hold_s(context: GuardContext, force_n: float) -> float:
    tuning = tune(context)
    return float(tuning.hold_s(np.array([force_n * tuning.kpa_per_n]))[0])


def dose_full_s(context: GuardContext, force_n: float, hz: float = 10) -> float:
    """When a steady force has used up the dose."""
    tuning = tune(context)
    p_kpa = force_n * tuning.kpa_per_n
    alerts, _ = play(context, np.full(round((tuning.limits.dose_kpa_s / (p_kpa - 9) + 20) * hz), force_n), hz)
    return next(alert.t_s for alert in alerts if alert.cause == "dose" and alert.level >= Level.CAUTION)


# --- worked examples ---


def test_example_1_sixty_newtons() -> None:
    assert hold_s(GLUTE, 60.0) == 120.0
    assert dose_full_s(GLUTE, 60.0) == pytest.approx(585, abs=1)


def test_example_1_rolling_without_a_lift() -> None:
    """At a quarter of the pace H = 1 comes at 480 s, a little sooner for the first 5 s at full pace."""
    context = dataclasses.replace(GLUTE, rolling=True)
    t_s = np.arange(480 * HZ) / HZ
    force = np.rint((60 + 25 * np.sin(2 * math.pi * t_s / 3)) * 1024) / 1024
    alerts, totals = play(context, force)
    caution = next(alert for alert in alerts if alert.cause == "hold" and alert.level is Level.CAUTION)
    assert caution.t_s == pytest.approx(480 - 5 * 3 + 0.5, abs=1.5)
    assert caution.text == "lift off and move"
    assert not [alert for alert in alerts if alert.cause == "static"], "rolling is not static"
    assert totals.holds == 1


def test_example_2_a_hold_at_the_working_top() -> None:
    assert hold_s(GLUTE, 121.0) == pytest.approx(90, abs=1)
    assert dose_full_s(GLUTE, 121.0) == pytest.approx(261, abs=1)


@pytest.mark.parametrize(("force_n", "seconds"), [(140.0, 51), (173.0, 22)])
def test_example_3_above_the_working_range(force_n: float, seconds: float) -> None:
    assert hold_s(GLUTE, force_n) == pytest.approx(seconds, abs=1)


def test_example_3_the_limit_itself_is_a_caution_after_half_a_second() -> None:
    tuning = tune(GLUTE)
    assert 173.0 * tuning.ratio_per_n == pytest.approx(1.0, abs=0.002)
    alerts, _ = play(GLUTE, np.full(5 * HZ, 173.21))  # the column is rounded
    assert [(alert.t_s, alert.cause, alert.level) for alert in alerts] == [(0.5, "peak", Level.CAUTION)]


def test_example_4_three_holds_with_rests() -> None:
    force = np.concatenate([np.concatenate((np.full(60 * HZ, 100.0), np.zeros(30 * HZ)))] * 3)
    alerts, totals = play(GLUTE, force)
    told = [(round(alert.t_s), alert.level.name, str(alert.phase)) for alert in alerts if alert.cause == "hold"]
    assert [row[1:] for row in told] == [("NOTICE", "raised"), ("OK", "cleared")] * 2
    assert told[0][0] == pytest.approx(149, abs=1.5)
    assert max(alert.level for alert in alerts) is Level.NOTICE
    assert totals.dose_kpa_s == pytest.approx(13380, rel=0.001)
    assert totals.dose_kpa_s / totals.dose_limit_kpa_s == pytest.approx(0.56, abs=0.005)
    assert totals.holds == 3


def test_example_4_hold_load_by_hand() -> None:
    hold, tuning = HoldLoad(rest_s=30.0), tune(GLUTE)
    at_us, heights = 0.0, []
    for p_kpa, seconds in [(100 / 1.2, 60), (0.0, 30)] * 3:
        count = seconds * HZ
        t_us = np.add(every(1e6 / HZ, count, 1), at_us)
        hold.feed(t_us, np.full(count, 1 / HZ), np.full(count, p_kpa), tuning, None)
        at_us = float(t_us[-1])
        heights.append(hold.value)
    assert heights == pytest.approx([0.50, 0.18, 0.68, 0.25, 0.75, 0.28], abs=0.006)


def test_example_5_half_a_body_on_the_ball() -> None:
    tuning = tune(GLUTE)
    assert 343.0 * tuning.kpa_per_n * tuning.peq_per_mean == pytest.approx(990, abs=1)
    assert 343.0 * tuning.ratio_per_n == pytest.approx(1.98, abs=0.005)


@pytest.mark.parametrize(("p_kpa", "seconds"), [(40, 581), (60, 353), (80, 254)])
def test_example_6_piriformis_rolling(p_kpa: float, seconds: float) -> None:
    context = dataclasses.replace(GLUTE, region="piriformis")
    assert dose_full_s(context, p_kpa * 1.2) == pytest.approx(seconds, abs=1)


def test_example_7_foam_roller_on_the_thigh() -> None:
    context = dataclasses.replace(GLUTE, region="quadriceps", tool="roller", area_cm2=47.0, body_kg=70.0)
    tuning = tune(context)
    force_n = 52 * 4.7
    assert force_n * tuning.kpa_per_n * tuning.peq_per_mean == pytest.approx(356, abs=1)
    assert force_n / tuning.limits.force_max_n == pytest.approx(0.74, abs=0.005)
    assert force_n * tuning.ratio_per_n == pytest.approx(0.74, abs=0.005)
    assert dose_full_s(context, force_n) == pytest.approx(419, abs=1)


def test_example_8_half_the_limits() -> None:
    tuning = tune(dataclasses.replace(GLUTE, factor_k=0.5))
    assert tuning.limits.peq_max_kpa == 250
    assert tuning.limits.force_max_n == pytest.approx(87, abs=0.6)
    assert tuning.working_top_kpa == pytest.approx(50.5)
    assert hold_s(dataclasses.replace(GLUTE, factor_k=0.5), 60.6) == pytest.approx(45)
    assert tuning.limits.dose_kpa_s == 12000


# --- the parts ---


def tuned(on_kpa: float = 21.5) -> Tuning:
    return dataclasses.replace(tune(GLUTE), on_kpa=on_kpa)


def test_hold_time_is_clamped() -> None:
    tuning = tuned()
    assert tuning.hold_s(np.array([1.0, 30.0, 101.0, 1000.0])).tolist() == [120.0, 120.0, 90.0, 5.0]


def test_below_half_the_working_bottom_nothing_is_held() -> None:
    assert tune(GLUTE).on_kpa == 21.5
    assert tune(dataclasses.replace(GLUTE, region="neck")).on_kpa == 10.0


def test_any_split_of_a_hold_gives_the_same_bits() -> None:
    rng = np.random.default_rng(5)
    p_kpa = np.maximum(0, 40 + 60 * np.sin(np.arange(3000) / 50) + rng.normal(0, 20, 3000))
    t_us = every(1e4, 3000)
    dt_s = np.full(3000, 0.01)
    whole = HoldLoad(30.0).feed(t_us, dt_s, p_kpa, tuned(), None)
    for size in (1, 7, 100):
        hold = HoldLoad(30.0)
        parts = [
            hold.feed(t_us[at : at + size], dt_s[at : at + size], p_kpa[at : at + size], tuned(), None)
            for at in range(0, 3000, size)
        ]
        assert np.array_equal(np.concatenate(parts), whole)


def test_a_hold_load_rests_while_somewhere_else() -> None:
    hold = HoldLoad(rest_s=30.0)
    hold.feed(np.array([1e6, 2e6]), np.ones(2), np.full(2, 101.0), tuned(), None)
    loaded = hold.value
    assert loaded == pytest.approx(2 / 90)
    assert hold.pass_to(32e6) == pytest.approx(loaded * math.exp(-1))
    other = HoldLoad(rest_s=30.0)
    other.adopt(hold)
    assert other.pass_to(62e6) == pytest.approx(loaded * math.exp(-2))


def test_dose_counts_what_lies_above_nine_kilopascals() -> None:
    account = Account("glute", "left", 24000.0, HoldLoad(30.0))
    course = account.dose(np.array([5.0, 9.0, 10.0, 109.0]), np.full(4, 0.5))
    assert course.tolist() == [0.0, 0.0, 0.5, 50.5]
    account.book(2.0, 59.0, 3e6, tuned())
    totals = account.totals(judged=True)
    assert (totals.dose_kpa_s, totals.contact_s, totals.estimated_s) == (150.5, 2.0, 2.0)
    assert totals.hold_load == pytest.approx(2 / 120)


def test_lost_time_below_the_holding_pressure_rests() -> None:
    account = Account("neck", "left", 2400.0, HoldLoad(30.0, value=0.5, at_us=0.0))
    account.book(30.0, 9.5, 30e6, tuned(on_kpa=10.0))
    assert account.hold.value == pytest.approx(0.5 * math.exp(-1))


def test_sides_that_share_tissue() -> None:
    assert [overlaps("left", other) for other in ("left", "right", "both")] == [True, False, True]
    assert all(overlaps("both", other) for other in ("left", "right", "both"))


def test_a_saturated_scan_counts_as_what_the_ball_can_show() -> None:
    full = tune(dataclasses.replace(GLUTE, full_scale_n=400.0))
    assert (full.saturated_n(1), full.saturated_n(4)) == (400.0, effective("glute", "tennis").force_max_n)
    assert tune(GLUTE).saturated_n(1) == pytest.approx(173.0, abs=0.3)
    index = tune(dataclasses.replace(GLUTE, judged=False, full_scale_n=1000.0))
    assert index.saturated_n(4) == pytest.approx(1000.0)


# --- rolling ---


def pace(force_n: Floats, sizes: list[int]) -> list[float]:
    rolling, out, at = Rolling(), list[float](), 0
    for size in sizes:
        t_us = every(1e5, size, at)
        out += rolling.feed(t_us, force_n[at : at + size]).tolist()
        at += size
    return out


def test_only_what_varies_for_five_seconds_rolls() -> None:
    wave = 60 + 30 * np.sin(np.arange(200) / 3)
    assert set(pace(wave, [200])[:50]) == {1.0}
    assert set(pace(wave, [200])[50:]) == {0.25}
    assert set(pace(np.full(200, 60.0), [200])) == {1.0}
    assert set(pace(60 + 10 * np.sin(np.arange(200) / 3), [200])) == {1.0}, "a coefficient of 0.12 is no rolling"


def test_any_split_of_rolling_gives_the_same_bits() -> None:
    rng = np.random.default_rng(8)
    force = np.abs(60 + 17 * rng.standard_normal(300))
    whole = pace(force, [300])
    assert {0.25, 1.0} == set(whole)
    assert pace(force, [1] * 300) == whole
    assert pace(force, [7] * 42 + [6]) == whole


def test_a_new_contact_must_roll_anew() -> None:
    rolling = Rolling()
    wave = 60 + 30 * np.sin(np.arange(100) / 3)
    rolling.feed(every(1e5, 100), wave)
    rolling.reset()
    assert set(rolling.feed(every(1e5, 50, 100), wave[:50]).tolist()) == {1.0}
