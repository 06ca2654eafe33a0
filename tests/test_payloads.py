"""The payloads that are more than fixed fields, and which values are sound."""

import struct

import pytest

from firmware_protocol import messages as m
from firmware_protocol import payloads
from firmware_protocol.codec import decode_from_ball, decode_from_host, encode
from firmware_protocol.framing import Damaged


def asked(request: m.Request) -> m.Request | m.Status:
    """What a ball makes of a request: itself, or the status it earns."""
    decoded = decode_from_host(encode(request, 1))
    assert decoded is not None
    if isinstance(decoded[1], m.Refusal):
        return m.Status(decoded[1].status)
    return decoded[1]


@pytest.mark.parametrize(
    ("least", "most", "make"),
    [
        (m.MIN_AVERAGE_MS, m.MAX_AVERAGE_MS, m.Tare),
        (m.MIN_AVERAGE_MS, m.MAX_AVERAGE_MS, m.Raw),
        (m.MIN_LATENCY_MS, m.MAX_LATENCY_MS, lambda latency: m.Start(100, latency)),
        (m.MIN_HZ, 65535, m.Start),
    ],
)
def test_edges_of_numbers(least: int, most: int, make: type[m.Tare]) -> None:
    """R23, R24, R28: 0 is the default; what lies outside is VALUE. A rate's upper edge is the ball's own."""
    for number in {0, least, most}:
        assert asked(make(number)) == make(number)
    for number in {1, least - 1, *([most + 1] if most < 65535 else [])}:
        assert asked(make(number)) == m.Status.VALUE


def test_r35_edges_of_alert() -> None:
    """R35: pattern up to 4, 5000 ms at most."""
    assert asked(m.Alert(4, 4, 5000)) == m.Alert(4, 4, 5000)
    for wrong in (m.Alert(5, 0, 100), m.Alert(0, 5, 100), m.Alert(1, 1, 5001)):
        assert asked(wrong) == m.Status.VALUE


def test_r33_edges_of_limits() -> None:
    """R33: enable 1 needs a pattern and 1 <= clear < high <= 32766; enable 0 ignores the rest."""
    sound = m.LimitSettings(True, 3, 3460, 3114, 500)
    assert asked(m.Limits(sound)) == m.Limits(sound)
    assert asked(m.Limits()) == m.Limits(None)
    for wrong in [(0, 2, 1, 0), (5, 2, 1, 0), (3, 2, 0, 0), (3, 2, 2, 0), (3, 32767, 1, 0), (3, 2, 1, 10_001)]:
        assert asked(m.Limits(m.LimitSettings(True, *wrong))) == m.Status.VALUE
        off = m.Limits(m.LimitSettings(False, *wrong))
        assert asked(off) == off


def test_r30_points_rise() -> None:
    """R30: raw strictly rising, newton finite and strictly rising or falling; none, or 2 to 8."""
    rising = tuple(m.CalPoint(10 * i, 2.5 * i) for i in range(8))
    falling = tuple(m.CalPoint(point.raw, -point.newton) for point in rising)
    for points in ((), rising, falling, rising[:2]):
        assert asked(m.CalSet(0, 9820, points)) == m.CalSet(0, 9820, points)
    bent = (*rising[:3], m.CalPoint(25, 4.0))
    flat = (m.CalPoint(0, 1.0), m.CalPoint(1, 1.0))
    infinite = (m.CalPoint(0, 1.0), m.CalPoint(1, float("inf")))
    for points in (rising[:1], rising[::-1], bent, flat, infinite, (rising[0], rising[0])):
        assert asked(m.CalSet(0, 9820, points)) == m.Status.VALUE
    # of a ball's own points only those are dropped which say nothing (R54)
    for reply in (m.CalGetReply(9820, bent), m.CalGetReply(9820, flat)):
        assert decode_from_ball(encode(reply, 1), 1) == (1, reply)
    for reply in (m.CalGetReply(9820, rising[:1]), m.CalGetReply(9820, rising[::-1]), m.CalGetReply(9820, infinite)):
        assert decode_from_ball(encode(reply, 1), 1) == Damaged("value", encode(reply, 1))


@pytest.mark.parametrize("text", ["KB-00A7", "Müller", "球", " "])
def test_text_is_kept_as_it_is(text: str) -> None:
    assert decode_from_ball(encode(m.IdentReply(text), 3), None) == (3, m.IdentReply(text))


@pytest.mark.parametrize("text", ["\x1b[2J", "a\nb", "a\0", "\u202eabc", "\x9b31m"])
def test_r55_a_text_that_does_not_print_is_no_text(text: str) -> None:
    """R55: escapes, line ends and direction marks of a hostile ball reach no screen, file name or log."""
    data = encode(m.IdentReply(text), 3)
    assert decode_from_ball(data, None) == Damaged("value", data)


def test_raw_without_a_known_number_of_channels() -> None:
    data = encode(m.RawReply((1, -2, 3)), 1)
    assert decode_from_ball(data, None) == decode_from_ball(data, 3) == (1, m.RawReply((1, -2, 3)))
    assert decode_from_ball(data, 2) == (1, m.RawReply((1, -2)))  # R13: the rest is of a later field
    assert decode_from_ball(data, 4) == Damaged("length", data)
    assert decode_from_ball(data[:3], None) == Damaged("length", data[:3])


@pytest.mark.parametrize("channels", [1, 3, 4, 16])
def test_r25_one_scan_has_no_span_and_several_have(channels: int) -> None:
    """R25: and every cut through a scan is seen."""
    head = struct.pack("<BBHIH", m.SAMPLES, 1, 0, 0, 0)
    scan = bytes(2 * channels)
    assert isinstance(decode_from_ball(head + scan, channels), tuple)
    assert decode_from_ball(head + 2 * scan, channels) == Damaged("value", head + 2 * scan)
    spanning = head[:-2] + b"\1\0"
    assert isinstance(decode_from_ball(spanning + 2 * scan, channels), tuple)
    assert decode_from_ball(spanning + scan, channels) == Damaged("value", spanning + scan)
    for cut in range(1, 2 * channels):
        assert decode_from_ball(spanning + 2 * scan + bytes(cut), channels) == Damaged(
            "length", spanning + 2 * scan + bytes(cut)
        )


def test_every_checked_message_has_a_row() -> None:
    rows = {message for row in m.EXCHANGES for message in (row.request, row.reply)}
    assert set(payloads.SOUND) <= rows
