"""Sessions on devices of every kind, from their bytes to warnings and the log, and again from their captures."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from companion import balls
from companion.captures.format import Setup
from companion.captures.tap import Tap
from companion.captures.writer import CaptureWriter
from companion.clock import Clock
from companion.compose import live, tare
from companion.config import load_settings
from companion.contexts import guard_context
from companion.pipeline import Pipeline
from companion.run import LiveRequest
from companion.safety.limits import LIMITS_VERSION
from companion.smoothing import VERSION
from companion.speech import Speech
from companion.stages import Output, Plan, Stages
from firmware_protocol import devices
from firmware_protocol.devices.kind import Link
from firmware_protocol.driver import Close, Send
from firmware_protocol.simulator.body import Move, Step
from firmware_protocol.simulator.foreign import OFFSET, STEPS_PER_N, CraneScale, Gauge, TextBoard
from firmware_protocol.simulator.scenarios import Scenario
from sessions.events import Action, Alert, Event, Level, Notice, Opened, Reading, Totals
from sessions.journal import Journal
from sessions.store import Store
from tests.foreign import Advertising, Ball, Board, Hanging, Side
from tests.kit import Recorder
from tests.rehearsal import alike, from_capture, from_log, played

EPOCH = datetime(2026, 3, 1, 18, 30, 15, tzinfo=UTC)
STEP_S = 0.02
Happening = Callable[["Story"], object]


@dataclass(frozen=True, slots=True)
class Told:
    """A device under one scenario, and how it is spoken to."""

    speech: Speech
    side: Callable[[], Side]


def text(scenario: str | Scenario, form: str = "kg", **settings: object) -> Told:
    speech = Speech(devices.AUTO, Link.SERIAL, 7, settings=dict(settings))  # type: ignore[arg-type]  # JSON as stored
    return Told(speech, lambda: Board(TextBoard(scenario, form=form)))


def gauge(scenario: str | Scenario, **settings: object) -> Told:
    speech = Speech("progressor", Link.GATT, 7, settings=dict(settings))  # type: ignore[arg-type]  # likewise
    return Told(speech, lambda: Hanging(Gauge(scenario)))


def scale(scenario: str | Scenario) -> Told:
    return Told(Speech("whc06", Link.ADVERT, 7), lambda: Advertising(CraneScale(scenario)))


def radio(scenario: str | Scenario) -> Told:
    return Told(Speech("native", Link.GATT, 7), lambda: Ball(framed=False, scenario=scenario))


class Story:
    """One session in simulated time, captured and kept in the log."""

    def __init__(self, told: Told, kept: Path, region: str = "glute") -> None:
        kept.mkdir(exist_ok=True)
        self.capture, self.database = kept / "session.cap", kept / "data" / "knead.db"
        self.events: list[Event] = []
        self.closes: list[Close] = []
        self.side, self.now_s = told.side(), 50.0
        self.mute = False
        self._linked = False
        request = LiveRequest(region=region)
        setup = Setup("knead test", EPOCH.isoformat(), 1.0, "x:y", "me", region, "left", None, 7, VERSION, 0)
        speech = told.speech
        setup = replace(setup, limits=LIMITS_VERSION, kind=speech.kind, link=speech.link.value)
        tap = self._tap = Tap(CaptureWriter(self.capture, replace(setup, settings=dict(speech.settings))))
        context = tap.context(lambda profile: guard_context(profile, request))
        plan = Plan("me", region, "left", None, context, lambda at_s: EPOCH + timedelta(seconds=at_s), "knead test")
        self._line: Stages = tap.around(Pipeline(speech.driver(), plan))
        self._journal = Journal(self.database, lambda notice: None, commit_s=0.05)

    def run(self, seconds: float, happenings: dict[float, Happening] | None = None) -> "Story":
        """`happenings`: by seconds from now on."""
        until_s = self.now_s + seconds
        waiting = sorted(((self.now_s + at_s, what) for at_s, what in (happenings or {}).items()), key=lambda x: x[0])
        while self.now_s < until_s - 1e-9:
            self.now_s = round(self.now_s + STEP_S, 6)
            if not self._linked:
                self._linked = True
                self.side.connected(self.now_s)
                self._take(self._line.opened(self.now_s))
            while waiting and waiting[0][0] <= self.now_s:
                waiting.pop(0)[1](self)
            for chunk in self.side.heard(self.now_s) if self._linked else ():
                if not self.mute:
                    self._take(self._line.feed(chunk))
            due_s = self._line.deadline()
            if due_s is not None and due_s <= self.now_s:
                self._take(self._line.tick(self.now_s))
        return self

    def end(self) -> "Story":
        self._take(self._line.finish(self.now_s, "user"))
        assert self._journal.close().error is None
        assert self._tap.close() == ""
        return self

    def act(self, kind: str, **fields: object) -> None:
        self._take(self._line.act(Action(kind, fields), self.now_s))  # type: ignore[arg-type]  # JSON fields

    def break_link(self) -> None:
        self._linked = False
        self.side.disconnected(self.now_s)
        self._take(self._line.closed(self.now_s, "pulled"))

    def notices(self, kind: str) -> list[Notice]:
        return [event for event in self.events if isinstance(event, Notice) and event.kind == kind]

    def terms(self) -> set[object]:
        return {notice.fields["cause"] for notice in self.notices("terms")}

    def alerts(self) -> list[tuple[str, Level]]:
        return [(event.cause, event.level) for event in self.events if isinstance(event, Alert)]

    def readings(self) -> list[Reading]:
        return [event for event in self.events if isinstance(event, Reading)]

    def _take(self, out: Sequence[Output]) -> None:
        for item in out:
            if isinstance(item, Send):
                if self._linked:
                    self.side.told(item, self.now_s)
            elif isinstance(item, Close):
                self.closes.append(item)
                if item.retry:
                    self.break_link()
            else:
                self.events.append(item)
                self._journal(item)


# Free for three seconds, then far too hard for as long as it takes, then free again.
HARD = Scenario(
    "hard",
    "far too hard",
    (
        Step(Move.HOLD, 3.0, 0.0),
        Step(Move.PRESS, 2.0, 180.0),
        Step(Move.HOLD, 14.0, 180.0),
        Step(Move.PRESS, 1.5, 0.0),
        Step(Move.HOLD, 20.0, 0.0),
    ),
)
POINTS = [[[float(OFFSET), 0.0], [OFFSET + 100 * STEPS_PER_N, 100.0]]]

EVERY = {
    "text": text(HARD),
    "text with a clock": text(HARD, form="time"),
    "counts": text(HARD, form="counts"),
    "points": text(HARD, form="counts", points=POINTS),
    "gauge": gauge(HARD),
    "scale": scale(HARD),
    "radio": radio(HARD),
}


def silence(story: Story) -> None:
    story.mute = not story.mute


@pytest.mark.parametrize("name", EVERY)
def test_a_capture_of_any_kind_gives_the_same_events_again(name: str, tmp_path: Path) -> None:
    happenings: dict[float, Happening] = {
        2.0: lambda story: story.act("tare"),
        5.0: silence,
        6.5: silence,
        8.0: Story.break_link,
        11.0: lambda story: story.act("tare", free=True),
        11.5: lambda story: story.act("region", region="calf"),
    }
    story = Story(EVERY[name], tmp_path).run(13.0, happenings).end()
    assert story.readings()
    for in_blocks in (False, True):
        again, player = played(from_capture(story.capture, in_blocks=in_blocks))
        assert alike(again) == alike(story.events)
        assert player.outcome is not None
        assert player.outcome.code == 0


@pytest.mark.parametrize("name", ["text", "counts", "gauge", "scale"])
def test_the_log_of_any_kind_gives_the_same_alerts_again(name: str, tmp_path: Path) -> None:
    story = Story(EVERY[name], tmp_path).run(13.0, {6.0: silence, 9.0: silence}).end()
    again, _ = played(from_log(story.database, in_blocks=False))
    made = [(event.cause, event.phase, event.level) for event in again if isinstance(event, Alert)]
    assert made == [(event.cause, event.phase, event.level) for event in story.events if isinstance(event, Alert)]


@pytest.mark.parametrize("name", ["text", "text with a clock", "points", "gauge", "radio"])
def test_too_hard_is_a_warning_whatever_measures_it(name: str, tmp_path: Path) -> None:
    story = Story(EVERY[name], tmp_path).run(8.0).end()
    assert ("peak", Level.STOP) in story.alerts()
    loads = np.concatenate([reading.load for reading in story.readings()])
    assert np.nanmax(loads) == pytest.approx(180.0, rel=0.1)


def test_a_slow_scale_counts_time_and_says_that_it_cannot_warn(tmp_path: Path) -> None:
    story = Story(scale(HARD), tmp_path).run(16.0).end()
    assert [notice.fields["state"] for notice in story.notices("slow")] == ["too slow"]
    assert {"clock", "rate", "compression"} <= story.terms()
    totals = [event for event in story.events if isinstance(event, Totals)][-1]
    assert totals.contact_s > 5.0


def test_counts_are_shown_as_counts_and_not_judged(tmp_path: Path) -> None:
    story = Story(text(HARD, form="counts"), tmp_path).run(8.0).end()
    assert {reading.unit for reading in story.readings()} == {"counts"}
    assert all(np.isnan(reading.pressure_kpa).all() for reading in story.readings())
    assert "counts" in story.terms()
    assert not {cause for cause, _ in story.alerts()} & {"peak", "hold", "ramp", "zero"}
    with Store(story.database) as store:
        (row,) = store.list()
    assert row.peak_kpa is None


def test_a_board_is_not_trusted_at_zero_until_it_was_seen_free(tmp_path: Path) -> None:
    """It takes its zero when its port is opened. Reading nothing is free; but after that it must stay so."""
    story = Story(text(HARD), tmp_path).run(6.0).end()
    zero = story.notices("zero")[0]
    assert (zero.fields["value"], "seen free" in zero.text) == (None, True)
    loads = [float(value) for reading in story.readings() for value in reading.load]
    unknown = int(np.argmax(np.isfinite(loads)))
    assert 0 < unknown < len(loads)
    times = [float(t_s) for reading in story.readings() for t_s in reading.t_s]
    assert times[unknown] >= 1.0


def test_a_board_that_resets_under_load_reads_unknown_until_it_was_seen_free(tmp_path: Path) -> None:
    story = Story(text(HARD), tmp_path).run(7.0)
    assert isinstance(story.side, Board)
    board, pressed_at_s = story.side.board, story.now_s
    story.break_link()

    def reset(story: Story) -> None:
        board.reset(story.now_s, played_s=8.0)  # the person is still on it: a new zero hides that load

    story.run(4.0, {0.1: reset}).end()
    assert {notice.fields["loaded"] for notice in story.notices("segment")} == {True}
    after = [reading for reading in story.readings() if reading.arrival_s > pressed_at_s]
    assert after
    assert all(np.isnan(reading.load).all() for reading in after)
    assert ("zero", Level.TECHNICAL) in story.alerts()


def test_loss_on_a_gauge_is_a_gap_of_nobody_knows_how_many(tmp_path: Path) -> None:
    def lose(story: Story) -> None:
        assert isinstance(story.side, Hanging)
        story.side.lost = 8

    story = Story(gauge("calm"), tmp_path).run(12.0, {6.0: lose}).end()
    (gap,) = story.notices("gap")
    assert (gap.fields["cause"], gap.fields["lost"]) == ("lost", 0)
    with Store(story.database) as store:
        (kept,) = store.load("last").gaps
    assert kept.to_s - kept.from_s == pytest.approx(0.8, abs=0.15)


def test_a_lost_link_is_a_gap_in_the_same_session(tmp_path: Path) -> None:
    for number, told in enumerate((gauge("calm"), text("calm"), scale("calm"))):
        story = Story(told, tmp_path / str(number)).run(13.0, {6.0: Story.break_link}).end()
        assert len([event for event in story.events if isinstance(event, Opened)]) == 1
        assert story.notices("gap")
        assert story.readings()[-1].segment == 1


# --- over a real port ---


def settings_at(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(home))


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
@pytest.mark.parametrize("named", ["", "?kind=text&baud=57600"])
def test_a_board_on_a_port_is_recorded(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_at(tmp_path, monkeypatch)
    clock, heard = Clock(), Recorder()
    with balls.serve_pty(TextBoard(HARD), None, clock) as server:
        run = live(LiveRequest(address=server.address + named, sound=False), load_settings(flags={}), [heard])
        run.start()
        heard.wait(Reading, lambda reading: bool(reading.t_s[-1] > 2.0 and np.isfinite(reading.load).any()))
        run.stop("user")
        assert run.join(30)
    assert run.outcome is not None
    assert run.outcome.code == 0
    (opened,) = heard.of(Opened)
    assert (opened.device["kind"], opened.simulated) == ("text", True)
    with Store(tmp_path / "data" / "knead.db") as store:
        (row,) = store.list()
    assert (row.state, row.simulated) == ("complete", True)
    assert row.scans == sum(len(reading.t_s) for reading in heard.of(Reading))


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
def test_the_zero_of_a_board_is_kept_for_its_next_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_at(tmp_path, monkeypatch)
    Store(tmp_path / "data" / "knead.db").close()
    held = load_settings(flags={})
    board = TextBoard("empty", form="counts", tares=False)
    with balls.serve_pty(board, None, Clock()) as server:
        refused = tare(server.address, held, 20.0)
        assert refused.code == 1, "its offset looks like a load"
        outcome = tare(server.address, held, 20.0, free=True)
        assert outcome.code == 0, outcome.text
        with Store(tmp_path / "data" / "knead.db") as store:
            (device,) = store.devices.list()
        numbers = device.kept["zero"]
        assert isinstance(numbers, list)
        (zero,) = numbers
        assert zero == pytest.approx(OFFSET, abs=200)
        heard = Recorder()
        run = live(LiveRequest(address=server.address, sound=False), held, [heard])
        run.start()
        reading = heard.wait(Reading)
        run.stop("user")
        assert run.join(30)
    assert np.abs(reading.load).max() <= 512
