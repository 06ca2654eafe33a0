"""One link of a ball: its state, and what waits to go out on it (R3, R5 to R8, R11, R26, R27, R38)."""

from collections import deque
from collections.abc import Callable
from enum import Enum

from firmware_protocol.batches import LiveScans, LoggedScans
from firmware_protocol.codec import encode
from firmware_protocol.driver import BallEventCode
from firmware_protocol.framing import MAX_MESSAGE, Deframer, encode_frame
from firmware_protocol.messages import (
    NO_CHANNEL,
    BallEventMessage,
    Refusal,
    Reply,
    SampleBatch,
    Status,
    StatusMessage,
    Unsolicited,
    reply_type_of,
)

ATT_HEADER = 3  # bytes of an MTU that a notification cannot use
SCANS_HEADER = 10  # bytes of SAMPLES before its scans
FRAME_EXTRA = 6  # CRC-32, COBS code, 00
BITS_PER_BYTE = 10  # 8N1
BAUD_SHARE = 0.8  # R8
STATUS_US = 10_000_000  # R38: at least
STATUS_SOON_US = 1_000_000  # R38: at most, if something changed
EVENTS_A_SECOND = 10
MAX_WAITING = 16  # replies, and events, that wait for a link that takes nothing; older ones go
NEVER_US = 1 << 62


class LinkState(Enum):
    """Section 4."""

    SHUT = "shut"
    OPEN = "open"
    READY = "ready"
    SENDING = "sending"


class BallLink:
    """Times are the ball's own, microseconds since boot."""

    def __init__(self, *, framed: bool, mtu: int, encrypted: bool, baud: int | None) -> None:
        self.framed, self.mtu, self.encrypted, self.baud = framed, mtu, encrypted, baud
        self.state = LinkState.SHUT
        self.deframer = Deframer()
        self.live = LiveScans()
        self.logged: LoggedScans | None = None
        self.asked_us = 0  # the last request
        self.stop_us = NEVER_US  # STOP: what waits goes until then
        self._stop_tags: deque[int] = deque(maxlen=MAX_WAITING)
        self._replies: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._events: deque[BallEventMessage] = deque(maxlen=MAX_WAITING)
        self._event_times: deque[int] = deque(maxlen=EVENTS_A_SECOND)
        self._overrun = 0  # scans dropped, not yet told
        self._tag = 0  # of the next unsolicited message
        self._status_us = NEVER_US  # STATUS is due then
        self._told_us = 0
        self._told: tuple[int, int] | None = None  # flags and zero changes last told
        self._wake = framed  # R6: a 00 goes before the first frame after power-up

    @property
    def private(self) -> bool:
        """R59: serial is private, BLE when encrypted."""
        return self.framed or self.encrypted

    @property
    def answering(self) -> bool:
        return self.state in (LinkState.READY, LinkState.SENDING)

    @property
    def largest(self) -> int:
        """Bytes of the longest message this link takes at this moment (R3)."""
        return MAX_MESSAGE if self.framed else min(MAX_MESSAGE, self.mtu - ATT_HEADER)

    def room(self, channels: int) -> int:
        """Scans in one SAMPLES."""
        return max(0, (self.largest - SCANS_HEADER) // (2 * channels))

    def carries(self, channels: int, hz: float, latency_us: int) -> bool:
        """Whether a stream fits: one scan in a message, 80 % of a fixed baud rate (R8, R27)."""
        room = self.room(channels)
        if not room:
            return False
        if not self.framed or self.baud is None:
            return True
        scans = min(room, int(latency_us * hz / 1_000_000) + 1)
        frame = SCANS_HEADER + 2 * channels * scans + FRAME_EXTRA
        return frame * BITS_PER_BYTE * hz / scans <= BAUD_SHARE * self.baud

    def hush(self) -> None:
        """No SAMPLES and BACKFILL until asked anew (R39)."""
        self.live.discard()
        self.logged = None

    # What is to go out

    def reply(self, tag: int, reply: Reply) -> None:
        data = encode(reply, tag)
        if len(data) > self.largest:
            data = encode(Refusal(reply_type_of(reply) - 0x80, Status.TOO_BIG), tag)
        self._replies.append(data)

    def reply_when_drained(self, tag: int, until_us: int) -> None:
        """STOP: after the scans that wait, but not after `until_us` (R26)."""
        self._stop_tags.append(tag)
        self.stop_us = min(self.stop_us, until_us)

    def event(self, event: BallEventMessage) -> None:
        if self.answering:
            self._events.append(event)

    def overrun(self, scans: int) -> None:
        self._overrun += scans

    def greeted(self, now_us: int) -> None:
        """HELLO was accepted: STATUS follows its reply."""
        self._status_us, self._told = now_us, None

    def changed(self, flags: int, zero_changes: int, now_us: int) -> None:
        """R38: tell soon if something differs from what was last told."""
        if self.answering and self._told is not None and self._told != (flags, zero_changes):
            self._status_us = min(self._status_us, max(now_us, self._told_us + STATUS_SOON_US))

    def step_clock(self, by_us: int) -> None:
        self.asked_us += by_us
        self._told_us += by_us
        self._event_times = deque((at_us + by_us for at_us in self._event_times), maxlen=EVENTS_A_SECOND)
        self._status_us += by_us if self._status_us < NEVER_US else 0
        self.stop_us += by_us if self.stop_us < NEVER_US else 0

    def deadline_us(self, now_us: int) -> int:
        """When this link will have more to hand over than it has now, or something to do."""
        due = [self.stop_us]
        if self.answering:
            due.append(self._status_us)
        if self._eventful and not self._may_tell(now_us):
            due.append(self._event_times[0] + 1_000_000)
        return min((at_us for at_us in due if at_us > now_us), default=NEVER_US)

    def hand_over(
        self,
        now_us: int,
        status: Callable[[], StatusMessage],
        stop: Callable[[], Reply],
        channels: int,
        space: int | None,
    ) -> list[bytes]:
        """Messages or frames, by priority (R27), not more than `space` bytes; tags are given now (R11)."""
        out: list[bytes] = []
        left = NEVER_US if space is None else space
        for make in (
            self._next_reply,
            lambda: self._next_event(now_us),
            lambda: self._next_status(now_us, status),
            lambda: self._next_scans(self.live.take, channels),
            lambda: self._next_stop(stop),
            lambda: self._next_scans(self.logged.take, channels) if self.logged and self.answering else None,
        ):
            while left >= self.largest + FRAME_EXTRA and (data := make()) is not None:
                out.append(self._framed(data))
                left -= len(out[-1])
        return out

    def _framed(self, data: bytes) -> bytes:
        if not self.framed:
            return data
        wake, self._wake = b"\0" if self._wake else b"", False
        return wake + encode_frame(data)

    def _unsolicited(self, message: Unsolicited) -> bytes:
        data = encode(message, self._tag)
        self._tag = (self._tag + 1) & 0xFF
        return data

    def _next_reply(self) -> bytes | None:
        return self._replies.popleft() if self._replies else None

    def _next_event(self, now_us: int) -> bytes | None:
        if not self._eventful or not self._may_tell(now_us):
            return None
        if self._events:
            event = self._events.popleft()
        else:
            lost, self._overrun = min(self._overrun, 0x7FFF), 0
            event = BallEventMessage(BallEventCode.OVERRUN, NO_CHANNEL, now_us & 0xFFFFFFFF, lost)
        self._event_times.append(now_us)
        return self._unsolicited(event)

    @property
    def _eventful(self) -> bool:
        return bool(self._events) or (self._overrun > 0 and self.answering)

    def _may_tell(self, now_us: int) -> bool:
        times = self._event_times
        return len(times) < EVENTS_A_SECOND or now_us >= times[0] + 1_000_000

    def _next_status(self, now_us: int, make: Callable[[], StatusMessage]) -> bytes | None:
        if not self.answering or now_us < self._status_us:
            return None
        status = make()
        self._told, self._told_us = (status.flags, status.zero_changes), now_us
        self._status_us = now_us + STATUS_US
        return self._unsolicited(status)

    def _next_scans(self, take: Callable[[int], SampleBatch | None], channels: int) -> bytes | None:
        batch = take(self.room(channels))
        return None if batch is None else self._unsolicited(batch)

    def _next_stop(self, stop: Callable[[], Reply]) -> bytes | None:
        if not self._stop_tags or self.live.ready:
            return None
        if len(self._stop_tags) == 1:
            self.stop_us = NEVER_US
        return encode(stop(), self._stop_tags.popleft())
