"""Whole guided sessions: a virtual ball, host, pipeline, capture and log; what was counted beside what was so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from companion.handsfree.terms import Terms
from companion.programs.library import load_library
from companion.programs.program import Routine, Step
from companion.programs.view import Stand
from firmware_protocol.simulator.scenarios import Interval, Scenario, parse_scenario
from sessions.events import Action, Closed, Cue, Event, Floats, Notice, Opened, Reading, Totals
from sessions.moments import moments
from sessions.steps import program_done
from sessions.store import Store
from tests.rehearsal import Rehearsal, alike, from_capture, from_log, played

AREA_CM2, LSB_N = 12.0, float(np.float32(0.05))
NOISE_SCANS = 3  # where the true force is near an edge of the band, noise decides: so many scans a repetition


def short() -> Routine:
    """The piriformis, in a minute and a half."""
    whole = load_library(None).program("piriformis").routine("left")
    light, hold, _, ease = whole.steps
    steps: tuple[Step, ...] = (
        replace(light, seconds=12.0, rest_s=3.0),
        replace(hold, seconds=12.0, repeats=2, rest_s=4.0),
        replace(ease, seconds=6.0),
    )
    return replace(whole, steps=steps)


def scenario() -> Scenario:
    """Into the band and out of it, as a person does."""
    hold = [
        {"move": "press", "seconds": 3, "newton": 44},
        {"move": "hold", "seconds": 5},
        {"move": "press", "seconds": 1.5, "newton": 30},
        {"move": "press", "seconds": 1.5, "newton": 46},
        {"move": "hold", "seconds": 3},
        {"move": "press", "seconds": 1.5, "newton": 55},
        {"move": "press", "seconds": 1.5, "newton": 47},
        {"move": "hold", "seconds": 6},
        {"move": "press", "seconds": 1, "newton": 0},
    ]
    steps = [
        {"move": "hold", "seconds": 4},
        {"move": "press", "seconds": 2, "newton": 20},
        {"move": "roll", "seconds": 14, "stroke_s": 3.5, "swing": 0.5},
        {"move": "press", "seconds": 1, "newton": 0},
        {"move": "hold", "seconds": 12},
        *hold,
        {"move": "hold", "seconds": 12},
        *hold,
        {"move": "hold", "seconds": 14},
        {"move": "press", "seconds": 2, "newton": 20},
        {"move": "press", "seconds": 8, "newton": 10},
        {"move": "press", "seconds": 1, "newton": 0},
        {"move": "hold", "seconds": 30},
    ]
    return parse_scenario("guided", {"title": "Guided", "steps": steps})


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    kept = tmp_path_factory.mktemp("guided")
    plan = Rehearsal(kept, scenario(), "piriformis", step_s=0.1, routine=short())
    return plan.run(142).end()


def cues(events: list[Event], *kinds: str) -> list[Cue]:
    return [event for event in events if isinstance(event, Cue) and (not kinds or event.kind in kinds)]


def counted(session: Rehearsal, kpa: Floats) -> list[int]:
    """Scans inside the band, of each repetition from its first to its last: of the pressures given for all scans."""
    t_s = np.concatenate([event.t_s for event in session.events if isinstance(event, Reading)])
    found, band = [], (0.0, 0.0)
    for cue in cues(session.events, "step", "done"):
        if cue.kind == "step":
            told = cue.fields["band_kpa"]
            assert isinstance(told, list)
            band = (float(str(told[0])), float(str(told[1])))
            continue
        within = (t_s >= float(str(cue.fields["from_s"])) - 1e-6) & (t_s <= cue.t_s + 1e-6)
        found.append(int((within & (kpa >= band[0]) & (kpa <= band[1])).sum()))
    return found


def test_the_cues_come_in_order(session: Rehearsal) -> None:
    kinds = [cue.kind for cue in cues(session.events) if cue.kind not in ("count", "breathe", "left", "band")]
    assert kinds == [
        *("program", "next", "step", "start", "done", "rest", "rested"),
        *("next", "step", "start", "done", "rest", "rested", "start", "done", "rest", "rested"),
        *("next", "step", "start", "done", "finish"),
    ]
    assert [cue.fields["left_s"] for cue in cues(session.events, "count")] == [3, 2, 1] * 4
    times = [cue.t_s for cue in cues(session.events)]
    assert times == sorted(times)


def test_holds_are_counted_only_in_the_band_to_one_scan(session: Rehearsal) -> None:
    """By what the ball measured, exactly; by the force without noise, but for the scans where noise decides."""
    reading = [event for event in session.events if isinstance(event, Reading)]
    index = np.concatenate([np.arange(each.index, each.index + len(each.t_s)) for each in reading])
    truth = session.ball.truth
    cells_n = np.rint(truth.values(truth.slots(index)) * LSB_N * 1024.0) / 1024.0  # the grid of all forces
    measured = cells_n.sum(axis=1) * 10.0 / AREA_CM2
    clean = truth.force_n(truth.slots(index)) * 10.0 / AREA_CM2
    held = [round(float(str(cue.fields["held_s"])) * 100) for cue in cues(session.events, "done")]
    assert held == [1200, 1200, 1200, 600]
    assert counted(session, measured) == held
    assert np.abs(np.array(counted(session, clean)) - held).max() <= NOISE_SCANS
    spans = [cue.t_s - float(str(cue.fields["from_s"])) for cue in cues(session.events, "done")]
    assert max(spans) > 14.0  # time outside the band lay between, and did not count


def test_it_says_where_to_go_and_that_it_is_back(session: Rehearsal) -> None:
    said = [(cue.fields.get("way"), cue.kind) for cue in cues(session.events, "left", "band") if cue.step == 2]
    assert ("up", "left") in said
    assert ("down", "left") in said
    assert (None, "band") in said


def test_no_alert_waits_for_the_coach_and_totals_come_every_second(session: Rehearsal) -> None:
    seconds = [int(event.t_s) for event in session.events if isinstance(event, Totals)]
    assert seconds[:-1] == list(range(1, len(seconds)))


def test_the_guard_was_told_where_each_step_is(session: Rehearsal) -> None:
    moves = [event for event in session.events if isinstance(event, Action) and event.kind == "region"]
    assert [(move.fields["rolling"], move.fields["by"]) for move in moves] == [(True, "program"), (False, "program")]
    index = {
        round(float(moment), 6): event.index + at
        for event in session.events
        if isinstance(event, Reading)
        for at, moment in enumerate(event.t_s.tolist())
    }
    assert [move.after_index for move in moves] == [index[round(move.t_s or 0.0, 6)] for move in moves]


def test_it_ends_by_itself_some_time_after_the_program(session: Rehearsal) -> None:
    over = [event for event in session.events if isinstance(event, Notice) and event.kind == "over"]
    assert len(over) == 1
    finish = cues(session.events, "finish")[0]
    assert over[0].t_s >= finish.t_s + 20.0
    assert isinstance(session.events[-1], Closed)


def test_screens_are_shown_every_stand(session: Rehearsal) -> None:
    stands = list(dict.fromkeys(view.stand for view in session.views))
    assert stands == [Stand.READY, Stand.WORK, Stand.REST, Stand.NEXT, Stand.OVER]
    assert session.views[-1].done == ("done", "done", "done")


@pytest.mark.parametrize("in_blocks", [True, False])
def test_capture_and_log_are_led_again_in_the_same_way(session: Rehearsal, in_blocks: bool) -> None:
    for script in (from_capture(session.capture, in_blocks=in_blocks), from_log(session.database, in_blocks=in_blocks)):
        again, _ = played(script)
        assert cues(again) == cues(session.events)
        assert alike(again) == alike(session.events)


def test_the_log_has_steps_and_holds(session: Rehearsal) -> None:
    with Store(session.database) as store:
        about = store.about("last")
    done = program_done(about.events)
    assert done is not None
    assert (done.count, done.cause) == (3, "done")
    assert [(step.title, step.state, len(step.holds)) for step in done.steps] == [
        ("Light rolling", "done", 1),
        ("Still holds", "done", 2),
        ("Ease off", "done", 1),
    ]
    assert [hold.held_s for hold in done.steps[1].holds] == [pytest.approx(12.0), pytest.approx(12.0)]
    assert about.opened.routine == short().to_json()
    steps = [moment for moment in moments(about.events, about.gaps) if moment.kind == "step"]
    assert [moment.text for moment in steps] == ["Light rolling", "Still holds", "Ease off"]


def test_with_hands_it_waits_for_the_person_and_asks_for_a_score(tmp_path: Path) -> None:
    light, _, ease = short().steps
    lead = replace(short(), steps=(light, ease))
    plot = Scenario("brief", "Brief", (*scenario().steps[:5], *scenario().steps[-5:]))
    told = Rehearsal(tmp_path, plot, "piriformis", step_s=0.1, routine=lead, hands=Terms(guided=True)).run(84).end()
    said = [event for event in told.events if isinstance(event, Notice) and event.kind in ("hands", "over")]
    states = [event.fields.get("state", event.kind) for event in said]
    assert states[:2] == ["ready", "started"]
    assert states[-4:] == ["finished", "scoring", "unscored", "over"]
    assert [cue.fields["held_s"] for cue in cues(told.events, "done")] == [pytest.approx(12.0), pytest.approx(6.0)]
    assert all(cue.text == "" for cue in cues(told.events, "pause", "resume"))  # the hands say it
    for script in (from_capture(told.capture), from_log(told.database)):
        again, _ = played(script)
        assert cues(again) == cues(told.events)


def test_a_pulled_cable_pauses_and_the_replay_pauses_too(tmp_path: Path) -> None:
    plot = scenario()
    told = Rehearsal(tmp_path, replace(plot, silent=(Interval(41.0, 49.0),)), "piriformis", step_s=0.1, routine=short())
    told.run(66).end()
    pauses = cues(told.events, "pause", "resume")
    assert [(cue.kind, cue.fields["cause"]) for cue in pauses] == [("pause", "silence"), ("resume", "silence")]
    for script in (from_capture(told.capture), from_log(told.database)):
        again, _ = played(script)
        assert cues(again) == cues(told.events)


def test_a_session_without_a_program_is_as_it_was(tmp_path: Path) -> None:
    told = Rehearsal(tmp_path, scenario(), "piriformis", step_s=0.1).run(20).end()
    opened = next(event for event in told.events if isinstance(event, Opened))
    assert opened.routine is None
    assert cues(told.events) == []
    assert told.views == []
    with Store(told.database) as store:
        assert program_done(store.about("last").events) is None
