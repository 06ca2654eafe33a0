"""Bytes as a drill: what a fuzzer that knows only bytes turns into a session. Total: every input is a drill."""

from contextlib import suppress
from zlib import DEFLATED, compressobj, crc32

from companion.balls import transport
from companion.clock import Clock
from companion.errors import CompanionError, DeviceNotFoundError
from companion.transports.serial import parse
from firmware_protocol.codec import decode_from_ball, decode_from_host
from firmware_protocol.foreign.lines import Splitter, read
from firmware_protocol.framing import Damaged, Deframer
from sessions.codec import PREFIX, VERSION, decode
from sessions.errors import UnreadableError
from tests.fuzz.drill import Drill

STEPS_MAX = 64
CLOCK = Clock()


class Reader:
    """Takes numbers and bytes from the front; where nothing is left, zeros and nothing."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def empty(self) -> bool:
        return self._at >= len(self._data)

    def byte(self) -> int:
        taken = self.take(1)
        return taken[0] if taken else 0

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken


def either(data: bytes) -> None:
    """By the first byte: the decoders alone, thousands of times a second, or a whole drill with a kind of device."""
    if data[:1] < b"\x80":
        decoders(data[1:])
    else:
        play(data[1:], data[0] - 0x80)


def play(data: bytes, spoken: int = 0) -> Drill:
    """Play a whole drill and end it."""
    drill, reader = Drill(spoken), Reader(data)
    for _ in range(STEPS_MAX):
        if reader.empty:
            break
        _step(drill, reader)
    drill.end()
    return drill


def _step(drill: Drill, reader: Reader) -> None:
    match reader.byte() % 9:
        case 0:
            drill.raw(reader.take(reader.byte()))
        case 1:
            cuts = list(reader.take(reader.byte() % 8))
            drill.raw(reader.take(reader.byte()), cuts)
        case 2:
            drill.message(reader.take(reader.byte()))
        case 3:
            drill.answer(reader.take(reader.byte() % 64))
        case 4:
            drill.ball(reader.byte() / 100)
        case 5:
            drill.ball(reader.byte() / 100, bytes((reader.byte(), reader.byte())))
        case 6:
            drill.tick(2.0 ** (reader.byte() / 16 - 8))  # 4 ms to 4 minutes
        case 7:
            (drill.drop if reader.byte() & 1 else drill.open)()
        case _:
            drill.act(reader.byte())


def decoders(data: bytes) -> list[str]:
    """Every decoder of the wire and of the log, on the same bytes: nothing but its own error comes out.

    The forms in which they were no chunk.
    """
    refused = []
    deframer = Deframer()
    for part in [*deframer.feed(data), *deframer.feed(b"\0" + data + b"\0")]:
        message = part.raw if isinstance(part, Damaged) else part
        decode_from_host(message)
        for channels in (None, 1, 4, 16):
            decode_from_ball(message, channels)
    forms = {
        "as it came": data,
        "with a checksum": PREFIX.pack(VERSION, crc32(data)) + data,
        "deflated": encoded(data),
    }
    for form, chunk in forms.items():
        try:
            decode(chunk, "a chunk")
        except UnreadableError:
            refused.append(form)
    for line in Splitter().feed(data + b"\n"):
        if line is not None:
            read(line)
    text = data.decode("utf-8", "surrogateescape")
    with suppress(DeviceNotFoundError):
        parse(text)
    with suppress(CompanionError):
        transport(text, None, CLOCK)
    return refused


def encoded(body: bytes) -> bytes:
    """A chunk whose checksum and deflate are right, whatever is in it."""
    deflate = compressobj(1, DEFLATED, -15)
    packed = deflate.compress(body) + deflate.flush()
    return PREFIX.pack(VERSION, crc32(packed)) + packed


def framed(message: bytes) -> bytes:
    """The script that says one message after the ball was heard for a second: a seed for the corpus."""
    return bytes((4, 100, 2, len(message))) + message + bytes((4, 50, 6, 128))


def answered(payload: bytes) -> bytes:
    return bytes((3, len(payload))) + payload + bytes((4, 50))


def streamed(data: bytes) -> bytes:
    return bytes((4, 100, 0, len(data) % 256)) + data[:255] + bytes((4, 50, 7, 1, 6, 64, 7, 0, 4, 100))
