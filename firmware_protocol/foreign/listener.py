"""The part of a driver that is the same for every device that just sends: link, pace, places of scans, zero, silence.

A device kind is a subclass that turns chunks into rows of numbers, and says what they mean once it knows. Scans are
held until their rate was measured, then told, none lost. Indexes are counted here: loss shows as time alone.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from firmware_protocol import messages as m
from firmware_protocol.driver import (
    Chunk,
    Close,
    Continuity,
    Damaged,
    DriverEvent,
    Phase,
    PhaseChanged,
    Profile,
    Samples,
    Started,
    ZeroChanged,
)
from firmware_protocol.foreign.averages import Average
from firmware_protocol.foreign.known import known_of
from firmware_protocol.foreign.pace import HOLE_PERIODS, LEAST_S, MOST_S, Pace, Watch
from firmware_protocol.foreign.scale import Floats, Scale
from firmware_protocol.words import closing, refused, wrong_ball

SILENT_S, SILENT_PERIODS = 1.0, 6  # LIVE to STALE
GONE_S = 10.0  # then the link is opened anew
NOTHING_S = 8.0  # a first link that brings no scan is no device of this kind; the engine gives up after 10 s
HELD_SCANS = 4096  # while the rate is being measured
BATCH_SCANS = 512
STAMP_US = 10  # a device's own time is kept to this, as the native protocol's is


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Scans that came at once: (scans, channels) numbers as the device sent them, NaN no value."""

    numbers: Floats
    stamps_us: Sequence[int] | None  # the device's own clock, unwrapped and rising; None: it has none
    arrival_s: float


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says of itself; empty: nothing."""

    serial: str = ""
    model: str = ""
    vendor: str = ""
    firmware: str = ""


class Listener:
    """See `driver.Driver`. A subclass calls `mean` once and `take` for all it hears; hooks are what it may override."""

    key: ClassVar[str]
    max_hz: ClassVar[int]
    least_period_s: ClassVar[float] = LEAST_S  # what comes faster is not measured faster

    def __init__(self, settings: Mapping[str, object], expect_serial: str = "") -> None:
        self.known = known_of(settings)
        self.phase = Phase.DOWN
        self.now_s = 0.0
        self.identity = Identity()
        self.clocked = False
        self._expect_serial = expect_serial
        self._events: list[DriverEvent] = []
        self._damage: Counter[str] = Counter()
        self._scale: Scale | None = None
        self._profile: Profile | None = None
        self._pace, self._watch = Pace(), Watch(1.0, clocked=False)
        self._held: deque[Rows] = deque()
        self._held_scans = 0
        self._average: Average | None = None
        self._next = 0  # index
        self._last_us: int | None = None  # the device's own clock, of the last scan of this run
        self._runs = 0
        self._opened_s = self._heard_s = 0.0

    # --- Driver ---

    @property
    def damage(self) -> Mapping[str, int]:
        return self._damage

    def opened(self, now_s: float) -> list[DriverEvent]:
        self.now_s = self._opened_s = self._heard_s = now_s
        if self.phase is not Phase.ENDED:
            self.enter(Phase.GREETING)
            self.anew()
            self.begin()
        return self._told()

    def closed(self, now_s: float) -> list[DriverEvent]:
        self.now_s = now_s
        if self.phase is not Phase.ENDED:
            self._drop_average("the link was lost")
            self.enter(Phase.DOWN)
        return self._told()

    def feed(self, chunk: Chunk) -> list[DriverEvent]:
        self.now_s = chunk.arrival_s
        if self.phase not in (Phase.DOWN, Phase.ENDED):
            self.hear(chunk)
        return self._told()

    def tick(self, now_s: float) -> list[DriverEvent]:
        self.now_s = now_s
        if self.phase in (Phase.DOWN, Phase.ENDED):
            return self._told()
        if self._average is not None and now_s >= self._average.give_up_s:
            self._drop_average(None)
        if self.phase is Phase.LIVE and now_s >= self._heard_s + self.silent_s:
            self.enter(Phase.STALE)
        if self.appointment() is not None:
            self.keep()
        elif now_s >= self._gone_at_s():
            self.gone()
        return self._told()

    def ask(self, request: m.Request, now_s: float) -> list[DriverEvent]:
        self.now_s = now_s
        match request:
            case m.Stop():
                if self.phase not in (Phase.DOWN, Phase.ENDED):
                    self.farewell()
                if self.phase is not Phase.ENDED:
                    self.end(closing("stopped"))
            case m.Limits():
                pass  # nobody watches there; the guard here does
            case m.Tare() | m.Raw() if self.phase is not Phase.LIVE:
                self.tell(refused(request, None, "no scans are coming"))
            case m.Tare() | m.Raw():
                self._drop_average("asked anew")
                self._average = Average(request, now_s)
            case _:
                self.tell(refused(request, m.Status.UNKNOWN))
        return self._told()

    def deadline(self) -> float | None:
        if self.phase in (Phase.DOWN, Phase.ENDED):
            return None
        own_s = self.appointment()
        due = [self._gone_at_s() if own_s is None else own_s]
        if self.phase is Phase.LIVE:
            due.append(self._heard_s + self.silent_s)
        if self._average is not None:
            due.append(self._average.give_up_s)
        return min(due)

    # --- what a kind may say otherwise ---

    def begin(self) -> None:
        """A link is up."""

    def hear(self, chunk: Chunk) -> None:
        """Bytes."""
        raise NotImplementedError

    def farewell(self) -> None:
        """The last words before the link is closed."""

    def appointment(self) -> float | None:
        """A moment of its own; then `keep` is called instead of `gone`."""
        return None

    def keep(self) -> None:
        """Called with every tick while there is an appointment."""

    def gone(self) -> None:
        """No scan for long: open the link anew; or it never was such a device."""
        self.end(self.nothing() if self._profile is None else closing("silent"))

    def nothing(self) -> Close:
        """Nothing of this kind ever came."""
        return closing("no_ball")

    def distrusted(self) -> bool:
        """At the first start: whether its zero may be of a moment when something pressed."""
        return False

    # --- for a kind ---

    def tell(self, *events: DriverEvent) -> None:
        self._events += events

    def damaged(self, reason: str, count: int = 1) -> None:
        self._damage[reason] += count
        self.tell(Damaged(reason, count))

    def enter(self, phase: Phase) -> None:
        if phase is not self.phase:
            self.phase = phase
            self.tell(PhaseChanged(phase, self.now_s))

    def end(self, close: Close) -> None:
        self._drop_average(close.text)
        self.enter(Phase.DOWN if close.retry else Phase.ENDED)
        self.tell(close)

    def anew(self) -> None:
        """What comes next is another run of scans: its rate is measured first."""
        self._pace = Pace()
        self._held.clear()
        self._held_scans = 0
        if self.phase in (Phase.LIVE, Phase.STALE):
            self.enter(Phase.STARTING)

    def mean(self, scale: Scale, *, clocked: bool) -> None:
        """What its numbers are. Before the first `take`, and again where that has changed."""
        self._scale, self.clocked = scale, clocked

    @property
    def heard_s(self) -> float:
        """When scans came last, or the link."""
        return self._heard_s

    @property
    def silent_s(self) -> float:
        return max(SILENT_S, SILENT_PERIODS * self._watch.period_s)

    def take(self, rows: Rows) -> None:
        """Scans, in order."""
        scale, scans = self._scale, len(rows.numbers)
        if scale is None or scans == 0 or self.phase in (Phase.DOWN, Phase.ENDED):
            return
        since_s, self._heard_s = rows.arrival_s - self._heard_s, rows.arrival_s
        if self.phase not in (Phase.LIVE, Phase.STALE):
            self._hold(rows)
            return
        self.enter(Phase.LIVE)
        if since_s > self.silent_s:
            self._watch.restart()
        elif since_s > 0 and self._watch.changed():
            self._start(Continuity.GOES_ON, self._watch.period_s, rows)
        _tell_when(self._watch, rows)
        self._place(rows)

    # --- scans ---

    def _hold(self, rows: Rows) -> None:
        """What comes at one moment is looked at as one, however it is cut: so when the next moment has come."""
        if self._held and rows.arrival_s > self._held[-1].arrival_s:
            period_s = self._pace.settled(clocked=self.clocked, least_s=self.least_period_s)
            if period_s is not None:
                self._run(period_s)
                self.take(rows)
                return
        self._held.append(rows)
        self._held_scans += len(rows.numbers)
        _tell_when(self._pace, rows)
        while self._held_scans > HELD_SCANS and len(self._held) > 1:
            dropped = len(self._held.popleft().numbers)
            self._held_scans -= dropped
            self.damaged("flood", dropped)

    def _run(self, period_s: float) -> None:
        """A run of scans begins, with those that were held."""
        held, self._held = self._held, deque()
        self._held_scans = 0
        first = self._profile is None
        if not self._introduced():
            return
        self._watch = Watch(period_s, clocked=self.clocked, least_s=self.least_period_s)
        self._start(Continuity.FIRST if first else Continuity.NEW_CLOCK, period_s, held[0])
        self.enter(Phase.LIVE)
        if first and self.distrusted():
            self.tell(ZeroChanged(None, None, False))
        for one in held:
            self._place(one)

    def _introduced(self) -> bool:
        """Tell who it is, if that is news. False: it is another device than the one expected."""
        self._expect_serial = self._expect_serial or self.identity.serial
        if self.identity.serial and self.identity.serial != self._expect_serial:
            self.end(wrong_ball(self._expect_serial, self.identity.serial))
            return False
        scale, identity = self._scale, self.identity
        assert scale is not None
        profile = Profile(
            kind=self.key,
            serial=identity.serial,
            model=identity.model,
            vendor=identity.vendor,
            firmware=identity.firmware,
            channels=scale.channels,
            unit=scale.unit,
            lsb=scale.lsb,
            max_hz=self.max_hz,
            caps=0,
            cal_crc=scale.cal_crc,
            boot_id=0,
            has_clock=self.clocked,
            full_scale=scale.full_scale,
            cell_mm2=0,
            contact_mm2=0,
            tool=0,
        )
        if profile != self._profile:
            self._profile = profile
            self.tell(profile)
        return True

    def _start(self, continuity: Continuity, period_s: float, rows: Rows) -> None:
        if continuity is not Continuity.GOES_ON:
            self._runs += 1
            self._last_us = None
        at_us = round(rows.arrival_s * 1e6) if rows.stamps_us is None else rows.stamps_us[0]
        started = Started(
            continuity=continuity,
            boot_id=self._runs,
            run=self._runs & 0xFF,
            period_s=period_s,
            next_index=self._next,
            t_us=at_us,
            expected=self._next,
            arrival_s=rows.arrival_s,
        )
        self.tell(started)

    def _place(self, rows: Rows) -> None:
        assert self._scale is not None
        self._averaged(rows)
        counts = self._scale.counts(rows.numbers)
        start = 0
        hole_us = round(HOLE_PERIODS * self._watch.period_s * 1e6)
        for stop in _cuts(rows, hole_us):
            at_us, span_us, hole = round(rows.arrival_s * 1e6), 0, False
            if rows.stamps_us is not None:
                at_us, span_us = rows.stamps_us[start], rows.stamps_us[stop - 1] - rows.stamps_us[start]
                hole = self._last_us is not None and at_us - self._last_us > hole_us
                self._last_us = at_us + span_us
            self.tell(Samples(counts[start:stop], self._next, at_us, span_us, rows.arrival_s, hole=hole))
            self._next += stop - start
            start = stop

    # --- zero ---

    def _averaged(self, rows: Rows) -> None:
        average, scale = self._average, self._scale
        assert scale is not None
        if average is None or not average.add(rows.numbers, rows.arrival_s):
            return
        self._average = None
        numbers = average.numbers()
        if isinstance(average.request, m.Raw):
            if np.isfinite(numbers).all():
                self.tell(average.means())
            else:
                self.tell(refused(average.request, m.Status.HARDWARE))
        elif scale.at_end(numbers):
            self.tell(refused(average.request, m.Status.HARDWARE))
        elif scale.moved(numbers):
            self.tell(refused(average.request, m.Status.UNSTABLE))
        else:
            means = numbers.mean(axis=0)
            value, trusted = scale.zero(means)
            self.tell(ZeroChanged(value, self._next, trusted, tuple(means.tolist())))

    def _drop_average(self, why: str | None) -> None:
        average, self._average = self._average, None
        if average is not None:
            self.tell(refused(average.request, None, why))

    # --- silence ---

    def _gone_at_s(self) -> float:
        if self._profile is None:
            return self._opened_s + NOTHING_S
        return self._heard_s + max(GONE_S, min(MOST_S, self.silent_s) + SILENT_S)

    def _told(self) -> list[DriverEvent]:
        events, self._events = self._events, []
        return events


def _tell_when(pace: Pace | Watch, rows: Rows) -> None:
    if rows.stamps_us is None:
        pace.add(rows.arrival_s, len(rows.numbers))
        return
    for stamp_us in rows.stamps_us:
        pace.add(stamp_us * 1e-6)


def _cuts(rows: Rows, hole_us: int) -> list[int]:
    """Where batches end: a batch's scans lie evenly between its first and last (R25), and without a hole."""
    scans, stamps = len(rows.numbers), rows.stamps_us
    if stamps is None:
        return [*range(BATCH_SCANS, scans, BATCH_SCANS), scans]
    cuts, start = [], 0
    for at in range(1, scans):
        even_us = stamps[start] + (at - start) * (stamps[start + 1] - stamps[start])
        hole = stamps[at] - stamps[at - 1] > hole_us
        if hole or at - start >= BATCH_SCANS or abs(stamps[at] - even_us) > STAMP_US:
            cuts.append(at)
            start = at
    return [*cuts, scans]
