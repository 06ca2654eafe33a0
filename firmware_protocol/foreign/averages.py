"""The mean of what a device sends for a while, and what comes of it: a zero taken here, or a point of calibration."""

import numpy as np

from firmware_protocol.driver import RawMeans, Refused, ZeroChanged
from firmware_protocol.foreign.scale import Floats, Scale
from firmware_protocol.messages import Raw, Status, Tare
from firmware_protocol.words import refused

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

    def outcome(self, scale: Scale, next_index: int) -> RawMeans | ZeroChanged | Refused:
        """The means, or the new zero of `scale` from the scan `next_index` on; or why neither can be."""
        numbers = np.concatenate(self._rows)
        request = self.request
        if isinstance(request, Raw):
            if not np.isfinite(numbers).all():
                return refused(request, Status.HARDWARE)
            return RawMeans(tuple(numbers.mean(axis=0).tolist()))
        if scale.at_end(numbers):
            return refused(request, Status.HARDWARE)
        if scale.moved(numbers):
            return refused(request, Status.UNSTABLE)
        means = numbers.mean(axis=0)
        value, trusted = scale.zero(means)
        return ZeroChanged(value, next_index, trusted, tuple(means.tolist()))
