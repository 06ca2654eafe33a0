"""The short form of `python -m tests.benchmarks safety`: nothing missed, nothing late, nothing said without reason."""

import numpy as np
import pytest

from companion.safety.limits import GuardContext
from sessions.events import Alert, Level
from tests.calm_days import HZ, Truth, live_through
from tests.exceedances import KINDS, hear, make, worst_s
from tests.ground_truth import contact, dose, hold_load, rules
from tests.guard_story import GLUTE, Story

EXCEEDANCES = range(10_000, 10_120)  # others than the benchmark's
CALM = range(50_000, 50_012)


def test_no_exceedance_is_missed_and_none_is_late() -> None:
    heard = [hear(number) for number in EXCEEDANCES]
    assert {one.kind for one in heard} == set(KINDS)
    assert [one.case for one in heard if one.late_s is None] == []
    late = [one.case for one in heard if one.late_s is not None and one.late_s > worst_s(make(one.case).hz)]
    assert len(late) <= 0.03 * len(heard), "one in a hundred is the benchmark's bound; so few are a coarse measure"
    assert all(one.late_s < 0.2 for one in heard if one.late_s is not None)


def test_hours_within_the_limits_are_quiet() -> None:
    days = [live_through(number) for number in CALM]
    assert sum(day.contact_s for day in days) > 1000, "there is something to be quiet about"
    assert [alert for day in days for alert in day.unjustified] == []


def test_the_draw_makes_exceedances_of_every_level() -> None:
    cases = [make(number) for number in EXCEEDANCES]
    assert {case.level for case in cases} == {Level.NOTICE, Level.CAUTION, Level.STOP}
    assert len({case.context.region for case in cases}) > 8
    assert {case.context.tool for case in cases} == {"hard", "tennis", "soft", "roller", "nub"}


@pytest.mark.parametrize(("part", "level"), [(0.8, None), (0.9, "NOTICE"), (1.1, "CAUTION"), (1.3, "STOP")])
def test_an_alert_without_reason_would_be_found(part: float, level: str | None) -> None:
    """The truth of a calm session justifies none of the alerts that a hard press gives."""

    force = np.full(6 * HZ, part * 173.2)
    story = Story(GLUTE)
    story.feed(force)
    loud = [event for event in story.said if isinstance(event, Alert) and event.cause == "peak"]
    assert bool(loud) is (level is not None)
    for alert in loud:
        assert Truth(rules(GLUTE), force, GLUTE).justifies(alert)
        assert not Truth(rules(GLUTE), force * 0.6, GLUTE).justifies(alert)


def test_the_truth_is_that_of_the_worked_examples() -> None:
    """Glute, k = 1, 12 cm2: three holds of 60 s at 100 N with 30 s rest, and a foam roller."""

    row = rules(GLUTE)
    force = np.concatenate([np.concatenate((np.full(60 * 20, 100.0), np.zeros(30 * 20)))] * 3)
    load = hold_load(row.kpa(force), row, 20)
    peaks = [float(load[(number * 90 + 61) * 20 - 15 : (number * 90 + 62) * 20].max()) for number in range(3)]
    assert peaks == pytest.approx([0.50, 0.68, 0.75], abs=0.01)
    assert float(dose(row.kpa(force), 20)[-1]) == pytest.approx(13380, rel=0.001)
    assert int(contact(row.kpa(force), 20).sum()) == pytest.approx(3 * 60 * 20, abs=40)
    roller = GuardContext(screened=True, factor_k=1.0, region="quadriceps", tool="roller", area_cm2=50.0, body_kg=70.0)
    assert rules(roller).force_max_n == pytest.approx(480 * np.sqrt(50) / 10)
    assert row.force_max_n == pytest.approx(173.2, abs=0.1)
