"""The part of a driver that is the same for every device that just sends: link, runs of scans, zero, silence.

A device kind is a subclass that turns chunks into rows of numbers, and says what they mean once it knows. Scans are
held until their rate was measured, then told, none lost.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

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
    ZeroChanged,
)
from firmware_protocol.foreign.averages import Average
from firmware_protocol.foreign.known import known_of
from firmware_protocol.foreign.pace import LEAST_S, MOST_S
from firmware_protocol.foreign.runs import Rows, Runs
from firmware_protocol.foreign.scale import Scale
from firmware_protocol.words import closing, refused, wrong_ball

SILENT_S, SILENT_PERIODS = 1.0, 6  # LIVE to STALE
GONE_S = 10.0  # then the link is opened anew
NOTHING_S = 8.0  # a first link that brings no scan is no device of this kind; the engine gives up after 10 s


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
        self._expect_serial = expect_serial
        self._events: list[DriverEvent] = []
        self._damage: Counter[str] = Counter()
        self._scale: Scale | None = None
        self._profile: Profile | None = None
        self._runs = Runs(self.least_period_s)
        self._average: Average | None = None
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
        self._runs.anew()
        if self.phase in (Phase.LIVE, Phase.STALE):
            self.enter(Phase.STARTING)

    def mean(self, scale: Scale, *, clocked: bool) -> None:
        """What its numbers are. Before the first `take`, and again where that has changed."""
        self._scale, self._runs.clocked = scale, clocked

    @property
    def heard_s(self) -> float:
        """When scans came last, or the link."""
        return self._heard_s

    @property
    def silent_s(self) -> float:
        return max(SILENT_S, SILENT_PERIODS * self._runs.period_s)

    def take(self, rows: Rows) -> None:
        """Scans, in order."""
        scale, scans = self._scale, len(rows.numbers)
        if scale is None or scans == 0 or self.phase in (Phase.DOWN, Phase.ENDED):
            return
        since_s, self._heard_s = rows.arrival_s - self._heard_s, rows.arrival_s
        if self.phase in (Phase.LIVE, Phase.STALE):
            self.enter(Phase.LIVE)
            changed = self._runs.follow(rows, since_s, self.silent_s)
            if changed is not None:
                self.tell(changed)
            self._place(rows)
        elif (period_s := self._runs.settled(rows.arrival_s)) is not None:
            self._run(period_s)
            self.take(rows)
        elif dropped := self._runs.hold(rows):
            self.damaged("flood", dropped)

    # --- scans ---

    def _run(self, period_s: float) -> None:
        """A run of scans begins, with those that were held."""
        first = self._profile is None
        if not self._introduced():
            return
        started, held = self._runs.begin(Continuity.FIRST if first else Continuity.NEW_CLOCK, period_s)
        self.tell(started)
        self.enter(Phase.LIVE)
        if first and self.distrusted():
            self.tell(ZeroChanged(None, None, False))
        for rows in held:
            self._place(rows)

    def _place(self, rows: Rows) -> None:
        assert self._scale is not None
        self._averaged(rows)
        self.tell(*self._runs.place(rows, self._scale.counts(rows.numbers)))

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
            has_clock=self._runs.clocked,
            full_scale=scale.full_scale,
            cell_mm2=0,
            contact_mm2=0,
            tool=0,
        )
        if profile != self._profile:
            self._profile = profile
            self.tell(profile)
        return True

    # --- zero ---

    def _averaged(self, rows: Rows) -> None:
        average, scale = self._average, self._scale
        assert scale is not None
        if average is None or not average.add(rows.numbers, rows.arrival_s):
            return
        self._average = None
        self.tell(average.outcome(scale, self._runs.next_index))

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
