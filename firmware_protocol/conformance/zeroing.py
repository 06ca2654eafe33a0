"""TARE and the averaging job. Nothing may touch the ball meanwhile."""

from statistics import fmean, pstdev

from firmware_protocol import messages as m
from firmware_protocol.conformance.bench import Asking, Bench, MendError, Steps, status_name, want
from firmware_protocol.conformance.scanning import started

HINT = "nothing may touch the ball while it is checked"
NOISE = 5  # standard deviations of a mean
COUNTS = 2  # rounding of the zero, and of the values
LOOK_S = 1.0


def zeroed(bench: Bench, avg_ms: int) -> Asking[m.TareReply]:
    reply = yield from bench.ask(m.Tare(avg_ms))
    if not isinstance(reply, m.TareReply):
        raise MendError(f"TARE {avg_ms} ms: {status_name(reply)}; {HINT}")
    return reply


def standing(bench: Bench) -> Steps:
    """R28, R38: zero can be set while the scanner stands still, and STATUS counts it."""
    mark = len(bench.heard)
    yield from bench.idle()
    yield from bench.until(2.0, lambda: bool(_counts(bench, mark)))
    before = _counts(bench, mark)
    want(before, "no STATUS to count zero changes in")
    wanted = (before[-1] + 1) & 0xFF
    yield from zeroed(bench, 0)
    yield from bench.until(2.5, lambda: wanted in _counts(bench, mark))
    told = _counts(bench, mark)[-1]
    want(told == wanted, f"STATUS counts {told} zero changes after a TARE, expected {wanted}")


def _counts(bench: Bench, mark: int) -> list[int]:
    return [status.zero_changes for status in bench.since(mark, m.StatusMessage)]


def scanning(bench: Bench) -> Steps:
    """R28: from from_index on the load of now is zero."""
    yield from bench.idle()
    begun, _ = yield from started(bench)
    reply = yield from zeroed(bench, 500)
    ahead = (reply.from_index - begun.next_index) & 0xFFFFFFFF
    want(0 < ahead < 1 << 31, f"from_index {reply.from_index} is not ahead of START's next_index {begun.next_index}")
    mark = len(bench.heard)
    yield from bench.wait(LOOK_S)
    values = [
        int(value)
        for batch in bench.live(mark)
        if (batch.index - reply.from_index) & 0xFFFF < 1 << 15
        for value in batch.values.ravel()
        if abs(int(value)) != m.SATURATED and int(value) != m.NO_VALUE
    ]
    want(values, "no values after TARE")
    mean, spread = fmean(values), pstdev(values)
    within = COUNTS + NOISE * spread / min(len(values), 50) ** 0.5
    text = f"after TARE (zero {reply.zero}) the ball shows {mean:.1f} counts, noise {spread:.1f}; {HINT}"
    want(abs(mean) <= within, text)


def ended(bench: Bench) -> Steps:
    """R29: meanwhile all else is answered; START ends the averaging without a reply."""
    yield from bench.idle()
    mark = len(bench.heard)
    tag = bench.tag()
    bench.send(bytes((6, tag)) + (1000).to_bytes(2, "little"))
    yield from bench.expect(m.Time(), m.TimeReply)
    early = _replies(bench, mark, tag)
    want(not early, f"TARE 1000 ms was answered at once: {early[:1]}")
    yield from bench.expect(m.Start(), m.StartReply)
    yield from bench.wait(1.6)
    late = _replies(bench, mark, tag)
    want(not late, f"START ends an unfinished TARE without a reply, and there was one: {late[:1]}")


def _replies(bench: Bench, mark: int, tag: int) -> list[str]:
    return [heard.raw.hex().upper() for heard in bench.heard[mark:] if heard.raw[:2] == bytes((6 + m.REPLY, tag))]
