"""Values, zero, averaging and calibration of the ball (R15, R16, R28 to R32)."""

import random

import numpy as np
import pytest

from firmware_protocol import messages as m
from firmware_protocol.messages import Status
from tests.ball_bench import LIMIT, POINTS, Bench

# Values


def test_saturation_and_missing_values() -> None:
    """R15, R16, R18: never scaled, never zeroed; beyond full scale or the valid range a channel is saturated."""
    rows = np.array([[0, -100], [19_999, -20_000], [20_001, -20_001], [-32_768, 32_767], [-32_767, 5]], np.int16)
    bench = Bench(lambda first, count: rows[np.arange(first, first + count) % 5], channels=2)
    bench.start()
    bench.wait(0.055)
    (batch,) = bench.live()
    assert batch.values.tolist() == [
        [0, -100],
        [19_999, -20_000],
        [32_767, -32_767],
        [-32_768, 32_767],
        [-32_767, 5],
    ]
    entered = [(event.channel, event.value) for event in bench.of(m.BallEventMessage) if event.code == 5]
    assert entered == [(0, 32_767), (1, -32_767), (0, -32_767)]


def test_zero_may_saturate_too() -> None:
    """R16, R19: after zero."""
    bench = Bench(full_scale=0)
    bench.values = [-20_000]
    bench.start()
    bench.wait(0.1)
    bench.send(m.Tare())
    bench.wait(1)
    bench.values = [20_000]
    bench.wait(0.1)
    assert bench.scans[-1][2] == [32_767]


@pytest.mark.parametrize("scanning", [True, False])
def test_tare(scanning: bool) -> None:
    """R28, R42: averages from now on, scanning or not; tells the largest; counted."""
    bench = Bench(channels=2)
    bench.values = [37, -120]
    bench.start()
    if not scanning:
        bench.ask(m.Stop())
    tag = bench.send(m.Tare())
    bench.wait(0.49)
    assert not bench.of(m.TareReply)
    assert bench.status(m.Time()) == 0  # R29: all else is answered meanwhile
    bench.wait(0.05)
    assert bench.reply(tag) == m.TareReply(50 if scanning else 0, -120)
    assert bench.ball.zero == (37, -120)
    bench.start()
    bench.wait(2)
    assert bench.scans[-1][2] == [0, 0]
    assert bench.of(m.StatusMessage)[-1].zero_changes == 1
    if scanning:
        assert bench.scans[49][2] == [37, -120]
        assert bench.scans[50][2] == [0, 0]
    bench.values = [39, -120]
    bench.send(m.Tare(50))
    bench.wait(0.2)
    assert bench.ball.zero == (39, -120)


def test_tare_at_a_slow_rate_waits_for_a_scan() -> None:
    """R28"""
    bench = Bench()
    bench.values = [5]
    bench.start(10)
    bench.wait(0.11)
    bench.send(m.Tare(50))
    bench.wait(0.2)
    assert bench.of(m.TareReply) == [m.TareReply(2, 5)]


def test_tare_refused() -> None:
    """R28: UNSTABLE beyond 1 % of full scale, HARDWARE if a value is missing or saturated; nothing changes (R14)."""
    rng = random.Random(1)
    moving = Bench(lambda first, count: np.array([[rng.randint(0, 300)] for _ in range(count)], np.int16))
    moving.start()
    tag = moving.send(m.Tare())
    moving.wait(1)
    assert moving.reply(tag) == m.Refusal(6, Status.UNSTABLE)
    bench = Bench()
    bench.start()
    for value in (-32_768, 32_767):
        bench.values = [value]
        tag = bench.send(m.Tare())
        bench.wait(1)
        assert bench.reply(tag) == m.Refusal(6, Status.HARDWARE)
    assert bench.ball.zero_changes == 0


@pytest.mark.parametrize("request_", [m.Tare(), m.Raw(), m.Start(100), m.Stop(), m.Hello(1, 1)])
def test_one_averaging_job(request_: m.Request) -> None:
    """R29: TARE, RAW, START, STOP and HELLO end an unfinished one without a reply."""
    bench = Bench()
    bench.start()
    tag = bench.send(m.Tare(1000))
    bench.wait(0.5)
    bench.send(request_)
    bench.wait(3)
    with pytest.raises(ValueError, match="not enough values"):
        bench.reply(tag)


def test_raw() -> None:
    """RAW: mean ADC counts before zero; G8"""
    bench = Bench(channels=2, points=(POINTS, (m.CalPoint(-1200, 0.0), m.CalPoint(845_000, 196.125))), lsb=0.05)
    bench.values = [200, 0]
    bench.start()
    bench.send(m.Tare())
    bench.wait(0.6)
    bench.send(m.Raw(100))
    bench.wait(0.2)
    assert bench.of(m.RawReply) == [m.RawReply((100, -1200))]  # 10 N of 100 N at 1000


def test_tare_by_button() -> None:
    """EVENT 1 and 4; R28"""
    bench = Bench()
    bench.values = [12]
    bench.start()
    bench.ball.press_button(False, bench.now_us)
    bench.wait(1)
    bench.ball.press_button(True, bench.now_us)
    bench.wait(1)
    assert bench.codes() == [(1, 1), (1, 2), (4, 12)]
    assert bench.ball.zero == (12,)


# Calibration


def test_calibration() -> None:
    """R30, R31, R32, R28: only in IDLE; changes the crc, zero and the limit; a channel without points makes it raw."""
    bench = Bench(points=(POINTS,), lsb=0.1)
    bench.values = [500]  # 50 N, 500 counts
    hello = bench.start()
    assert hello.run == 1
    assert bench.status(m.Limits(LIMIT)) == 0
    new = m.CalSet(0, 9820, (m.CalPoint(0, 0.0), m.CalPoint(1000, 200.0)))
    assert bench.status(new) == Status.STATE
    bench.ask(m.Stop())
    before = bench.greet()
    reply = bench.ask(new)
    after = bench.greet()
    assert reply == m.CalSetReply(after.cal_crc)
    assert after.cal_crc != before.cal_crc
    assert (bench.ball.limit.enable, bench.ball.zero_changes) == (False, 1)
    assert bench.ask(m.CalGet(0)) == m.CalGetReply(9820, new.points)
    bench.start()
    bench.wait(0.1)
    assert bench.scans[-1][2] == [1000]  # the same 500 ADC counts are 100 N now
    bench.ask(m.Stop())
    assert bench.ask(m.CalSet(0, 0, ())) == m.CalSetReply(0)
    raw = bench.greet()
    assert (raw.unit, raw.lsb) == (0, 32.0)
    assert bench.status(m.Limits(LIMIT)) == Status.STATE  # R33: needs newtons
    bench.start()
    bench.wait(0.1)
    assert bench.scans[-1][2] == [round(500 / 32)]


def test_cal_crc_of_the_vector() -> None:
    """R32, G10"""
    points = (m.CalPoint(-1200, 0.0), m.CalPoint(845_000, 196.125))
    assert Bench(points=(points,), cal_day=9820).greet().cal_crc == 0xAFB0
