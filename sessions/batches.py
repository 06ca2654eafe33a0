"""Batches of scans, one by one as they came, and as columns."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sessions.events import Floats

Values = NDArray[np.int16]
Column = NDArray[np.int64]
Entry = TypeVar("Entry", bound=np.generic)

AREA_PARTS = 1e6
MAX_AREA_CM2 = 1e6


class Batch(NamedTuple):
    """One batch as it came, with its own stamp. `t_s` runs evenly from `from_s` to `to_s`.

    Kept to 1 us; the arrival to 1 ms after the first scan, because in a microsecond of the radio's jitter
    there is no more than in a millisecond, and it would cost a quarter of the chunk.
    """

    values: Values  # (scans, channels), scans >= 1
    first_index: int  # wide, of the first scan
    t_us: int
    span_us: int
    from_s: float
    to_s: float
    arrival_s: float
    segment: int
    lost: int
    late: bool  # back-filled
    unknown: int = 0  # scans at its beginning that were not to be trusted, as after a tare under load
    area_cm2: float = math.nan  # contact area of the tool in use; NaN unknown

    @property
    def t_s(self) -> Floats:
        """(scans,) session seconds."""
        return np.linspace(self.from_s, self.to_s, len(self.values))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Consecutive batches as columns, in the order they came. Times are whole numbers."""

    index: Column  # (batches,), as are all columns
    scans: Column
    t_us: Column
    span_us: Column
    from_us: Column  # session time of the first scan
    length_us: Column  # to the last scan
    delay_ms: Column  # from the first scan to its arrival
    segment: Column
    lost: Column
    late: Column  # 0 or 1
    unknown: Column
    area: Column  # millionths of a cm2; 0 unknown
    values: Values  # (sum of scans, channels)

    @property
    def channels(self) -> int:
        return int(self.values.shape[1])

    @property
    def from_s(self) -> float:
        """Session time of the earliest scan."""
        return float(self.from_us.min()) * 1e-6

    @property
    def to_s(self) -> float:
        """Session time of the latest scan."""
        return float((self.from_us + self.length_us).max()) * 1e-6

    def t_s(self) -> Floats:
        """(scans,) session seconds of every scan."""
        step = self.length_us / np.maximum(self.scans - 1, 1)
        return np.asarray((np.repeat(self.from_us, self.scans) + self._within() * np.repeat(step, self.scans)) * 1e-6)

    def area_cm2(self) -> Floats:
        """(batches,) contact area; NaN unknown."""
        return np.where(self.area > 0, self.area / AREA_PARTS, np.nan)

    def untrusted(self) -> NDArray[np.bool_]:
        """(scans,) whose values mean nothing."""
        return np.asarray(self._within() < np.repeat(self.unknown, self.scans))

    def _within(self) -> Column:
        """(scans,) number of each scan within its batch."""
        return np.arange(len(self.values)) - np.repeat(np.cumsum(self.scans) - self.scans, self.scans)

    def per_scan(self, column: NDArray[Entry]) -> NDArray[Entry]:
        """(scans,) each batch's entry of `column`, repeated for its scans."""
        return np.repeat(column, self.scans)

    def some(self, start: int, end: int) -> "Part":
        """The batches from `start` up to `end`."""
        scans = np.concatenate(([0], np.cumsum(self.scans)))
        fields = {name: getattr(self, name)[start:end] for name in Part.__slots__}
        return Part(**{**fields, "values": self.values[scans[start] : scans[end]]})

    def batches(self) -> Iterator[Batch]:
        """The batches one by one, as they came."""
        end, area_cm2 = 0, self.area_cm2()
        for row in range(len(self.index)):
            start, end = end, end + int(self.scans[row])
            yield Batch(
                self.values[start:end],
                int(self.index[row]),
                int(self.t_us[row]),
                int(self.span_us[row]),
                int(self.from_us[row]) / 1e6,
                int(self.from_us[row] + self.length_us[row]) / 1e6,
                int(self.from_us[row]) / 1e6 + int(self.delay_ms[row]) / 1e3,
                int(self.segment[row]),
                int(self.lost[row]),
                bool(self.late[row]),
                int(self.unknown[row]),
                float(area_cm2[row]),
            )


_NONE: dict[str, Any] = dict.fromkeys(Part.__slots__, np.empty(0, np.int64))
NOTHING = Part(**_NONE | {"values": np.empty((0, 0), np.int16)})


def pack(batches: Sequence[Batch]) -> Part:
    """Batches of equal channel count, as columns. ValueError where they do not fit together."""
    _, index, t_us, span_us, from_s, to_s, arrival_s, segment, lost, late, unknown, area_cm2 = zip(
        *batches, strict=True
    )
    from_us = _microseconds(from_s)
    return Part(
        np.array(index, np.int64),
        np.array([len(batch.values) for batch in batches], np.int64),
        np.array(t_us, np.int64),
        np.array(span_us, np.int64),
        from_us,
        _microseconds(to_s) - from_us,
        np.rint((_microseconds(arrival_s) - from_us) / 1000).astype(np.int64),
        np.array(segment, np.int64),
        np.array(lost, np.int64),
        np.array(late, np.int64),
        np.array(unknown, np.int64),
        np.rint(np.clip(np.nan_to_num(area_cm2), 0.0, MAX_AREA_CM2) * AREA_PARTS).astype(np.int64),
        np.concatenate([batch.values for batch in batches]),
    )


def join(parts: Sequence[Part]) -> Part:
    """Parts of equal channel count, one after the other."""
    columns = ([getattr(part, name) for part in parts] for name in Part.__slots__)
    return Part(*(np.concatenate(column) for column in columns))


def _microseconds(seconds: Sequence[float]) -> Column:
    numbers = np.array(seconds, np.float64) * 1e6
    if not np.all(np.abs(numbers) < 2.0**62):
        raise ValueError("a time that is no time")
    return np.rint(numbers).astype(np.int64)
