"""Runs: START, batches in step with index and clock, STOP, and what HELLO does to them."""

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from firmware_protocol import messages as m
from firmware_protocol.conformance.bench import Asking, Bench, MendError, Steps, shown, status_name, want
from firmware_protocol.framing import MAX_MESSAGE
from firmware_protocol.messages import Flags
from firmware_protocol.placement import INDEX_BITS, TIME_BITS, nearest

FIRST_S = 1.5  # R23 allows a second; half of one for this computer
LOOK_S = 0.6
LONG_LOOK_S = 1.2  # for a period, or for what the slowest rate shows
QUIET_S = 0.6
NOMINAL_WITHIN = 0.2  # R23
MEASURED_WITHIN = 0.01  # of a period, over a second
ROUNDING_US = 20  # a span is told in 10 us
LEAST_SPAN_US = 1000  # R25
SLOW_HZ = 10
U32 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Scanned:
    """A batch on the wide clock and index of its START."""

    index: int
    t_us: int
    span_us: int
    scans: int
    shown: str


def started(
    bench: Bench, rate_hz: int = 0, latency_ms: int = 0, look_s: float = LOOK_S
) -> Asking[tuple[m.StartReply, list[Scanned]]]:
    """START, and what comes in the time to look."""
    mark = len(bench.heard)
    reply = yield from bench.ask(m.Start(rate_hz, latency_ms))
    if not isinstance(reply, m.StartReply):
        raise MendError(f"START {rate_hz} Hz, {latency_ms} ms: refused with {status_name(reply)}")
    after = 1 + next(at for at, heard in enumerate(bench.heard[mark:], mark) if heard.said is reply)
    yield from bench.until(FIRST_S, lambda: bool(bench.live(after)))
    want(bench.live(after), f"no SAMPLES within a second of START {rate_hz} Hz")
    yield from bench.wait(look_s)
    return reply, placed(bench, after, reply)


def placed(bench: Bench, mark: int, start: m.StartReply) -> list[Scanned]:
    """SAMPLES from there on, widened: time nearest to the last, index nearest to what time makes likely (R48)."""
    found: list[Scanned] = []
    index, t_us, period_us = start.next_index, start.t_us, float(start.period_us)
    for heard in bench.heard[mark:]:
        batch = heard.said
        if not isinstance(batch, m.SampleBatch) or batch.backfill:
            continue
        wide_us = nearest(batch.t_us, TIME_BITS, t_us)
        wide = nearest(batch.index, INDEX_BITS, index + round((wide_us - t_us) / period_us))
        scans, span_us = len(batch.values), batch.span_10us * 10
        found.append(Scanned(wide, wide_us, span_us, scans, shown(heard)))
        index, t_us = wide + scans - 1, wide_us + span_us
        first = found[0]
        if index > first.index and t_us - first.t_us > 1e6:
            period_us = (t_us - first.t_us) / (index - first.index)
    return found


def start(bench: Bench) -> Steps:
    """R22, R23, R26: a run begins, its first scans come within a second and are none of before."""
    yield from bench.idle()
    reply, found = yield from started(bench)
    first = found[0]
    want(first.index >= reply.next_index, f"{first.shown}: index below START's next_index {reply.next_index}")
    early_us = reply.t_us - first.t_us
    want(early_us < reply.period_us, f"{first.shown}: its scan was taken {early_us} us before START")
    lead = first.index - reply.next_index - (first.t_us - reply.t_us) / reply.period_us * (1 + NOMINAL_WITHIN)
    want(
        lead <= 2,
        f"{first.shown}: index {first.index} leads its time by {lead:.0f} scans, START told {reply.next_index}",
    )


def period(bench: Bench) -> Steps:
    """R23: the period START tells is within 20 % of the truth; the rate is the slowest one that is enough."""
    hello = yield from bench.idle()
    for rate_hz in (0, SLOW_HZ, hello.max_hz):
        yield from bench.expect(m.Stop(), m.StopReply)
        reply, found = yield from started(bench, rate_hz, 40, LONG_LOOK_S)
        true_us = period_of(found)
        if true_us is not None:
            off = reply.period_us / true_us - 1
            text = f"START {rate_hz} Hz told a period of {reply.period_us} us, and its scans are {true_us:.0f} us apart"
            want(abs(off) <= NOMINAL_WITHIN + MEASURED_WITHIN, text)
        slowest_us = 1e6 / max(rate_hz, SLOW_HZ) * (1 + NOMINAL_WITHIN)
        text = f"START {rate_hz} Hz told a period of {reply.period_us} us: that is slower than asked for"
        want(reply.period_us <= slowest_us, text)
        fastest_us = 1e6 / hello.max_hz * (1 - NOMINAL_WITHIN)
        want(reply.period_us >= fastest_us, f"a period of {reply.period_us} us is faster than max_hz {hello.max_hz}")


def period_of(found: list[Scanned]) -> float | None:
    """Microseconds between two scans; None if there are too few."""
    first, last = found[0], found[-1]
    scans = last.index + last.scans - 1 - first.index
    return (last.t_us + last.span_us - first.t_us) / scans if scans >= 5 else None


def in_step(bench: Bench) -> Steps:
    """R20, R21, R25: index and time go on together, in a batch and from one to the next."""
    yield from bench.idle()
    _, found = yield from started(bench, 0, 40, LONG_LOOK_S)
    true_us = period_of(found) or 0.0
    for batch in found:
        due_us = (batch.scans - 1) * true_us
        within_us = max(LEAST_SPAN_US, true_us / 4) + true_us * 0.02 * batch.scans
        text = f"{batch.shown}: {batch.scans} scans span {batch.span_us} us, and scans are {true_us:.0f} us apart"
        want(abs(batch.span_us - due_us) <= within_us, text)
    for before, after in pairwise(found):
        ends = before.index + before.scans
        want(after.index >= ends, f"{after.shown}: index {after.index} again, {ends} was to come")
        step_us = after.t_us - before.t_us - before.span_us
        scans = after.index - ends + 1
        text = f"{after.shown}: {scans} on by its index, {step_us} us by its time; scans are {true_us:.0f} us apart"
        want(step_us > 0 and abs(scans - step_us / true_us) <= max(1.0, 0.05 * scans), text)


def latency(bench: Bench) -> Steps:
    """R24: batches stretch as far as they may, and no further."""
    yield from bench.idle()
    for latency_ms in (10, 40, 200):
        start_reply, found = yield from started(bench, 0, latency_ms)
        true_us = period_of(found) or float(start_reply.period_us)
        spans = [batch.span_us for batch in found]
        middle_us, longest_us = median(spans), max(spans)
        text = f"with a latency of {latency_ms} ms batches span {middle_us / 1000:.1f} ms"
        want(middle_us <= latency_ms * 1000 + ROUNDING_US, text)
        if bench.framed:  # over Bluetooth nobody here knows how many scans fit
            full = max(batch.scans for batch in found) >= (MAX_MESSAGE - 10) // (2 * channels_of(bench))
            text = f"with a latency of {latency_ms} ms no batch spans more than {longest_us / 1000:.1f} ms"
            want(full or longest_us + 1.5 * true_us >= latency_ms * 1000, f"{text}: one more scan would fit")


def channels_of(bench: Bench) -> int:
    return 1 if bench.hello is None else bench.hello.channels


def run_number(bench: Bench) -> Steps:
    """R21, R22: a run goes on over another START, a new one has the next number; index stands still between."""
    yield from bench.idle()
    first = yield from bench.expect(m.Start(0, 40), m.StartReply)
    yield from bench.wait(0.3)
    again = yield from bench.expect(m.Start(0, 40), m.StartReply)
    want(again.run == first.run, f"START with the rate that runs made run {again.run} of {first.run}: it goes on")
    ahead = (again.next_index - first.next_index) & U32
    want(ahead < 1 << 31, f"next_index went back from {first.next_index} to {again.next_index}")
    stop = yield from bench.expect(m.Stop(), m.StopReply)
    yield from bench.wait(0.3)
    still = yield from bench.expect(m.Stop(), m.StopReply)
    want(still.next_index == stop.next_index, f"index moved from {stop.next_index} to {still.next_index} while IDLE")
    other = yield from bench.expect(m.Start(0, 40), m.StartReply)
    want(other.run == (first.run + 1) & 0xFF, f"a new run after {first.run} has number {other.run}")
    want(
        other.next_index == stop.next_index,
        f"index was {stop.next_index} at STOP, {other.next_index} at the next START",
    )


def stop(bench: Bench) -> Steps:
    """R26: what waits goes first, then the reply, then nothing."""
    yield from bench.idle()
    begin = len(bench.heard)
    _, found = yield from started(bench)
    mark = len(bench.heard)
    reply = yield from bench.expect(m.Stop(), m.StopReply)
    at = next(at for at, heard in enumerate(bench.heard[mark:], mark) if heard.said is reply)
    yield from bench.wait(QUIET_S)
    late = [heard for heard in bench.heard[at:] if isinstance(heard.said, m.SampleBatch)]
    want(not late, f"{shown(late[0]) if late else ''} came after STOP's reply")
    last = bench.live(begin)[-1]
    ends = (last.index + len(last.values)) & 0xFFFF
    gone = (reply.next_index - ends) & 0xFFFF
    want(gone <= 2, f"STOP told next_index {reply.next_index}, but SAMPLES ended before {ends}: what waits goes first")
    want(found, "no SAMPLES")


def hello_quiets(bench: Bench) -> Steps:
    """R39: HELLO ends sending; index and clock stay."""
    yield from bench.idle()
    begun, _ = yield from started(bench)
    yield from bench.greet()
    mark = len(bench.heard)
    yield from bench.wait(QUIET_S)
    want(not bench.live(mark), "SAMPLES after HELLO's reply: HELLO makes its link quiet")
    again = yield from bench.expect(m.Start(), m.StartReply)
    want(again.t_us > begun.t_us, f"the clock went back from {begun.t_us} to {again.t_us} us over a HELLO")
    ahead = (again.next_index - begun.next_index) & U32
    want(0 < ahead < 1 << 31, f"next_index was {begun.next_index}, and {again.next_index} after a HELLO")


def status_changes(bench: Bench) -> Steps:
    """R38: STATUS comes when flags differ, once a second at most."""
    for request, scanning in ((m.Start(), True), (m.Stop(), False)):
        if scanning:
            yield from bench.idle()
            yield from bench.wait(QUIET_S)
        mark = len(bench.heard)
        yield from bench.expect(request, m.StartReply if scanning else m.StopReply)

        def told(mark: int = mark, scanning: bool = scanning) -> bool:
            return any(bool(status.flags & Flags.SCANNING) is scanning for status in bench.since(mark, m.StatusMessage))

        yield from bench.until(2.5, told)
        want(told(), f"no STATUS with flag 4 SCANNING {'set after START' if scanning else 'cleared after STOP'}")


def values_come(bench: Bench) -> Steps:
    """R15, R16: each channel measures something, and none is at its end with nothing on it."""
    yield from bench.idle()
    mark = len(bench.heard)
    yield from started(bench)
    batches = bench.live(mark)
    for channel in range(channels_of(bench)):
        values = [int(value) for batch in batches for value in batch.values[:, channel]]
        want(set(values) != {m.NO_VALUE}, f"channel {channel} never has a value (-32768)")
        ends = sum(abs(value) == m.SATURATED for value in values)
        want(ends <= len(values) / 2, f"channel {channel} is saturated with nothing on the ball")
