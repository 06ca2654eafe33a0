"""Cells that do not tell the truth: at their end, stuck, wandering, or without a value.

What a slot shows depends on the scenario's second and the slot's number alone, like everything in truth.py.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_protocol.messages import NO_VALUE, SATURATED
from firmware_protocol.simulator.faults import Fault

CELL = 0  # the one that saturates or has no value

Counts = NDArray[np.int16]
Floats = NDArray[np.float64]
Forces = Callable[[Floats], Floats]  # newtons of each cell, (n, channels), at seconds of the scenario


class CellFaults:
    """What cells make of the forces on them. `lsb_n`: newtons of one count."""

    def __init__(self, faults: Mapping[str, Fault], key: NDArray[Any], lsb_n: float) -> None:
        self._faults = faults
        self._key = key
        self._lsb_n = lsb_n

    def counts(self, before: Floats, scenario_s: Floats, forces: Forces) -> Floats:
        """(n, channels) counts, not yet whole or bounded, as these cells have them instead of `before`."""
        counts = before
        drift = self._faults.get("drift")
        if drift is not None:
            wandered_n = drift.value * np.maximum(scenario_s - (drift.at_s or 0.0), 0.0)
            counts = counts + (wandered_n / (counts.shape[1] * self._lsb_n))[:, None]
        stuck = self._faults.get("stuck")
        if stuck is not None and (held := self._during(stuck, scenario_s)).any():
            still = forces(np.array([stuck.at_s or 0.0])) / self._lsb_n
            counts = np.where(held[:, None], still, counts)
        saturate = self._faults.get("saturate")
        if saturate is not None and (held := self._during(saturate, scenario_s)).any():
            counts = counts.copy()
            counts[held, CELL] = SATURATED
        return counts

    def blanks(self, counts: Counts, scenario_s: Floats, block: int) -> None:
        """Put NO_VALUE where a cell has none; `block` is what the draws are counted by."""
        fault = self._faults.get("nan")
        if fault is None:
            return
        bits = np.random.Philox(key=self._key, counter=[1, block, 0, 0])
        share = np.random.Generator(bits).random(len(counts))
        counts[(share < fault.value) & (scenario_s >= (fault.at_s or 0.0)), CELL] = NO_VALUE

    @staticmethod
    def _during(fault: Fault, scenario_s: Floats) -> NDArray[np.bool_]:
        from_s = fault.at_s or 0.0
        return np.asarray((scenario_s >= from_s) & (scenario_s < from_s + fault.value))
