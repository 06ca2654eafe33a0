"""The wire: bytes of a serial link to samples.

One stream of SAMPLES frames, read in pieces of 512 bytes as a port gives them: 4 channels x 5 scans (100 Hz, 40 ms),
and the most a message carries, 16 x 7. The peer is the decoder one writes first: the same framing, the same answer, but
every sample through struct.iter_unpack.
"""

import struct
import time
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np

from firmware_protocol.codec import decode_from_ball, encode
from firmware_protocol.framing import Damaged, Deframer, encode_frame
from firmware_protocol.messages import SampleBatch
from tests.benchmarks.figure import Figure

FRAMES = 4_000
PIECE = 512
REPEATS = 7
BOUND_US = 15.0  # the fastest ball sends a frame each 10 ms: 0.15 % of one core, on a slow machine, too

Decode = Callable[[bytes, int], SampleBatch]


def stream(channels: int, scans: int) -> list[bytes]:
    rng = np.random.default_rng(1)
    frames = []
    for number in range(FRAMES):
        values = rng.integers(-200, 4000, (scans, channels)).astype(np.int16)
        batch = SampleBatch(number * scans % 2**16, number * 50_000 % 2**32, 4000, values)
        frames.append(encode_frame(encode(batch, number % 256)))
    whole = b"".join(frames)
    return [whole[start : start + PIECE] for start in range(0, len(whole), PIECE)]


def by_codec(message: bytes, channels: int) -> SampleBatch:
    said = decode_from_ball(message, channels)
    assert not isinstance(said, Damaged) and isinstance(said[1], SampleBatch)
    return said[1]


def by_sample(message: bytes, channels: int) -> SampleBatch:
    index, t_us, span_10us = struct.unpack("<HIH", message[2:10])
    samples = [sample for (sample,) in struct.iter_unpack("<h", message[10:])]
    return SampleBatch(index, t_us, span_10us, np.array(samples, np.int16).reshape(-1, channels))


def seconds(decode: Decode, pieces: list[bytes], channels: int) -> float:
    deframer, frames = Deframer(), 0
    start = time.perf_counter()
    for piece in pieces:
        for message in deframer.feed(piece):
            assert not isinstance(message, Damaged)
            decode(message, channels)
            frames += 1
    took = time.perf_counter() - start
    assert frames == FRAMES
    return took


def figures() -> Iterator[Figure]:
    for channels, scans in ((4, 5), (16, 7)):
        pieces = stream(channels, scans)
        rounds = [(seconds(by_codec, pieces, channels), seconds(by_sample, pieces, channels)) for _ in range(REPEATS)]
        own = median(codec for codec, _ in rounds) / FRAMES
        shape = f"{channels} channels x {scans} scans"
        yield Figure(f"wire: a frame to samples, {shape}", own * 1e6, "us", at_most=BOUND_US)
        yield Figure(f"wire: frames a second, {shape}", 1 / own, "1/s", at_least=1e6 / BOUND_US)
        ratio = median(plain / codec for codec, plain in rounds)
        yield Figure(f"wire: against struct.iter_unpack, {shape}", ratio, "x", at_least=1.0, note="same answer")
