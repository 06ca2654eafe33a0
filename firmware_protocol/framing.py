"""Frames of a stream link: `COBS(message, CRC-32 of message), 00` (PROTOCOL.md R5 and R6).

A datagram link (Bluetooth LE) has no frames; there one message is one attribute value.
"""

from dataclasses import dataclass
from zlib import crc32

from cobs import cobs

from firmware_protocol.errors import EncodeError

MIN_MESSAGE = 2  # type and tag
MAX_MESSAGE = 244  # one radio packet: 251 bytes less 4 of L2CAP and 3 of ATT
CRC_SIZE = 4
MAX_FRAME = 249  # before the 00: MAX_MESSAGE, CRC-32 and one code byte

# Every reason for which input is dropped (PROTOCOL.md R54); the last four need a conversation to be seen.
REASONS = (
    "oversize", "cobs", "short", "crc", "echo", "type", "length", "value", "tag", "stale", "order", "anchor"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Damaged:
    """Input that was dropped: why (one of REASONS) and, at most MAX_FRAME long on a stream, what it was."""

    reason: str
    raw: bytes


def encode_frame(message: bytes) -> bytes:
    """The frame of one message, with its closing 00. EncodeError if the message is not 2..244 bytes long."""
    if not MIN_MESSAGE <= len(message) <= MAX_MESSAGE:
        raise EncodeError(f"a message is {MIN_MESSAGE} to {MAX_MESSAGE} bytes long, not {len(message)}")
    return bytes(cobs.encode(message + crc32(message).to_bytes(CRC_SIZE, "little"))) + b"\0"


class Deframer:
    """Turns a stream into messages. Never raises, holds at most MAX_FRAME bytes, and the answers, joined, are the
    same however the stream is cut.

    Damage before the first good frame is not reported: boot text of the board, or the tail of a frame sent before
    we listened (R6).
    """

    __slots__ = ("_heard", "_rest", "_skipping")

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False  # inside an oversize frame, up to its 00
        self._heard = False  # a good frame has come

    def reset(self) -> None:
        """A new link: forget everything."""
        self._rest = b""
        self._skipping = False
        self._heard = False

    def feed(self, data: bytes) -> list[bytes | Damaged]:
        """The messages that `data` completes, CRC checked and taken off, and the damage in it, in order."""
        found: list[bytes | Damaged] = []
        *complete, last = data.split(b"\0")
        for part in complete:
            self._extend(part, found)
            frame, self._rest = self._rest, b""
            self._skipping = False
            if frame:
                self._open(frame, found)
        self._extend(last, found)
        return found

    def _extend(self, part: bytes, found: list[bytes | Damaged]) -> None:
        if self._skipping:
            return
        # A concatenation, not a bytearray: at most MAX_FRAME bytes are ever kept, and the common case adds to nothing.
        self._rest += part
        if len(self._rest) > MAX_FRAME:
            self._damaged("oversize", self._rest[:MAX_FRAME], found)
            self._rest = b""
            self._skipping = True

    def _open(self, frame: bytes, found: list[bytes | Damaged]) -> None:
        try:
            decoded: bytes = cobs.decode(frame)
        except cobs.DecodeError:
            self._damaged("cobs", frame, found)
            return
        if len(decoded) < MIN_MESSAGE + CRC_SIZE:
            self._damaged("short", frame, found)
            return
        message = decoded[:-CRC_SIZE]
        if crc32(message) != int.from_bytes(decoded[-CRC_SIZE:], "little"):
            self._damaged("crc", frame, found)
            return
        self._heard = True
        found.append(message)

    def _damaged(self, reason: str, raw: bytes, found: list[bytes | Damaged]) -> None:
        if self._heard:
            found.append(Damaged(reason, raw))
