"""Clock, index and runs of the ball (R20 to R23)."""

import numpy as np
import pytest

from firmware_protocol import messages as m
from firmware_protocol.ball import Ball
from firmware_protocol.codec import decode_from_ball, encode
from firmware_protocol.messages import Status
from tests.ball_bench import LIMIT, Bench, spec


def test_start_and_its_slots() -> None:
    """R20, R21, R23, R46: next_index is the next slot to come, the time of a scan the end of its conversion; G5"""
    bench = Bench()
    bench.wait(12.34)
    reply = bench.start(0)
    assert reply == m.StartReply(10_000, 0, 12_340_000, 1)
    bench.wait(0.1)
    assert [scan[:2] for scan in bench.scans[:2]] == [(0, 12_350_000), (1, 12_360_000)]
    assert bench.ask(m.Time()) == m.TimeReply(12_440_000)


@pytest.mark.parametrize(("asked", "hz"), [(0, 100), (10, 10), (11, 50), (50, 50), (51, 100), (101, 200), (200, 200)])
def test_start_takes_the_slowest_rate_that_does(asked: int, hz: int) -> None:
    """R23"""
    bench = Bench()
    assert bench.start(asked).period_us == 1_000_000 // hz
    bench.wait(1.0)
    assert len(bench.scans) == hz


def test_runs() -> None:
    """R22, R21: START with the running rate continues the run; another rate or a stop begins one; the index goes on."""
    bench = Bench()
    assert bench.start().run == 1
    bench.wait(0.5)
    again = bench.start()
    assert (again.run, again.next_index) == (1, 50)
    bench.wait(0.5)
    other = bench.start(50)
    assert (other.run, other.next_index) == (2, 100)
    bench.wait(1)
    assert bench.ask(m.Stop()) == m.StopReply(150)
    bench.wait(5)
    assert bench.ball.next_index == 150
    assert bench.start(50).run == 3
    assert [index for index, _, _ in bench.scans] == list(range(150))


def test_conversions_that_settle_are_no_slots() -> None:
    """R23"""
    bench = Bench(settle_us=400_000)
    assert bench.start().next_index == 0
    bench.wait(0.5)
    assert bench.scans[0][:2] == (0, 410_000)


def test_a_missed_slot_uses_up_its_number() -> None:
    """R21, R24: and ends the batch."""
    bench = Bench()
    bench.start()
    bench.wait(0.025)
    bench.ball.miss(3)
    bench.wait(0.2)
    first, second = bench.live()[:2]
    assert (first.index, len(first.values), second.index, second.t_us) == (0, 2, 5, 60_000)


def test_a_reboot_forgets_all_but_calibration() -> None:
    """R20, R28, R33, R36, R42"""
    bench = Bench(sensor=None)
    bench.values = [100]
    bench.start()
    bench.wait(1)
    bench.send(m.Tare())
    bench.wait(1)
    assert bench.status(m.Limits(LIMIT)) == 0
    assert bench.ball.zero == (100,)
    bench.ball.reboot(0xFEED, bench.now_us, booting_us=300_000)
    bench.connect(0)
    bench.send(m.Hello(1, 1))
    bench.take()
    assert bench.said[0] == []  # while booting nothing
    bench.wait(0.4)
    assert bench.status(m.Time()) == Status.HELLO_FIRST
    assert bench.greet().boot_id == 0xFEED
    assert bench.ask(m.Time()) == m.TimeReply(400_000)
    assert (bench.ball.zero, bench.ball.limit.enable, bench.ball.zero_changes) == ((0,), False, 0)
    assert bench.ask(m.LogRead(0, 1000)) == m.LogReadReply(0, 0, 0)
    assert bench.start().next_index == 0


def test_the_index_wraps() -> None:
    """R21: u16 in SAMPLES, u32 in replies."""
    near_index, near_us = (1 << 32) - 2, (1 << 32) - 25_000
    ball = Ball(spec(), lambda first, count: np.zeros((count, 1), np.int16), first_index=near_index, uptime_us=near_us)
    ball.connect(0, framed=False)
    ball.feed(0, encode(m.Hello(1, 1), 1), 0)
    ball.feed(0, encode(m.Start(), 2), 0)
    ball.tick(50_000)
    heard = [decode_from_ball(message, 1) for message in ball.outgoing(0)]
    (start,) = [said[1] for said in heard if isinstance(said, tuple) and isinstance(said[1], m.StartReply)]
    assert (start.next_index, start.t_us) == (near_index, near_us)
    (batch,) = [said[1] for said in heard if isinstance(said, tuple) and isinstance(said[1], m.SampleBatch)]
    assert (batch.index, batch.t_us) == (0xFFFE, near_us + 10_000)
    ball.feed(0, encode(m.Stop(), 3), 60_000)
    heard = [decode_from_ball(message, 1) for message in ball.outgoing(0)]
    (stop,) = [said[1] for said in heard if isinstance(said, tuple) and isinstance(said[1], m.StopReply)]
    assert stop.next_index == 4
