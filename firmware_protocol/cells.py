"""The force cells of a ball: from what its converters give to what is sent (R15, R16, R28 to R32)."""

import numpy as np
from numpy.typing import NDArray

from firmware_protocol import calibration
from firmware_protocol.ball_spec import BallSpec
from firmware_protocol.driver import Unit
from firmware_protocol.messages import MAX_VALUE, NO_VALUE, SATURATED, CalPoint, CalSet, Caps

Values = NDArray[np.int16]  # (scans, channels)


class Cells:
    """Calibration and zero. Points outlive a reboot, zero does not."""

    def __init__(self, spec: BallSpec) -> None:
        self._spec = spec
        self._built = spec.points or (self._straight(),) * spec.channels  # what the sensor's values were made with
        self._keeps_points = bool(spec.caps & Caps.CALIBRATION)
        tables = self._built if self._keeps_points else ()
        self.points = {channel: CalSet(channel, spec.cal_day, table) for channel, table in enumerate(tables)}
        self.zero = np.zeros(spec.channels, np.int32)

    @property
    def calibrated(self) -> bool:
        """Every channel has points, or the ball keeps none (R30)."""
        return all(table.points for table in self.points.values())

    @property
    def unit(self) -> int:
        return self._spec.unit if self.calibrated else Unit.RAW

    @property
    def lsb(self) -> float:
        return self._spec.lsb if self.calibrated else self._spec.raw_lsb

    @property
    def full_scale(self) -> int:
        """Counts; 0 unknown."""
        return self._spec.full_scale if self.calibrated else 0

    @property
    def cal_crc(self) -> int:
        return calibration.checksum(self.points) if self._keeps_points else self._spec.cal_crc

    @property
    def largest_zero(self) -> int:
        """Of the channel where it is largest in size."""
        return int(self.zero[np.argmax(np.abs(self.zero))])

    def reboot(self) -> None:
        self.zero = np.zeros(self._spec.channels, np.int32)

    def tare(self, means: NDArray[np.float64]) -> None:
        self.zero = np.rint(means).astype(np.int32)

    def before_zero(self, values: Values) -> Values:
        """The sensor's values through the points in force; rails marked, never scaled (R16)."""
        wide = values.astype(np.int32)
        rail = np.abs(wide) >= SATURATED
        if self._spec.full_scale:
            rail |= np.abs(wide) > self._spec.full_scale
        for channel, table in self.points.items():
            built = self._built[channel]
            if table.points != built or not self.calibrated:
                wide[:, channel] = [self._reconvert(channel, built, value) for value in wide[:, channel].tolist()]
        rail |= np.abs(wide) > MAX_VALUE
        out = np.where(rail, np.where(wide < 0, -SATURATED, SATURATED), wide).astype(np.int16)
        out[values == NO_VALUE] = NO_VALUE
        return out

    def after_zero(self, values: Values) -> Values:
        """What is sent; read-only."""
        wide = values.astype(np.int32)
        zeroed = np.where(np.abs(wide) == SATURATED, wide, wide - self.zero)
        out = np.clip(zeroed, -SATURATED, SATURATED).astype(np.int16)
        out[values == NO_VALUE] = NO_VALUE
        out.setflags(write=False)
        return out

    def raw(self, means: NDArray[np.float64]) -> tuple[int, ...]:
        """ADC counts of values before zero."""
        values = [mean * self.lsb for mean in means.tolist()]
        if self.calibrated:
            tables = [self.points[i].points if self._keeps_points else built for i, built in enumerate(self._built)]
            values = [calibration.to_raw(table, value) for table, value in zip(tables, values, strict=True)]
        return tuple(round(value) for value in values)

    def _reconvert(self, channel: int, built: tuple[CalPoint, ...], value: int) -> int:
        raw = calibration.to_raw(built, value * self._spec.lsb)
        now = calibration.to_newton(self.points[channel].points, raw) if self.calibrated else raw
        return round(now / self.lsb)

    def _straight(self) -> tuple[CalPoint, ...]:
        """Points of a ball whose spec names none."""
        lsb, raw_lsb = self._spec.lsb, self._spec.raw_lsb
        return CalPoint(0, 0.0), CalPoint(round(MAX_VALUE * raw_lsb), MAX_VALUE * lsb)
