"""`knead screen`, `knead today`, `knead limits set` and `test`: as a person without a screen uses them."""

import json
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from companion.cli import run
from companion.safety.screening import questions
from sessions.lock import RecordingLock
from sessions.store import Store
from tests import session_events
from tests.test_past import kept
from tests.test_store import cut_short

Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def log(home: Path) -> Path:
    (home / "data").mkdir()
    return home / "data" / "knead.db"


def said(capsys: Shown, *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    assert run(list(arguments)) == code
    return capsys.readouterr().out


def document(capsys: Shown, *arguments: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(capsys, *arguments, "--json", code=code))
    assert found["schema"] == 1
    return found


# --- screen ---


def test_nobody_is_asked_without_a_terminal(capsys: Shown) -> None:
    assert run(["screen"]) == 2
    shown = capsys.readouterr().err
    assert "--no-to-rest" in shown
    assert "saddle" in shown


def test_all_answered_is_screened(capsys: Shown) -> None:
    assert document(capsys, "screen", "--show")["missing"] == "never"
    found = document(capsys, "screen", "--no-to-rest", "--answer", "body_kg=81.5", "--answer", "tender=yes")
    assert (found["screened"], found["standing"], found["body_kg"]) == (True, "free", 81.5)
    assert found["factor_k"] == 0.5  # 0.6 times 0.7 of the first three sessions, and the floor


def test_each_person_has_answers_of_their_own(capsys: Shown) -> None:
    said(capsys, "screen", "--person", "Ann", "--no-to-rest")
    assert document(capsys, "screen", "--show", "--person", "Ann")["screened"] is True
    assert document(capsys, "screen", "--show")["screened"] is False


@pytest.mark.parametrize("answer", ["age", "age=maybe", "elbow=yes", "body_kg=3", "soreness=3"])
def test_what_is_no_answer_changes_nothing(answer: str, capsys: Shown) -> None:
    assert run(["screen", "--no-to-rest", "--answer", answer]) == 2
    assert "allowed" in (shown := capsys.readouterr().err) or "keys are" in shown
    assert document(capsys, "screen", "--show")["missing"] == "never"


def test_an_emergency_ends_with_seven_and_advice_and_no_session_begins(capsys: Shown) -> None:
    found = document(capsys, "screen", "--no-to-rest", "--answer", "bladder=yes", code=7)
    assert found["standing"] == "emergency"
    assert "emergency number" in found["advice"]
    assert run(["live", "sim:calm", "--seconds", "1", "--plain"]) == 7
    shown = capsys.readouterr().err.splitlines()
    assert questions().all["bladder"].ask in shown[0]
    assert "emergency number" in shown[1]
    assert run(["screen", "--agreed", "Dr Lee"]) == 2
    assert document(capsys, "screen", "--no-to-rest")["standing"] == "free"


def test_clinician_first_is_locked_until_agreed(capsys: Shown) -> None:
    assert "--agreed WHO" in said(capsys, "screen", "--no-to-rest", "--answer", "clot=yes", code=7).replace("\n", " ")
    assert run(["live", "sim:calm", "--seconds", "1", "--plain"]) == 7
    found = document(capsys, "screen", "--agreed", "Dr Lee")
    assert found["standing"] == "free"
    assert run(["screen", "--agreed", "Dr Lee"]) == 2


def test_the_short_check_refuses_for_now_and_may_be_repeated(capsys: Shown) -> None:
    said(capsys, "screen", "--no-to-rest")
    assert document(capsys, "screen", "--check", "--no-to-rest", "--answer", "sober=yes", code=7)["standing"] == "now"
    assert document(capsys, "screen", "--check", "--no-to-rest")["standing"] == "free"


def test_the_next_day(capsys: Shown, log: Path) -> None:
    assert run(["screen", "--next-day", "--no-to-rest", "--answer", "soreness=1"]) == 2
    kept(log, datetime.now(UTC) - timedelta(hours=25))
    assert run(["screen", "--next-day", "--no-to-rest", "--answer", "soreness=12"]) == 2
    found = document(capsys, "screen", "--next-day", "--no-to-rest", "--answer", "soreness=5", "--answer", "bruise=yes")
    assert found["locked"] == ["glute left"]
    assert run(["live", "sim:calm", "--region", "glute", "--side", "left", "--seconds", "1", "--plain"]) == 7
    assert "knead screen --gone glute" in capsys.readouterr().err
    assert document(capsys, "screen", "--gone", "glute")["locked"] == []
    assert run(["screen", "--gone", "glute"]) == 2
    assert "sore the day after" in said(capsys, "today", "--region", "glute")


# --- live ---


def test_a_headless_session_says_that_nobody_was_screened(capsys: Shown) -> None:
    assert run(["live", "sim:calm", "--seconds", "1", "--speed", "20", "--plain"]) == 0
    assert "nobody was screened, so limits are times 0.5" in capsys.readouterr().err


def test_a_screened_one_has_its_limits_and_says_when_the_check_is_old(capsys: Shown, home: Path) -> None:
    said(capsys, "screen", "--no-to-rest")
    assert run(["live", "sim:calm", "--seconds", "1", "--speed", "20", "--plain"]) == 0
    assert "nobody was screened" not in capsys.readouterr().err
    with Store(home / "data" / "knead.db") as store:

        def older(stored: Any) -> Any:
            stored["screening"]["check"]["at"] = "2020-01-01T00:00:00+00:00"
            return stored

        store.people.change("me", datetime.now(UTC), "test", {}, older)
    assert run(["live", "sim:calm", "--seconds", "1", "--speed", "20", "--plain"]) == 0
    assert "no short check in the last two hours, so limits are halved" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [("--region", "shin", "bone under the skin"), ("--region", "sciatic_nerve", "never press on a nerve")],
)
def test_a_blocked_site_is_refused_with_its_reason(option: str, value: str, why: str, capsys: Shown) -> None:
    assert run(["live", "sim:calm", option, value]) == 7
    assert why in capsys.readouterr().err


def test_a_massage_gun_is_only_explained(capsys: Shown) -> None:
    assert run(["live", "sim:calm", "--tool", "gun"]) == 7
    assert "does not work with massage guns" in capsys.readouterr().err


def test_a_wrong_file_of_limits_is_said_and_the_session_goes_on(capsys: Shown, home: Path) -> None:
    (home / "config").mkdir()
    (home / "config" / "limits.toml").write_text("[regions.elbow]\npeq_max_kpa = 3\n")
    assert run(["live", "sim:calm", "--seconds", "1", "--speed", "20", "--plain"]) == 0
    shown = capsys.readouterr().err
    assert "limits.toml: regions: elbow: is no region; allowed: glute" in shown
    assert "the built-in limits stand" in shown


# --- today ---


def test_today_names_every_region_and_when_again(capsys: Shown, log: Path) -> None:
    kept(log, datetime.now(UTC) - timedelta(hours=2), contact_s=200.0)
    found = document(capsys, "today")
    assert found["left_s"] == 1600.0
    sides = found["regions"]["glute"]
    assert (sides["left"]["free"], sides["left"]["used_s"], sides["right"]["free"]) == (False, 200.0, True)
    again = datetime.fromisoformat(sides["left"]["again_at"])
    assert again - datetime.now(UTC) == pytest.approx(timedelta(hours=4), abs=timedelta(minutes=2))
    assert set(found["regions"]["calf"]) == {"both"}
    text = said(capsys, "today")
    assert "26 min 40 s of contact left today" in text
    assert "These times are a judgement, not measured limits of harm" in text
    assert "used a short while ago" in text
    assert max(map(len, text.splitlines())) <= 80
    assert document(capsys, "today", "--person", "Ann")["left_s"] == 1800.0


# --- own limits ---


def held(capsys: Shown, region: str = "glute") -> dict[str, Any]:
    found: dict[str, Any] = document(capsys, "limits", "show", "--region", region, "--tool", "tennis")["regions"][
        region
    ]
    return found


def set_(*arguments: str, region: str = "glute") -> int:
    return run(["limits", "set", "--region", region, "--tool", "tennis", *arguments])


def test_lowering_is_free_and_raising_takes_number_and_reason(capsys: Shown, home: Path) -> None:
    assert set_("60") == 0
    assert held(capsys)["effective"]["peq_max_kpa"] == pytest.approx(60 * 12**0.5)
    assert set_("70") == 2
    assert "--reason" in capsys.readouterr().err
    assert held(capsys)["effective"]["peq_max_kpa"] == pytest.approx(60 * 12**0.5)
    assert set_("70", "--reason", "my physiotherapist said so") == 0
    assert held(capsys)["effective"]["peq_max_kpa"] == pytest.approx(70 * 12**0.5)
    with Store(home / "data" / "knead.db") as store:
        changes = store.people.changes("me")
    assert [change.kind for change in changes] == ["limit lowered", "limit raised"]
    assert changes[-1].fields["reason"] == "my physiotherapist said so"
    assert changes[-1].fields["kpa"] == 70


def test_raising_ends_at_the_stated_cap(capsys: Shown) -> None:
    published = 0.5 * 500 / 12**0.5
    assert set_(f"{published * 1.19:.2f}", "--reason", "x") == 0
    assert set_(f"{published * 1.21:.2f}", "--reason", "x") == 7
    assert f"allowed is up to {int(published * 12) / 10:g} kPa" in capsys.readouterr().err
    assert held(capsys)["personal"] == pytest.approx(1.19, abs=0.001)


def test_nothing_is_raised_while_a_session_is_recorded(capsys: Shown, log: Path) -> None:
    session = cut_short(log, session_events.session(3.0))
    with closing(RecordingLock(log, session)) as lock:
        assert lock.take()
        assert set_("60") == 0
        assert set_("70", "--reason", "x") == 7
        assert "not raised while a session is recorded" in capsys.readouterr().err
        assert held(capsys)["effective"]["peq_max_kpa"] == pytest.approx(60 * 12**0.5)
    assert set_("70", "--reason", "x") == 0


def test_back_to_the_published_limit(capsys: Shown) -> None:
    assert set_("40") == 0
    assert set_("--reset") == 2
    assert set_("--reset", "--reason", "it was too little") == 0
    assert held(capsys)["personal"] == 1.0


def test_the_working_top_is_lowered_but_never_above_the_range(capsys: Shown) -> None:
    assert set_("30", "--work") == 0
    assert held(capsys)["effective"]["working_kpa"][1] == pytest.approx(30)
    assert set_("80", "--work", "--reason", "x") == 7


@pytest.mark.parametrize("arguments", [(), ("50", "--reset"), ("-3",), ("nan",)])
def test_wrong_use_is_said(arguments: tuple[str, ...]) -> None:
    assert set_(*arguments) == 2


def test_no_region_no_limit(capsys: Shown) -> None:
    assert run(["limits", "set", "50"]) == 2
    assert "--region" in capsys.readouterr().err


def test_show_has_all_that_is_judged_by(capsys: Shown) -> None:
    found = document(capsys, "limits", "show")
    assert found["whole_body"]["session_s"]["value"] == 1800
    assert found["days"]["week_days"]["value"] == 3
    assert found["week_days"]["glute"] == {"first_weeks": 5, "then": 3}
    assert found["week_days"]["neck"] == {"first_weeks": 3, "then": 3}
    assert "massage guns" in found["explained"]["gun"]["why"]
    assert len(found["blocked"]) == 16
    assert all(row["why"] for row in found["blocked"].values())
    assert found["factors"]["age"]["factor"] == 0.7
    everything = [*found["whole_body"].values(), *found["days"].values(), *found["factors"].values()]
    assert all(row["source"] and row["confidence"] for row in everything)


# --- the guided test ---


def test_the_guided_test_on_a_virtual_ball_shows_how_and_keeps_nothing(capsys: Shown) -> None:
    assert run(["limits", "test", "sim:calm", "--region", "glute", "--speed", "30", "--seconds", "900", "--json"]) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert (found["simulated"], found["kept"]) == (True, False)
    assert 20 < found["work_to_kpa"] < 60
    assert "press 3 of 3" in shown.err
    assert held(capsys)["personal"] == 1.0


def test_the_guided_test_on_a_real_ball_sets_the_working_top(capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["firmware_protocol.simulator.virtual"], "MODEL", "ball")
    arguments = ["limits", "test", "sim:calm", "--region", "glute", "--speed", "30", "--seconds", "900", "--json"]
    assert run(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kept"] is True
    row = document(capsys, "limits", "show", "--region", "glute", "--tool", found["tool"])["regions"]["glute"]
    assert row["effective"]["working_kpa"][1] == pytest.approx(found["work_to_kpa"], rel=0.01)


def test_too_hard_ends_the_test_and_changes_nothing(capsys: Shown) -> None:
    assert run(["limits", "test", "sim:too_hard", "--region", "glute", "--speed", "20"]) == 7
    assert "nothing is changed" in capsys.readouterr().err
    assert held(capsys)["personal"] == 1.0


def test_a_test_that_is_not_finished_changes_nothing(capsys: Shown) -> None:
    assert run(["limits", "test", "sim:calm", "--region", "glute", "--speed", "20", "--seconds", "5"]) == 1
    assert "0 of 3 presses: nothing is changed" in capsys.readouterr().err
