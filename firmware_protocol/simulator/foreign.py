"""Devices that speak somebody else's protocol, under the person of a scenario: to test against, and for makers to see.

Sans-IO, like `VirtualBall` and served by the same servers: every call tells the caller's time in seconds, which may
begin anywhere and never goes back. The person begins when the device does: a board when its port is opened, a gauge
when it is told to start, a scale when it is switched on.
"""

import math
import struct
from collections.abc import Callable, Sequence

import numpy as np

from firmware_protocol.devices import progressor, whc06
from firmware_protocol.devices.kind import Advert
from firmware_protocol.foreign.known import GRAVITY, NEWTONS
from firmware_protocol.simulator.scenarios import Scenario, load_scenario

MODEL = "virtual"
BOOT_TEXT = b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
BOOT_S = 0.3
BACKLOG = 64  # what a full port makes a device keep
LATE = 256  # scans that a device which was not asked for long still makes up for


class Person:
    """Total newtons over time, with a gauge's noise. One value for a moment, however it is asked for."""

    def __init__(self, scenario: str | Scenario, seed: int = 0, noise_n: float = 0.05) -> None:
        plot = load_scenario(scenario) if isinstance(scenario, str) else scenario
        self._body = plot.body(channels=1, seed=seed)
        self._seed, self._noise_n = seed, noise_n

    def newtons(self, at_s: float, scan: int) -> float:
        noise = np.random.Generator(np.random.Philox(key=[self._seed, scan])).standard_normal()
        return float(self._body.load(np.array([at_s]))[0] + self._noise_n * noise)


class Scans:
    """Scans `period_s` apart from `start` on; `due` gives those that a moment has brought."""

    def __init__(self, period_s: float) -> None:
        self.period_s = period_s
        self._begun_s: float | None = None
        self._next = 0

    def start(self, now_s: float) -> None:
        self._begun_s, self._next = now_s, 0

    def stop(self) -> None:
        self._begun_s = None

    @property
    def running(self) -> bool:
        return self._begun_s is not None

    def due(self, now_s: float) -> list[tuple[int, float]]:
        """(number, seconds since the start); after a long while, the newest."""
        if self._begun_s is None:
            return []
        end = max(self._next, math.floor((now_s - self._begun_s) / self.period_s + 1e-9) + 1)
        first, self._next = max(self._next, end - LATE), end
        return [(scan, scan * self.period_s) for scan in range(first, end)]

    def deadline_s(self) -> float | None:
        return None if self._begun_s is None else self._begun_s + self._next * self.period_s


OFFSET, STEPS_PER_N = 484_321, 2100.0  # of a 24-bit converter behind a bridge
TELL_SCANS = 16  # a board says so often that it is virtual: a port that is opened late has missed the first

Form = Callable[[int, float, float], str]  # scan, milliseconds since boot, newtons


def kilograms(_scan: int, _ms: float, newton: float) -> str:
    return f"Reading: {newton / GRAVITY:.3f} kg"


def timed(_scan: int, ms: float, newton: float) -> str:
    return f"millis:{ms:.0f},force_n:{newton:.2f}"


def raw(_scan: int, _ms: float, newton: float) -> str:
    """An HX711's counts, with an offset, and at their end where the amplifier is."""
    return str(min(max(round(OFFSET + STEPS_PER_N * newton), -(1 << 23)), (1 << 23) - 1))


def resistor(_scan: int, _ms: float, newton: float) -> str:
    """An FSR at a 10-bit converter: far from straight."""
    return str(round(1023 * newton / (newton + 60.0)) if newton > 0 else 0)


FORMS: dict[str, Form] = {"kg": kilograms, "time": timed, "counts": raw, "fsr": resistor}


class TextBoard:
    """A board that prints lines. Opening its port resets it, and it takes the load of then for its zero (`tares`)."""

    renamed = False
    greetings = 0  # it knows no conversation

    def __init__(
        self,
        scenario: "str | Scenario | Person",
        seed: int = 0,
        *,
        form: str = "kg",
        rate_hz: float = 80.0,
        tares: bool = True,
        tell: bool = True,
    ) -> None:
        """`tell`: it prints that it is virtual, so that its sessions do not count. ValueError: no such form."""
        if form not in FORMS:
            raise ValueError(f"there is no form {form!r}; there are {', '.join(FORMS)}")
        self._form, self._tares, self._tell = FORMS[form], tares, tell
        self._person = scenario if isinstance(scenario, Person) else Person(scenario, seed)
        self._scans = Scans(1 / rate_hz)
        self._zero_n = 0.0
        self._booted_s: float | None = None
        self._out: list[bytes] = []

    def connected(self, now_s: float) -> None:
        self.reset(now_s)

    def reset(self, now_s: float, played_s: float = 0.0) -> None:
        """As its button does. `played_s`: where in the scenario the person is."""
        self._booted_s, self._played_s = now_s, played_s
        self._scans.start(now_s + BOOT_S)
        self._zero_n = self._person.newtons(played_s, 0) if self._tares else 0.0
        self._out = [BOOT_TEXT]

    def disconnected(self, now_s: float) -> None:
        self._booted_s = None
        self._scans.stop()

    def present(self, now_s: float) -> bool:
        return True

    def feed(self, data: bytes, now_s: float) -> None:
        """It does not listen."""

    def tick(self, now_s: float) -> None:
        for scan, since_s in self._scans.due(now_s):
            if self._tell and scan % TELL_SCANS == 0:
                self._out.append(b"knead virtual\r\n")
            newton = self._person.newtons(self._played_s + since_s, scan) - self._zero_n
            self._out.append(self._form(scan, (BOOT_S + since_s) * 1e3, newton).encode() + b"\r\n")
        del self._out[:-BACKLOG]

    def outgoing(self) -> bytes:
        data, self._out = b"".join(self._out), []
        return data

    def deadline_s(self) -> float | None:
        return self._scans.deadline_s()


class Gauge:
    """A Progressor, or with its quirks a clone. `messages` are notifications."""

    def __init__(
        self,
        scenario: str | Scenario,
        seed: int = 0,
        *,
        rate_hz: float = 80.0,
        batch: int = 8,
        pad: int = 0,
        clamp: bool = False,
        answers: bool = True,
        offset_kg: float = 0.0,
        first_us: int = 0,
    ) -> None:
        """`pad`: least bytes of a notification. `clamp`: below 0.5 kg it says 0. `first_us`: its clock at a start."""
        self._person, self._scans = Person(scenario, seed), Scans(1 / rate_hz)
        self._batch, self._pad, self._clamp, self._answers = batch, pad, clamp, answers
        self._offset_kg, self._first_us = offset_kg, first_us
        self._waiting: list[bytes] = []
        self._out: list[bytes] = []
        self.commands: list[int] = []  # heard so far

    def connected(self, now_s: float) -> None:
        self._out, self._waiting = [], []

    def disconnected(self, now_s: float) -> None:
        self._scans.stop()

    def present(self, now_s: float) -> bool:
        return True

    def feed(self, data: bytes, now_s: float) -> None:
        """One write to the control characteristic."""
        self.tick(now_s)
        if not data:
            return
        self.commands.append(data[0])
        replies = {
            progressor.VERSION: f"{MODEL} 1.2".encode(),
            progressor.BATTERY: struct.pack("<I", 3912),
            progressor.WHO: bytes.fromhex("a700b04b00000000"),
        }
        if data[0] == progressor.START:
            self._scans.start(now_s)
            self._waiting = []
        elif data[0] == progressor.STOP:
            self._scans.stop()
        elif data[0] in replies and self._answers and not self._scans.running:
            self._say(progressor.REPLY, replies[data[0]])

    def tick(self, now_s: float) -> None:
        for scan, since_s in self._scans.due(now_s):
            kilogram = self._person.newtons(since_s, scan) / GRAVITY + self._offset_kg
            if self._clamp and kilogram < 0.5:
                kilogram = 0.0
            stamp_us = (self._first_us + round(since_s * 1e6)) % (1 << 32)
            self._waiting.append(progressor.SCAN.pack(kilogram, stamp_us))
            if len(self._waiting) >= self._batch:
                self._say(progressor.WEIGHT, b"".join(self._waiting))
                self._waiting = []

    def weaken(self) -> None:
        """The battery is nearly empty."""
        self._say(progressor.LOW, b"")

    def messages(self) -> list[bytes]:
        out, self._out = self._out, []
        return out

    def deadline_s(self) -> float | None:
        return self._scans.deadline_s()

    def _say(self, tag: int, payload: bytes) -> None:
        self._out.append((bytes((tag, len(payload))) + payload).ljust(self._pad, b"\0"))
        del self._out[:-BACKLOG]


class CraneScale:
    """A WH-C06: `advert` is what it says now. Its display's unit is `unit`, a name of whc06.UNITS."""

    def __init__(self, scenario: str | Scenario, seed: int = 0, *, unit: str = "kg", rate_hz: float = 4.0) -> None:
        self._person, self.unit, self.rate_hz = Person(scenario, seed), unit, rate_hz
        self._on_s: float | None = None

    def advert(self, now_s: float) -> Advert:
        self._on_s = now_s if self._on_s is None else self._on_s
        scan = math.floor((now_s - self._on_s) * self.rate_hz + 1e-9)
        newton = max(0.0, self._person.newtons(scan / self.rate_hz, scan))
        steps = min(round(newton / NEWTONS[self.unit] / whc06.STEP), 0xFFFF)
        code = next(code for code, unit in whc06.UNITS.items() if unit == self.unit)
        data = bytes(whc06.WEIGHT_AT) + steps.to_bytes(2, "big") + bytes(2) + bytes((0x10 | code,)) + bytes(2)
        return Advert("C0:FF:EE:00:00:06", whc06.NAME, manufacturer={whc06.COMPANY: data}, rssi_dbm=-60)


KINDS: Sequence[str] = ("text",)  # what a serial port can be
