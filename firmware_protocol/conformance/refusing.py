"""What the ball does not take: unknown, short, wrong, damaged. Its answer to the next request tells that it lives."""

from firmware_protocol import messages as m
from firmware_protocol.conformance.bench import Bench, Steps, frame_of, shown, want
from firmware_protocol.messages import Caps, Status

SETTLE_S = 0.4  # what is answered at all is answered by then
UNKNOWN = (0x3A, 0x3F)
BY_CAPS = {7: Caps.RAW, 8: Caps.CALIBRATION, 9: Caps.CALIBRATION, 10: Caps.LIMITS, 11: Caps.HAPTIC | Caps.LED,
           12: Caps.LOG, 13: Caps.SENSOR}  # fmt: skip
# Cut; what a ball that does not count its bytes would make of CAL_SET and LIMITS is wrong in other ways, too.
SHORT = {
    1: b"\x01",
    2: b"",
    4: bytes(3),
    6: b"\0",
    7: b"\0",
    8: b"",
    9: b"\xff\x09\0",
    10: b"\x02",
    11: bytes(3),
    12: bytes(5),
}
NAMES = {row.code: row.request.__name__.upper() for row in m.EXCHANGES}
DAMAGED = (
    ("a frame with a wrong CRC", frame_of(b"\x03\x7f", crc_off=1)),
    ("a frame that was cut", frame_of(b"\x03\x7f")[:-4] + b"\0"),
    ("a frame whose code points beyond it", b"\x09\x03\x7f\x01\x01\0"),
    ("a frame of one byte", frame_of(b"\x03")),
    ("an empty frame", b"\x01\0"),
    ("250 bytes without a 00", b"\x55" * 250 + b"\0"),
    ("1000 bytes without a 00", b"\x55" * 1000 + b"\0"),
    ("text", b"boot ok\r\n\0"),
)
PACE_BYTES, PACE_S = 64, 0.02  # so fast bytes go at 115200 baud, with room: a receive buffer is no rule


def unknown(bench: Bench) -> Steps:
    """R14, R56: what nobody knows is UNKNOWN, and so is what its caps do not offer, even if it is too short."""
    hello = yield from bench.greet()
    for kind in UNKNOWN:
        yield from bench.refused(kind, b"", Status.UNKNOWN, f"a request of type {kind:02X}, which nobody knows")
    for kind, bits in BY_CAPS.items():
        if not hello.caps & bits:
            what = f"{NAMES[kind]} without its caps bit"
            yield from bench.refused(kind, SHORT.get(kind, b""), Status.UNKNOWN, what)


def least(bench: Bench) -> Steps:
    """R57: what every ball has."""
    yield from bench.idle()
    for name, kind, payload in (
        ("IDENT serial", 2, b"\x02"),
        ("TIME", 3, b""),
        ("START", 4, bytes(4)),
        ("STOP", 5, b""),
    ):
        heard = yield from bench.raw(kind, payload)
        want(heard.raw[2:3] == b"\0", f"{name}: heard {shown(heard)}, expected status 0")
    heard = yield from bench.raw(6, b"\x31\0")
    want(heard.raw[2:3] != bytes((Status.UNKNOWN,)), "TARE is UNKNOWN: every ball has it")


def short(bench: Bench) -> Steps:
    """R13: too short is LENGTH."""
    hello = yield from bench.greet()
    for kind, payload in SHORT.items():
        if kind not in BY_CAPS or hello.caps & BY_CAPS[kind]:
            yield from bench.refused(
                kind, payload, Status.LENGTH, f"{NAMES[kind]} with {len(payload)} bytes of payload"
            )


def grown(bench: Bench) -> Steps:
    """R13: what is longer than known is read as far as it is known."""
    yield from bench.greet()
    for name, kind, payload in (("TIME", 3, b""), ("IDENT", 2, b"\x02"), ("HELLO", 1, b"\x01\x01")):
        heard = yield from bench.raw(kind, payload + b"\xaa\xbb", "0.3 s")
        want(heard.raw[2:3] == b"\0", f"{name} with two bytes more: heard {shown(heard)}, expected status 0")


def values(bench: Bench) -> Steps:
    """R14, 2.6: a field out of its range is VALUE, and nothing changes."""
    hello = yield from bench.idle()
    cases = [
        ("IDENT 5", 2, b"\x05"),
        ("START 9 Hz", 4, b"\x09\0\0\0"),
        ("START 9 ms", 4, b"\0\0\x09\0"),
        ("START 201 ms", 4, b"\0\0\xc9\0"),
        (f"START {hello.max_hz + 1} Hz, above max_hz", 4, (hello.max_hz + 1).to_bytes(2, "little") + bytes(2)),
        ("TARE 49 ms", 6, b"\x31\0"),
        ("TARE 5001 ms", 6, b"\x89\x13"),
    ]
    if hello.caps & Caps.RAW:
        cases.append(("RAW 49 ms", 7, b"\x31\0"))
    if hello.caps & Caps.CALIBRATION:
        cases.append((f"CAL_GET {hello.channels}, no such channel", 8, bytes((hello.channels,))))
    if hello.caps & (Caps.HAPTIC | Caps.LED):
        cases += [("ALERT pattern 5", 11, b"\x05\0\0\0"), ("ALERT 5001 ms", 11, b"\0\0\x89\x13")]
    for what, kind, payload in cases:
        yield from bench.refused(kind, payload, Status.VALUE, what)
    mark = len(bench.heard)
    yield from bench.wait(SETTLE_S)
    want(not bench.live(mark), "SAMPLES after a START that was refused")


def no_request(bench: Bench) -> Steps:
    """R42, R55: only types 01 to 3F are answered; the rest is passed over without a word."""
    yield from bench.idle()
    for kind in (0x00, 0x40, 0x43, 0x83, 0xFF):
        mark = len(bench.heard)
        tag = bench.tag()
        bench.send(bytes((kind, tag)))
        yield from bench.expect(m.Time(), m.TimeReply)
        said = [heard for heard in bench.heard[mark:] if heard.tag == tag and heard.is_reply]
        want(not said, f"type {kind:02X} is no request, and was answered with {shown(said[0]) if said else ''}")


def damaged(bench: Bench) -> Steps:
    """R5, R54, R55: damage is passed over without a word, and the next request is answered."""
    yield from bench.idle()
    for what, data in DAMAGED:
        mark = len(bench.heard)
        for at in range(0, len(data), PACE_BYTES):
            bench.put(data[at : at + PACE_BYTES])
            yield from bench.wait(PACE_S)
        heard = yield from bench.raw(3, b"", "0.3 s")
        want(heard.raw[2:3] == b"\0", f"after {what}: TIME was answered with {shown(heard)}")
        said = [other for other in bench.heard[mark:] if other.is_reply and other is not heard]
        want(not said, f"{what} was answered with {shown(said[0]) if said else ''}")


def zeros(bench: Bench) -> Steps:
    """R6: extra 00 between frames mean nothing."""
    yield from bench.greet()
    mark = len(bench.heard)
    bench.put(b"\0\0\0\0")
    heard = yield from bench.raw(3, b"", "0.3 s")
    bench.put(b"\0\0")
    yield from bench.expect(m.Time(), m.TimeReply)
    replies = [other for other in bench.heard[mark:] if other.is_reply]
    want(len(replies) == 2, f"two requests with 00 around them had {len(replies)} replies, {shown(heard)} the first")
