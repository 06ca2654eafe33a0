"""Whole sessions without hands: a virtual ball, host, pipeline, capture and log, and both replays of each."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from companion.captures.format import Setup
from companion.captures.tap import Tap
from companion.captures.writer import CaptureWriter
from companion.cli.account import _felt_text, account
from companion.compose import DEMO_HANDS
from companion.errors import CaptureError
from companion.handsfree.terms import Terms
from companion.programs.program import Routine, Step
from companion.smoothing import VERSION
from firmware_protocol.simulator.scenarios import Scenario, parse_scenario
from sessions.events import Action, Alert, Cue, Event, Level, Notice, Phase, Totals
from sessions.store import Store
from tests.rehearsal import Rehearsal, alike, from_capture, from_log, played

BODY_N, HAND_N = 44.0, 30.0
STEP_S = 0.05  # of the ball's clock: five scans in a chunk
Part = list[dict[str, object]]


def free(seconds: float) -> Part:
    return [{"move": "hold", "seconds": seconds}]


def press(seconds: float, newton: float, rise_s: float = 0.5) -> Part:
    """Whole: rise, hold and lift."""
    return [
        {"move": "press", "seconds": rise_s, "newton": newton},
        {"move": "hold", "seconds": seconds - 2 * rise_s},
        {"move": "press", "seconds": rise_s, "newton": 0},
    ]


def two_squeezes() -> Part:
    return [*press(0.4, HAND_N, 0.1), *free(0.4), *press(0.4, HAND_N, 0.1)]


def scenario(*parts: Part, **more: object) -> Scenario:
    steps = [step for part in parts for step in part]
    return parse_scenario("handsfree", {"title": "Hands-free", "steps": steps, **more})


def kinds(events: Iterable[Event]) -> list[str]:
    """What a person would tell of it."""
    out = []
    for event in events:
        match event:
            case Notice(kind="hands"):
                value = event.fields["value"]
                out.append(str(event.fields["state"]) + ("" if value is None else f" {value}"))
            case Notice(kind="over"):
                out.append(f"over {event.fields['cause']}")
            case Action():
                out.append(f"{event.kind} by {event.fields.get('by')}")
            case Alert(level=Level.STOP) | Alert(phase=Phase.CONFIRMED):
                out.append(f"{event.cause} {event.phase}")
    return out


def replayed(told: Rehearsal) -> dict[str, bool]:
    """Whether the capture and the log give the same events, judged at once or in blocks."""
    found = {}
    for how, in_blocks in (("in blocks", True), ("at once", False)):
        again, _ = played(from_capture(told.capture, in_blocks=in_blocks))
        found[f"capture {how}"] = alike(again) == alike(told.events)
        again, player = played(from_log(told.database, in_blocks=in_blocks))
        found[f"log {how}"] = kinds(again) == kinds(told.events) and "the same as were recorded" in player.remark
    return found


ALIKE = dict.fromkeys(("capture in blocks", "log in blocks", "capture at once", "log at once"), True)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    plot = scenario(free(2), press(8, BODY_N), free(68), press(5, 32.0), free(20))
    return Rehearsal(tmp_path_factory.mktemp("released"), plot, hands=Terms(), step_s=STEP_S).run(93).end()


def test_from_contact_to_score_with_no_key(released: Rehearsal) -> None:
    said = kinds(released.events)
    assert said[:6] == ["ready", "started", "pause by release", "paused", "asked", "unanswered"]
    assert said[6] == "scoring"
    assert said[-4:] == [said[-4], "pain by squeeze", said[-2], "over released"]
    pain = [event for event in released.events if isinstance(event, Action) and event.kind == "pain"]
    score = pain[0].fields["value"]
    assert said[-4] == f"taken {score}"
    assert said[-2] == f"scored {score}"
    with Store(released.database) as store:
        assert store.row("last").pain_after == score


def test_it_is_replayed_alike(released: Rehearsal) -> None:
    assert replayed(released) == ALIKE


@pytest.fixture(scope="module")
def hurt(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """Off the ball, a squeeze of two seconds; a minute later two squeezes; then back on the ball, which is locked."""
    plot = scenario(free(2), press(8, BODY_N), free(5), press(2.4, HAND_N, 0.2), free(65), two_squeezes(), free(30))
    return Rehearsal(tmp_path_factory.mktemp("hurt"), plot, hands=Terms(), step_s=STEP_S).run(88).end()


def test_the_spoken_question_answered_by_a_squeeze_stops_and_locks(hurt: Rehearsal) -> None:
    said = kinds(hurt.events)
    at = said.index("symptom by squeeze")
    assert said[at : at + 3] == ["symptom by squeeze", "symptom raised", "answered"]
    symptom = next(event for event in hurt.events if isinstance(event, Action) and event.kind == "symptom")
    assert symptom.fields["left_peak_kpa"] == pytest.approx(BODY_N * 10 / 12, rel=0.2)
    assert "pressure_kpa" in symptom.fields
    locked = [event for event in hurt.events if isinstance(event, Notice) and event.kind == "region"]
    assert [(event.t_s, event.fields["state"], event.fields["region"]) for event in locked] == [
        (symptom.t_s, "locked", "glute")
    ]


def test_what_was_felt_is_told_with_its_pressure(hurt: Rehearsal) -> None:
    with Store(hurt.database) as store:
        told = account(store.row("last"), store.events("last"))
    (felt,) = told.felt
    assert felt.fields["by"] == "squeeze"
    assert _felt_text(felt).startswith("pain, numb or tingling, at ")
    assert "before, told by squeeze" in _felt_text(felt)


def test_two_squeezes_after_a_stop_are_its_confirmation_and_nothing_else(hurt: Rehearsal) -> None:
    said = kinds(hurt.events)
    assert "symptom confirmed" in said
    assert not [what for what in said if "squeezes" in what]
    assert "over released" not in said  # it waits for a minute from the confirmation on


def test_a_stop_told_by_a_squeeze_is_replayed_alike(hurt: Rehearsal) -> None:
    assert replayed(hurt) == ALIKE


def test_the_button_says_that_something_hurts_and_then_that_it_was_understood(tmp_path: Path) -> None:
    plot = scenario(free(2), press(12, BODY_N), free(12), button=[6, 20])
    told = Rehearsal(tmp_path, plot, hands=Terms(), step_s=STEP_S).run(24).end()
    said = [what for what in kinds(told.events) if "button" in what or "symptom" in what]
    assert said[:2] == ["symptom by button", "symptom raised"]
    assert said[-2:] == ["confirm by button", "symptom confirmed"]
    symptom = next(event for event in told.events if isinstance(event, Action) and event.kind == "symptom")
    assert symptom.fields["pressure_kpa"] == pytest.approx(BODY_N * 10 / 12, rel=0.1)
    assert replayed(told) == ALIKE


def test_a_long_press_of_the_button_sets_the_zero_and_says_nothing_else(tmp_path: Path) -> None:
    pushes: dict[float, Callable[[Rehearsal], object]] = {3.0: lambda told: told.button(long=True)}
    told = Rehearsal(tmp_path, scenario(free(12)), hands=Terms(), step_s=STEP_S).run(8, dict(pushes)).end()
    assert not [event for event in told.events if isinstance(event, Action)]
    assert [event.kind for event in told.events if isinstance(event, Notice) and event.kind == "zero"] == ["zero"]


def test_without_leave_to_do_so_nothing_is_led_by_the_ball(tmp_path: Path) -> None:
    plot = scenario(free(2), press(8, BODY_N), free(20))
    told = Rehearsal(tmp_path, plot).run(25).end()
    assert kinds(told.events) == []


def test_a_drop_out_in_the_middle_neither_ends_nor_pauses_it(tmp_path: Path) -> None:
    plot = scenario(free(2), press(30, BODY_N), free(8), away=[[10, 20]])
    told = Rehearsal(tmp_path, plot, hands=Terms(), step_s=STEP_S).run(28).end()
    assert kinds(told.events) == ["ready", "started"]


def test_squeezes_are_never_counted_as_contact(tmp_path: Path) -> None:
    squeezed = (*free(4), *two_squeezes())
    plot = scenario([*squeezed, *squeezed, *free(4)], press(5, BODY_N), [*squeezed, *free(4)])
    told = Rehearsal(tmp_path, plot, hands=Terms(), step_s=STEP_S).run(28).end()
    contact_s = [event.contact_s for event in told.events if isinstance(event, Totals)]
    assert contact_s[-1] == pytest.approx(5.0, abs=0.7)
    assert next(at_s for at_s, seconds in enumerate(contact_s) if seconds) >= 14
    assert kinds(told.events)[:2] == ["ready", "started"]


def test_the_showcase_goes_from_contact_to_score_with_no_key_in_about_a_minute(tmp_path: Path) -> None:
    told = Rehearsal(tmp_path, hands=DEMO_HANDS, step_s=STEP_S).run(72).end()
    said = kinds(told.events)
    assert said[:2] == ["ready", "started"]
    assert [what for what in said if "peak" in what or "confirm" in what] == [
        "peak escalated",
        "peak latched",
        "confirm by button",
        "peak confirmed",
    ]
    assert said[-3:] == ["pain by squeeze", "scored 4", "over released"]
    (over,) = [event for event in told.events if isinstance(event, Notice) and event.kind == "over"]
    assert 60.0 < over.t_s < 72.0


# --- with a program ---


def step(title: str, **changes: object) -> Step:
    fields: dict[str, Any] = {
        "title": title,
        "site": "gluteus-maximus",
        "region": "glute",
        "side": "left",
        "tool": "tennis",
        "technique": "hold",
        "band_kpa": (30.0, 50.0),
        "seconds": 6.0,
        "repeats": 1,
        "rest_s": 15.0,
        "cue": "stay there and breathe",
    }
    return Step(**(fields | changes))


@pytest.fixture(scope="module")
def guided(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """One hold, a score of it in the rest, the next step left out by two squeezes, and a score at the end."""
    routine = Routine("short", "Short", "left", "tennis", "lie down", (step("One"), step("Two")), "stretch")
    told = Rehearsal(
        tmp_path_factory.mktemp("guided"),
        scenario(
            [*free(6), *press(10, BODY_N), *free(5), *press(3.2, 20.0, 0.3), *free(5)],
            [*two_squeezes(), *free(12), *two_squeezes(), *free(10), *press(5, 32.0), *free(30)],
        ),
        hands=Terms(guided=True),
        routine=routine,
        step_s=STEP_S,
    )
    return told.run(63).end()


def test_a_program_is_led_through_from_contact_to_score_with_no_key(guided: Rehearsal) -> None:
    said = kinds(guided.events)
    cues = [event.kind for event in guided.events if isinstance(event, Cue)]
    assert {"program", "next", "step", "start", "done", "rest", "finish"} <= set(cues)
    assert said[:2] == ["ready", "started"]
    pain = [event for event in guided.events if isinstance(event, Action) and event.kind == "pain"]
    assert [event.fields["when"] for event in pain] == ["hold", "after"]
    assert "next by squeezes" in said
    assert said[-1] == "over finished"
    assert "asked" not in said, "off the ball where the program wanted it"


def test_in_a_rest_nobody_is_missed(guided: Rehearsal) -> None:
    said = kinds(guided.events)
    finish = said.index("finished")
    assert "pause by release" not in said[:finish]


def test_a_guided_session_is_replayed_alike(guided: Rehearsal) -> None:
    assert replayed(guided) == ALIKE


def test_a_capture_with_damaged_terms_is_refused_in_a_line(tmp_path: Path) -> None:
    setup = Setup("knead test", "2026-03-01T18:30:15+00:00", 1.0, "sim:x", "me", "glute", "left", None, 7, VERSION, 1)
    tap = Tap(CaptureWriter(tmp_path / "session.cap", replace(setup, hands={"arm_s": "ten"})))
    assert tap.close() == ""
    with pytest.raises(CaptureError, match="no terms"):
        from_capture(tmp_path / "session.cap")
