"""What is printed of a session: plain words and JSON lines, from made-up events."""

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from companion.cli.assumed import assumptions
from companion.cli.jsonl import Jsonl
from companion.cli.plain import Plain
from companion.cli.watch import Ending
from companion.cli.zones import Edges, edges_of
from companion.safety.limits import GuardContext
from sessions.events import (
    Action,
    Alert,
    Closed,
    Event,
    Fields,
    Level,
    Notice,
    Opened,
    Phase,
    Reading,
    RegionTotals,
    Totals,
)

EDGES: Edges = (5.0, 20.0, 50.0, 70.0)
ENDING = Ending(0, "0197a3b4-5c6d-7000-8000-000000000000", None, "/data/knead.db")
NOTHING = Ending(3, None, None, "/data/knead.db")
NAN = math.nan


def opened(**changed: Any) -> Opened:
    fields: dict[str, Any] = {
        "t_s": 0.0,
        "started_at": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        "device": {"serial": "VB-1", "model": "virtual"},
        "person": "me",
        "region": "glute",
        "side": "left",
        "tool": "hard",
        "area_cm2": 8.0,
        "program": None,
        "context": {"region": "glute", "judged": True, "screened": False, "factor_k": 0.5},
        "smoothing": {"delay_s": 0.1},
        "simulated": True,
        "software": "knead 0",
    }
    return Opened(**(fields | changed))


def reading(t_s: Iterable[float], kpa: float | Iterable[float], **changed: Any) -> Reading:
    """Scans on one 8 cm2 cell pressed with `kpa`."""
    times = np.array(list(t_s), np.float64)
    pressure = np.broadcast_to(np.array(kpa, np.float64), times.shape).copy()
    fields: dict[str, Any] = {
        "t_s": times,
        "cells": pressure[:, None] * 0.8,
        "load": pressure * 0.8,
        "pressure_kpa": pressure,
        "smooth_kpa": pressure,
        "ramp_kpa_s": np.zeros_like(pressure),
        "saturated": np.zeros(len(times), np.bool_),
        "unit": "N",
        "lost": 0,
        "values": np.zeros((len(times), 1), np.int16),
        "index": 0,
        "t_us": 0,
        "span_us": 0,
        "segment": 0,
        "arrival_s": 0.0,
    }
    return Reading(**(fields | changed))


def alert(level: Level = Level.CAUTION, phase: Phase = Phase.RAISED, **changed: Any) -> Alert:
    fields: dict[str, Any] = {
        "t_s": 12.34,
        "cause": "peak",
        "level": level,
        "phase": phase,
        "value": 182.04,
        "limit": 144.0,
        "unit": "kPa",
        "region": "glute",
        "side": "left",
        "text": "lighten",
    }
    return Alert(**(fields | changed))


def totals() -> Totals:
    return Totals(9.0, 8.0, (RegionTotals("glute", "left", 8, 500, 12000, NAN, 3, 1, 60, 48, (1, 2, 3, 4, 0), 0),))


def plain() -> Plain:
    return Plain(lambda context: EDGES if context.get("judged") else None)


def printed(form: Plain | Jsonl, *events: Event) -> list[str]:
    return [line for event in events for line in form.lines(event)]


def parsed(*events: Event) -> list[dict[str, Any]]:
    def no_constant(text: str) -> None:
        raise AssertionError(f"{text} is not JSON")

    return [json.loads(line, parse_constant=no_constant) for line in printed(Jsonl(), *events)]


# --- plain ---


def scans(first: int, last: int) -> list[float]:
    return [i / 10 for i in range(first, last)]


def test_readings_alone_say_nothing_while_nothing_happens() -> None:
    lines = printed(plain(), opened(), *(reading(scans(n, n + 2), 30.0) for n in range(0, 600, 2)))
    assert [line.split(",")[0] for line in lines[1:]] == ["WORK zone"]


def test_the_beginning_and_the_end_of_a_hold_are_told() -> None:
    held = [0.0, 1.0, 4.0, 5.0, 6.0, 30.0, 31.0, 0.0, 0.0, 3.0, 0.0]
    rows = [replace(totals().regions[0], hold_s=seconds) for seconds in held]
    lines = printed(plain(), *(Totals(float(at), 1.0, (row,)) for at, row in enumerate(rows)))
    assert lines == ["HOLD for 5 s, at 3.0 s", "HOLD over, it lasted 31 s, at 7.0 s"]


def test_a_ball_without_newtons_is_pressed_or_free() -> None:
    loads = np.array([0.0, 40.0, 60.0, 500.0, 40.0, 20.0, NAN, 0.0])
    scan = reading(scans(0, 8), [NAN] * 8, unit="counts", load=loads)
    lines = printed(plain(), opened(context={"judged": False, "full_scale_n": 1000.0}), scan)
    assert lines[1:] == [
        "FREE, 0.0 counts, not judged, at 0.0 s",
        "PRESSED, 60.0 counts, not judged, at 0.2 s",
        "FREE, 20.0 counts, not judged, at 0.5 s",
    ]


def test_what_the_ball_did_is_told_once_and_pain_in_words() -> None:
    events: list[Event] = [
        Action("pause", {"by": "release", "on": True}, t_s=3.0),
        Notice(3.0, "hands", "paused: you are off the ball", {"state": "paused", "value": None}),
        Action("pain", {"when": "after", "value": 4, "by": "squeeze"}, t_s=9.0),
        Action("pain", {"when": "hold", "value": 7}, t_s=9.5),
    ]
    assert printed(plain(), opened(), *events)[1:] == [
        "Paused: you are off the ball, at 3.0 s",
        "PAIN 4 of 10 after, at 9.0 s",
        "PAIN 7 of 10 after that hold, at 9.5 s",
    ]


def test_a_zone_is_told_once_when_it_has_lasted() -> None:
    force = [2.0] * 10 + [30.0] * 10 + [60.0, 30.0] * 5 + [80.0] * 10
    lines = printed(plain(), opened(), *(reading([n / 10], kpa) for n, kpa in enumerate(force)))
    zones = [line.split()[0] for line in lines if " zone," in line]
    assert zones == ["REST", "WORK", "OVER"]


@pytest.mark.parametrize("split", [1, 3, 7, 40])
def test_zones_are_the_same_however_scans_are_batched(split: int) -> None:
    force = [2.0] * 10 + [30.0] * 10 + [NAN] * 2 + [60.0] * 8 + [80.0] * 10
    batches = [
        reading([n / 10 for n in range(i, min(i + split, 40))], force[i : i + split]) for i in range(0, 40, split)
    ]
    zones = [line for line in printed(plain(), opened(), *batches) if " zone," in line]
    assert [line.split()[0] for line in zones] == ["REST", "WORK", "HIGH", "OVER"]


def test_the_zone_follows_the_region() -> None:
    form = Plain(lambda context: (5.0, 20.0, 25.0, 70.0) if context["region"] == "neck" else EDGES)
    printed(form, opened(), reading(scans(0, 10), 30.0))
    lines = printed(form, Action("region", {"region": "neck"}, t_s=1.0), reading(scans(10, 20), 30.0))
    assert lines[0] == "REGION neck, at 1.0 s"
    assert lines[1].startswith("HIGH zone, 30 kPa")


def test_unknown_is_no_zone() -> None:
    assert printed(plain(), opened(), reading(scans(0, 10), NAN))[1:] == []


def test_a_sensor_at_its_end_is_told_so_once() -> None:
    scan = [reading([3.0 + n], NAN, saturated=np.array([n in (0, 1, 3)])) for n in range(4)]
    lines = printed(plain(), opened(), *scan)[1:]
    assert lines == [f"TOO MUCH for the sensor, more than it can tell, at {at}.0 s" for at in (3, 6)]


def test_what_is_filled_in_later_is_not_read_out() -> None:
    assert printed(plain(), opened(), reading(scans(0, 10), 30.0, late=True))[1:] == []


def test_an_alert_begins_with_its_level() -> None:
    assert printed(plain(), alert()) == ["CAUTION lighten, peak 182.0 of 144.0 kPa, glute left, at 12.3 s"]
    assert printed(plain(), alert(Level.STOP, text="come off"))[0].startswith("STOP come off")
    assert printed(plain(), alert(Level.TECHNICAL, value=None))[0].startswith("SENSOR lighten, glute left")


@pytest.mark.parametrize(
    ("phase", "head"),
    [
        (Phase.CLEARED, "OVER: peak, glute left, at"),
        (Phase.LATCHED, "STOPPED, confirm to go on: peak, glute left, at"),
        (Phase.CONFIRMED, "CONFIRMED: peak, glute left, at"),
        (Phase.SILENCED, "SILENCED: peak, glute left, at"),
    ],
)
def test_what_is_over_begins_with_that(phase: Phase, head: str) -> None:
    """And names the cause, for its own text no longer does."""
    assert printed(plain(), alert(Level.OK, phase, text="cleared"))[0].startswith(head)


def test_the_steps_of_a_link_are_not_told_but_its_loss_is() -> None:
    told = printed(
        plain(),
        Notice(0.0, "link", "link greeting", {"state": "greeting"}),
        Notice(0.0, "link", "link live", {"state": "live"}),
        opened(),
        Notice(9.0, "link", "cable pulled", {"state": "lost"}),
        Notice(9.0, "clock", "offset 1", {}),
        Notice(9.5, "gap", "3 s without data", {}),
    )
    assert told[0] == "Link live"
    assert told[2:] == ["Cable pulled, at 9.0 s", "3 s without data, at 9.5 s"]


def test_damage_is_told_every_ten_seconds_at_most() -> None:
    told = printed(plain(), *(Notice(t / 2, "damaged", "1 frame dropped", {}) for t in range(50)))
    assert len(told) == 3


def test_a_low_battery_is_told_once() -> None:
    low, full = {"battery_low": True}, {"battery_low": False}
    notices = [Notice(float(n), "status", "battery 9 %", f) for n, f in enumerate((full, low, low, full, low))]
    assert printed(plain(), *notices) == ["BATTERY low: battery 9 %"] * 2


HOSTILE = "a\x1b[31mred\x1b]0;title\x07\r\nb\u202ec\x9b2Jd\x00"


def test_text_of_a_device_carries_no_controls() -> None:
    events: list[Event] = [
        opened(device={"serial": HOSTILE}),
        Notice(1.0, "refused", HOSTILE, {"request": HOSTILE}),
        alert(text=HOSTILE),
        Action(HOSTILE, {"x": HOSTILE}, t_s=1.0),
        Closed(2.0, HOSTILE),
    ]
    for line in printed(plain(), *events):
        assert line.isprintable()
        assert "31m" not in line
        assert "title" not in line
        assert "2J" not in line
    for line in printed(Jsonl(), *events):
        assert line.isascii()
        assert "\\u001b" not in line
        assert "\\u202e" not in line


def test_totals_are_for_programs_only() -> None:
    assert printed(plain(), totals()) == []
    assert printed(plain(), Closed(75.0, "user")) == ["ENDED after 1 min 15 s: user"]
    assert printed(plain(), Closed(0.0, "no_ball")) == ["ENDED after 0 s: no ball"]


def test_the_last_lines_say_where_it_lies_and_how_to_see_it() -> None:
    lines = plain().ending(ENDING)
    assert str(ENDING.session_id) in lines[0]
    assert "/data/knead.db" in lines[0]
    assert lines[-1] == "Look at it with: knead sessions show last"
    assert plain().ending(NOTHING) == ["Nothing was recorded."]


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"judged": True, "screened": False, "factor_k": 0.5}, "nobody was screened, so limits are times 0.5"),
        ({"judged": False, "screened": False, "factor_k": 0.5}, "no newtons"),
        ({"judged": True, "screened": True, "factor_k": 1.0}, "limits are for"),
    ],
)
def test_what_is_assumed_is_said_in_one_line(context: Fields, said: str) -> None:
    (line,) = assumptions(opened(context=context))
    assert said in line
    assert "tool hard (8 cm2)" in line


# --- JSON lines ---


def test_a_reading_has_lists_of_equal_length_and_no_nan() -> None:
    (found,) = parsed(reading([0.0, 0.01], [10.0, NAN], lost=3))
    assert found["event"] == "reading"
    assert found["t_s"] == [0.0, 0.01]
    assert found["force_n"] == [8.0, None]
    assert found["pressure_kpa"] == [10.0, None]
    assert found["cells"] == [[8.0], [None]]
    assert found["lost"] == 3


def test_a_ball_without_newtons_gives_no_force() -> None:
    (found,) = parsed(reading([0.0], NAN, unit="counts", load=np.array([7.0])))
    assert found["force_n"] == [None]
    assert found["load"] == [7.0]
    assert found["unit"] == "counts"


def test_an_alert_has_words_for_level_and_phase() -> None:
    (found,) = parsed(alert(phase=Phase.ESCALATED))
    assert found == {
        "event": "alert",
        "t_s": 12.34,
        "cause": "peak",
        "level": "caution",
        "phase": "escalated",
        "value": 182.04,
        "limit": 144.0,
        "unit": "kPa",
        "region": "glute",
        "side": "left",
        "text": "lighten",
    }


def test_every_event_is_one_line_with_its_time() -> None:
    events: list[Event] = [
        opened(),
        reading([0.0], 1.0),
        alert(value=NAN),
        Notice(1.0, "gap", "hole", {"from_s": NAN}),
        totals(),
        Action("mark", {}, t_s=2.0, after_index=7),
        Closed(3.0, "user"),
    ]
    found = parsed(*events)
    assert [line["event"] for line in found] == ["notice", "reading", "alert", "notice", "totals", "action", "notice"]
    assert all("t_s" in line for line in found)
    assert found[0]["fields"]["started_at"] == "2026-03-01T09:30:00+00:00"
    assert found[2]["value"] is None
    assert found[3]["fields"] == {"from_s": None}
    assert found[4]["regions"][0]["zone_s"] == [1, 2, 3, 4, 0]
    assert found[4]["regions"][0]["hold_load"] is None
    assert found[5]["after_index"] == 7


def test_the_last_line_is_the_session() -> None:
    form = Jsonl()
    printed(form, opened(), reading([0.0, 4.5], 1.0))
    (line,) = form.ending(NOTHING)
    assert json.loads(line) == {"event": "session", "id": None, "state": "unrecorded", "t_s": 4.5, "exit": 3}
    assert form.parting(NOTHING) == []
    assert "knead sessions show last" in form.parting(ENDING)[0]


def test_readings_not_printed_are_counted_in_the_stream() -> None:
    form = Jsonl()
    printed(form, reading([7.0], 1.0))
    (line,) = form.dropped(12)
    found = json.loads(line)
    assert (found["event"], found["kind"], found["t_s"], found["fields"]) == ("notice", "output", 7.0, {"readings": 12})
    assert "12 readings" in "".join(plain().dropped(12))


def test_zones_after_a_move_are_those_of_the_area_that_was_told() -> None:
    whole = GuardContext(region="glute", side="left", tool="hard", area_cm2=8.0).to_json()
    form = Plain(edges_of)
    own = edges_of(whole | {"tool": "soft", "area_cm2": 30.0})
    assert own is not None
    _, _, high_kpa, _ = own
    moved = Action("tool", {"tool": "soft", "area_cm2": 30.0}, t_s=1.0)
    refused = Action("tool", {"tool": "no such tool"}, t_s=1.0)
    pressed = reading([1.0, 1.5], [high_kpa - 0.01] * 2)
    harder = reading([2.0, 2.5], [high_kpa + 0.01] * 2)
    lines = printed(form, opened(context=whole), moved, refused, pressed, harder)
    assert [line.split()[0] for line in lines if " zone," in line] == ["WORK", "HIGH"]
