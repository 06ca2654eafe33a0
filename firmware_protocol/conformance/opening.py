"""Who the ball is: HELLO, versions, IDENT, the clock."""

import string
from itertools import pairwise

from firmware_protocol import messages as m
from firmware_protocol.conformance.bench import Bench, MendError, SilentError, Steps, shown, status_name, want
from firmware_protocol.messages import Caps, IdentField, Status

BOOT_S = 4.0  # R9 allows 3; a board takes a moment to be reset, and HELLO is said twice a second
QUIET_S = 1.2  # longer than the second between two STATUS
SERIAL_CHARACTERS = frozenset(string.ascii_letters + string.digits + "._-")
MAX_SERIAL = 16
OTHERS = ("IDENT", 2, b"\x02"), ("TIME", 3, b""), ("START", 4, bytes(4)), ("STOP", 5, b""), ("TARE", 6, bytes(2))


def answers(bench: Bench) -> Steps:
    """R9: within 3 s of power-up, which opening a port may be."""
    from_s = bench.now_s
    every_s, tries = (0.5, 16) if bench.framed else (2.0, 4)
    for left in reversed(range(tries)):
        try:
            heard = yield from bench.raw(1, b"\x01\x01", limit_s=every_s)
        except SilentError:
            if not left:
                raise
            continue
        want(isinstance(heard.said, m.HelloReply), f"HELLO 1..1: heard {shown(heard)}, expected its reply")
        assert isinstance(heard.said, m.HelloReply)
        bench.hello = heard.said
        break
    took_s = bench.now_s - from_s
    want(took_s < BOOT_S, f"HELLO was first answered {took_s:.1f} s after opening: within 3 s of power-up")


def versions(bench: Bench) -> Steps:
    """R39: the highest in [min, max]; none of ours: VERSION and its own; upside down: VALUE."""
    reply = yield from bench.expect(m.Hello(1, 255), m.HelloReply)
    want(reply.version == 1, f"HELLO 1..255 chose version {reply.version}: there is only 1")
    heard = yield from bench.raw(1, bytes((2, 255)), "0.3 s")
    want(
        heard.raw[2:3] == bytes((Status.VERSION,)), f"HELLO 2..255: heard {shown(heard)}, expected status 7 VERSION, 01"
    )
    want(
        heard.raw[3:] == b"\x01", f"HELLO 2..255: heard {shown(heard)}: behind VERSION stands your highest version, 01"
    )
    yield from bench.refused(1, bytes((2, 1)), Status.VALUE, "HELLO 2..1, min above max")
    yield from bench.greet()


def hello_first(bench: Bench) -> Steps:
    """R14: after a HELLO without a common version the link is OPEN; all but HELLO, whatever is wrong with it, waits."""
    yield from bench.idle()
    yield from bench.refused(1, bytes((2, 255)), Status.VERSION, "HELLO 2..255")
    for name, kind, payload in OTHERS:
        yield from bench.refused(kind, payload, Status.HELLO_FIRST, f"{name} before HELLO")
    yield from bench.refused(0x3A, b"", Status.HELLO_FIRST, "a request nobody knows, before HELLO")
    yield from bench.refused(4, b"\x64", Status.HELLO_FIRST, "a START that is too short, before HELLO")


def silent_before_hello(bench: Bench) -> Steps:
    """Section 4: an OPEN link is told nothing unasked."""
    yield from bench.idle()
    yield from bench.refused(1, bytes((2, 255)), Status.VERSION, "HELLO 2..255")
    mark = len(bench.heard)
    yield from bench.wait(QUIET_S)
    want(len(bench.heard) == mark, f"said {_first(bench, mark)} before HELLO, unasked")


def _first(bench: Bench, mark: int) -> str:
    return shown(bench.heard[mark]) if len(bench.heard) > mark else ""


def hello_holds(bench: Bench) -> Steps:
    """R19, R20, R32: the same ball says the same."""
    first = yield from bench.idle()
    again = yield from bench.greet()
    want(first.boot_id, "boot_id is 0: draw a random one at each boot")
    names = ("caps", "channels", "unit", "lsb", "max_hz", "cal_crc", "boot_id")
    for name in names:
        before, after = getattr(first, name), getattr(again, name)
        want(before == after, f"{name} was {before}, and {after} in the next HELLO: it holds until a reboot")


def hello_is_sound(bench: Bench) -> Steps:
    """R15, R33, R58: what the ball says of itself goes together."""
    hello = yield from bench.greet()
    caps = hello.caps
    want(not caps & Caps.LIMITS or caps & (Caps.HAPTIC | Caps.LED), "caps bit 3 LIMITS needs bit 4 HAPTIC or 5 LED")
    calibrates = not caps & Caps.CALIBRATION or hello.unit in (0, 1)
    want(calibrates, f"unit is {hello.unit} with caps bit 1: calibration points are newtons, so 1, or 0 without them")
    want(
        hello.cal_crc or not caps & Caps.CALIBRATION or hello.unit != 1,
        "cal_crc is 0: there are no points, so unit is 0",
    )


def identity(bench: Bench) -> Steps:
    """R57: a serial that tells this ball from all others; other texts, or NO_DATA."""
    yield from bench.greet()
    reply = yield from bench.expect(m.Ident(IdentField.SERIAL), m.IdentReply)
    sound = len(reply.text) <= MAX_SERIAL and set(reply.text) <= SERIAL_CHARACTERS
    want(sound, f"the serial {reply.text!r} is not 1 to 16 of 0-9 A-Z a-z . _ -")
    for field in set(IdentField) - {IdentField.SERIAL}:
        other = yield from bench.ask(m.Ident(field))
        if isinstance(other, m.Refusal) and other.status != Status.NO_DATA:
            raise MendError(
                f"IDENT {field.value} {field.name.lower()}: {status_name(other)}, expected a text or NO_DATA"
            )


def clock(bench: Bench) -> Steps:
    """R20: microseconds since boot; never set, stepped or stopped."""
    yield from bench.greet()
    told: list[tuple[float, int]] = []
    for _ in range(8):
        reply = yield from bench.expect(m.Time(), m.TimeReply)
        told.append((bench.now_s, reply.t_us))
        yield from bench.wait(0.2)
    for (_, before_us), (_, after_us) in pairwise(told):
        want(after_us > before_us, f"TIME told {before_us} us, and {after_us} us a fifth of a second later")
    rates = sorted(
        (after_us - before_us) / 1e6 / (after_s - before_s)
        for (before_s, before_us), (after_s, after_us) in zip(told[:4], told[5:], strict=False)
    )
    rate = rates[len(rates) // 2]
    want(0.9 < rate < 1.1, f"its clock runs at {rate:.2f} times the true rate: t_us is microseconds since boot")


def status_after_hello(bench: Bench) -> Steps:
    """R38: STATUS follows the HELLO reply."""
    mark = len(bench.heard)
    yield from bench.greet()
    yield from bench.until(2.0, lambda: bool(bench.since(mark, m.StatusMessage)))
    want(bench.since(mark, m.StatusMessage), "no STATUS after the HELLO reply")
