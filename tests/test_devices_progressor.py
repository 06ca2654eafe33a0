"""The Progressor's driver: what was captured from a real one, and all that clones do differently."""

import struct

import numpy as np
import pytest

from firmware_protocol import devices
from firmware_protocol.devices import progressor
from firmware_protocol.devices.kind import Link, Options
from firmware_protocol.driver import (
    Chunk,
    Close,
    Continuity,
    Damaged,
    DriverEvent,
    Phase,
    PhaseChanged,
    Profile,
    Samples,
    Send,
    Started,
    Status,
    ZeroChanged,
)
from firmware_protocol.foreign.known import GRAVITY
from firmware_protocol.messages import Stop, Tare
from firmware_protocol.simulator.foreign import Gauge
from tests.foreign import Hanging, Joined, joined

CAPTURED = ("0108744193C276BBC70100000000", "0108EF5093C2594FC90100000000")  # 14 bytes: the clone pads
CAPTURED_KG, CAPTURED_US = (-73.62784, -73.65807), (29_866_870, 29_970_265)


def running(gauge: Gauge, seconds: float = 4.0, **settings: object) -> Joined:
    line = joined("progressor", Link.GATT, Hanging(gauge), settings)
    line.run(seconds)
    return line


def started() -> tuple[progressor.Progressor, float]:
    """Its questions unanswered, the stream asked for."""
    driver = progressor.Progressor(Options())
    driver.opened(0.0)
    now_s = 0.0
    while driver.phase is not Phase.STARTING:
        now_s = driver.deadline() or now_s
        driver.tick(now_s)
    return driver, now_s


def weights(*scans: tuple[float, int]) -> bytes:
    payload = b"".join(struct.pack("<fI", kilogram, at_us) for kilogram, at_us in scans)
    return bytes((1, len(payload))) + payload


def fed(driver: progressor.Progressor, now_s: float, *messages: bytes, every_s: float = 0.1) -> list[DriverEvent]:
    events: list[DriverEvent] = []
    for number, message in enumerate(messages):
        events += driver.feed(Chunk("data", message, now_s + every_s * (number + 1)))
    return events


def of(events: list[DriverEvent], kind: type) -> list[DriverEvent]:
    return [event for event in events if isinstance(event, kind)]


def test_what_was_captured_is_read_as_it_was_meant() -> None:
    driver, now_s = started()
    step_us = CAPTURED_US[1] - CAPTURED_US[0]
    more = [weights((CAPTURED_KG[1], CAPTURED_US[1] + step_us * n)).ljust(14, b"\0") for n in range(1, 9)]
    events = fed(driver, now_s, *map(bytes.fromhex, CAPTURED), *more, every_s=step_us * 1e-6)
    (begun,) = of(events, Started)
    samples = [event for event in events if isinstance(event, Samples)]
    assert isinstance(begun, Started)
    assert 1 / begun.period_s == pytest.approx(9.67, abs=0.01)
    assert [batch.t_us for batch in samples[:2]] == list(CAPTURED_US)
    (profile,) = (event for event in events if isinstance(event, Profile))
    for batch, kilogram in zip(samples, CAPTURED_KG, strict=False):
        assert batch.values[0, 0] * profile.lsb == pytest.approx(kilogram * GRAVITY, abs=profile.lsb / 2 + 1e-4)
    assert not driver.damage


def test_it_is_asked_before_the_stream_and_never_tared_or_calibrated() -> None:
    gauge = Gauge("calm")
    line = running(gauge)
    assert gauge.commands == [progressor.STOP, *progressor.ASKED, progressor.START]
    line.ask(Tare())
    line.run(1.0)
    line.ask(Stop())
    assert gauge.commands == [progressor.STOP, *progressor.ASKED, progressor.START, progressor.STOP]
    assert all(len(send.data) == 1 and send.source == "control" for send in line.of(Send))
    (status,) = line.of(Status)
    assert (status.battery_mv, status.battery_pct, status.battery_low) == (3912, None, False)
    assert (line.of(Profile)[0].serial, line.of(Profile)[0].firmware) == ("4BB000A7", "virtual 1.2")


@pytest.mark.parametrize(
    ("gauge", "hz"),
    [
        (Gauge("calm", answers=False), 80.0),
        (Gauge("calm", pad=14, batch=1, rate_hz=9.67), 9.67),
        (Gauge("calm", batch=1), 80.0),
        (Gauge("calm", batch=20), 80.0),
        (Gauge("calm", rate_hz=320.0, batch=15), 320.0),
    ],
    ids=["mute", "padded, 10 Hz", "one a message", "many a message", "fast"],
)
def test_clones_are_read_too(gauge: Gauge, hz: float) -> None:
    line = running(gauge, 6.0)
    assert 1 / line.of(Started)[0].period_s == pytest.approx(hz, rel=0.02)
    assert not line.driver.damage
    assert not line.of(Close)


def test_a_clone_that_clamps_reads_zero_and_nothing_else() -> None:
    line = running(Gauge("empty", clamp=True))
    values = np.concatenate([samples.values for samples in line.of(Samples)])
    assert not values.any()


def test_the_clock_wraps_and_time_goes_on() -> None:
    line = running(Gauge("calm", first_us=(1 << 32) - 3_000_000), 8.0)
    times = [samples.t_us for samples in line.of(Samples)]
    assert times == sorted(times)
    assert times[-1] > 1 << 32
    assert len(line.of(Started)) == 1


@pytest.mark.parametrize("ran_us", [5_000_000, 40 * 60_000_000, 71 * 60_000_000])
def test_a_clock_that_begins_anew_is_another_run(ran_us: int) -> None:
    """As at each start command: however long it ran before, no wrap is seen in it."""
    driver, now_s = started()
    first = [weights((1.0, ran_us + n * 100_000)) for n in range(12)]
    again = [weights((2.0, n * 100_000)) for n in range(1, 14)]
    events = fed(driver, now_s, *first, *again)
    starts = [event for event in events if isinstance(event, Started)]
    assert [start.continuity for start in starts] == [Continuity.FIRST, Continuity.NEW_CLOCK]
    assert (starts[1].t_us, starts[1].next_index) == (100_000, 12)


def test_after_a_lost_link_the_stream_is_started_and_the_clock_is_new() -> None:
    line = running(Gauge("calm"))
    line.close()
    line.now_s += 2.0
    line.open()
    line.run(4.0)
    assert [start.continuity for start in line.of(Started)] == [Continuity.FIRST, Continuity.NEW_CLOCK]
    assert line.of(Started)[1].t_us < 1_000_000


@pytest.mark.parametrize(("before_us", "after_us"), [(12_500, 103_400), (100_000, 12_500), (12_500, 20_000)])
def test_a_rate_that_changes_is_told_anew_without_a_gap(before_us: int, after_us: int) -> None:
    driver, now_s = started()
    events: list[DriverEvent] = []
    at_us = 0
    for step_us, seconds in ((before_us, 4), (after_us, 14)):
        for _ in range(seconds * 1_000_000 // step_us):
            at_us += step_us
            events += driver.feed(Chunk("data", weights((1.0, at_us)), now_s + at_us * 1e-6))
    starts = [event for event in events if isinstance(event, Started)]
    assert [start.continuity for start in starts] == [Continuity.FIRST, Continuity.GOES_ON]
    assert starts[1].period_s == pytest.approx(after_us * 1e-6)
    assert sum(event.hole for event in events if isinstance(event, Samples)) <= 6


def test_loss_shows_as_time_and_nobody_says_how_much() -> None:
    side = Hanging(Gauge("calm", batch=2))
    line = joined("progressor", Link.GATT, side)
    line.run(4.0)
    side.lost = 10
    line.run(2.0)
    samples = line.of(Samples)
    holes = [after for after in samples if after.hole]
    assert len(holes) == 1
    before = samples[samples.index(holes[0]) - 1]
    assert holes[0].index == before.index + len(before.values)
    assert holes[0].t_us - before.t_us > 200_000


def test_what_streams_from_a_client_before_is_left_out() -> None:
    driver = progressor.Progressor(Options())
    driver.opened(0.0)
    events = fed(driver, 0.0, *[weights((5.0, 1_000_000 + n * 12_500)) for n in range(30)], every_s=0.0125)
    assert not of(events, Samples)
    assert not driver.damage


def test_a_stream_that_does_not_begin_is_asked_for_again_then_given_up() -> None:
    line = joined("progressor", Link.GATT, Hanging(Gauge("calm")))
    line.mute = True
    line.run(12.0)
    assert [send.data[0] for send in line.of(Send)].count(progressor.START) == progressor.STARTS
    (close,) = line.of(Close)
    assert (close.cause, close.retry) == ("no_ball", False)


def test_a_stream_that_breaks_off_is_started_again() -> None:
    side = Hanging(Gauge("calm"))
    line = joined("progressor", Link.GATT, side)
    line.run(4.0)
    side.gauge.feed(bytes((progressor.STOP,)), line.now_s)
    line.run(13.0)
    assert Phase.STALE in [change.phase for change in line.of(PhaseChanged)]
    assert line.of(Started)[-1].continuity is Continuity.NEW_CLOCK
    assert line.of(Samples)[-1].arrival_s > line.now_s - 0.5
    assert not line.of(Close)


def test_an_empty_battery_is_told() -> None:
    side = Hanging(Gauge("calm"))
    line = joined("progressor", Link.GATT, side)
    line.run(4.0)
    side.gauge.weaken()
    line.run(0.1)
    assert [status.battery_low for status in line.of(Status)] == [False, True]


def test_another_one_than_expected_is_refused() -> None:
    line = joined("progressor", Link.GATT, Hanging(Gauge("calm")), serial="ABCDEF")
    line.run(4.0)
    (close,) = line.of(Close)
    assert close.cause == "wrong_ball"
    assert not line.of(Samples)


def test_a_zero_is_taken_here_and_subtracted_from_then_on() -> None:
    line = running(Gauge("empty", offset_kg=-73.6))
    line.ask(Tare())
    line.run(2.0)
    (zero,) = line.of(ZeroChanged)
    lsb = line.of(Profile)[0].lsb
    assert zero.value is not None
    assert zero.value * lsb == pytest.approx(-73.6 * GRAVITY, abs=0.5)
    assert not zero.trusted, "so much may be a load"
    after = [samples.values for samples in line.of(Samples) if samples.index >= (zero.from_index or 0)]
    assert np.abs(np.concatenate(after)).max() * lsb < 1.0


def test_a_stated_full_scale_is_its_end() -> None:
    line = running(Gauge("calm", offset_kg=120.0), full_scale=110)
    profile = line.of(Profile)[0]
    assert profile.full_scale * profile.lsb == pytest.approx(110 * GRAVITY, rel=0.01)
    assert {int(value) for value in line.of(Samples)[-1].values[:, 0]} == {32767}


@pytest.mark.parametrize(
    ("message", "reason", "scans"),
    [
        (b"", "short", 0),
        (b"\x01", "short", 0),
        (bytes((1, 16)) + struct.pack("<fI", 1.0, 10_000_000), "length", 1),
        (bytes((1, 9)) + struct.pack("<fI", 1.0, 10_000_000) + b"\0", "length", 1),
        (weights((float("nan"), 10_000_000)), "value", 1),
        (weights((float("inf"), 10_000_000)), "value", 1),
        (weights((1.0, 1_100_000)), "order", 0),
        (b"\x63\x00", "type", 0),
        (bytes((2, 4)) + bytes(4), "", 0),
        (bytes((3, 4)) + bytes(4), "", 0),
        (b"\x00\x00", "", 0),
    ],
)
def test_damage_is_counted_and_costs_no_more_than_itself(message: bytes, reason: str, scans: int) -> None:
    driver, now_s = started()
    fed(driver, now_s, *[weights((1.0, 1_000_000 + n * 100_000)) for n in range(10)])
    events = driver.feed(Chunk("data", message, now_s + 1.1))
    assert [event.reason for event in events if isinstance(event, Damaged)] == ([reason] if reason else [])
    assert sum(len(event.values) for event in events if isinstance(event, Samples)) == scans
    if reason == "value":
        (samples,) = (event for event in events if isinstance(event, Samples))
        assert samples.values[0, 0] == -32768


def test_it_is_in_the_registry() -> None:
    assert devices.kinds()["progressor"] is progressor.KIND
