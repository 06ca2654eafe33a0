"""How the ball answers, and in which order it checks (PROTOCOL.md section 2)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_protocol import messages as m
from firmware_protocol.ball import BallIdentity, LinkState
from firmware_protocol.codec import decode_from_ball, encode
from firmware_protocol.framing import encode_frame
from firmware_protocol.messages import Caps, IdentField, Status
from tests.ball_bench import LIMIT, Bench

# Requests


def test_hello_and_ident() -> None:
    """R12, R32, R57; G1"""
    bench = Bench(cal_crc=0xAFB0, caps=Caps.LOG, channels=3, lsb=0.25, identity=BallIdentity(serial="A.b_c-9"))
    assert bench.greet() == m.HelloReply(1, Caps.LOG, 3, 1, 0.25, 200, 0xAFB0, 0xDEADBEEF)
    assert bench.ask(m.Ident(IdentField.SERIAL)) == m.IdentReply("A.b_c-9")
    assert bench.status(m.Ident(IdentField.MODEL)) == Status.NO_DATA


def test_info_hides_what_is_private() -> None:
    """Section 1: Info is the HELLO reply, tag 0, without cal_crc and boot_id on an open link."""
    bench = Bench(framed=False, caps=Caps(0), cal_crc=7)
    heard = decode_from_ball(bench.ball.info(0), None)
    lsb = float(np.float32(0.05))
    assert heard == (0, m.HelloReply(1, Caps(0), 1, 1, lsb, 200, 0, 0))
    bench.connect(0, framed=False, encrypted=True)
    assert isinstance(reply := decode_from_ball(bench.ball.info(0), None), tuple)
    assert isinstance(reply[1], m.HelloReply)
    assert (reply[1].cal_crc, reply[1].boot_id) == (7, 0xDEADBEEF)


def test_versions() -> None:
    """R39, G2: VERSION with the own highest leaves the link OPEN; min > max is VALUE and changes nothing."""
    bench = Bench()
    bench.start()
    assert bench.status(m.Hello(2, 1)) == Status.VALUE
    assert bench.ball.state(0) is LinkState.SENDING
    assert bench.ask(m.Hello(2, 3)) == m.Refusal(1, Status.VERSION, 1)
    assert bench.ball.state(0) is LinkState.OPEN
    assert bench.ask(m.Hello(1, 9)) == bench.greet()


def test_the_order_of_checks() -> None:
    """R13, R14: UNKNOWN, LENGTH, DENIED, VALUE, STATE; R59: CAL_SET and writing LIMITS on an open BLE link."""
    bench = Bench(framed=False, caps=Caps.LIMITS | Caps.HAPTIC | Caps.CALIBRATION)
    bench.greet()

    def status(message: str) -> int:
        bench.forget()
        bench.raw(bytes.fromhex(message))
        bench.take()
        (refusal,) = bench.of(m.Refusal)
        return refusal.status

    assert status("3A20") == Status.UNKNOWN
    assert status("0C1E") == Status.UNKNOWN  # no LOG; too short, too
    assert status("041564") == Status.LENGTH
    assert status("0A1C0109") == Status.LENGTH
    assert status("0A1C0109840D2A0CF401") == Status.DENIED  # a wrong pattern, too
    assert status("091B0901") == Status.LENGTH
    assert status("091B09010000" + 8 * "00") == Status.DENIED  # a wrong channel, one point only, too
    assert status("042158020000") == Status.VALUE
    assert status("042105000000") == Status.VALUE
    assert status("04210A000500") == Status.VALUE  # latency of 5 ms
    assert status("081A01") == Status.VALUE
    assert bench.status(m.Limits()) == 0  # reading is no writing
    bench.connect(0, framed=False, encrypted=True)
    bench.greet()
    assert status("0A1C0109840D2A0CF401") == Status.VALUE
    assert bench.status(m.Limits(LIMIT)) == 0
    assert bench.ask(m.Time()) == m.TimeReply(bench.now_us)
    bench.raw(bytes.fromhex("0322AABB"))  # extra bytes
    bench.take()
    assert bench.reply(0x22) == m.TimeReply(bench.now_us)


def test_what_is_no_request_gets_no_answer() -> None:
    """R42, R55"""
    bench = Bench()
    bench.greet()
    bench.forget()
    for message in ("8001", "0001", "4001", "FF01", "C3010000"):
        bench.raw(bytes.fromhex(message))
    bench.ball.feed(0, b"boot text\r\n\0" + encode_frame(encode(m.Time(), 1))[:-2] + b"\x09\0", 0)
    bench.take()
    assert bench.said[0] == []


@settings(max_examples=100, deadline=None)
@given(framed=st.booleans(), data=st.lists(st.binary(max_size=80), max_size=20))
def test_any_bytes_do_no_harm(framed: bool, data: list[bytes]) -> None:
    """R55"""
    bench = Bench(framed=framed)
    bench.greet()
    for part in data:
        if len(part) >= 2:
            bench.raw(part)
        bench.ball.feed(0, part, bench.now_us)
        bench.wait(0.05)
    if framed:
        bench.ball.feed(0, b"\0", bench.now_us)  # what was begun ends here
    bench.take()
    bench.forget()
    bench.greet()  # among the bytes there may have been a HELLO of another protocol
    assert bench.ask(m.Time()) == m.TimeReply(bench.now_us), "it still answers"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=40))
def test_requests_may_come_in_any_split(sizes: list[int]) -> None:
    """R5: the same answers however the stream is cut."""
    requests: tuple[m.Request, ...] = (
        m.Hello(1, 1),
        m.Time(),
        m.Start(100),
        m.Sensor(),
        m.Alert(1, 1, 100),
        m.Stop(),
        m.Ident(IdentField.MODEL),
    )
    messages = [encode(request, 1 + at) for at, request in enumerate(requests)]
    stream = b"".join(b"\0" + encode_frame(message) for message in messages)
    whole, split = Bench(), Bench()
    whole.ball.feed(0, stream, 0)
    at = 0
    for size in [*sizes, len(stream)]:
        split.ball.feed(0, stream[at : at + size], 0)
        at += size
    assert split.ball.outgoing(0) == whole.ball.outgoing(0)


# Log


def test_log_read() -> None:
    """R36, R37: what exists, in rising index, missed slots missing; reading deletes nothing; survives STOP."""
    bench = Bench(log_s=2.0, rates_hz=(100,))
    bench.start()
    bench.wait(1.005)
    bench.ball.miss(10)
    bench.wait(1.995)
    bench.forget()
    reply = bench.ask(m.LogRead(0, 250))
    assert isinstance(reply, m.LogReadReply)
    start = 300 - 10 - 201  # the ring holds 201 scans
    assert reply == m.LogReadReply(start, 250 - start, (start + 1) * 10_000)
    got = [batch.index + k for batch in bench.late() for k in range(len(batch.values))]
    assert got == [*range(start, 100), *range(110, 250)]
    assert all(batch.span_10us == 1000 * (len(batch.values) - 1) for batch in bench.late())
    bench.ask(m.Stop())
    bench.forget()
    assert bench.ask(m.LogRead(start, 5)) == m.LogReadReply(start, 5, (start + 1) * 10_000)
    assert [batch.index for batch in bench.late()] == [start]
    assert bench.ask(m.LogRead(5, 5)) == m.LogReadReply(5, 0, 0)
    assert bench.ask(m.LogRead(300, 5)) == m.LogReadReply(300, 0, 0)
    assert bench.ask(m.LogRead(100, 10)) == m.LogReadReply(100, 0, 0)
    bench.start()
    assert bench.ask(m.LogRead(start, 5)) == m.LogReadReply(start, 0, 0)  # not the next run


@pytest.mark.parametrize("request_", [m.Hello(1, 1), m.LogRead(0, 0), m.Start(50)])
def test_log_read_is_cancelled(request_: m.Request) -> None:
    """R37"""
    bench = Bench()
    bench.start()
    bench.wait(5)
    bench.send(m.LogRead(0, 400))
    bench.take(500)
    bench.send(request_)
    bench.forget()
    bench.take()
    assert not bench.late()
