"""The Arduino sketch of PROTOCOL.md: its bytes against the golden vectors, a session of our own host, `knead live`."""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import numpy as np
import pytest

import firmware_protocol
from firmware_protocol import messages as m
from firmware_protocol.codec import decode_from_ball
from firmware_protocol.driver import (
    BallEvent,
    Chunk,
    Close,
    Continuity,
    DriverEvent,
    Phase,
    Profile,
    Refused,
    Samples,
    Send,
    Started,
    Status,
    ZeroChanged,
)
from firmware_protocol.framing import Deframer, encode_frame
from firmware_protocol.host import Host
from tests.sketch import HAS_PORTS, Stepped, compiled, played, source
from tests.test_cli_main import knead

VECTORS = json.loads((Path(firmware_protocol.__file__).parent / "vectors.json").read_text(encoding="utf-8"))
MESSAGES: Mapping[str, Any] = {vector["name"]: vector for vector in VECTORS["messages"]}
ASKED = [vector for vector in VECTORS["messages"] if vector["direction"] == "to_ball"]
STREAMS: Sequence[Mapping[str, Any]] = VECTORS["streams"]
LEAST = 6  # the requests of a ball without caps have types 1 to 6
G4_US, G5_US = 12_345_678, 12_340_000
GOLDEN_PERIOD_US = 10_000

T = TypeVar("T")


@pytest.fixture(scope="module")
def programs() -> Iterator[Mapping[str, Path]]:
    with compiled() as made:
        yield made


@pytest.fixture
def golden(programs: Mapping[str, Path]) -> Iterator[Stepped]:
    with Stepped(programs["golden"]) as ball:
        yield ball


@pytest.fixture
def ball(programs: Mapping[str, Path]) -> Iterator[Stepped]:
    with Stepped(programs["plain"]) as ball:
        yield ball


def frame(name: str) -> bytes:
    return bytes.fromhex(MESSAGES[name]["frame"])


def frames(ball: Stepped, until_us: int, data: bytes = b"") -> list[bytes]:
    """What the ball says, as it says it; STATUS, whose moment is its own, left out."""
    said = b"".join(part for _, part in ball.go(until_us, data))
    whole = [part + b"\0" for part in said.split(b"\0") if part]
    return [part for part in whole if opened(part)[0] != m.STATUS]


def opened(frame: bytes) -> bytes:
    (message,) = Deframer().feed(frame)
    assert isinstance(message, bytes)
    return message


def messages(ball: Stepped, until_us: int, data: bytes = b"") -> list[bytes]:
    return [opened(part) for part in frames(ball, until_us, data)]


def greet(ball: Stepped, at_us: int) -> bytes:
    """HELLO's reply."""
    ball.tell(f"set clock {at_us}")
    (reply,) = messages(ball, at_us, b"\0" + encode_frame(b"\x01\x01\x01\x01"))
    ball.go(at_us)  # its STATUS
    return reply


# --- golden vectors ---


def test_hello_tells_what_the_sketch_is(ball: Stepped) -> None:
    """R12, R20, R32, R39: G1's fields, with the sketch's own numbers in them."""
    ball.tell("set boot 3735928559")
    reply = greet(ball, G4_US)
    calibration = crc32(struct.pack("<f", 640.0)) & 0xFFFF
    lsb = float(np.float32(0.05))
    assert decode_from_ball(reply, None) == (1, m.HelloReply(1, m.Caps(0), 1, 1, lsb, 80, calibration, 0xDEADBEEF))


@pytest.mark.parametrize("name", ["G2", "G3", "G4", "G22.2", "G22.3", "G22.4", "G22.6"])
def test_replies_are_the_golden_ones(golden: Stepped, name: str) -> None:
    """R5, R12 to R14, R20, R39: byte by byte, frames and all."""
    greet(golden, G4_US)
    assert frames(golden, G4_US, b"\0" + frame(f"{name} ask")) == [frame(f"{name} reply")]


def test_before_hello_nothing_else_is_answered(golden: Stepped) -> None:
    """R14: G22.1"""
    assert frames(golden, 500_000, frame("G22.1 ask")) == [frame("G22.1 reply")]


def test_a_run_is_the_golden_one(golden: Stepped) -> None:
    """R21 to R26: START is G5, SAMPLES are G15, STOP tells what comes next."""
    golden.tell("set index 1000")
    greet(golden, G5_US)
    golden.tell("value 0")
    assert messages(golden, G5_US) == []
    assert frames(golden, G5_US, frame("G5 ask")) == [frame("G5 reply")]
    golden.tell("set tag 7")
    sent: list[bytes] = []
    for number, value in enumerate((0, 100, 200, -5, m.NO_VALUE)):
        at_us = G4_US + number * GOLDEN_PERIOD_US
        sent += messages(golden, at_us)
        golden.tell(f"value {value}")
        sent += frames(golden, at_us)
    assert sent == [frame("G15")]
    assert messages(golden, G4_US + 50_000, frame("G6 ask")) == [bytes.fromhex("851600") + struct.pack("<I", 1005)]


def test_time_and_index_wrap_as_the_golden_ones_do(golden: Stepped) -> None:
    """R20, R21, R24: G16 and G17, over the wrap of both."""
    start_us = 2**32 - 20_000
    golden.tell("set index 65534")
    greet(golden, start_us)
    golden.tell("value 0")
    assert messages(golden, start_us) == []
    messages(golden, start_us, frame("G5 ask"))
    golden.tell("set tag 8")
    sent: list[bytes] = []
    for number, value in enumerate((1, 2, 3, 4, m.SATURATED, 5, 6, 7, 8, 9)):
        at_us = start_us + number * GOLDEN_PERIOD_US
        sent += messages(golden, at_us)
        golden.tell(f"value {value}")
        sent += frames(golden, at_us)
    assert sent == [frame("G16"), frame("G17")]


def test_stop_and_tare_are_the_golden_ones(golden: Stepped) -> None:
    """R26, R28: G6, and G7, which averages over half a second."""
    golden.tell("set index 65544")
    greet(golden, G4_US)
    assert frames(golden, G4_US, frame("G6 ask")) == [frame("G6 reply")]
    golden.tell("set index 1050")
    golden.tell(f"every {GOLDEN_PERIOD_US} -37")
    assert frames(golden, G4_US + 499_000, frame("G7 ask")) == []
    assert frames(golden, G4_US + 501_000) == [frame("G7 reply")]


def test_a_load_that_moves_or_is_too_much_is_no_zero(golden: Stepped) -> None:
    """R28: G22.5, and HARDWARE at the end of the range."""
    greet(golden, G4_US)
    golden.tell(f"every {GOLDEN_PERIOD_US} 100")
    golden.go(G4_US + 250_000, frame("G22.5 ask"))
    golden.tell(f"every {GOLDEN_PERIOD_US} 160")
    assert frames(golden, G4_US + 600_000) == [frame("G22.5 reply")]
    golden.tell(f"every {GOLDEN_PERIOD_US} {m.SATURATED}")
    assert messages(golden, G4_US + 1_200_000, frame("G22.5 ask")) == [bytes.fromhex("86180B")]


@pytest.mark.parametrize("vector", ASKED, ids=[vector["name"] for vector in ASKED])
def test_every_request_there_is_gets_its_answer(golden: Stepped, vector: Mapping[str, Any]) -> None:
    """R13, R14, R42, R55: refused as the vector says; what needs a caps bit is UNKNOWN; what is no request, ignored."""
    greet(golden, G4_US)
    golden.tell(f"every {GOLDEN_PERIOD_US} 0")
    asked = bytes.fromhex(vector["message"])
    raw = encode_frame(asked) if len(asked) >= 2 else b"\x01" + asked + b"\0"
    answers = messages(golden, G4_US + 6_000_000, b"\0" + raw)
    replies = [answer for answer in answers if answer[0] >= m.REPLY]
    if vector.get("ignored"):
        assert answers == []
    elif asked[0] > LEAST:
        assert answers == [bytes((asked[0] + m.REPLY, asked[1], m.Status.UNKNOWN))]
    elif "refused" in vector:
        assert answers == [bytes((asked[0] + m.REPLY, asked[1], m.Status[vector["refused"]]))]
    else:
        assert [reply[:2] for reply in replies] == [bytes((asked[0] + m.REPLY, asked[1]))]


@pytest.mark.parametrize("vector", STREAMS, ids=[vector["name"] for vector in STREAMS])
def test_damage_is_passed_over(golden: Stepped, vector: Mapping[str, Any]) -> None:
    """R6, R54, R55: only the requests in a stream are answered, and so is the next one behind it."""
    greet(golden, G4_US)
    asked = [bytes.fromhex(one["message"]) for one in vector["yields"] if "message" in one]
    requests = [one for one in asked if 0 < one[0] <= m.MAX_REQUEST_TYPE]
    stream = bytes.fromhex(vector["stream"])
    answers = [answer for at in range(0, len(stream), 40) for answer in messages(golden, G4_US, stream[at : at + 40])]
    answers += messages(golden, G4_US, b"\0" + frame("G4 ask"))
    assert [answer[:2] for answer in answers] == [bytes((one[0] + m.REPLY, one[1])) for one in requests] + [b"\x83\x14"]


# --- a session of our own host ---


class Played:
    """Our host and the sketch, five milliseconds at a time."""

    def __init__(self, ball: Stepped) -> None:
        self.ball, self.now_us = ball, 500_000
        self.host = Host(framed=True, first_tag=200)
        self.events: list[DriverEvent] = []
        self.deaf = False  # nothing gets through to the host
        self.ball.tell("every 12137 0")

    def take(self, events: list[DriverEvent]) -> None:
        self.events += events
        sends = b"".join(event.data for event in events if isinstance(event, Send))
        if sends:
            self.hear(self.ball.go(self.now_us, sends))

    def hear(self, said: list[tuple[int, bytes]]) -> None:
        for at_us, data in said:
            if not self.deaf:
                self.take(self.host.feed(Chunk("serial", data, at_us / 1e6)))

    def open(self) -> None:
        self.take(self.host.opened(self.now_us / 1e6))

    def ask(self, request: m.Request) -> None:
        self.take(self.host.ask(request, self.now_us / 1e6))

    def wait(self, seconds: float) -> None:
        end_us = self.now_us + round(seconds * 1e6)
        while self.now_us < end_us:
            self.now_us += 5000
            self.hear(self.ball.go(self.now_us))
            due_s = self.host.deadline()
            if due_s is not None and due_s <= self.now_us / 1e6:
                self.take(self.host.tick(self.now_us / 1e6))

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def session(ball: Stepped) -> Played:
    played = Played(ball)
    played.open()
    played.wait(1.0)
    assert played.host.phase is Phase.LIVE
    return played


def test_our_host_runs_a_session_with_it(session: Played) -> None:
    """R15, R21 to R28, R38, R42: greeted, started, streamed without a hole, zeroed, kept alive, stopped."""
    session.ball.tell("every 12137 300")
    session.wait(2.0)
    session.ask(m.Tare())
    session.wait(12.0)
    session.ask(m.Stop())
    session.wait(0.2)
    (profile,) = session.of(Profile)
    assert (profile.serial, profile.channels, profile.lsb) == ("KB-00A7", 1, float(np.float32(0.05)))
    samples = session.of(Samples)
    assert sum(len(batch.values) for batch in samples) == pytest.approx(15 / 0.012137, abs=30)
    ends = [batch.index + len(batch.values) for batch in samples]
    assert [batch.index for batch in samples[1:]] == ends[:-1]
    assert [(zero.value, zero.trusted) for zero in session.of(ZeroChanged)] == [(300, True)]
    assert {int(batch.values[-1, 0]) for batch in samples} == {0, 300}
    assert session.of(Status)[-1].zero_changes == 1
    assert [close.cause for close in session.of(Close)] == ["stopped"]
    assert dict(session.host.damage) == {}


def test_what_it_refuses_is_told(session: Played) -> None:
    """R28, R56: a zero under a moving load; a request it does not know."""
    session.ask(m.Tare(200))
    session.wait(0.1)
    session.ball.tell("every 12137 500")
    session.wait(1.0)
    session.ask(m.Alert(m.Pattern.FIND_ME, 0, 100))
    session.wait(0.2)
    assert [refused.status for refused in session.of(Refused)] == [m.Status.UNSTABLE, m.Status.UNKNOWN]
    assert session.host.phase is Phase.LIVE


def test_a_host_that_falls_silent_is_dropped_and_may_come_back(session: Played) -> None:
    """R38, R40, R45: after 30 s EVENT 10; what was scanned in between is not sent afterwards."""
    session.wait(1.0)
    session.take(session.host.closed(session.now_us / 1e6))
    session.deaf = True
    said = Deframer().feed(b"".join(part for _, part in session.ball.go(session.now_us + 32_000_000)))
    kinds = [part[0] for part in said if isinstance(part, bytes)]
    assert kinds[-1] == m.EVENT
    last = decode_from_ball(bytes(said[-1]), 1) if isinstance(said[-1], bytes) else None
    assert isinstance(last, tuple)
    assert isinstance(last[1], m.BallEventMessage) and (last[1].code, last[1].value) == (10, 1)
    session.now_us += 32_000_000
    session.deaf = False
    session.open()
    session.wait(2.0)
    assert session.host.phase is Phase.LIVE
    assert [started.continuity for started in session.of(Started)] == [Continuity.FIRST, Continuity.OTHER_RUN]


def test_a_port_nobody_reads_costs_the_oldest_scans_only(session: Played) -> None:
    """R7, R27: the sketch goes on, batches grow, what was dropped is counted and told."""
    session.ball.tell("room 0")
    session.wait(0.5)
    assert session.host.phase is Phase.LIVE
    session.ball.go(session.now_us + 3_000_000)
    session.now_us += 3_000_000
    session.ball.tell("room 63")
    session.wait(11.0)
    assert session.host.phase is Phase.LIVE
    lost = session.of(Status)[-1].dropped
    assert lost > 100
    assert [event.value for event in session.of(BallEvent)] == [lost]
    assert any(len(batch.values) > 20 for batch in session.of(Samples))
    assert dict(session.host.damage) == {}


def test_a_converter_that_misses_leaves_a_hole_in_step(session: Played) -> None:
    """R21, R24: missed conversions use up their numbers."""
    session.wait(1.0)
    session.ball.tell("every 0 0")
    session.wait(0.2)
    session.ball.tell("every 12137 0")
    session.wait(1.0)
    samples = session.of(Samples)
    holes = [after.index - before.index - len(before.values) for before, after in pairwise(samples)]
    assert [hole for hole in holes if hole] == [pytest.approx(0.2 / 0.012137, abs=1.5)]
    assert dict(session.host.damage) == {}


# --- in real time ---


@pytest.mark.skipif(not HAS_PORTS, reason="pseudo-terminals")
def test_knead_live_works_on_it(programs: Mapping[str, Path], tmp_path: Path) -> None:
    """R20: behind a real serial port, about when its microseconds wrap."""
    with played(programs["plain"], uptime_us=2**32 - 3_000_000) as address:
        found = knead("live", address, "--seconds", "2.5", "--jsonl", "--no-record", home=tmp_path)
    assert found.returncode == 0, found.stderr
    events = [json.loads(line) for line in found.stdout.splitlines()]
    readings = [event for event in events if event["event"] == "reading"]
    times = [t_s for reading in readings for t_s in reading["t_s"]]
    assert times == sorted(set(times))
    assert 0 < times[-1] < 3
    forces = [force_n for reading in readings for force_n in reading["force_n"]]
    assert len(set(forces)) > 1  # it swings from 0 to 20 N
    assert min(forces) >= 0
    assert max(forces) <= 20.01


def test_the_sketch_names_what_a_maker_changes() -> None:
    """R57: constants and one function stand above the line, the protocol below it."""
    above, _, below = source().partition("// ---- from here on: the protocol ----")
    assert above.count("bool takeForce(int16_t &value) {") == 1
    assert all(name in above for name in ("TEXTS", "RATE_HZ", "LSB_N", "RAW_PER_NEWTON"))
    assert "HX711" not in below.replace("the HX711 needs 0.4 s", "")
