"""A bad link: what the user sees, hears and finds in the log. Nothing is lost that the ball has, nothing invented."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from companion import balls
from companion.clock import Clock
from companion.compose import live
from companion.config import load_settings
from companion.run import LiveRequest
from firmware_protocol.simulator.faults import parse_faults
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Alert, Level, Notice, Opened, Phase, Reading, Totals
from sessions.journal import Journal
from sessions.store import Store
from tests.kit import Recorder
from tests.stories import Story, pressed, told
from tests.test_journal import until

LOST = [("silence", Level.TECHNICAL, Phase.RAISED), ("silence", Level.OK, Phase.CLEARED)]
HELD_S = 15.0


def played(faults: str, seconds: float = 28.0, **more: object) -> Story:
    return Story(pressed(HELD_S), faults=faults, **more).run(seconds).end()  # type: ignore[arg-type]  # fields of Story


def missing(story: Story, directory: Path) -> int:
    """Scans between the first and the last received one that never came, not even late."""
    rows = story.rows(directory)
    assert len(rows) == len(set(rows)), "no scan is there twice"
    return max(rows) + 1 - min(rows) - len(rows)


def late_scans(story: Story) -> int:
    return sum(len(reading.t_s) for reading in story.of(Reading) if reading.late)


def check_gaps(story: Story, directory: Path) -> None:
    """Each scan that did not come in time is in a gap that counts it; the log tells the same."""
    lost = sum(lost for _, _, lost, _ in story.gaps())
    assert lost == missing(story, directory) + late_scans(story)
    data = story.log(directory)
    assert [(gap.from_s, gap.to_s, gap.lost, gap.cause) for gap in data.gaps] == story.gaps()


def shown_level(story: Story) -> Level:
    return story.snapshot.level


# Frames


@pytest.mark.parametrize(
    ("faults", "reasons"),
    [
        ("drop=2%", set()),
        ("dup=5%", {"stale"}),
        ("burst=200ms", {"cobs", "crc", "short", "oversize"}),
        ("flip=1e-4", {"cobs", "crc"}),
        ("cut=2%", {"cobs", "crc", "short"}),
        ("glue=2%", {"crc", "cobs", "oversize"}),
        ("text=5%", {"cobs", "crc", "oversize"}),
        ("jitter=100ms", set()),
        ("drop=2%,dup=1%,jitter=50ms,flip=3e-5,cut=1%,glue=1%,text=1%", {"cobs", "crc", "stale", "oversize", "short"}),
    ],
)
def test_spoilt_frames_cost_scans_that_the_log_of_the_ball_brings_back(
    faults: str, reasons: set[str], tmp_path: Path
) -> None:
    story = played(faults)
    assert missing(story, tmp_path) <= 20, "only what was lost at the very end may still be missing"
    check_gaps(story, tmp_path)
    assert {gap[3] for gap in story.gaps()} <= {"lost"}
    assert story.damage().keys() <= reasons | {"tag"}
    told = {reason: count for reason, count in story.host.damage.items() if reason != "anchor"}
    assert sum(story.damage().values()) == sum(told.values())
    assert [alert for alert in story.alerts() if alert.level >= Level.CAUTION] == [], "no alarm for what does no harm"
    assert len(story.of(Opened)) == 1


def test_every_duplicate_is_dropped_and_counted() -> None:
    story = played("dup=5%")
    assert told(story, "dup") > 10
    # a copy of a SAMPLES is stale, one of a reply answers nothing; copies of STATUS do no harm
    copies = sum("42h" not in harm.what and "43h" not in harm.what for harm in story.ball.harms)
    assert sum(story.damage().values()) == copies
    assert story.gaps() == []


def test_jitter_shows_no_gap_and_no_false_alarm() -> None:
    story = played("jitter=150ms")
    assert (story.gaps(), story.unseen(), story.alerts()) == ([], [], [])


def test_a_burst_blinks_the_number_out_and_books_the_time(tmp_path: Path) -> None:
    story = played("burst=300ms")
    held = [gap for gap in story.gaps() if 5 < gap[0] < HELD_S]
    assert held
    for from_s, to_s, lost, _ in held:
        assert lost == round((to_s - from_s) * 100) - 1
        assert to_s - from_s > 0.25
    assert len(story.unseen()) >= len(held)
    assert story.estimated_s() >= sum(to_s - from_s for from_s, to_s, _, _ in held) - 0.02 * len(held)
    assert story.alerts("silence") == []


def test_clumps_show_nothing_between_them_and_lose_nothing(tmp_path: Path) -> None:
    """A radio that hands over once a second: too old is unknown, however regularly it comes."""
    story = played("clump=600ms")
    assert story.gaps() == []
    spells = story.unseen()
    assert len(spells) > 30
    assert all(to_s - from_s == pytest.approx(0.35, abs=0.02) for from_s, to_s in spells[1:-1])
    assert missing(story, tmp_path) == 0
    assert story.alerts("silence") == []


# Text


def test_boot_text_is_passed_over(tmp_path: Path) -> None:
    story = played("boottext,reboot@10")
    assert told(story, "boottext") == 2
    assert missing(story, tmp_path) <= 1
    assert len(story.notices("segment")) == 1
    assert len(story.of(Opened)) == 1


def test_a_late_reply_is_no_answer_to_a_later_question(tmp_path: Path) -> None:
    for at in ("0", "8"):
        story = played(f"late=1.5s@{at}")
        assert told(story, "late") == 1
        assert story.damage() == {"tag": 1}
        assert missing(story, tmp_path) == 0
        assert (story.gaps(), story.alerts()) == ([], [])


# Time without data


def test_half_a_second_of_silence_is_unknown_but_no_alarm(tmp_path: Path) -> None:
    story = played("silence=600ms@10")
    ((from_s, to_s),) = story.unseen()
    (gap,) = story.gaps()
    assert gap[3] == "lost"
    assert gap[1] - gap[0] == pytest.approx(0.6, abs=0.06)
    assert from_s - story.scenario_at_s - gap[0] == pytest.approx(0.25, abs=0.06)  # type: ignore[operator]  # it began
    assert to_s - from_s == pytest.approx(0.35, abs=0.06)
    assert story.alerts() == []
    assert story.estimated_s() == pytest.approx(0.6, abs=0.06)
    check_gaps(story, tmp_path)
    assert [notice.fields["state"] for notice in story.notices("value")] == ["unknown", "known"]


@pytest.mark.parametrize(
    ("faults", "cause", "closes"),
    [("silence=5s@10", "link", 0), ("stall=5s@10", "link", 0), ("unplug=5s@10", "link", 0)],
)
def test_five_seconds_without_data_are_unknown_then_an_alarm_then_a_gap_in_one_session(
    faults: str, cause: str, closes: int, tmp_path: Path
) -> None:
    story = played(faults)
    (gap,) = story.gaps()
    assert gap[3] == cause
    assert gap[1] - gap[0] == pytest.approx(5.1, abs=0.2)
    assert story.heard() == LOST
    raised, cleared = story.alerts()
    assert raised.t_s - gap[0] == pytest.approx(1.0, abs=0.06)
    assert raised.text == "sensor lost, ease off"
    assert cleared.t_s == pytest.approx(gap[1], abs=0.06)
    ((from_s, to_s),) = story.unseen()
    assert to_s - from_s == pytest.approx(gap[1] - gap[0] - 0.25, abs=0.1)
    assert story.estimated_s() == pytest.approx(gap[1] - gap[0], abs=0.05)
    assert missing(story, tmp_path) == 0, "the ball's log had it all"
    check_gaps(story, tmp_path)
    assert len(story.of(Opened)) == 1
    assert len(story.closes) == closes
    states = [notice.fields["state"] for notice in story.notices("link")]
    assert states[-1] == "live"
    assert "stale" in states or "lost" in states


def test_while_it_is_silent_the_number_is_struck_out_and_the_screen_says_so() -> None:
    story = Story(pressed(HELD_S), faults="silence=5s@8").run(8.0)
    face = story.face()
    assert face.known
    assert face.number not in ("--", "0")
    story.run(9.0)
    face = story.face()
    assert (face.number, face.word) == ("--", "UNKNOWN")
    assert not face.lost_under_load
    story.run(10.5)
    face = story.face()
    assert face.lost_under_load
    assert face.number == "--"
    assert shown_level(story) is Level.TECHNICAL
    story.run(16.0)
    assert story.face().known
    assert shown_level(story) is Level.OK


def test_silence_with_nobody_on_the_ball_is_only_a_notice_and_books_nothing() -> None:
    story = Story("empty", faults="silence=5s@10").run(25).end()
    assert story.heard() == LOST
    assert {sight.level for sight in story.sights} <= {Level.OK, Level.NOTICE}
    assert story.estimated_s() == 0


def test_over_a_minute_without_data_under_load_books_sixty_seconds_and_closes_the_region(tmp_path: Path) -> None:
    story = Story(pressed(85, 30.0), faults="silence=70s@10").run(110).end()
    (closed,) = story.notices("region")
    assert closed.fields["state"] == "closed"
    assert closed.t_s == pytest.approx(70, abs=0.5), "sixty seconds after the last value, not when the data are back"
    assert story.estimated_s() == pytest.approx(60, abs=0.01)
    (gap,) = story.gaps()
    assert gap[1] - gap[0] == pytest.approx(70, abs=5)
    assert ("closed", Level.CAUTION, Phase.RAISED) in story.heard()
    assert missing(story, tmp_path) <= 1100, "what the ball's log of a minute no longer had"
    check_gaps(story, tmp_path)


def test_the_time_lost_under_load_is_dosed_at_least_as_the_last_pressure() -> None:
    quiet, lost = played(""), played("unplug=5s@10")
    dose = [story.of(Totals)[-1].regions[0].dose_kpa_s for story in (quiet, lost)]
    assert dose[1] >= dose[0] - 5.0
    assert lost.of(Totals)[-1].regions[0].contact_s == pytest.approx(quiet.of(Totals)[-1].regions[0].contact_s, abs=0.2)


# Reconnecting


def test_frames_of_the_old_link_that_come_on_the_new_one_change_nothing(tmp_path: Path) -> None:
    story = played("reorder=400ms@10")
    assert told(story, "reorder") == 1
    assert story.damage()["stale"] >= 8
    assert story.heard() == LOST
    assert missing(story, tmp_path) == 0
    check_gaps(story, tmp_path)
    live = np.concatenate([reading.t_s for reading in story.of(Reading) if not reading.late])
    assert (np.diff(live) > 0).all()


@pytest.mark.parametrize("restart", ["reboot@9.2", "reset@10"])
def test_frames_of_the_boot_before_are_not_taken_for_scans_of_the_next(restart: str, tmp_path: Path) -> None:
    """They count on from the new START, nine seconds ahead of it: taken, they would put off all that follows."""
    story = played(f"reorder=400ms@9,{restart}")
    assert told(story, "reorder") == 1
    assert story.damage()["order"] == 1
    (gap,) = story.gaps()
    assert gap[1] - gap[0] < 3.0
    assert gap[3] == "reboot"
    newest = story.of(Reading)[-1]
    assert newest.t_s[-1] == pytest.approx(newest.arrival_s - story.scenario_at_s, abs=0.1)  # type: ignore[operator]  # it began
    story.log(tmp_path)


def test_a_ball_that_restarts_while_its_last_frames_are_held_up_comes_back() -> None:
    story = played("reorder=2s@9,reboot@9")
    assert told(story, "reorder") == 1
    assert [gap[3] for gap in story.gaps()] == ["reboot"]
    assert story.of(Reading)[-1].t_s[-1] == pytest.approx(27.7, abs=0.3)


def test_a_ball_unplugged_again_and_again_stays_one_session(tmp_path: Path) -> None:
    away = [[at, at + 2] for at in range(6, 24, 6)]
    story = Story(pressed(20, away=away)).run(32).end()
    assert len(story.gaps()) == 3
    assert [gap[3] for gap in story.gaps()] == ["link"] * 3
    assert story.heard() == LOST * 3
    assert missing(story, tmp_path) == 0
    check_gaps(story, tmp_path)
    assert len(story.of(Opened)) == 1


# Floods


def test_a_flood_is_told_in_sums_and_starves_nothing(tmp_path: Path) -> None:
    story = played("flood=100@10")
    assert sum(story.damage().values()) == sum(story.host.damage.values()) > 3000
    assert len(story.notices("damaged")) <= 8
    assert len(story.notices("status")) <= 6
    assert (story.gaps(), story.unseen(), story.alerts()) == ([], [], [])
    assert missing(story, tmp_path) == 0
    check_gaps(story, tmp_path)


# A second knead


def test_another_knead_may_read_the_log_while_this_one_writes_it(tmp_path: Path) -> None:
    story = Story(pressed(4)).run(9).end()
    path = tmp_path / "knead.db"
    notices: list[Notice] = []
    with Store(path):
        pass
    journal = Journal(path, notices.append, commit_s=0.01)
    for event in story.events[: len(story.events) // 2]:
        journal(event)
    with Store(path) as first:
        until(lambda: len(first.list()) == 1)  # it is in the log, and nothing but its lock tells that somebody records
    with Store(path) as other:
        assert other.recovered == [], "whoever records it holds its lock"
        assert [row.state for row in other.list()] == ["recording"]
        for event in story.events[len(story.events) // 2 :]:
            journal(event)
        result = journal.close()
        assert (result.error, result.unsaved_s, notices) == (None, 0, [])
        (row,) = other.list()
    assert row.state == "complete"
    assert row.scans == sum(len(reading.t_s) for reading in story.of(Reading))


def test_the_log_tells_the_alarms_as_they_were_heard(tmp_path: Path) -> None:
    story = played("unplug=5s@10")
    data = story.log(tmp_path)
    kept = [event for event in data.events if isinstance(event, Alert)]
    assert [replace(alert, t_s=0) for alert in kept] == [replace(alert, t_s=0) for alert in story.alerts()]


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_a_ball_unplugged_and_back_under_a_new_name_goes_on_in_the_same_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a real port, by a clock that runs ten times as fast."""
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    clock, heard = Clock(10.0), Recorder()
    link = tmp_path / "ball"
    ball = VirtualBall(pressed(60), seed=5, faults=parse_faults("unplug=5s@6"))
    with balls.serve_pty(ball, link, clock) as server:
        before = link.readlink()
        request = LiveRequest(address=server.address, speed=10.0)
        run = live(request, load_settings(flags={}), [heard])
        run.start()
        gap = heard.wait(Notice, lambda notice: notice.kind == "gap")
        heard.wait(Reading, lambda reading: bool(reading.t_s[-1] > gap.t_s + 1))
        assert link.readlink() != before
        run.stop("user")
        assert run.join(30)
    assert run.outcome is not None
    assert run.outcome.code == 0
    assert len(heard.of(Opened)) == 1
    assert "lost" in [notice.fields["state"] for notice in heard.of(Notice) if notice.kind == "link"]
    with Store(tmp_path / "data" / "knead.db") as store:
        (row,) = store.list()
        (kept,) = store.load(row.id).gaps
    assert kept.cause == "link"
    assert kept.to_s - kept.from_s > 4.5
