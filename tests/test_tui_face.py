"""What the live and danger screens say, in every size: never half a number, never an old one."""

import math
from typing import Any

import numpy as np
import pytest

from companion.tui import words
from companion.tui.curve import axis_rows, sign_of, trace_rows
from companion.tui.danger import danger_rows
from companion.tui.face import STOPPED, Now, alert_rows, panel_rows, start_rows, title_row
from companion.tui.liveview import LiveView, Marks
from companion.tui.overlay import MARKERS, Compared, overlay_rows
from companion.tui.snapshot import Snapshot
from companion.tui.told import LINES_MAX, log_lines
from companion.tui.tones import Row, Rows, Tone
from companion.tui.widgets.bignumber import banner, far_number, near_number
from companion.tui.widgets.gauge import gauge_rows
from companion.tui.widgets.preview import preview_rows
from companion.tui.widgets.tiny import tiny_rows
from sessions.events import Action, Alert, Closed, Cue, Event, Floats, Level, Phase
from tests.test_tui_stage import HOSTILE, HOSTILE_SHOWN, FakeRow
from tests.tui_plays import MARKS, alert, notice, opened, reading, totals

SIZES = [(1, 1), (6, 1), (12, 3), (30, 8), (40, 12), (60, 20), (80, 24), (100, 30), (120, 40), (200, 60)]


def now(*events: Event, age_s: float = 0.02, **other: Any) -> Now:
    view = LiveView(lambda _: MARKS)
    for event in events:
        view(event)
    return Now(view.snapshot(), age_s, **other)


def lines(rows: Rows | list[Row]) -> list[str]:
    return ["".join(text for text, _ in row) for row in rows]


def at(kpa: float, *events: Event, **other: Any) -> Now:
    return now(opened(), reading(3.0, kpa), *events, **other)


# --- words ---


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (HOSTILE, HOSTILE_SHOWN),
        ("\x1b]0;title\x07name", "name"),
        ("\x1b]0;title\x1b\\name", "name"),
        ("\x9b31mred", "red"),
        ("a\nb\tc\r\x00d", "a b c d"),
        ("\x1b\x1b", ""),
        ("zero\u200bwidth\u2066", "zero width"),
        ("x" * 99, "x" * 57 + "..."),
    ],
)
def test_foreign_text_is_one_plain_line(raw: str, shown: str) -> None:
    assert words.plain(raw) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, "0:00"), (75.9, "1:15"), (3852.0, "1:04:12"), (-1.0, "0:00"), (math.nan, "--")]
)
def test_a_clock(seconds: float, shown: str) -> None:
    assert words.clock(seconds) == shown


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (alert("peak", Level.STOP, text="stop, come off"), "STOP stop, come off"),
        (alert("peak", Level.OK, Phase.CLEARED, text="peak"), "over: peak"),
        (alert("peak", Level.OK, Phase.CONFIRMED), "stop confirmed"),
        (notice("gap", "2 s without data\x1b[2J"), "2 s without data"),
        (Action("mark", {"text": "[b]spot"}), "you: mark (text [b]spot)"),
        (Closed(1.0, "user"), "ended: user"),
        (opened(), "began: virtual 7F2A, piriformis left"),
    ],
)
def test_an_event_as_a_line(event: Event, shown: str) -> None:
    assert words.event(event) == shown


# --- number, zone, age ---


@pytest.mark.parametrize(
    ("kpa", "word"), [(2.0, "REST"), (20.0, "LIGHT"), (47.0, "WORK"), (100.0, "HIGH"), (130.0, "OVER")]
)
def test_a_zone_has_its_word_and_its_pattern(kpa: float, word: str) -> None:
    moment = at(kpa)
    assert (moment.word, moment.number) == (word, f"{kpa:.0f}")
    first = lines(panel_rows(moment))[0]
    assert first.startswith({"REST": "···", "LIGHT": "░░░", "WORK": "▒▒▒", "HIGH": "▓▓▓", "OVER": "███"}[word])


def test_an_old_number_is_unknown() -> None:
    fresh, old = at(47.0, age_s=0.24), at(47.0, age_s=0.26)
    assert (fresh.number, fresh.word) == ("47", "WORK")
    assert (old.number, old.word) == ("--", "UNKNOWN")
    assert "47" not in "".join(lines(panel_rows(old)))
    assert "▲" not in "".join(lines(gauge_rows(old, 80)))


def test_an_age_that_is_no_number_is_old() -> None:
    assert not at(47.0, age_s=math.nan).known


def test_what_the_guard_calls_unknown_is_not_shown() -> None:
    assert at(47.0, notice("value", state="unknown")).number == "--"


def test_the_end_of_the_scale_is_no_number() -> None:
    nothing = np.array([math.nan])
    moment = at(math.nan, reading(3.1, math.nan, saturated=np.array([True]), smooth_kpa=nothing))
    assert (moment.number, moment.word, moment.tone) == ("MAX", "FULL SCALE", Tone.OVER)


def test_without_newtons_no_limit_is_claimed() -> None:
    nothing = np.array([math.nan])
    moment = now(opened(), reading(0.0, 40.0, unit="counts", pressure_kpa=nothing, smooth_kpa=nothing))
    assert (moment.word, moment.number, moment.unit) == ("NO LIMITS", "48", "counts")
    assert "no newtons" in lines(panel_rows(moment))[-1]
    assert lines(gauge_rows(moment, 60)) == ["no pressure limits"]


def test_what_no_limit_judges_has_no_load_and_no_dose() -> None:
    """Unknown is never shown as zero, and nothing is said of limits that judge nothing."""
    nothing = np.array([math.nan])
    moment = now(opened(), reading(0.0, 40.0, unit="counts", pressure_kpa=nothing, smooth_kpa=nothing), totals(3.0))
    rows = lines(panel_rows(moment))
    assert rows[1] == "hold      --"
    assert "dose -- %" in rows[2]
    assert all(len(row) <= 44 for row in rows), "the panel is 44 cells wide"
    words_at_start = " ".join(lines(start_rows(moment, (), 200)))
    assert "limits are" not in words_at_start
    assert "knead calibrate" in words_at_start


# --- the lines around it ---


def test_the_title_says_who_and_whether_it_is_kept() -> None:
    left, right = title_row(at(47.0))
    assert lines([left, right]) == ["Live  virtual 7F2A  (simulated)", "● REC 0:03 "]
    assert lines([title_row(at(47.0, recorded=False))[1]]) == ["NOT RECORDED "]
    waiting = notice("storage", t_s=1.0, state="waiting", seconds=0.5)
    assert lines([title_row(at(47.0, waiting))[1]]) == ["NOT ON DISK for 2 s  0:03 "], (
        "it counts on: on the disk to 0.5 s, now it is 3 s"
    )
    assert lines([title_row(now(title="serial:/dev/ttyACM0"))[0]]) == ["Live  serial:/dev/ttyACM0"]
    assert lines([title_row(at(47.0, title="replay:last"))[0]])[0].startswith("Replay  ")


def test_a_hostile_name_is_shown_plainly() -> None:
    left, _ = title_row(now(opened(device={"model": HOSTILE, "serial": "\x1b[2J"})))
    assert lines([left]) == [f"Live  {HOSTILE_SHOWN}  (simulated)"]


def test_the_panel_tells_hold_dose_peak_link_and_caution() -> None:
    told = lines(
        panel_rows(at(47.0, totals(3.0), notice("link", state="live"), notice("status", battery_pct=87), age_s=0.1))
    )
    assert told == [
        "▒▒▒ WORK  kPa",
        "hold    0:18 ▰▰▰▰▰▱▱▱▱▱▱▱ 45 %",
        "contact  1:12 dose 34 % of its limit",
        "peak       93 kPa  raw 47",
        "on      piriformis left, hard",
        "link    live, 0.1 s old",
        "rate    -- Hz  lost 0.0 %  battery 87 %",
        "not screened: limits halved, by judgement",
    ]
    assert max(map(len, told)) <= 44


def test_before_the_first_reading_nothing_is_claimed() -> None:
    told = lines(panel_rows(now(notice("link", state="greeting"), age_s=math.nan)))
    assert told[0].startswith("WAITING")
    assert told[5] == "link    connected, asking, no data yet"
    assert lines(gauge_rows(now(), 40)) == ["zones are not known yet"]


def test_alerts_stand_in_order_with_word_and_sign() -> None:
    moment = at(
        47.0,
        alert("hold", Level.NOTICE, text="ease off soon"),
        alert("dose", Level.CAUTION, text="move on"),
        alert("dose", Level.CAUTION, Phase.SILENCED),
    )
    rows = alert_rows(moment, 2, 80)
    assert lines(rows) == [" [!] CAUTION move on (sound off) ", " [i] NOTICE ease off soon "]
    assert [row[0][1] for row in rows] == [Tone.CAUTION, Tone.NOTICE]
    assert lines(alert_rows(moment, 1, 80)) == [" [!] CAUTION move on (sound off)  and 1 more"]


def test_a_latched_stop_says_how_to_go_on() -> None:
    moment = at(0.0, alert("peak", Level.STOP), alert("peak", Level.STOP, Phase.LATCHED))
    first = lines(alert_rows(moment, 2, 80))[0]
    assert first.startswith(f" [X] {STOPPED}   (stop by peak)")
    assert len(first) == 80


def test_what_the_screen_says_stands_above_the_alerts() -> None:
    told = lines(alert_rows(at(47.0, alert("hold", Level.NOTICE, text="ease")), 2, 40, said="mark set"))
    assert told == [" mark set ".ljust(40), " [i] NOTICE ease "]


# --- the gauge ---


@pytest.mark.parametrize("width", [20, 40, 78, 118, 200])
@pytest.mark.parametrize("kpa", [0.0, 4.9, 47.0, 120.0, 151.0, 900.0])
def test_the_gauge_fills_its_width_and_the_marker_stands_in_its_zone(width: int, kpa: float) -> None:
    moment = at(kpa)
    heads, bar, marker = lines(gauge_rows(moment, width))
    assert len(heads) == len(bar) == width
    assert len(marker) <= width
    assert moment.number in marker
    place = marker.index("▲")
    assert moment.zone is not None
    assert bar[place] == "·░▒▓█"[moment.zone] or width == 20  # where a zone may have no cell at all


def test_the_gauge_names_its_zones() -> None:
    heads = lines(gauge_rows(at(47.0), 118))[0]
    assert [word for word in ("LIGHT", "WORK", "HIGH", "OVER", "STOP") if word in heads] == heads.replace(
        "│", ""
    ).split()


def test_the_axis_carries_the_pattern_of_each_zone() -> None:
    labels = [label for label, _ in axis_rows(10, 150.0, MARKS.edges)]
    assert labels[0] == " 150 │"
    assert labels[-1] == "   0 │"
    assert [label.strip() for label in labels if label[4] in "▒▓█"] == ["121█│", "87▓│", "35▒│"]


# --- large things, in every size ---


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("kpa", [7.0, 160.0, 1234.0])
def test_the_danger_screen_fills_every_size_and_says_stop(width: int, height: int, kpa: float) -> None:
    moment = at(kpa, alert("peak", Level.STOP, text="stop, come off: far over your limit"))
    told = lines(danger_rows(moment, width, height))
    assert len(told) <= height
    assert all(len(line) == width for line in told)
    if width >= 17 and height >= 8:
        assert "COME OFF THE BALL" in "".join(told) or "▄▀▀▀▄" in "".join(told)
    if width >= 80:
        assert len(told) == height
        assert told[0] == "█" * width
        assert "far over your limit" in "".join(told)
        assert any("limit 151 kPa" in line for line in told)
    digits = "".join(told)
    assert "12" not in digits or "1234" in digits  # never a part of a number


@pytest.mark.parametrize("storage", ["waiting", "written"])
def test_the_danger_screen_says_recorded_of_what_is(storage: str) -> None:
    told = "".join(lines(danger_rows(at(160.0, alert("peak", Level.STOP), notice("storage", state=storage)), 120, 40)))
    assert ("goes on being recorded" in told) == (storage == "written")
    assert ("is not on the disk now" in told) == (storage == "waiting")


def test_the_danger_screen_shows_no_old_number() -> None:
    moment = at(160.0, alert("peak", Level.STOP), age_s=2.0)
    fresh = at(160.0, alert("peak", Level.STOP))
    assert lines(danger_rows(moment, 80, 24)) != lines(danger_rows(fresh, 80, 24))
    assert moment.number == "--"


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_tiny_terminal_has_word_and_whole_number(width: int, height: int) -> None:
    told = lines(tiny_rows(at(123.0), width, height))
    assert 1 <= len(told) <= height
    assert all(len(line) <= width for line in told)
    assert told[0].strip() in ("OVER 123 kPa", "OVER 123", "OVER", "O")
    stopped = lines(tiny_rows(at(1.0, alert("peak", Level.STOP), alert("peak", Level.STOP, Phase.LATCHED)), 80, 24))
    assert stopped[1] == STOPPED


def test_a_lost_signal_under_load_says_what_to_do() -> None:
    moment = at(80.0, alert("silence", Level.TECHNICAL, text="sensor lost, ease off"), age_s=2.0)
    assert moment.lost_under_load
    assert lines(tiny_rows(moment, 30, 2))[0].strip() == "SIGNAL LOST, EASE OFF"
    assert lines(tiny_rows(moment, 10, 2))[0].strip() == "EASE OFF"
    large = banner(("SIGNAL LOST", "EASE OFF"), 80, 8)
    assert len(large) == 8
    assert {tone for row in large for _, tone in row} == {Tone.TECHNICAL}
    assert lines(banner(("SIGNAL LOST", "EASE OFF"), 30, 8)) == [
        f" {text}".ljust(30) for text in ("SIGNAL LOST", "EASE OFF")
    ]


def test_a_lost_signal_without_load_is_no_alarm_of_that_size() -> None:
    assert not at(0.0, alert("silence", Level.TECHNICAL), age_s=2.0).lost_under_load


@pytest.mark.parametrize("kpa", [4.0, 47.0, 130.0])
@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_far_view_fits_number_and_zone(kpa: float, width: int) -> None:
    told = lines(far_number(at(kpa, totals(3.0)), width, 14))
    assert len(told) == 14
    assert all(len(line) <= width for line in told)
    assert sum("█" in line for line in told) >= 13


@pytest.mark.parametrize(("counts", "rows"), [(48, 7), (484_321, 4), (-48_321, 4), (4_843_210, 1)])
def test_a_count_stays_apart_from_the_panel(counts: int, rows: int) -> None:
    """The number has 36 columns at 80, the panel begins right behind it."""
    shown = lines(near_number(at(counts), 36, 8))
    assert len(shown) == rows
    assert max(map(len, shown)) < 36
    assert not any(row.strip("#") == "" for row in shown if rows == 1)


def test_a_zone_just_wide_enough_has_its_word() -> None:
    marks = Marks(light=5.0, work=40.0, high=45.0, over=70.0, stop=90.0)
    view = LiveView(lambda _: marks)
    for event in (opened(), reading(3.0, 47.0)):
        view(event)
    heads = [lines(gauge_rows(Now(view.snapshot(), 0.02), width))[0] for width in range(80, 120)]
    assert any("│WORK│HIGH" in head for head in heads)
    assert any("│    │HIGH" not in head and "WORK" not in head for head in heads), "too narrow for it"


# --- sessions ---


def test_a_session_in_one_strip_shows_its_gaps() -> None:
    t_s = np.concatenate([np.arange(0.0, 4.0, 0.1), np.arange(6.0, 10.0, 0.1)])
    told = lines(preview_rows(t_s, np.full(len(t_s), 50.0), 20, 3))
    assert told[0] == "0 to 50 kPa"
    assert told[1] == "█" * 8 + " " * 4 + "█" * 8
    assert lines(preview_rows(np.zeros(0), np.zeros(0), 20, 3)) == ["nothing was measured"]
    assert lines(preview_rows(t_s, np.full(len(t_s), math.nan), 20, 3)) == ["no pressure is known"]


def test_curves_laid_over_each_other_are_drawn_where_something_is_known() -> None:
    t_s = np.arange(0.0, 10.0, 0.1)
    unknown, known = (t_s, np.full(100, math.nan)), (t_s, np.full(100, 30.0))
    row: Any = FakeRow("a")

    def drawn(*curves: tuple[Floats, Floats]) -> str:
        found = Compared("start", (row,) * len(curves), (0.0,) * len(curves), curves, (), 0)
        return "\n".join(lines(overlay_rows(found, 40, 8)))

    assert drawn(unknown, unknown) == "no pressure is known"
    told = drawn(unknown, known)
    assert MARKERS[1] in told
    assert MARKERS[0] not in told


def test_the_noise_of_an_untouched_ball_stays_at_the_bottom() -> None:
    t_s, kpa = np.arange(0.0, 10.0, 0.1), np.full(100, 0.05)
    assert lines(preview_rows(t_s, kpa, 20, 3)) == ["0 to 10 kPa", " " * 20, " " * 20]
    rows = lines(trace_rows(t_s, kpa, 0.0, 10.0, 40, 4))
    assert rows[0].startswith("  10 │")
    assert all(row[6:].strip() == "" for row in rows[:-1])


def test_the_log_leaves_out_what_is_routine() -> None:
    happened: list[Event] = [notice("status", "battery 87 %"), totals(1.0), notice("gap", "2 s without data", t_s=61.0)]
    happened += [Cue(62.0, "count", 1, "three"), Cue(63.0, "step", 2, "now: still holds")]
    assert log_lines(happened) == ["   1:01 2 s without data", "   1:03 now: still holds"]
    assert sign_of(happened[-1]) == "|"
    many = log_lines([notice("link", str(n)) for n in range(LINES_MAX + 5)])
    assert (len(many), many[-1].strip()) == (LINES_MAX + 1, "and 5 more")


def test_a_session_plot_leaves_gaps_blank_and_joins_slow_scans() -> None:
    t_s = np.concatenate([np.arange(0.0, 4.0, 0.5), np.arange(8.0, 12.0, 0.5)])
    rows = lines(trace_rows(t_s, np.full(len(t_s), 50.0), 0.0, 12.0, 60, 4))
    drawn = "".join("x" if any(row[column] != " " for row in rows) else " " for column in range(6, 66))
    assert drawn[:17] == "x" * 17  # half a second is five cells: joined
    assert set(drawn[20:39]) == {" "}  # four seconds are missing


@pytest.mark.parametrize(
    ("event", "sign"),
    [
        (alert("peak", Level.STOP), "X"),
        (alert("hold", Level.CAUTION), "!"),
        (alert("hold", Level.NOTICE), ""),
        (alert("peak", Level.STOP, Phase.LATCHED), ""),
        (Action("mark"), "m"),
        (Action("tare"), ""),
    ],
)
def test_signs_under_the_plot(event: Alert | Action, sign: str) -> None:
    assert sign_of(event) == sign


def test_an_empty_snapshot_can_be_shown() -> None:
    moment = Now(Snapshot(), math.nan)
    assert moment.word == "WAITING"
    assert lines(danger_rows(moment, 80, 24))
    assert lines(tiny_rows(moment, 80, 24))[0].startswith("WAITING")
