"""A user's own limits file: it only ever lowers, and a wrong one is named and counts for nothing."""

import dataclasses

import pytest

from companion.errors import ConfigError
from companion.safety.limits import GuardContext, effective
from companion.safety.lowered import read_lowered

GOOD = '[regions.calf]\npeq_max_kpa = 300\nhold_s = 30\nsource = "my physiotherapist"\n'


def test_a_good_file_lowers() -> None:
    row = read_lowered(GOOD, "limits.toml")["calf"]
    assert (dict(row.columns), row.source) == ({"peq_max_kpa": 300, "hold_s": 30}, "my physiotherapist")
    plain, less = effective("calf", "tennis"), effective("calf", "tennis", lowered=row.columns)
    assert (less.peq_max_kpa, less.hold_s, less.rest_s) == (300, 30, plain.rest_s)
    assert less.working_kpa[1] == pytest.approx(plain.working_kpa[1] * 300 / 370)


def test_nothing_is_ever_raised_by_it() -> None:
    assert effective("calf", lowered={"peq_max_kpa": 900, "hold_s": 900}) == effective("calf")


def test_the_context_carries_it_through_json() -> None:
    context = GuardContext(screened=True, factor_k=1.0, region="calf", lowered={"calf": {"peq_max_kpa": 200.0}})
    again = GuardContext.from_json(context.to_json())
    assert again.limits() == context.limits()
    assert again.limits().peq_max_kpa == 200
    assert dataclasses.replace(again, region="glute").limits().peq_max_kpa == 500


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("300", "900"), "regions: calf: peq_max_kpa = 900; allowed is a number of 50 to 370"),
        (GOOD.replace("300", '"lots"'), "peq_max_kpa = lots; allowed is a number of 50 to 370"),
        (GOOD.replace("hold_s = 30", "hold_s = -1"), "hold_s = -1; allowed is a number of 5 to 60"),
        (GOOD.replace('source = "my physiotherapist"', ""), "regions: calf: source must be a text"),
        (GOOD.replace("peq_max_kpa", "peq_mx_kpa"), "peq_mx_kpa"),
        (GOOD.replace("calf", "elbow"), "regions: elbow: is no region; allowed: glute"),
        ('[regions.calf]\nsource = "x"\n', "no limit in it"),
        ("[regions", "limits.toml: "),
        ("[other]\n", "other"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_file_row_and_range(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_lowered(text, "limits.toml")
    assert str(caught.value).startswith("limits.toml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
