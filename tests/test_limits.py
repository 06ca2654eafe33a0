"""The limits file: it says what the documented table says, its columns agree, and wrong rows are named."""

import dataclasses
import math
from importlib.resources import files

import pytest

from companion.errors import ConfigError
from companion.safety import limits
from companion.safety.limits import Carried, GuardContext, effective, regions, tools
from companion.safety.table import RegionLimits, read_table

TEXT = files("companion.safety").joinpath("limits.toml").read_text(encoding="utf-8")

# Peq max | mean max | F max (cap) | working kPa (N) | hold | rest | session | day | dose | safety factor | confidence
TABLE = """
glute      | 500 | 144 | 173 (210) | 43-101 (52-121) | 90 | 30 | 600 | 900 | 24000 |  6 | medium
piriformis | 420 | 121 | 145 (180) | 35-87 (42-104)  | 60 | 45 | 600 | 600 | 18000 |  8 | low-medium
trochanter | 250 |  72 |  87 (90)  | 23-52 (28-62)   | 20 | 45 | 120 | 180 |  4800 | 30 | low
sacrum     | 250 |  72 |  87 (90)  | 23-52 (28-62)   | 30 | 45 | 120 | 180 |  4800 | 30 | low
lumbar     | 330 |  95 | 114 (210) | 29-66 (35-80)   | 30 | 60 | 180 | 270 |  9600 | 15 | medium
hamstring  | 450 | 130 | 156 (220) | 38-87 (45-104)  | 60 | 45 | 360 | 540 | 18000 |  8 | low-medium
ischial    | 250 |  72 |  87 (90)  | 23-52 (28-62)   | 15 | 60 |  60 | 120 |  4800 | 30 | low
quadriceps | 480 | 139 | 166 (220) | 38-92 (45-111)  | 60 | 30 | 360 | 540 | 18000 |  8 | medium
calf       | 370 | 107 | 128 (130) | 29-72 (35-87)   | 60 | 45 | 300 | 450 | 14400 | 10 | medium
peroneal   | 260 |  75 |  90 (130) | 23-52 (28-62)   | 30 | 60 | 120 | 180 |  7200 | 20 | low
sole       | 350 | 101 | 121 (125) | 29-72 (35-87)   | 45 | 45 | 300 | 450 | 14400 | 10 | low-medium
thoracic   | 400 | 115 | 139 (210) | 32-72 (38-87)   | 45 | 45 | 300 | 450 | 12000 | 12 | low-medium
neck       | 140 |  40 |  48 (145) | 12-29 (14-35)   | 15 | 60 |  60 |  90 |  2400 | 60 | low
unknown    | 330 |  95 | 114 (130) | 29-66 (35-80)   | 30 | 60 | 180 | 270 |  9600 | 15 | choice
"""
ROWS = {cells[0]: cells[1:] for line in TABLE.split("\n") if (cells := [cell.strip() for cell in line.split("|")])[0]}


def pair(cell: str) -> tuple[float, float]:
    low, high = cell.split("-")
    return float(low), float(high)


def bracketed(cell: str) -> tuple[str, str]:
    before, _, inside = cell.rstrip(")").partition(" (")
    return before, inside


@pytest.mark.parametrize("key", ROWS)
def test_the_file_says_what_the_table_says(key: str) -> None:
    peq, mean, force, working, hold, rest, session, day, dose, factor, confidence = ROWS[key]
    region = regions()[key]
    (force_max, cap), (kpa, newton) = bracketed(force), bracketed(working)
    assert region.base == RegionLimits(
        float(peq),
        float(force_max),
        float(cap),
        pair(kpa),
        float(hold),
        float(rest),
        float(session),
        float(day),
        float(dose),
    )
    assert (region.mean_max_kpa, region.working_n) == (float(mean), pair(newton))
    assert (region.dose_safety_factor, region.confidence) == (float(factor), confidence)
    assert region.basis


def test_every_region_is_there() -> None:
    assert list(regions()) == list(ROWS)


@pytest.mark.parametrize("key", ROWS)
def test_the_columns_of_a_row_agree(key: str) -> None:
    region = regions()[key]
    base = region.base
    assert region.mean_max_kpa == pytest.approx(base.peq_max_kpa / math.sqrt(12), abs=0.5)
    assert base.force_max_n == pytest.approx(0.1 * base.peq_max_kpa * math.sqrt(12), abs=0.5)
    assert base.force_cap_n is not None
    assert base.force_max_n <= base.force_cap_n
    assert base.dose_kpa_s == 144000 / region.dose_safety_factor
    for kpa, newton in zip(base.working_kpa, region.working_n, strict=True):
        assert newton == pytest.approx(kpa * 1.2, abs=1.0)
    assert base.working_kpa[1] < 0.85 * region.mean_max_kpa, "work begins no alarm"


def test_flags_of_the_special_regions() -> None:
    flagged = {
        flag: {key for key, region in regions().items() if getattr(region, flag)} for flag in ("bony", "roll_only")
    }
    assert flagged == {"bony": {"trochanter", "sacrum", "ischial"}, "roll_only": {"trochanter"}}
    assert [key for key, region in regions().items() if region.off_by_default] == ["neck"]
    assert [key for key, region in regions().items() if not region.sided] == ["unknown"]
    assert regions()["sacrum"].tools == ("soft",)
    assert regions()["ischial"].light_only
    assert regions()["piriformis"].advise_s == 300
    group = {key for key, region in regions().items() if region.day_group == "buttock"}
    assert group == {"glute", "piriformis", "trochanter", "sacrum", "ischial"}


def test_unknown_is_as_strict_as_the_strictest_muscle() -> None:
    muscles = [
        row
        for row in regions().values()
        if not row.bony and not row.off_by_default and row.key not in ("unknown", "peroneal")
    ]
    unknown = regions()["unknown"].base
    for name in ("peq_max_kpa", "force_max_n", "hold_s", "session_s", "day_s", "dose_kpa_s"):
        assert getattr(unknown, name) == min(getattr(row.base, name) for row in muscles), name


def test_tools_and_what_the_ball_says_of_them() -> None:
    areas = {key: tool.area_cm2 for key, tool in tools().items()}
    assert areas == {"hard": 8, "tennis": 12, "soft": 20, "roller": 50, "nub": 3}
    assert [limits.tool_of_ball(code) for code in range(7)] == [None, "hard", "tennis", "soft", "roller", "nub", None]
    assert "massage guns" in limits.table().explained["gun"].why


def test_sources_have_addresses_and_blocked_sites_reasons() -> None:
    table = limits.table()
    for region in table.regions.values():
        for code in region.basis:
            if code[0] in "FM" and code[1:].isdigit():
                assert len(table.sources[code]) > 8
    assert all("from memory" in text for code, text in table.sources.items() if code.startswith("M"))
    assert {"spine", "groin", "behind_knee", "sciatic_nerve", "front_neck"} <= set(table.blocked)
    assert all(site.why for site in table.blocked.values())


# --- effective limits ---


def test_the_base_stands_for_the_reference_ball() -> None:
    for key, region in regions().items():
        here = effective(key, "tennis")
        assert here.force_max_n == pytest.approx(region.base.force_max_n, abs=0.5)
        same = dataclasses.replace(here, force_max_n=region.base.force_max_n)
        assert same == region.base


def test_k_lowers_pressure_hold_and_dose_but_not_clocks() -> None:
    """Worked example 8."""
    half = effective("glute", "tennis", factor_k=0.5)
    assert half.peq_max_kpa == 250
    assert half.force_max_n == pytest.approx(87, abs=0.6)
    assert list(half.working_kpa) == [43, 50.5]
    assert (half.hold_s, half.dose_kpa_s) == (45, 12000)
    assert (half.rest_s, half.session_s, half.day_s) == (30, 600, 900)
    assert half.force_cap_n == 105


def test_another_area_keeps_the_point_equivalent_pressure() -> None:
    for tool in ("hard", "soft", "nub"):
        here, area = effective("piriformis", tool), tools()[tool].area_cm2
        assert here.working_kpa[1] * math.sqrt(area) == pytest.approx(87 * math.sqrt(12))
        assert here.force_max_n == pytest.approx(min(180, 42 * math.sqrt(area)))


def test_a_roller_goes_by_body_weight_and_has_no_cap() -> None:
    """Worked example 7: by the 47 cm2 of F1 the Peq term binds for 70 kg."""
    here = effective("quadriceps", "roller", 47.0, body_kg=70.0)
    assert here.force_cap_n is None
    assert here.force_max_n == pytest.approx(329, abs=0.5)
    assert effective("quadriceps", "roller", body_kg=50.0).force_max_n == pytest.approx(0.5 * 50 * 9.81)
    assert effective("quadriceps", "roller").force_max_n == pytest.approx(0.5 * 60 * 9.81)


def test_a_ball_without_calibration_or_reach_lowers_the_limit() -> None:
    whole, rough = effective("glute"), effective("glute", calibrated=False)
    assert rough.peq_max_kpa == pytest.approx(0.8 * whole.peq_max_kpa)
    assert rough.hold_s == pytest.approx(0.8 * whole.hold_s)
    assert effective("glute", full_scale_n=1.25 * whole.force_max_n) == whole
    assert effective("glute", full_scale_n=150.0).force_max_n == 120.0


def test_a_person_lowers_freely_and_raises_a_little() -> None:
    base = effective("hamstring", "tennis")
    assert effective("hamstring", "tennis", personal=0.3).force_max_n == pytest.approx(0.3 * base.force_max_n)
    raised = effective("hamstring", "tennis", personal=5.0)
    assert raised.peq_max_kpa == pytest.approx(1.2 * base.peq_max_kpa)
    assert raised.working_kpa[1] == pytest.approx(1.2 * base.working_kpa[1])
    assert raised.hold_s == base.hold_s
    assert effective("calf", "tennis", personal=1.2).force_max_n == 130.0, "never above the force cap"


def test_the_factor_of_a_person() -> None:
    assert limits.combined_factor([]) == 1.0
    assert limits.combined_factor([0.7, 0.8]) == pytest.approx(0.56)
    assert limits.combined_factor([0.7, 0.5]) == 0.5
    assert limits.combined_factor([], screened=False) == 0.5


def test_the_widest_factors_leave_a_working_range_in_order() -> None:
    for key in regions():
        for tool in tools():
            here = effective(key, tool, factor_k=0.5, calibrated=False)
            assert 0 < here.working_kpa[0] <= here.working_kpa[1] < here.mean_max_kpa
            edges = limits.zone_edges_kpa(here)
            assert list(edges) == sorted(edges)
            assert limits.stop_kpa(here) >= here.mean_max_kpa


def test_a_ball_of_little_reach_is_over_where_its_limit_is() -> None:
    here = effective("glute", "tennis", full_scale_n=60.0)
    assert limits.zone_edges_kpa(here) == pytest.approx((5, 40, 40, 40))
    assert [limits.zone_of(kpa, here) for kpa in (39.9, 40.1)] == [1, 4]


def test_the_stop_is_the_force_cap_or_a_quarter_more() -> None:
    assert limits.stop_kpa(effective("glute", "tennis")) == pytest.approx(175.0)
    assert limits.stop_kpa(effective("glute", "hard")) == pytest.approx(1.25 * effective("glute", "hard").mean_max_kpa)
    assert limits.stop_kpa(effective("glute", "roller")) == pytest.approx(
        1.25 * effective("glute", "roller").mean_max_kpa
    )


def test_limits_as_json() -> None:
    assert limits.limits_to_json(regions()["glute"].base) == {
        "peq_max_kpa": 500.0,
        "force_max_n": 173.0,
        "force_cap_n": 210.0,
        "working_kpa": [43.0, 101.0],
        "hold_s": 90.0,
        "rest_s": 30.0,
        "session_s": 600.0,
        "day_s": 900.0,
        "dose_kpa_s": 24000.0,
    }


# --- the context ---


def test_a_context_survives_json() -> None:
    context = GuardContext(
        person="ann",
        screened=True,
        factor_k=0.7,
        region="calf",
        side="left",
        personal={"calf": 0.9},
        carried=(Carried("calf", "left", 10.0, 200.0),),
        locked=("neck",),
        body_kg=70.0,
    )
    assert GuardContext.from_json(context.to_json()) == context
    assert GuardContext.from_json({"tool": "soft", "a_later_field": 1}).tool == "soft"


@pytest.mark.parametrize(
    "fields",
    [
        *({"region": "elbow"}, {"carried": [{"region": "calf"}]}, {"factor_k": "much"}, {"carried": 3}),
        *({"area_cm2": None}, {"personal": 1.5}, {"personal": {"calf": "x"}}, {"lowered": 3}, {"lowered": {"calf": 3}}),
        *({"lowered": {"calf": {"peq_max_kpa": "x"}}}, {"cell_cm2": "x"}, {"full_scale_n": [1]}, {"body_kg": {}}),
        *({"carried_s": [1]}, {"noise_n": None}, {"locked": [3]}, {"resting": 3}, {"told": [1]}, {"person": None}),
        {"carried": [{"region": "calf", "side": "left", "contact_s": "x", "dose_kpa_s": 0.0}]},
    ],
)
def test_a_context_that_is_none_is_said(fields: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="guard context"):
        GuardContext.from_json(fields)  # type: ignore[arg-type]  # wrong on purpose


def test_who_is_not_screened_gets_half() -> None:
    free = GuardContext(screened=False, factor_k=1.0)
    assert free.limits() == GuardContext(screened=True, factor_k=0.5).limits()


# --- wrong files ---


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        (
            "hold_s = 90",
            "hold_s = 900",
            r"limits\.toml: regions: glute: hold_s = 900; allowed is a number of 5 to 120",
        ),
        ("hold_s = 90\n", "", "glute: hold_s is missing; allowed is a number of 5 to 120"),
        ("hold_s = 90", 'hold_s = "90"', "glute: hold_s = 90; allowed"),
        ("hold_s = 90", "hold_s = true", "glute: hold_s = True; allowed"),
        ("hold_s = 90", "hold_s = nan", "glute: hold_s = nan; allowed"),
        ("working_kpa = [43, 101]", "working_kpa = [101, 43]", "glute: working_kpa = .* must rise"),
        ("working_kpa = [43, 101]", "working_kpa = [43]", "glute: working_kpa must be two numbers"),
        ("working_kpa = [43, 101]", "working_kpa = [43, 145]", "glute: working_kpa ends at 145"),
        ("force_cap_n = 210\nworking_kpa = [43", "force_cap_n = 172\nworking_kpa = [43", "glute: force_max_n = 173"),
        ("session_s = 600\nday_s = 900", "session_s = 600\nday_s = 500", "glute: session_s = 600"),
        ('confidence = "medium"', 'confidence = "sure"', "glute: confidence = sure; allowed: medium"),
        ("hold_s = 90", "hold_s = 90\nhold = 3", "glute: hold is not known here"),
        ('basis = ["F22", "F9"', 'basis = ["F22", "F999"', "glute: basis names F999"),
        ('tools = ["soft"]', 'tools = ["spoon"]', "sacrum: tools names spoon; allowed: hard"),
        ("bony = true", "bony = 1", "trochanter: bony must be true or false"),
        ("ball_code = 1", "ball_code = 0", "tools: hard: ball_code = 0"),
        ("ramp_notice_kpa_s = 150", "ramp_notice_kpa_s = 400", "whole_body: ramp_notice_kpa_s = 400"),
        ("[regions.unknown]", "[regions.nowhere]", "regions: the row unknown is missing"),
        ("[whole_body]", "[whole_body", "limits.toml: .*line"),
        ("[tools.hard]", "[tool.hard]", "limits.toml: tool is not known here"),
        ("[tools.hard]", "[tools.stone]", "tools: the row hard is missing"),
        ("[sources]\nF1", "[sources.F1]\nF1", "sources: F1 must be a text"),
        ("version = 1", "", "version is missing"),
        ('title = "Hard ball (lacrosse)"', 'title = ""', "tools: hard: title must be a text"),
        ("[blocked]", "[unblocked]", "unblocked is not known here"),
        ('basis = ["E"]', "basis = [3]", "unknown: basis must be a list of texts"),
        ("\n[sources]", "\n[[sources]]", "sources is not a table"),
    ],
)
def test_a_wrong_file_names_the_row_and_what_is_allowed(good: str, bad: str, said: str) -> None:
    assert good in TEXT
    with pytest.raises(ConfigError, match=said) as caught:
        read_table(TEXT.replace(good, bad, 1), "limits.toml")
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_the_defaults_cannot_be_changed_in_place() -> None:
    with pytest.raises(TypeError):
        regions()["glute"] = regions()["calf"]  # type: ignore[index]  # read-only on purpose
