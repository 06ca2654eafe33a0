"""Messages to bytes and back (PROTOCOL.md sections 2 and 6).

`encode` carries whatever fits its place on the wire. `decode_from_ball` and `decode_from_host` are total: any bytes
give a message whose lengths, counts and numbers are sound, or say why not.
"""

import struct
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from firmware_protocol import messages as m
from firmware_protocol import payloads
from firmware_protocol.errors import EncodeError
from firmware_protocol.framing import MAX_MESSAGE, MIN_MESSAGE, Damaged
from firmware_protocol.messages import Reply, Request, Status, Unsolicited


def encode(message: Request | Reply | Unsolicited, tag: int) -> bytes:
    """The message's bytes, header first. EncodeError if a field does not fit its place, or the whole no message."""
    name = type(message).__name__
    try:
        data = bytes((_code(message), tag)) + _WRITERS[type(message)](message)
    except (struct.error, OverflowError, ValueError, TypeError) as exc:
        raise EncodeError(f"{name} does not fit the wire: {exc}") from exc
    if len(data) > MAX_MESSAGE:
        raise EncodeError(f"{name} would be {len(data)} bytes long; a message has at most {MAX_MESSAGE}")
    return data


def decode_from_ball(data: bytes, channels: int | None) -> tuple[int, Reply | Unsolicited] | Damaged:
    """What a ball said, with its tag, or why it is dropped: short, oversize, echo, type, length, value or anchor.

    `channels` is HELLO's (1..16); before it is known samples cannot be read: `anchor`. Bytes beyond a known message
    are ignored (R13).
    """
    if len(data) < MIN_MESSAGE:
        return Damaged("short", data)
    if len(data) > MAX_MESSAGE:
        return Damaged("oversize", data)
    said = _FROM_BALL[data[0]](data, channels)
    if type(said) is str:
        return Damaged(said, data)
    return data[1], said


def decode_from_host(data: bytes) -> tuple[int, Request] | tuple[int, m.Refusal] | None:
    """What a host asked, with its tag, or the refusal it earns: UNKNOWN, LENGTH, or a VALUE wrong for every ball.

    None: no request, to be ignored (R55). What depends on the ball (channels, rates, caps, state) is not judged here,
    and as DENIED goes before VALUE (R14) a refusal with VALUE is not yet final.
    """
    if len(data) < MIN_MESSAGE or not 0 < data[0] <= m.MAX_REQUEST_TYPE:
        return None
    asked = _FROM_HOST[data[0]](data, None)
    if type(asked) is str:
        return data[1], m.Refusal(data[0], _REFUSED[asked])
    return data[1], asked


# The tables behind these three, made of the rows in messages.py and what payloads.py has beside them.

_Writer = Callable[[Any], bytes]
_Reader = Callable[[bytes, int | None], Any]  # as in payloads.py

_REFUSED = {"type": Status.UNKNOWN, "length": Status.LENGTH, "value": Status.VALUE}
_REQUESTS = frozenset(exchange.request for exchange in m.EXCHANGES)


def _code(message: Request | Reply | Unsolicited) -> int:
    match message:
        case m.SampleBatch():
            return m.BACKFILL if message.backfill else m.SAMPLES
        case m.BallEventMessage():
            return m.EVENT
        case m.StatusMessage():
            return m.STATUS
        case _ if type(message) in _REQUESTS:
            return m.REQUEST_TYPE[type(message)]
        case _:
            return m.reply_type_of(message)


def _writer(message: type, layout: str) -> _Writer:
    if own := _OWN_WRITERS.get(message):
        return own
    pack = struct.Struct("<" + layout).pack
    names = [field.name for field in fields(message)]
    return lambda said: pack(*[getattr(said, name) for name in names])


def _after_ok(write: _Writer) -> _Writer:
    return lambda reply: b"\0" + write(reply)


def _write_refusal(refusal: m.Refusal) -> bytes:
    if not 0 < refusal.request_type <= m.MAX_REQUEST_TYPE:
        raise ValueError(f"no request has type {refusal.request_type}")
    with_version = refusal.highest_version is not None
    if refusal.status == Status.OK or (refusal.status == Status.VERSION) != with_version:
        raise ValueError("a refusal has a status but OK, and with VERSION, only, the highest version")
    return bytes((refusal.status,) if refusal.highest_version is None else (refusal.status, refusal.highest_version))


def _reader(message: type, layout: str, at: int) -> _Reader:
    if own := _OWN_READERS.get(message):
        return own
    fixed = struct.Struct("<" + layout)
    size = at + fixed.size
    make = _MAKERS.get(message, message)
    sound = payloads.SOUND.get(message)

    def read(data: bytes, channels: int | None) -> Any:
        if len(data) < size:
            return "length"
        said = make(*fixed.unpack_from(data, at))
        return said if sound is None or sound(said) else "value"

    return read


def _reply_reader(read_ok: _Reader) -> _Reader:
    def read(data: bytes, channels: int | None) -> Any:
        if len(data) < payloads.ANSWER_AT:
            return "length"
        return _read_refusal(data) if data[2] else read_ok(data, channels)

    return read


def _read_refusal(data: bytes) -> m.Refusal | payloads.Fault:
    request_type, status = data[0] - m.REPLY, data[2]
    if status == Status.VERSION:
        return m.Refusal(request_type, Status.VERSION, data[3]) if len(data) > payloads.ANSWER_AT else "length"
    return m.Refusal(request_type, _STATUSES.get(status, status))


_STATUSES: dict[int, int] = {status.value: status for status in Status}


def _nobody(data: bytes, channels: int | None) -> str:
    return "type"


def _echo(data: bytes, channels: int | None) -> str:
    return "echo"


# Rows that are more than a struct format; all others are packed and unpacked by theirs alone.
_OWN_WRITERS: dict[type, _Writer] = {
    m.IdentReply: payloads.write_text,
    m.RawReply: payloads.write_means,
    m.CalGetReply: payloads.write_cal_get,
    m.CalSet: payloads.write_cal_set,
    m.Limits: payloads.write_limit,
    m.LimitsReply: payloads.write_limit,
    m.SampleBatch: payloads.write_scans,
}
_OWN_READERS: dict[type, _Reader] = {
    m.Ident: payloads.read_ident,
    m.IdentReply: payloads.read_text,
    m.RawReply: payloads.read_means,
    m.CalGetReply: payloads.read_cal_get,
    m.CalSet: payloads.read_cal_set,
    m.Limits: payloads.read_limits,
}
_MAKERS: dict[type, Callable[..., Any]] = {
    m.HelloReply: payloads.make_hello_reply,
    m.LimitsReply: payloads.make_limits_reply,
    m.StatusMessage: payloads.make_status,
}


def _writers() -> dict[type, _Writer]:
    writers: dict[type, _Writer] = {m.Refusal: _write_refusal}
    for row in m.EXCHANGES:
        writers[row.request] = _writer(row.request, row.asks)
        writers[row.reply] = _after_ok(_writer(row.reply, row.answers))
    for message, layout in m.UNSOLICITED.values():
        writers[message] = _writer(message, layout)
    return writers


def _readers() -> tuple[list[_Reader], list[_Reader]]:
    """From the ball and from the host, by type byte."""
    from_ball: list[_Reader] = [_nobody] * 256
    from_host: list[_Reader] = [_nobody] * (m.MAX_REQUEST_TYPE + 1)
    for code in range(1, m.MAX_REQUEST_TYPE + 1):
        from_ball[code] = _echo
        from_ball[code + m.REPLY] = _reply_reader(_nobody)
    for row in m.EXCHANGES:
        from_host[row.code] = _reader(row.request, row.asks, payloads.PAYLOAD_AT)
        from_ball[row.code + m.REPLY] = _reply_reader(_reader(row.reply, row.answers, payloads.ANSWER_AT))
    for code, (message, layout) in m.UNSOLICITED.items():
        from_ball[code] = _reader(message, layout, payloads.PAYLOAD_AT)
    from_ball[m.SAMPLES] = payloads.read_samples
    from_ball[m.BACKFILL] = payloads.read_backfill
    return from_ball, from_host


_WRITERS = _writers()
_FROM_BALL, _FROM_HOST = _readers()
