"""What is known before a session: gathered from a real log, refused or said, and handed to the guard in one value."""

import dataclasses
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from companion import compose, keeping
from companion.cli.sheets import due
from companion.config import Settings, load_settings
from companion.errors import ConfigError, RefusedError
from companion.keeping import Symptoms, answered
from companion.past import Past, gather, nobody
from companion.run import LiveRequest
from companion.safety.limits import GuardContext, effective
from companion.safety.person import Lock, OwnLimit
from companion.safety.screening import Standing
from firmware_protocol.simulator import virtual
from sessions.errors import StoreDeniedError, UnreadableError
from sessions.events import Action, Closed, Event, Notice, Opened, Reading, RegionTotals, Totals
from sessions.store import Store
from tests import session_events
from tests.guard_story import GLUTE, Story
from tests.kit import Recorder
from tests.test_screening import fine
from tests.test_store import cut_short, keep

NOW = datetime(2026, 3, 10, 18, 0, tzinfo=UTC)
H = timedelta(hours=1)
CONTEXT = GuardContext(region="glute", side="left", tool="tennis", area_cm2=12.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "knead.db"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"KNEAD_HOME": str(tmp_path)})


def known(path: Path, now: datetime = NOW) -> Past:
    return gather(path, path.with_name("limits.toml"), "me", now)


def told(
    ended: datetime,
    *,
    contact_s: float = 100.0,
    dose: float = 1000.0,
    simulated: bool = False,
    region: str = "glute",
    notes: Sequence[Event] = (),
) -> list[Event]:
    """A session of 101 seconds, of which the last one has no totals any more."""
    row = RegionTotals(region, "left", contact_s, dose, 24000.0, 0.1, 0.0, 1, 50.0, 60.0, session_events.ZONES, 0.0)
    before = dataclasses.replace(row, contact_s=contact_s - 1, dose_kpa_s=dose - 50)
    opened = session_events.opened(started_at=ended - timedelta(seconds=101), simulated=simulated)
    values = np.full((5, 1), 5000, np.int16)
    return [
        dataclasses.replace(opened, region=region),
        session_events.reading(values, 0),
        Totals(99.0, contact_s - 1, (before,)),
        *notes,
        Totals(100.0, contact_s, (row,)),
        session_events.reading(values, 10_096),
    ]


def kept(path: Path, ended: datetime, **other: object) -> str:
    return keep(path, [*told(ended, **other), Closed(101.0, "user")])  # type: ignore[arg-type]  # those of `told`


def screen(path: Path, now: datetime, when: str = "week", /, **said: object) -> None:
    answered(path, "me", when, fine(when, **said), known(path, now))  # type: ignore[arg-type]  # answers


# --- nothing ---


def test_without_a_log_nothing_is_known_and_none_is_made(path: Path) -> None:
    found = known(path)
    assert (found.factor_k, found.verdict.screened, found.problems) == (0.5, False, ())
    context = found.apply(CONTEXT, simulated=False)
    assert (context.screened, context.session_limit_s, context.carried) == (False, 900.0, ())
    assert not path.exists()


def test_a_log_that_cannot_be_opened_keeps_no_session_from_being_judged(settings: Settings) -> None:
    settings.paths.database.mkdir(parents=True)
    with pytest.raises(StoreDeniedError):
        compose.gather(settings)
    found = compose.gather_anyhow(settings)
    (said,) = found.words("glute", "left")
    assert said.endswith("unknown, so limits are halved and the session is short")
    context = found.apply(CONTEXT, simulated=False)
    assert (context.screened, context.factor_k, context.session_limit_s) == (False, 0.5, 900.0)
    found.refuse("glute", "left")  # does not
    assert due(settings, "me", "serial:/dev/ttyACM0") is None, "no answer could be kept"


def test_a_damaged_log_is_still_an_error(settings: Settings) -> None:
    settings.paths.database.parent.mkdir()
    settings.paths.database.write_bytes(b"no database" * 1000)
    with pytest.raises(UnreadableError):
        compose.gather_anyhow(settings)


def test_a_demonstration_goes_by_nobody() -> None:
    context = nobody(NOW).apply(CONTEXT, simulated=True)
    assert context == CONTEXT


# --- carried ---


def test_real_sessions_are_carried_and_simulated_ones_are_not(path: Path) -> None:
    kept(path, NOW - 12 * H, dose=8000.0)
    kept(path, NOW - 1 * H, simulated=True)
    context = known(path).apply(CONTEXT, simulated=False)
    (row,) = context.carried
    assert (row.region, row.side, row.contact_s) == ("glute", "left", 100.0)
    assert row.dose_kpa_s == pytest.approx(4000, rel=1e-3)
    assert context.carried_s == 100.0
    simulated = known(path).apply(CONTEXT, simulated=True)
    assert (simulated.carried, simulated.carried_s, simulated.resting) == ((), 0.0, ())
    assert simulated.session_limit_s == 1800.0


def test_a_session_of_another_person_is_no_ones_else(path: Path) -> None:
    kept(path, NOW - 2 * H)
    assert gather(path, path, "Ann", NOW).history.visits == ()


def test_three_sessions_are_the_first(path: Path) -> None:
    for days in (30, 20, 10):
        assert known(path).is_first
        kept(path, NOW - timedelta(days=days))
    found = known(path)
    assert not found.is_first
    assert found.apply(CONTEXT, simulated=False).session_limit_s == 1800.0


def test_the_first_sessions_have_seven_tenths(path: Path) -> None:
    now = datetime.now(UTC)
    screen(path, now)
    found = known(path, now)
    assert found.factor_k == pytest.approx(0.7)
    assert found.apply(CONTEXT, simulated=True).factor_k == 1.0


def test_a_crash_books_the_last_rate_and_rests_everything(path: Path) -> None:
    """The last second has no totals: 50 N on 12 cm2 are 41.7 kPa."""
    cut_short(path, told(NOW - 2 * H))
    found = known(path)
    (visit,) = found.history.visits
    assert visit.contact_s == pytest.approx(101.0, abs=0.01)
    assert visit.dose_kpa_s == pytest.approx(1000.0 + (41.67 - 9.0), abs=0.5)
    context = found.apply(CONTEXT, simulated=False)
    assert "calf" in context.resting
    assert known(path, NOW + 5 * H).apply(CONTEXT, simulated=False).resting == ()


def test_a_crash_before_the_first_totals_is_booked_all_the_same(path: Path) -> None:
    cut_short(path, [*told(NOW - 2 * H)[:2], session_events.reading(np.full((5, 1), 5000, np.int16), 95)])
    (visit,) = known(path).history.visits
    assert (visit.region, visit.side) == ("glute", "left")
    assert visit.contact_s == pytest.approx(0.99, abs=0.02)


def test_what_rests_is_named_by_its_side(path: Path) -> None:
    kept(path, NOW - 2 * H)
    assert known(path).apply(CONTEXT, simulated=False).resting == ("glute left",)


def test_a_clock_that_jumped_is_said(path: Path) -> None:
    kept(path, NOW + 48 * H)
    found = known(path)
    assert any("in the future" in line for line in found.problems)
    assert found.apply(CONTEXT, simulated=False).carried_s == 100.0


# --- symptoms ---


LOCKED = Notice(50.0, "region", "leave this area", {"region": "glute", "side": "left", "state": "locked"})


@pytest.mark.parametrize("crashed", [False, True])
def test_a_symptom_locks_for_a_day_even_after_a_crash(path: Path, crashed: bool) -> None:
    events = told(NOW - 2 * H, notes=(LOCKED,))
    cut_short(path, events) if crashed else keep(path, [*events, Closed(101.0, "user")])
    found = known(path)
    assert found.apply(CONTEXT, simulated=False).locked == ("glute left",)
    with pytest.raises(RefusedError, match="glute left is locked until") as caught:
        found.refuse("glute", "both")
    assert caught.value.exit_code == 7
    found.refuse("glute", "right")
    found.refuse("calf", "left")
    known(path, NOW + 23 * H).refuse("glute", "left")


def test_a_simulated_symptom_locks_nothing(path: Path) -> None:
    kept(path, NOW - 2 * H, simulated=True, notes=(LOCKED,))
    found = known(path)
    found.refuse("glute", "left")
    assert found.locks() == ()
    assert found.apply(CONTEXT, simulated=False).locked == ()


def test_the_observer_keeps_a_symptom_of_a_session_nobody_records(path: Path) -> None:
    seen = Symptoms(path, "me")
    now = datetime.now(UTC)
    seen(session_events.opened(started_at=now))
    seen.keep()
    assert not path.exists()
    seen(LOCKED)
    seen.keep()
    with pytest.raises(RefusedError, match="glute left is locked"):
        known(path, now).refuse("glute", "left")


def test_a_region_with_unknown_load_rests_for_the_day(path: Path) -> None:
    closed = dataclasses.replace(LOCKED, fields={**LOCKED.fields, "state": "closed"})
    kept(path, NOW - 20 * H, notes=(closed,))
    found = known(path)
    found.refuse("glute", "left")
    assert found.apply(CONTEXT, simulated=False).resting == ("glute left",)


# --- answers ---


@pytest.mark.parametrize(
    ("said", "standing"),
    [({"saddle": True}, Standing.EMERGENCY), ({"clot": True}, Standing.CLINICIAN), ({"sober": True}, Standing.NOW)],
)
def test_answers_refuse_with_advice(path: Path, said: dict[str, object], standing: Standing) -> None:
    now = datetime.now(UTC)
    screen(path, now, **said)
    found = known(path, now)
    assert found.verdict.standing is standing
    with pytest.raises(RefusedError) as caught:
        found.refuse("calf", "left")
    assert (caught.value.exit_code, caught.value.hint) == (7, found.verdict.advice)
    assert caught.value.hint


def test_an_emergency_is_not_answered_away_by_the_short_check(path: Path) -> None:
    now = datetime.now(UTC)
    screen(path, now, saddle=True)
    with pytest.raises(ConfigError, match="short check is not enough"):
        screen(path, now, "session")
    screen(path, now)
    known(path, datetime.now(UTC)).refuse("glute", "left")


def test_a_leg_with_varicose_veins_is_left_out(path: Path) -> None:
    now = datetime.now(UTC)
    screen(path, now, varicose="left")
    found = known(path, now)
    found.refuse("calf", "right")
    with pytest.raises(RefusedError, match="calf left is left out"):
        found.refuse("calf", "both")
    assert dataclasses.replace(found.apply(CONTEXT, simulated=True), region="calf").is_locked
    assert found.today("calf", "left").locked
    assert found.today("calf", "right").free


def test_what_is_stored_wrongly_is_said_and_counts_for_nothing(path: Path) -> None:
    with Store(path) as store:
        store.people.change("me", NOW, "week", {}, lambda stored: {**stored, "screening": {"week": 7}})
    found = known(path)
    assert (found.verdict.screened, found.factor_k) == (False, 0.5)
    assert any("cannot be read" in line for line in found.problems)
    screen(path, datetime.now(UTC))
    assert known(path, datetime.now(UTC)).verdict.screened


# --- the day after ---


def test_what_is_left_today_is_said_as_a_session_begins(path: Path) -> None:
    assert not [line for line in known(path).words("glute", "left") if "left today" in line]
    kept(path, NOW - 8 * H)
    found = known(path)
    said = " ".join(found.words("glute", "left"))
    assert "of contact left today" in said
    assert "left today" not in " ".join(found.words("glute", "left", simulated=True))


def test_the_day_after_is_asked_once_and_about_the_right_places(path: Path) -> None:
    now = datetime.now(UTC)
    kept(path, now - 26 * H, region="calf")
    session = kept(path, now - 25 * H)
    found = known(path, now)
    due = found.after_due()
    assert due is not None
    assert due.session == session
    assert any("--next-day" in line for line in found.words("calf", "left"))
    answered(path, "me", "after", fine("after", soreness=5.0, bruise=False), found)
    after = known(path, now)
    assert after.after_due() is None
    assert [(lock.region, lock.why) for lock in after.person.locks] == [("glute", "sore the day after")]
    assert "glute left" in after.apply(CONTEXT, simulated=False).resting


@pytest.mark.parametrize("ago", [3 * H, 80 * H])
def test_too_early_or_too_late_nothing_is_asked(path: Path, ago: timedelta) -> None:
    kept(path, NOW - ago)
    assert known(path).after_due() is None


def test_a_simulated_session_is_not_asked_about(path: Path) -> None:
    kept(path, NOW - 25 * H, simulated=True)
    with pytest.raises(ConfigError, match="no session to ask about"):
        answered(path, "me", "after", fine("after", soreness=5.0), known(path))


# --- the user's own file ---


def test_a_wrong_file_of_limits_is_said_and_the_built_in_set_stands(path: Path) -> None:
    path.with_name("limits.toml").write_text('[regions.glute]\npeq_max_kpa = 900\nsource = "x"\n')
    found = known(path)
    (line,) = found.problems
    assert "limits.toml: regions: glute: peq_max_kpa = 900; allowed is a number of 50 to 500" in line
    assert "built-in limits stand" in line
    assert found.apply(CONTEXT, simulated=False).limits().peq_max_kpa == 250


def test_a_right_one_lowers(path: Path) -> None:
    path.with_name("limits.toml").write_text('[regions.glute]\npeq_max_kpa = 300\nsource = "x"\n')
    assert known(path).apply(CONTEXT, simulated=False).limits().peq_max_kpa == 150


# --- the guard ---


def test_a_region_at_rest_is_said_at_contact_and_never_stopped() -> None:
    story = Story(dataclasses.replace(GLUTE, side="left", resting=("glute left",)))
    story.press(0.0, 1.0)
    assert story.alerts("rest") == []
    story.press(40.0, 40.0)
    assert [alert[2:] for alert in story.alerts("rest")] == [("notice", "raised")]
    story.press(0.0, 2.0)
    story.press(40.0, 2.0)
    assert [alert[3] for alert in story.alerts("rest")] == ["raised", "cleared", "raised"]


@pytest.mark.parametrize(
    ("named", "side", "stands"),
    [
        ("glute", "left", True),
        ("glute left", "left", True),
        ("glute left", "right", False),
        ("glute left", "both", True),
        ("glute both", "right", True),
        ("calf", "left", False),
    ],
)
def test_places_are_named_with_or_without_a_side(named: str, side: str, stands: bool) -> None:
    assert dataclasses.replace(CONTEXT, side=side, locked=(named,)).is_locked is stands
    assert dataclasses.replace(CONTEXT, side=side, resting=(named,)).is_resting is stands


def test_the_context_survives_json() -> None:
    context = dataclasses.replace(CONTEXT, locked=("calf left",), resting=("glute",), lowered={"calf": {"hold_s": 9.0}})
    assert GuardContext.from_json(context.to_json()) == context


# --- a whole session ---


def test_a_session_on_a_real_ball_counts_and_its_symptom_locks(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual, "MODEL", "ball")  # no longer known as simulated
    request = LiveRequest("sim:too_long", region="glute", side="left", tool="tennis", seconds=60.0, speed=20.0)
    seen = Recorder()
    run = compose.live(request, settings, (seen,))
    run.start()
    seen.wait(Reading, lambda reading: reading.t_s[-1] > 40)
    assert run.submit(Action("symptom", {"symptom": "numb"}))
    assert run.join(30)
    opened = seen.of(Opened)[0]
    assert not opened.simulated
    assert opened.context["session_limit_s"] == 900.0
    found = compose.gather(settings)
    assert found.history.visits[0].contact_s > 30
    assert found.today("glute", "left").locked
    with pytest.raises(RefusedError, match="glute left is locked until"):
        compose.live(request, settings)
    other = compose.live(dataclasses.replace(request, region="calf"), settings)
    assert any("first three sessions" in line for line in other.words) is False  # `sim:` promises none of it
    with Store(settings.paths.database) as store:
        assert [change.kind for change in store.people.changes("me")] == ["locked"]


def test_nobody_needs_to_be_asked_to_set_a_zero(settings: Settings) -> None:
    screen(settings.paths.database, datetime.now(UTC), saddle=True)
    outcome = compose.tare("sim:empty", settings)
    assert outcome.code == 0, outcome.text


def test_advice_of_the_last_days(path: Path) -> None:
    for hours in (30, 54):
        keep(path, [*told(NOW - hours * H), Closed(101.0, "guard")])
    (line,) = known(path).advice()
    assert line.startswith("2 sessions in 7 days were ended by stops: lower your limits, times 0.8 is suggested: ")
    assert line.endswith("; and have it looked at by a professional.")
    kept(path, NOW - 2 * H)
    assert any(line.startswith("One session a day") for line in known(path).advice())


def test_one_session_ended_by_stops_is_no_reason_yet_nor_are_old_ones(path: Path) -> None:
    for hours in (30, 8 * 24):
        keep(path, [*told(NOW - hours * H), Closed(101.0, "guard")])
    assert known(path).advice() == ()


def test_the_lower_limit_suggested_is_one_that_can_be_set(path: Path) -> None:
    """Eight tenths of what holds now, for the person and the hard ball; and it is said as a session begins."""
    screen(path, NOW)
    for hours in (30, 54):
        keep(path, [*told(NOW - hours * H), Closed(101.0, "guard")])
    past = known(path)
    found = re.search(r"knead limits set --region glute --tool hard (\d+)", past.advice()[0])
    assert found
    now = effective("glute", "hard", factor_k=past.factor_k)
    assert float(found[1]) == pytest.approx(0.8 * now.mean_max_kpa, abs=1)
    assert any("ended by stops" in line for line in past.words("glute", "left"))
    assert not any("ended by stops" in line for line in past.words("glute", "left", simulated=True))
    own = OwnLimit(peq_kpa=float(found[1]) * math.sqrt(8.0))
    lower = dataclasses.replace(past, person=dataclasses.replace(past.person, limits={"glute": own}))
    assert lower.advice()[0] != past.advice()[0], "then it is of that"


def test_own_limits_reach_the_guard(path: Path) -> None:
    now = datetime.now(UTC)
    screen(path, now)
    keeping.change(
        path,
        "me",
        "limit lowered",
        {},
        lambda person: dataclasses.replace(person, limits={"glute": OwnLimit(peq_kpa=100.0)}),
    )
    for simulated in (False, True):
        context = known(path, now).apply(CONTEXT, simulated=simulated)
        assert context.limits().peq_max_kpa == pytest.approx(100.0)


def test_a_lock_kept_twice_is_one(path: Path) -> None:
    lock = Lock("glute", "left", "numb", NOW + H)
    for _ in range(2):
        keeping.change(path, "me", "locked", {}, lambda person: person.with_locks(lock))
    assert known(path).person.locks == (lock,)
