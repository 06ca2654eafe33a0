"""A ball on the bench: requests in, messages out, with the time of each. Waiting is yielding a `Pause`."""

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar
from zlib import crc32

from firmware_protocol import messages as m
from firmware_protocol.codec import decode_from_ball, encode
from firmware_protocol.framing import Damaged, Deframer

ANSWER_S = 2.0  # how long a reply is waited for; what R42 allows is judged by itself, over many
AVERAGE_S = 3.0  # TARE and RAW: beyond avg_ms
LAST_TAG = 255

T = TypeVar("T")


class MendError(Exception):
    """A rule is broken; the text says what is to be mended."""


class SilentError(MendError):
    """No answer."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Until `until_s`, or until `done` holds after something was heard."""

    until_s: float
    done: Callable[[], bool] = lambda: False


Steps = Generator[Pause, None, None]
Asking = Generator[Pause, None, T]


@dataclass(frozen=True, slots=True)
class Heard:
    """One message, or damage."""

    at_s: float
    raw: bytes
    tag: int
    said: m.Reply | m.Unsolicited | Damaged

    @property
    def is_reply(self) -> bool:
        return len(self.raw) > 0 and self.raw[0] >= m.REPLY


class Bench:
    """`channels` is not known before HELLO was answered."""

    def __init__(self, framed: bool, first_tag: int) -> None:
        self.framed = framed
        self.now_s = 0.0
        self.hello: m.HelloReply | None = None
        self.heard: list[Heard] = []
        self.delays: dict[str, list[float]] = {}  # from a request to its reply, by what is allowed for it
        self.asked: Counter[bytes] = Counter()  # requests by type and tag
        self._outgoing: list[bytes] = []
        self._deframer = Deframer()
        self._tag = first_tag

    # Bytes

    def feed(self, data: bytes, at_s: float) -> None:
        self.now_s = at_s
        for part in self._deframer.feed(data) if self.framed else (data,):
            self._hear(part, at_s)

    def _hear(self, part: bytes | Damaged, at_s: float) -> None:
        if isinstance(part, Damaged):
            self.heard.append(Heard(at_s, part.raw, 0, part))
            return
        found = decode_from_ball(part, None if self.hello is None else self.hello.channels)
        tag = part[1] if len(part) > 1 else 0
        self.heard.append(Heard(at_s, part, tag, found if isinstance(found, Damaged) else found[1]))

    def outgoing(self) -> list[bytes]:
        """What is to be sent now."""
        waiting, self._outgoing = self._outgoing, []
        return waiting

    def put(self, data: bytes) -> None:
        """These very bytes."""
        self._outgoing.append(data)

    def send(self, message: bytes) -> None:
        """A message, however wrong."""
        self.asked[message[:2]] += 1
        self.put(b"\0" + frame_of(message) if self.framed else message)

    def tag(self) -> int:
        tag, self._tag = self._tag, self._tag % LAST_TAG + 1
        return tag

    # Asking

    def raw(self, kind: int, payload: bytes, allowed: str = "", limit_s: float = ANSWER_S) -> Asking[Heard]:
        """Ask with these bytes; the reply. `allowed`: whose time of R42 it has. Raises SilentError."""
        tag = self.tag()
        message = bytes((kind, tag)) + payload
        mark, from_s = len(self.heard), self.now_s
        self.send(message)
        yield Pause(from_s + limit_s, lambda: self._reply(mark, kind, tag) is not None)
        reply = self._reply(mark, kind, tag)
        if reply is None:
            raise SilentError(f"asked {message.hex().upper()}, no reply within {limit_s:g} s")
        if allowed:
            self.delays.setdefault(allowed, []).append(reply.at_s - from_s)
        return reply

    def _reply(self, mark: int, kind: int, tag: int) -> Heard | None:
        wanted = bytes(((kind + m.REPLY) & 0xFF, tag))
        return next((heard for heard in self.heard[mark:] if heard.raw[:2] == wanted), None)

    def ask(self, request: m.Request) -> Asking[m.Reply]:
        """The reply, refusals among them."""
        message = encode(request, 0)
        limit_s, allowed = ANSWER_S, "0.3 s"
        match request:
            case m.Tare(avg_ms) | m.Raw(avg_ms):
                limit_s, allowed = (avg_ms or 500) / 1000 + AVERAGE_S, ""
            case m.Stop():
                allowed = "0.8 s"
        heard = yield from self.raw(message[0], message[2:], allowed, limit_s)
        if isinstance(heard.said, Damaged):
            raise MendError(f"asked {name_of(request)}, heard {shown(heard)}: it cannot be read ({heard.said.reason})")
        assert isinstance(heard.said, m.Reply)
        return heard.said

    def expect(self, request: m.Request, kind: type[T]) -> Asking[T]:
        """The reply, which has to be of this kind."""
        reply = yield from self.ask(request)
        if not isinstance(reply, kind):
            raise MendError(f"asked {name_of(request)}, refused with {status_name(reply)}")
        return reply

    def refused(self, kind: int, payload: bytes, status: m.Status, what: str) -> Steps:
        """The request earns this status."""
        heard = yield from self.raw(kind, payload, "0.3 s")
        if len(heard.raw) < 3 or heard.raw[2] != status:
            raise MendError(f"{what}: heard {shown(heard)}, expected status {status.value} {status.name}")

    # States

    def greet(self) -> Asking[m.HelloReply]:
        """READY, and quiet."""
        reply = yield from self.expect(m.Hello(1, 1), m.HelloReply)
        self.hello = reply
        return reply

    def idle(self) -> Asking[m.HelloReply]:
        """READY, and the scanner stands still."""
        hello = yield from self.greet()
        yield from self.expect(m.Stop(), m.StopReply)
        return hello

    def wait(self, seconds: float) -> Steps:
        yield Pause(self.now_s + seconds)

    def until(self, seconds: float, done: Callable[[], bool]) -> Steps:
        """Until `done`, for so long at most."""
        yield Pause(self.now_s + seconds, done)

    # What was heard

    def since(self, mark: int, kind: type[T]) -> list[T]:
        return [heard.said for heard in self.heard[mark:] if isinstance(heard.said, kind)]

    def live(self, mark: int) -> list[m.SampleBatch]:
        return [batch for batch in self.since(mark, m.SampleBatch) if not batch.backfill]


def frame_of(message: bytes, crc_off: int = 0) -> bytes:
    """A frame of any message of at most 249 bytes, also of what is too short to be one (R5)."""
    data = message + (crc32(message) ^ crc_off).to_bytes(4, "little")
    return b"".join(bytes((len(piece) + 1,)) + piece for piece in data.split(b"\0")) + b"\0"


def want(holds: object, text: str) -> None:
    """Raises MendError unless it holds."""
    if not holds:
        raise MendError(text)


def shown(heard: Heard) -> str:
    """Its bytes, not endlessly many."""
    return heard.raw[:24].hex().upper() + (".." if len(heard.raw) > 24 else "")


def name_of(request: m.Request) -> str:
    return type(request).__name__.upper()


def status_name(reply: object) -> str:
    """How a refusal is called."""
    status = reply.status if isinstance(reply, m.Refusal) else 0
    return f"{status} {m.Status(status).name}" if status in set(m.Status) else f"status {status}"
