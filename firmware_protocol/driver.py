"""What every kind of ball says to the companion, and what is said back.

A driver is sans-IO: it is fed chunks, ticks and requests, and answers with events. It reads no clock,
opens no port and never raises on what a ball sends. Time is the caller's clock in seconds, monotonic.
`Host` (host.py) is the driver of the native protocol; another kind of device is another class of this shape.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from firmware_protocol.messages import LimitSettings, Request


class Unit(IntEnum):
    """What a value means once multiplied by `lsb`. Only newtons are judged."""

    RAW = 0
    NEWTON = 1
    GAS_KPA = 2


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they came. On a stream they may be cut anywhere; on a datagram link they are one unit."""

    source: str  # "serial", or the GATT characteristic's name
    data: bytes
    arrival_s: float


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes the transport is to write now."""

    data: bytes
    source: str = "rx"
    with_response: bool = False


class Phase(Enum):
    """Where a conversation stands (PROTOCOL.md section 5)."""

    DOWN = "down"
    GREETING = "greeting"
    CHECKING = "checking"
    STARTING = "starting"
    LIVE = "live"
    STALE = "stale"
    CLOSING = "closing"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    phase: Phase
    at_s: float


@dataclass(frozen=True, slots=True)
class Profile:
    """Who the ball is and what its numbers mean. 0 stands for unknown in the last five fields."""

    kind: str
    serial: str
    model: str
    vendor: str
    firmware: str
    channels: int
    unit: Unit
    lsb: float  # one count, in `unit`
    max_hz: int
    caps: int
    cal_crc: int
    boot_id: int
    has_clock: bool
    full_scale: int  # counts
    cell_mm2: int  # 0: cells under one shell
    contact_mm2: int
    tool: int  # 0 unknown, 1 hard ball, 2 tennis-size, 3 soft or air ball, 4 roller, 5 nub
    cal_day: int = 0  # of the oldest channel's calibration, in days since 2000-01-01

    @property
    def simulated(self) -> bool:
        return self.model == "virtual"


class Continuity(Enum):
    """How a started stream joins what came before (R47)."""

    FIRST = "first"
    SAME_RUN = "same_run"  # scans from `expected` to `next_index` were taken, not received
    OTHER_RUN = "other_run"  # same clock; between the two nothing was measured
    NEW_CLOCK = "new_clock"  # the ball rebooted: another index, another clock, another zero
    GOES_ON = "goes_on"  # nothing came between: only the rate is told anew


@dataclass(frozen=True, slots=True)
class Started:
    """The ball answered START. `next_index` and `t_us` are wide (unwrapped); so are those of `Samples`."""

    continuity: Continuity
    boot_id: int
    run: int
    period_s: float  # nominal, within 20 % of the truth (R23)
    next_index: int
    t_us: int
    expected: int  # index that was to come before; `next_index` where nothing was expected
    arrival_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """One batch. Already placed: in order, anchored, unwrapped (R46 to R49)."""

    values: NDArray[np.int16]  # (scans, channels), read-only; -32768 no value, +-32767 saturated
    index: int  # of the first scan
    t_us: int  # end of conversion of the first scan, microseconds since boot
    span_us: int  # to the last scan; 0 with one scan
    arrival_s: float
    late: bool = False  # back-filled: journalled, never judged
    hole: bool = False  # scans before it were lost, and nobody can tell how many: a device that does not number them


@dataclass(frozen=True, slots=True)
class Status:
    charging: bool
    usb: bool
    battery_low: bool
    encrypted: bool
    fault: bool
    elsewhere: bool  # another link is sending
    battery_pct: int | None
    battery_mv: int | None
    temp_c: float | None
    dropped: int  # scans the ball itself dropped, since boot
    zero_changes: int


class BallEventCode(IntEnum):
    BUTTON = 1
    LIMIT_EXCEEDED = 2
    LIMIT_CLEARED = 3
    TARED = 4
    SATURATED = 5
    SENSOR_FAULT = 6
    OVERRUN = 7
    BATTERY_CRITICAL = 8
    CHARGER = 9
    SENDING_ENDED = 10


@dataclass(frozen=True, slots=True)
class BallEvent:
    code: int  # a BallEventCode, or one a newer ball knows
    channel: int | None
    t_us: int
    value: int
    arrival_s: float


@dataclass(frozen=True, slots=True)
class ZeroChanged:
    """Zero moved: by our TARE, by the ball's button, or (value None) seen only in STATUS's count (R52)."""

    value: int | None  # counts, of the channel where it is largest
    from_index: int | None
    trusted: bool  # False beyond 5 % of full scale: tared under load (R28)
    numbers: tuple[
        float, ...
    ] = ()  # as a device sends them at this zero, one per channel, where only the host keeps it


@dataclass(frozen=True, slots=True)
class LimitInForce:
    """What the ball watches by itself, as it says: perhaps lower than what was asked for (R34)."""

    settings: LimitSettings


@dataclass(frozen=True, slots=True)
class RawMeans:
    """RAW was answered: numbers of the converter, before calibration and zero, one per channel."""

    means: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PointsTold:
    """CAL_GET was answered: (number, newton) of one channel, none if it has none."""

    channel: int
    day: int  # days since 2000-01-01; 0 unknown
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """CAL_SET was answered. What the new points mean is told by the next `Profile`."""

    channel: int
    cal_crc: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The ball answered a request of the user with a status other than OK, or not at all (status None)."""

    request: str
    status: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Damaged:
    """Input that was dropped, and why (R54 names the reasons)."""

    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Close:
    """The driver wants the link closed. `retry`: open it again after the back-off; else the session ends.

    cause: silent, version, wrong_ball, no_ball, elsewhere, fault, battery, stopped.
    """

    cause: str
    text: str
    hint: str
    retry: bool


DriverEvent = (
    Send
    | PhaseChanged
    | Profile
    | Started
    | Samples
    | Status
    | BallEvent
    | ZeroChanged
    | LimitInForce
    | RawMeans
    | PointsTold
    | Calibrated
    | Refused
    | Damaged
    | Close
)


class Driver(Protocol):
    """Sans-IO, one per device kind; lives as long as the session, over any number of links."""

    @property
    def damage(self) -> Mapping[str, int]:
        """Counters of dropped input by reason."""
        ...

    def opened(self, now_s: float) -> list[DriverEvent]:
        """A link is up (and, on BLE, Tx is subscribed)."""
        ...

    def closed(self, now_s: float) -> list[DriverEvent]:
        """The link is gone."""
        ...

    def feed(self, chunk: Chunk) -> list[DriverEvent]: ...

    def tick(self, now_s: float) -> list[DriverEvent]:
        """Do what is due by `now_s`: retries, keep-alive, staleness."""
        ...

    def ask(self, request: Request, now_s: float) -> list[DriverEvent]:
        """A request of the user (Tare, Alert, Limits, Raw, CalGet, CalSet, Stop), in turn. Stop closes.

        Limits may be asked for at any time: they are sent with every start, so that they stand after a reboot, too.
        """
        ...

    def deadline(self) -> float | None:
        """When the next tick is due, or None."""
        ...
