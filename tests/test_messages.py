"""The classes and rows of the messages: sizes, types, and what a reply belongs to."""

import struct
from dataclasses import FrozenInstanceError, fields
from itertools import chain
from typing import get_args

import pytest

from firmware_protocol import messages as m
from firmware_protocol.driver import Unit

ROWS = m.EXCHANGES


def test_every_message_has_one_row() -> None:
    """R10, R12: requests 01..3F; every request has one reply of its own."""
    assert [row.request for row in ROWS] == list(get_args(m.Request))
    assert {row.reply for row in ROWS} | {m.Refusal} == set(get_args(m.Reply))
    assert {message for message, _ in m.UNSOLICITED.values()} == set(get_args(m.Unsolicited))
    assert [row.code for row in ROWS] == list(range(1, len(ROWS) + 1))
    assert all(0x40 <= code <= 0x7F for code in m.UNSOLICITED)


def test_a_reply_is_known_by_its_request() -> None:
    """R12: a reply's type is its request's plus 80h, refused or not."""
    for row in ROWS:
        assert m.REQUEST_TYPE[row.request] == m.REQUEST_TYPE[row.reply] == row.code
    assert m.reply_type_of(m.Start()) == m.reply_type_of(m.StartReply(10_000, 0, 0, 0)) == 0x84
    assert m.reply_type_of(m.Refusal(4, m.Status.BUSY)) == 0x84
    assert m.reply_type_of(m.Refusal(0x3A, m.Status.UNKNOWN)) == 0xBA


def test_rows_fit_their_classes() -> None:
    """One struct field per dataclass field, where the row is all there is."""
    varying = {m.IdentReply, m.RawReply, m.CalGetReply, m.CalSet, m.Limits, m.LimitsReply, m.SampleBatch}
    pairs = chain(
        ((row.request, row.asks) for row in ROWS), ((row.reply, row.answers) for row in ROWS), m.UNSOLICITED.values()
    )
    for message, layout in pairs:
        if message not in varying:
            assert len(fields(message)) == len(layout), message.__name__
    assert len(fields(m.LimitSettings)) == len(m.LIMIT)
    assert len(fields(m.CalPoint)) == len(m.POINT)


def test_r3_requests_fit_the_least_mtu() -> None:
    """R3: 20 bytes carry every request but CAL_SET, which needs 70; and every reply but RAW's and CAL_GET's."""
    sizes = {row.request: 2 + struct.calcsize("<" + row.asks) for row in ROWS}
    sizes[m.Limits] += struct.calcsize("<" + m.LIMIT)
    sizes[m.CalSet] += m.MAX_POINTS * struct.calcsize("<" + m.POINT)
    assert sizes.pop(m.CalSet) == m.MAX_REQUEST
    assert max(sizes.values()) <= 20
    assert max(3 + struct.calcsize("<" + row.answers) for row in ROWS) <= 20
    assert 3 + m.MAX_TEXT == 20


def test_frozen_and_without_room_for_more() -> None:
    for message in chain(get_args(m.Request), get_args(m.Reply), get_args(m.Unsolicited)):
        assert set(message.__slots__) == {field.name for field in fields(message)}
    with pytest.raises(FrozenInstanceError):
        m.Tare(500).avg_ms = 1  # type: ignore[misc]  # that it fails is the point


def test_bits_of_a_newer_ball_are_kept() -> None:
    """R56: new caps bits and flags may come."""
    assert int(m.Caps(0xFFFF)) == 0xFFFF and m.Caps.LOG in m.Caps(0xFFFF)
    assert int(m.Flags(0xFF)) == 0xFF and m.Flags.ELSEWHERE in m.Flags(0xFF)
    assert max(Unit) == m.MAX_UNIT
