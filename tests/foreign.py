"""A driver and the virtual device it listens to, joined without a port or a radio: what the tests of kinds share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from firmware_protocol import devices
from firmware_protocol.devices.kind import Link, Options
from firmware_protocol.driver import Chunk, Driver, DriverEvent, Send
from firmware_protocol.messages import Request
from firmware_protocol.simulator.foreign import CraneScale, Gauge, TextBoard
from firmware_protocol.simulator.scenarios import Scenario
from firmware_protocol.simulator.virtual import VirtualBall

T = TypeVar("T")
STEP_S = 0.02


class Side(Protocol):
    """The device's side of a link."""

    def connected(self, now_s: float) -> None: ...
    def disconnected(self, now_s: float) -> None: ...
    def heard(self, now_s: float) -> list[Chunk]: ...
    def told(self, send: Send, now_s: float) -> None: ...


class Ball:
    """The reference ball."""

    def __init__(self, *, framed: bool, scenario: str | Scenario = "calm") -> None:
        self.ball = VirtualBall(scenario, framed=framed, boot_id=5)
        self._source = "serial" if framed else "tx"

    def connected(self, now_s: float) -> None:
        self.ball.connected(now_s)

    def disconnected(self, now_s: float) -> None:
        self.ball.disconnected(now_s)

    def heard(self, now_s: float) -> list[Chunk]:
        self.ball.tick(now_s)
        return [Chunk(self._source, message, now_s) for message in self.ball.messages()]

    def told(self, send: Send, now_s: float) -> None:
        self.ball.feed(send.data, now_s)


class Board:
    """A board that prints, its text in pieces as a port gives them."""

    def __init__(self, board: TextBoard, source: str = "serial", piece: int = 1 << 16) -> None:
        self.board, self._source, self._piece = board, source, piece

    def connected(self, now_s: float) -> None:
        self.board.connected(now_s)

    def disconnected(self, now_s: float) -> None:
        self.board.disconnected(now_s)

    def heard(self, now_s: float) -> list[Chunk]:
        self.board.tick(now_s)
        data = self.board.outgoing()
        pieces = [data[at : at + self._piece] for at in range(0, len(data), self._piece)]
        return [Chunk(self._source, piece, now_s) for piece in pieces]

    def told(self, send: Send, now_s: float) -> None:
        self.board.feed(send.data, now_s)


class Hanging:
    """A Progressor or a clone."""

    def __init__(self, gauge: Gauge) -> None:
        self.gauge = gauge
        self.lost = 0  # notifications still to be lost

    def connected(self, now_s: float) -> None:
        self.gauge.connected(now_s)

    def disconnected(self, now_s: float) -> None:
        self.gauge.disconnected(now_s)

    def heard(self, now_s: float) -> list[Chunk]:
        self.gauge.tick(now_s)
        chunks = [Chunk("data", message, now_s) for message in self.gauge.messages()]
        lost = min(self.lost, len(chunks))
        self.lost -= lost
        return chunks[lost:]

    def told(self, send: Send, now_s: float) -> None:
        assert send.source == "control"
        self.gauge.feed(send.data, now_s)


class Advertising:
    """A crane scale, heard so often."""

    def __init__(self, scale: CraneScale, every_s: float = 0.24) -> None:
        self.scale, self._every_s, self._due_s = scale, every_s, 0.0

    def connected(self, now_s: float) -> None:
        self._due_s = now_s

    def disconnected(self, now_s: float) -> None:
        pass

    def heard(self, now_s: float) -> list[Chunk]:
        if now_s < self._due_s:
            return []
        self._due_s += self._every_s
        heard = devices.kinds()["whc06"].heard
        assert heard is not None
        data = heard(self.scale.advert(now_s))
        assert data is not None
        return [Chunk("advert", data, now_s)]

    def told(self, send: Send, now_s: float) -> None:
        raise AssertionError("a scale that is never connected is told nothing")


@dataclass(frozen=True, slots=True)
class Case:
    """A kind on one of its links, and how to make the device there."""

    kind: str
    link: Link
    side: Callable[[], Side]
    loss: bool = True  # what is lost can be told from what came


CASES = (
    Case("native", Link.SERIAL, lambda: Ball(framed=True)),
    Case("native", Link.GATT, lambda: Ball(framed=False)),
    Case("progressor", Link.GATT, lambda: Hanging(Gauge("calm"))),
    Case("text", Link.SERIAL, lambda: Board(TextBoard("calm"))),
    Case("text", Link.GATT, lambda: Board(TextBoard("calm", form="time"), "tx", 20)),
    Case("whc06", Link.ADVERT, lambda: Advertising(CraneScale("calm"))),
)


class Joined:
    """Driver and device, in steps of 20 ms, the appointments kept in between."""

    def __init__(self, driver: Driver, side: Side, now_s: float = 100.0) -> None:
        self.driver, self.side, self.now_s = driver, side, now_s
        self.events: list[DriverEvent] = []
        self.chunks: list[Chunk] = []
        self.mute = False  # what the device says does not arrive

    def open(self) -> None:
        self.side.connected(self.now_s)
        self._take(self.driver.opened(self.now_s))

    def close(self) -> None:
        self.side.disconnected(self.now_s)
        self._take(self.driver.closed(self.now_s))

    def run(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while self.now_s < until_s - 1e-9:
            self.now_s = round(self.now_s + STEP_S, 6)
            for chunk in self.side.heard(self.now_s):
                if not self.mute:
                    self.chunks.append(chunk)
                    self._take(self.driver.feed(chunk))
            due_s = self.driver.deadline()
            if due_s is not None and due_s <= self.now_s:
                self._take(self.driver.tick(self.now_s))
                due_s = self.driver.deadline()
                assert due_s is None or due_s > self.now_s

    def ask(self, request: Request) -> None:
        self._take(self.driver.ask(request, self.now_s))

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    def _take(self, events: list[DriverEvent]) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, Send):
                self.side.told(event, self.now_s)


def joined(kind: str, link: Link, side: Side, settings: Mapping[str, object] | None = None, serial: str = "") -> Joined:
    """Opened."""
    line = Joined(devices.driver(kind, link, Options(7, serial, settings or {})), side)
    line.open()
    return line
