"""Chunks: exact for any input, compact for real ones, refused when damaged."""

import math
import zlib
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sessions.batches import Batch, Part, join, pack
from sessions.codec import MAX_SAMPLES, PREFIX, VERSION, decode, encode
from sessions.errors import UnreadableError
from tests import session_events

NAME = "Chunk 7 of session abc"
INT64 = st.integers(-(2**63), 2**63 - 1)


@st.composite
def parts(draw: st.DrawFn) -> Part:
    """Any columns at all: times that leap, counts that wrap, values at both ends."""
    scans = draw(st.lists(st.integers(1, 40), min_size=1, max_size=12))
    channels = draw(st.integers(1, 5))
    column = hnp.arrays(np.int64, len(scans), elements=INT64)
    columns = {name: draw(column) for name in Part.__slots__}
    columns["scans"] = np.array(scans, np.int64)
    return Part(**{**columns, "values": draw(hnp.arrays(np.int16, (sum(scans), channels)))})


def same(one: Part, other: Part) -> bool:
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(Part))


def batches(seconds: float, channels: int = 4) -> list[Batch]:
    return [session_events.batch_of(each) for each in session_events.readings(seconds, channels=channels)]


@given(parts())
@settings(max_examples=150, deadline=None)
def test_any_part_comes_back_as_it_was(part: Part) -> None:
    back = decode(encode(part), NAME)
    assert same(back, part)
    assert back.values.dtype == np.int16
    assert not back.values.flags.writeable


def test_batches_keep_their_own_stamps() -> None:
    given_batches = batches(3.0)
    given_batches[7] = given_batches[7]._replace(lost=3, late=True, segment=1, unknown=2, area_cm2=40.25)
    given_batches[8] = given_batches[8]._replace(area_cm2=math.nan)
    back = list(decode(encode(pack(given_batches)), NAME).batches())
    assert len(back) == len(given_batches)
    for one, other in zip(given_batches, back, strict=True):
        assert np.array_equal(one.values, other.values)
        assert (one.first_index, one.t_us, one.span_us) == (other.first_index, other.t_us, other.span_us)
        assert (one.segment, one.lost, one.late) == (other.segment, other.lost, other.late)
        assert one.unknown == other.unknown
        assert one.area_cm2 == pytest.approx(other.area_cm2, abs=1e-12, nan_ok=True)
        assert abs(one.from_s - other.from_s) <= 5e-7
        assert abs(one.to_s - other.to_s) <= 5e-7
        assert abs(one.arrival_s - other.arrival_s) <= 5.01e-4


def test_times_of_scans_are_those_of_their_readings() -> None:
    given_readings = session_events.readings(2.0, batch=7)
    part = pack([session_events.batch_of(each) for each in given_readings])
    assert part.t_s() == pytest.approx(np.concatenate([each.t_s for each in given_readings]), abs=1e-6)
    assert part.from_s == 0.0
    assert part.to_s == pytest.approx(1.99)


def test_join_and_some_are_inverse() -> None:
    part = pack(batches(4.0))
    cut = 23
    assert same(join((part.some(0, cut), part.some(cut, len(part.index)))), part)


@pytest.mark.parametrize("channels", [1, 4, 16])
def test_small_noise_on_slow_force_takes_less_than_half_a_byte(channels: int) -> None:
    part = pack(batches(60.0, channels))
    assert len(encode(part)) / part.values.size < (0.75 if channels == 1 else 0.45)


def test_a_ball_at_rest_costs_next_to_nothing() -> None:
    still = [batch._replace(values=np.zeros((5, 4), np.int16)) for batch in batches(60.0)]
    assert len(encode(pack(still))) < 1500


def test_every_single_wrong_bit_is_found() -> None:
    data = encode(pack(batches(1.0)))
    for bit in range(0, 8 * len(data), 3):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        with pytest.raises(UnreadableError, match=NAME):
            decode(bytes(wrong), NAME)


def test_a_chunk_cut_short_or_with_a_tail_is_refused() -> None:
    data = encode(pack(batches(1.0)))
    for wrong in (data[:-1], data[: len(data) // 2], data[:3], b"", data + b"\0"):
        with pytest.raises(UnreadableError, match=NAME):
            decode(wrong, NAME)


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_whatever_the_bytes_are_only_one_error_comes_out(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        decode(data, NAME)


@given(st.binary(max_size=400), st.integers(0, 3), st.integers(0, 60), st.integers(0, 4))
@settings(max_examples=300, deadline=None)
def test_a_right_checksum_around_nonsense_is_no_danger(body: bytes, batches: int, scans: int, channels: int) -> None:
    head = batches.to_bytes(4, "little") + scans.to_bytes(4, "little") + channels.to_bytes(2, "little")
    try:
        part = decode(sealed(head + body), NAME)
    except UnreadableError:
        return
    assert len(part.values) == int(part.scans.sum()) == scans


def test_a_chunk_that_claims_too_much_takes_no_memory() -> None:
    head = (1).to_bytes(4, "little") + (MAX_SAMPLES).to_bytes(4, "little") + (4).to_bytes(2, "little")
    with pytest.raises(UnreadableError, match="too many samples"):
        decode(sealed(head), NAME)


def test_a_time_that_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="no time"):
        pack([batches(1.0)[0]._replace(from_s=float("nan"))])


def sealed(body: bytes) -> bytes:
    """A chunk with this body, its checksum right."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = deflate.compress(body) + deflate.flush()
    return PREFIX.pack(VERSION, zlib.crc32(packed)) + packed
