"""`knead limits show`: the published limits beside those in force, with their sources."""

import json

import pytest

from companion.cli import run
from companion.cli.limit_tables import number

Shown = pytest.CaptureFixture[str]
COLUMNS = [
    "peq_max_kpa",
    "force_max_n",
    "force_cap_n",
    "working_kpa",
    "hold_s",
    "rest_s",
    "session_s",
    "day_s",
    "dose_kpa_s",
]
REGIONS = [
    "glute",
    "piriformis",
    "trochanter",
    "sacrum",
    "lumbar",
    "hamstring",
    "ischial",
    "quadriceps",
    "calf",
    "peroneal",
    "sole",
    "thoracic",
    "neck",
    "unknown",
]


@pytest.fixture(autouse=True)
def _home(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))


def test_json_has_both_for_every_region(capsys: Shown) -> None:
    assert run(["limits", "show", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1
    assert list(document["regions"]) == REGIONS
    for row in document["regions"].values():
        assert list(row["base"]) == COLUMNS
        assert list(row["effective"]) == COLUMNS
        assert row["source"]
        assert row["confidence"] in ("medium", "low-medium", "low", "choice")


def test_the_base_is_what_is_published_and_the_rest_is_halved(capsys: Shown) -> None:
    assert run(["limits", "show", "--region", "glute", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["regions"].values()
    assert row["base"] == {
        "peq_max_kpa": 500,
        "force_max_n": 173,
        "force_cap_n": 210,
        "working_kpa": [43, 101],
        "hold_s": 90,
        "rest_s": 30,
        "session_s": 600,
        "day_s": 900,
        "dose_kpa_s": 24000,
    }
    assert row["effective"]["peq_max_kpa"] == 250
    assert row["effective"]["hold_s"] == 45
    assert row["effective"]["force_max_n"] == pytest.approx(0.1 * 250 * 8**0.5)


def test_the_tool_of_the_config_counts(capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEAD_TOOL", "roller")
    assert run(["limits", "show", "--region", "calf", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["tool"] == "roller"
    assert document["regions"]["calf"]["effective"]["force_cap_n"] is None


@pytest.mark.parametrize("arguments", [[], ["--region", "calf"], ["--region", "neck", "--tool", "roller"]])
def test_the_plain_page_fits_and_names_sources(arguments: list[str], capsys: Shown) -> None:
    assert run(["limits", "show", *arguments]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "times 0.5" in text
    assert "SOURCE" in text.upper()
    assert "CONFIDENCE" in text.upper()
    assert text.count("Not a medical device") == 1


def test_the_table_has_a_row_for_every_region_twice(capsys: Shown) -> None:
    assert run(["limits", "show"]) == 0
    firsts = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line]
    assert all(firsts.count(region) == 2 for region in REGIONS)


def test_an_unknown_region_names_those_there_are(capsys: Shown) -> None:
    assert run(["limits", "show", "--region", "elbow"]) == 2
    shown = capsys.readouterr().err
    assert "elbow" in shown
    assert "glute" in shown


def test_a_printed_limit_is_never_more_than_the_limit() -> None:
    for value, text in ((7.5, "7.5"), (70.7106, "70.7"), (45.0, "45"), (99.99, "99.9"), (0.3, "0.3")):
        assert number(value) == text
        assert float(text) <= value + 1e-9
