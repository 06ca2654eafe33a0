"""The reference ball: its links and their states (PROTOCOL.md sections 1 and 4)."""

from itertools import pairwise

import numpy as np
import pytest

from firmware_protocol import messages as m
from firmware_protocol.ball import ALL_CAPS, Ball, LinkState
from firmware_protocol.codec import decode_from_ball, encode
from firmware_protocol.framing import Deframer, encode_frame
from firmware_protocol.messages import Caps, Flags, IdentField, SampleBatch, Status
from tests.ball_bench import LIMIT, POINTS, Bench, spec

# Links


def test_nothing_is_said_before_hello() -> None:
    """R2, R39, G22: OPEN answers HELLO_FIRST to all but HELLO, whatever else is wrong, and sends nothing unasked."""
    bench = Bench()
    bench.wait(60)
    bench.ball.press_button(False, bench.now_us)
    bench.take()
    assert bench.said[0] == []
    assert bench.status(m.Time()) == Status.HELLO_FIRST
    for message in ("3A20", "041564", "0A1C01"):
        bench.forget()
        bench.raw(bytes.fromhex(message))
        bench.take()
        assert bench.of(m.Refusal)[0].status == Status.HELLO_FIRST


def test_unsubscribed_is_shut() -> None:
    """R2: until Tx is subscribed writes are ignored; R55."""
    bench = Bench(framed=False)
    bench.connect(0, framed=False, subscribed=False)
    bench.send(m.Hello(1, 1))
    bench.take()
    assert bench.said[0] == []
    assert bench.ball.state(0) is LinkState.SHUT
    bench.ball.subscribe(0, True)
    assert bench.greet().version == 1
    assert bench.ball.state(7) is LinkState.SHUT
    bench.ball.feed(7, b"\x01\x01\x01\x01", 0)
    assert bench.ball.outgoing(7) == []


def test_a_ball_that_needs_encryption_is_shut_without() -> None:
    """R58; serial is private (R59)."""
    bench = Bench(caps=ALL_CAPS | Caps.ENCRYPTED, framed=False)
    assert bench.ball.state(0) is LinkState.SHUT
    bench.connect(0, framed=False, encrypted=True)
    assert bench.ball.state(0) is LinkState.OPEN
    bench.connect(1, framed=True)
    assert bench.ball.state(1) is LinkState.OPEN


def test_one_00_before_the_first_frame_after_power_up() -> None:
    """R5, R6"""
    bench = Bench()
    bench.send(m.Hello(1, 1))
    first, second = bench.ball.outgoing(0)
    assert first[0] == 0
    assert second[0] != 0
    assert first.count(b"\0") == 2
    assert [len(part) for part in (first, second)] == [1 + 26, 19]
    bench.ball.reboot(5, bench.now_us)
    bench.send(m.Hello(1, 1))
    assert bench.ball.outgoing(0)[0][0] == 0


def test_datagrams_have_no_frames() -> None:
    """R1: one message is one value; shorter than 2 bytes or longer than 244 is refused by the radio, and ignored."""
    bench = Bench(framed=False)
    for data in (b"", b"\x01", encode(m.Hello(1, 1), 1) + bytes(300)):
        bench.ball.feed(0, data, 0)
    assert bench.ball.outgoing(0) == []
    bench.ball.feed(0, encode(m.Hello(1, 1), 1) + b"later fields", 0)
    assert bench.ball.outgoing(0)[0][:3] == bytes.fromhex("810100")


@pytest.mark.parametrize(("mtu", "status"), [(23, Status.TOO_BIG), (100, 0)])
def test_a_reply_that_does_not_fit_is_too_big(mtu: int, status: int) -> None:
    """R3"""
    bench = Bench(framed=False, channels=5)
    bench.connect(0, framed=False, mtu=mtu, encrypted=True)
    bench.greet()
    assert bench.status(m.CalGet(4)) == status
    assert bench.status(m.Ident(IdentField.SERIAL)) == 0
    assert bench.status(m.Start()) == 0  # MTU 23 carries 5 channels
    bench.send(m.Raw(50))
    bench.wait(0.1)
    assert bool(bench.of(m.RawReply)) is (status == 0)


def test_start_is_too_big_if_one_scan_does_not_fit() -> None:
    """R27: MTU 23 carries 5 channels, not 6; the MTU of the moment counts (R3)."""
    bench = Bench(framed=False, channels=6)
    bench.connect(0, framed=False, mtu=23, encrypted=True)
    bench.greet()
    assert bench.status(m.Start()) == Status.TOO_BIG
    bench.ball.set_mtu(0, 185)
    assert bench.status(m.Start()) == 0
    bench.wait(0.06)
    bench.ball.set_mtu(0, 30)
    bench.forget()
    bench.wait(0.2)
    assert {len(batch.values) for batch in bench.live()} <= {1, 5}
    assert bench.live()[-1].values.shape == (1, 6)


@pytest.mark.parametrize(
    ("baud", "latency_ms", "status"), [(115_200, 0, 0), (9600, 10, Status.TOO_BIG), (9600, 200, 0)]
)
def test_start_is_too_big_for_a_slow_port(baud: int, latency_ms: int, status: int) -> None:
    """R8: 80 %. 100 Hz x 4 channels at 10 ms is 9600..14 400 baud, at 200 ms 9440."""
    bench = Bench(channels=3 if latency_ms == 200 else 4)
    bench.connect(0, framed=True, baud=baud)
    bench.greet()
    assert bench.status(m.Start(100, latency_ms)) == status
    assert bench.ball.scanning is (status == 0)  # R14: a refused request changes nothing


# States


def test_silence_closes_the_link() -> None:
    """Section 4, R40: 30 s without a request; EVENT 10/1 goes first; with a log it scans on for 600 s."""
    bench = Bench()
    bench.start()
    bench.wait(29.9)
    assert bench.ball.state(0) is LinkState.SENDING
    bench.wait(0.2)
    assert bench.codes() == [(10, 1)]
    assert bench.ball.state(0) is LinkState.OPEN
    bench.forget()
    bench.wait(599)
    assert bench.ball.next_index == pytest.approx(62_910, abs=2)
    assert bench.said[0] == []
    bench.wait(9)
    assert bench.ball.next_index == pytest.approx(63_000, abs=2)
    assert not bench.ball.scanning


def test_a_request_of_any_kind_keeps_the_link() -> None:
    """Section 4"""
    bench = Bench()
    bench.greet()
    for _ in range(4):
        bench.wait(20)
        bench.raw(bytes.fromhex("3A20"))
    assert bench.ball.state(0) is LinkState.READY
    bench.wait(31)
    assert bench.ball.state(0) is LinkState.OPEN
    assert bench.codes() == []  # it was not sending


@pytest.mark.parametrize(("caps", "scans_on"), [(Caps.LOG, True), (Caps(0), False)])
def test_run_on_after_a_lost_link(caps: Caps, scans_on: bool) -> None:
    """R40, R22: START goes on with the run."""
    bench = Bench(caps=caps)
    bench.start()
    bench.wait(0.5)
    bench.ball.disconnect(0)
    assert bench.ball.scanning is scans_on
    bench.wait(10)
    bench.connect(0)
    assert bench.start().run == (1 if scans_on else 2)
    bench.wait(700)  # sending again: no run-on ends it, but nobody asks for 30 s
    assert bench.ball.scanning is False


def test_hello_makes_its_link_quiet() -> None:
    """R39: no SAMPLES, BACKFILL until asked anew; scanner, zero, limit, clock and index stay."""
    bench = Bench()
    bench.values = [50]
    bench.start()
    bench.send(m.Tare())
    bench.wait(1)
    bench.ask(m.Limits(LIMIT))
    bench.forget()
    bench.greet()
    bench.wait(1)
    assert not bench.of(m.SampleBatch)
    assert (bench.ball.scanning, bench.ball.zero, bench.ball.limit) == (True, (50,), LIMIT)
    assert bench.ball.next_index == 200


def test_two_links() -> None:
    """R41: one is SENDING; START takes over (EVENT 10/4); meanwhile others have some requests, the rest is STATE."""
    bench = Bench()
    bench.connect(1)
    bench.start()
    bench.greet(1)
    bench.wait(2)
    assert bench.of(m.StatusMessage, 1)[-1].flags & Flags.ELSEWHERE
    assert not bench.live(1)
    own = (m.Stop(), m.Tare(), m.Raw(), m.CalSet(0, 0, POINTS), m.Limits(), m.Limits(LIMIT), m.LogRead(0, 9))
    assert {bench.status(request, 1) for request in own} == {Status.STATE}
    all_have = (m.Ident(IdentField.SERIAL), m.Time(), m.Sensor(), m.CalGet(0), m.Alert(4, 4, 100), m.Hello(1, 1))
    assert {bench.status(request, 1) for request in all_have} == {0}
    bench.forget()
    assert bench.status(m.Start(), 1) == 0
    bench.wait(1)
    assert bench.codes(0) == [(10, 4)]
    assert (bench.ball.state(0), bench.ball.state(1)) == (LinkState.READY, LinkState.SENDING)
    assert not bench.live(0)
    assert bench.live(1)[0].index == 200
    assert bench.ball.run == 1


def test_the_order_of_time_does_not_depend_on_ticks() -> None:
    """Law 1: one tick over ten minutes does what a thousand do."""
    scans = []
    for steps in (1, 1000):
        bench = Bench()
        bench.start()
        for step in range(1, steps + 1):
            bench.ball.tick(700_000_000 * step // steps)
        scans.append(bench.scans)
        assert bench.ball.scanning is False
    assert scans[0] == scans[1]
    assert len(scans[0]) == pytest.approx(63_000, abs=2)


@pytest.mark.parametrize(
    "changes", [{"channels": 17}, {"rates_hz": ()}, {"rates_hz": (5,)}, {"points": (POINTS, POINTS)}, {"unit": 0}]
)
def test_a_spec_that_cannot_be(changes: dict[str, object]) -> None:
    """Section 7, R30"""
    with pytest.raises(ValueError, match=r"ball|tables"):
        spec(**changes)


# Power


def test_fault_and_battery() -> None:
    """R45, section 4: EVENT 6 and 10/2, EVENT 8 and 10/3; scanning ends."""
    bench = Bench()
    bench.start()
    bench.ball.set_fault(True, bench.now_us)
    bench.wait(1)
    assert bench.codes() == [(6, 0), (10, 2)]
    assert bench.ball.state(0) is LinkState.READY
    assert not bench.ball.scanning
    assert bench.of(m.StatusMessage)[-1].flags & Flags.FAULT
    assert bench.status(m.Start()) == Status.HARDWARE
    bench.ball.set_fault(False, bench.now_us)
    bench.forget()
    bench.start()
    bench.ball.battery(bench.now_us, percent=3, critical=True, charging=True, usb=True)
    bench.wait(1)
    assert bench.codes() == [(9, 1), (8, 0), (10, 3)]
    assert bench.of(m.StatusMessage)[-1].flags == Flags.BATTERY_LOW | Flags.CHARGING | Flags.USB
    assert not bench.ball.scanning


# Faults


def test_its_period_is_the_true_one_while_it_scans() -> None:
    ball = Ball(spec(rates_hz=(100, 200), period_ratio=0.9), lambda first, count: np.zeros((count, 1), np.int16))
    assert ball.period_us == 0
    ball.connect(0, framed=True)
    ball.feed(0, encode_frame(encode(m.Hello(1, 1), 1)), 0)
    ball.feed(0, encode_frame(encode(m.Start(200), 2)), 0)
    assert ball.period_us == 4500
    ball.feed(0, encode_frame(encode(m.Stop(), 3)), 100_000)
    assert ball.period_us == 0


@pytest.mark.parametrize("by_us", [3_000_000, -400_000, -9_000_000])
def test_a_clock_that_jumps_moves_times_and_not_scans(by_us: int) -> None:
    taken: list[tuple[int, int]] = []
    ball = Ball(
        spec(),
        lambda first, count: np.zeros((count, 1), np.int16),
        witness=lambda scans: taken.extend(zip(scans.index.tolist(), scans.t_us.tolist(), strict=True)),
    )
    ball.connect(0, framed=True)
    ball.feed(0, encode_frame(encode(m.Hello(1, 1), 1)), 0)
    ball.feed(0, encode_frame(encode(m.Start(100), 2)), 0)
    ball.tick(1_000_000)
    ball.step_clock(by_us, 1_005_000)
    moved_us = max(by_us, -1_005_000)
    assert ball.t_us == 1_005_000 + moved_us
    ball.tick(2_000_000)
    assert [index for index, _ in taken] == list(range(200))
    steps = [b - a for (_, a), (_, b) in pairwise(taken)]
    assert {step for step in steps if step != 10_000} == {10_000 + moved_us}
    parts = Deframer().feed(b"".join(ball.outgoing(0)))
    heard = [decode_from_ball(part, 1) for part in parts if isinstance(part, bytes)]
    batches = [said[1] for said in heard if isinstance(said, tuple) and isinstance(said[1], SampleBatch)]
    assert len(batches) > 2
    assert all(batch.span_10us == 1000 * (len(batch.values) - 1) for batch in batches), "none reaches over the jump"


@pytest.mark.parametrize("by_us", [100_000, -300_000, -1_000_000, 5_000_000])
@pytest.mark.parametrize("stopped", [False, True])
def test_no_batch_of_the_log_reaches_over_a_jump_of_the_clock(by_us: int, stopped: bool) -> None:
    """R25: its scans are evenly apart. What was taken while nobody listened is read back after the clock was set."""
    bench = Bench()
    bench.start(100, 40)
    bench.wait(2.0)
    bench.ball.step_clock(by_us, bench.now_us)
    bench.wait(2.0)
    if stopped:
        bench.ask(m.Stop())
    bench.send(m.LogRead(150, 100))
    bench.wait(1.0)
    told = [batch for batch in bench.of(SampleBatch) if batch.backfill]
    assert sum(len(batch.values) for batch in told) == 100
    truth = {index: t_us & 0xFFFFFFFF for index, t_us, _ in bench.scans}
    for batch in told:
        assert batch.span_10us == 1000 * (len(batch.values) - 1)
        assert batch.t_us == truth[batch.index]
