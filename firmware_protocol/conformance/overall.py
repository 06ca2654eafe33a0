"""What the whole conversation shows; and a link left alone."""

from collections import Counter
from itertools import pairwise
from statistics import median

from firmware_protocol import messages as m
from firmware_protocol.conformance.bench import Bench, Heard, Steps, shown, want
from firmware_protocol.framing import Damaged
from firmware_protocol.messages import Status

ALLOWED_S = {"0.3 s": 0.3, "0.8 s": 0.8}  # R42
SILENCE_S = 30.0  # section 4
SLACK_S = 2.0
STATUS_EVERY_S = 10.0  # R38


def readable(bench: Bench) -> Steps:
    """R5, R12, R13, R25, R54: nothing that a host would drop."""
    yield from bench.greet()
    for heard in bench.heard:
        if isinstance(heard.said, Damaged):
            want(heard.said.reason == "anchor", f"a host would drop {shown(heard)}: {heard.said.reason}")


def answered_once(bench: Bench) -> Steps:
    """R12, R42: a reply for each request, and none without one."""
    yield from bench.greet()
    replies = Counter(heard.raw[:2] for heard in bench.heard if heard.is_reply and heard.raw[0] < 0xC0)
    for header, count in replies.items():
        asked = bench.asked[bytes((header[0] - m.REPLY,)) + header[1:]]
        want(count <= asked, f"{count} replies {header.hex().upper()}.. to {asked} requests")


def refusals_are_bare(bench: Bench) -> Steps:
    """R12: behind a status that is not 0 stands nothing, save after VERSION."""
    yield from bench.greet()
    for heard in bench.heard:
        if isinstance(heard.said, m.Refusal):
            size = 4 if heard.raw[2] == Status.VERSION else 3
            want(len(heard.raw) == size, f"{shown(heard)}: a refusal has {size} bytes")


def unasked_tags(bench: Bench) -> Steps:
    """R11: unsolicited messages count their tags, +1 each, over the whole link."""
    yield from bench.greet()
    unasked = [heard for heard in bench.heard if _unasked(heard)]
    for before, after in pairwise(unasked):
        wanted = (before.tag + 1) & 0xFF
        want(after.tag == wanted, f"{shown(after)} after {shown(before)}: tag {after.tag:02X}, expected {wanted:02X}")


def _unasked(heard: Heard) -> bool:
    return isinstance(heard.said, m.SampleBatch | m.BallEventMessage | m.StatusMessage)


def reply_times(bench: Bench) -> Steps:
    """R42: the middle of all counts, so that a moment of this computer is not held against the ball."""
    yield from bench.greet()
    for allowed, delays in bench.delays.items():
        middle_s = median(delays)
        want(middle_s <= ALLOWED_S[allowed], f"replies take {middle_s:.2f} s, where {allowed} is allowed")


def nothing_dropped(bench: Bench) -> Steps:
    """R27: with a host that reads, the ball drops nothing."""
    yield from bench.greet()
    counts = [status.dropped for status in bench.since(0, m.StatusMessage)]
    if counts:
        want(counts[-1] == counts[0], f"STATUS counts {counts[-1] - counts[0]} scans dropped with a host that reads")


def silence(bench: Bench) -> Steps:
    """Section 4, R38, R40, R45: STATUS every 10 s; after 30 s without a request the link is OPEN and quiet."""
    yield from bench.idle()
    yield from bench.expect(m.Start(), m.StartReply)
    from_s, mark = bench.now_s, len(bench.heard)
    yield from bench.wait(SILENCE_S - SLACK_S)
    want(bench.live(mark), "no SAMPLES after START")
    latest_s = max(heard.at_s for heard in bench.heard[mark:] if isinstance(heard.said, m.SampleBatch))
    want(latest_s > from_s + SILENCE_S - 2 * SLACK_S, f"SAMPLES ended {latest_s - from_s:.0f} s after the last request")
    states = [heard.at_s for heard in bench.heard[mark:] if isinstance(heard.said, m.StatusMessage)]
    gaps = [after - before for before, after in zip([from_s, *states], [*states, bench.now_s], strict=True)]
    want(max(gaps) < STATUS_EVERY_S + SLACK_S, f"no STATUS for {max(gaps):.0f} s: it comes every 10 s")
    yield from bench.wait(2 * SLACK_S)
    after = len(bench.heard)
    yield from bench.wait(SLACK_S)
    want(not bench.live(after), f"SAMPLES go on {bench.now_s - from_s:.0f} s after the last request")
    yield from bench.refused(3, b"", Status.HELLO_FIRST, "TIME after 30 s of silence")
