"""The ball's side of a conversation: the reference implementation that every virtual ball uses (PROTOCOL.md). Sans-IO.

`Ball` knows links and bytes; what is behind them is ball_device.py's. Time is the owner's, in microseconds, and may
begin anywhere; the ball's own clock runs from its boot. Encryption, advertising and connection intervals are the
radio's; a link is told whether it is encrypted.
"""

from dataclasses import replace

from firmware_protocol.answers import answer, hello_reply, stop_reply
from firmware_protocol.averaging import Averaging
from firmware_protocol.ball_device import Device, Sensor, Witness
from firmware_protocol.ball_link import NEVER_US, BallLink, LinkState
from firmware_protocol.ball_spec import ALL_CAPS, BallIdentity, BallSpec
from firmware_protocol.cells import Cells
from firmware_protocol.codec import decode_from_host, encode
from firmware_protocol.driver import BallEventCode
from firmware_protocol.framing import MAX_MESSAGE
from firmware_protocol.messages import Caps, LimitSettings
from firmware_protocol.scanner import Scans

__all__ = ["ALL_CAPS", "Ball", "BallIdentity", "BallSpec", "LinkState", "Scans"]

BUTTON_AVERAGE_MS = 500
SHORT, LONG = 1, 2  # EVENT 1


class Ball:
    """A ball that speaks protocol v1 on several links at once.

    `sensor(first, count)` gives the calibrated values before zero, int16 (count, channels), of slots first .. first +
    count - 1: -32768 no value, +-32767 saturated. It is asked for every slot of a run once, in order (missed ones are
    left out), and, when averaging while the scanner stands still, for slots that are yet to come.
    `witness` is shown every scan as it was, or would have been, sent; its arrays are not to be changed.

    After `feed`, `tick` and the like, `outgoing` has what is to be sent. A link whose `outgoing` is not taken is
    jammed: its scans wait, and the oldest go.
    """

    def __init__(
        self,
        spec: BallSpec,
        sensor: Sensor,
        now_us: int = 0,
        *,
        uptime_us: int = 0,
        first_index: int = 0,
        witness: Witness | None = None,
    ) -> None:
        self._sensor, self._witness = sensor, witness
        self._cells = Cells(spec)
        self._boot_us = now_us - uptime_us  # owner's time at boot
        self._awake_us = 0  # it answers from then on
        self._subscribed: dict[int, bool] = {}
        self._device = Device(
            spec,
            self._cells,
            sensor,
            witness=witness,
            boot_id=spec.boot_id,
            t_us=uptime_us,
            first_index=first_index,
        )

    # What it is just now

    @property
    def spec(self) -> BallSpec:
        return self._device.spec

    @property
    def boot_id(self) -> int:
        return self._device.boot_id

    @property
    def t_us(self) -> int:
        """The ball's own clock."""
        return self._device.t_us

    @property
    def scanning(self) -> bool:
        return self._device.scanner.scanning

    @property
    def next_index(self) -> int:
        return self._device.scanner.index

    @property
    def period_us(self) -> float:
        """Microseconds of its own clock between two scans of this run; 0 while it does not scan."""
        return self._device.scanner.period_us if self.scanning else 0.0

    @property
    def run(self) -> int:
        return self._device.scanner.run

    @property
    def zero(self) -> tuple[int, ...]:
        return tuple(self._cells.zero.tolist())

    @property
    def zero_changes(self) -> int:
        return self._device.zero_changes

    @property
    def dropped(self) -> int:
        """Scans dropped in jams since boot."""
        return self._device.dropped

    @property
    def limit(self) -> LimitSettings:
        return self._device.limit.settings

    @property
    def pattern(self) -> tuple[int, int]:
        """What its buzzer and its LED show."""
        return self._device.pattern()

    def state(self, link: int) -> LinkState:
        known = self._device.links.get(link)
        return LinkState.SHUT if known is None else known.state

    def info(self, link: int) -> bytes:
        """The Info characteristic."""
        known = self._device.links.get(link)
        return encode(hello_reply(self._device, pairing=known is None or not known.encrypted), 0)

    # Links

    def connect(
        self,
        link: int,
        *,
        framed: bool,
        mtu: int = 247,
        encrypted: bool = False,
        baud: int | None = None,
        subscribed: bool = True,
    ) -> None:
        """`framed`: serial, of fixed `baud` unless None; else BLE."""
        self.disconnect(link)
        self._subscribed[link] = subscribed
        self._device.links[link] = BallLink(framed=framed, mtu=mtu, encrypted=encrypted, baud=baud)
        self._shut_or_open(link)

    def subscribe(self, link: int, subscribed: bool) -> None:
        """Tx is subscribed to, or no longer (R2)."""
        self._subscribed[link] = subscribed
        self._shut_or_open(link)

    def set_mtu(self, link: int, mtu: int) -> None:
        self._device.links[link].mtu = mtu

    def disconnect(self, link: int) -> None:
        """The link is lost; unknown ones are ignored."""
        known = self._device.links.get(link)
        if known is not None:
            self._device.end_sending(known, None)
            del self._device.links[link]

    def _shut_or_open(self, number: int) -> None:
        link = self._device.links[number]
        allowed = link.private or not self.spec.caps & Caps.ENCRYPTED  # R58: the subscription needs encryption
        if not (self._subscribed[number] and allowed):
            self._device.end_sending(link, None)
            link.hush()
            link.state = LinkState.SHUT
        elif link.state is LinkState.SHUT:
            link.state = LinkState.OPEN

    def feed(self, link: int, data: bytes, now_us: int) -> None:
        """Bytes of a stream, cut anywhere; or one write of a datagram link. Any bytes."""
        self.tick(now_us)
        known = self._device.links.get(link)
        if known is None or known.state is LinkState.SHUT or self.t_us < self._awake_us:
            return
        for part in known.deframer.feed(data) if known.framed else (data,):
            if isinstance(part, bytes) and len(part) <= MAX_MESSAGE:
                self._hear(known, part)
        self._device.advance(self.t_us)

    def _hear(self, link: BallLink, data: bytes) -> None:
        heard = decode_from_host(data)
        if heard is None:
            return
        tag, asked = heard
        link.asked_us = self.t_us
        reply = answer(self._device, link, tag, asked)
        if reply is not None:
            link.reply(tag, reply)

    def outgoing(self, link: int, space: int | None = None) -> list[bytes]:
        """What is to be sent now, in order: frames, or one message per notification. Not more than `space` bytes."""
        known = self._device.links.get(link)
        if known is None or known.state is LinkState.SHUT or self.t_us < self._awake_us:
            return []
        device = self._device
        return known.hand_over(
            self.t_us, lambda: device.status(known), lambda: stop_reply(device), self.spec.channels, space
        )

    # Time

    def tick(self, now_us: int) -> None:
        """Everything due by now. Scans that were ready before and not taken since mean a jam."""
        for link in self._device.links.values():
            link.live.jammed = link.live.ready
        self._device.advance(now_us - self._boot_us)

    def deadline_us(self) -> int | None:
        """When `tick` will have something to do or to send; None: not by itself."""
        due_us = self._device.deadline_us()
        return None if due_us >= NEVER_US else due_us + self._boot_us

    def reboot(self, boot_id: int, now_us: int, booting_us: int = 0, spec: BallSpec | None = None) -> None:
        """Power lost and back: clock, index, zero, limit and log begin anew, calibration stays. BLE links are gone,
        serial ones are open again. It answers after `booting_us`. `spec`: it was made another one, with new cells."""
        self.tick(now_us)
        old = self._device
        if spec is None:
            self._cells.reboot()
        else:
            self._cells = Cells(spec)
        self._boot_us = now_us
        self._awake_us = booting_us
        self._device = Device(
            replace(spec or old.spec, boot_id=boot_id),
            self._cells,
            self._sensor,
            witness=self._witness,
            boot_id=boot_id,
        )
        self._device.power, self._device.fault = old.power, old.fault
        for number, link in old.links.items():
            if link.framed:
                self.connect(number, framed=True, encrypted=link.encrypted, baud=link.baud)

    # What happens to it

    def press_button(self, long: bool, now_us: int) -> None:
        """Short: told. Long (from 1 s): told, and tares."""
        self.tick(now_us)
        device = self._device
        device.event(BallEventCode.BUTTON, LONG if long else SHORT)
        if long and device.job is None:
            device.job = Averaging(False, BUTTON_AVERAGE_MS, self.t_us + 1000 * BUTTON_AVERAGE_MS)

    def battery(
        self,
        now_us: int,
        *,
        percent: int | None = None,
        millivolt: int | None = None,
        temp_c: float | None = None,
        charging: bool | None = None,
        usb: bool | None = None,
        critical: bool = False,
    ) -> None:
        """What is given changes. `critical`: it stops scanning and ends sending."""
        self.tick(now_us)
        device, power = self._device, self._device.power
        power.percent = power.percent if percent is None else percent
        power.millivolt = power.millivolt if millivolt is None else millivolt
        power.temp_c = power.temp_c if temp_c is None else temp_c
        power.usb = power.usb if usb is None else usb
        if charging is not None and charging != power.charging:
            power.charging = charging
            device.event(BallEventCode.CHARGER, int(charging))
        if critical:
            device.event(BallEventCode.BATTERY_CRITICAL, 0)
            device.break_off(3)
        device.advance(self.t_us)

    def set_fault(self, fault: bool, now_us: int) -> None:
        """A sensor fails: scanning and sending end, START is refused until it is well again."""
        self.tick(now_us)
        if fault and not self._device.fault:
            self._device.event(BallEventCode.SENSOR_FAULT, 0)
            self._device.break_off(2)
        self._device.fault = fault
        self._device.advance(self.t_us)

    def step_clock(self, by_us: int, now_us: int) -> None:
        """Its clock jumps, not to before its boot; its scans go on at their pace."""
        self.tick(now_us)
        device = self._device
        by_us = max(by_us, -device.t_us)
        self._boot_us -= by_us
        device.step_clock(by_us)

    def miss(self, slots: int) -> None:
        """The converter misses the next slots."""
        self._device.scanner.miss(slots)
