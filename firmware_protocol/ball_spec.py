"""What a ball is made of, as data."""

from dataclasses import dataclass

from firmware_protocol.driver import Unit
from firmware_protocol.messages import MAX_CHANNELS, MAX_HZ, MIN_HZ, CalPoint, Caps

ALL_CAPS = (
    Caps.CALIBRATION
    | Caps.RAW
    | Caps.LIMITS
    | Caps.HAPTIC
    | Caps.LED
    | Caps.LOG
    | Caps.BUTTON
    | Caps.BATTERY
    | Caps.TEMPERATURE
    | Caps.SENSOR
)
USUAL_HZ = 100  # the default rate is the slowest one not below this


@dataclass(frozen=True, slots=True)
class BallIdentity:
    """What IDENT tells; "" is NO_DATA."""

    vendor: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    hardware: str = ""


@dataclass(frozen=True, slots=True)
class BallSpec:
    """A ball before it is switched on. Counts are in `lsb`.

    The sensor's values are those of `points`, one table per channel (none: a straight line of `raw_lsb`). With caps
    CALIBRATION, which takes newtons, CAL_SET changes what is sent, and a channel without points makes all raw counts.
    """

    identity: BallIdentity = BallIdentity()
    channels: int = 1
    unit: int = Unit.NEWTON
    lsb: float = 0.05  # of one count, as f32
    rates_hz: tuple[int, ...] = (100,)
    caps: Caps = ALL_CAPS
    full_scale: int = 0  # counts, 0 unknown; beyond it a channel is saturated
    cell_mm2: int = 0
    contact_mm2: int = 0
    tool: int = 0
    boot_id: int = 0xDEADBEEF
    points: tuple[tuple[CalPoint, ...], ...] = ()
    cal_day: int = 0  # days since 2000-01-01
    cal_crc: int = 0  # of a ball without CALIBRATION; else it is computed
    raw_lsb: float = 32.0  # ADC counts per count
    default_hz: int = 0  # 0: the slowest rate of 100 Hz or more, else the fastest
    period_ratio: float = 1.0  # true period over the nominal one START tells; R23 allows 0.8 to 1.2
    settle_us: int = 0  # from the start of scanning to the first conversion that counts
    log_s: float = 60.0  # R36
    buffer_s: float = 1.5  # R27: at least 1
    highest_limit: int = 32_766  # R34: LIMITS above it are lowered

    @property
    def usual_hz(self) -> int:
        rates = sorted(self.rates_hz)
        return self.default_hz or next((hz for hz in rates if hz >= USUAL_HZ), rates[-1])

    def __post_init__(self) -> None:
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise ValueError(f"a ball has 1 to {MAX_CHANNELS} channels, not {self.channels}")
        if not self.rates_hz or not all(MIN_HZ <= hz <= MAX_HZ for hz in self.rates_hz):
            raise ValueError(f"a ball scans at {MIN_HZ} to {MAX_HZ} Hz, not {self.rates_hz}")
        if self.points and len(self.points) != self.channels:
            raise ValueError(f"{len(self.points)} tables of points for {self.channels} channels")
        if self.caps & Caps.CALIBRATION and self.unit != Unit.NEWTON:
            raise ValueError("calibration points are in newtons: so is a ball with them")
