"""Tindeq Progressor and what is built like it (Crimpdeq, Mito, Hangman, uCrimp): kilograms over Bluetooth LE.

Notifications are `u8 tag, u8 length, payload`, little-endian; tag 1 is n x (f32 kg, u32 us since the start command).
Commands are one byte. The clones differ, so much is let pass: padding behind the payload is no part of it, the rate is
measured, the zero is taken here and never by command, no calibration is ever written.
"""

import math
import struct

import numpy as np

from firmware_protocol.devices.kind import Advert, Gatt, Kind, Link, Options
from firmware_protocol.driver import Chunk, Driver, Phase, Send, Status, Unit
from firmware_protocol.foreign.clock import DeviceClock, Turn
from firmware_protocol.foreign.known import NEWTONS
from firmware_protocol.foreign.listener import Identity, Listener
from firmware_protocol.foreign.runs import Rows
from firmware_protocol.foreign.scale import Scale

NAME = "Progressor"


def uuid(number: int) -> str:
    """The UUID of a number of the maker's list."""
    return f"7e4e{number:04x}-1ea6-40c9-9dcc-13d34ffead57"


SERVICE = uuid(0x1701)
GATT = Gatt(SERVICE, notify={"data": uuid(0x1702)}, write={"control": uuid(0x1703)})
START, STOP, VERSION, BATTERY, WHO = 0x65, 0x66, 0x6B, 0x6F, 0x70  # the last is not in the maker's own list
ASKED = (WHO, VERSION, BATTERY)  # before the stream: a device that streams does not answer
REPLY, WEIGHT, LOW = 0, 1, 4
PEAKS = (2, 3)  # rates of force: of no use here
SCAN = struct.Struct("<fI")
ANSWER_S = 0.5  # a command is answered within, or it is not known there
STREAM_S, STARTS = 2.0, 4  # START is said again after, so often
MAX_MV = 10_000
VIRTUAL = "virtual"  # a simulator's firmware version begins so


def recognises(advert: Advert) -> bool:
    return SERVICE in advert.services or advert.name.startswith(NAME)


class Progressor(Listener):
    key = "progressor"
    max_hz = 320

    def __init__(self, options: Options) -> None:
        super().__init__(options.settings, options.expect_serial)
        self._questions: list[int] = []  # still to be asked, the outstanding one first
        self._due_s: float | None = None  # an answer, or the stream, is missed then
        self._starts = 0
        self._millivolt: int | None = None
        self._clock = DeviceClock()
        self.mean(Scale(self.known, (NEWTONS["kg"],)), clocked=True)

    # --- the link ---

    def begin(self) -> None:
        self._questions = list(ASKED)
        self._starts = 0
        self._say(STOP)  # of a client before us
        self._proceed()

    def farewell(self) -> None:
        self._say(STOP)

    def appointment(self) -> float | None:
        return self._due_s

    def keep(self) -> None:
        if self._due_s is None or self.now_s < self._due_s:
            return
        del self._questions[:1]
        self._proceed()

    def gone(self) -> None:
        self._starts = 0
        self._stream()

    def _proceed(self) -> None:
        """The next question; after the last the stream."""
        if self._questions:
            self._say(self._questions[0])
            self._due_s = self.now_s + ANSWER_S
        else:
            self._stream()

    def _stream(self) -> None:
        if self._starts >= STARTS:
            self._due_s = None
            super().gone()
            return
        self._starts += 1
        self._clock.restart()
        self.anew()
        self.enter(Phase.STARTING)
        self._say(START)
        self._due_s = self.now_s + STREAM_S

    def _say(self, command: int) -> None:
        self.tell(Send(bytes((command,)), "control"))

    # --- what it says ---

    def hear(self, chunk: Chunk) -> None:
        data = chunk.data
        if len(data) < 2:
            self.damaged("short")
            return
        tag, payload = data[0], data[2 : 2 + data[1]]
        if len(payload) < data[1]:
            self.damaged("length")
        if tag == WEIGHT:
            self._weights(payload, chunk.arrival_s)
        elif tag == REPLY:
            self._answered(payload)
        elif tag == LOW:
            self._battery(low=True)
        elif tag not in PEAKS:
            self.damaged("type")

    def _answered(self, payload: bytes) -> None:
        """A reply does not say to what: to the one question that is outstanding."""
        if not self._questions or not payload.strip(b"\0"):
            return  # to STOP or START; the question is still open
        said, identity = self._questions.pop(0), self.identity
        if said == WHO:
            serial = f"{int.from_bytes(payload[:8].rstrip(bytes(1)), 'little'):X}"
            self.identity = Identity(serial, identity.model, identity.vendor, identity.firmware)
        elif said == VERSION:
            text = "".join(c for c in payload.decode("ascii", "replace") if c.isascii() and c.isprintable())[
                :17
            ].strip()
            model = VIRTUAL if text.startswith(VIRTUAL) else NAME
            self.identity = Identity(identity.serial, model, identity.vendor, text)
        elif said == BATTERY and len(payload) >= 4:
            millivolt = int.from_bytes(payload[:4], "little")
            self._millivolt = millivolt if 0 < millivolt <= MAX_MV else None
            self._battery(low=False)
        self._proceed()

    def _battery(self, *, low: bool) -> None:
        told = Status(
            charging=False,
            usb=False,
            battery_low=low,
            encrypted=False,
            fault=False,
            elsewhere=False,
            battery_pct=None,
            battery_mv=self._millivolt,
            temp_c=None,
            dropped=0,
            zero_changes=0,
        )
        self.tell(told)

    def _weights(self, payload: bytes, arrival_s: float) -> None:
        if self._questions or self._starts == 0:
            return  # of a stream that was running before
        if len(payload) % SCAN.size:
            self.damaged("length")
        numbers: list[float] = []
        stamps_us: list[int] = []
        for kilogram, stamp_us in SCAN.iter_unpack(payload[: len(payload) // SCAN.size * SCAN.size]):
            turn = self._clock.place(stamp_us, arrival_s)
            if turn is Turn.BACK:
                self.damaged("order")
                continue
            if turn is Turn.ANEW:
                self._took(numbers, stamps_us, arrival_s)
                numbers, stamps_us = [], []
                self.anew()
            if not math.isfinite(kilogram):
                self.damaged("value")
            numbers.append(kilogram if math.isfinite(kilogram) else math.nan)
            stamps_us.append(self._clock.t_us)
        self._took(numbers, stamps_us, arrival_s)

    def _took(self, kilograms: list[float], stamps_us: list[int], arrival_s: float) -> None:
        if kilograms:
            self._starts, self._due_s = 1, None
            self.take(Rows(np.array(kilograms)[:, None], stamps_us, arrival_s))


def driver(link: Link, options: Options) -> Driver:
    return Progressor(options)


KIND = Kind(
    key=Progressor.key,
    title="Tindeq Progressor or a device like it",
    links=frozenset({Link.GATT}),
    recognises=recognises,
    driver=driver,
    gatt=GATT,
    has_clock=True,
    has_index=False,
    unit=Unit.NEWTON,
    max_hz=80.0,
    compression=False,
    quantum_n=None,
    tare=False,
    battery=True,
)
