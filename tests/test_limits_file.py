"""A user's own limits file as the user meets it: whatever is wrong is one line, and the built-in limits stand."""

import json
import re
from pathlib import Path

import pytest

from companion.cli import run
from companion.config import find_paths
from companion.safety.limits import GuardContext
from sessions.store import Store

Shown = pytest.CaptureFixture[str]
GOOD = '[regions.calf]\npeq_max_kpa = 100\nsource = "my physiotherapist"\n'
WRONG = [
    ("a typo in a column", GOOD.replace("peq_max_kpa", "peq_max_kp"), r"calf: peq_max_kp"),
    ("a typo in a region", GOOD.replace("calf", "clf"), r"clf: is no region; allowed: glute, "),
    ("a missing source", GOOD.replace('source = "my physiotherapist"', ""), r"calf: source must be a text"),
    ("an empty source", GOOD.replace("my physiotherapist", " "), r"calf: source must be a text"),
    ("more than the built-in limit", GOOD.replace("100", "371"), r"calf: peq_max_kpa = 371; allowed is .* 50 to 370"),
    ("less than any limit can be", GOOD.replace("100", "1"), r"calf: peq_max_kpa = 1; allowed is .* 50 to 370"),
    ("no number", GOOD.replace("100", "nan"), r"calf: peq_max_kpa = nan; allowed is .* 50 to 370"),
    ("without end", GOOD.replace("100", "inf"), r"calf: peq_max_kpa = inf; allowed is .* 50 to 370"),
    ("a yes", GOOD.replace("100", "true"), r"calf: peq_max_kpa = True; allowed is .* 50 to 370"),
    ("a text", GOOD.replace("100", '"\\u001b[31m"'), r"calf: peq_max_kpa = .*; allowed is .* 50 to 370"),
    ("a row that is none", "[regions]\ncalf = 3\n", r"calf"),
    ("no TOML", "regions = [", r"limits\.toml: .*end of document"),
    ("no text", "\udcff\udcfe", r"limits\.toml: byte 0 is no UTF-8 text"),
]
each_wrong = pytest.mark.parametrize(("text", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    file = find_paths().config_file.with_name("limits.toml")
    file.parent.mkdir()
    return file


def peak_of(capsys: Shown) -> float:
    capsys.readouterr()
    assert run(["limits", "show", "--region", "calf", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["regions"].values()
    return float(row["effective"]["peq_max_kpa"])


@each_wrong
def test_what_is_wrong_is_one_line_and_the_built_in_limits_stand(
    text: str, said: str, file: Path, capsys: Shown
) -> None:
    built_in = peak_of(capsys)
    file.write_text(text, "utf-8", "surrogateescape")
    assert run(["today", "--region", "calf"]) == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "limits.toml" in line]
    assert re.search(said, line)
    assert line.endswith(": the built-in limits stand")
    assert line.isprintable()
    assert peak_of(capsys) == built_in


@each_wrong
def test_doctor_names_it_too(text: str, said: str, file: Path, capsys: Shown) -> None:
    file.write_text(text, "utf-8", "surrogateescape")
    assert run(["doctor", "--json"]) == 0
    (row,) = [row for row in json.loads(capsys.readouterr().out)["checks"] if row["check"] == "limits"]
    assert row["state"] == "problem"
    assert re.search(said, row["text"])


def test_a_good_one_lowers_and_doctor_says_what(file: Path, capsys: Shown) -> None:
    file.write_text(GOOD, "utf-8")
    assert peak_of(capsys) == 50.0, "halved: nobody was screened"
    assert run(["doctor"]) == 0
    assert f"OK      limits: {file} lowers calf" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["directory", "wrong"])
def test_a_session_goes_on_with_the_built_in_limits_and_says_so(kind: str, file: Path, capsys: Shown) -> None:
    if kind == "directory":
        file.mkdir()
    else:
        file.write_text(GOOD.replace("100", "900"), "utf-8")
    command = ["live", "sim:calm", "--region", "calf", "--seconds", "1", "--speed", "20", "--plain", "--quiet"]
    assert run(command) == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "limits.toml" in line]
    assert line.startswith(f"knead: {file}: ")
    with Store(find_paths().database) as store:
        context = GuardContext.from_json(store.load("last").opened.context)
    assert (context.region, dict(context.lowered)) == ("calf", {})
