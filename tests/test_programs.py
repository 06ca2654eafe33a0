"""Programs as data: what every bundled one must be, and what is said of one that is wrong."""

import os
import re
from collections.abc import Callable
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from companion.errors import ConfigError
from companion.programs.checking import advice, faults
from companion.programs.library import Library, check_file, key_of, load_library
from companion.programs.program import CHOSEN, Course, Program, Routine
from companion.programs.words import following
from companion.safety.limits import regions, table, tools
from companion.safety.sites import avoided, read_sites, sites

LIBRARY = load_library(None)
PROGRAMS = {program.key: program for program in LIBRARY.programs()}
GUIDES = {f"guide {letter}" for letter in "ABCDE"}
# What a guide's text must not do here: promise, or call anything harmless.
CLAIMS = re.compile(
    r"\b(safe|safely|treats?|heals?|cures?|relie(f|ves?)|fix(es)?|therap(y|eutic)|toxins?)\b", re.IGNORECASE
)

each_program = pytest.mark.parametrize("key", sorted(PROGRAMS))


def texts(program: Program) -> list[str]:
    steps = [text for step in program.steps for text in (step.title, step.cue, step.note, step.caution)]
    return [program.title, program.about, program.position, program.stretch, *program.cautions, *steps]


# --- the bundled ones ---


def test_every_bundled_file_is_one_of_them_and_none_is_broken() -> None:
    found = {file.name for file in files("companion.programs").iterdir() if file.name.endswith(".toml")}
    assert found == {entry.path for entry in LIBRARY.entries.values()}
    assert LIBRARY.broken() == []
    assert len(PROGRAMS) == 20
    assert [course.key for course in LIBRARY.courses()] == ["two-weeks"]


WANTED: dict[str, Callable[[Program], bool]] = {
    "piriformis, rolling then holds": lambda p: p.sites == ("piriformis",) and order(p)[:2] == ["roll", "hold"],
    "gluteus minimus": lambda p: p.sites == ("gluteus_minimus",),
    "gluteus medius": lambda p: p.sites == ("gluteus_medius",),
    "gluteus maximus": lambda p: p.sites == ("gluteus_maximus",),
    "both gluteals lying on the back": lambda p: (
        set(p.sites) == {"gluteus_maximus", "gluteus_minimus"} and "back" in p.position
    ),
    "deep rotators": lambda p: {"gemelli", "obturator_internus", "quadratus_femoris"} <= set(p.sites),
    "greater trochanter, roll only": lambda p: p.regions == ("trochanter",) and "hold" not in order(p),
    "beside the sacrum": lambda p: p.regions == ("sacrum",) and p.tool == "soft",
    "low back at the wall": lambda p: (
        set(p.sites) == {"quadratus_lumborum", "lumbar_paraspinals"} and "wall" in p.position
    ),
    "hamstrings": lambda p: p.sites == ("hamstrings",),
    "adductor magnus and biceps femoris": lambda p: set(p.sites) == {"adductor_magnus", "biceps_femoris"},
    "ischial attachment, light": lambda p: p.regions == ("ischial",),
    "glutes to knee with a roller": lambda p: p.tool == "roller" and p.regions == ("glute", "hamstring"),
    "calf": lambda p: set(p.sites) == {"gastrocnemius", "soleus"},
    "peroneals and tibialis posterior": lambda p: set(p.sites) == {"peroneals", "tibialis_posterior"},
    "sole": lambda p: p.regions == ("sole",),
    "quadriceps and outer hip flexor": lambda p: set(p.sites) == {"quadriceps", "hip_flexor_outer"},
    "upper back and lats at the wall": lambda p: (
        set(p.sites) == {"thoracic_paraspinals", "latissimus_dorsi"} and "wall" in p.position
    ),
    "find the spot": lambda p: (
        order(p)[:2] == ["search", "hold"]
        and all(30 <= step.seconds <= 60 for step in p.steps if step.technique == "hold")
    ),
    "neuromuscular style": lambda p: order(p)[:4] == ["glide", "hold", "glide", "hold"],
}


def order(program: Program) -> list[str]:
    return [step.technique for step in program.steps]


@pytest.mark.parametrize("wanted", sorted(WANTED))
def test_there_is_one_for(wanted: str) -> None:
    assert [key for key, program in PROGRAMS.items() if WANTED[wanted](program)]


@each_program
def test_it_keeps_to_the_limits_and_is_made_well(key: str) -> None:
    program = PROGRAMS[key]
    assert faults(program) == []
    assert advice(program) == []


@each_program
def test_it_starts_gently_rises_slowly_breathes_and_ends_with_easing_off(key: str) -> None:
    """Said once more in other words than those of the check."""
    program = PROGRAMS[key]
    shares = [step.band_kpa[1] / regions()[step.region].base.working_kpa[1] for step in program.steps]
    assert program.steps[0].technique in ("roll", "search", "glide")
    assert program.steps[0].band_kpa[1] <= regions()[program.steps[0].region].base.working_kpa[0]
    assert all(share <= before + 0.4 for before, share in pairwise(shares))
    assert program.steps[-1].technique == "ease"
    assert shares[-1] <= min(shares[0], 0.5)
    assert all("breath" in step.cue.lower() for step in program.steps)
    assert "seconds" in program.stretch


@each_program
def test_it_names_its_sources_sites_and_what_to_leave_alone(key: str) -> None:
    program = PROGRAMS[key]
    known = GUIDES | set(table().sources)
    assert set(program.sources) <= known
    assert program.sources
    for step in program.steps:
        assert step.sources
        assert set(step.sources) <= known
        assert step.region == sites()[step.site].region
        assert step.tool == program.tool
    assert program.avoid
    assert program.cautions
    assert any("numbness" in caution or "numb" in caution for caution in program.cautions)


@each_program
def test_its_words_are_plain_short_and_promise_nothing(key: str) -> None:
    program = PROGRAMS[key]
    for text in texts(program):
        assert not CLAIMS.search(text), text
        assert text == text.strip()
    for step in program.steps:
        assert len(step.cue) <= 140, step.title  # about ten seconds, spoken
        assert len(following(step, first=False)) <= 100


@each_program
def test_it_is_the_same_after_it_was_stored_with_a_session(key: str) -> None:
    for side in ("left", "right", "both"):
        routine = PROGRAMS[key].routine(side)
        assert Routine.from_json(routine.to_json()) == routine
        assert {step.side for step in routine.steps} <= {"left", "right", "both"}


def test_both_sides_are_done_one_after_the_other() -> None:
    routine = PROGRAMS["calf"].routine("both")
    half = len(routine.steps) // 2
    assert [step.side for step in routine.steps] == ["left"] * half + ["right"] * half
    assert {step.side for step in PROGRAMS["calf"].routine("right").steps} == {"right"}


def test_every_site_is_used_and_every_blocked_place_is_named() -> None:
    assert set(sites()) == {site for program in PROGRAMS.values() for site in program.sites}
    assert {"iliopsoas", "abdomen", "sciatic_nerve", "achilles_tendon", "sacroiliac_joint"} <= set(avoided())
    told = {row.why for row in avoided().values()}
    assert {row.why for row in table().blocked.values()} <= told


def test_the_plan_asks_for_five_days_a_week_and_then_three() -> None:
    plan = LIBRARY.item("two-weeks")
    assert isinstance(plan, Course)
    assert [(stage.weeks, stage.days) for stage in plan.stages] == [(2, 5), (None, 3)]
    assert all(LIBRARY.program(key) for key in plan.programs)


def test_a_program_is_found_however_it_is_written() -> None:
    assert LIBRARY.program("Gluteus_Medius") is PROGRAMS["gluteus-medius"]
    assert key_of(" find the spot ") == "find-the-spot"
    with pytest.raises(ConfigError, match="there is no program pirifornis") as caught:
        LIBRARY.program("pirifornis")
    assert "piriformis" in caught.value.hint
    with pytest.raises(ConfigError, match="two-weeks is a plan"):
        LIBRARY.program("two-weeks")


# --- one's own, and broken ones ---

GOOD = """
title = "Mine"
sources = ["guide C"]
stretch = "Stretch for 20 seconds."
tool = "tennis"

[[steps]]
title = "Light"
site = "gluteus_maximus"
technique = "roll"
band_kpa = [8, 40]
seconds = 30
cue = "Roll, and breathe."

[[steps]]
title = "Hold"
site = "gluteus_maximus"
technique = "hold"
band_kpa = [43, 70]
seconds = 40
repeats = 2
rest_s = 30
cue = "Stay, and breathe."

[[steps]]
title = "Out"
site = "gluteus_maximus"
technique = "ease"
band_kpa = [5, 30]
seconds = 20
cue = "Ease off, and breathe."
"""


def mine(folder: Path, **texts: str) -> Library:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return load_library(folder)


def test_one_of_ones_own_is_there_beside_the_others(tmp_path: Path) -> None:
    library = mine(tmp_path, mine=GOOD)
    program = library.program("mine")
    assert (program.title, program.origin, program.steps[1].side) == ("Mine", "yours", CHOSEN)
    assert len(library.entries) == len(LIBRARY.entries) + 1
    assert advice(program) == []


def test_one_of_ones_own_stands_for_the_bundled_one_of_its_name_even_if_it_is_broken(tmp_path: Path) -> None:
    assert mine(tmp_path, calf=GOOD).program("calf").title == "Mine"
    with pytest.raises(ConfigError, match=r"broken.*calf\.toml"):
        mine(tmp_path, calf=GOOD.replace("30", "-30")).program("calf")


BROKEN = {
    "more than the limits": ("[43, 70]", "[43, 130]", "step 2 (Hold): band_kpa goes up to 130: the limits of glute"),
    "a longer hold than the limits": ("seconds = 40", "seconds = 300", "step 2 (Hold): seconds = 300"),
    "more dose": ("repeats = 2", "repeats = 12", "its dose limit for a session is 24000"),
    "an unknown region": ('technique = "hold"', 'technique = "hold"\nregion = "spleen"', "step 2 (Hold): region"),
    "another region": ('technique = "hold"', 'technique = "hold"\nregion = "calf"', "step 2 (Hold): region = calf"),
    "an unknown site": ("gluteus_maximus", "spleen", "step 1 (Light): site = spleen is not known"),
    "a site that is left alone": ("gluteus_maximus", "iliopsoas", "site = iliopsoas: left alone: bowel"),
    "a negative time": ("seconds = 40", "seconds = -40", "step 2 (Hold): seconds = -40; allowed"),
    "a negative rest": ("rest_s = 30", "rest_s = -1", "step 2 (Hold): rest_s = -1; allowed"),
    "no time": ("seconds = 40", "seconds = 0", "step 2 (Hold): seconds = 0; allowed"),
    "no number": ("seconds = 40", "seconds = nan", "step 2 (Hold): seconds = nan; allowed"),
    "an endless time": ("seconds = 40", "seconds = inf", "step 2 (Hold): seconds = inf; allowed"),
    "a time in words": ("seconds = 40", 'seconds = "long"', "step 2 (Hold): seconds = long; allowed"),
    "no band": ("band_kpa = [43, 70]", "", "step 2 (Hold): band_kpa must be two numbers"),
    "a band that falls": ("[43, 70]", "[70, 43]", "step 2 (Hold): band_kpa = [70, 43] must rise"),
    "a band too narrow to breathe in": ("[43, 70]", "[69, 70]", "step 2 (Hold): band_kpa = [69, 70] is too narrow"),
    "half a repeat": ("repeats = 2", "repeats = 1.5", "step 2 (Hold): repeats = 1.5; allowed is a whole number"),
    "an unknown technique": ('"hold"', '"punch"', "step 2 (Hold): technique = punch is not known"),
    "an unknown tool": ('"tennis"', '"gun"', "tool = gun is not known"),
    "an unknown key": ("rest_s = 30", "rests = 30", "step 2 (Hold): rests is not known here"),
    "an unknown source": ('["guide C"]', '["F99"]', "sources names F99"),
    "no title": ('title = "Mine"\n', "", "title must be a text"),
    "no cue": ('cue = "Stay, and breathe."', "", "step 2 (Hold): cue must be a text"),
    "an escape": ('title = "Mine"', 'title = "\\u001b[31m"', "title has characters that do not print"),
    "a speech": ('"Stay, and breathe."', '"' + "a" * 500 + '"', "step 2 (Hold): cue has 500 characters"),
    "no TOML": ("[[steps]]", "[[steps", "Expected ']]'"),
    "steps that are none": ("[[steps]]", "[steps]", ""),
}


@pytest.mark.parametrize("what", sorted(BROKEN))
def test_what_is_wrong_is_one_line_with_file_step_and_reason_and_never_run(what: str, tmp_path: Path) -> None:
    before, after, reason = BROKEN[what]
    assert before in GOOD
    at = GOOD.rindex(before) if what == "a longer hold than the limits" else GOOD.index(before)
    library = mine(tmp_path, mine=GOOD[:at] + after + GOOD[at + len(before) :])
    entry = library.entries["mine"]
    assert entry.item is None
    assert entry.fault.startswith("mine.toml: ")
    assert reason in entry.fault
    assert len(entry.fault.splitlines()) == 1
    assert entry.fault.isprintable()
    assert library.broken() == [entry]
    with pytest.raises(ConfigError, match="broken, and not run"):
        library.program("mine")


INCLUDING = 'title = "{0}"\n[[steps]]\ninclude = "{1}"\n'


def test_a_program_may_include_another_and_a_circle_is_broken(tmp_path: Path) -> None:
    library = mine(
        tmp_path,
        whole=INCLUDING.format("Whole", "calf"),
        one=INCLUDING.format("One", "two"),
        two=INCLUDING.format("Two", "three"),
        three=INCLUDING.format("Three", "one"),
        self=INCLUDING.format("Self", "self"),
        lost=INCLUDING.format("Lost", "nowhere"),
        plan=INCLUDING.format("Plan", "two-weeks"),
    )
    found = {entry.key: entry.fault for entry in library.broken()}
    assert found == {
        "one": "one.toml: step 1: include goes round in a circle: one > two > three > one",
        "two": "two.toml: step 1: include goes round in a circle: two > three > one > two",
        "three": "three.toml: step 1: include goes round in a circle: three > one > two > three",
        "self": "self.toml: step 1: include goes round in a circle: self > self",
        "lost": "lost.toml: step 1: include = nowhere, which is not there",
        "plan": "plan.toml: step 1: include = two-weeks, which is a plan, not a program",
        "whole": "whole.toml: step 1 (Light rolling, upper calf): tool = tennis, but the program is for hard: one ball "
        "measures at a time",
    }
    library = mine(tmp_path, whole='tool = "tennis"\n' + INCLUDING.format("Whole", "calf"))
    assert library.program("whole").steps == PROGRAMS["calf"].steps


def test_an_include_that_grows_without_end_is_broken(tmp_path: Path) -> None:
    again = '[[steps]]\ninclude = "p{0}"\n' * 3
    library = mine(tmp_path, **{f"p{n}": f'title = "P"\n{again.format(n + 1)}' for n in range(30)}, p30=GOOD)
    assert "more than 60 steps" in library.entries["p0"].fault
    assert library.entries["p30"].item is not None


PLAN = 'title = "Plan"\n[[weeks]]\nweeks = {weeks}\ndays = {days}\nprograms = [{programs}]\n'


@pytest.mark.parametrize(
    ("weeks", "days", "programs", "reason"),
    [
        ("2", "8", '"calf"', "weeks 1: days = 8; allowed is a number of 1 to 7"),
        ("-2", "5", '"calf"', "weeks 1: weeks = -2; allowed"),
        ("2", "5", '"nowhere"', "weeks 1: programs names nowhere, which is not there"),
        ("2", "5", '"plan"', "weeks 1: programs goes round in a circle: plan > plan"),
        ("2", "5", '"two-weeks"', "weeks 1: programs names two-weeks, which is a plan"),
        ("2", "5", '"bad"', "weeks 1: programs names bad, which is broken"),
        ("2", "5", "", "weeks 1: programs is missing"),
    ],
)
def test_a_plan_that_is_wrong(tmp_path: Path, weeks: str, days: str, programs: str, reason: str) -> None:
    library = mine(tmp_path, bad="title = 1", plan=PLAN.format(weeks=weeks, days=days, programs=programs))
    assert library.entries["plan"].fault.startswith(f"plan.toml: {reason}")


def test_files_that_are_none_are_listed_and_hang_nobody(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "latin.toml").write_bytes(b'title = "\xe9"')
    (tmp_path / "huge.toml").write_bytes(b"# " + b"x" * (1 << 19))
    (tmp_path / "deep.toml").write_text("a = " + "[" * 5000 + "]" * 5000)
    (tmp_path / "empty.toml").write_text("")
    (tmp_path / "gone.toml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "not a program.txt").write_text("")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.toml")
    library = load_library(tmp_path)
    faults_of = {entry.key: entry.fault for entry in library.broken()}
    assert faults_of.pop("pipe", "it is no file").endswith("it is no file")
    assert set(faults_of) == {"folder", "latin", "huge", "deep", "empty", "gone"}
    assert all(len(fault.splitlines()) == 1 and fault.isprintable() for fault in faults_of.values())


def test_a_file_is_checked_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.toml"
    path.write_text(GOOD)
    assert check_file(path, None).item is not None
    path.write_text(GOOD.replace("[43, 70]", "[43, 999]"))
    assert "goes up to 999" in check_file(path, None).fault


def test_what_only_needs_more_care_is_advice_and_no_fault(tmp_path: Path) -> None:
    bare = "[[steps]]" + GOOD.split("[[steps]]")[2]
    program = mine(tmp_path, bare='title = "Bare"\ntool = "tennis"\n' + bare.replace("breathe", "wait")).program("bare")
    said = " ".join(finding.reason for finding in advice(program))
    for word in ("gently", "easing off", "sources", "stretch", "breathing"):
        assert word in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[sites.x]\ntitle = "X"\nregion = "spleen"\nwhere = "w"\nbasis = ["E"]\n[avoid]', "region = spleen"),
        ('[sites]\n[avoid]\nx = { title = "X", blocked = "spleen" }', "blocked = spleen"),
    ],
)
def test_a_table_of_sites_that_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        read_sites(text, "sites.toml")


def test_tools_of_programs_are_tools_that_there_are() -> None:
    assert {program.tool for program in PROGRAMS.values()} <= set(tools())
