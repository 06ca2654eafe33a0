"""The ball's one averaging job: TARE, RAW or a tare by button (R28, R29)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from firmware_protocol.ball_link import BallLink
from firmware_protocol.messages import MAX_VALUE, NO_VALUE, SATURATED, Status

MOVED = 0.01  # R28: of full scale


@dataclass(slots=True, eq=False)
class Averaging:
    """`link` and `tag` are those to answer; None: the button. Values are calibrated, before zero."""

    raw: bool  # RAW, else TARE
    avg_ms: int
    until_us: int
    link: BallLink | None = None
    tag: int = 0
    values: list[NDArray[np.int16]] = field(default_factory=list)

    def add(self, values: NDArray[np.int16]) -> None:
        self.values.append(values)

    def means(self, full_scale: int) -> NDArray[np.float64] | Status:
        """Per channel, or why there are none."""
        values = np.concatenate(self.values).astype(np.int32)
        if (values == NO_VALUE).any() or (np.abs(values) >= SATURATED).any():
            return Status.HARDWARE
        moved = int(np.ptp(values, axis=0).max())
        if not self.raw and moved > MOVED * (full_scale or MAX_VALUE):
            return Status.UNSTABLE
        means: NDArray[np.float64] = values.mean(axis=0)
        return means
