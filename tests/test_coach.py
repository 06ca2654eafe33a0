"""The coach: what it counts, what it says when, and what it never guides to."""

from dataclasses import replace

import numpy as np
import pytest

from companion.programs.band import band_of
from companion.programs.library import load_library
from companion.programs.program import Step
from companion.programs.view import Stand, Where
from companion.safety.limits import GuardContext, regions, tools
from sessions.events import Alert, Cue, Event, Floats, Level, Phase, Totals
from tests.guard_story import GLUTE
from tests.guided_story import HZ, LIGHT, OUT, STEP, GuidedStory, parted, scans

NAN = float("nan")
FREE, IN, LOW, HIGH = 0.0, 55.0, 30.0, 80.0
LIBRARY = load_library(None)


def begun(*steps: Step, **more: object) -> GuidedStory:
    """Free for 5 s, then pressed: the first step begins at 6 s, with the next scan."""
    return GuidedStory(*steps, **more).press((5, FREE), (1, LOW))  # type: ignore[arg-type]  # context and hz


# --- the clock ---


def test_the_clock_counts_every_scan_in_the_band_and_no_other() -> None:
    story = begun(STEP).press((3, LOW), (4, IN), (2.5, HIGH), (0.5, FREE), (20, IN))
    assert story.told() == [
        (0.0, "program"),
        (0.0, "next"),
        (6.0, "step"),
        (9.0, "start"),
        (14.0, "left"),
        (16.3, "band"),
        (23.98, "done"),
        (23.98, "finish"),
    ]
    done = story.cues("done")[0]
    assert done.fields == {
        "rep": 1,
        "repeats": 1,
        "held_s": pytest.approx(12.0),
        "seconds": 12.0,
        "from_s": 9.0,
        "cause": "time",
    }


def test_it_says_where_to_go_and_again_after_ten_seconds() -> None:
    story = begun(STEP).press((7, LOW), (2, IN), (13, HIGH), (3, LOW), (3, FREE))
    told = [(round(cue.t_s, 2), cue.fields["way"], cue.text) for cue in story.cues("left")]
    assert told == [
        (11.0, "up", "More, to 45"),
        (16.0, "down", "Lighter, to 70"),
        (26.0, "down", "Lighter, to 70"),
    ]
    story.press((11, FREE))
    assert story.cues("left")[-1].text == "Back on the ball"
    assert story.view.where is Where.FREE


def test_a_stroke_may_leave_the_band_for_a_moment_and_a_hold_may_not() -> None:
    stroke = ((2, 25.0), (1.2, 60.0))
    assert begun(LIGHT).press(*stroke * 3).told("left") == []
    held = begun(STEP).press(*(((2, IN), (1.2, HIGH)) * 3))
    assert len(held.told("left")) == 3


def test_ten_three_two_one_done() -> None:
    story = begun(replace(STEP, seconds=20.0)).press((25, IN))
    counted = [(cue.fields["left_s"], round(cue.t_s, 2), cue.text) for cue in story.cues("count")]
    assert counted == [(10, 16.0, "10 seconds"), (3, 23.0, "3"), (2, 24.0, "2"), (1, 25.0, "1")]
    assert story.told("done") == [(26.0, "done")]
    assert story.told("breathe") == [(12.68, "breathe")]


def test_a_short_one_is_counted_by_less() -> None:
    story = begun(replace(STEP, seconds=5.0)).press((25, IN))
    assert story.told("count", "breathe") == []
    assert story.told("done") == [(11.0, "done")]


def test_what_is_not_known_is_not_counted() -> None:
    story = begun(STEP).press((4, IN), (3, NAN), (10, IN))
    assert story.told("done") == [(21.0, "done")]
    assert story.cues("done")[0].fields["held_s"] == pytest.approx(12.0)


def test_a_hole_counts_for_one_scan() -> None:
    story = begun(STEP).press((4, IN))
    story.wait(3.0)
    story.press((20, IN))
    assert story.told("done") == [(21.0, "done")]


# --- the course of a session ---


def test_a_whole_session() -> None:
    twice = replace(STEP, repeats=2)
    story = begun(LIGHT, twice, OUT)
    story.press((9, 25.0), (15, FREE), (15, IN), (30, FREE), (15, IN), (40, FREE), (10, 20.0), (25, FREE))
    kinds = [kind for _, kind in story.told() if kind not in ("left", "band")]
    assert kinds == [
        *("program", "next", "step", "start", "done"),
        *("rest", "rested", "next", "step", "start", "done"),
        *("rest", "rested", "start", "done"),
        *("rest", "rested", "next", "step", "start", "done"),
        "finish",
    ]
    assert story.cues("finish")[0].fields["done"] == 3
    assert [cue.step for cue in story.cues("step")] == [1, 2, 3]
    assert story.view.done == ("done", "done", "done")
    assert story.view.stand is Stand.OVER
    assert [notice.fields["cause"] for notice in story.over()] == ["finished"]


def test_the_next_step_is_announced_a_breath_before_it_begins() -> None:
    story = begun(LIGHT, STEP).press((9, 25.0), (25, FREE))
    announced, begins = story.cues("next")[1], story.cues("step")[1]
    assert begins.t_s - announced.t_s >= 4.0
    assert begins.t_s - announced.t_s - float(str(announced.fields["in_s"])) <= 1.0
    assert announced.text == "Next: Hold, gluteus maximus, left side. 12 seconds"


def test_the_first_step_waits_for_a_second_of_contact() -> None:
    story = GuidedStory(STEP).press((60, FREE), (0.5, LOW), (10, FREE))
    assert story.told() == [(0.0, "program"), (0.0, "next")]
    assert story.view.stand is Stand.READY
    story.press((3, LOW))
    assert story.told("step") == [(72.0, "step")]


def test_a_rest_counts_only_off_the_ball_and_says_so() -> None:
    story = begun(replace(LIGHT, rest_s=10.0), OUT).press((9, 25.0), (8, 40.0), (9.9, FREE), (2, 40.0))
    assert [(round(cue.t_s, 2), cue.fields["way"]) for cue in story.cues("left")] == [(17.02, "off")]
    assert story.told("rested") == []
    story.press((3, FREE))
    assert story.told("rested") == [(35.0, "rested")]


def test_a_hold_is_offered_only_when_the_load_of_the_last_one_has_fallen() -> None:
    """H rises to 0.85 at this pressure; a rest constant of 30 s brings it to 0.37 in 25 s."""
    hard = replace(STEP, band_kpa=(85.0, 101.0), seconds=80.0, repeats=2, rest_s=1.0)
    story = begun(hard).press((81, 100.0), (40, FREE))
    rested = story.cues("rested")[0]
    loads = {event.t_s: event.regions[0].hold_load for event in story.said if isinstance(event, Totals)}
    assert float(str(rested.fields["hold_load"])) <= 0.37
    assert loads[rested.t_s - 1.0] > 0.37
    assert rested.t_s - story.cues("done")[0].t_s > 20.0


def test_rolling_needs_no_such_rest() -> None:
    hard = replace(LIGHT, band_kpa=(50.0, 100.0), seconds=45.0, repeats=2, rest_s=0.0)
    story = begun(hard).press((120, 95.0))
    assert next(cue.fields["cause"] for cue in story.cues("done")) == "time"
    rest = [kind for _, kind in story.told() if kind in ("rest", "rested")]
    assert rest == []


# --- never above the limits ---


@pytest.mark.parametrize("tool", sorted(tools()))
@pytest.mark.parametrize("factor_k", [1.0, 0.7, 0.5])
def test_no_band_reaches_above_the_lower_of_program_and_limits(tool: str, factor_k: float) -> None:
    for program in LIBRARY.programs():
        for step in program.routine("left").steps:
            context = GuardContext(
                screened=True, factor_k=factor_k, region=step.region, tool=tool, area_cm2=tools()[tool].area_cm2
            )
            band = band_of(step, context)
            if band is None:
                continue
            limits = context.limits()
            scale = (12.0 / limits.area_cm2) ** 0.5
            assert band.high_kpa <= step.band_kpa[1] * scale + 1e-9
            assert band.high_kpa <= limits.working_kpa[1] + 1e-9
            assert band.high_kpa < 0.85 * limits.mean_max_kpa  # the guard's first word about a peak
            assert 5.0 <= band.low_kpa < 0.95 * band.high_kpa


def test_every_program_can_be_done_with_its_own_tool_by_a_person_with_half_the_limits() -> None:
    for program in LIBRARY.programs():
        for step in program.routine("left").steps:
            context = GuardContext(region=step.region, tool=step.tool, area_cm2=tools()[step.tool].area_cm2)
            assert band_of(step, context) is not None, (program.key, step.title)


@pytest.mark.parametrize("key", sorted(program.key for program in LIBRARY.programs()))
@pytest.mark.parametrize("factor_k", [1.0, 0.5])
def test_who_follows_the_coach_hears_no_caution(key: str, factor_k: float) -> None:
    """At the top of every band, coming off where it says rest: the guard has nothing to lighten, lift or stop."""
    program = LIBRARY.program(key)
    area = tools()[program.tool].area_cm2
    context = replace(
        GLUTE, screened=True, factor_k=factor_k, tool=program.tool, area_cm2=area, full_scale_n=None, body_kg=80.0
    )
    story = GuidedStory(*program.routine("left").steps, context=context, hz=20)
    story.press((3, FREE))
    random = np.random.default_rng(1)
    for _ in range(1500):
        view = story.view
        if view.stand is Stand.OVER:
            break
        working = view.stand in (Stand.WORK, Stand.READY)
        kpa = 0.98 * view.band_kpa[1] if working else FREE
        tremor = 0.004 * kpa * random.standard_normal(20)
        if working and view.step.rolling:
            stroke = np.sin(2 * np.pi * (story.t_s + np.arange(20) / 20) / 3)
            middle = 0.5 * sum(view.band_kpa)
            wave: Floats = middle + 0.95 * (middle - view.band_kpa[0]) * stroke
            story.feed(wave * area / 12.0)
        else:
            story.feed((kpa + tremor) * area / 12.0)
    assert story.view.stand is Stand.OVER
    assert [cue.fields["cause"] for cue in story.cues("finish")] == ["done"]
    assert set(story.view.done) == {"done"}
    loud = [event for event in story.said if isinstance(event, Alert) and event.level >= Level.CAUTION]
    assert loud == []
    assert all("breath" in step.cue.lower() for step in program.steps)


def test_a_hold_that_loads_more_than_meant_is_ended_before_the_guard_cautions() -> None:
    story = begun(replace(STEP, seconds=200.0, band_kpa=(85.0, 101.0)), OUT).press((200, 100.0))
    done = story.cues("done")[0]
    assert done.fields["cause"] == "limit"
    assert done.text == "Enough here. Ease off slowly"
    caution = next(event for event in story.said if isinstance(event, Alert) and event.level is Level.CAUTION)
    assert caution.t_s > done.t_s  # and that only because nobody came off


# --- pauses, stops, closed places ---


def test_pause_stops_the_coach_and_never_the_guard() -> None:
    story = begun(STEP).press((4, IN))
    story.act("pause")
    assert story.view.stand is Stand.PAUSED
    story.press((20, IN))
    assert story.told("done") == []
    assert sum(isinstance(event, Totals) for event in story.said) == 29
    story.act("pause")
    story.press((10, IN))
    assert [kind for _, kind in story.told("pause", "resume", "done")] == ["pause", "resume", "done"]
    assert story.cues("done")[0].fields["held_s"] == pytest.approx(12.0)
    assert story.told("done") == [(38.0, "done")]


def test_pause_as_told_and_twice_the_same_says_nothing_new() -> None:
    story = begun(STEP)
    story.act("pause", on=True)
    story.act("pause", on=True)
    story.act("pause", on=False)
    story.act("pause", on=False)
    assert [kind for _, kind in story.told("pause", "resume")] == ["pause", "resume"]


def test_coming_off_in_a_rest_is_no_reason_to_pause() -> None:
    story = begun(LIGHT, STEP).press((9, 25.0), (1, FREE))
    story.act("pause", on=True, by="release")
    assert story.view.stand is Stand.REST
    assert story.told("pause") == []


def test_next_goes_on_and_back_goes_back() -> None:
    story = begun(LIGHT, STEP, OUT).press((3, 25.0))
    story.act("next")
    story.press((6, LOW), (2, IN))
    assert [(cue.step, cue.fields["cause"]) for cue in story.cues("done")] == [(1, "next")]
    assert story.view.number == 2
    story.act("back")
    story.press((6, LOW))
    assert story.view.number == 1
    story.act("next")
    story.act("next")
    story.press((6, 20.0))
    assert (story.view.number, story.view.step.title) == (3, "Out")
    story.act("next")
    assert story.told("finish")
    assert story.cues("finish")[0].fields["done"] == 0


def test_a_stop_stops_the_coach_until_it_is_confirmed_and_then_a_rest_comes_first() -> None:
    story = begun(STEP).press((4, IN), (1, 200.0), (1, IN))
    assert story.view.stand is Stand.STOPPED
    story.act("next")
    story.press((8, FREE))
    assert story.told("pause", "resume", "done", "rest") == [(10.1, "pause")]
    story.act("confirm")
    story.press((20, FREE), (12, IN))
    assert [kind for _, kind in story.told("pause", "resume", "rest", "rested", "done")] == [
        *("pause", "resume", "rest", "rested", "done")
    ]
    assert story.cues("done")[0].fields["held_s"] == pytest.approx(12.0)  # of both parts


def test_a_symptom_locks_the_place_and_the_coach_leaves_it_out() -> None:
    calf = replace(OUT, region="calf", site="gastrocnemius", title="Calf")
    story = begun(STEP, OUT, calf).press((4, IN))
    story.act("symptom", symptom="numb")
    story.press((5, FREE))
    story.act("confirm")
    story.press((20, FREE))
    assert [(cue.step, cue.fields["cause"]) for cue in story.cues("skip")] == [(1, "locked"), (2, "locked")]
    assert (story.view.number, story.view.stand) == (3, Stand.WORK)
    assert story.guard.context.region == "calf"


def test_a_place_that_had_enough_is_left() -> None:
    """600 s are the limit of a session there."""
    long = replace(LIGHT, seconds=550.0, rest_s=0.0)
    calf = replace(LIGHT, region="calf", site="gastrocnemius", title="Calf", seconds=30.0)
    story = begun(long, replace(LIGHT, seconds=60.0), calf, hz=20)
    for _ in range(70):
        story.press((9, 20.0), (1, FREE))
    assert [(cue.step, cue.fields["cause"]) for cue in story.cues("skip")] == [(2, "enough")]
    assert story.guard.context.region == "calf"


@pytest.mark.parametrize(
    ("context", "cause"),
    [
        (replace(GLUTE, locked=("glute",)), "locked"),
        (replace(GLUTE, resting=("glute left",)), "resting"),
        (replace(GLUTE, lowered={"glute": {"peq_max_kpa": 15.0}}), "limits"),
    ],
)
def test_what_is_closed_from_the_start_is_left_out(context: GuardContext, cause: str) -> None:
    calf = replace(OUT, region="calf", site="gastrocnemius")
    story = begun(LIGHT, STEP, calf, context=context)
    assert [(cue.step, cue.fields["cause"]) for cue in story.cues("skip")] == [(1, cause), (2, cause)]
    assert story.cues("next")[0].step == 3


def test_a_program_of_closed_places_is_over_at_once() -> None:
    story = GuidedStory(LIGHT, STEP, context=replace(GLUTE, locked=("glute",))).press((3, FREE))
    assert [kind for _, kind in story.told()] == ["program", "skip", "skip", "finish"]
    assert story.cues("finish")[0].fields["cause"] == "closed"


def test_over_bone_beside_the_midline_it_takes_the_tool_of_the_place() -> None:
    sacrum = replace(OUT, region="sacrum", site="beside_sacrum", band_kpa=(5.0, 18.0))
    assert [cue.fields["cause"] for cue in GuidedStory(sacrum).press((1, FREE)).cues("skip")] == ["tool"]


# --- silence ---


def test_guidance_pauses_after_five_seconds_of_silence_and_goes_on_once_the_ball_was_free() -> None:
    story = begun(STEP).press((4, IN))
    assert story.tick(4.9) != []  # the guard's alarm, not the coach's
    assert story.told("pause") == []
    story.tick(5.0)
    story.tick(7.0)
    assert [(round(cue.t_s, 2), cue.fields["cause"]) for cue in story.cues("pause")] == [(14.98, "silence")]
    story.wait(7.0)
    story.press((5, IN))
    assert story.view.stand is Stand.PAUSED
    story.press((1.2, FREE), (10, IN))
    assert [kind for _, kind in story.told("resume", "done")] == ["resume", "done"]
    assert story.cues("done")[0].fields["held_s"] == pytest.approx(12.0)


def test_a_gap_of_five_seconds_pauses_though_no_clock_ticked() -> None:
    story = begun(STEP).press((4, IN))
    story.wait(6.0)
    story.press((1, IN))
    assert [cue.fields["cause"] for cue in story.cues("pause")] == ["silence"]


def test_a_value_that_is_unknown_for_five_seconds_pauses() -> None:
    story = begun(STEP).press((4, IN), (5.1, NAN))
    assert [cue.fields["cause"] for cue in story.cues("pause")] == ["zero"]


def test_the_appointment_is_five_seconds_after_the_newest_scan() -> None:
    story = begun(STEP).press((4, IN))
    assert story.leading.deadline() == pytest.approx(1000.0 + story.t_s - 1 / HZ + 5.0)
    story.tick(5.0)
    assert story.leading.deadline() is None


# --- the guard knows ---


def test_the_guard_is_told_of_the_place_and_whether_it_rolls_at_the_first_scan_of_a_second() -> None:
    calf = replace(OUT, region="calf", site="gastrocnemius", side="right")
    story = begun(LIGHT, calf).press((9, 25.0), (20, FREE))
    moves = [(action.t_s, dict(action.fields)) for action in story.actions()]
    assert moves == [
        (6.0, {"region": "glute", "side": "left", "rolling": True, "by": "program"}),
        (story.cues("step")[1].t_s, {"region": "calf", "side": "right", "rolling": False, "by": "program"}),
    ]
    assert all(action.after_index == round((action.t_s or 0.0) * HZ) for action in story.actions())
    assert (story.guard.context.region, story.guard.context.rolling) == ("calf", False)


def test_a_ball_without_newtons_is_led_by_contact() -> None:
    context = replace(GLUTE, judged=False, full_scale_n=1000.0)
    story = GuidedStory(STEP, context=context).press((5, FREE), (2, 60.0), (15, 60.0))
    assert story.cues("step")[0].fields["band_kpa"] == [5.0, 100.0]
    assert [cue.fields["cause"] for cue in story.cues("done")] == ["time"]


# --- any split ---


def course(seed: int) -> Floats:
    random = np.random.default_rng(seed)
    parts = []
    for _ in range(40):
        seconds = random.choice([0.1, 0.5, 1.0, 2.0, 4.0, 9.0, 15.0])
        level = random.choice(
            [0.0, 20.0, 35.0, 55.0, 60.0, 75.0, 130.0, np.nan], p=[0.3, 0.1, 0.15, 0.2, 0.1, 0.08, 0.02, 0.05]
        )
        parts.append(np.full(round(seconds * HZ), level))
    kpa = np.concatenate(parts)
    return kpa + random.normal(0.0, 0.4, len(kpa)) * (kpa > 0)


@pytest.mark.parametrize(("seed", "sizes"), [(0, (1,)), (1, (7, 64, 3)), (2, (5,)), (3, (1, 400))])
def test_any_split_says_the_same(seed: int, sizes: tuple[int, ...]) -> None:
    piece = scans(course(seed))
    steps = (LIGHT, replace(STEP, repeats=2), replace(LIGHT, region="calf", site="soleus", seconds=20.0), OUT)
    whole = GuidedStory(*steps)
    whole.take(piece)
    split = GuidedStory(*steps)
    for part in parted(piece, sizes):
        split.take(part)
    assert split.said == whole.said
    assert len(whole.cues()) > 8
    for story in (whole, split):
        story.act("mark")  # a new picture
    assert split.view == whole.view


def test_a_session_of_every_program_is_shorter_than_it_says_with_all_rests() -> None:
    for program in LIBRARY.programs():
        contact_s = sum(step.work_s for step in program.routine("left").steps)
        assert contact_s <= min(regions()[region].base.session_s for region in program.regions) * len(program.regions)
        assert program.whole_s >= contact_s


def test_the_picture_for_screens_tells_where_it_stands() -> None:
    story = begun(LIGHT, STEP).press((3, 25.0))
    view = story.view
    assert (view.stand, view.number, view.rep, view.where) == (Stand.WORK, 1, 1, Where.IN)
    assert view.held_s == pytest.approx(2.98)
    assert view.left_s == pytest.approx(5.02)
    assert view.following is STEP
    story.press((6, 25.0), (1, FREE))
    resting = story.view
    assert (resting.stand, resting.step) == (Stand.REST, STEP)
    assert resting.rest_left_s == pytest.approx(4.0, abs=0.05)
    story.press((5, FREE))
    coming = story.view
    assert (coming.stand, coming.step) == (Stand.NEXT, STEP)
    assert coming.next_in_s is not None


def test_a_confirmed_stop_is_no_news_after_the_end() -> None:
    story = begun(OUT).press((8, 20.0))
    assert story.view.stand is Stand.OVER
    said: list[Event] = story.coach.hear(  # type: ignore[assignment]  # a list of some events
        Alert(20.0, "peak", Level.STOP, Phase.RAISED, None, None, "kPa", "glute", "left", "")
    )
    assert [event for event in said if isinstance(event, Cue)] == []
