"""`knead programs`, `knead live --program` and what `sessions show` and `trends` say of a program."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from companion.cli import run
from companion.config import find_paths
from companion.errors import RefusedError
from companion.guidance import prepare
from companion.past import nobody
from companion.safety.person import Lock, Person
from sessions.events import Cue, Event, Opened, Totals
from sessions.journal import Journal
from tests.test_cli_sessions import Shown, home, story
from tests.test_programs import GOOD

__all__ = ["home"]


def programs_folder(home: Path) -> Path:
    folder = find_paths({"KNEAD_HOME": str(home)}).config_file.with_name("programs")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep(home: Path, events: list[Event]) -> None:
    journal = Journal(find_paths({"KNEAD_HOME": str(home)}).database, lambda notice: None, commit_s=0.05)
    for event in events:
        journal(event)
    assert journal.close().error is None


def guided(days_ago: int, program: str = "piriformis") -> list[Event]:
    """A session of a program, so many days ago; real, and long enough to count."""
    events = [*story(1, simulated=False)]
    opened = next(event for event in events if isinstance(event, Opened))
    began = datetime.now(UTC) - timedelta(days=days_ago, hours=1)
    return [
        replace(event, program=program, started_at=began)
        if event is opened
        else replace(event, contact_s=100.0)
        if isinstance(event, Totals)
        else event
        for event in events
    ]


def test_list_shows_programs_with_sites_and_what_is_left_alone(home: Path, capsys: Shown) -> None:
    assert run(["programs", "list"]) == 0
    shown = capsys.readouterr().out
    assert "piriformis" in shown
    assert "Plan two-weeks" in shown
    assert "Iliopsoas: bowel, aorta" in shown
    assert "Line of the sciatic nerve: never press on a nerve" in shown
    listed = shown[: shown.index("Left alone")].splitlines()
    assert max(map(len, listed)) <= 80
    assert run(["programs", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == 1
    rows = {row["key"]: row for row in told["programs"]}
    assert len(rows) == 21
    for row in rows.values():
        assert row["sites"], row
        assert row["regions"], row
        assert row["technique"], row
        assert row["broken"] is False
    assert rows["calf"]["sites"] == ["gastrocnemius", "soleus"]
    assert rows["two-weeks"]["kind"] == "plan"
    assert {"iliopsoas", "abdomen", "sciatic_nerve"} <= {row["site"] for row in told["avoid"]}
    assert all(row["why"] for row in told["avoid"])


def test_show_says_what_holds_for_the_person_and_the_tool(home: Path, capsys: Shown) -> None:
    assert run(["programs", "show", "piriformis"]) == 0
    shown = capsys.readouterr().out
    assert "35-60 35-44" in " ".join(shown.split())  # unscreened: half of the limits
    assert "Leave alone: Line of the sciatic nerve" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert run(["programs", "show", "piriformis", "--tool", "hard", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["program"]
    assert told["steps"][1]["band_kpa"] == [35.0, 60.0]
    assert told["steps"][1]["band_in_force_kpa"] == [42.62, 53.27]
    assert told["in_force_for"] == {"tool": "hard", "factor_k": 0.5, "person": "me"}


def test_a_broken_one_is_listed_with_file_step_and_reason_checked_and_never_run(home: Path, capsys: Shown) -> None:
    path = programs_folder(home) / "mine.toml"
    path.write_text(GOOD.replace("[43, 70]", "[43, 500]"))
    assert run(["programs", "list"]) == 0
    shown = capsys.readouterr().out
    assert "Broken, and not run:\n  mine.toml: step 2 (Hold): band_kpa goes up to 500" in shown
    assert run(["programs", "list", "--json"]) == 0
    row = next(row for row in json.loads(capsys.readouterr().out)["programs"] if row["key"] == "mine")
    assert row["broken"] is True
    assert row["fault"].startswith("mine.toml: step 2")
    assert run(["programs", "check"]) == 2
    assert "BROKEN mine.toml: step 2 (Hold)" in capsys.readouterr().out
    assert run(["programs", "check", str(path), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["checked"][0]["broken"] is True
    for command in (["programs", "show", "mine"], ["live", "sim:session", "--program", "mine", "--plain"]):
        assert run(command) == 2
        said = capsys.readouterr().err
        assert "this program is broken, and not run: mine.toml: step 2 (Hold)" in said
        assert len(said.splitlines()) == 2  # and the hint
    path.write_text(GOOD)
    assert run(["programs", "check", str(path)]) == 0
    assert capsys.readouterr().out == "1 checked, 0 broken.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["live", "sim:session", "--program", "nothing", "--plain"], "there is no program nothing"),
        (["live", "sim:session", "--program", "two-weeks", "--plain"], "two-weeks is a plan over weeks"),
        (
            ["live", "sim:session", "--program", "calf", "--region", "glute", "--plain"],
            "the program calf is for calf, not for glute",
        ),
        (["live", "replay:last", "--program", "calf", "--plain"], "a replay is led by its own program"),
        (["live", "replay:last", "--arm", "10", "--plain"], "a replay is what was done then"),
        (["live", "replay:last", "--pain", "3", "--plain"], "a replay is what was done then"),
        (["programs", "show", "\x1b[31mred"], "there is no program ?"),
    ],
)
def test_what_cannot_be_is_one_line_and_a_hint(home: Path, capsys: Shown, arguments: list[str], said: str) -> None:
    assert run(arguments) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"knead: {said}"
    assert len(told) == 2


def test_a_program_whose_places_are_all_left_out_is_refused(home: Path) -> None:
    now = datetime.now(UTC)
    programs = find_paths({"KNEAD_HOME": str(home)}).programs_dir
    person = Person("me", locks=(Lock("calf", "both", "numb", now + timedelta(hours=3)),))
    known = replace(nobody(now), person=person)
    with pytest.raises(RefusedError, match="calf is locked"):
        prepare("calf", "left", programs, known, simulated=False)
    lead = prepare(
        "gluteals-on-the-back", "both", programs, replace(known, person=locked(person, "glute")), simulated=True
    )
    assert (lead.region, lead.side, lead.routine.side) == ("piriformis", "left", "both")


def locked(person: Person, region: str) -> Person:
    return replace(person, locks=tuple(replace(lock, region=region) for lock in person.locks))


def test_show_tells_steps_and_holds(home: Path, capsys: Shown) -> None:
    step: dict[str, object] = {"title": "Still holds", "site": "piriformis", "region": "piriformis", "side": "left"}
    step |= {"technique": "hold", "band_kpa": [34.8, 43.5], "seconds": 40.0, "repeats": 2}
    done = {"rep": 1, "held_s": 40.0, "seconds": 40.0, "from_s": 1.0, "cause": "time"}
    cues: list[Event] = [
        Cue(0.1, "program", None, "Test", {"steps": 2}),
        Cue(0.2, "step", 1, "Stay.", step),  # type: ignore[arg-type]  # JSON
        Cue(0.4, "done", 1, "Done", done),  # type: ignore[arg-type]  # JSON
        Cue(0.5, "done", 1, "Done", done | {"rep": 2, "held_s": 31.24, "cause": "limit"}),  # type: ignore[arg-type]  # JSON
        Cue(0.6, "skip", 2, "Left out", {"cause": "resting", "title": "Out"}),
        Cue(0.7, "finish", None, "Finished", {"cause": "done"}),
    ]
    events = [*story(1)]
    keep(home, [*events[:2], *cues, *events[2:]])
    assert run(["sessions", "show", "last"]) == 0
    shown = capsys.readouterr().out
    assert "Steps     1 of 2 done, to its end\n" in shown
    assert "  1 Still holds: piriformis left, hold, 34.8 to 43.5 kPa\n" in shown
    assert "    in band 40.0, 31.2 (limit) s, of 2 x 40 s; 1 min 11 s in all\n" in shown
    assert "left out: at rest" in shown
    assert run(["sessions", "show", "last", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["session"]
    assert told["guided"] == {"steps": 2, "steps_done": 1, "holds": 2, "held_s": 71.24, "end": "done"}
    assert told["steps"][0]["holds"][1] == {
        "rep": 2,
        "from_s": 1.0,
        "to_s": 0.5,
        "held_s": 31.24,
        "seconds": 40.0,
        "cause": "limit",
    }
    assert told["steps"][1]["state"] == "skipped"


def test_adherence_is_counted_from_the_log(home: Path, capsys: Shown) -> None:
    for days_ago, program in (
        (9, "piriformis"),
        (8, "hamstrings"),
        (8, "hamstrings"),
        (1, "gluteus-minimus"),
        (0, "calf"),
    ):
        keep(home, guided(days_ago, program))
    assert run(["programs", "show", "two-weeks"]) == 0
    shown = capsys.readouterr().out
    assert "Plan two-weeks: 2 of 5 days (40%), 3 missing; n = 4 sessions since" in shown
    assert run(["programs", "show", "two-weeks", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["plan"]
    assert told["adherence"]["sessions"] == 4
    assert run(["trends"]) == 0
    assert "Plan two-weeks: 2 of 5 days (40%), 3 missing" in capsys.readouterr().out
    assert run(["trends", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["plans"] == {"two-weeks": told["adherence"]}


def test_live_with_a_program_prints_cues_as_json_lines(home: Path, capsys: Shown) -> None:
    command = ["live", "sim:session", "--program", "piriformis", "--region", "piriformis", "--side", "left"]
    assert run([*command, "--jsonl", "--seconds", "12", "--speed", "6", "--quiet"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    cues = [event for event in events if event["event"] == "cue"]
    assert [cue["kind"] for cue in cues][:3] == ["program", "next", "step"]
    assert cues[2]["fields"]["band_kpa"] == [6.0, 30.0]
    assert set(cues[0]) == {"event", "t_s", "kind", "step", "text", "fields"}
    assert events[-1]["program"] == "piriformis"
    moved = [event for event in events if event["event"] == "action" and event["kind"] == "region"]
    assert moved[0]["fields"]["by"] == "program"


def test_plain_says_the_cues_and_not_the_coachs_own_doings(home: Path, capsys: Shown) -> None:
    command = ["live", "sim:session", "--program", "piriformis", "--side", "left", "--handsfree", "off"]
    assert run([*command, "--plain", "--seconds", "12", "--speed", "6", "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("First: Light rolling, piriformis, left side. 40 seconds, at 0.0 s") for line in lines)
    assert any(line.startswith("Roll lightly over the middle") for line in lines)
    assert not [line for line in lines if line.startswith("REGION")]
