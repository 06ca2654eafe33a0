"""The ball behind its links: scanner, limit, log, averaging, power, and who is sending (section 4, sans-IO).

Time is the ball's own, microseconds since boot. Requests are answers.py's, bytes ball_link.py's and ball.py's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_protocol import messages as m
from firmware_protocol.averaging import Averaging
from firmware_protocol.ball_link import NEVER_US, BallLink, LinkState
from firmware_protocol.ball_spec import BallSpec
from firmware_protocol.batches import LoggedScans
from firmware_protocol.cells import Cells
from firmware_protocol.driver import BallEventCode
from firmware_protocol.limit import OFF, LimitWatch, Signals
from firmware_protocol.messages import Caps, Flags
from firmware_protocol.scanner import ScanLog, Scanner, Scans

Sensor = Callable[[int, int], NDArray[np.int16]]
Witness = Callable[[Scans], None]

RUN_ON_US = 600_000_000  # R40
SILENCE_US = 30_000_000  # section 4: without a request
LOW_PCT = 15  # battery low
LOW_U32 = 0xFFFFFFFF
BLOCK_SCANS = 4096  # slots asked of the sensor at a time


@dataclass(slots=True)
class Power:
    """None: unknown."""

    percent: int | None = None
    millivolt: int | None = None
    temp_c: float | None = None
    charging: bool = False
    usb: bool = False


class Device:
    """One boot of a ball. `advance` brings it to a moment; all else happens at `t_us`."""

    def __init__(
        self,
        spec: BallSpec,
        cells: Cells,
        sensor: Sensor,
        *,
        witness: Witness | None = None,
        boot_id: int,
        t_us: int = 0,
        first_index: int = 0,
    ) -> None:
        self.spec, self.boot_id, self.t_us = spec, boot_id, t_us
        self._sensor, self._witness = sensor, witness
        self.links: dict[int, BallLink] = {}
        self.scanner = Scanner(spec.period_ratio, spec.settle_us, first_index)
        self.log = ScanLog(int(spec.log_s * max(spec.rates_hz)) + 1, spec.channels)
        self.limit = LimitWatch(spec.highest_limit)
        self.signals = Signals()
        self.power = Power()
        self.fault = False
        self.cells = cells
        self.zero_changes = 0
        self.dropped = 0
        self.job: Averaging | None = None
        self._run_on_us = NEVER_US
        self._saturated = np.zeros(spec.channels, np.bool_)

    # What it is

    @property
    def sender(self) -> BallLink | None:
        return next((link for link in self.links.values() if link.state is LinkState.SENDING), None)

    def flags(self, link: BallLink) -> int:
        power, sender = self.power, self.sender
        low = power.percent is not None and power.percent < LOW_PCT
        return (
            power.charging * Flags.CHARGING.value
            | power.usb * Flags.USB.value
            | low * Flags.BATTERY_LOW.value
            | link.encrypted * Flags.ENCRYPTED.value
            | self.scanner.scanning * Flags.SCANNING.value
            | self.limit.armed * Flags.LIMIT_ARMED.value
            | self.fault * Flags.FAULT.value
            | (sender is not None and sender is not link) * Flags.ELSEWHERE.value
        )

    def status(self, link: BallLink) -> m.StatusMessage:
        power = self.power
        return m.StatusMessage(
            Flags(self.flags(link)),
            m.NO_BATTERY_PCT if power.percent is None else power.percent,
            power.millivolt or 0,
            m.NO_TEMPERATURE if power.temp_c is None else round(100 * power.temp_c),
            self.dropped & LOW_U32,
            self.zero_changes & 0xFF,
        )

    def pattern(self) -> tuple[int, int]:
        """What the buzzer and the LED show (R33, R35)."""
        haptic, led = self.signals.shown(self.limit.pattern(self.t_us), self.t_us)
        caps = self.spec.caps
        return (haptic if caps & Caps.HAPTIC else 0), (led if caps & Caps.LED else 0)

    # What it does

    def event(self, code: BallEventCode, value: int, channel: int = m.NO_CHANNEL, only: BallLink | None = None) -> None:
        event = m.BallEventMessage(code, channel, self.t_us & LOW_U32, max(-0x8000, min(0x7FFF, value)))
        for link in self.links.values() if only is None else (only,):
            link.event(event)

    def start(self, link: BallLink, rate_hz: int, latency_us: int) -> None:
        """`link` becomes the one that is sending (R22, R26, R41)."""
        sender = self.sender
        if sender is not None and sender is not link:
            self.end_sending(sender, 4)
        if self.scanner.begin(rate_hz, self.t_us):
            self._new_run()
        self._run_on_us = NEVER_US
        link.state = LinkState.SENDING
        link.live.start(self.scanner.period_us, latency_us, int(self.spec.buffer_s * rate_hz) + 1)

    def stop(self) -> None:
        """The scanner is IDLE."""
        self.scanner.stop()
        self._run_on_us = NEVER_US

    def break_off(self, value: int) -> None:
        """Fault (2) or empty battery (3): scanning and sending end."""
        sender = self.sender
        if sender is not None:
            self.end_sending(sender, value)
        self.stop()

    def end_sending(self, link: BallLink, value: int | None) -> None:
        """SENDING -> READY, told as EVENT 10 with `value`, if any: 1 silence, 2 fault, 3 battery, 4 another link."""
        if link.state is not LinkState.SENDING:
            return
        if value is not None:
            self.event(BallEventCode.SENDING_ENDED, value, only=link)
        link.state = LinkState.READY
        link.live.discard()
        if value in (None, 1):
            if self.spec.caps & Caps.LOG or self.limit.armed:
                self._run_on_us = self.t_us + RUN_ON_US
            else:
                self.stop()

    def set_zero(self, means: NDArray[np.float64]) -> None:
        self.cells.tare(means)
        self.zero_changes += 1

    def recalibrate(self, points: m.CalSet) -> None:
        """Zero is 0 again, the limit off (R28, R31)."""
        self.cells.points[points.channel] = points
        self.set_zero(np.zeros(self.spec.channels))
        self.limit.set(OFF)

    def read_log(self, link: BallLink, first: int, count: int) -> m.LogReadReply:
        """`first` wide. What exists follows on `link` as BACKFILL (R37)."""
        scans = self.log.read(first, first + count)
        if not len(scans):
            return m.LogReadReply(first & LOW_U32, 0, 0)
        link.logged = LoggedScans(scans, self.scanner.period_us)
        start, last = int(scans.index[0]), int(scans.index[-1])
        return m.LogReadReply(start & LOW_U32, last - start + 1, int(scans.t_us[0]))

    # Time

    def advance(self, t_us: int) -> None:
        """Everything due by `t_us`, in order of time."""
        while True:
            at_us = self._timer_us()
            step_us = min(at_us, t_us)
            if step_us >= self.t_us:
                self._scan(step_us)
                self.t_us = step_us
            if at_us > t_us:
                break
            self._fire()
        for link in self.links.values():
            link.changed(self.flags(link), self.zero_changes & 0xFF, self.t_us)

    def step_clock(self, by_us: int) -> None:
        """All that is planned or remembered moves with the clock."""
        self.t_us += by_us
        self.scanner.step_clock(by_us)
        self._run_on_us += by_us if self._run_on_us < NEVER_US else 0
        if self.job is not None:
            self.job.until_us += by_us
        for link in self.links.values():
            link.live.close()  # one batch has one clock
            link.step_clock(by_us)

    def deadline_us(self) -> int:
        """When `advance` will have something to say, beyond what waits on the links."""
        due = [self._timer_us(), *(link.deadline_us(self.t_us) for link in self.links.values())]
        if self.scanner.scanning:
            sender = self.sender
            if self.limit.armed or self.job is not None:
                due.append(self.scanner.slot_us(self.scanner.index))
            elif sender is not None:
                to_go = sender.live.to_go(sender.room(self.spec.channels))
                due.append(self.scanner.slot_us(self.scanner.index + to_go - 1))
        return min(due)

    def _timer_us(self) -> int:
        due = [self._run_on_us, self._job_us()]
        for link in self.links.values():
            due.append(link.stop_us)
            if link.answering:
                due.append(link.asked_us + SILENCE_US)
        return min(due)

    def _job_us(self) -> int:
        """When the averaging job ends; it waits for one scan at least."""
        if self.job is None:
            return NEVER_US
        if self.scanner.scanning and not self.job.values:
            return max(self.job.until_us, self.scanner.slot_us(self.scanner.index))
        return self.job.until_us

    def _fire(self) -> None:
        if self.t_us >= self._run_on_us:
            self.stop()
        if self.t_us >= self._job_us():
            self._finish_job()
        for link in self.links.values():
            if self.t_us >= link.stop_us:
                link.live.discard()
                link.stop_us = NEVER_US
            if link.answering and self.t_us >= link.asked_us + SILENCE_US:
                self.end_sending(link, 1)
                link.hush()
                link.state = LinkState.OPEN

    def _scan(self, t_us: int) -> None:
        while due := min(self.scanner.due(t_us), BLOCK_SCANS):
            if self.scanner.skip(due):
                for link in self.links.values():
                    link.live.close()
                continue
            first = self.scanner.index
            before_zero = self.cells.before_zero(self._sensor(first, due))
            index, at_us = self.scanner.take(due)
            scans = Scans(index, at_us, self.cells.after_zero(before_zero))
            if self.job is not None:
                self.job.add(before_zero)
            self.log.write(scans)
            self._watch(scans)
            sender = self.sender
            if sender is not None:
                dropped = sender.live.add(scans, sender.room(self.spec.channels))
                self.dropped += dropped
                sender.overrun(dropped)
            if self._witness is not None:
                self._witness(scans)

    def _new_run(self) -> None:
        self.log.clear()
        self._saturated[:] = False
        for link in self.links.values():
            link.logged = None

    def _watch(self, scans: Scans) -> None:
        """EVENT 5 on entering saturation (R16), the limit on the total (R33)."""
        values = scans.values.astype(np.int32)
        saturated, unknown = np.abs(values) == m.SATURATED, values == m.NO_VALUE
        if saturated.any() or self._saturated.any():
            before = np.vstack((self._saturated, saturated[:-1]))
            for at, channel in np.argwhere(saturated & ~before).tolist():
                self.t_us = int(scans.t_us[at])
                self.event(BallEventCode.SATURATED, int(values[at, channel]), channel)
            self._saturated = saturated[-1].copy()
        if self.limit.armed:
            totals = np.where(saturated | unknown, 0, values).sum(axis=1).tolist()
            for at, total in enumerate(totals):
                at_us = int(scans.t_us[at])
                exceeded = self.limit.judge(total, bool(saturated[at].any()), bool(unknown[at].any()), at_us)
                if exceeded is not None:
                    self.t_us = at_us
                    self.event(BallEventCode.LIMIT_EXCEEDED if exceeded else BallEventCode.LIMIT_CLEARED, total)

    def _finish_job(self) -> None:
        job, self.job = self.job, None
        assert job is not None
        if not job.values:  # IDLE: conversions that are no slots
            count = max(1, job.avg_ms * self.spec.usual_hz // 1000)
            job.add(self.cells.before_zero(self._sensor(self.scanner.index, count)))
        means = job.means(self.cells.full_scale)
        if not job.raw and not isinstance(means, m.Status):
            self.set_zero(means)
            if job.link is None:
                self.event(BallEventCode.TARED, self.cells.largest_zero)
        if job.link is not None:
            job.link.reply(job.tag, self._answer(job, means))

    def _answer(self, job: Averaging, means: NDArray[np.float64] | m.Status) -> m.Reply:
        if isinstance(means, m.Status):
            return m.Refusal(m.REQUEST_TYPE[m.Raw if job.raw else m.Tare], means)
        if job.raw:
            return m.RawReply(self.cells.raw(means))
        return m.TareReply(self.scanner.index & LOW_U32, self.cells.largest_zero)
