"""What a ball offers by caps bits. No calibration is written; the limit is set so high that nothing trips it."""

import struct
from zlib import crc32

from firmware_protocol import messages as m
from firmware_protocol.conformance.bench import Bench, MendError, Steps, status_name, want
from firmware_protocol.conformance.scanning import started
from firmware_protocol.messages import Flags, Pattern, Status

HIGH = m.LimitSettings(True, Pattern.NOTICE, m.MAX_VALUE, m.MAX_VALUE // 2, 0)
OFF = m.LimitSettings(False, Pattern.NONE, 0, 0, 0)
TOOLS = 5
BACK = 20  # scans


def sensor(bench: Bench) -> Steps:
    """R16, R18."""
    yield from bench.greet()
    reply = yield from bench.expect(m.Sensor(), m.SensorReply)
    want(reply.full_scale <= m.MAX_VALUE, f"full_scale {reply.full_scale} is above {m.MAX_VALUE}: choose a coarser lsb")
    want(reply.tool <= TOOLS, f"tool {reply.tool} is none of 0 to {TOOLS}")


def raw(bench: Bench) -> Steps:
    """R29: the converter's own counts."""
    yield from bench.idle()
    reply = yield from bench.ask(m.Raw(200))
    if not isinstance(reply, m.RawReply):
        raise MendError(f"RAW 200 ms: {status_name(reply)}, expected counts")


def calibration(bench: Bench) -> Steps:
    """R30, R32: points that rise, and their CRC in HELLO."""
    hello = yield from bench.greet()
    crc, known = 0, 0
    for channel in range(hello.channels):
        reply = yield from bench.expect(m.CalGet(channel), m.CalGetReply)
        newtons = [point.newton for point in reply.points]
        if reply.points:
            known += 1
            payload = struct.pack("<BBH", channel, len(reply.points), reply.day)
            payload += b"".join(struct.pack("<if", point.raw, point.newton) for point in reply.points)
            crc = crc32(payload, crc)
        strict = sorted(set(newtons))
        want(newtons in (strict, strict[::-1]), f"CAL_GET {channel}: newtons {newtons} neither rise nor fall strictly")
    wanted = (crc & 0xFFFF or 1) if known else 0
    want(hello.cal_crc == wanted, f"cal_crc is {hello.cal_crc:04X}, and {wanted:04X} by the points of CAL_GET")
    newton = known == hello.channels
    want(newton or hello.unit != 1, f"unit is 1 newton, and only {known} of {hello.channels} channels have points")


def limits(bench: Bench) -> Steps:
    """R33, R34: set, told, flagged, switched off; never raised above what was asked."""
    hello = yield from bench.idle()
    private = bench.framed or any(status.flags & Flags.ENCRYPTED for status in bench.since(0, m.StatusMessage)[-1:])
    reply = yield from bench.ask(m.Limits(HIGH))
    if not private:
        want(reply == m.Refusal(10, Status.DENIED), "writing LIMITS on an unencrypted link was not DENIED")
        return
    if hello.unit != 1:
        want(reply == m.Refusal(10, Status.STATE), "LIMITS without newtons was not refused with 4 STATE")
        return
    if not isinstance(reply, m.LimitsReply):
        raise MendError(f"LIMITS: {status_name(reply)}")
    told = reply.settings
    want(told.enable and told.high <= HIGH.high and told.clear < told.high, f"LIMITS {HIGH.high} was answered {told}")
    mark = len(bench.heard)

    def armed() -> bool:
        return any(status.flags & Flags.LIMIT_ARMED for status in bench.since(mark, m.StatusMessage))

    yield from bench.until(2.5, armed)
    want(armed(), "no STATUS with flag 5 LIMIT_ARMED after LIMITS")
    read = yield from bench.expect(m.Limits(), m.LimitsReply)
    want(read.settings == told, f"LIMITS was answered {told}, and reads {read.settings}")
    bad = struct.pack("<BBhhH", 1, 1, 100, 100, 0)
    yield from bench.refused(10, bad, Status.VALUE, "LIMITS with clear not below high")
    off = yield from bench.expect(m.Limits(OFF), m.LimitsReply)
    want(not off.settings.enable, "LIMITS with enable 0 left the limit armed")


def alert(bench: Bench) -> Steps:
    """R35."""
    yield from bench.greet()
    yield from bench.expect(m.Alert(Pattern.NOTICE, Pattern.NOTICE, 200), m.AlertReply)
    yield from bench.expect(m.Alert(Pattern.NONE, Pattern.NONE, 0), m.AlertReply)


def log(bench: Bench) -> Steps:
    """R36, R37: what was sent can be read back, the same."""
    yield from bench.idle()
    begin = len(bench.heard)
    begun, _ = yield from started(bench)
    stop = yield from bench.expect(m.Stop(), m.StopReply)
    sent = {}
    for batch in bench.live(begin):
        for place, row in enumerate(batch.values.tolist()):
            sent[(batch.index + place) & 0xFFFF] = row
    first = max(begun.next_index, stop.next_index - BACK)
    mark = len(bench.heard)
    reply = yield from bench.expect(m.LogRead(first, BACK), m.LogReadReply)
    want(reply.count, f"LOG_READ {first}, {BACK} right after STOP has nothing: the log survives STOP")
    last = (reply.start + reply.count - 1) & 0xFFFF

    def late() -> dict[int, list[int]]:
        found = {}
        for batch in bench.since(mark, m.SampleBatch):
            if batch.backfill:
                for place, row in enumerate(batch.values.tolist()):
                    found[(batch.index + place) & 0xFFFF] = row
        return found

    yield from bench.until(2.0, lambda: last in late())
    found = late()
    want(last in found, f"LOG_READ told {reply.count} scans from {reply.start} on; BACKFILL never came to the last")
    wrong = [index for index, row in found.items() if index in sent and sent[index] != row]
    want(not wrong, f"BACKFILL of {wrong[:1]} has other values than were sent live")
    cancel = yield from bench.ask(m.LogRead(0, 0))
    want(isinstance(cancel, m.LogReadReply) and not cancel.count, "LOG_READ of 0 slots: expected status 0, count 0")
