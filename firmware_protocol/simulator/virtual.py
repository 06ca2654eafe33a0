"""A whole virtual ball: a person of a scenario on the reference ball, behind one link."""

import math
import secrets
import string
from dataclasses import dataclass
from pathlib import Path

from firmware_protocol.ball import ALL_CAPS, Ball, BallIdentity, BallSpec
from firmware_protocol.codec import decode_from_host
from firmware_protocol.driver import Unit
from firmware_protocol.framing import Deframer
from firmware_protocol.messages import Caps, Hello, LimitSettings, Start
from firmware_protocol.scanner import SECOND_US
from firmware_protocol.simulator.scenarios import Absence, Absences, Scenario, load_scenario
from firmware_protocol.simulator.truth import Truth

MODEL = "virtual"  # by this word sessions with it are known as simulated
LSB_N = 0.05
RATES_HZ = (10, 20, 50, 100, 200)
FULL_SCALE_N = 1000  # of one cell
CONTACT_MM2 = 1200  # tennis-size
TENNIS = 2
CAPS = ALL_CAPS & ~Caps.CALIBRATION  # there is no converter behind it whose points could be wrong
MAX_SEED = 2**32 - 1
MAX_SERIAL = 16
_LINK = 0
_SERIAL_CHARACTERS = frozenset(string.ascii_letters + string.digits + "._-")


@dataclass(frozen=True, slots=True)
class _Leave:
    """An absence that is to come, or under way, in the caller's seconds."""

    from_s: float
    to_s: float
    absence: Absence


class VirtualBall:
    """Plays `scenario`, from the host's first START on and then again and again, while it scans.

    Sans-IO: every call tells the caller's time in seconds, which may begin anywhere and never goes back. The ball
    boots at the first. `framed`: a stream (`outgoing`), else datagrams, one message each way (`messages`).
    `boot_id` is drawn unless given. ValueError if there is no such scenario, seed (0 .. MAX_SEED) or number of
    channels (1 .. 16).
    """

    def __init__(
        self,
        scenario: str | Scenario,
        seed: int = 0,
        channels: int | None = None,
        *,
        framed: bool = True,
        boot_id: int | None = None,
    ) -> None:
        if not 0 <= seed <= MAX_SEED:
            raise ValueError(f"a seed is 0 to {MAX_SEED}, not {seed}")
        plot = load_scenario(scenario) if isinstance(scenario, str) else scenario
        self.scenario = plot
        channels = plot.channels if channels is None else channels
        self.spec = _spec(plot, seed, channels, boot_id or secrets.randbelow(2**32 - 1) + 1)
        self.truth = Truth(plot, seed, self.spec.channels, LSB_N)
        self.greetings = 0  # HELLOs heard: each begins a conversation
        self._framed = framed
        self._ball = Ball(self.spec, self.truth.measure, witness=self.truth.witness)
        self._ball.battery(0, percent=87, millivolt=3912, temp_c=26.5)
        self._boot_s: float | None = None
        self._linked = False
        self._ear = Deframer()
        self._asked_hz = 0  # by the newest START
        self._run = self._ball.run
        self._scenario_at_s: float | None = None  # the caller's second at which the scenario began; None: stands still
        self._absences = Absences(plot)
        self._served_s = 0.0  # absences of the scenario up to here are over
        self._leave: _Leave | None = None
        self._gone = False  # within `_leave`
        self._last_words: list[bytes] = []

    # Link

    def connected(self, now_s: float) -> None:
        """Somebody may be listening. Has no effect while the ball is away."""
        self._advance(now_s)
        self._last_words = []
        if self.present(now_s):
            self._linked = True
            self._ear.reset()
            self._ball.connect(_LINK, framed=self._framed)

    def disconnected(self, now_s: float) -> None:
        self._advance(now_s)
        self._last_words = []
        self._unlink()

    def present(self, now_s: float) -> bool:
        """False while the scenario has the ball unplugged: its link is then lost."""
        leave = self._leave
        return leave is None or leave.absence.silent or not leave.from_s <= now_s < leave.to_s

    # Bytes

    def feed(self, data: bytes, now_s: float) -> None:
        """Bytes of a stream, cut anywhere; or one message."""
        self._advance(now_s)
        if not self._linked or self._gone:
            return
        self._overhear(data)
        self._ball.feed(_LINK, data, self._us(now_s))
        self._follow(now_s)

    def tick(self, now_s: float) -> None:
        """Everything due by now. What `outgoing` was not asked for since the last call is jammed."""
        self._advance(now_s)

    def outgoing(self) -> bytes:
        """What is to be sent now; ask only when the link has room."""
        return b"".join(self.messages())

    def messages(self) -> list[bytes]:
        """The same, by frames; or by messages, one for each datagram."""
        last_words, self._last_words = self._last_words, []
        fresh = self._ball.outgoing(_LINK) if self._linked else []
        return last_words if self._gone else last_words + fresh

    def deadline_s(self) -> float | None:
        """When `tick` will have something to do; None: not by itself."""
        due_s = self._edge_s()
        ball_us = None if self._boot_s is None else self._ball.deadline_us()
        if ball_us is not None and self._boot_s is not None and (self._linked or not self._gone):
            due_s = min(due_s, self._boot_s + ball_us / SECOND_US)
        return None if due_s == math.inf else due_s

    # What it shows

    @property
    def pattern(self) -> tuple[int, int]:
        """What its buzzer and its light do at the moment of the last call."""
        return self._ball.pattern

    @property
    def limit(self) -> LimitSettings:
        """What it watches by itself."""
        return self._ball.limit

    # Record

    def write_truth(self, path: Path) -> None:
        """CSV of every slot scanned so far (`Truth.write`)."""
        self.truth.write(path)

    # Time

    def _us(self, now_s: float) -> int:
        if self._boot_s is None:
            self._boot_s = now_s
        return round((now_s - self._boot_s) * SECOND_US)

    def _advance(self, now_s: float) -> None:
        """The edges of absences on the way are kept to the microsecond, however far apart the calls are."""
        while (edge_s := self._edge_s()) <= now_s:
            self._ball.tick(self._us(edge_s))
            self._follow(edge_s)
            if self._edge_s() == edge_s:  # scanning, and with it the scenario, may have ended before
                self._pass_edge(edge_s)
        self._ball.tick(self._us(now_s))
        self._follow(now_s)

    def _follow(self, now_s: float) -> None:
        """A run that has begun sets the scenario going; without one it stands still."""
        ball = self._ball
        if not ball.scanning:
            self._scenario_at_s = None
            if not self._gone:
                self._leave = None
        elif ball.run != self._run or self._scenario_at_s is None:
            self._run = ball.run
            hz = self._asked_hz or self.spec.usual_hz
            period_us = SECOND_US // next((rate for rate in RATES_HZ if rate >= hz), RATES_HZ[-1])  # R23
            self.truth.pace(ball.next_index, period_us)
            self._scenario_at_s = now_s + period_us / SECOND_US - self.truth.scenario_at(ball.next_index)
            self._plan(now_s)

    def _plan(self, now_s: float) -> None:
        if self._gone or self._scenario_at_s is None:
            return
        absence = self._absences.ending_after(max(self._served_s, now_s - self._scenario_at_s))
        start_s = self._scenario_at_s
        if absence is not None:
            self._leave = _Leave(start_s + absence.from_s, start_s + absence.to_s, absence)

    def _edge_s(self) -> float:
        if self._leave is None:
            return math.inf
        return self._leave.to_s if self._gone else self._leave.from_s

    def _pass_edge(self, edge_s: float) -> None:
        leave = self._leave
        assert leave is not None
        if not self._gone:
            self._last_words += self._ball.outgoing(_LINK)
            self._gone = True
            if not leave.absence.silent:
                self._unlink()
            return
        self._ball.outgoing(_LINK)  # what nobody could hear
        self._gone = False
        self._leave = None
        self._served_s = leave.absence.to_s
        self._plan(edge_s)

    def _unlink(self) -> None:
        self._linked = False
        self._ball.disconnect(_LINK)

    def _overhear(self, data: bytes) -> None:
        for part in self._ear.feed(data) if self._framed else (data,):
            heard = decode_from_host(part) if isinstance(part, bytes) else None
            match heard and heard[1]:
                case Hello():
                    self.greetings += 1
                case Start(rate_hz=rate_hz):
                    self._asked_hz = rate_hz


def _spec(plot: Scenario, seed: int, channels: int, boot_id: int) -> BallSpec:
    name = "".join(character for character in plot.key.upper() if character in _SERIAL_CHARACTERS)
    room = MAX_SERIAL - len(f"V--{seed}")
    return BallSpec(
        identity=BallIdentity("knead", MODEL, f"V-{name[:room]}-{seed}", "1.0", "simulator"),
        channels=channels,
        unit=Unit.NEWTON,
        lsb=LSB_N,
        rates_hz=RATES_HZ,
        caps=CAPS,
        full_scale=round(FULL_SCALE_N / LSB_N),
        contact_mm2=CONTACT_MM2,
        tool=TENNIS,
        boot_id=boot_id,
        cal_crc=1,
    )
