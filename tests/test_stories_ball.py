"""A ball that is at fault itself: what the user sees, hears and finds in the log. What it tells wrongly is unknown."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from companion.cli.plain import Plain
from companion.clock import Clock
from companion.contexts import guard_context
from companion.pipeline import Pipeline
from companion.run import LiveRequest
from companion.stages import Plan
from companion.tui import words
from companion.tui.face import Now, panel_rows
from companion.tui.liveview import LiveView
from firmware_protocol.driver import Chunk, Close, Continuity, DriverEvent, Profile, Samples, Send, Started, Unit
from firmware_protocol.simulator.scenarios import parse_scenario
from sessions.events import Action, Alert, Event, Floats, Level, Notice, Opened, Phase, Reading, Totals
from tests.stories import HELD_N, Story, pressed, told

HELD_S = 15.0
ZERO = [("zero", Level.TECHNICAL, Phase.RAISED), ("zero", Level.OK, Phase.CLEARED)]


def played(faults: str, seconds: float = 30.0, **more: object) -> Story:
    return Story(pressed(HELD_S), faults=faults, **more).run(seconds).end()  # type: ignore[arg-type]  # fields of Story


def shown(story: Story, from_s: float, to_s: float) -> Floats:
    """Pressure between two moments of session time."""
    parts = [r.pressure_kpa[(r.t_s >= from_s) & (r.t_s < to_s)] for r in story.of(Reading) if not r.late]
    return np.concatenate(parts)


def times(story: Story) -> Floats:
    return np.concatenate([reading.t_s for reading in story.of(Reading) if not reading.late])


# Clocks and numbers


def test_numbers_that_wrap_are_not_noticed(tmp_path: Path) -> None:
    story = played("wrap=8s")
    plain = played("")
    assert (story.gaps(), story.unseen(), story.alerts(), story.damage()) == ([], [], [], {})
    assert [reading.index for reading in story.of(Reading)][-1] > 2**32
    assert story.of(Reading)[-1].t_us > 2**32
    assert len(times(story)) == len(times(plain))
    assert np.array_equal(np.diff(times(story)) > 0, np.ones(len(times(story)) - 1, bool))
    assert len(story.rows(tmp_path)) == len(times(story))
    assert story.log(tmp_path).row.lost == 0


@pytest.mark.parametrize("percent", [17, -17])
def test_a_rate_that_is_off_keeps_true_time(percent: int, tmp_path: Path) -> None:
    story = played(f"rate={percent}%", 30.0)
    assert (story.gaps(), story.unseen(), story.alerts(), story.damage()) == ([], [], [], {})
    t_s = times(story)
    assert t_s[-1] == pytest.approx(29.6, abs=0.3), "session seconds are seconds, whatever the ball says of its rate"
    assert len(t_s) / t_s[-1] == pytest.approx(100 * (1 + percent / 100), rel=0.002)
    assert story.of(Totals)[-1].regions[0].contact_s == pytest.approx(18.0, abs=0.8)
    assert len(story.rows(tmp_path)) == len(t_s)
    story.log(tmp_path)


@pytest.mark.parametrize("ppm", [500, -500])
def test_a_clock_that_drifts_is_followed(ppm: int) -> None:
    story = Story(pressed(60, 20.0, 60.0), faults=f"clock={ppm}ppm").run(92.0).end()
    assert (story.gaps(), story.unseen(), story.damage()) == ([], [], {})
    # by its own clock 90 s are 45 ms more or less; the newest scan's moment is known to a few ms all the same
    newest = story.of(Reading)[-1]
    told_s = story.line._route._timeline.host_s(float(newest.t_s[-1]))
    assert told_s == pytest.approx(newest.arrival_s, abs=0.01)
    assert story.line._route._timeline.clock.rate_error == pytest.approx(-ppm * 1e-6, abs=50e-6)


def test_a_clock_that_jumps_forward_is_a_gap_with_a_cause_in_one_session(tmp_path: Path) -> None:
    story = played("step=3s@10")
    (gap,) = story.gaps()
    assert gap[3] == "link"
    assert gap[1] - gap[0] == pytest.approx(3.15, abs=0.1)
    assert story.damage() == {"order": 1}, "a scan that contradicts its number is not placed"
    assert len(story.of(Opened)) == 1
    assert (np.diff(times(story)) > 0).all()
    story.rows(tmp_path)
    story.log(tmp_path)


def test_a_clock_that_jumps_back_is_a_new_clock_and_its_zero_is_not_trusted(tmp_path: Path) -> None:
    story = played("step=-3s@10")
    (gap,) = story.gaps()
    assert gap[3] == "reboot"
    assert (np.diff(times(story)) > 0).all()
    assert [reading.segment for reading in story.of(Reading)][-1] == 1
    assert story.heard() == ZERO
    assert len(story.of(Opened)) == 1
    story.rows(tmp_path)
    story.log(tmp_path)


# Power


def test_a_reboot_under_load_makes_the_value_unknown_until_the_ball_was_free(tmp_path: Path) -> None:
    story = played("reboot@10")
    (gap,) = story.gaps()
    assert gap[3] == "reboot"
    assert story.heard() == [("silence", Level.TECHNICAL, Phase.RAISED), ("silence", Level.OK, Phase.CLEARED), *ZERO]
    zero = story.alerts("zero")
    assert zero[0].t_s == pytest.approx(gap[1] + 0.25, abs=0.05)
    assert zero[0].text == "zero not trusted, ease off and come off"
    ((_, seen_again_s),) = story.unseen()
    lifted_s = 2 + 2 + HELD_S + 1
    assert seen_again_s - lifted_s == pytest.approx(3.0, abs=1.2), "the scenario stood still while it booted"
    assert np.isnan(shown(story, gap[1], zero[1].t_s - 0.01)).all(), "unknown, never zero and never the wrong number"
    (segment,) = story.notices("segment")
    assert segment.fields["loaded"] is True
    assert story.of(Opened)[0].device["boot_id"] == 7
    data = story.log(tmp_path)
    assert set(data.segment.tolist()) == {0, 1}
    assert len(story.rows(tmp_path)) == len(data.t_s)


def test_a_reboot_with_nobody_on_it_costs_no_trust() -> None:
    story = Story("empty", faults="reboot@10").run(20).end()
    assert story.alerts("zero") == []
    (spell,) = story.unseen()
    assert spell[1] - spell[0] < 2.0
    assert [notice.fields["loaded"] for notice in story.notices("segment")] == [False]


def test_a_stop_is_still_a_stop_while_the_zero_is_not_trusted() -> None:
    steps = [
        {"move": "hold", "seconds": 2},
        {"move": "press", "seconds": 2, "newton": HELD_N},
        {"move": "hold", "seconds": 8},
        {"move": "press", "seconds": 1, "newton": 220},
        {"move": "hold", "seconds": 5},
        {"move": "press", "seconds": 1, "newton": 0},
        {"move": "hold", "seconds": 8},
    ]
    story = Story(parse_scenario("rough", {"title": "Rough", "steps": steps}), faults="reboot@8").run(26).end()
    stops = [alert for alert in story.alerts("peak") if alert.level is Level.STOP]
    assert stops
    trusted_s = story.alerts("zero")[-1].t_s
    assert stops[0].t_s < trusted_s
    assert story.alerts("zero")[0].t_s < stops[0].t_s, "raised from a value that is not shown"


def test_a_board_that_tares_itself_under_load_is_not_believed_when_it_says_nothing_presses(tmp_path: Path) -> None:
    story = played("reset@10")
    assert story.notices("zero")[-1].fields["value"] is None
    assert story.heard()[-1] == ("zero", Level.TECHNICAL, Phase.RAISED)
    ((_, to_s),) = story.unseen()
    assert to_s == story.now_s, "until another tare"
    assert story.face().number == "--"
    since_s = story.gaps()[0][1]
    assert np.isnan(shown(story, since_s, 99)).all()
    truth = [counts.sum() * 0.05 for _, force, counts in story.truth(tmp_path).values() if force > 38][-300:]
    assert np.abs(truth).max() < 5, "what it sends looks like nothing at all"
    assert story.estimated_s() >= 15
    story.log(tmp_path)


def test_a_tare_by_the_users_word_makes_it_known_again() -> None:
    acts = {26.0: Action("tare", {"free": True})}
    story = Story(pressed(HELD_S), faults="reset@10", acts=acts).run(31).end()
    assert story.heard()[-1] == ("zero", Level.OK, Phase.CLEARED)
    assert story.face().number == "0"


def test_a_tare_under_load_by_the_button_is_told_and_not_believed(tmp_path: Path) -> None:
    story = played("tare@10")
    notice = next(notice for notice in story.notices("zero"))
    assert notice.fields["trusted"] is True, "less than 5 % of full scale: only we know that somebody lies on it"
    assert "not trusted (tared under load): unknown until it is zeroed again with all weight off" in notice.text
    assert story.heard() == [("zero", Level.TECHNICAL, Phase.RAISED)]
    assert story.face().number == "--"
    assert np.isnan(shown(story, 11.0, 99)).all()
    assert story.estimated_s() == pytest.approx(30.0 - 10.5, abs=0.5), "to the end: nobody knows when it was over"
    assert [kept.text for kept in story.log(tmp_path).events if isinstance(kept, Notice) and kept.kind == "zero"]


def test_a_low_battery_is_told_once_and_an_empty_one_ends_and_saves(tmp_path: Path) -> None:
    low = played("battery=8%@10")
    statuses = [(s.fields["battery_pct"], s.fields["battery_low"]) for s in low.notices("status")]
    assert statuses[0] == (87, False)
    assert statuses[-1] == (8, True)
    assert low.snapshot.battery_pct == 8
    printer = Plain(lambda fields: None)
    lines = [line for event in low.events for line in printer.lines(event)]
    assert sum("BATTERY low" in line for line in lines) == 1
    assert low.gaps() == []
    assert low.heard() == [("battery", Level.NOTICE, Phase.RAISED)], "it has begun: no reason to end it"
    before = played("battery=8%@0", 8.0).alerts()
    assert [alert.level for alert in before] == [Level.TECHNICAL, Level.NOTICE]
    assert before[0].text == "battery low: charge the ball before you start"
    empty = played("battery=0%@10")
    (close,) = empty.closes
    assert (close.cause, close.text) == ("battery", "The ball stopped: its battery is empty.")
    assert not close.retry
    data = empty.log(tmp_path)
    assert data.t_s[-1] == pytest.approx(10.0, abs=0.1), "up to its last scan"


def test_a_computer_asleep_for_an_hour_finds_a_gap_and_a_closed_region(tmp_path: Path) -> None:
    """Its clock may have stood still (the ball's has not), or gone on."""
    still = played("sleep=1h@10", 40.0)
    gone_on = Story(pressed(HELD_S), asleep=(10.0, 3610.0)).run(3640.0).end()
    for story in (still, gone_on):
        (gap,) = story.gaps()
        assert gap[1] - gap[0] == pytest.approx(3600, abs=15)
        assert story.estimated_s() == pytest.approx(60, abs=20), "sixty seconds at most for one silence"
        assert [notice.fields["state"] for notice in story.notices("region")] == ["closed"]
        assert len(story.of(Opened)) == 1
        assert (np.diff(times(story)) > 0).all()
        story.log(tmp_path / story.gaps()[0][3] / "log")
    assert (still.gaps()[0][3], gone_on.gaps()[0][3]) == ("suspended", "suspended")


# Cells


def test_a_cell_at_its_end_is_a_stop_and_shows_no_number(tmp_path: Path) -> None:
    story = Story(pressed(HELD_S), faults="saturate=2s@10").run(11.0)
    assert (story.face().number, story.face().word) == ("MAX", "FULL SCALE")
    assert story.snapshot.level is Level.STOP
    story.run(30.0).end()
    assert story.heard()[0] == ("saturation", Level.STOP, Phase.RAISED)
    assert story.alerts()[0].t_s - 10.0 == pytest.approx(0.0, abs=0.1)
    data = story.log(tmp_path)
    assert np.count_nonzero(data.saturated) == pytest.approx(200, abs=2)
    assert np.isnan(data.cells[data.saturated, 0]).all()


def test_a_stuck_value_is_told_after_three_seconds_under_load(tmp_path: Path) -> None:
    story = played("stuck=6s@10")
    assert story.heard("stuck") == [
        ("stuck", Level.TECHNICAL, Phase.RAISED),
        ("stuck", Level.OK, Phase.CLEARED),
    ]
    raised, cleared = story.alerts("stuck")
    assert raised.t_s - 10.0 == pytest.approx(3.0, abs=0.1)
    assert raised.text == "sensor may be stuck, ease off"
    assert cleared.t_s - 10.0 == pytest.approx(6.0, abs=0.1)
    assert story.gaps() == []
    story.rows(tmp_path)


def test_an_unloaded_ball_that_shows_zero_all_the_time_is_not_stuck() -> None:
    assert Story("empty", faults="stuck=20s@5").run(28).end().alerts() == []
    lifted = Story(pressed(4.0, free_s=20.0), faults="stuck=10s@12").run(28).end()
    assert told(lifted, "stuck") == 1
    assert lifted.alerts() == [], "its noise is known from the press, and still nobody is on it"


def test_a_zero_that_drifts_is_set_right_by_the_users_word(tmp_path: Path) -> None:
    """Nobody can tell a drifting ball from a slow press; the person can."""
    acts = {40.0: Action("tare", {}), 42.0: Action("tare", {"free": True})}
    story = Story("empty", faults="drift=30N/min", acts=acts).run(48).end()
    (refused,) = story.notices("refused")
    assert "take all weight off" in refused.text
    assert shown(story, 38.0, 40.0).mean() == pytest.approx(30 * 39 / 60 / 1.2, rel=0.05)
    assert abs(shown(story, 46.0, 47.0).mean()) < 3.0
    assert story.face().number in ("0", "1", "2")
    assert story.heard("zero")[-1:] in ([], [("zero", Level.OK, Phase.CLEARED)])
    story.rows(tmp_path)
    story.log(tmp_path)


def test_a_zero_that_drifts_below_nothing_is_bad_data_and_not_negative_load() -> None:
    story = Story("empty", faults="drift=-60N/min").run(25).end()
    assert ("dropped", Level.TECHNICAL, Phase.RAISED) in story.heard()
    assert story.of(Totals)[-1].contact_s == 0
    assert not story.face().known


def test_scans_without_a_value_are_unknown_and_cost_their_own_time_only(tmp_path: Path) -> None:
    story = played("nan=5%")
    cells = np.concatenate([reading.cells for reading in story.of(Reading)])
    load = np.concatenate([reading.load for reading in story.of(Reading)])
    blank = np.isnan(cells[:, 0])
    assert 0.03 < blank.mean() < 0.07
    assert np.array_equal(np.isnan(load), blank), "a sum with an unknown part is unknown"
    assert story.alerts() == []
    assert story.of(Totals)[-1].regions[0].contact_s == pytest.approx(17.5, abs=0.8)
    data = story.log(tmp_path)
    assert np.array_equal(np.isnan(data.load), blank)


def test_a_ball_that_never_has_a_value_again_is_an_alarm(tmp_path: Path) -> None:
    story = played("nan=100%@10")
    assert story.heard() == [
        ("dropped", Level.TECHNICAL, Phase.RAISED),
        ("silence", Level.TECHNICAL, Phase.RAISED),
    ]
    assert story.alerts()[0].t_s - 10.0 == pytest.approx(0.2, abs=0.05)
    assert story.face().number == "--"
    assert story.estimated_s() == pytest.approx(19.7, abs=1.0)


# What it says it is


@pytest.mark.parametrize(("unit", "name"), [("raw", "counts"), ("gas", "kPa gas")])
def test_another_unit_is_shown_as_an_index_without_limits(unit: str, name: str, tmp_path: Path) -> None:
    story = Story(pressed(HELD_S, 200.0), faults=f"unit={unit}").run(12.0)
    face = story.face()
    assert (face.unit, face.word) == (name, "NO LIMITS")
    assert face.number not in ("--", "0")
    rows = [text for row in panel_rows(face) for text, _ in row]
    assert "no limits: this ball gives no newtons" in rows
    story.run(30.0).end()
    assert story.alerts("peak") == []
    assert all(np.isnan(reading.pressure_kpa).all() for reading in story.of(Reading))
    assert story.of(Opened)[0].context["judged"] is False
    assert np.isnan(story.log(tmp_path).force_n).all()


def test_a_unit_that_changes_ends_the_session_with_words(tmp_path: Path) -> None:
    story = played("unit=raw@10")
    (close,) = story.closes
    assert close.cause == "changed"
    assert "changed its unit" in close.text
    assert not close.retry
    data = story.log(tmp_path)
    assert data.unit == "N"
    assert data.t_s[-1] < 10.1, "no value in the new unit is taken for newtons"


def test_a_unit_nobody_knows_is_no_ball() -> None:
    story = played("unit=unknown")
    assert story.closes[0].cause == "no_ball"
    assert story.of(Reading) == []
    assert story.damage().keys() == {"value"}


def test_sixteen_cells_are_summed(tmp_path: Path) -> None:
    story = played("cells=16")
    assert (story.gaps(), story.alerts(), story.unseen()) == ([], [], [])
    assert story.of(Reading)[0].cells.shape[1] == 16
    assert np.nanmean(shown(story, 8.0, 14.0)) == pytest.approx(HELD_N / 1.2, rel=0.05)
    data = story.log(tmp_path)
    assert data.values.shape == (len(story.rows(tmp_path)), 16)


def test_markup_in_a_name_stays_text(tmp_path: Path) -> None:
    story = played("name=markup", 12.0)
    device = story.of(Opened)[0].device
    assert device["vendor"] == "[red]boo[/red]"
    assert device["serial"] == "", "a serial has no brackets: it counts as none"
    assert story.damage() == {"value": 1}
    assert words.device(device) == "virtual"
    assert story.log(tmp_path).opened.device["vendor"] == "[red]boo[/red]"


@pytest.mark.parametrize(("name", "reason"), [("control", "value"), ("long", "oversize")])
def test_a_name_that_is_no_text_is_never_let_in(name: str, reason: str) -> None:
    """Without who it is there is no session; the engine says so after ten seconds."""
    story = played(f"name={name}", 10.0)
    assert story.damage().keys() == {reason}
    assert story.of(Opened) == []
    said = " ".join(notice.text for notice in story.of(Notice))
    assert said.isprintable()
    assert "AAA" not in said


# Kinds that are slow


class Slow:
    """A driver of a kind that measures every `period_s`, from its first chunk on."""

    damage: dict[str, int] = {}  # noqa: RUF012  # never written

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._index = 0

    def opened(self, now_s: float) -> list[DriverEvent]:
        profile = Profile(
            "slow", "S-1", "m", "", "", 1, Unit.NEWTON, 0.05, 10, 0, 0, 1, True, 20_000, 0, 1200, 2
        )  # fmt: skip
        return [profile, Started(Continuity.FIRST, 1, 0, self._period_s, 0, 0, 0, now_s)]

    def feed(self, chunk: Chunk) -> list[DriverEvent]:
        self._index += 1
        value = np.full((1, 1), 800 + self._index % 2, np.int16)
        t_us = round(self._index * self._period_s * 1e6)
        return [Samples(value, self._index - 1, t_us, 0, chunk.arrival_s)]

    def tick(self, now_s: float) -> list[DriverEvent]:
        return []

    closed = tick

    def deadline(self) -> float | None:
        return None


def silenced(period_s: float) -> Iterator[tuple[float, Event]]:
    """Twenty values, then nothing; events with the seconds since the last value."""
    request = LiveRequest(region="glute")
    plan = Plan("me", "glute", "left", None, lambda profile: guard_context(profile, request), Clock().wall, "test")
    line = Pipeline(Slow(period_s), plan)  # type: ignore[arg-type]  # asks nothing
    last_s = 20 * period_s
    yield from ((0.0, event) for event in line.opened(0.0) if isinstance(event, Notice))
    for number in range(1, 21):
        chunk = Chunk("slow", b"", number * period_s)
        yield from ((0.0, event) for event in line.feed(chunk) if not isinstance(event, Send | Close))
    while (due_s := line.deadline()) is not None and due_s < last_s + 5:
        yield from ((due_s - last_s, event) for event in line.tick(due_s) if not isinstance(event, Send | Close))


@pytest.mark.parametrize(
    ("period_s", "unknown_s", "alarm_s", "said"),
    [
        (0.01, 0.25, 1.0, ""),
        (0.05, 0.25, 1.0, ""),
        (0.1, 0.3, 1.0, "late"),
        (0.2, 0.6, 1.2, "too slow"),
        (0.5, 1.5, 3.0, "too slow"),
    ],
)
def test_how_soon_silence_is_told_and_what_is_too_slow_to_warn(
    period_s: float, unknown_s: float, alarm_s: float, said: str
) -> None:
    """A quarter of a second, or three periods; a second, or six. Below 10 Hz it is said at the start."""
    told_at = list(silenced(period_s))
    unknown = [age for age, event in told_at if isinstance(event, Notice) and event.kind == "value"]
    alarms = [age for age, event in told_at if isinstance(event, Alert) and event.cause == "silence"]
    assert unknown == [pytest.approx(unknown_s, abs=1e-3)]
    assert alarms == [pytest.approx(alarm_s, abs=1e-3)]
    slow = [event.fields["state"] for _, event in told_at if isinstance(event, Notice) and event.kind == "slow"]
    assert slow == ([said] if said else [])
    kinds = [event.kind if isinstance(event, Notice) else type(event).__name__ for _, event in told_at]
    assert not said or kinds.index("slow") < kinds.index("Reading"), "before the first value"
    view = LiveView()
    for _, event in told_at:
        view(event)
    rows = [text for row in panel_rows(Now(view.snapshot(), 0.0)) for text, _ in row]
    assert ("too slow to warn you in time" in rows) is (said == "too slow")


# The showcase


def test_the_showcase_holds_in_the_working_zone_and_its_button_lets_the_session_go_on() -> None:
    story = Story("showcase").run(60.2).end()
    held = shown(story, 7.0, 17.5)
    low, high = story.snapshot.marks.edges[1:3] if story.snapshot.marks else (43.0, 50.5)
    assert low <= held.mean() <= high
    latched, confirmed = (
        next(alert for alert in story.alerts() if alert.phase is phase) for phase in (Phase.LATCHED, Phase.CONFIRMED)
    )
    assert confirmed.t_s - latched.t_s == pytest.approx(1.2, abs=0.4)
    assert [a.kind for a in story.of(Action)] == ["confirm"]
    after = [alert for alert in story.alerts() if alert.t_s > confirmed.t_s and alert.level >= Level.CAUTION]
    assert {alert.cause for alert in after} == {"silence"}, "the second hold is quiet"
    assert told(story, "unplug") == 0
    assert all(a <= b for a, b in pairwise(times(story)))
