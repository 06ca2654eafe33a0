"""Session time: where each scan lies, what is missing between two, and which host moment that was.

Session time is the ball's own clock, counted in whole microseconds from the session's first scan. Arrival times come in
clumps and never make a time axis; they only say which host moment a session moment was (R51), and where a new clock
joins the old one. Each clock is a segment: `session = device time + shift`, one integer per segment.
"""

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from firmware_protocol.driver import Continuity, Samples, Started
from sessions.events import Floats

SUSPENDED_S = 10.0  # host and ball disagree on how long it was: a live link ends after 5 s of silence (R44)
SILENT_S = 1.0  # a ball without a clock that paused for longer, and for 6 periods, was not measuring all the time
SILENT_PERIODS = 6
MAX_US = 2**53  # 285 years: no session, and the last whole number a double is sure of

ENVELOPE_S = 30.0  # R51
FIT_BUCKETS = 60  # seconds with data before a rate is believed: 2 s gave errors of 3000 ppm
FIT_EVERY = 10
KEPT_BUCKETS = 300
MAX_RATE_ERROR = 500e-6  # R51


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A batch of scans in session time."""

    t_s: Floats  # (scans,), rising, read-only
    values: NDArray[np.int16]  # (scans, channels), as the ball sent them
    index: int  # of the first scan
    t_us: int  # of the first scan, on the clock of the segment
    span_us: int
    segment: int  # +1 at each new clock
    lost: int  # scans missing directly before
    fresh: bool  # a gap, a new segment or nothing lies before: windows start anew
    arrival_s: float
    period_s: float  # nominal
    late: bool  # back-filled: lies somewhere in the past


@dataclass(frozen=True, slots=True)
class Gap:
    """Between the last scan before (`from_s`) and the first one after (`to_s`) nothing was received.

    `lost` scans were taken by the ball and did not arrive; 0 where nothing was measured, or nobody can tell.
    cause: lost, link (and the run went on), other_run, reboot, suspended (the host slept or its clock was stepped).
    """

    from_s: float
    to_s: float
    lost: int
    cause: str


class HostClock:
    """Host moment of a session moment, from arrivals: `arrival - t` is the clocks' difference plus a delay >= 0.

    The least of the last 30 s is all difference, nearly. Its rate is 1 until 60 s have brought data; then it is that of
    the line under all points which lies nearest to them (Moon, Skelly, Towsley 1999: an edge of the lower convex hull),
    which late arrivals cannot lift. One point is kept per second, 300 at most: O(1) amortised, whatever the scan rate.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.rate_error = 0.0  # host seconds gained per session second
        self.offset_s = math.nan  # host - session at `_at_s`
        self._at_s = 0.0
        self._points: deque[tuple[float, float]] = deque(maxlen=KEPT_BUCKETS)
        self._closed = 0
        self._bucket: tuple[float, float] | None = None  # the least of this second: (t_s, difference)
        self._bucket_ends_s = 0.0

    def observe(self, arrival_s: float, t_s: float) -> None:
        """A batch arrived whose last scan was taken at `t_s`."""
        difference = arrival_s - t_s
        if self._bucket is None or t_s >= self._bucket_ends_s:
            self._next_bucket(t_s, difference)
            return
        if difference < self._bucket[1]:
            self._bucket = t_s, difference
        offset = difference - self.rate_error * (t_s - self._at_s)
        if offset < self.offset_s:
            self.offset_s = offset

    def host_s(self, t_s: float) -> float:
        """NaN before anything was observed."""
        return t_s + self.offset_s + self.rate_error * (t_s - self._at_s)

    def session_s(self, now_s: float) -> float:
        """NaN before anything was observed."""
        return self._at_s + (now_s - self.offset_s - self._at_s) / (1.0 + self.rate_error)

    def _next_bucket(self, t_s: float, difference: float) -> None:
        if self._bucket is not None:
            self._points.append(self._bucket)
            self._closed += 1
            if self._closed >= FIT_BUCKETS and self._closed % FIT_EVERY == 0:
                slope = _slope_below(list(self._points))
                self.rate_error = min(max(slope, -MAX_RATE_ERROR), MAX_RATE_ERROR)
        self._bucket = t_s, difference
        self._bucket_ends_s = math.floor(t_s) + 1.0
        self._at_s = t_s
        offset = difference
        for at_s, seen in reversed(self._points):
            if at_s < t_s - ENVELOPE_S:
                break
            offset = min(offset, seen - self.rate_error * (at_s - t_s))
        self.offset_s = offset


class Timeline:
    """Places a ball's batches in session time. Fed with what the driver has already put in order and unwrapped.

    Scan k of n lies at `t + k * span / (n - 1)` (R25), rounded down to a microsecond. Without a clock (`has_clock`
    False) a batch is stamped on arrival and regular inside. Duplicates and what lies before the last scan are dropped
    and counted in `dropped` (scans); so is what comes before the first START.
    """

    def __init__(self, has_clock: bool = True) -> None:
        self.has_clock = has_clock
        self.dropped = 0
        self.segment = 0
        self.clock = HostClock()
        self.origin_host_s: float | None = None  # host moment of t_s = 0, as the first batch told it
        self._period_s: float | None = None
        self._expected = 0  # index
        self._joint = ""  # why the next batch may not join the last one
        self._slept = False
        self._shift_us = 0  # session time - device time
        self._next_shift_us = 0  # of the segment to come
        self._last_us = -1  # session time of the last scan
        self._last_arrival_s = 0.0
        self._counting = np.arange(128)

    def start(self, started: Started) -> list[Gap]:
        """The stream starts, or starts again. Gives no gap yet: how long it was is known when the next batch is fed."""
        self._period_s = started.period_s
        if self.origin_host_s is None:
            self._expected = started.next_index
        elif started.continuity is Continuity.GOES_ON:
            pass
        elif started.continuity is Continuity.SAME_RUN:
            self._joint = self._joint or "link"
        elif started.continuity is Continuity.OTHER_RUN:
            self._expected = started.next_index
            self._joint = "reboot" if self._joint == "reboot" else "other_run"
        else:
            self._expected = started.next_index
            self._joint = "reboot"
            self._next_shift_us = round(self.clock.session_s(started.arrival_s) * 1e6) - started.t_us
        return []

    def suspended(self) -> None:
        """The host's clock went on while the host did not: it missed an appointment by seconds."""
        self._slept = self.origin_host_s is not None

    def feed(self, samples: Samples) -> list[Placed | Gap]:
        scans = len(samples.values)
        if samples.late:
            return self._feed_late(samples, scans)
        t_us, span_us = (samples.t_us, samples.span_us) if self.has_clock else self._stamp(samples.arrival_s, scans)
        lost = samples.index - self._expected
        if self._period_s is None or scans == 0 or lost < 0 or span_us < scans - 1:
            return self._drop(scans)
        if self.origin_host_s is None:
            self._shift_us = -t_us
            self.origin_host_s = samples.arrival_s - span_us * 1e-6
            return [self._accept(samples, t_us, span_us, lost, True)]
        cause = self._cause(t_us, span_us, lost, samples.arrival_s, samples.hole)
        shift_us = self._shift_us
        if cause == "reboot" and self.has_clock:
            shift_us = max(self._next_shift_us, self._last_us + self._period_us() - t_us)
        if not self._last_us < t_us + shift_us < MAX_US:
            return self._drop(scans)
        if not cause:
            return [self._accept(samples, t_us, span_us, lost, False)]
        gap = Gap(self._last_us * 1e-6, (t_us + shift_us) * 1e-6, lost, cause)
        self._shift_us = shift_us
        self._joint = ""
        self._slept = False
        if cause == "reboot":
            self.segment += 1
        if cause in ("reboot", "suspended"):
            self.clock.reset()
        return [gap, self._accept(samples, t_us, span_us, lost, True)]

    def session_s(self, now_s: float) -> float:
        """Session time at a host moment; 0 before the first scan."""
        return 0.0 if self.origin_host_s is None else self.clock.session_s(now_s)

    def host_s(self, t_s: float) -> float:
        """Host moment of a session time, by the present segment's clock; NaN before the first scan."""
        return self.clock.host_s(t_s)

    def _accept(self, samples: Samples, t_us: int, span_us: int, lost: int, fresh: bool) -> Placed:
        """The batch in order; what comes after it is measured against it."""
        scans = len(samples.values)
        self._joint = ""
        self._expected = samples.index + scans
        self._last_us = t_us + self._shift_us + span_us
        self._last_arrival_s = samples.arrival_s
        self.clock.observe(samples.arrival_s, self._last_us * 1e-6)
        return self._placed(samples, t_us, span_us, lost, fresh)

    def _placed(self, samples: Samples, t_us: int, span_us: int, lost: int, fresh: bool) -> Placed:
        scans = len(samples.values)
        if scans > len(self._counting):
            self._counting = np.arange(scans)
        scan_us = self._counting[:scans] * span_us
        if scans > 1:
            scan_us //= scans - 1
        scan_us += t_us + self._shift_us
        t_s: Floats = np.multiply(scan_us, 1e-6)
        t_s.setflags(write=False)
        return Placed(
            t_s,
            samples.values,
            samples.index,
            t_us,
            span_us,
            self.segment,
            lost,
            fresh,
            samples.arrival_s,
            self._period_s or 0.0,
            samples.late,
        )

    def _cause(self, t_us: int, span_us: int, lost: int, arrival_s: float, hole: bool) -> str:
        """Why this batch does not follow the last one; empty if it does."""
        if self._joint == "reboot":
            return "reboot"
        ahead_us = t_us + self._shift_us - self._last_us
        if self._slept:
            return "suspended"
        if self.has_clock:
            host_s = arrival_s - self._last_arrival_s
            if abs(host_s - (ahead_us + span_us) * 1e-6) > SUSPENDED_S:
                return "suspended"
        elif not self._joint and ahead_us > max(SILENT_S * 1e6, SILENT_PERIODS * self._period_us()):
            return "lost"
        if self._joint == "link" and self.has_clock and not lost and not hole:
            return ""
        return self._joint or ("lost" if lost or hole else "")

    def _feed_late(self, samples: Samples, scans: int) -> list[Placed | Gap]:
        """Back-filled scans have a place in the past and change nothing in the present."""
        first_us = samples.t_us + self._shift_us
        if not (self.has_clock and self.origin_host_s is not None and 0 <= first_us < MAX_US):
            return self._drop(scans)
        return [self._placed(samples, samples.t_us, samples.span_us, 0, False)]

    def _stamp(self, arrival_s: float, scans: int) -> tuple[int, int]:
        """Microseconds and span, on the host's clock, of scans that bring no time: the last one is new.

        Batches that come in a clump share the time since the scan before them.
        """
        arrival_us = round(arrival_s * 1e6)
        steps = scans - 1
        step_us = self._period_us()
        first_us = arrival_us - steps * step_us
        if self.origin_host_s is not None:
            earliest_us = self._last_us - self._shift_us + 1
            if first_us < earliest_us:
                first_us = earliest_us
                step_us = max(1, (arrival_us - first_us) // steps) if steps else 0
        return first_us, steps * step_us

    def _period_us(self) -> int:
        return max(1, round((self._period_s or 0.0) * 1e6))

    def _drop(self, scans: int) -> list[Placed | Gap]:
        self.dropped += scans
        return []


def _slope_below(points: list[tuple[float, float]]) -> float:
    """Slope of the line under all points (rising x) with the least sum of distances: the hull's edge at their mean."""
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) > 1:
            (x1, y1), (x2, y2) = hull[-2:]
            if (x2 - x1) * (y - y1) > (y2 - y1) * (x - x1):
                break
            hull.pop()
        hull.append((x, y))
    middle = sum(x for x, _ in points) / len(points)
    for (x1, y1), (x2, y2) in pairwise(hull):
        if x2 >= middle:
            return (y2 - y1) / (x2 - x1)
    return 0.0
