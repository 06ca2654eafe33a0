"""Frames of a stream link: R5, R6 and the first four reasons of R54."""

import struct
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firmware_protocol.errors import EncodeError, ProtocolError
from firmware_protocol.framing import MAX_FRAME, MAX_MESSAGE, REASONS, Damaged, Deframer, encode_frame

GOOD = bytes.fromhex("08851204B3B4266700")  # F2
SAID = bytes.fromhex("851204")

messages = st.binary(min_size=2, max_size=MAX_MESSAGE)
# What may come out of a port: frames, damaged frames, text, zeros, too much of anything.
pieces = st.one_of(
    messages.map(encode_frame),
    messages.map(encode_frame).map(lambda frame: frame[:-3] + bytes((frame[-3] ^ 0x10,)) + frame[-2:]),
    messages.map(encode_frame).map(lambda frame: frame[2:]),
    st.binary(max_size=40),
    st.just(b"\0"),
    st.integers(240, 600).map(lambda size: b"\x55" * size),
)
streams = st.lists(pieces, max_size=8).map(b"".join)


def fed(stream: bytes, cuts: list[int], heard: bool) -> list[bytes | Damaged]:
    deframer = Deframer()
    if heard:
        assert deframer.feed(GOOD) == [SAID]
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    return [found for start, end in pairwise(edges) for found in deframer.feed(stream[start:end])]


def cobs_by_hand(data: bytes) -> bytes:
    """COBS as PROTOCOL.md tells it, for pieces shorter than 254 bytes."""
    return b"".join(bytes((len(piece) + 1,)) + piece for piece in data.split(b"\0"))


@settings(max_examples=150, deadline=None)
@given(messages)
@example(bytes(MAX_MESSAGE))
@example(b"\xff" * MAX_MESSAGE)
def test_r5_a_frame_is_cobs_of_message_and_crc_low_byte_first(message: bytes) -> None:
    """R5: and it is one byte longer than what it carries, whatever that is."""
    frame = encode_frame(message)
    carried = message + struct.pack("<I", zlib.crc32(message))
    assert frame == cobs_by_hand(carried) + b"\0"
    assert 7 <= len(frame) - 1 == len(carried) + 1 <= MAX_FRAME
    assert frame.count(0) == 1
    assert Deframer().feed(frame) == [message]


@pytest.mark.parametrize("size", [0, 1, MAX_MESSAGE + 1, 1000])
def test_what_is_no_message_gets_no_frame(size: int) -> None:
    with pytest.raises(EncodeError, match="2 to 244 bytes"):
        encode_frame(bytes(size))
    assert issubclass(EncodeError, ProtocolError)


@settings(max_examples=200, deadline=None)
@given(streams, st.lists(st.integers(0, 3000), max_size=12), st.booleans())
def test_any_split_gives_the_same(stream: bytes, cuts: list[int], heard: bool) -> None:
    whole = fed(stream, [], heard)
    assert fed(stream, cuts, heard) == whole
    assert fed(stream, list(range(len(stream))), heard) == whole


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=1200))
def test_no_bytes_raise_and_each_is_accounted_for(stream: bytes) -> None:
    """R54: what comes out is a message whose CRC fits, or damage with a known reason and bounded evidence."""
    for found in fed(stream, [], heard=True):
        if isinstance(found, Damaged):
            assert found.reason in REASONS[:4]
            assert 0 < len(found.raw) <= MAX_FRAME
        else:
            assert cobs_by_hand(found + struct.pack("<I", zlib.crc32(found))) + b"\0" in stream


@settings(max_examples=100, deadline=None)
@given(st.lists(messages, min_size=1, max_size=6), st.binary(max_size=30))
def test_r6_zeros_between_frames_mean_nothing_and_text_costs_one_frame_at_most(said: list[bytes], text: bytes) -> None:
    """R6: a ball that sends 00 before and after its text loses no frame to it."""
    stream = b"\0\0".join(map(encode_frame, said))
    assert fed(stream, [], heard=False) == said
    mixed = stream + b"\0" + text + b"\0" + stream
    assert [found for found in fed(mixed, [], heard=True) if not isinstance(found, Damaged)][-len(said) :] == said


def test_r6_nothing_is_damaged_before_the_first_good_frame() -> None:
    """R6: boot text and tails are no damage; after a frame they are; a new link begins anew."""
    deframer = Deframer()
    assert deframer.feed(b"boot ok\r\n\0" + b"\x55" * 300 + b"\0\x01\0" + GOOD[3:]) == []
    assert deframer.feed(GOOD) == [SAID]
    assert [found.reason for found in deframer.feed(b"boot ok\r\n\0") if isinstance(found, Damaged)] == ["cobs"]
    deframer.feed(GOOD[:4])
    deframer.reset()
    assert deframer.feed(b"boot ok\r\n\0") == []
    deframer.feed(b"\x55" * 300)
    deframer.reset()
    assert deframer.feed(GOOD) == [SAID], "reset must end the skipping of an oversize frame, too"


def test_oversize_is_counted_once_and_at_once() -> None:
    """R54: the host need not wait for a 00 that never comes; 249 bytes are still a frame."""
    deframer = Deframer()
    deframer.feed(GOOD)
    assert deframer.feed(b"\x55" * MAX_FRAME) == []
    assert deframer.feed(b"\x55") == [Damaged("oversize", b"\x55" * MAX_FRAME)]
    assert deframer.feed(b"\x55" * 5000) == []
    assert deframer.feed(b"\0" + GOOD) == [SAID]


def test_memory_is_bounded() -> None:
    """R54: a stream that never sends a 00 costs no memory."""
    deframer = Deframer()
    noise = b"\x55" * 10_000
    deframer.feed(noise)
    tracemalloc.start()
    try:
        for _ in range(200):
            deframer.feed(noise)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 20_000


def test_no_flipped_bit_becomes_a_message() -> None:
    """R5: CRC-32 sees each single flip; a flip may cost its neighbour, never lie."""
    stream = GOOD + encode_frame(bytes.fromhex("4007E8034E61BC00A00F00006400C800FBFF0080")) + GOOD
    sound = fed(stream, [], heard=True)
    for bit in range(8 * len(stream)):
        flipped = bytearray(stream)
        flipped[bit // 8] ^= 1 << bit % 8
        good = [one for one in fed(bytes(flipped), [], heard=True) if not isinstance(one, Damaged)]
        assert all(one in sound for one in good)
        assert len(good) < len(sound)
