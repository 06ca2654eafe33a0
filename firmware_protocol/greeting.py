"""What a host learns of a ball before it asks for scans: HELLO, then who it is and what its cells are (CHECKING).

Pure: questions out, answers in, a `Profile` at the end; and how the ball is meanwhile, in SI units.
"""

import re

from firmware_protocol import messages as m
from firmware_protocol.driver import Profile, Status, Unit
from firmware_protocol.messages import Caps, Flags, IdentField

KIND = "native"  # of a ball that speaks this protocol
SERIAL = re.compile(r"[0-9A-Za-z._-]{1,16}")  # what IDENT may answer
MAX_PCT = 100  # 255 is unknown, and nothing between means anything
TEXTS = (IdentField.MODEL, IdentField.VENDOR, IdentField.FIRMWARE)


class Greeting:
    """What is known of the ball. Kept over links: an unchanged ball is asked for its serial only."""

    def __init__(self) -> None:
        self.hello: m.HelloReply | None = None
        self.serial = ""
        self.calibration: dict[int, m.CalGetReply] = {}  # by channel
        self._texts: dict[IdentField, str] = {}
        self._sensor = m.SensorReply(0, 0, 0, 0)
        self._known: tuple[str, int, int] | None = None  # serial, cal_crc, boot_id the rest was asked for

    def greeted(self, hello: m.HelloReply) -> m.Request:
        """HELLO was answered: what to ask first."""
        self.hello = hello
        self.serial = ""
        return m.Ident(IdentField.SERIAL)

    def identified(self, text: str) -> bool:
        """IDENT serial was answered; False: this is no serial."""
        sound = SERIAL.fullmatch(text) is not None
        self.serial = text if sound else ""
        return sound

    def questions(self) -> list[m.Request]:
        """What else to ask: nothing if serial, calibration and boot are those known."""
        assert self.hello is not None
        if self._identity() == self._known:
            return []
        self._known = None
        self.calibration, self._texts, self._sensor = {}, {}, m.SensorReply(0, 0, 0, 0)
        asked: list[m.Request] = [m.Ident(field) for field in TEXTS]
        if self.hello.caps & Caps.SENSOR:
            asked.append(m.Sensor())
        if self.hello.caps & Caps.CALIBRATION:
            asked += [m.CalGet(channel) for channel in range(self.hello.channels)]
        return asked

    def learn(self, request: m.Request, reply: m.Reply) -> None:
        match request, reply:
            case m.Ident(field), m.IdentReply(text):
                self._texts[field] = text
            case m.Sensor(), m.SensorReply():
                self._sensor = reply
            case m.CalGet(channel), m.CalGetReply():
                self.calibration[channel] = reply
            case _:
                pass  # refused: stays unknown

    @property
    def full_scale(self) -> int:
        """Counts; 0 unknown."""
        return self._sensor.full_scale

    def profile(self) -> Profile:
        """All questions were answered: what is known now."""
        hello, sensor = self.hello, self._sensor
        assert hello is not None
        self._known = self._identity()
        return Profile(
            kind=KIND,
            serial=self.serial,
            model=self._texts.get(IdentField.MODEL, ""),
            vendor=self._texts.get(IdentField.VENDOR, ""),
            firmware=self._texts.get(IdentField.FIRMWARE, ""),
            channels=hello.channels,
            unit=Unit(hello.unit),
            lsb=hello.lsb,
            max_hz=hello.max_hz,
            caps=int(hello.caps),
            cal_crc=hello.cal_crc,
            boot_id=hello.boot_id,
            has_clock=True,
            full_scale=sensor.full_scale,
            cell_mm2=sensor.cell_mm2,
            contact_mm2=sensor.contact_mm2,
            tool=sensor.tool,
            cal_day=self._cal_day(),
        )

    def _cal_day(self) -> int:
        """The oldest, in days since 2000-01-01; 0 where any channel with points has no date."""
        days = [told.day for told in self.calibration.values() if told.points]
        return min(days, default=0)

    def _identity(self) -> tuple[str, int, int]:
        assert self.hello is not None
        return self.serial, self.hello.cal_crc, self.hello.boot_id


def status_of(message: m.StatusMessage) -> Status:
    """STATUS without its wire units; unknown is None."""
    flags = message.flags
    return Status(
        charging=bool(flags & Flags.CHARGING),
        usb=bool(flags & Flags.USB),
        battery_low=bool(flags & Flags.BATTERY_LOW),
        encrypted=bool(flags & Flags.ENCRYPTED),
        fault=bool(flags & Flags.FAULT),
        elsewhere=bool(flags & Flags.ELSEWHERE),
        battery_pct=None if message.battery_pct > MAX_PCT else message.battery_pct,
        battery_mv=message.battery_mv or None,
        temp_c=None if message.temp_centi_c == m.NO_TEMPERATURE else message.temp_centi_c / 100,
        dropped=message.dropped,
        zero_changes=message.zero_changes,
    )
