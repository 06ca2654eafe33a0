"""Boards that print lines of numbers: Arduino sketches with an HX711, an FSR, or anything else for the plotter.

Over serial, or over a service that acts as one (Nordic UART, FFE0). After three lines alike the columns are known, and
lines unlike them are dropped and counted. Without a time column scans are stamped on arrival. Without a unit numbers
are counts. Opening a port resets many boards, and many take their zero then: it is trusted once it was seen free.
"""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from firmware_protocol.devices.kind import Advert, Gatt, Kind, Link, Options
from firmware_protocol.driver import Chunk, Close, Driver, Phase, Unit
from firmware_protocol.foreign.clock import DeviceClock, Turn
from firmware_protocol.foreign.columns import Columns, columns_of
from firmware_protocol.foreign.lines import Blank, Header, Odd, Part, Shape, Splitter, read, shape_of
from firmware_protocol.foreign.listener import Identity, Listener
from firmware_protocol.foreign.runs import Rows
from firmware_protocol.foreign.scale import Floats, Scale
from firmware_protocol.words import closing

NORDIC = "6e40{:04x}-b5a3-f393-e0a9-e50e24dcca9e"
SHORT = "0000{:04x}-0000-1000-8000-00805f9b34fb"  # Bluetooth's own base
# Nothing is ever written: what a sketch makes of a byte is not known.
GATT = Gatt(NORDIC.format(1), notify={"tx": NORDIC.format(3)}, write={})
FFE0 = Gatt(SHORT.format(0xFFE0), notify={"tx": SHORT.format(0xFFE1)}, write={})

ALIKE = 3  # lines
SETTLE_LINES, SETTLE_S = 12, 0.5  # looked at before it is said what they are
WAITING_LINES = 256
BOOT_S = 3.0  # after opening: boot text is no damage
CONVERTER_END = float(2**23 - 1)  # of a 24-bit converter, either way
WIDE, WIDE_STEP = 65_535, 128.0  # numbers beyond, or below zero, are a 24-bit converter's
TWELVE_BITS = 4095
SMALL = 100.0  # numbers with decimals below it
OFF = 0.3  # a time column may be so far off the arrivals, and still be told from one of another unit
VIRTUAL = ("knead", "virtual")  # the header a simulator prints


def recognises(advert: Advert) -> bool:
    return any(layout.service in advert.services for layout in (GATT, FFE0))


class TextBoard(Listener):
    key = "text"
    max_hz = 1000

    def __init__(self, options: Options, *, resets: bool) -> None:
        super().__init__(options.settings, options.expect_serial)
        self._resets = resets  # by being opened
        self._splitter = Splitter()
        self._header: tuple[str, ...] = ()
        self._waiting: deque[tuple[tuple[Part, ...], float]] = deque()  # alike, with their arrivals
        self._columns: Columns | None = None
        self._shape: Shape = ()
        self._newtons: tuple[float | None, ...] = ()  # of one step of each force
        self._clock = DeviceClock()
        self._seconds = False  # its time column is in seconds; else in ticks of the clock
        self._puzzled = False  # lines of numbers came, and no column may be a force

    # --- the link ---

    def begin(self) -> None:
        self._splitter.reset()
        self._waiting.clear()
        self._columns, self._shape = None, ()
        self._clock.restart()

    def distrusted(self) -> bool:
        return self._resets and self._scale is not None and self._scale.unit is Unit.NEWTON

    def nothing(self) -> Close:
        if self._puzzled:
            text = "This board prints numbers, but which of them are forces cannot be told."
            return closing("no_ball", text, "Say what its columns are, as in ?columns=time_ms,force,-")
        text = "Nothing came that could be read as lines of numbers."
        return closing("no_ball", text, "Check its baud rate and that its sketch prints.")

    # --- lines ---

    def hear(self, chunk: Chunk) -> None:
        rows: list[tuple[Part, ...]] = []
        for line in self._splitter.feed(chunk.data):
            if line is None:
                self.damaged("oversize")
                continue
            match read(line):
                case Header(labels):
                    self._named(labels)
                case Odd():
                    self._odd()
                case Blank():
                    pass
                case parts if self._columns is None:
                    self._look(parts, chunk.arrival_s)
                case parts if shape_of(parts) == self._shape:
                    rows.append(parts)
                case _:
                    self.damaged("line")
        if rows:
            self._rows(rows, chunk.arrival_s)

    def _named(self, labels: tuple[str, ...]) -> None:
        if labels[:2] == VIRTUAL:
            self.identity = Identity(model=VIRTUAL[1], vendor=VIRTUAL[0])
        elif self._columns is None:
            self._header = labels

    def _odd(self) -> None:
        """Boot text comes first, and half a line."""
        if self._columns is not None or self.now_s > self._opened_s + BOOT_S:
            self.damaged("line")

    def _look(self, parts: tuple[Part, ...], arrival_s: float) -> None:
        """One more line before it is known what they are."""
        waiting = self._waiting
        if waiting and shape_of(waiting[-1][0]) != shape_of(parts):
            if self.now_s > self._opened_s + BOOT_S:
                self.damaged("line", len(waiting))
            waiting.clear()
        waiting.append((parts, arrival_s))
        if len(waiting) > WAITING_LINES:
            waiting.popleft()
            self.damaged("flood")
        spent_s = arrival_s - waiting[0][1]
        if len(waiting) < ALIKE or (len(waiting) < SETTLE_LINES and spent_s < SETTLE_S) or spent_s <= 0.0:
            return
        columns = columns_of(waiting[-1][0], self._header, self.known)
        if columns is None:
            self._puzzled = True
            waiting.popleft()
        elif columns.time is None or columns.tick_us or spent_s >= SETTLE_S:
            self._settle(columns)

    def _settle(self, columns: Columns) -> None:
        lines = list(self._waiting)
        self._waiting.clear()
        tick_us = columns.tick_us
        if columns.time is not None and not tick_us:
            tick_us = _measured_tick_us([(parts[columns.time].value, arrival_s) for parts, arrival_s in lines])
        timed = columns.time is not None and tick_us > 0
        if not timed:
            columns = Columns(columns.forces, columns.newtons)
        self._columns, self._shape = columns, shape_of(lines[-1][0])
        self._clock = DeviceClock(tick_us if tick_us < 1_000_000 else 1)
        self._seconds = tick_us == 1_000_000
        if self._scale is None or columns.newtons != self._newtons:
            numbers = [parts[at].value for parts, _ in lines for at in columns.forces]
            whole = all(parts[at].whole for parts, _ in lines for at in columns.forces)
            rail = CONVERTER_END if whole else math.inf
            coarse = 1.0 if self.known.full_scale else _coarse(numbers, whole=whole)
            self._scale, self._newtons = Scale(self.known, columns.newtons, coarse=coarse, rail=rail), columns.newtons
        self.mean(self._scale, clocked=timed)  # over another link the steps are the same, and the zero taken here
        for parts, arrival_s in lines:
            self._rows([parts], arrival_s)

    def _rows(self, lines: list[tuple[Part, ...]], arrival_s: float) -> None:
        columns = self._columns
        assert columns is not None
        numbers = np.array([[parts[at].value for at in columns.forces] for parts in lines])
        if columns.time is None:
            if self._resets and self.phase in (Phase.LIVE, Phase.STALE) and arrival_s - self.heard_s > self.silent_s:
                self.anew()  # a cable loses nothing: so long a pause is a board that began anew, with another zero
            self.take(Rows(numbers, None, arrival_s))
            return
        stamps_us: list[int] = []
        kept: list[int] = []
        for at, parts in enumerate(lines):
            turn = self._clock.place(self._ticks(parts[columns.time].value), arrival_s)
            if turn is Turn.BACK:
                self.damaged("order")
                continue
            if turn is Turn.ANEW:  # the board began anew: another zero, too
                self._timed(numbers, kept, stamps_us, arrival_s)
                stamps_us, kept = [], []
                self.anew()
            kept.append(at)
            stamps_us.append(self._clock.t_us)
        self._timed(numbers, kept, stamps_us, arrival_s)

    def _timed(self, numbers: Floats, kept: Sequence[int], stamps_us: Sequence[int], arrival_s: float) -> None:
        if kept:
            self.take(Rows(numbers[list(kept)], stamps_us, arrival_s))

    def _ticks(self, value: float) -> int:
        return round(value * 1e6) if self._seconds else round(value)


def _measured_tick_us(told: Sequence[tuple[float, float]]) -> int:
    """What one of a time column's unit is, by (value, arrival) pairs; 0 where it is none of s, ms and us."""
    (first, from_s), (last, to_s) = told[0], told[-1]
    for tick_us in (1_000_000, 1000, 1):
        if abs((last - first) * tick_us * 1e-6 - (to_s - from_s)) <= OFF * (to_s - from_s):
            return tick_us
    return 0


def _coarse(numbers: Sequence[float], *, whole: bool) -> float:
    """The step in which uncalibrated numbers are shown, from a first look at them: their range is told by nobody."""
    low, high = min(numbers), max(numbers)
    if whole and (low < 0 or high > WIDE):
        return WIDE_STEP
    if whole:
        return 1.0 if high <= TWELVE_BITS else 2.0
    return 0.125 if max(-low, high) < SMALL else 1.0


def driver(link: Link, options: Options) -> Driver:
    return TextBoard(options, resets=link is Link.SERIAL)


KIND = Kind(
    key=TextBoard.key,
    title="board that prints lines of numbers",
    links=frozenset({Link.SERIAL, Link.GATT}),
    recognises=recognises,
    driver=driver,
    gatt=GATT,
    has_clock=False,  # unless a column is a time
    has_index=False,
    unit=None,
    max_hz=float(TextBoard.max_hz),
    compression=True,
    quantum_n=None,
    tare=False,
    battery=False,
    elsewhere=(FFE0,),
)
