"""What a virtual ball measures, slot by slot, and the record of what is true.

A slot's counts follow from the scenario, the seed, the slot's number and the scan rates that were asked for.
Nothing measured is kept: the record is a few numbers, and the slots are worked out again when asked for.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from firmware_protocol.messages import MAX_VALUE, MIN_VALUE, NO_VALUE
from firmware_protocol.scanner import SECOND_US, Scans
from firmware_protocol.simulator.cellfaults import CellFaults
from firmware_protocol.simulator.faults import Fault
from firmware_protocol.simulator.scenarios import Scenario

Counts = NDArray[np.int16]
Floats = NDArray[np.float64]
Index = NDArray[np.int64]

NOISE_LSB = 1.0  # rms, every channel
# Slots are worked out in whole blocks: numpy may round a sine differently at another place of another array, and
# a slot has one value however it is asked for.
BLOCK = 64
_ROWS = 64 * BLOCK  # written at a time


@dataclass(frozen=True, slots=True)
class Pace:
    """From slot `first` on slots are `period_us` apart; slot `first` is `since_us` into the scenario."""

    first: int
    period_us: int
    since_us: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Slots `first` .. `end` - 1 were scanned, without a hole; the first at `t_us` of the ball's clock."""

    first: int
    end: int
    t_us: int
    period_us: int


@dataclass(frozen=True, slots=True)
class Zero:
    """From slot `first` on these counts were subtracted, one per channel."""

    first: int
    counts: tuple[int, ...]


class Truth:
    """`channels` cells under the person of `scenario`, who moves only while the ball scans: slot 0 is its second 0.

    `measure` is the ball's sensor and `witness` its witness (`firmware_protocol.ball`), where slots are its scan
    numbers; a ball that boots again, or does not begin at 0, counts otherwise (`boot`). `faults`: of its cells.
    """

    def __init__(
        self, scenario: Scenario, seed: int, channels: int, lsb_n: float, faults: Mapping[str, Fault] | None = None
    ) -> None:
        self.channels = channels
        self.stretches: list[Stretch] = []
        self._body = scenario.body(channels=channels, seed=seed)
        self._lsb_n = lsb_n
        self._key = np.random.SeedSequence((seed, crc32(scenario.key.encode()))).generate_state(2, np.uint64)
        self._faults = CellFaults(faults or {}, self._key, lsb_n)
        self._boots = [(0, 0)]  # from a slot on, what to add for the ball's own scan numbers
        self._paces = [Pace(0, 10_000, 0)]
        self._zeros = [Zero(0, (0,) * channels)]
        self._block: tuple[Pace, int] | None = None  # which one is in `_counts`
        self._counts: Counts = np.zeros((BLOCK, channels), np.int16)

    def pace(self, first: int, period_us: int) -> None:
        """Slots from `first` on, none of them measured yet, are `period_us` apart. The scenario goes on."""
        last = self._paces[-1]
        if last.period_us == period_us:
            return
        if last.first == first:
            self._paces.pop()
        self._paces.append(Pace(first, period_us, last.since_us + (first - last.first) * last.period_us))

    def boot(self, first: int, index: int) -> None:
        """The ball counts slot `first` as scan `index`, and on from there."""
        self._boots.append((first, index - first))

    def slots(self, index: Index) -> Index:
        """Slots of the newest boot's scan numbers."""
        return index - self._boots[-1][1]

    def measure(self, first: int, count: int) -> Counts:
        """(count, channels) counts of slots from `first` on, before zero."""
        counts = np.empty((count, self.channels), np.int16)
        for pace, block, start, stop in self._pieces(first, first + count):
            at = block * BLOCK
            counts[start - first : stop - first] = self._measured(pace, block)[start - at : stop - at]
        return counts

    def witness(self, scans: Scans) -> None:
        """These slots were scanned, in order, and sent or kept for sending as they are."""
        if not len(scans):
            return
        first = int(scans.index[0])
        self._see_times(scans.index, scans.t_us)
        before = self.measure(first, int(scans.index[-1]) + 1 - first)[scans.index - first]
        zeros = before.astype(np.int32) - scans.values
        last = self._zeros[-1].counts
        known = _known(before)
        for at in np.flatnonzero((known & (zeros != last)).any(axis=1)).tolist():
            counts = tuple(np.where(known[at], zeros[at], self._zeros[-1].counts).tolist())
            if counts != self._zeros[-1].counts:
                self._zeros.append(Zero(int(scans.index[at]), counts))

    def values(self, index: Index) -> Counts:
        """(n, channels) of these slots, rising, as the protocol carries them: after zero."""
        zeros = np.array([zero.counts for zero in self._zeros], np.int32)
        since = np.searchsorted([zero.first for zero in self._zeros], index, side="right") - 1
        first = int(index[0])
        before = self.measure(first, int(index[-1]) + 1 - first)[index - first]
        values: Counts = np.where(_known(before), before - zeros[since], before).astype(np.int16)
        return values

    def force_n(self, index: Index) -> Floats:
        """(n,) total newtons at these slots, free of noise."""
        return self._body.load(self.scenario_s(index))

    def scenario_s(self, index: Index) -> Floats:
        """The scenario's seconds at slots. They go on counting through its repeats."""
        number = np.searchsorted([pace.first for pace in self._paces], index, side="right") - 1
        first, period_us, since_us = np.array([_row(pace) for pace in self._paces], np.int64)[number].T
        return np.asarray((since_us + (index - first) * period_us) / SECOND_US, np.float64)

    def scenario_at(self, index: int) -> float:
        return float(self.scenario_s(np.array([index]))[0])

    def write(self, path: Path) -> None:
        """CSV, a row per slot scanned: index, t_us, force_n (newtons, free of noise), ch0.. (counts after zero).

        Index and t_us are the ball's own, and begin anew where it booted.
        """
        with path.open("w", encoding="ascii", newline="\n") as file:
            file.write(",".join(["index", "t_us", "force_n", *(f"ch{n}" for n in range(self.channels))]) + "\n")
            for stretch in self.stretches:
                for first in range(stretch.first, stretch.end, _ROWS):
                    file.writelines(self._rows(stretch, first, min(_ROWS, stretch.end - first)))

    def _rows(self, stretch: Stretch, first: int, count: int) -> Iterator[str]:
        slots = np.arange(first, first + count)
        added = next(added for since, added in reversed(self._boots) if since <= first)
        columns = ((slots + added).tolist(), self.force_n(slots).tolist(), self.values(slots).tolist())
        for index, force, row in zip(*columns, strict=True):
            t_us = stretch.t_us + (index - added - stretch.first) * stretch.period_us
            yield f"{index},{t_us},{force:.4f},{','.join(map(str, row))}\n"

    def _see_times(self, index: Index, t_us: Index) -> None:
        period_us = self._paces[-1].period_us
        for slot, at_us in zip(index.tolist(), t_us.tolist(), strict=True):
            last = self.stretches[-1] if self.stretches else None
            if last is not None and slot == last.end and at_us == last.t_us + (slot - last.first) * last.period_us:
                self.stretches[-1] = replace(last, end=slot + 1)
            else:
                self.stretches.append(Stretch(slot, slot + 1, at_us, period_us))

    def _pieces(self, first: int, end: int) -> Iterator[tuple[Pace, int, int, int]]:
        """Pace, block, first slot and end of each piece of these slots that one block of one pace covers."""
        begins = [pace.first for pace in self._paces]
        at = first
        while at < end:
            number = bisect_right(begins, at)
            stop = min([end, (at // BLOCK + 1) * BLOCK, *begins[number : number + 1]])
            yield self._paces[number - 1], at // BLOCK, at, stop
            at = stop

    def _measured(self, pace: Pace, block: int) -> Counts:
        """(BLOCK, channels) counts of a whole block, as if all of it were at this pace."""
        if self._block != (pace, block):
            index = np.arange(block * BLOCK, (block + 1) * BLOCK)
            # What lies before the first slot is asked for by nobody.
            t_us = np.maximum(pace.since_us + (index - pace.first) * pace.period_us, 0)
            at_s = t_us / SECOND_US
            counts = self._body.force(at_s) / self._lsb_n + NOISE_LSB * self._noise(block)
            counts = np.rint(self._faults.counts(counts, at_s, self._body.force))
            self._counts = np.clip(counts, MIN_VALUE - 1, MAX_VALUE + 1).astype(np.int16)
            self._faults.blanks(self._counts, at_s, block)
            self._block = (pace, block)
        return self._counts

    def _noise(self, block: int) -> Floats:
        """(BLOCK, channels), mean 0, rms 1. Counter-based: a block's numbers depend on no other's."""
        bits = np.random.Philox(key=self._key, counter=[0, block, 0, 0])
        return np.random.Generator(bits).standard_normal((BLOCK, self.channels))


def _known(counts: Counts) -> NDArray[np.bool_]:
    """Where a zero is subtracted: neither without value nor at an end."""
    return np.asarray((counts != NO_VALUE) & (np.abs(counts.astype(np.int32)) <= MAX_VALUE))


def _row(pace: Pace) -> tuple[int, int, int]:
    return pace.first, pace.period_us, pace.since_us
