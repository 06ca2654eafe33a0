"""A host and a ball joined in memory, with simulated time, delays and whatever a bad link does."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from firmware_protocol import messages as m
from firmware_protocol.ball import Ball
from firmware_protocol.driver import Chunk, Close, DriverEvent, Phase, PhaseChanged, Samples, Send
from firmware_protocol.host import Host
from tests.ball_bench import spec

T = TypeVar("T")
Fault = Callable[[float, bytes], list[tuple[float, bytes]]]  # what becomes of data sent: (delay, data), none: lost
DELAY_S = 0.004


def arrives(delay_s: float, data: bytes) -> list[tuple[float, bytes]]:
    return [(delay_s, data)]


def value_of(boot: int, index: int) -> int:
    """What the sensor shows at a slot: never the same for long, and another one after each boot."""
    return (index * 7919 + boot * 104_729) % 9973 - 4986


class World:
    """Time in seconds from 0; the ball was switched on at 0 and its clock and index begin where told."""

    def __init__(
        self,
        *,
        framed: bool = True,
        uptime_us: int = 0,
        first_index: int = 0,
        mtu: int = 247,
        host: dict[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        self.now_s = 0.0
        self.framed, self._mtu = framed, mtu
        self.load = 0  # added to every value
        self.ball = Ball(
            spec(**changes), self._sense, uptime_us=uptime_us, first_index=first_index, witness=self._witness
        )
        self.truth: dict[tuple[int, int], tuple[int, list[int]]] = {}  # boot, index: t_us, values
        self.host = Host(framed=framed, first_tag=200, **(host or {}))
        self.up = False
        self.to_host: Fault = arrives
        self.to_ball: Fault = arrives
        self.taken = True  # the link takes what the ball has
        self.space: int | None = None  # bytes it takes at a time
        self.events: list[tuple[float, DriverEvent]] = []
        self.calls: list[tuple[str, Any]] = []  # what the host was told, to be played again
        self._flying: list[tuple[float, int, bool, bytes]] = []  # at, number, to the host, data
        self._order = count()
        self._link = 0

    def _sense(self, first: int, scans: int) -> NDArray[np.int16]:
        boot = self.ball.boot_id
        values = [value_of(boot, index) // 100 + self.load for index in range(first, first + scans)]
        return np.tile(np.array(values, np.int16)[:, None], (1, self.ball.spec.channels))

    def _witness(self, scans: Any) -> None:
        for index, t_us, values in zip(scans.index.tolist(), scans.t_us.tolist(), scans.values.tolist(), strict=True):
            self.truth[self.ball.boot_id, index] = (t_us, values)

    # What happens to the link

    def connect(self) -> "World":
        self.ball.tick(self._us())
        self.ball.connect(self._link, framed=self.framed, mtu=self._mtu, encrypted=not self.framed)
        self.up = True
        self._tell("opened", self.now_s)
        self._deliver()
        return self

    def disconnect(self) -> None:
        self.up = False
        self._flying.clear()
        self.ball.tick(self._us())
        self.ball.disconnect(self._link)
        self._tell("closed", self.now_s)

    def reboot(self, boot_id: int) -> None:
        """What was on its way is lost: a link delays and repeats, but brings nothing from before a reboot after it."""
        self._flying.clear()
        self.ball.reboot(boot_id, self._us())

    def ask(self, request: m.Request) -> None:
        self._tell("ask", (request, self.now_s))

    # Time

    def run(self, seconds: float) -> None:
        self.until(lambda: False, seconds, fail=False)

    def until(self, done: Callable[[], bool], limit_s: float = 30.0, fail: bool = True) -> None:
        """Run till something is so, or fail."""
        end_s = self.now_s + limit_s
        while not done():
            due_s = self._due_s()
            if due_s > end_s:
                self.now_s = end_s
                assert not fail, self.phases()
                self._step()
                return
            self.now_s = max(self.now_s, due_s)
            self._step()

    def until_live(self, limit_s: float = 30.0) -> None:
        self.until(lambda: self.host.phase is Phase.LIVE, limit_s)

    def _us(self) -> int:
        return round(self.now_s * 1_000_000)

    def _due_s(self) -> float:
        ball_us, host_s = self.ball.deadline_us(), self.host.deadline()
        due = [self._flying[0][0]] if self._flying else []
        due += [ball_us / 1_000_000] if ball_us is not None else []
        due += [host_s] if host_s is not None else []
        return min(due, default=float("inf"))

    def _step(self) -> None:
        while self._flying and self._flying[0][0] <= self.now_s:
            _, _, to_host, data = heapq.heappop(self._flying)
            if to_host:
                self._tell("feed", Chunk("serial" if self.framed else "tx", data, self.now_s))
            else:
                self.ball.feed(self._link, data, self._us())
                self._deliver()
        self.ball.tick(self._us())
        self._deliver()
        deadline_s = self.host.deadline()
        if deadline_s is not None and deadline_s <= self.now_s:
            self._tell("tick", self.now_s)

    def _deliver(self) -> None:
        """The ball to the host."""
        if self.taken:
            for data in self.ball.outgoing(self._link, self.space):
                self._fly(self.to_host(DELAY_S, data), True)

    def _fly(self, parts: list[tuple[float, bytes]], to_host: bool) -> None:
        for delay_s, data in parts:
            heapq.heappush(self._flying, (self.now_s + delay_s, next(self._order), to_host, data))

    def _tell(self, call: str, argument: Any) -> None:
        self.calls.append((call, argument))
        for event in play(self.host, call, argument):
            self.events.append((self.now_s, event))
            if isinstance(event, Send) and self.up:
                self._fly(self.to_ball(DELAY_S, event.data), False)
            elif isinstance(event, Close) and self.up:
                self.disconnect()

    # What came of it

    def of(self, kind: type[T]) -> list[T]:
        return [event for _, event in self.events if isinstance(event, kind)]

    def phases(self) -> list[Phase]:
        return [event.phase for event in self.of(PhaseChanged)]

    def live(self) -> list[Samples]:
        return [samples for samples in self.of(Samples) if not samples.late]

    def late(self) -> list[Samples]:
        return [samples for samples in self.of(Samples) if samples.late]

    def received(self) -> list[int]:
        """Indexes of all scans, as they came."""
        return [samples.index + k for samples in self.of(Samples) for k in range(len(samples.values))]


def play(host: Host, call: str, argument: Any) -> list[DriverEvent]:
    match call:
        case "ask":
            return host.ask(*argument)
        case "opened" | "closed" | "feed" | "tick":
            events: list[DriverEvent] = getattr(host, call)(argument)
            return events
        case _:
            raise AssertionError(call)
