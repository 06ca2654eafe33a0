"""The rules over days: each number with its source, and wrong rows named."""

from importlib.resources import files

import pytest

from companion.errors import ConfigError
from companion.safety.days import day_table, read_days, rule
from companion.safety.limits import whole_body

TEXT = files("companion.safety").joinpath("days.toml").read_text(encoding="utf-8")
SAID = {  # of the documented section on whole-body limits
    "first_sessions_factor": 0.7,
    "sessions_advised": 1,
    "sessions_most": 2,
    "full_dose": 0.75,
    "full_rest_h": 24,
    "sore_from": 4,
    "sore_rest_h": 48,
    "crash_rest_h": 6,
    "symptom_lock_h": 24,
    "dose_half_h": 12,
    "day_h": 24,
    "week_days": 3,
    "early_days": 5,
    "early_weeks": 2,
    "light_dose": 0.5,
    "screening_days": 7,
    "no_gain_sessions": 10,
    "stopped_sessions": 2,
    "stopped_factor": 0.8,
}


def test_the_rules_are_those_documented() -> None:
    assert {key: rule(key) for key in SAID} == SAID


def test_every_number_has_a_source() -> None:
    assert set(day_table().whole_body) == set(whole_body())
    rows = [*day_table().rules.values(), *day_table().whole_body.values()]
    assert all(row.source and row.title for row in rows)


def test_the_regions_of_the_longer_week() -> None:
    assert day_table().frequent == {"glute", "piriformis", "hamstring", "quadriceps", "calf", "sole", "thoracic"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("value = 48", "value = 2", "sore_rest_h: value = 2; allowed is a number of 24 to 168"),
        ('title = "a day, rolling", basis = ["E"]', 'title = "a day, rolling"', "day_h: basis is missing"),
        ('"sole"', '"soul"', "soul is no region"),
        ("ramp_onset_s = ", "ramp_onst_s = ", "ramp_onst_s: is not known"),
        ("[rules]", "[rules", "days.toml: "),
    ],
)
def test_a_wrong_row_is_named(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError) as caught:
        read_days(TEXT.replace(old, new, 1), "days.toml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("days.toml")
