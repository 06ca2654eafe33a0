"""What a ball and its host say to each other: one frozen dataclass and one layout row per message.

PROTOCOL.md section 2 in code. Fields stand in wire order and keep wire units; `codec.py` has `encode`,
`decode_from_ball` and `decode_from_host`, which turn these classes into bytes and back.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

PROTOCOL_VERSION = 1
REPLY = 0x80  # a reply's type is its request's type plus this
MAX_REQUEST_TYPE = 0x3F
MAX_REQUEST = 70  # bytes: CAL_SET with 8 points; every other request fits 20
MAX_CHANNELS = 16
MAX_UNIT = 2  # the last of driver.Unit
MIN_HZ, MAX_HZ = 10, 500
MIN_LATENCY_MS, MAX_LATENCY_MS = 10, 200
MIN_AVERAGE_MS, MAX_AVERAGE_MS = 50, 5000
MIN_POINTS, MAX_POINTS = 2, 8
MAX_TEXT = 17  # bytes: what a reply of 20 can carry
MAX_ALERT_MS = 5000
MAX_HOLD_MS = 10_000
MIN_VALUE, MAX_VALUE = -32_766, 32_766  # valid samples
NO_VALUE = -32_768  # this channel has no value in this scan (R16)
SATURATED = 32_767  # a value beyond what the channel can tell, either sign (R16)
NO_CHANNEL = 0xFF
NO_BATTERY_PCT = 0xFF
NO_TEMPERATURE = -32_768
MIN_PERIOD_US, MAX_PERIOD_US = 1_000, 200_000  # 500 Hz and 10 Hz, with room for the 20 % of R23


class Status(IntEnum):
    """First byte of a reply. A number beyond these means: failed."""

    OK = 0
    UNKNOWN = 1
    LENGTH = 2
    VALUE = 3
    STATE = 4
    BUSY = 5
    DENIED = 6
    VERSION = 7
    TOO_BIG = 8
    UNSTABLE = 9
    STORAGE = 10
    HARDWARE = 11
    NO_DATA = 12
    HELLO_FIRST = 13


class Caps(IntFlag):
    """What a ball offers. Bits a newer ball sets are kept."""

    ENCRYPTED = 1 << 0
    CALIBRATION = 1 << 1
    RAW = 1 << 2
    LIMITS = 1 << 3
    HAPTIC = 1 << 4
    LED = 1 << 5
    LOG = 1 << 6
    BUTTON = 1 << 7
    BATTERY = 1 << 8
    TEMPERATURE = 1 << 9
    SENSOR = 1 << 10


class Flags(IntFlag):
    """Of STATUS. Bits a newer ball sets are kept."""

    CHARGING = 1 << 0
    USB = 1 << 1
    BATTERY_LOW = 1 << 2
    ENCRYPTED = 1 << 3  # this link is
    SCANNING = 1 << 4
    LIMIT_ARMED = 1 << 5
    FAULT = 1 << 6
    ELSEWHERE = 1 << 7  # another link is sending


class Pattern(IntEnum):
    """Of the buzzer and the LED."""

    NONE = 0
    NOTICE = 1
    CAUTION = 2
    STOP = 3
    FIND_ME = 4


class IdentField(IntEnum):
    VENDOR = 0
    MODEL = 1
    SERIAL = 2
    FIRMWARE = 3
    HARDWARE = 4


@dataclass(frozen=True, slots=True)
class CalPoint:
    raw: int  # ADC count
    newton: float  # travels as f32


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """The limit the ball watches by itself. high and clear are totals, in lsb."""

    enable: bool
    pattern: int  # a Pattern
    high: int
    clear: int
    hold_ms: int


# Requests, host to ball.


@dataclass(frozen=True, slots=True)
class Hello:
    min_version: int
    max_version: int


@dataclass(frozen=True, slots=True)
class Ident:
    field: IdentField


@dataclass(frozen=True, slots=True)
class Time:
    pass


@dataclass(frozen=True, slots=True)
class Start:
    rate_hz: int = 0  # 0: the ball's default
    latency_ms: int = 0  # 0: 40


@dataclass(frozen=True, slots=True)
class Stop:
    pass


@dataclass(frozen=True, slots=True)
class Tare:
    avg_ms: int = 0  # 0: 500


@dataclass(frozen=True, slots=True)
class Raw:
    avg_ms: int = 0  # 0: 500


@dataclass(frozen=True, slots=True)
class CalGet:
    channel: int


@dataclass(frozen=True, slots=True)
class CalSet:
    """No points: erase."""

    channel: int
    day: int  # days since 2000-01-01, 0 unknown
    points: tuple[CalPoint, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """settings None: read only."""

    settings: LimitSettings | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    haptic: int  # a Pattern
    led: int  # a Pattern
    duration_ms: int  # 0: stop


@dataclass(frozen=True, slots=True)
class LogRead:
    first: int
    count: int  # 0: only cancel


@dataclass(frozen=True, slots=True)
class Sensor:
    pass


# Replies, ball to host.


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reply, to any request, that is not OK."""

    request_type: int
    status: int  # a Status but OK, or a number only a newer ball knows
    highest_version: int | None = None  # there when, and only when, status is VERSION


@dataclass(frozen=True, slots=True)
class HelloReply:
    version: int
    caps: Caps
    channels: int
    unit: int  # a driver.Unit
    lsb: float  # travels as f32
    max_hz: int
    cal_crc: int
    boot_id: int


@dataclass(frozen=True, slots=True)
class IdentReply:
    text: str


@dataclass(frozen=True, slots=True)
class TimeReply:
    t_us: int


@dataclass(frozen=True, slots=True)
class StartReply:
    period_us: int
    next_index: int
    t_us: int
    run: int


@dataclass(frozen=True, slots=True)
class StopReply:
    next_index: int


@dataclass(frozen=True, slots=True)
class TareReply:
    from_index: int
    zero: int  # lsb, of the channel where it is largest in size


@dataclass(frozen=True, slots=True)
class RawReply:
    means: tuple[int, ...]  # ADC counts, one per channel


@dataclass(frozen=True, slots=True)
class CalGetReply:
    day: int
    points: tuple[CalPoint, ...]


@dataclass(frozen=True, slots=True)
class CalSetReply:
    cal_crc: int


@dataclass(frozen=True, slots=True)
class LimitsReply:
    settings: LimitSettings


@dataclass(frozen=True, slots=True)
class AlertReply:
    pass


@dataclass(frozen=True, slots=True)
class LogReadReply:
    start: int
    count: int
    t_us: int


@dataclass(frozen=True, slots=True)
class SensorReply:
    """0 stands for unknown; cell_mm2 0 for cells under one shell."""

    full_scale: int  # lsb
    cell_mm2: int
    contact_mm2: int
    tool: int


# Unsolicited, ball to host.


@dataclass(frozen=True, slots=True, eq=False)
class SampleBatch:
    """SAMPLES, or BACKFILL when `backfill`."""

    index: int  # u16, of the first scan
    t_us: int  # u32, of the first scan
    span_10us: int  # to the last scan; 0 with one
    values: NDArray[np.int16]  # (scans, channels), read-only
    backfill: bool = False


@dataclass(frozen=True, slots=True)
class BallEventMessage:
    code: int  # a driver.BallEventCode, or one of a newer ball
    channel: int  # NO_CHANNEL: none
    t_us: int  # u32
    value: int


@dataclass(frozen=True, slots=True)
class StatusMessage:
    flags: Flags
    battery_pct: int  # NO_BATTERY_PCT: unknown
    battery_mv: int  # 0: unknown
    temp_centi_c: int  # NO_TEMPERATURE: unknown
    dropped: int
    zero_changes: int


Request = Hello | Ident | Time | Start | Stop | Tare | Raw | CalGet | CalSet | Limits | Alert | LogRead | Sensor
Reply = (
    Refusal
    | HelloReply
    | IdentReply
    | TimeReply
    | StartReply
    | StopReply
    | TareReply
    | RawReply
    | CalGetReply
    | CalSetReply
    | LimitsReply
    | AlertReply
    | LogReadReply
    | SensorReply
)
Unsolicited = SampleBatch | BallEventMessage | StatusMessage


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its reply. Formats are struct's, little endian, without the header; of a message whose length
    varies they hold the part that is always there."""

    code: int  # the request's type byte
    request: type[Request]
    asks: str
    reply: type[Reply]
    answers: str  # after the status


LIMIT = "BBhhH"  # LimitSettings
POINT = "if"  # CalPoint
EXCHANGES = (
    Exchange(0x01, Hello, "BB", HelloReply, "BHBBfHHI"),
    Exchange(0x02, Ident, "B", IdentReply, ""),  # then text
    Exchange(0x03, Time, "", TimeReply, "Q"),
    Exchange(0x04, Start, "HH", StartReply, "IIQB"),
    Exchange(0x05, Stop, "", StopReply, "I"),
    Exchange(0x06, Tare, "H", TareReply, "Ih"),
    Exchange(0x07, Raw, "H", RawReply, ""),  # then an i32 per channel
    Exchange(0x08, CalGet, "B", CalGetReply, "BH"),  # then points
    Exchange(0x09, CalSet, "BBH", CalSetReply, "H"),  # the request goes on with points
    Exchange(0x0A, Limits, "", LimitsReply, LIMIT),  # the request is empty, or as the reply
    Exchange(0x0B, Alert, "BBH", AlertReply, ""),
    Exchange(0x0C, LogRead, "IH", LogReadReply, "IHQ"),
    Exchange(0x0D, Sensor, "", SensorReply, "HHHB"),
)
SAMPLES = 0x40
BACKFILL = 0x41
EVENT = 0x42
STATUS = 0x43
UNSOLICITED = {
    SAMPLES: (SampleBatch, "HIH"),  # then scans of i16
    BACKFILL: (SampleBatch, "HIH"),
    EVENT: (BallEventMessage, "BBIh"),
    STATUS: (StatusMessage, "BBHhIB"),
}

# Request type of a request's or of a reply's class; a Refusal carries its own.
REQUEST_TYPE: dict[type, int] = {
    message: exchange.code for exchange in EXCHANGES for message in (exchange.request, exchange.reply)
}


def reply_type_of(message: Request | Reply) -> int:
    """The type byte of this reply, or of the reply this request will get (81h..BFh)."""
    if isinstance(message, Refusal):
        return message.request_type + REPLY
    return REQUEST_TYPE[type(message)] + REPLY
