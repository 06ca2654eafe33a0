"""Damaged frames by the million, through the real deframer: none becomes a sample.

A damaged frame whose CRC-32 still fits must also fit index and time (R49). How many of those there would be is
measured apart: the same damage done to messages, with a CRC forged to fit. The product is the residual.

One pattern passes more often than by chance: FF FF FF FF, zeros, and FF FF FF FF as its CRC, which is what a frame of
samples around zero may be cut down to. It begins with FF, which is the type of no message, and is dropped as `type`.
"""

import copy
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from firmware_protocol.driver import Chunk, Phase, Samples, Send
from firmware_protocol.framing import Damaged, Deframer, encode_frame
from firmware_protocol.host import Host
from firmware_protocol.messages import SAMPLES
from firmware_protocol.simulator.virtual import VirtualBall
from tests.reliability.row import Row

FRAMES, SHORT_FRAMES = 3_000_000, 60_000  # of each kind
FORGED, SHORT_FORGED = 20_000, 1_000
AT_ONCE = 20_000
RECORDED_S = 20.0
CRC_PASSES = 2.0**-32  # of damage beyond what the CRC finds for certain

Bytes = NDArray[np.uint8]
Damage = Callable[[np.random.Generator, Bytes, Bytes], tuple[Bytes, NDArray[np.bool_]]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a ball sent while it was live: messages of one length, and the host just before some of them."""

    messages: tuple[bytes, ...]
    hosts: tuple[tuple[bytes, Host, float], ...]  # the message that comes next, the host, its time


def rows(*, short: bool) -> Iterator[Row]:
    frames, forged = (SHORT_FRAMES, SHORT_FORGED) if short else (FRAMES, FORGED)
    for kind in KINDS:
        yield _row(kind, frames, forged, alone=short)


def _row(kind: str, frames: int, forged: int, *, alone: bool) -> Row:
    row = Row(f"damaged frames: {kind}", frames)
    tasks = [(kind, seed, min(AT_ONCE, frames - seed * AT_ONCE)) for seed in range(-(-frames // AT_ONCE))]
    if alone:
        played = [_through(*task) for task in tasks]
    else:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            played = list(pool.map(_through, *zip(*tasks, strict=True)))
    damaged = sum(count for count, _, _ in played)
    reasons = sum((found for _, found, _ in played), Counter[str]())
    passed = [message for _, _, some in played for message in some]
    everywhere = range(len(_recorded().hosts))
    became = sum(any(_becomes_sample(message, turn) for turn in everywhere) for message in passed)
    row.runs = damaged
    row.promise(not became, f"{became} damaged frames became samples")
    row.promise(sum(reasons.values()) >= damaged, "some damage was not counted")
    row.lost = "the frames damaged"
    row.invented = str(became) if became else "nothing"
    row.notice = "at once"
    share = _forged_share(kind, forged)
    told = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    row.note = (
        f"{told}; {len(passed)} passed the CRC; with a forged CRC {share:.1%} of {forged} fit index and time: "
        f"residual {share * CRC_PASSES:.0e} a frame"
    )
    return row


# The four kinds. Given frames (n, length) and others to glue to: bytes, and which of them are there.


def _flip(rng: np.random.Generator, frames: Bytes, others: Bytes) -> tuple[Bytes, NDArray[np.bool_]]:
    """One to eight bits."""
    out, (count, length) = frames.copy(), frames.shape
    many = rng.integers(1, 9, count)
    for number in range(8):
        hit = np.flatnonzero(many > number)
        bits = (1 << rng.integers(0, 8, len(hit))).astype(np.uint8)
        out[hit, rng.integers(0, length, len(hit))] ^= bits
    return out, np.ones_like(out, np.bool_)


def _burst(rng: np.random.Generator, frames: Bytes, others: Bytes) -> tuple[Bytes, NDArray[np.bool_]]:
    """One to sixteen bytes in a row become noise."""
    count, length = frames.shape
    within = _stretch(rng, count, length, 1, 16)
    noise = rng.integers(0, 256, frames.shape, np.uint8)
    return np.where(within, frames ^ noise, frames), np.ones_like(frames, np.bool_)


def _cut(rng: np.random.Generator, frames: Bytes, others: Bytes) -> tuple[Bytes, NDArray[np.bool_]]:
    """Some bytes in a row are missing: at the beginning, in the middle or at the end, but not all."""
    count, length = frames.shape
    return frames, ~_stretch(rng, count, length, 1, length - 1)


def _glue(rng: np.random.Generator, frames: Bytes, others: Bytes) -> tuple[Bytes, NDArray[np.bool_]]:
    """The beginning of one frame, or all of it, goes on as the end of another, or all of it."""
    count, length = frames.shape
    ends, starts = rng.integers(1, length + 1, (count, 1)), rng.integers(0, length, (count, 1))
    whole = rng.random((count, 1)) < 0.2
    place = np.arange(length)
    keep = np.hstack([place < np.where(whole, length, ends), place >= np.where(whole, 0, starts)])
    return np.hstack([frames, others]), keep


KINDS: dict[str, Damage] = {"flip": _flip, "burst": _burst, "cut": _cut, "glue": _glue}


def _stretch(rng: np.random.Generator, count: int, length: int, least: int, most: int) -> NDArray[np.bool_]:
    """(count, length) a run of `least` to `most` places in each row."""
    size = rng.integers(least, min(most, length) + 1, (count, 1))
    start = rng.integers(0, length - size + 1)
    place = np.arange(length)
    return np.asarray((place >= start) & (place < start + size))


def _damaged(kind: str, seed: int, parts: Bytes, count: int) -> tuple[Bytes, NDArray[np.bool_], NDArray[np.int64]]:
    """Rows that differ from what was sent, which of their bytes are there, and which part each was."""
    rng = np.random.default_rng((seed, *kind.encode()))
    first = rng.integers(0, len(parts), count)
    second = (first + rng.integers(1, len(parts), count)) % len(parts)
    sent = parts[first]
    out, keep = KINDS[kind](rng, sent, parts[second])
    if out.shape == sent.shape:
        changed = (out != sent).any(axis=1) | ~keep.all(axis=1)
        return out[changed], keep[changed], first[changed]
    return out, keep, first


def _through(kind: str, seed: int, count: int) -> tuple[int, Counter[str], list[bytes]]:
    """Frames damaged, damage by reason, and messages that passed the CRC though they were never sent."""
    sent = _recorded().messages
    frames = np.array([list(encode_frame(message)[:-1]) for message in sent], np.uint8)
    out, keep, _ = _damaged(kind, seed, frames, count)
    closing = np.zeros((len(out), 1), np.uint8)
    stream = np.hstack([out, closing])[np.hstack([keep, closing == 0])].tobytes()
    deframer, known, reasons, passed = Deframer(), set(sent), Counter[str](), []
    deframer.feed(encode_frame(sent[0]))  # before the first good frame nothing is counted
    again = 0
    for found in deframer.feed(stream):
        if isinstance(found, Damaged):
            reasons[found.reason] += 1
        elif found in known:
            again += 1  # two halves that differ in nothing joined to a frame that was sent
        else:
            passed.append(found)
    return len(out) - again, reasons, passed


def _forged_share(kind: str, count: int) -> float:
    """How much of such damage to messages would become samples, were it not for the CRC."""
    hosts = _recorded().hosts
    messages = np.array([list(message) for message, _, _ in hosts], np.uint8)
    out, keep, turns = _damaged(kind, 1 << 20, messages, count)
    taken = sum(_becomes_sample(out[row][keep[row]].tobytes(), int(turns[row])) for row in range(len(out)))
    return taken / len(out)


def _becomes_sample(message: bytes, turn: int) -> bool:
    """Whether a live host, given this message where number `turn` should come, its CRC right, makes samples of it."""
    if not 2 <= len(message) <= 244:
        return False
    _, host, now_s = _recorded().hosts[turn]
    told = copy.deepcopy(host).feed(Chunk("serial", encode_frame(message), now_s))
    return any(isinstance(event, Samples) for event in told)


@cache
def _recorded() -> Recorded:
    """A ball of four cells at 100 Hz, live."""
    ball, host = VirtualBall("session", seed=3, boot_id=7), Host(framed=True, first_tag=1)
    ball.connected(0.0)
    out, ear = host.opened(0.0), Deframer()
    messages: list[bytes] = []
    hosts: list[tuple[bytes, Host, float]] = []
    for step in range(round(RECORDED_S * 100)):
        now_s = step / 100
        for item in out:
            if isinstance(item, Send):
                ball.feed(item.data, now_s)
        ball.tick(now_s)
        data = ball.outgoing()
        live = host.phase is Phase.LIVE and now_s > 2.0  # the period is measured by then (R49)
        for part in ear.feed(data):
            if isinstance(part, bytes) and part[0] == SAMPLES and live:
                if len(messages) % 20 == 0:
                    hosts.append((part, copy.deepcopy(host), now_s))
                messages.append(part)
        out = [*(host.feed(Chunk("serial", data, now_s)) if data else []), *host.tick(now_s)]
    (length, _) = Counter(map(len, messages)).most_common(1)[0]
    alike = tuple(message for message in messages if len(message) == length)
    return Recorded(alike, tuple(each for each in hosts if len(each[0]) == length))
