"""Whether a sensor may be stuck: the same raw value for more than 3 s under load.

Only where noise is known to exceed the quantum: in some whole second under load, at least half of the scans changed.
Learnt at whole seconds, so that any split learns the same.
"""

import numpy as np

from companion.safety.meters import Measured
from companion.safety.scale import CONTACT_KPA
from companion.safety.watch import Bools, Signal
from sessions.events import Floats

STUCK_S = 3.0
NOISY_SCANS, NOISY_PART = 10, 0.5


class Stuck:
    def __init__(self) -> None:
        self._noisy = False
        self._raw_n: float | None = None  # the last one
        self._since_us = 0.0  # when it last changed
        self._scans = self._changes = 0  # of the present second, under load

    def feed(self, measured: Measured) -> Signal:
        """For how long the value has not changed, in seconds; 0 unless pressed."""
        scans = measured.scans
        raw, t_us = scans.raw_n, scans.t_us
        changed = np.empty(len(raw), np.bool_)
        changed[0] = self._raw_n is None or raw[0] != self._raw_n
        np.not_equal(raw[1:], raw[:-1], out=changed[1:])
        if scans.saturated is not None:
            changed |= scans.saturated
        before_us = self._since_us
        if changed.any():
            self._since_us = float(t_us[len(changed) - 1 - int(changed[::-1].argmax())])
        self._raw_n = float(raw[-1])
        if not self._noisy:
            self._count(measured, changed)
            return Signal(0.0, 0.0, lambda: np.zeros(len(raw)))
        longest_s = (float(t_us[-1]) - before_us) * 1e-6

        def ages() -> Floats:
            since = np.maximum.accumulate(np.where(changed, t_us, before_us))
            return np.where(measured.p_kpa >= CONTACT_KPA, (t_us - since) * 1e-6, 0.0)

        return Signal(0.0, longest_s, ages)

    def second(self) -> None:
        """A whole second of session time is over."""
        if self._scans >= NOISY_SCANS and self._changes >= NOISY_PART * self._scans:
            self._noisy = True
        self._scans = self._changes = 0

    def restart(self) -> None:
        self._raw_n = None

    def _count(self, measured: Measured, changed: Bools) -> None:
        if measured.contact is True:
            self._scans += len(changed)
            self._changes += int(np.count_nonzero(changed))
        elif measured.contact is not False:
            self._scans += int(np.count_nonzero(measured.contact))
            self._changes += int(np.count_nonzero(changed & measured.contact))
