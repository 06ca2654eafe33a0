"""A ball played by hand, for tests of the host: requests come out, replies and messages go in."""

from typing import Any, TypeVar

import numpy as np

from firmware_protocol import messages as m
from firmware_protocol.codec import decode_from_host, encode
from firmware_protocol.driver import (
    Chunk,
    Close,
    DriverEvent,
    Phase,
    PhaseChanged,
    Send,
)
from firmware_protocol.framing import Deframer, encode_frame
from firmware_protocol.host import Host
from firmware_protocol.messages import Caps, IdentField

T = TypeVar("T")
BOOT = 0xDEADBEEF
PERIOD_US = 10_000
CAPS = Caps.LIMITS | Caps.LOG | Caps.HAPTIC | Caps.SENSOR | Caps.CALIBRATION
LIMIT = m.LimitSettings(True, m.Pattern.STOP, 3460, 3114, 500)
POINTS = (m.CalPoint(-1200, 0.0), m.CalPoint(845_000, 196.125))


class Table:
    """A ball played by hand: the host's requests come out here, replies and messages go in."""

    def __init__(self, *, framed: bool = False, first_tag: int = 1, **kwargs: Any) -> None:
        self.host = Host(framed=framed, first_tag=first_tag, **kwargs)
        self.framed = framed
        self.now_s = 100.0
        self.events: list[DriverEvent] = []
        self.asked: list[tuple[int, m.Request]] = []
        self.sent: list[Send] = []
        self.deframer = Deframer()
        self.tag = 0
        self.hello = m.HelloReply(1, CAPS, 1, 1, 0.05, 200, 0xAFB0, BOOT)
        self.next_index, self.t_us, self.run = 1000, 12_340_000, 1
        self.refuse: dict[type[m.Request], int] = {}

    def take(self, events: list[DriverEvent]) -> None:
        self.events += events
        for event in events:
            if isinstance(event, Send):
                self.sent.append(event)
                messages = self.deframer.feed(event.data) if self.framed else [event.data]
                for message in messages:
                    assert isinstance(message, bytes)
                    heard = decode_from_host(message)
                    assert heard is not None
                    tag, request = heard
                    assert not isinstance(request, m.Refusal)
                    self.asked.append((tag, request))

    def open(self) -> None:
        self.take(self.host.opened(self.now_s))

    def wait(self, seconds: float) -> None:
        """Time passes, appointments kept."""
        end_s = self.now_s + seconds
        while (at_s := self.host.deadline()) is not None and at_s <= end_s:
            self.now_s = max(self.now_s, at_s)
            self.take(self.host.tick(self.now_s))
        self.now_s = end_s

    def say(self, message: m.Reply | m.Unsolicited, tag: int | None = None) -> None:
        if tag is None:
            tag, self.tag = self.tag, (self.tag + 1) & 0xFF
        self.feed(encode(message, tag))

    def feed(self, message: bytes) -> None:
        self.raw(encode_frame(message) if self.framed else message)

    def raw(self, data: bytes) -> None:
        self.take(self.host.feed(Chunk("serial" if self.framed else "tx", data, self.now_s)))

    def pop(self, kind: type[T]) -> tuple[int, T]:
        """The one request that waits for an answer."""
        assert len(self.asked) == 1, self.asked
        tag, request = self.asked.pop()
        assert isinstance(request, kind), request
        return tag, request

    def answer_one(self) -> None:
        tag, request = self.asked.pop(0)
        status = self.refuse.get(type(request))
        self.say(self.reply(request) if status is None else m.Refusal(m.REQUEST_TYPE[type(request)], status), tag)

    def answer_all(self) -> None:
        """Answer as a good ball would, until nothing is asked."""
        while self.asked:
            self.answer_one()

    def reply(self, request: m.Request) -> m.Reply:
        match request:
            case m.Hello():
                return self.hello
            case m.Ident(field):
                return m.IdentReply({IdentField.SERIAL: "KB-00A7", IdentField.MODEL: "virtual"}.get(field, "v"))
            case m.Time():
                return m.TimeReply(self.t_us)
            case m.Start():
                return m.StartReply(PERIOD_US, self.next_index, self.t_us, self.run)
            case m.Stop():
                return m.StopReply(self.next_index)
            case m.Tare():
                return m.TareReply(self.next_index, -37)
            case m.CalGet():
                return m.CalGetReply(9820, POINTS)
            case m.Limits(limit):
                assert limit is not None
                return m.LimitsReply(limit)
            case m.Alert():
                return m.AlertReply()
            case m.LogRead(first, _):
                return m.LogReadReply(first, 0, 0)
            case m.Sensor():
                return m.SensorReply(20_000, 0, 1200, 2)
            case _:
                raise AssertionError(request)

    def live(self) -> "Table":
        self.open()
        self.answer_all()
        assert self.host.phase is Phase.LIVE
        return self

    def samples(self, scans: int = 5, missed: int = 0, tag: int | None = None) -> None:
        """The next batch in time."""
        self.next_index += missed
        self.t_us += missed * PERIOD_US
        values = np.zeros((scans, 1), np.int16)
        span_10us = (scans - 1) * PERIOD_US // 10
        stamp_us = (self.t_us + PERIOD_US) & 0xFFFFFFFF
        self.say(m.SampleBatch(self.next_index & 0xFFFF, stamp_us, span_10us, values), tag)
        self.next_index += scans
        self.t_us += scans * PERIOD_US

    def wait_with_samples(self, seconds: float) -> None:
        """Samples as time passes; nothing is answered."""
        for _ in range(round(seconds / 0.05)):
            self.wait(0.05)
            self.samples()

    def stream(self, seconds: float) -> None:
        """Samples as time passes; whatever the host asks is answered."""
        for _ in range(round(seconds / 0.05)):
            self.wait(0.05)
            self.samples()
            self.answer_all()

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    def phases(self) -> list[Phase]:
        return [event.phase for event in self.of(PhaseChanged)]

    def close(self) -> Close:
        (close,) = self.of(Close)
        return close
