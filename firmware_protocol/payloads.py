"""The payloads that are more than a row of fixed fields, and which values are sound (PROTOCOL.md R54 and R14).

A writer gives a payload and raises ValueError or struct.error if it does not fit. A reader is given a whole message,
header and all, and gives what it says or the reason it is dropped: "length", "value", "anchor".
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import isfinite
from struct import Struct, pack, unpack_from
from typing import Any, Literal

import numpy as np

from firmware_protocol import messages as m

Fault = Literal["length", "value", "anchor"]

PAYLOAD_AT = 2  # after type and tag
ANSWER_AT = 3  # after the status, too
_I16 = np.dtype("<i2")
_SCANS = Struct("<" + m.UNSOLICITED[m.SAMPLES][1])
_SCANS_AT = PAYLOAD_AT + _SCANS.size
_LIMIT = Struct("<" + m.LIMIT)
_POINT = Struct("<" + m.POINT)
_CAL_SET = Struct("<BBH")
_CAL_GET = Struct("<BH")


def write_text(message: m.IdentReply) -> bytes:
    text = message.text.encode()
    if not 0 < len(text) <= m.MAX_TEXT:
        raise ValueError(f"a text is 1 to {m.MAX_TEXT} bytes long, not {len(text)}")
    return text


def read_text(data: bytes, channels: int | None) -> m.IdentReply | Fault:
    """Text is data, never markup or a terminal escape: one that does not print is no text (R55)."""
    if len(data) <= ANSWER_AT:
        return "length"
    try:
        text = data[ANSWER_AT:].decode()
    except UnicodeDecodeError:
        return "value"
    return m.IdentReply(text) if len(data) <= ANSWER_AT + m.MAX_TEXT and text.isprintable() else "value"


def read_ident(data: bytes, channels: int | None) -> m.Ident | Fault:
    if len(data) <= PAYLOAD_AT:
        return "length"
    field = data[PAYLOAD_AT]
    return m.Ident(m.IdentField(field)) if field <= m.IdentField.HARDWARE else "value"


def write_means(message: m.RawReply) -> bytes:
    if not 0 < len(message.means) <= m.MAX_CHANNELS:
        raise ValueError(f"{len(message.means)} channels")
    return pack(f"<{len(message.means)}i", *message.means)


def read_means(data: bytes, channels: int | None) -> m.RawReply | Fault:
    count = min((len(data) - ANSWER_AT) // 4, m.MAX_CHANNELS) if channels is None else channels
    if not count or len(data) < ANSWER_AT + 4 * count:
        return "length"
    return m.RawReply(unpack_from(f"<{count}i", data, ANSWER_AT))


def write_cal_get(message: m.CalGetReply) -> bytes:
    return _CAL_GET.pack(len(message.points), message.day) + _write_points(message.points)


def read_cal_get(data: bytes, channels: int | None) -> m.CalGetReply | Fault:
    points_at = ANSWER_AT + _CAL_GET.size
    if len(data) < points_at:
        return "length"
    count, day = _CAL_GET.unpack_from(data, ANSWER_AT)
    points = _read_points(data, points_at, count)
    return points if isinstance(points, str) else m.CalGetReply(day, points)


def write_cal_set(message: m.CalSet) -> bytes:
    return _CAL_SET.pack(message.channel, len(message.points), message.day) + _write_points(message.points)


def read_cal_set(data: bytes, channels: int | None) -> m.CalSet | Fault:
    points_at = PAYLOAD_AT + _CAL_SET.size
    if len(data) < points_at:
        return "length"
    channel, count, day = _CAL_SET.unpack_from(data, PAYLOAD_AT)
    points = _read_points(data, points_at, count)
    if isinstance(points, str):
        return points
    return m.CalSet(channel, day, points) if _monotonic([point.newton for point in points]) else "value"


def _write_points(points: tuple[m.CalPoint, ...]) -> bytes:
    if len(points) > m.MAX_POINTS:
        raise ValueError(f"{len(points)} points; {m.MAX_POINTS} are the most")
    return b"".join(_POINT.pack(point.raw, point.newton) for point in points)


def _read_points(data: bytes, at: int, count: int) -> tuple[m.CalPoint, ...] | Fault:
    end = at + count * _POINT.size
    if len(data) < end:
        return "length"
    points = tuple(m.CalPoint(raw, newton) for raw, newton in _POINT.iter_unpack(data[at:end]))
    rising = all(one.raw < other.raw for one, other in pairwise(points))
    finite = all(isfinite(point.newton) for point in points)
    return points if count in _POINT_COUNTS and rising and finite else "value"


_POINT_COUNTS = frozenset((0, *range(m.MIN_POINTS, m.MAX_POINTS + 1)))


def _monotonic(newtons: list[float]) -> bool:
    steps = [other - one for one, other in pairwise(newtons)]
    return all(step > 0 for step in steps) or all(step < 0 for step in steps)


def write_limit(message: m.Limits | m.LimitsReply) -> bytes:
    limit = message.settings
    if limit is None:
        return b""
    return _LIMIT.pack(limit.enable, limit.pattern, limit.high, limit.clear, limit.hold_ms)


def read_limits(data: bytes, channels: int | None) -> m.Limits | Fault:
    if len(data) == PAYLOAD_AT:
        return m.Limits(None)
    if len(data) < PAYLOAD_AT + _LIMIT.size:
        return "length"
    enable, pattern, high, clear, hold_ms = _LIMIT.unpack_from(data, PAYLOAD_AT)
    sound = not enable or (
        enable == 1
        and m.Pattern.NOTICE <= pattern <= m.Pattern.FIND_ME
        and 1 <= clear < high <= m.MAX_VALUE
        and hold_ms <= m.MAX_HOLD_MS
    )
    return m.Limits(m.LimitSettings(bool(enable), pattern, high, clear, hold_ms)) if sound else "value"


def make_limits_reply(enable: int, pattern: int, high: int, clear: int, hold_ms: int) -> m.LimitsReply:
    return m.LimitsReply(m.LimitSettings(bool(enable), pattern, high, clear, hold_ms))


def make_hello_reply(version: int, caps: int, *rest: Any) -> m.HelloReply:
    return m.HelloReply(version, m.Caps(caps), *rest)


def make_status(flags: int, *rest: Any) -> m.StatusMessage:
    return m.StatusMessage(m.Flags(flags), *rest)


def write_scans(message: m.SampleBatch) -> bytes:
    values = message.values
    if values.dtype != np.int16 or values.ndim != 2 or not len(values) or not 0 < values.shape[1] <= m.MAX_CHANNELS:
        raise ValueError(f"{values.dtype} values of shape {values.shape}; they are int16, (scans, channels)")
    head = _SCANS.pack(message.index, message.t_us, message.span_10us)
    return head + values.astype(_I16, copy=False).tobytes()


def read_scans(data: bytes, channels: int | None, backfill: bool) -> m.SampleBatch | Fault:
    """The values are a read-only view of `data`: no sample passes through Python."""
    if channels is None:
        return "anchor"
    size = len(data) - _SCANS_AT
    scan = 2 * channels
    if size < scan or size % scan:
        return "length"
    index, t_us, span_10us = _SCANS.unpack_from(data, PAYLOAD_AT)
    if (span_10us == 0) != (size == scan):
        return "value"
    values = np.frombuffer(data, _I16, offset=_SCANS_AT).reshape(-1, channels)
    return m.SampleBatch(index, t_us, span_10us, values, backfill)


def read_samples(data: bytes, channels: int | None) -> m.SampleBatch | Fault:
    return read_scans(data, channels, False)


def read_backfill(data: bytes, channels: int | None) -> m.SampleBatch | Fault:
    return read_scans(data, channels, True)


def _average(message: m.Tare | m.Raw) -> bool:
    return message.avg_ms == 0 or m.MIN_AVERAGE_MS <= message.avg_ms <= m.MAX_AVERAGE_MS


def _start(start: m.Start) -> bool:
    rate = start.rate_hz == 0 or start.rate_hz >= m.MIN_HZ
    return rate and (start.latency_ms == 0 or m.MIN_LATENCY_MS <= start.latency_ms <= m.MAX_LATENCY_MS)


def _alert(alert: m.Alert) -> bool:
    return max(alert.haptic, alert.led) <= m.Pattern.FIND_ME and alert.duration_ms <= m.MAX_ALERT_MS


def _hello_reply(hello: m.HelloReply) -> bool:
    return (
        isfinite(hello.lsb)
        and hello.lsb > 0
        and 1 <= hello.channels <= m.MAX_CHANNELS
        and hello.unit <= m.MAX_UNIT
        and m.MIN_HZ <= hello.max_hz <= m.MAX_HZ
    )


# Messages of fixed fields whose values can be wrong for every ball; all others are sound whatever they hold.
SOUND: Mapping[type, Callable[[Any], bool]] = {
    m.Hello: lambda hello: hello.min_version <= hello.max_version,
    m.Start: _start,
    m.Tare: _average,
    m.Raw: _average,
    m.Alert: _alert,
    m.HelloReply: _hello_reply,
    m.StartReply: lambda start: m.MIN_PERIOD_US <= start.period_us <= m.MAX_PERIOD_US,
}
