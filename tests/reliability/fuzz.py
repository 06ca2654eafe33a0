"""Arbitrary input to the whole way from bytes to lines and rows: nothing raises, and time and memory are bounded."""

import random
from collections.abc import Callable, Iterator
from time import monotonic, thread_time

from firmware_protocol.codec import encode
from firmware_protocol.driver import BallEventCode
from firmware_protocol.framing import encode_frame
from firmware_protocol.messages import BallEventMessage, Flags, StatusMessage
from tests.fuzz.drill import HELD_BYTES, Drill, size_of
from tests.fuzz.script import play
from tests.reliability.row import Row

SECONDS, SHORT_SECONDS = 60.0, 4.0
FLOOD, SHORT_FLOOD = 4 << 20, 1 << 18
PIECE = 4096
ENDED = BallEventCode.SENDING_ENDED  # which would end it
EVENT_BYTES = 500  # of input, at least, for each event that comes out: what comes in floods is told as counts
BYTE_S = 20e-6  # of processor time: at 115200 baud a quarter of a core, whatever comes


def rows(*, short: bool) -> Iterator[Row]:
    yield _drills(SHORT_SECONDS if short else SECONDS)
    for name, line in FLOODS.items():
        yield _flood(name, line, SHORT_FLOOD if short else FLOOD)


def _drills(seconds: float) -> Row:
    row, end_s, number, heard = Row("arbitrary input, random drills"), monotonic() + seconds, 0, 0
    while monotonic() < end_s and not row.broken:
        chance = random.Random(number)
        try:
            heard += play(chance.randbytes(chance.randrange(400))).readings > 0
        except Exception as error:  # whatever it is, it is the finding
            row.promise(False, f"drill {number}: {error!r}")
        number += 1
    row.runs = number
    row.promise(heard > 0, "no drill came as far as a reading")
    row.note = f"{heard} of them with readings"
    return row


def _flood(name: str, line: Callable[[int], bytes], size: int) -> Row:
    """Without end, to a host that is live."""
    row = Row(f"flood of {name}", size)
    drill = Drill()
    drill.ball(2.0)
    row.promise(drill.readings > 0, "the ball was not heard")
    data = line(size)
    before, start_s = drill.events, thread_time()
    for at in range(0, size, PIECE):
        drill.raw(data[at : at + PIECE])
        drill.tick(PIECE / 11_520)  # 115200 baud
    each_s = (thread_time() - start_s) / size
    held, said = size_of(drill.line), drill.events - before
    row.promise(each_s < BYTE_S, f"{1e6 * each_s:.1f} us a byte")
    row.promise(held < HELD_BYTES, f"{held} bytes held")
    row.promise(said < size / EVENT_BYTES + 100, f"{said} events")
    drill.end()
    row.note = f"{1e6 * each_s:.2f} us a byte, {held / 1e6:.2f} MB held, {said} events"
    return row


def _repeated(unit: bytes) -> Callable[[int], bytes]:
    return lambda size: (unit * (size // len(unit) + 1))[:size]


FLOODS: dict[str, Callable[[int], bytes]] = {
    "noise": lambda size: random.Random(1).randbytes(size),
    "zeros": _repeated(b"\0"),
    "text": _repeated(b"E (1234) wdt: task watchdog got triggered\r\n"),
    "broken frames": _repeated(b"\x05\x01\0"),
    "empty samples": _repeated(encode_frame(bytes((0x40, 1)) + bytes(16))),
    "unknown messages": _repeated(encode_frame(b"\x7f\x01")),
    "button presses": _repeated(encode_frame(encode(BallEventMessage(BallEventCode.BUTTON, 255, 0, 0), 1))),
    "changes of zero": _repeated(
        b"".join(encode_frame(encode(BallEventMessage(BallEventCode.TARED, 255, 0, n), n)) for n in range(50))
    ),
    "news of the battery": _repeated(
        b"".join(encode_frame(encode(StatusMessage(Flags(0), n, 0, 0, 0, 0), n)) for n in range(50))
    ),
    "all kinds of news": _repeated(
        b"".join(encode_frame(encode(BallEventMessage(n, 255, 0, n), n)) for n in range(1, 256) if n != ENDED)
    ),
}
