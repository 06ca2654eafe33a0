"""A ball on the bench, for tests of the ball: requests go in, messages come out decoded."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from firmware_protocol import messages as m
from firmware_protocol.ball import Ball, BallIdentity, BallSpec
from firmware_protocol.codec import decode_from_ball, encode
from firmware_protocol.framing import Damaged, Deframer, encode_frame

T = TypeVar("T")
Said = m.Reply | m.Unsolicited
POINTS = (m.CalPoint(0, 0.0), m.CalPoint(1000, 100.0))
LIMIT = m.LimitSettings(True, m.Pattern.STOP, 3460, 3114, 500)
IDENTITY = BallIdentity(vendor="knead", model="virtual", serial="KB-00A7", firmware="1.0")


def spec(**changes: Any) -> BallSpec:
    return BallSpec(**{"identity": IDENTITY, "rates_hz": (10, 50, 100, 200), "full_scale": 20_000, **changes})


class Bench:
    """Time is the ball's own from boot on, in seconds. Values are `values` (one row for all scans) or of `sensor`."""

    def __init__(
        self, sensor: Callable[[int, int], NDArray[np.int16]] | None = None, *, framed: bool = True, **changes: Any
    ) -> None:
        self.spec = spec(**changes)
        self.values: list[int] = [0] * self.spec.channels
        self.scans: list[tuple[int, int, list[int]]] = []
        self.ball = Ball(self.spec, sensor or self._constant, witness=self._witness)
        self.tags: dict[int, int] = {}
        self.said: dict[int, list[tuple[int, Said]]] = {}
        self._deframers: dict[int, Deframer] = {}
        self._request_tag = 0
        self.now_us = 0
        self.connect(0, framed=framed)

    def _constant(self, first: int, count: int) -> NDArray[np.int16]:
        return np.tile(np.array(self.values, np.int16), (count, 1))

    def _witness(self, scans: Any) -> None:
        self.scans += zip(scans.index.tolist(), scans.t_us.tolist(), scans.values.tolist(), strict=True)

    def connect(self, link: int = 0, *, framed: bool = True, **how: Any) -> None:
        self.ball.connect(link, framed=framed, **how)
        self.said[link] = []
        self._deframers[link] = Deframer()
        self.framed = {**getattr(self, "framed", {}), link: framed}

    def wait(self, seconds: float, *, taken: bool = True) -> None:
        """Time passes, appointments kept; with `taken` the links take what there is."""
        end_us = self.now_us + round(seconds * 1_000_000)
        while (at_us := self.ball.deadline_us()) is not None and at_us <= end_us:
            assert at_us >= self.now_us
            self.now_us = at_us
            self.ball.tick(at_us)
            if taken:
                self.take()
        self.now_us = end_us
        self.ball.tick(end_us)
        if taken:
            self.take()

    def take(self, space: int | None = None) -> None:
        for link in self.said:
            for data in self.ball.outgoing(link, space):
                for message in self._deframers[link].feed(data) if self.framed[link] else [data]:
                    assert isinstance(message, bytes)
                    heard = decode_from_ball(message, self.spec.channels)
                    assert not isinstance(heard, Damaged), heard
                    self.said[link].append(heard)

    def send(self, request: m.Request, link: int = 0) -> int:
        """Its tag."""
        self._request_tag = self._request_tag % 255 + 1
        self.raw(encode(request, self._request_tag), link)
        return self._request_tag

    def raw(self, message: bytes, link: int = 0) -> None:
        self.ball.feed(link, b"\0" + encode_frame(message) if self.framed[link] else message, self.now_us)

    def ask(self, request: m.Request, link: int = 0) -> m.Reply:
        """The reply, which has to come at once."""
        tag = self.send(request, link)
        self.take()
        return self.reply(tag, link)

    def reply(self, tag: int, link: int = 0) -> m.Reply:
        (found,) = [
            said
            for said_tag, said in self.said[link]
            if said_tag == tag and not isinstance(said, m.SampleBatch | m.BallEventMessage | m.StatusMessage)
        ]
        return found

    def status(self, request: m.Request, link: int = 0) -> int:
        """0, or the status of the refusal."""
        reply = self.ask(request, link)
        return reply.status if isinstance(reply, m.Refusal) else 0

    def greet(self, link: int = 0) -> m.HelloReply:
        reply = self.ask(m.Hello(1, 1), link)
        assert isinstance(reply, m.HelloReply)
        return reply

    def start(self, rate_hz: int = 100, latency_ms: int = 0, link: int = 0) -> m.StartReply:
        self.greet(link)
        reply = self.ask(m.Start(rate_hz, latency_ms), link)
        assert isinstance(reply, m.StartReply), reply
        return reply

    def of(self, kind: type[T], link: int = 0) -> list[T]:
        return [said for _, said in self.said[link] if isinstance(said, kind)]

    def live(self, link: int = 0) -> list[m.SampleBatch]:
        return [batch for batch in self.of(m.SampleBatch, link) if not batch.backfill]

    def late(self, link: int = 0) -> list[m.SampleBatch]:
        return [batch for batch in self.of(m.SampleBatch, link) if batch.backfill]

    def codes(self, link: int = 0) -> list[tuple[int, int]]:
        return [(event.code, event.value) for event in self.of(m.BallEventMessage, link)]

    def forget(self) -> None:
        for said in self.said.values():
            said.clear()
