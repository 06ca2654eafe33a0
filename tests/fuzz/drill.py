"""A session under arbitrary input: bytes, answers, cuts, times, actions; and what must hold after each of them."""

import gc
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import numpy as np

from companion.cli.jsonl import Jsonl
from companion.cli.plain import Plain
from companion.cli.zones import edges_of
from companion.contexts import guard_context
from companion.pipeline import Pipeline
from companion.run import LiveRequest
from companion.stages import Output, Plan
from firmware_protocol import devices
from firmware_protocol.devices.kind import Link, Options
from firmware_protocol.driver import Chunk, Close, Send
from firmware_protocol.framing import MAX_MESSAGE, Deframer, encode_frame
from firmware_protocol.messages import REPLY
from firmware_protocol.simulator.foreign import CraneScale, Gauge, TextBoard
from sessions.draft import Draft
from sessions.events import Action, Closed, Event, Notice, Opened, Reading
from tests.foreign import Advertising, Ball, Board, Case, Hanging
from tests.session_events import batch_of

HELD_BYTES = 3 << 20  # whatever came in
LONGEST_S = 3600.0
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ACTIONS = (
    Action("region", {"region": "calf"}),
    Action("side", {"side": "left"}),
    Action("tool", {"tool": "soft"}),
    Action("tare"),
    Action("tare", {"free": True}),
    Action("confirm"),
    Action("silence"),
    Action("symptom", {"text": "\x1b[31m[bold]", "kind": 7}),
    Action("mark", {"text": "=1+1"}),
    Action("pause"),
    Action("nonsense", {"region": None}),
    Action("raw", {"avg_ms": 50}),
    Action("points", {"channel": 1}),
    Action("calibrate", {"channel": 0, "points": [[0, 0.0], [5, 1.0]]}),
)


# What speaks, and how: a ball by name and by its looks, and every other kind of device.
SPOKEN = (
    Case("native", Link.SERIAL, lambda: Ball(framed=True, scenario="showcase")),
    Case("native", Link.GATT, lambda: Ball(framed=False, scenario="showcase")),
    Case(devices.AUTO, Link.SERIAL, lambda: Board(TextBoard("showcase"), "serial", 40)),
    Case("text", Link.GATT, lambda: Board(TextBoard("showcase", form="time"), "tx", 20)),
    Case("text", Link.SERIAL, lambda: Board(TextBoard("showcase", form="counts"))),
    Case("progressor", Link.GATT, lambda: Hanging(Gauge("showcase"))),
    Case("whc06", Link.ADVERT, lambda: Advertising(CraneScale("showcase"))),
)


class Drill:
    """One pipeline with all that follows it. A virtual device is there to be heard when the input says so.

    `spoken`: which of SPOKEN it is. AssertionError where an invariant does not hold; whatever else is raised is a
    defect, too.
    """

    def __init__(self, spoken: int = 0) -> None:
        request = LiveRequest(region="glute", side="left")
        case = SPOKEN[spoken % len(SPOKEN)]
        self._framed = case.link is Link.SERIAL and case.kind == "native"
        self._source = {Link.SERIAL: "serial", Link.ADVERT: "advert", Link.GATT: "tx"}[case.link]
        self._source = "data" if case.kind == "progressor" else self._source
        self.line = Pipeline(
            devices.driver(case.kind, case.link, Options(1)),
            Plan("me", "glute", "left", None, lambda profile: guard_context(profile, request), _wall, "drill"),
        )
        self.now_s = 0.0
        self.readings = 0
        self.events = 0
        self.damaged = 0
        self.ended = False  # and all held to the end
        self._side = case.side()
        self._ear = Deframer()
        self._asked: list[bytes] = []  # requests the host has sent, newest last
        self._draft, self._jsonl, self._plain = Draft(), Jsonl(), Plain(edges_of)
        self._newest_s = -1.0
        self._opened = False
        self._linked = False
        self.open()

    # What may happen

    def open(self) -> None:
        if not self._linked:
            self._linked = True
            self._ear.reset()
            self._side.connected(self.now_s)
            self._take(self.line.opened(self.now_s))

    def drop(self) -> None:
        if self._linked:
            self._linked = False
            self._side.disconnected(self.now_s)
            self._take(self.line.closed(self.now_s, "pulled"))

    def raw(self, data: bytes, cuts: Iterable[int] = ()) -> None:
        """Bytes off the line, in pieces."""
        at = 0
        for cut in (*sorted(cut % (len(data) + 1) for cut in cuts), len(data)):
            if piece := data[at:cut]:
                self._feed(piece)
            at = cut

    def message(self, message: bytes) -> None:
        """A frame whose CRC is right; where nothing is framed, a datagram."""
        if 2 <= len(message) <= MAX_MESSAGE:
            self._feed(encode_frame(message) if self._framed else message)

    def answer(self, payload: bytes) -> None:
        """A reply that fits the newest request by type and tag, and says whatever it likes."""
        if self._asked:
            code, tag = self._asked[-1][:2]
            self.message((bytes((code | REPLY, tag, 0)) + payload)[:MAX_MESSAGE])

    def ball(self, seconds: float, spoil: bytes = b"") -> None:
        """The virtual device goes on and is heard, with some of its bytes changed."""
        for _ in range(min(int(seconds / 0.05) + 1, 60)):
            self.now_s += 0.05
            for chunk in self._side.heard(self.now_s):
                data = chunk.data
                if data and spoil:
                    spoilt = bytearray(data)
                    spoilt[spoil[0] % len(data)] ^= spoil[-1]
                    data = bytes(spoilt)
                if self._linked:
                    self._feed(data)
            self.tick(0.0)

    def tick(self, seconds: float) -> None:
        """Time passes; the appointment is kept, late. Afterwards the next one lies ahead."""
        self.now_s += min(max(seconds, 0.0), LONGEST_S)
        self._take(self.line.tick(self.now_s))
        due_s = self.line.deadline()
        assert due_s is None or due_s > self.now_s, f"the appointment of {due_s} stands still at {self.now_s}"

    def act(self, number: int) -> None:
        self._take(self.line.act(ACTIONS[number % len(ACTIONS)], self.now_s))

    def end(self) -> None:
        """The session is over; what is left of it could be written, and what is held is bounded."""
        held = size_of(self.line)
        assert held < HELD_BYTES, f"{held} bytes held"
        for event in self.line.finish(self.now_s, "user"):
            self._see(event)
        assert self.line.finish(self.now_s, "user") == []
        self._draft.pending()
        self.ended = True

    # What must hold

    def _feed(self, data: bytes) -> None:
        self._take(self.line.feed(Chunk(self._source, data, self.now_s)))

    def _take(self, out: list[Output]) -> None:
        for item in out:
            match item:
                case Send():
                    said = self._ear.feed(item.data) if self._framed else [item.data]
                    self._asked += [part for part in said if isinstance(part, bytes) and len(part) > 1]
                    del self._asked[:-4]
                    if self._linked:
                        self._side.told(item, self.now_s)
                case Close():
                    assert item.cause and item.text
                case _:
                    self._see(item)
        due_s = self.line.deadline()
        assert due_s is None or np.isfinite(due_s)

    def _see(self, event: Event) -> None:
        self.events += 1
        for line in (*self._jsonl.lines(event), *self._plain.lines(event), *self._plain.words(event)):
            assert line.isprintable(), line
        match event:
            case Reading():
                self._reading(event)
                self._draft.take_batch(batch_of(event), event.unit)
            case Opened():
                assert not self._opened
                self._opened = True
                self._draft.take(event)
            case Notice(kind="gap" | "damaged", fields=fields):
                assert fields.get("cause") or fields.get("reason")
                count = fields.get("count", 0)
                self.damaged += count if isinstance(count, int) else 0
                self._draft.take(event)
            case Closed() | _:
                self._draft.take(event)

    def _reading(self, reading: Reading) -> None:
        self.readings += 1
        assert self._opened
        assert 0 < len(reading.values) == len(reading.t_s)
        assert np.isfinite(reading.t_s).all() and (np.diff(reading.t_s) > 0).all()
        assert not reading.values.flags.writeable
        if not reading.late:
            assert reading.t_s[0] > self._newest_s
            self._newest_s = float(reading.t_s[-1])


def size_of(root: object) -> int:
    """Bytes of all that an object holds on to, without code and types."""
    seen: set[int] = set()
    total, todo = 0, [root]
    while todo:
        found = todo.pop()
        if id(found) in seen or isinstance(found, type | ModuleType | FunctionType | BuiltinFunctionType | MethodType):
            continue
        seen.add(id(found))
        total += sys.getsizeof(found)
        todo += gc.get_referents(found)
    return total


def _wall(at_s: float) -> datetime:
    return EPOCH + timedelta(seconds=at_s)
