"""What the ball sends unasked, when and in what order (R11, R24 to R27, R38)."""

from itertools import pairwise

import pytest

from firmware_protocol import messages as m
from firmware_protocol.ball import LinkState
from firmware_protocol.messages import Flags
from tests.ball_bench import LIMIT, Bench

# Batches


@pytest.mark.parametrize(
    ("hz", "latency_ms", "scans"), [(100, 40, 5), (10, 40, 1), (100, 0, 5), (200, 40, 9), (100, 10, 2), (10, 200, 3)]
)
def test_a_batch_goes_before_it_gets_too_long(hz: int, latency_ms: int, scans: int) -> None:
    """R24, R25"""
    bench = Bench()
    bench.start(hz, latency_ms)
    bench.wait(2)
    batches = bench.live()
    assert {len(batch.values) for batch in batches} == {scans}
    assert {batch.span_10us for batch in batches} == {(scans - 1) * 100_000 // hz}
    assert batches[0].t_us == 1_000_000 // hz
    assert all(later.index - batch.index == scans for batch, later in pairwise(batches))


def test_a_batch_goes_before_it_gets_too_big() -> None:
    """R24: 16 channels x 7 scans fill 234 of 244 bytes."""
    bench = Bench(channels=16)
    bench.start(200, 200)
    bench.wait(0.2)
    assert {batch.values.shape for batch in bench.live()} == {(7, 16)}


def test_times_in_a_batch_are_true() -> None:
    """R25: within max(1 ms, period/4), also for a period that is no whole number."""
    bench = Bench(period_ratio=0.8547)
    bench.start()
    bench.wait(3)
    truth = {index: t_us for index, t_us, _ in bench.scans}
    for batch in bench.live():
        count = len(batch.values)
        for k in range(count):
            stamp = batch.t_us + k * 10 * batch.span_10us / max(1, count - 1)
            assert abs(stamp - truth[batch.index + k]) <= 1000
    assert len(bench.scans) == pytest.approx(3 / 0.008547, abs=1)


def test_tags_of_what_is_unasked_count_up() -> None:
    """R11: per link, mod 256, given at hand-over: what the ball drops makes no hole."""
    bench = Bench()
    bench.start()
    bench.wait(10)
    bench.wait(5, taken=False)
    bench.wait(10)
    tags = [
        tag for tag, said in bench.said[0] if isinstance(said, m.SampleBatch | m.StatusMessage | m.BallEventMessage)
    ]
    assert len(tags) > 300
    assert tags == [n % 256 for n in range(len(tags))]
    assert bench.ball.dropped > 0


def test_a_jam() -> None:
    """R24, R27, R38: at least 1 s is kept, the oldest go, counted in STATUS, told by EVENT 7; batches grow."""
    bench = Bench()
    bench.start()
    bench.wait(1)
    bench.forget()
    bench.wait(4, taken=False)
    bench.take()
    batches = bench.live()
    kept = sum(len(batch.values) for batch in batches)
    assert 100 <= kept < 200
    assert bench.codes() == [(7, 400 - kept)]
    assert bench.ball.dropped == 400 - kept
    assert 60 < max(len(batch.values) for batch in batches) <= 66  # 655.35 ms are the most
    assert all(batch.span_10us <= 65_535 for batch in batches)
    assert batches[-1].index + len(batches[-1].values) == bench.ball.next_index
    bench.wait(11)
    assert bench.of(m.StatusMessage)[-1].dropped == 400 - kept
    assert {len(batch.values) for batch in bench.live()[len(batches) :]} == {5}


def test_priority_and_space() -> None:
    """R27: replies, EVENT, STATUS, SAMPLES, BACKFILL; the link takes what it has room for."""
    bench = Bench()
    bench.start()
    bench.wait(3)
    bench.send(m.LogRead(0, 200))
    bench.wait(0.1, taken=False)
    bench.ball.battery(bench.now_us, charging=True)
    bench.wait(0.1, taken=False)
    bench.ball.press_button(False, bench.now_us)
    bench.send(m.Time())
    bench.forget()
    while bench.ball.outgoing(0, 100):
        raise AssertionError("a frame may be 250 bytes long")
    for _ in range(100):
        bench.take(250)
    kinds = [(type(said), isinstance(said, m.SampleBatch) and said.backfill) for _, said in bench.said[0]]
    order = [
        (m.LogReadReply, False),
        (m.TimeReply, False),
        (m.BallEventMessage, False),
        (m.StatusMessage, False),
        (m.SampleBatch, False),
        (m.SampleBatch, True),
    ]
    assert kinds == sorted(kinds, key=order.index)
    assert set(kinds) == set(order)


def test_start_discards_what_waits() -> None:
    """R26: nothing older than its next_index follows."""
    bench = Bench()
    bench.start()
    bench.wait(0.73, taken=False)
    bench.forget()
    reply = bench.ask(m.Start(100))
    assert isinstance(reply, m.StartReply)
    assert reply.next_index == 73
    bench.wait(0.5)
    assert bench.live()[0].index == 73


def test_stop_sends_what_waits_first() -> None:
    """R26: then replies; after 0.5 s at most."""
    bench = Bench()
    bench.start()
    bench.wait(0.13)
    bench.forget()
    bench.send(m.Stop())
    bench.take()
    assert [type(said) for _, said in bench.said[0]][-2:] == [m.SampleBatch, m.StopReply]
    assert bench.live()[-1].index + len(bench.live()[-1].values) == 13
    assert bench.ball.state(0) is LinkState.READY
    assert bench.status(m.Stop()) == 0  # in IDLE too
    jammed = Bench()
    jammed.start()
    jammed.wait(0.5, taken=False)
    jammed.forget()
    jammed.send(m.Stop())
    jammed.wait(0.6, taken=False)
    jammed.take()
    assert not jammed.live()
    assert jammed.of(m.StopReply) == [m.StopReply(50)]


def test_scans_nobody_was_sent_are_never_samples() -> None:
    """R26: after a link is lost and back they are for LOG_READ."""
    bench = Bench()
    bench.start()
    bench.wait(0.5)
    bench.ball.disconnect(0)
    bench.wait(1)
    bench.connect(0)
    assert bench.start().next_index == 150
    bench.wait(0.5)
    assert bench.live()[0].index == 150


# STATUS


def test_status() -> None:
    """R38: after HELLO's reply, every 10 s, and when flags or zero changes differ, once a second at most; G21"""
    bench = Bench()
    bench.ball.battery(0, percent=87, millivolt=3912, temp_c=26.5)
    bench.greet()
    assert [type(said) for _, said in bench.said[0]] == [m.HelloReply, m.StatusMessage]
    assert bench.of(m.StatusMessage) == [m.StatusMessage(Flags(0), 87, 3912, 2650, 0, 0)]
    bench.wait(9.9)
    assert len(bench.of(m.StatusMessage)) == 1
    bench.wait(0.2)
    assert len(bench.of(m.StatusMessage)) == 2
    bench.ask(m.Start())
    bench.ask(m.Limits(LIMIT))
    assert len(bench.of(m.StatusMessage)) == 2
    bench.wait(1)
    assert bench.of(m.StatusMessage)[2:] == [m.StatusMessage(Flags.SCANNING | Flags.LIMIT_ARMED, 87, 3912, 2650, 0, 0)]


def test_unknown_is_unknown() -> None:
    """STATUS: FF, 0, 8000h."""
    bench = Bench(framed=False)
    bench.connect(0, framed=False, encrypted=True)
    bench.greet()
    assert bench.of(m.StatusMessage) == [m.StatusMessage(Flags.ENCRYPTED, 0xFF, 0, -32_768, 0, 0)]


def test_events_are_ten_a_second_at_most() -> None:
    """EVENT: the rest waits, and too old ones go."""
    bench = Bench()
    bench.start()
    bench.forget()
    for _ in range(100):
        bench.ball.press_button(False, bench.now_us)
        bench.wait(0.01)
    assert len(bench.of(m.BallEventMessage)) == 10
    bench.wait(5)
    assert len(bench.of(m.BallEventMessage)) == 10 + 16
