"""Boards that print lines: the grammar as sketches in the wild print it, columns, units, resets, ends."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest

from firmware_protocol.devices import text
from firmware_protocol.devices.kind import Link, Options
from firmware_protocol.driver import (
    Chunk,
    Close,
    Continuity,
    Damaged,
    DriverEvent,
    Profile,
    RawMeans,
    Refused,
    Samples,
    Started,
    Unit,
    ZeroChanged,
)
from firmware_protocol.foreign.known import GRAVITY, POUND
from firmware_protocol.foreign.lines import MAX_LINE, Blank, Header, Odd, Splitter, read, shape_of
from firmware_protocol.messages import Raw, Status, Tare
from firmware_protocol.simulator.foreign import OFFSET, STEPS_PER_N, TextBoard
from tests.foreign import Board, joined


def printed(*lines: str, hz: float = 80.0, settings: Mapping[str, object] | None = None) -> list[DriverEvent]:
    """Lines as they come from a port that was opened at 0; the first after a second."""
    driver = text.TextBoard(Options(settings=settings or {}), resets=True)
    events = driver.opened(0.0)
    for number, line in enumerate(lines):
        events += driver.feed(Chunk("serial", line.encode("latin-1") + b"\r\n", 1.0 + number / hz))
    return events


def profile(events: list[DriverEvent]) -> Profile:
    (found,) = (event for event in events if isinstance(event, Profile))
    return found


def values(events: list[DriverEvent]) -> list[list[float]]:
    """(scans, channels) in the unit of the profile; NaN no value."""
    lsb = profile(events).lsb
    rows = np.concatenate([event.values for event in events if isinstance(event, Samples)]).astype(float)
    rows[rows == -32768] = np.nan
    found: list[list[float]] = (rows * lsb).tolist()
    return found


def damage(events: list[DriverEvent]) -> dict[str, int]:
    told: dict[str, int] = {}
    for event in events:
        if isinstance(event, Damaged):
            told[event.reason] = told.get(event.reason, 0) + event.count
    return told


NUMBERS = {
    "-12.3": ((("", ""),), (-12.3,)),
    "1234,5.6": ((("", ""), ("", "")), (1234.0, 5.6)),
    "1 2\t3": ((("", ""),) * 3, (1.0, 2.0, 3.0)),
    "1, 2,": ((("", ""),) * 2, (1.0, 2.0)),
    "Reading: 12.3 g": ((("reading", "g"),), (12.3,)),
    "force:12.3,temp:25.0": ((("force", ""), ("temp", "")), (12.3, 25.0)),
    "force:12.3N": ((("force", "N"),), (12.3,)),
    "Weight: -0.52 lbs": ((("weight", "lb"),), (-0.52,)),
    "12.3kg": ((("", "kg"),), (12.3,)),
    "1e3": ((("", ""),), (1000.0,)),
    "+.5": ((("", ""),), (0.5,)),
    "temp: 23.4 C": ((("temp", "other"),), (23.4,)),
}


@pytest.mark.parametrize("line", NUMBERS)
def test_numbers_are_read_as_sketches_print_them(line: str) -> None:
    parts = read(line.encode() + b"\r")
    assert isinstance(parts, tuple)
    assert (shape_of(parts), tuple(part.value for part in parts)) == NUMBERS[line]


@pytest.mark.parametrize(
    "line",
    [
        "0x1f",
        "nan",
        "1,inf",
        "force=12.3",
        "12:34:56",
        "12:34:56.789 -> 123",
        "ets Jul 29 2019 12:21:46",
        "rst:0x1 (POWERON_RESET),boot:0x13",
        "12.3 bananas",
        "12.3.4",
        "1;2",
        "1e999",
        "9" * 40,
        "Reading:",
        "a: b: 1",
        "caf\xe9 1",
        "1\x1b[31m",
        ",".join(["1"] * 200),
    ],
)
def test_what_is_no_line_of_numbers_is_odd(line: str) -> None:
    assert not isinstance(read(line.encode("latin-1")), tuple)


@pytest.mark.parametrize("line", ["", "\r", "  \t ", "-----", "=====", "####"])
def test_rules_and_blank_lines_do_not_matter(line: str) -> None:
    assert read(line.encode()) == Blank()


def test_a_header_names_and_digits_do_not() -> None:
    assert read(b"Times,Measures") == Header(("times", "measures"))
    assert isinstance(read(b"nan nan"), Header), "words; no number is made of them"
    assert read(b"CFG,4,4") == Odd()


def test_lines_are_bounded_and_what_is_too_long_is_counted_once() -> None:
    for piece in (1, 7, 1 << 20):
        splitter, found = Splitter(), list[bytes | None]()
        data = b"1\n" + b"9" * (3 * MAX_LINE) + b"\n2\n" + b"8" * MAX_LINE + b"\n"
        for at in range(0, len(data), piece):
            found += splitter.feed(data[at : at + piece])
        assert found == [b"1", None, b"2", b"8" * MAX_LINE]


@pytest.mark.parametrize(
    ("line", "newton"),
    [
        ("5.0 N", 5.0),
        ("force_n:5.0", 5.0),
        ("5.0kg", 5.0 * GRAVITY),
        ("weight_kg: 5.0", 5.0 * GRAVITY),
        ("Reading: 500.0 g", 0.5 * GRAVITY),
        ("5.0 lbs", 5.0 * POUND * GRAVITY),
        ("16.0 oz", POUND * GRAVITY),
        ("0.2 kN", 200.0),
    ],
)
def test_a_unit_that_is_told_is_taken(line: str, newton: float) -> None:
    events = printed(*[line] * 80)
    assert profile(events).unit is Unit.NEWTON
    assert values(events)[0] == [pytest.approx(newton, abs=0.026)]


@pytest.mark.parametrize("line", ["512", "-12.3", "value:512", "Reading: 512", "512 counts", "1023 17"])
def test_no_unit_is_counts_and_never_newtons(line: str) -> None:
    events = printed(*[line] * 80)
    assert (profile(events).unit, profile(events).cal_crc) == (Unit.RAW, 0)
    assert not [event for event in events if isinstance(event, ZeroChanged)]


@pytest.mark.parametrize(
    ("numbers", "lsb"),
    [((0, 900), 1.0), ((40_000, 60_000), 2.0), ((84_000, 8_000_000), 128.0), ((-300, 3_000_000), 128.0)],
)
def test_counts_are_shown_in_steps_that_fit_their_converter(numbers: tuple[int, int], lsb: float) -> None:
    events = printed(*[str(numbers[0])] * 40, *[str(numbers[1])] * 40)
    assert profile(events).lsb == lsb
    assert values(events)[0] == [pytest.approx(numbers[0], abs=lsb / 2)]


def test_only_what_names_a_force_counts_where_something_does() -> None:
    events = printed(*["min:0,max:100,force:12.5,temp:25.0"] * 80)
    assert values(events)[0] == [pytest.approx(12.5, abs=0.1)]
    events = printed(*["Min:0,Max:1023,Sensor:512"] * 80)
    assert values(events)[0] == [512.0]


def test_several_columns_are_several_cells() -> None:
    events = printed(*["10.0 20.0 30.0"] * 80, settings={"unit": "N"})
    assert profile(events).channels == 3
    assert values(events)[0] == [10.0, 20.0, 30.0]


def test_more_columns_than_cells_are_no_ball_until_somebody_says_what_they_are() -> None:
    line = " ".join(["512"] * 210)
    driver = text.TextBoard(Options(), resets=True)
    events = driver.opened(0.0)
    for number in range(80):
        events += driver.feed(Chunk("serial", line.encode() + b"\n", number / 80))
    events += driver.tick(9.0)
    (close,) = (event for event in events if isinstance(event, Close))
    assert close.cause == "no_ball"
    wide = " ".join(["512"] * 20)
    said = {"columns": ",".join(["-"] * 19 + ["force"])}
    assert profile(printed(*[wide] * 80, settings=said)).channels == 1


TIMED = {
    "millis:{ms},force_n:5.0": 1000,
    "micros:{us} N:5.0": 1,
    "{ms}ms 5.0N": 1000,
    "time:{ms},force_n:5.0": 1000,
    "t:{s:.4f} force_n:5.0": 1,
}


@pytest.mark.parametrize("form", TIMED)
def test_a_column_that_is_labelled_as_a_time_is_the_clock(form: str) -> None:
    lines = [form.format(ms=5000 + 12 * n, us=5_000_000 + 12_000 * n, s=5 + 0.012 * n) for n in range(120)]
    events = printed(*lines, hz=1 / 0.012)
    samples = [event for event in events if isinstance(event, Samples)]
    assert profile(events).has_clock
    assert samples[0].t_us == 5_000_000
    assert {b.t_us - a.t_us for a, b in pairwise(samples)} == {12_000}
    (started,) = (event for event in events if isinstance(event, Started))
    assert started.period_s == pytest.approx(0.012)


@pytest.mark.parametrize("form", ["{ms},5.0", "force_n:5.0,count:{ms}", "Times,Measures\r\n{ms},5.0"])
def test_a_time_is_never_guessed(form: str) -> None:
    """The last names its times, so they are; without a header they would be a cell."""
    lines = [form.format(ms=5000 + 12 * n) for n in range(120)]
    assert profile(printed(*lines, hz=1 / 0.012)).has_clock is form.startswith("Times")


def test_a_time_of_no_known_unit_is_no_clock() -> None:
    lines = [f"time:{7 * n},force_n:5.0" for n in range(120)]
    assert not profile(printed(*lines)).has_clock


def test_a_person_may_say_what_columns_are() -> None:
    lines = [f"{12 * n} {n} 5.0" for n in range(120)]
    events = printed(*lines, hz=1 / 0.012, settings={"columns": "time_ms,-,force", "unit": "kg"})
    assert profile(events).has_clock
    assert values(events)[0] == [pytest.approx(5.0 * GRAVITY, abs=0.03)]


def test_boot_text_is_no_damage_and_lines_unlike_the_others_are() -> None:
    boot = ["ets Jul 29 2019 12:21:46", "rst:0x1 (POWERON_RESET)", "1 2", "HX711 ready", "", "-----"]
    events = printed(*boot, *["5.0 N"] * 60, "5.0", "1 2 3", "menu: t) tare", *["6.0 N"] * 20)
    assert damage(events) == {"line": 2}, "words alone may be a header"
    assert len(values(events)) == 80


def test_any_split_of_a_line_is_the_same_line() -> None:
    driver = text.TextBoard(Options(), resets=False)
    events = driver.opened(0.0)
    for number in range(80):
        for byte in b"5.0 N\r\n":
            events += driver.feed(Chunk("tx", bytes((byte,)), 1 + number / 80))
    assert len(values(events)) == 80
    assert not damage(events)


def test_the_end_of_a_24_bit_converter_is_saturation() -> None:
    events = printed(*["84000"] * 60, "8388607", "-8388608", "84000")
    tail = np.concatenate([event.values for event in events if isinstance(event, Samples)])[-3:, 0].tolist()
    assert tail == [32767, -32767, 656]


def test_a_stated_full_scale_is_saturation() -> None:
    events = printed(*["500"] * 60, "1023", settings={"full_scale": "1023"})
    last = [event for event in events if isinstance(event, Samples)][-1]
    assert last.values[0, 0] == 32767
    assert profile(events).full_scale == 1023


def test_opening_resets_so_the_zero_is_not_trusted_at_first() -> None:
    events = printed(*["5.0 N"] * 80)
    (zero,) = (event for event in events if isinstance(event, ZeroChanged))
    assert (zero.value, zero.trusted) == (None, False)
    radio = text.TextBoard(Options(), resets=False)
    told = radio.opened(0.0)
    for number in range(80):
        told += radio.feed(Chunk("tx", b"5.0 N\n", 1 + number / 80))
    assert not [event for event in told if isinstance(event, ZeroChanged)]


def test_a_long_pause_on_a_cable_is_a_board_that_began_anew() -> None:
    driver = text.TextBoard(Options(), resets=True)
    events = driver.opened(0.0)
    for number in range(160):
        at_s = 1 + number / 80 + (2.0 if number >= 80 else 0.0)
        events += driver.feed(Chunk("serial", b"5.0 N\n", at_s))
        events += driver.tick(at_s)
    starts = [event.continuity for event in events if isinstance(event, Started)]
    assert starts == [Continuity.FIRST, Continuity.NEW_CLOCK]


def test_a_clock_that_begins_anew_is_a_board_that_did() -> None:
    lines = [f"millis:{90_000 + 12 * n},force_n:5.0" for n in range(80)]
    lines += [f"millis:{300 + 12 * n},force_n:5.0" for n in range(80)]
    starts = [event.continuity for event in printed(*lines, hz=1 / 0.012) if isinstance(event, Started)]
    assert starts == [Continuity.FIRST, Continuity.NEW_CLOCK]


LINE = {"points": [[[84_000, 0.0], [714_000, 300.0]]]}
POINTS = {"points": [[[84_000, 0.0], [294_000, 100.0], [714_000, 300.0]]]}


def test_with_points_counts_are_newtons() -> None:
    events = printed(*["84000"] * 60, "189000", "714000", "924000", "63000", settings=dict(LINE))
    assert profile(events).unit is Unit.NEWTON
    assert profile(events).cal_crc != 0
    forces = [force for (force,) in values(events)[-4:]]
    assert forces == pytest.approx([50.0, 300.0, 400.0, -10.0], abs=0.03)


@pytest.mark.parametrize(
    ("points", "beyond"),
    [
        ([[0, 0.0], [512, 20.0], [850, 200.0]], 851),
        ([[100, 300.0], [500, 60.0], [900, 0.0]], 99),
    ],
)
def test_points_that_bend_end_at_the_heaviest(points: list[list[float]], beyond: int) -> None:
    """What lies beyond it nobody knows: an FSR that is at its end must not read as a light load."""
    heaviest = max(points, key=lambda pair: pair[1])
    lines = [str(int(points[0][0]))] * 60 + [str(int(heaviest[0])), str(beyond)]
    events = printed(*lines, settings={"points": [points]})
    tail = np.concatenate([event.values for event in events if isinstance(event, Samples)])[-2:, 0]
    assert tail[0] * profile(events).lsb == pytest.approx(heaviest[1], abs=0.05)
    assert tail[1] == 32767
    assert profile(events).full_scale * profile(events).lsb == pytest.approx(heaviest[1], abs=0.05)


def test_points_of_another_number_of_cells_are_of_another_board() -> None:
    assert profile(printed(*["84000 5"] * 60, settings=dict(POINTS))).unit is Unit.RAW


@pytest.mark.parametrize(
    "points",
    [
        [[[1, 0.0]]],
        [[[1, 0.0], [1, 5.0]]],
        [[[1, 0.0], [2, 5.0], [3, 4.0]]],
        [[[2, 0.0], [1, 5.0]]],
        [[[1, 0.0], [2, float("nan")]]],
        [[[1, 0.0], [1 + 1e-9, 5.0]]],
        [[[1, 0.0], [2, 1e9]]],
        [[["a", 0.0], [2, 1.0]]],
        [[[1, 0.0], [2, True]]],
        "points",
        [[]],
        7,
    ],
)
def test_points_that_are_none_leave_counts(points: object) -> None:
    assert profile(printed(*["84000"] * 60, settings={"points": points})).unit is Unit.RAW


def test_a_zero_is_subtracted_before_and_after_it_was_stored() -> None:
    points = {"points": [[[OFFSET - 9000, 0.0], [OFFSET + 100 * STEPS_PER_N, 100.0]]]}
    line = joined("text", Link.SERIAL, Board(TextBoard("empty", form="counts", tares=False)), points)
    line.run(4.0)
    line.ask(Raw(200))
    line.run(1.0)
    (means,) = line.of(RawMeans)
    line.ask(Tare())
    line.run(1.5)
    assert line.of(ZeroChanged)[-1].trusted
    lsb = line.of(Profile)[0].lsb
    assert abs(float(line.of(Samples)[-1].values[0, 0])) * lsb < 0.5
    again = joined(
        "text", Link.SERIAL, Board(TextBoard("empty", form="counts", tares=False)), {**points, "zero": [means.means[0]]}
    )
    again.run(4.0)
    assert abs(float(again.of(Samples)[-1].values[0, 0])) * lsb < 0.5


def test_over_another_link_steps_and_zero_are_the_same() -> None:
    """Whatever the first numbers look like then: another step would end the session."""
    driver = text.TextBoard(Options(), resets=False)
    events = driver.opened(0.0)
    for number in range(200):
        if number == 100:
            events += driver.ask(Tare(), 1 + number / 80)
        events += driver.feed(Chunk("tx", f"{-300 + number % 3}\n".encode(), 1 + number / 80))
    events += driver.closed(5.0) + driver.opened(6.0)
    for number in range(100):
        events += driver.feed(Chunk("tx", b"25600\n", 7 + number / 80))
    assert profile(events).lsb == 128.0
    assert len([event for event in events if isinstance(event, ZeroChanged)]) == 1
    assert values(events)[-1] == [pytest.approx(25_600 + 300, abs=128)]


def test_a_zero_while_it_moves_is_refused() -> None:
    driver = text.TextBoard(Options(), resets=False)
    events = driver.opened(0.0)
    for number in range(200):
        if number == 100:
            events += driver.ask(Tare(), 1 + number / 80)
        events += driver.feed(Chunk("tx", f"{number}.0 N\n".encode(), 1 + number / 80))
    (refused,) = (event for event in events if isinstance(event, Refused))
    assert refused.status == Status.UNSTABLE
    assert not [event for event in events if isinstance(event, ZeroChanged)]


def test_a_zero_at_the_end_of_the_range_is_refused() -> None:
    driver = text.TextBoard(Options(), resets=False)
    events = driver.opened(0.0)
    for number in range(200):
        if number == 100:
            events += driver.ask(Tare(), 1 + number / 80)
        events += driver.feed(Chunk("tx", b"8388607\n", 1 + number / 80))
    (refused,) = (event for event in events if isinstance(event, Refused))
    assert refused.status == Status.HARDWARE


def test_virtual_boards_say_so() -> None:
    for tell in (True, False):
        line = joined("text", Link.SERIAL, Board(TextBoard("calm", tell=tell)))
        line.run(3.0)
        assert line.of(Profile)[0].simulated is tell
