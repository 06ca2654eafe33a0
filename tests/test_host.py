"""What the host hears and is asked, against a ball played by hand: zero, requests, damage (R28, R44, R54)."""

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_protocol import messages as m
from firmware_protocol.codec import encode
from firmware_protocol.driver import (
    BallEvent,
    Chunk,
    Damaged,
    Phase,
    Refused,
    Samples,
    Status,
    ZeroChanged,
)
from firmware_protocol.errors import EncodeError
from firmware_protocol.framing import encode_frame
from firmware_protocol.messages import Flags
from tests.ball_by_hand import BOOT, CAPS, PERIOD_US, Table


@pytest.fixture(params=[True, False], ids=["serial", "ble"])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    yield Table(framed=request.param)


# Zero


@pytest.mark.parametrize(("zero", "trusted"), [(-37, True), (1000, True), (1001, False), (-1001, False)])
def test_tare_tells_the_zero(zero: int, trusted: bool) -> None:
    """R28, R52: beyond 5 % of full scale it was tared under load."""
    table = Table().live()
    table.take(table.host.ask(m.Tare(), table.now_s))
    tag, _ = table.pop(m.Tare)
    table.say(m.TareReply(1050, zero), tag)
    assert table.of(ZeroChanged) == [ZeroChanged(zero, 1050, trusted)]


def test_tare_refused_is_told() -> None:
    """Status 9"""
    table = Table().live()
    table.refuse[m.Tare] = m.Status.UNSTABLE
    table.take(table.host.ask(m.Tare(), table.now_s))
    table.answer_all()
    (told,) = table.of(Refused)
    assert (told.request, told.status) == ("TARE", m.Status.UNSTABLE)
    assert "untouched" in told.text


def test_every_change_of_zero_is_said_once() -> None:
    """R28, R52: TARE's reply, EVENT 4, and what only STATUS's count tells; a reboot counts anew."""
    table = Table().live()

    def status(count: int) -> None:
        table.say(m.StatusMessage(Flags(0), 0xFF, 0, -32_768, 0, count))

    status(254)
    assert not table.of(ZeroChanged)
    table.take(table.host.ask(m.Tare(), table.now_s))
    table.answer_all()
    status(255)
    table.say(m.BallEventMessage(4, 0xFF, 12_400_000, 12))
    status(0)
    assert [change.value for change in table.of(ZeroChanged)] == [-37, 12]
    status(1)
    status(1)
    assert table.of(ZeroChanged)[2:] == [ZeroChanged(None, None, False)]
    table.take(table.host.closed(table.now_s))
    table.hello = m.HelloReply(1, CAPS, 1, 1, 0.05, 200, 0xAFB0, BOOT + 1)
    table.open()
    table.answer_all()
    status(0)
    assert len(table.of(ZeroChanged)) == 3
    table.take(table.host.closed(table.now_s))
    table.open()
    table.answer_all()
    status(2)  # same boot: changed while we were away
    assert len(table.of(ZeroChanged)) == 4


# What a person asks, and the end


def test_one_request_at_a_time() -> None:
    """R10"""
    table = Table().live()
    table.take(table.host.ask(m.Alert(4, 0, 100), table.now_s))
    table.take(table.host.ask(m.Tare(), table.now_s))
    tag, _ = table.pop(m.Alert)
    assert not table.asked, "the second waits"
    table.say(m.AlertReply(), tag)
    _, asked = table.pop(m.Tare)
    assert asked == m.Tare()


def test_requests_that_cannot_be_made() -> None:
    """No ball, too many, and what the wire cannot carry."""
    table = Table()
    table.take(table.host.ask(m.Tare(), table.now_s))
    assert table.of(Refused)[0].status is None
    table.live()
    for _ in range(18):
        table.take(table.host.ask(m.Alert(4, 0, 100), table.now_s))
    assert [told.status for told in table.of(Refused)[1:]] == [m.Status.BUSY]
    with pytest.raises(EncodeError):
        table.host.ask(m.Alert(4, 0, 70_000), table.now_s)
    with pytest.raises(ValueError, match="START"):
        table.host.ask(m.Start(), table.now_s)
    table.take(table.host.closed(table.now_s))
    assert len(table.of(Refused)) == 2 + 17


def test_an_unanswered_request_is_told() -> None:
    """R44"""
    table = Table().live()
    table.take(table.host.ask(m.Alert(4, 0, 100), table.now_s))
    table.wait_with_samples(3.1)
    assert [(told.request, told.status) for told in table.of(Refused)] == [("ALERT", None)]


def test_stop_is_waited_for(table: Table) -> None:
    """Section 5: CLOSING; what is not counted in it is `anchor` (R46)."""
    table.live()
    table.take(table.host.ask(m.Stop(), table.now_s))
    tag, _ = table.pop(m.Stop)
    assert table.phases()[-1] is Phase.CLOSING
    table.samples()
    assert table.host.damage == {"anchor": 1}
    table.say(m.StopReply(1005), tag)
    assert (table.close().cause, table.close().retry) == ("stopped", False)
    assert table.phases()[-1] is Phase.ENDED
    assert table.host.opened(table.now_s) == []
    assert table.host.feed(Chunk("tx", b"\x40", table.now_s)) == []


def test_stop_unanswered_or_refused_ends_too(table: Table) -> None:
    """R44"""
    table.live()
    table.take(table.host.ask(m.Stop(), table.now_s))
    table.wait(3.0)
    assert table.close().cause == "stopped"
    other = Table().live()
    other.refuse[m.Stop] = m.Status.STATE
    other.take(other.host.ask(m.Stop(), other.now_s))
    other.answer_all()
    assert other.close().cause == "stopped"
    lost = Table().live()
    lost.take(lost.host.ask(m.Stop(), lost.now_s))
    lost.take(lost.host.closed(lost.now_s))
    assert lost.close().cause == "stopped"
    before = Table()
    before.take(before.host.ask(m.Stop(), before.now_s))
    assert before.close().cause == "stopped"


# Damage


def test_damage_is_counted_by_reason(table: Table) -> None:
    """R54, D9 to D14: message level, on both kinds of link."""
    table.live()
    for message in (
        "4007E8034E61BC00A00F00006400C800FBFF00",
        "4007E8034E61BC00A00F",
        "4007E8034E61BC00000000000100",
        "81110001FF0701010000C07FC800B0AFEFBEADDE",
        "01110101",
        "8399000000000000000000",
        "5000",
    ):
        table.feed(bytes.fromhex(message))
    assert table.host.damage == {"length": 2, "value": 2, "echo": 1, "tag": 1, "type": 1}
    assert [event.reason for event in table.of(Damaged)] == [
        "length",
        "length",
        "value",
        "value",
        "echo",
        "tag",
        "type",
    ]
    assert table.host.phase is Phase.LIVE


def test_damaged_frames_are_counted_after_the_first_good_one() -> None:
    """R6, R54: D1 to D8; on a new link nothing counts until it spoke."""
    table = Table(framed=True)
    table.open()
    damaged = bytes.fromhex("084007E8034E61BC03A00F01026502C803FBFF0680859B42CA00")
    table.raw(b"boot ok\r\n" + damaged)
    assert not table.host.damage
    table.answer_all()
    table.raw(damaged + b"\0\0\0" + bytes.fromhex("06401DAEDEA400") + b"\x55" * 250 + b"\0")
    assert table.host.damage == {"crc": 1, "short": 1, "oversize": 1}
    table.take(table.host.closed(table.now_s))
    table.open()
    table.raw(damaged)
    assert table.host.damage["crc"] == 1


@pytest.mark.parametrize("reply", [m.TimeReply(1 << 63), m.StartReply(PERIOD_US, 0, 1 << 63, 1)])
def test_an_impossible_clock_is_no_answer(reply: m.Reply) -> None:
    """R54: what would not fit 64 bits anywhere later is dropped as `value`."""
    table = Table()
    table.open()
    while not isinstance(table.asked[0][1], m.Start):
        table.answer_one()
    tag, _ = table.pop(m.Start)
    table.say(reply, tag)
    assert table.host.damage == {"value": 1}
    assert table.host.phase is Phase.STARTING


@settings(max_examples=150, deadline=None)
@given(
    framed=st.booleans(),
    stage=st.sampled_from(["new", "greeting", "live"]),
    data=st.lists(st.one_of(st.binary(max_size=300), st.integers(0, 255)), max_size=30),
)
def test_any_bytes_do_no_harm(framed: bool, stage: str, data: list[bytes | int]) -> None:
    """R54: nothing raises, and nothing is invented."""
    table = Table(framed=framed)
    if stage != "new":
        table.open()
    if stage == "live":
        table.answer_all()
    for item in data:
        if isinstance(item, bytes):
            table.raw(encode_frame(item) if framed and 2 <= len(item) <= 244 else item)
        else:
            table.now_s += item / 100
            table.take(table.host.tick(table.now_s))
    for samples in table.of(Samples):
        assert samples.values.shape[1] == 1
        assert not samples.values.flags.writeable
    waits_for_nothing = table.host.deadline() is None
    assert waits_for_nothing == (table.host.phase in (Phase.DOWN, Phase.ENDED))


@pytest.mark.parametrize("message", [b"\x55" * 4096, bytes.fromhex("0440010203") + b"\x55" * 200 + b"\0"])
def test_memory_does_not_grow_with_what_comes_in(message: bytes) -> None:
    """R54"""
    table = Table(framed=True).live()
    chunk = Chunk("serial", message, table.now_s)
    table.host.feed(chunk)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(300):
            table.host.feed(chunk)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000


def test_holes_are_bounded() -> None:
    """R54: a ball whose every batch leaves a hole, and whose log never answers."""
    table = Table().live()
    for _ in range(500):
        table.wait(0.05)
        table.samples(missed=3)
    asked = [request for _, request in table.asked if isinstance(request, m.LogRead)]
    assert len(asked) < 30
    table.asked.clear()
    table.refuse[m.LogRead] = m.Status.NO_DATA
    seen = len(table.sent)
    for _ in range(100):
        table.wait(0.05)
        table.samples()
        table.answer_all()
    assert len(table.sent) - seen < 90


def test_a_newer_ball_is_understood_as_far_as_known() -> None:
    """R56, R13: longer messages, unknown events, flags, caps and statuses; unknown messages are skipped."""
    table = Table()
    table.hello = m.HelloReply(1, m.Caps(0x8000), 1, 1, 0.05, 200, 0xAFB0, BOOT)
    table.live()
    table.feed(encode(m.BallEventMessage(99, 3, 12_400_000, 5), 0) + b"more")
    table.feed(encode(m.StatusMessage(Flags(0), 50, 0, 2000, 0, 0), 1) + b"more")
    table.feed(bytes.fromhex("4F02AABB"))
    assert [(event.code, event.channel, event.value) for event in table.of(BallEvent)] == [(99, 3, 5)]
    assert table.of(Status)[0].temp_c == 20.0
    assert table.host.damage == {"type": 1}
    table.refuse[m.Tare] = 77
    table.take(table.host.ask(m.Tare(), table.now_s))
    table.answer_all()
    assert "77" in table.of(Refused)[0].text
