"""The guided test: three slow presses, the lowest counts; fast and short ones do not; any split says the same."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.safety.presses import Press, PressTest
from sessions.events import Floats

HZ = 50.0
ROOT = math.sqrt(12.0)


def press(peak_kpa: float, rise_s: float = 4.0) -> Floats:
    """Up in `rise_s`, down in one, then a second of nothing."""
    up = np.linspace(0, peak_kpa, round(rise_s * HZ))
    return np.concatenate((up, np.linspace(peak_kpa, 0, round(HZ)), np.zeros(round(HZ))))


def signal(*parts: Floats) -> tuple[Floats, Floats, Floats]:
    p_kpa = np.concatenate(parts)
    return np.arange(len(p_kpa)) / HZ, p_kpa, np.gradient(p_kpa) * HZ


def feed(test: PressTest, parts: tuple[Floats, Floats, Floats], size: int = 10_000) -> list[Press]:
    t_s, p_kpa, ramp = parts
    return [
        found
        for start in range(0, len(t_s), size)
        for found in test.feed(*(part[start : start + size] for part in (t_s, p_kpa, ramp)))
    ]


def test_the_lowest_of_three_is_the_working_top() -> None:
    test = PressTest(ROOT)
    found = feed(test, signal(press(60), press(48), press(55), press(20)))
    assert [round(one.peak_kpa) for one in found] == [60, 48, 55]
    assert test.done
    assert test.work_peq_kpa == pytest.approx(48 * ROOT, rel=0.01)


def test_too_fast_and_too_short_do_not_count() -> None:
    test = PressTest(ROOT)
    found = feed(test, signal(press(60, rise_s=0.5), press(8), press(60)))
    assert [one.refused.split(":")[0] for one in found] == ["too fast", "too short", ""]
    assert (test.done, test.work_peq_kpa) == (False, None)


def test_what_is_unknown_ends_no_press() -> None:
    whole = press(60)
    whole[100:120] = math.nan
    test = PressTest(ROOT)
    (found,) = feed(test, signal(whole))
    assert (round(found.peak_kpa), found.refused) == (60, "")


@given(st.integers(1, 400), st.lists(st.floats(12, 90), min_size=1, max_size=4))
def test_any_split_says_the_same(size: int, peaks: list[float]) -> None:
    parts = signal(*(press(peak) for peak in peaks))
    whole, split = PressTest(ROOT), PressTest(ROOT)
    assert feed(whole, parts) == feed(split, parts, size)
    assert whole.work_peq_kpa == split.work_peq_kpa
