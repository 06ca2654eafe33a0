"""firmware_protocol.codec: round trips, totality over any bytes, and what does not fit."""

import math
import struct
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_protocol import messages as m
from firmware_protocol.codec import decode_from_ball, decode_from_host, encode
from firmware_protocol.errors import EncodeError
from firmware_protocol.framing import MAX_MESSAGE, REASONS, Damaged

RANGES = {"B": (0, 2**8 - 1), "H": (0, 2**16 - 1), "I": (0, 2**32 - 1), "Q": (0, 2**64 - 1)}
RANGES |= {"h": (-(2**15), 2**15 - 1), "i": (-(2**31), 2**31 - 1)}
tags = st.integers(0, 255)
points = st.lists(
    st.tuples(st.integers(*RANGES["i"]), st.floats(width=32, allow_nan=False, allow_infinity=False)), max_size=8
).map(lambda pairs: tuple(m.CalPoint(*pair) for pair in sorted(pairs)))
limits = st.builds(
    m.LimitSettings,
    st.booleans(),
    st.integers(*RANGES["B"]),
    st.integers(*RANGES["h"]),
    st.integers(*RANGES["h"]),
    st.integers(*RANGES["H"]),
)


def field(code: str) -> st.SearchStrategy[Any]:
    return st.floats(width=32) if code == "f" else st.integers(*RANGES[code])


def fixed(message: Callable[..., Any], layout: str) -> st.SearchStrategy[Any]:
    """Whatever fits the row."""
    return st.tuples(*map(field, layout)).map(lambda values: message(*values))


@st.composite
def batches(draw: st.DrawFn) -> m.SampleBatch:
    channels = draw(st.integers(1, 16))
    scans = draw(st.integers(1, (MAX_MESSAGE - 10) // (2 * channels)))
    values = np.frombuffer(draw(st.binary(min_size=2 * channels * scans, max_size=2 * channels * scans)), np.int16)
    span = draw(st.integers(1, 65535)) if scans > 1 else 0
    head = draw(st.integers(*RANGES["H"])), draw(st.integers(*RANGES["I"]))
    return m.SampleBatch(*head, span, values.reshape(scans, channels), draw(st.booleans()))


def printable(text: str) -> bool:
    return text.isprintable() and len(text.encode()) <= m.MAX_TEXT


VARYING: dict[type, st.SearchStrategy[Any]] = {
    m.Ident: st.sampled_from(m.IdentField).map(m.Ident),
    m.IdentReply: st.text(min_size=1, max_size=17).filter(printable).map(m.IdentReply),
    m.RawReply: st.lists(st.integers(*RANGES["i"]), min_size=1, max_size=16).map(tuple).map(m.RawReply),
    m.CalGetReply: st.builds(m.CalGetReply, st.integers(*RANGES["H"]), points),
    m.CalSet: st.builds(m.CalSet, st.integers(*RANGES["B"]), st.integers(*RANGES["H"]), points),
    m.Limits: st.one_of(st.none(), limits).map(m.Limits),
    m.LimitsReply: limits.map(m.LimitsReply),
}


def any_of(message: type, layout: str) -> st.SearchStrategy[Any]:
    return VARYING[message] if message in VARYING else fixed(message, layout)


requests = st.one_of([any_of(row.request, row.asks) for row in m.EXCHANGES])
refusals = st.one_of(
    st.builds(m.Refusal, st.integers(1, 0x3F), st.integers(1, 255).filter(lambda status: status != m.Status.VERSION)),
    st.builds(m.Refusal, st.integers(1, 0x3F), st.just(m.Status.VERSION), st.integers(0, 255)),
)
answers = st.one_of([refusals, *(any_of(row.reply, row.answers) for row in m.EXCHANGES)])
notices = st.one_of(fixed(*m.UNSOLICITED[m.EVENT]), fixed(*m.UNSOLICITED[m.STATUS]))


def channels_of(message: object) -> int | None:
    match message:
        case m.SampleBatch():
            return int(message.values.shape[1])
        case m.RawReply():
            return len(message.means)
        case _:
            return None


@settings(max_examples=400, deadline=None)
@given(requests, tags)
def test_requests_come_back_or_are_refused_for_a_value(asked: m.Request, tag: int) -> None:
    decoded = decode_from_host(encode(asked, tag))
    assert decoded in ((tag, asked), (tag, m.Refusal(m.REQUEST_TYPE[type(asked)], m.Status.VALUE)))


@settings(max_examples=400, deadline=None)
@given(st.one_of(answers, notices), tags)
def test_what_a_ball_says_comes_back_or_is_damaged_for_a_value(said: m.Reply | m.Unsolicited, tag: int) -> None:
    data = encode(said, tag)
    decoded = decode_from_ball(data, channels_of(said))
    if isinstance(decoded, Damaged):
        assert decoded == Damaged("value", data)
        assert isinstance(said, m.HelloReply | m.StartReply | m.CalGetReply)
    else:
        assert decoded == (tag, said)


@settings(max_examples=300, deadline=None)
@given(batches(), tags)
def test_samples_come_back_bit_for_bit(batch: m.SampleBatch, tag: int) -> None:
    """R16, R56: no value is scaled, cut or interpreted on the way, sentinels least of all."""
    data = encode(batch, tag)
    decoded = decode_from_ball(data, batch.values.shape[1])
    assert isinstance(decoded, tuple)
    back = decoded[1]
    assert isinstance(back, m.SampleBatch)
    assert (decoded[0], back.index, back.t_us, back.span_10us) == (tag, batch.index, batch.t_us, batch.span_10us)
    assert back.backfill == batch.backfill
    assert back.values.shape == batch.values.shape
    assert back.values.dtype == np.int16
    assert back.values.tobytes() == batch.values.tobytes()
    assert decode_from_ball(data, None) == Damaged("anchor", data)


def test_samples_are_a_read_only_view() -> None:
    decoded = decode_from_ball(bytes.fromhex("400A08008038010000009001FDFF0180FE7F"), 4)
    assert isinstance(decoded, tuple) and isinstance(decoded[1], m.SampleBatch)
    values = decoded[1].values
    assert values.tolist() == [[400, -3, -m.SATURATED, m.MAX_VALUE]]
    assert not values.flags.owndata and not values.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        values[0, 0] = 1


anything = st.one_of(
    st.binary(max_size=260),
    # a known type with any payload comes further into the decoder than noise does
    st.tuples(st.integers(0, 255), st.binary(max_size=80)).map(lambda parts: bytes((parts[0],)) + parts[1]),
    st.tuples(st.sampled_from([*range(1, 14), *range(0x81, 0x8E)]), st.binary(min_size=20, max_size=80)).map(
        lambda parts: bytes((parts[0], 7, 0)) + parts[1]
    ),
)


def finite(message: object) -> bool:
    """Whether every float inside a message is."""
    if isinstance(message, float):
        return math.isfinite(message)
    if isinstance(message, tuple):
        return all(map(finite, message))
    if is_dataclass(message) and not isinstance(message, m.SampleBatch):
        return all(finite(getattr(message, one.name)) for one in fields(message))
    return True


@settings(max_examples=600, deadline=None)
@given(anything, st.one_of(st.none(), st.integers(1, 16)))
def test_r54_no_bytes_from_a_ball_raise(data: bytes, channels: int | None) -> None:
    """R54: a sound message, or one of the reasons with the bytes as evidence."""
    decoded = decode_from_ball(data, channels)
    if isinstance(decoded, Damaged):
        assert decoded.reason in REASONS
        assert decoded.raw == data
        return
    tag, said = decoded
    assert tag == data[1]
    assert finite(said)
    # what was understood is what was sent: only bytes beyond the known ones are lost (R13)
    again = encode(said, tag)
    if isinstance(said, m.LimitsReply):  # any enable but 0 means on
        again = again[:3] + data[3:4] + again[4:]
    assert data.startswith(again)


@settings(max_examples=600, deadline=None)
@given(anything)
def test_r55_no_bytes_from_a_host_raise(data: bytes) -> None:
    """R55, R42: only types 01..3F are answered; the rest is ignored; what is refused is refused by R14's order."""
    decoded = decode_from_host(data)
    if decoded is None:
        assert len(data) < 2 or not 1 <= data[0] <= 0x3F
        return
    tag, asked = decoded
    assert tag == data[1] and 1 <= data[0] <= 0x3F
    if isinstance(asked, m.Refusal):
        assert asked.request_type == data[0]
        assert asked.status in (m.Status.UNKNOWN, m.Status.LENGTH, m.Status.VALUE)
        assert (asked.status == m.Status.UNKNOWN) == (data[0] not in m.REQUEST_TYPE.values())
    else:
        assert finite(asked)
        assert data.startswith(encode(asked, tag))


@pytest.mark.parametrize(
    "message",
    [
        m.Hello(0, 256),
        m.Start(-1, 0),
        m.Start(65536, 0),
        m.Tare(1.5),  # type: ignore[arg-type]  # what a careless caller may hand over
        m.CalGet(256),
        m.CalSet(0, 65536, ()),
        m.CalSet(0, 0, (m.CalPoint(2**31, 0.0),)),
        m.CalSet(0, 0, (m.CalPoint(0, 1e39),)),
        m.CalSet(0, 0, tuple(m.CalPoint(raw, raw) for raw in range(9))),
        m.Limits(m.LimitSettings(True, 3, 32768, 1, 0)),
        m.LogRead(2**32, 0),
        m.HelloReply(1, m.Caps(0), 1, 1, 1e39, 100, 0, 1),
        m.IdentReply(""),
        m.IdentReply("x" * 18),
        m.IdentReply("\ud800"),
        m.TimeReply(2**64),
        m.RawReply(()),
        m.RawReply((0,) * 17),
        m.Refusal(0, m.Status.STATE),
        m.Refusal(0x40, m.Status.STATE),
        m.Refusal(4, m.Status.OK),
        m.Refusal(4, 256),
        m.Refusal(1, m.Status.VERSION),
        m.Refusal(1, m.Status.STATE, 1),
        m.BallEventMessage(1, 0, 2**32, 0),
        m.StatusMessage(m.Flags(0), 256, 0, 0, 0, 0),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_not_encoded(message: m.Request | m.Reply | m.Unsolicited) -> None:
    with pytest.raises(EncodeError, match=type(message).__name__):
        encode(message, 1)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((0, 4), np.int16),
        np.zeros((1, 0), np.int16),
        np.zeros((1, 17), np.int16),
        np.zeros(4, np.int16),
        np.zeros((1, 4), np.float64),
        np.zeros((1, 4), np.int32),
        np.zeros((118, 1), np.int16),
    ],
    ids=lambda values: f"{values.dtype}{values.shape}",
)
def test_what_is_no_batch_is_not_encoded(values: Any) -> None:
    with pytest.raises(EncodeError, match="SampleBatch"):
        encode(m.SampleBatch(0, 0, 1, values), 1)


@pytest.mark.parametrize("tag", [-1, 256])
def test_a_tag_is_a_byte(tag: int) -> None:
    with pytest.raises(EncodeError):
        encode(m.Time(), tag)


def test_r1_a_message_needs_no_frame() -> None:
    """R1: on BLE one message is one attribute value; header, payload, nothing around."""
    assert encode(m.Start(100, 40), 0x15) == bytes.fromhex("041564002800")
    assert decode_from_ball(b"\x40", 1) == Damaged("short", b"\x40")
    assert decode_from_ball(b"\x40" + bytes(MAX_MESSAGE), 1) == Damaged("oversize", b"\x40" + bytes(MAX_MESSAGE))


def test_r13_growth_is_ignored_and_shortness_refused() -> None:
    """R13, R56: on both sides and for every message whose size is fixed."""
    for row in m.EXCHANGES:
        if row.request not in (m.Limits, m.CalSet):
            size = 2 + struct.calcsize("<" + row.asks)
            asked = bytes((row.code, 7)) + b"\x01\x01" * 4
            decoded = decode_from_host(asked[:size])
            assert decoded is not None
            assert decode_from_host(asked[:size] + b"later") == decoded
            for cut in range(2, size):
                assert decode_from_host(asked[:cut]) == (7, m.Refusal(row.code, m.Status.LENGTH))
        if row.reply not in (m.IdentReply, m.RawReply, m.CalGetReply, m.HelloReply, m.StartReply):
            size = 3 + struct.calcsize("<" + row.answers)
            said = bytes((row.code + m.REPLY, 7, 0)) + bytes(size - 3)
            decoded_reply = decode_from_ball(said, 1)
            assert isinstance(decoded_reply, tuple)
            assert decode_from_ball(said + b"later", 1) == decoded_reply
            for cut in range(2, size):
                assert decode_from_ball(said[:cut], 1) == Damaged("length", said[:cut])


def test_r12_every_refusal_is_understood() -> None:
    """R12: a status ends a reply, known or not; only VERSION has a byte more."""
    for status in range(1, 256):
        decoded = decode_from_ball(bytes((0x84, 9, status, 2)), 1)
        assert decoded == (9, m.Refusal(4, status, 2 if status == m.Status.VERSION else None))
    known = decode_from_ball(bytes((0x84, 9, 5)), 1)
    assert isinstance(known, tuple) and isinstance(known[1], m.Refusal)
    assert known[1].status is m.Status.BUSY
