"""The mean of what a device sends for a while: for a zero taken here, or a point of its calibration."""

import numpy as np

from firmware_protocol.driver import RawMeans
from firmware_protocol.foreign.scale import Floats
from firmware_protocol.messages import Raw, Tare

DEFAULT_MS = 500
LEAST_SCANS = 3  # of a slow device it takes longer
MOST_SCANS = 8192
PATIENCE_S = 5.0  # beyond the time asked for


class Average:
    """`now_s` is when it was asked for."""

    def __init__(self, request: Tare | Raw, now_s: float) -> None:
        self.request = request
        self._until_s = now_s + (request.avg_ms or DEFAULT_MS) / 1000
        self.give_up_s = self._until_s + PATIENCE_S
        self._rows: list[Floats] = []
        self._scans = 0
        self._last_s = now_s

    def add(self, numbers: Floats, arrival_s: float) -> bool:
        """(scans, channels). True: what came before was enough, and these are no part of it."""
        if arrival_s > max(self._until_s, self._last_s) and self._scans >= LEAST_SCANS:
            return True
        self._last_s = arrival_s
        if self._scans < MOST_SCANS:
            self._rows.append(numbers)
            self._scans += len(numbers)
        return False

    def numbers(self) -> Floats:
        return np.concatenate(self._rows)

    def means(self) -> RawMeans:
        return RawMeans(tuple(self.numbers().mean(axis=0).tolist()))
