"""How scans lie in a chunk: exact, compact, and refused when damaged.

    byte 0      version of this layout (1)
    bytes 1..4  CRC-32 of all that follows, little-endian
    then        raw deflate of: header, the batches' columns, the values

Values: per channel the difference to the scan before, less the median difference of each 32 scans (its
slope), zigzag, low bytes before high bytes. Columns: the difference to the batch before, less the column's
median difference, zigzag, as many byte planes as the largest needs; a column that runs evenly costs nothing.
All arithmetic is modulo 2^16 or 2^64, so every input has an encoding and comes back as it was.

With 1 LSB rms of noise on a slowly changing force this takes 0.4 bytes per 16-bit value, level or steep;
without the slope 0.42 to 0.57, the more the steeper.
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sessions.batches import Column, Part, Values
from sessions.errors import UnreadableError

VERSION = 1
PREFIX = struct.Struct("<BI")
HEADER = struct.Struct("<IIH")  # batches, scans, channels
COLUMN = struct.Struct("<qqB")  # first value, median step, bytes per difference
SLOPE_SCANS = 32  # measured: 16 and 64 cost more on steep and on level force
MAX_SAMPLES = 1 << 25  # a damaged length must not take all memory; a minute of 64 cells at 1 kHz is 4e6
MAX_CHANNELS = 1024
MAX_BATCHES = 1 << 22


def encode(part: Part) -> bytes:
    """The chunk of one part with at least one batch."""
    body = [HEADER.pack(len(part.index), len(part.values), part.channels)]
    body += [_encode_column(column) for column in _columns(part)]
    body.append(_encode_values(part.values))
    # Z_FILTERED: on small noise short matches cost more than the literals they replace (measured: a tenth).
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15, 9, zlib.Z_FILTERED)
    packed = deflate.compress(b"".join(body)) + deflate.flush()
    return PREFIX.pack(VERSION, zlib.crc32(packed)) + packed


def decode(data: bytes, name: str) -> Part:
    """What `encode` was given, arrays read-only. UnreadableError, naming the chunk, for anything else."""
    try:
        return _decode(data)
    except (ValueError, struct.error, zlib.error, MemoryError) as error:
        raise UnreadableError(f"{name} is damaged: {error}", "Restore the log from a backup.") from error


def _decode(data: bytes) -> Part:
    version, crc = PREFIX.unpack_from(data)
    if version != VERSION:
        raise ValueError(f"unknown layout {version}")
    packed = data[PREFIX.size :]
    if zlib.crc32(packed) != crc:
        raise ValueError("checksum")
    inflate = zlib.decompressobj(-15)
    reader = _Reader(inflate.decompress(packed, 4 * MAX_SAMPLES))
    if not inflate.eof or inflate.unused_data:
        raise ValueError("length")
    batches, scans, channels = HEADER.unpack(reader.take(HEADER.size))
    if not (0 < batches <= min(scans, MAX_BATCHES) and 0 < channels <= MAX_CHANNELS):
        raise ValueError("header")
    if scans * channels > MAX_SAMPLES:
        raise ValueError("too many samples")
    index, each, t_us, span_us, offset, extra, delay_ms, segment, lost, late, unknown, area = (
        _decode_column(reader, batches) for _ in range(12)
    )
    if each.min() < 1 or each.max() > scans or int(each.sum()) != scans:
        raise ValueError("scan counts")
    values = _decode_values(reader, scans, channels)
    if reader.left:
        raise ValueError("length")
    part = Part(
        index=index,
        scans=each,
        t_us=t_us,
        span_us=span_us,
        from_us=t_us + offset,
        length_us=span_us + extra,
        delay_ms=delay_ms,
        segment=segment,
        lost=lost,
        late=late,
        unknown=unknown,
        area=area,
        values=values,
    )
    for array in (getattr(part, slot) for slot in Part.__slots__):
        array.flags.writeable = False
    return part


def _columns(part: Part) -> Iterator[Column]:
    """The columns as they are written: what follows from another column is written as the difference to it."""
    yield part.index
    yield part.scans
    yield part.t_us
    yield part.span_us
    yield part.from_us - part.t_us
    yield part.length_us - part.span_us
    yield part.delay_ms
    yield part.segment
    yield part.lost
    yield part.late
    yield part.unknown
    yield part.area


def _encode_column(column: Column) -> bytes:
    if len(column) == 1:
        return COLUMN.pack(int(column[0]), 0, 0)
    steps = np.diff(column)
    median = int(np.sort(steps)[len(steps) // 2])
    rest = _zigzag(steps - np.int64(median))
    width = (int(rest.max()).bit_length() + 7) // 8
    planes = rest.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
    return COLUMN.pack(int(column[0]), median, width) + bytes(planes.T.tobytes())


def _decode_column(reader: "_Reader", batches: int) -> Column:
    first, median, width = COLUMN.unpack(reader.take(COLUMN.size))
    if width > 8:
        raise ValueError("column width")
    planes = np.zeros((batches - 1, 8), np.uint8)
    planes[:, :width] = np.frombuffer(reader.take(width * (batches - 1)), np.uint8).reshape(width, batches - 1).T
    column = np.empty(batches, np.int64)
    column[0] = first
    column[1:] = _unzigzag(planes.view("<u8")[:, 0].astype(np.uint64)) + np.int64(median)
    return np.cumsum(column)


def _encode_values(values: Values) -> bytes:
    scans, channels = values.shape
    blocks = -(-scans // SLOPE_SCANS)
    steps = np.zeros((blocks * SLOPE_SCANS, channels), np.int16)
    np.subtract(values[1:], values[:-1], out=steps[1:scans])
    slopes = np.sort(steps.reshape(blocks, SLOPE_SCANS, channels), axis=1)[:, SLOPE_SCANS // 2, :]
    rest = (steps - np.repeat(slopes, SLOPE_SCANS, axis=0))[:scans]
    rest[0] = 0  # the first scan is written plainly
    slope_steps = slopes.copy()
    slope_steps[1:] -= slopes[:-1]
    return bytes(values[:1].astype("<i2").tobytes()) + _planes(slope_steps) + _planes(rest)


def _decode_values(reader: "_Reader", scans: int, channels: int) -> Values:
    blocks = -(-scans // SLOPE_SCANS)
    first = np.frombuffer(reader.take(2 * channels), "<i2")
    slopes = np.cumsum(_unplanes(reader, blocks, channels), axis=1, dtype=np.int16)
    steps = _unplanes(reader, scans, channels)
    steps += np.repeat(slopes, SLOPE_SCANS, axis=1)[:, :scans]
    steps[:, 0] = first
    return np.ascontiguousarray(np.cumsum(steps, axis=1, dtype=np.int16).T)


def _planes(steps: Values) -> bytes:
    """(rows, channels) -> all low bytes, then all high bytes, each channel after channel."""
    folded = ((steps << 1) ^ (steps >> 15)).T.astype("<u2").reshape(-1, 1).view(np.uint8)
    return bytes(folded.T.tobytes())


def _unplanes(reader: "_Reader", rows: int, channels: int) -> Values:
    """What `_planes` was given, as (channels, rows)."""
    low, high = np.frombuffer(reader.take(2 * rows * channels), np.uint8).reshape(2, channels, rows)
    folded = low | high.astype(np.uint16) << 8
    return ((folded >> 1) ^ -(folded & 1)).view(np.int16)


def _zigzag(numbers: Column) -> NDArray[np.uint64]:
    return ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)


def _unzigzag(folded: NDArray[np.uint64]) -> Column:
    return ((folded >> np.uint64(1)) ^ -(folded & np.uint64(1))).view(np.int64)


class _Reader:
    """Takes bytes from the front, and refuses to take more than there are."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> memoryview:
        if count > self.left:
            raise ValueError("length")
        self._at += count
        return self._data[self._at - count : self._at]
