"""A whole virtual ball: a person of a scenario on the reference ball, behind one link."""

import math
import secrets
import string
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_protocol.ball import ALL_CAPS, Ball, BallIdentity, BallSpec
from firmware_protocol.codec import decode_from_host
from firmware_protocol.driver import Unit
from firmware_protocol.framing import Deframer
from firmware_protocol.messages import Caps, Hello, LimitSettings
from firmware_protocol.scanner import SECOND_US, Scans
from firmware_protocol.simulator import ballfaults
from firmware_protocol.simulator.faults import Fault, Harm, Place, at_home, write_harms
from firmware_protocol.simulator.linkfaults import BREAK_S, LinkFaults
from firmware_protocol.simulator.scenarios import Scenario, load_scenario
from firmware_protocol.simulator.timetable import Timetable
from firmware_protocol.simulator.truth import Truth

MODEL = "virtual"  # by this word sessions with it are known as simulated
LSB_N = 0.05
RATES_HZ: tuple[int, ...] = (10, 20, 50, 100, 200)
FULL_SCALE_N = 1000  # of one cell
CONTACT_MM2 = 1200  # tennis-size
TENNIS = 2
CAPS = ALL_CAPS & ~Caps.CALIBRATION  # there is no converter behind it whose points could be wrong
MAX_SEED = 2**32 - 1
MAX_SERIAL = 16
USUAL_MTU = 247
_LINK = 0
_SERIAL_CHARACTERS = frozenset(string.ascii_letters + string.digits + "._-")


class VirtualBall:
    """Plays `scenario`, from the host's first START on and then again and again, while it scans.

    Sans-IO: every call tells the caller's time in seconds, which may begin anywhere and never goes back. The ball
    boots at the first. `framed`: a stream (`outgoing`), else datagrams, one message each way (`messages`); `encrypted`:
    these only on an encrypted link. `boot_id` is drawn unless given. `calibrated`: it keeps calibration points.
    `faults`: what goes wrong, and `harms` what did, in order.
    ValueError if there is no such scenario, seed (0 .. MAX_SEED) or number of channels (1 .. 16), or no such fault on
    this link.
    """

    def __init__(
        self,
        scenario: str | Scenario,
        seed: int = 0,
        channels: int | None = None,
        *,
        framed: bool = True,
        boot_id: int | None = None,
        faults: Sequence[Fault] = (),
        encrypted: bool = False,
        calibrated: bool = False,
    ) -> None:
        if not 0 <= seed <= MAX_SEED:
            raise ValueError(f"a seed is 0 to {MAX_SEED}, not {seed}")
        plot = load_scenario(scenario) if isinstance(scenario, str) else scenario
        self.scenario = plot
        channels = plot.channels if channels is None else channels
        of_ball, of_link = at_home(faults, Place.BALL), at_home(faults, Place.LINK)
        caps = CAPS | (Caps.ENCRYPTED if encrypted else 0) | (Caps.CALIBRATION if calibrated else 0)
        spec = _spec(plot, seed, channels, boot_id or secrets.randbelow(2**32 - 1) + 1, caps)
        self.spec = ballfaults.made(spec, of_ball)
        self.truth = Truth(plot, seed, self.spec.channels, LSB_N, of_ball)
        self.harms: list[Harm] = []
        self.renamed = "unplug" in of_link  # its port comes back under another name
        self.greetings = 0  # HELLOs heard: each begins a conversation
        self._framed = framed
        uptime_us, first_index = ballfaults.beginning(of_ball)
        if first_index:
            self.truth.boot(0, first_index)
        self._ball = Ball(self.spec, self._measure, uptime_us=uptime_us, first_index=first_index, witness=self._witness)
        self._ball.battery(0, percent=87, millivolt=3912, temp_c=26.5)
        self._boot_s: float | None = None
        self._linked = False
        self._ear = Deframer()
        self._run = (self._ball.boot_id, self._ball.run)
        self._haste = ballfaults.haste(of_ball)
        self._slept_s = 0.0  # what passed for the ball, and not for the caller
        self._now_s = 0.0  # of the last call
        moments = ballfaults.Moments(of_ball.values(), plot.button, plot.seconds)
        self._times = Timetable(plot, ballfaults.absences(of_link, BREAK_S), moments)
        self._link: LinkFaults | None = None
        if of_link or "name" in of_ball:
            self._link = LinkFaults(
                of_link | {n: of_ball[n] for n in of_ball.keys() & {"name"}}, seed, self._told, framed=framed
            )
        self._last_words: list[bytes] = []

    # Link

    def connected(self, now_s: float, *, mtu: int = USUAL_MTU, encrypted: bool = False) -> None:
        """Somebody may be listening. Has no effect while the ball is away. The rest is of Bluetooth LE."""
        self._advance(now_s)
        self._last_words = []
        if self.present(now_s):
            self._linked = True
            self._ear.reset()
            self._ball.connect(_LINK, framed=self._framed, mtu=mtu, encrypted=encrypted)
            if self._link is not None:
                self._link.connected(now_s)

    def set_mtu(self, mtu: int) -> None:
        """Of a link over Bluetooth LE that is up."""
        if self._linked:
            self._ball.set_mtu(_LINK, mtu)

    def info(self) -> bytes:
        """What anybody may read over Bluetooth LE before a word was said."""
        return self._ball.info(_LINK)

    def disconnected(self, now_s: float) -> None:
        self._advance(now_s)
        self._last_words = []
        self._unlink()

    def present(self, now_s: float) -> bool:
        """False while the scenario has the ball unplugged: its link is then lost."""
        return self._times.present(now_s)

    # Bytes

    def feed(self, data: bytes, now_s: float) -> None:
        """Bytes of a stream, cut anywhere; or one message."""
        self._advance(now_s)
        if not self._linked or self._times.gone:
            return
        if self._link is not None:
            data = self._link.hear(data, now_s)
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
        if self._times.gone:
            return last_words
        if self._link is not None and self._linked:
            self._link.send(fresh, self._now_s)
            fresh = self._link.due(self._now_s)
        return last_words + fresh

    def deadline_s(self) -> float | None:
        """When `tick` will have something to do; None: not by itself."""
        due_s = min(self._times.edge_s, self._times.moment_s)
        if self._link is not None and self._linked and not self._times.gone:
            due_s = min(due_s, self._link.deadline_s())
        ball_us = None if self._boot_s is None else self._ball.deadline_us()
        if ball_us is not None and self._boot_s is not None and (self._linked or not self._times.gone):
            due_s = min(due_s, self._boot_s + ball_us / SECOND_US / self._haste - self._slept_s)
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

    def write_harms(self, path: Path) -> None:
        """CSV of what went wrong (`faults.write_harms`)."""
        write_harms(self.harms, path)

    # Time

    def _us(self, now_s: float) -> int:
        if self._boot_s is None:
            self._boot_s = now_s
        return round((now_s - self._boot_s + self._slept_s) * SECOND_US * self._haste)

    def _advance(self, now_s: float) -> None:
        """The edges of absences on the way are kept to the microsecond, however far apart the calls are."""
        while (edge_s := min(self._times.edge_s, self._times.moment_s)) <= now_s:
            edge_s = max(edge_s, self._now_s)  # what a sleep has left behind happens now
            self._now_s = edge_s
            self._ball.tick(self._us(edge_s))
            self._follow(edge_s)
            # Scanning, and with it the scenario, may have ended before.
            if self._times.moment_s <= edge_s:
                self._pass_moment(edge_s)
            elif self._times.edge_s <= edge_s:
                self._pass_edge(edge_s)
        self._now_s = now_s
        self._ball.tick(self._us(now_s))
        self._follow(now_s)

    def _follow(self, now_s: float) -> None:
        """A run that has begun sets the scenario going; without one it stands still."""
        ball = self._ball
        if not ball.scanning:
            self._times.stand_still()
        elif (ball.boot_id, ball.run) != self._run or not self._times.plays:
            self._run = (ball.boot_id, ball.run)
            period_us = round(ball.period_us)
            slot = self._slot(ball.next_index)
            self.truth.pace(slot, period_us)
            began_s = now_s + period_us / SECOND_US - self.truth.scenario_at(slot)
            if self._link is not None:
                self._link.began(began_s)
            self._times.set_off(began_s, now_s)

    def _pass_edge(self, edge_s: float) -> None:
        if self._times.gone:
            self._ball.outgoing(_LINK)  # what nobody could hear
            self._times.come_back(edge_s)
            return
        words = self._ball.outgoing(_LINK)
        if self._link is not None:
            self._link.send(words, edge_s)
            words = self._link.due(edge_s)
            self._link.broke()
        self._last_words += words
        leave = self._times.go()
        silent = leave.absence.silent
        if self._link is not None:
            self._told("silence" if silent else "unplug", f"{leave.to_s - leave.from_s:g} s")
        if not silent:
            self._unlink()

    # Faults and other moments

    def _pass_moment(self, at_s: float) -> None:
        reach = ballfaults.Reach(self._ball, self._us(at_s), self._boot_anew, self._sleep)
        harm = self._times.happen(reach)
        if harm is not None:
            self.harms.append(harm)
        self._follow(at_s)

    def _boot_anew(self, spec: BallSpec | None, seconds: float) -> None:
        slot = self._slot(self._ball.next_index)
        self._ball.reboot(
            ballfaults.next_boot(self._ball.boot_id), self._us(self._now_s), round(seconds * SECOND_US), spec
        )
        self.truth.boot(slot, 0)
        if self._link is not None:
            self._link.restarted(self._now_s + seconds)

    def _sleep(self, seconds: float) -> None:
        self._slept_s += seconds
        began_s = self._times.skip(seconds, self._now_s)
        if self._link is not None and began_s is not None:
            self._link.began(began_s)
        self._ball.tick(self._us(self._now_s))

    def _told(self, fault: str, what: str) -> None:
        self.harms.append(Harm(self._times.scenario_s(self._now_s), fault, what))

    def _slot(self, index: int) -> int:
        return int(self.truth.slots(np.array([index]))[0])

    def _measure(self, first: int, count: int) -> NDArray[np.int16]:
        return self.truth.measure(self._slot(first), count)

    def _witness(self, scans: Scans) -> None:
        self.truth.witness(replace(scans, index=self.truth.slots(scans.index)))

    def _unlink(self) -> None:
        self._linked = False
        self._ball.disconnect(_LINK)

    def _overhear(self, data: bytes) -> None:
        for part in self._ear.feed(data) if self._framed else (data,):
            heard = decode_from_host(part) if isinstance(part, bytes) else None
            match heard and heard[1]:
                case Hello():
                    self.greetings += 1


def _spec(plot: Scenario, seed: int, channels: int, boot_id: int, caps: Caps) -> BallSpec:
    name = "".join(character for character in plot.key.upper() if character in _SERIAL_CHARACTERS)
    room = MAX_SERIAL - len(f"V--{seed}")
    return BallSpec(
        identity=BallIdentity("knead", MODEL, f"V-{name[:room]}-{seed}", "1.0", "simulator"),
        channels=channels,
        unit=Unit.NEWTON,
        lsb=LSB_N,
        rates_hz=RATES_HZ,
        caps=caps,
        full_scale=round(FULL_SCALE_N / LSB_N),
        contact_mm2=CONTACT_MM2,
        tool=TENNIS,
        boot_id=boot_id,
        cal_crc=1,
    )
