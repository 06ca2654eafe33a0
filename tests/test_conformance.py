"""Every item of the conformance list: right balls pass it, and a ball made wrong in that one point does not."""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_protocol import messages as m
from firmware_protocol.conformance.bench import frame_of
from firmware_protocol.conformance.items import ITEMS
from firmware_protocol.conformance.unseen import UNSEEN
from firmware_protocol.conformance.verdict import Outcome
from firmware_protocol.framing import encode_frame
from firmware_protocol.messages import Caps, Status
from tests.ball_bench import POINTS
from tests.examined import BEGIN_US, LONGEST_STEP_US, Change, OwnBall, Sketch, Subject, examined, to_mend
from tests.sketch import Stepped, compiled
from tests.test_protocol_doc import HARDWARE_ONLY, RULES

BY_KEY = {item.key: item for item in ITEMS}


# --- right balls ---


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"channels": 4, "rates_hz": (10, 80), "period_ratio": 0.85, "settle_us": 400_000, "points": (POINTS,) * 4},
        {"caps": Caps(0), "unit": 0, "rates_hz": (10,), "cal_crc": 7},
        {"channels": 16, "rates_hz": (500,), "caps": Caps.LOG | Caps.SENSOR},
    ],
    ids=["plain", "4 cells, fast clock", "least, 10 Hz", "16 cells, 500 Hz"],
)
def test_a_right_ball_has_nothing_to_mend(changes: dict[str, Any]) -> None:
    found = examined(OwnBall(**changes), ITEMS if not changes else [item for item in ITEMS if not item.long])
    assert to_mend(found) == {}
    assert list(found) == [key for key, item in BY_KEY.items() if not changes or not item.long]
    passed = {verdict.item.key for verdict in found.values() if verdict.outcome is Outcome.PASS}
    caps = changes.get("caps", Caps(0x7FF))
    assert passed == {key for key in found if not BY_KEY[key].caps or BY_KEY[key].caps & caps}


@pytest.mark.parametrize(
    ("name", "period_us"),
    [("plain", 12_137), ("plain", 10_417), ("plain", 14_950), ("slow", 117_000)],
    ids=["usual", "a fifth fast", "a fifth slow", "10 Hz"],
)
def test_the_sketch_has_nothing_to_mend(name: str, period_us: int, programs: Mapping[str, Path]) -> None:
    """R57: all that a least ball must do; what it does not offer is passed by."""
    with Stepped(programs[name]) as ball:
        found = examined(Sketch(ball, period_us))
    assert to_mend(found) == {}
    skipped = {verdict.item.key for verdict in found.values() if verdict.outcome is Outcome.SKIPPED}
    assert skipped == {item.key for item in ITEMS if item.caps}


@pytest.fixture(scope="module")
def programs() -> Iterator[Mapping[str, Path]]:
    with compiled() as made:
        yield made


# --- wrong balls: one for each item ---

# Each message is bytes: type, tag, and in a reply the status.


def reply(kind: int, change: Change) -> Change:
    """Changes the OK replies to a request."""
    return lambda said: change(said) if said[0] == kind + m.REPLY and said[2] == 0 else said


def said(kind: int, change: Change) -> Change:
    return lambda message: change(message) if message[0] == kind else message


def refusal(status: Status, other: Change) -> Change:
    return lambda said: other(said) if said[0] >= m.REPLY and said[2] == status else said


def patched(at: int, layout: str, change: Callable[[int], int]) -> Change:
    """Changes one number of a message."""

    def patch(message: bytes) -> bytes:
        (number,) = struct.unpack_from("<" + layout, message, at)
        mask = (1 << 8 * struct.calcsize(layout)) - 1
        new = (change(number) & mask).to_bytes(struct.calcsize(layout), "little")
        return message[:at] + new + message[at + len(new) :]

    return patch


def every(change: Callable[[int], int]) -> Change:
    """Changes the values of SAMPLES."""

    def patch(message: bytes) -> bytes:
        values = np.frombuffer(message, "<i2", offset=10).astype(int)
        return message[:10] + np.array([change(int(value)) for value in values], "<i2").tobytes()

    return patch


def counting() -> Callable[[int], int]:
    """Another number each time."""
    numbers: Iterator[int] = iter(range(1, 1_000_000))
    return lambda _: next(numbers)


def after(count: int, change: Change) -> Change:
    """Leaves the first ones as they are."""
    seen = counting()
    return lambda message: change(message) if seen(0) > count else message


class Wrong(OwnBall):
    """`before` may do more with a request than change it: it is given the ball, and what it may say by itself."""

    def __init__(self, before: Callable[["Wrong", bytes], bytes | None], **changes: Any) -> None:
        super().__init__(asked=lambda message: before(self, message), **changes)
        self.extra: list[tuple[int, bytes]] = []  # when to be said
        self.now_us = BEGIN_US

    def say(self, message: bytes, in_us: int = 0) -> None:
        self.extra.append((self.now_us + in_us, encode_frame(message)))

    def turn(self, now_us: int, data: bytes) -> bytes:
        self.now_us = now_us
        told = super().turn(now_us, data)
        due = [frame for at_us, frame in self.extra if at_us <= now_us]
        self.extra = [(at_us, frame) for at_us, frame in self.extra if at_us > now_us]
        return b"".join(due) + told

    def next_us(self, now_us: int) -> int:
        return min([super().next_us(now_us), *(at_us for at_us, _ in self.extra)])

    def ask(self, request: bytes) -> None:
        self.ball.feed(0, encode_frame(request), self.now_us)


class Deaf(OwnBall):
    """Takes what is damaged for what it may have been."""

    def turn(self, now_us: int, data: bytes) -> bytes:
        return super().turn(now_us, data.replace(frame_of(b"\x03\x7f", crc_off=1), frame_of(b"\x03\x7f")))


class Late(OwnBall):
    """Says everything half a second later."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[tuple[int, bytes]] = []

    def turn(self, now_us: int, data: bytes) -> bytes:
        self._waiting.append((now_us + 500_000, super().turn(now_us, data)))
        due = [told for at_us, told in self._waiting if at_us <= now_us]
        self._waiting = self._waiting[len(due) :]
        return b"".join(due)

    def next_us(self, now_us: int) -> int:
        return min([super().next_us(now_us), *(at_us for at_us, _ in self._waiting)])


class Booting(OwnBall):
    """Answers five seconds after its port was opened."""

    def turn(self, now_us: int, data: bytes) -> bytes:
        return super().turn(now_us, data if now_us > BEGIN_US + 5_000_000 else b"")


def goes_on(ball: Wrong, message: bytes) -> bytes | None:
    """Sends on after HELLO."""
    if message[0] == 1 and ball.ball.scanning:
        ball.ask(message)
        return bytes((4, 0, 0, 0, 0, 0))
    return message


def chatty(ball: Wrong, message: bytes) -> bytes:
    if message[0] == 1 and message[2] > 1:
        ball.say(bytes.fromhex("430D00FF000000800000000000"), in_us=500_000)
    return message


def answers_all(ball: Wrong, message: bytes) -> bytes:
    if not 0 < message[0] <= m.MAX_REQUEST_TYPE:
        ball.say(bytes((0x80 | message[0], message[1], 1)))
    return message


def answers_twice(ball: Wrong, message: bytes) -> bytes:
    if message[0] == 3:
        ball.say(bytes((0x83, message[1], 0)) + bytes(8))
    return message


def tares_on(ball: Wrong, message: bytes) -> bytes:
    if message[0] == 6 and message[2:] == b"\xe8\x03":
        ball.say(bytes((0x86, message[1], 0)) + bytes(6))
    return message


class Kept(OwnBall):
    """Somebody else keeps the link alive."""

    _kept = 0

    def turn(self, now_us: int, data: bytes) -> bytes:
        if now_us // 5_000_000 > self._kept:
            self._kept = now_us // 5_000_000
            self.ball.feed(0, encode_frame(b"\x03\x00"), now_us)
        return super().turn(now_us, data)


class Zeroless(OwnBall):
    """Stops answering after 00 00."""

    def turn(self, now_us: int, data: bytes) -> bytes:
        return b"" if b"\0\0\0" in data else super().turn(now_us, data)


@dataclass(frozen=True)
class Mistake:
    key: str  # of the item that must see it
    what: str
    ball: Callable[[], Subject]
    also: tuple[str, ...] = ()  # items that must run before


def out(key: str, what: str, change: Callable[[], Change], *also: str, **changes: Any) -> Mistake:
    return Mistake(key, what, lambda: OwnBall(out=change(), **changes), also)


def asked(key: str, what: str, change: Change, *also: str) -> Mistake:
    return Mistake(key, what, lambda: OwnBall(asked=change), also)


def wrong(key: str, what: str, before: Callable[[Wrong, bytes], bytes | None], *also: str) -> Mistake:
    return Mistake(key, what, lambda: Wrong(before), also)


OK_TIME = bytes(9)
MISTAKES = (
    Mistake("answers", "boots for five seconds", Booting),
    out("status", "has no STATUS", lambda: said(m.STATUS, lambda message: None)),
    out("versions", "speaks version 3, too", lambda: reply(1, patched(3, "B", lambda _: 3))),
    out("versions", "forgets its highest version", lambda: refusal(Status.VERSION, lambda told: told[:3])),
    asked("versions", "does not look at min and max", lambda asks: asks[:2] + b"\x01\x01" if asks[0] == 1 else asks),
    out("hello-holds", "draws a boot_id for each HELLO", lambda: reply(1, patched(16, "I", counting()))),
    out("hello-sound", "offers LIMITS without a signal", lambda: reply(1, patched(4, "H", lambda caps: caps & ~0x30))),
    out("hello-first", "answers before HELLO", lambda: refusal(Status.HELLO_FIRST, lambda told: told[:2] + OK_TIME)),
    wrong("unasked", "tells STATUS before HELLO", chatty),
    out("least", "has no TARE", lambda: said(0x86, lambda told: told[:2] + b"\x01")),
    out("identity", "has a serial with a blank", lambda: reply(2, lambda told: told[:3] + b"my ball")),
    out("clock", "counts milliseconds", lambda: reply(3, patched(3, "Q", lambda t_us: t_us // 1000))),
    out("unknown", "says OK to what it does not know", lambda: refusal(Status.UNKNOWN, lambda told: told[:2] + b"\0")),
    out("short", "says VALUE to what is too short", lambda: refusal(Status.LENGTH, lambda told: told[:2] + b"\x03")),
    asked("grown", "wants exact lengths", lambda asks: None if asks[0] == 3 and len(asks) > 2 else asks),
    asked("values", "takes 9 Hz for 10", lambda asks: asks.replace(b"\x09\0\0\0", b"\x0a\0\0\0")),
    wrong("no-request", "answers every type", answers_all),
    Mistake("damaged", "does not look at the CRC", Deaf),
    Mistake("zeros", "stumbles over 00", Zeroless),
    out("start", "tells next_index too high", lambda: reply(4, patched(7, "I", lambda index: index + 50))),
    out("start", "has no SAMPLES", lambda: said(m.SAMPLES, lambda message: None)),
    out("period", "tells twice the period", lambda: reply(4, patched(3, "I", lambda us: 2 * us))),
    asked("period", "always scans at 10 Hz", lambda asks: asks[:2] + b"\x0a\0" + asks[4:] if asks[0] == 4 else asks),
    out("in-step", "counts batches for an index", lambda: said(m.SAMPLES, patched(2, "H", counting()))),
    out("in-step", "tells the span of n periods", lambda: said(m.SAMPLES, patched(8, "H", lambda span: span * 5 // 4))),
    out("in-step", "stamps the last scan", lambda: said(m.SAMPLES, after(20, patched(4, "I", lambda us: us - 90_000)))),
    asked("latency", "has 200 ms whatever is asked", lambda asks: asks[:4] + b"\xc8\0" if asks[0] == 4 else asks),
    asked("latency", "has 10 ms whatever is asked", lambda asks: asks[:4] + b"\x0a\0" if asks[0] == 4 else asks),
    out("run", "has one number for all runs", lambda: reply(4, patched(19, "B", lambda _: 1))),
    out("run", "has a number for each START", lambda: reply(4, patched(19, "B", counting()))),
    out("values-come", "has no value", lambda: said(m.SAMPLES, every(lambda _: m.NO_VALUE))),
    out("values-come", "is at its end", lambda: said(m.SAMPLES, every(lambda _: m.SATURATED))),
    out("stop", "forgets what waits", lambda: reply(5, patched(3, "I", lambda index: index + 5))),
    wrong("hello-quiets", "sends on after HELLO", goes_on),
    out("status-changes", "never tells that it scans", lambda: said(m.STATUS, patched(2, "B", lambda _: 0))),
    out("tare", "does not count zero changes", lambda: said(m.STATUS, patched(12, "B", lambda _: 0))),
    out("tare", "moves while it averages", lambda: said(0x86, lambda told: told[:2] + b"\x09")),
    out("tare-scanning", "has another zero than it told", lambda: said(m.SAMPLES, every(lambda value: value + 9))),
    wrong("tare-ends", "answers TARE at once", tares_on),
    out("sensor", "has a full scale beyond i16", lambda: reply(13, patched(3, "H", lambda _: 40_000))),
    out("raw", "has no RAW", lambda: said(0x87, lambda told: told[:2] + b"\x0b")),
    out("calibration", "keeps its cal_crc", lambda: reply(1, patched(14, "H", lambda crc: crc ^ 1)), points=(POINTS,)),
    out("limits", "raises the limit", lambda: reply(10, patched(5, "h", lambda high: 32_767))),
    out("limits", "takes any limit", lambda: refusal(Status.VALUE, lambda told: told[:2] + bytes(9))),
    out("limits", "does not flag it", lambda: said(m.STATUS, patched(2, "B", lambda flags: flags & ~0x20))),
    out("alert", "has no ALERT", lambda: said(0x8B, lambda told: told[:2] + b"\x0b")),
    out("log", "logs other values", lambda: said(m.BACKFILL, every(lambda value: value + 1))),
    out("log", "never sends what it promised", lambda: said(m.BACKFILL, lambda message: None)),
    out("readable", "has spans without scans", lambda: said(m.SAMPLES, patched(8, "H", lambda _: 0)), "stop"),
    wrong("answered-once", "answers twice", answers_twice, "clock"),
    out("bare", "explains its refusals", lambda: refusal(Status.UNKNOWN, lambda told: told + b"what?"), "unknown"),
    out("unasked-tags", "does not count", lambda: said(m.STATUS, patched(1, "B", lambda _: 7)), "status-changes"),
    Mistake("reply-times", "takes half a second", Late, ("unknown",)),
    out("dropped", "drops scans", lambda: said(m.STATUS, patched(8, "I", counting())), "status-changes"),
    Mistake("silence", "sends for ever", Kept),
    out("silence", "has no STATUS every 10 s", lambda: said(m.STATUS, after(4, lambda message: None))),
)  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.key}: {mistake.what}")
def test_a_wrong_ball_is_caught_by_the_item_that_is_about_it(mistake: Mistake) -> None:
    keys = dict.fromkeys(("answers", *mistake.also, mistake.key))
    found = to_mend(examined(mistake.ball(), [BY_KEY[key] for key in keys]))
    assert mistake.key in found
    assert found[mistake.key]
    assert "answers" not in found or mistake.key == "answers"


def test_every_item_can_find_something_to_mend() -> None:
    assert {mistake.key for mistake in MISTAKES} == set(BY_KEY)


def test_every_rule_is_looked_at_or_said_not_to_be() -> None:
    looked = {rule for item in ITEMS for rule in item.rules}
    assert looked | set(UNSEEN) == set(RULES)
    assert not looked & set(UNSEEN)
    assert set(HARDWARE_ONLY) <= set(UNSEEN)


def test_nothing_that_answers_is_no_ball() -> None:
    class Nobody:
        def turn(self, now_us: int, data: bytes) -> bytes:
            return b""

        def next_us(self, now_us: int) -> int:
            return now_us + LONGEST_STEP_US

    found = examined(Nobody())
    assert {verdict.outcome for verdict in found.values()} == {Outcome.MEND, Outcome.SKIPPED}
    assert list(to_mend(found)) == ["answers"]
