"""A bad link: what becomes of a virtual ball's bytes after framing, and of what is said to it.

Sans-IO. Times are the caller's seconds, and never go back. Each fault draws from a generator of its own, so that
asking for one more leaves the others as they were.
"""

import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from firmware_protocol import messages as m
from firmware_protocol.framing import Deframer
from firmware_protocol.simulator.faults import KINDS, Fault

BURST_EVERY_S = 5.0  # on average
FLOOD_S = 2.0
BREAK_S = 1.0  # `reorder`: how long the link is away
BOOT_TEXT = (
    b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
    b"configsip: 0, SPIWP:0xee\r\nload:0x3fff0030,len:1184\r\nentry 0x400805e4\r\n"
)
LOG_TEXT = b"E (%d) hx711: time-out, again\r\n"
NAME_LETTERS = 10_000
_REPLIES = range(m.REPLY + 1, m.SAMPLES + m.REPLY)
_START_REPLY, _IDENT_REPLY = m.REQUEST_TYPE[m.Start] + m.REPLY, m.REQUEST_TYPE[m.Ident] + m.REPLY
_NEVER_S = math.inf

Told = Callable[[str, str], None]  # fault, what was done


class LinkFaults:
    """`send` takes frames as the ball has them ready, `due` gives what arrives; `hear` is the other direction.

    `framed` False: a frame is one datagram, and so is each of those given. ValueError for faults of a stream there.
    """

    def __init__(self, faults: Mapping[str, Fault], seed: int, told: Told, *, framed: bool = True) -> None:
        wrong = [name for name in faults if KINDS[name].stream and not framed]
        if wrong:
            raise ValueError(f"only a stream of bytes can have {', '.join(wrong)}; this link carries whole messages")
        self._faults = dict(faults)
        self._told = told
        self._drawn = {name: random.Random(f"{seed} {name}") for name in faults}
        self._framed = framed
        self._flying: deque[tuple[float, bytes]] = deque()  # arrival and piece, in order of arrival
        self._straggler: tuple[float, bytes] | None = None  # the late reply
        self._kept: list[bytes] = []  # `reorder`: for the next link
        self._held: list[tuple[float, bytes]] = []  # frames of the last moments
        self._to_flip = self._gap("flip")
        self._flip_back = self._gap("flip")
        self._burst = self._next_burst(0.0)
        self._uplink = b""  # of a request that is not whole yet
        self._done: set[str] = set()  # what happens once, and has
        self._last_s = 0.0  # of the newest frames
        self._began_s = _NEVER_S  # the caller's second at which the scenario began

    # --- from the ball ---

    def began(self, at_s: float) -> None:
        """The caller's second that is the scenario's 0. It may move, if the scenario stood still."""
        self._began_s = at_s

    def connected(self, now_s: float) -> None:
        """A new link: nothing of the old one is on its way, except for what comes out of order."""
        self.broke()  # it may have been given up for want of an answer, before its moment came
        self._held.clear()
        self._uplink = b""
        self.restarted(now_s)

    def restarted(self, now_s: float) -> None:
        """The board boots: it says so, in its own way, before it speaks the protocol."""
        if "boottext" in self._faults:
            self._told("boottext", f"{len(BOOT_TEXT)} bytes")
            self._fly(now_s, BOOT_TEXT)

    def broke(self) -> None:
        """The link is lost. What was on its way is lost with it, or comes late."""
        if self._held and "reorder" not in self._done:
            self._done.add("reorder")
            self._kept = [piece for _, piece in self._held]
            self._told("reorder", f"{len(self._kept)} frames")
        self._flying.clear()
        self._straggler = None

    def send(self, frames: Iterable[bytes], now_s: float) -> None:
        """Frames (or messages) in their order."""
        self._last_s = now_s
        for frame in frames:
            kind = self._type(frame)
            if self._withheld(frame, now_s) or self._is_late(frame, kind, now_s) or self._chance("drop", kind):
                continue
            for piece in self._copies(self._renamed(frame, kind), now_s):
                self._fly(self._arrival_s(now_s), self._spoilt(piece, now_s))
            if kind == _START_REPLY and self._kept:
                for piece in self._kept:
                    self._fly(now_s, piece)
                self._kept = []

    def due(self, now_s: float) -> list[bytes]:
        """What has arrived by now, in order."""
        arrived: list[bytes] = []
        while self._flying and self._flying[0][0] <= now_s:
            arrived.append(self._flying.popleft()[1])
        if self._straggler is not None and self._straggler[0] <= now_s:
            arrived.append(self._straggler[1])
            self._straggler = None
        return arrived

    def deadline_s(self) -> float:
        """When something arrives next; infinite if nothing is on its way."""
        straggler_s = _NEVER_S if self._straggler is None else self._straggler[0]
        return min(self._flying[0][0] if self._flying else _NEVER_S, straggler_s)

    # --- to the ball ---

    def hear(self, data: bytes, now_s: float) -> bytes:
        """What the ball hears of `data`."""
        if self._stalled(now_s) is not None:
            return b""
        if "drop" in self._faults:
            data = self._requests(data) if self._framed else b"" if self._chance("drop", None) else data
        if "flip" in self._faults and data:
            data, self._flip_back = self._flipped(data, self._flip_back)
        return data

    def _requests(self, data: bytes) -> bytes:
        """Whole requests, but for those that are lost."""
        *whole, self._uplink = (self._uplink + data).split(b"\0")
        return b"".join(frame + b"\0" for frame in whole if not (frame and self._chance("drop", None)))

    # --- what may happen to a frame ---

    def _reached(self, fault: Fault, now_s: float) -> bool:
        return now_s - self._began_s >= (fault.at_s or 0.0) if fault.at_s is not None else True

    def _chance(self, name: str, kind: int | None) -> bool:
        fault = self._faults.get(name)
        if fault is None or not self._reached(fault, self._last_s) or self._drawn[name].random() >= fault.value:
            return False
        self._told(name, "to the ball" if kind is None else f"message {kind:02X}h")
        return True

    def _withheld(self, frame: bytes, now_s: float) -> bool:
        """Frames sent just before the link breaks, which come only on the next one."""
        fault = self._faults.get("reorder")
        if fault is None or "reorder" in self._done:
            return False
        from_s = self._began_s + (fault.at_s or 0.0) - fault.value
        if not now_s >= from_s:
            return False
        self._held.append((now_s, frame))
        return True

    def _is_late(self, frame: bytes, kind: int | None, now_s: float) -> bool:
        fault = self._faults.get("late")
        if fault is None or "late" in self._done or kind not in _REPLIES or not self._reached_or_first(fault, now_s):
            return False
        self._done.add("late")
        self._told("late", f"message {kind:02X}h by {fault.value:g} s")
        self._straggler = (now_s + fault.value, frame)
        return True

    def _reached_or_first(self, fault: Fault, now_s: float) -> bool:
        """At second 0 the first reply of all is meant, which comes before the scenario begins."""
        return not fault.at_s or self._reached(fault, now_s)

    def _renamed(self, frame: bytes, kind: int | None) -> bytes:
        fault = self._faults.get("name")
        if fault is None or fault.word != "long" or kind != _IDENT_REPLY:
            return frame
        self._told("name", f"{NAME_LETTERS} letters")
        return self._long_name(frame)

    def _long_name(self, frame: bytes) -> bytes:
        letters = b"A" * NAME_LETTERS
        if not self._framed:
            return frame[:3] + letters
        blocks = [letters[at : at + 254] for at in range(0, len(letters), 254)]
        # COBS by hand, as no encoder of ours makes a frame so long: type, tag, the zero that is OK, then letters.
        return b"\x03" + self._message(frame)[:2] + b"".join(bytes((len(b) + 1,)) + b for b in blocks) + b"\0"

    def _copies(self, frame: bytes, now_s: float) -> list[bytes]:
        flood = self._faults.get("flood")
        if flood is not None and 0 <= now_s - self._began_s - (flood.at_s or 0.0) < FLOOD_S:
            self._told("flood", f"{flood.value:g} times")
            return [frame] * round(flood.value)
        if self._chance("dup", self._type(frame)):
            return [frame, frame]
        return [frame]

    def _spoilt(self, frame: bytes, now_s: float) -> bytes:
        if not self._framed:
            return frame
        kind = self._type(frame) if self._faults.keys() & {"cut", "glue", "text"} else None
        if self._chance("cut", kind):
            drawn = self._drawn["cut"]
            end = b"\0" if drawn.random() < 0.5 else b""
            frame = frame[: drawn.randrange(1, max(2, len(frame) - 1))] + end
        if self._chance("glue", kind):
            frame = frame.rstrip(b"\0")
        if self._chance("text", kind):
            frame = LOG_TEXT % round(1000 * now_s) + frame
        if "flip" in self._faults:
            frame, self._to_flip = self._flipped(frame, self._to_flip)
        return self._noise(frame, now_s)

    def _flipped(self, data: bytes, gap: int) -> tuple[bytes, int]:
        """With bits changed; and how many bits are left before the next one that changes."""
        bits = 8 * len(data)
        fault = self._faults["flip"]
        if gap >= bits or not self._reached(fault, self._last_s):
            return data, gap - bits if gap >= bits else gap
        changed, flips = bytearray(data), 0
        while gap < bits:
            changed[gap // 8] ^= 1 << gap % 8
            flips += 1
            gap += 1 + self._gap("flip")
        self._told("flip", f"{flips} bits of {len(data)} bytes")
        return bytes(changed), gap - bits

    def _gap(self, name: str) -> int:
        """How many come through before the next that does not (geometric)."""
        fault = self._faults.get(name)
        if fault is None:
            return 0
        if fault.value >= 1.0:
            return 0
        return int(math.log(1.0 - self._drawn[name].random()) / math.log1p(-fault.value))

    def _noise(self, frame: bytes, now_s: float) -> bytes:
        fault = self._faults.get("burst")
        if fault is None or not self._reached(fault, now_s) or self._began_s == _NEVER_S:
            return frame
        at_s = now_s - self._began_s
        while at_s >= self._burst + fault.value:
            self._burst = self._next_burst(self._burst + fault.value)
        if at_s < self._burst:
            return frame
        self._told("burst", f"{len(frame)} bytes")
        return self._drawn["burst"].randbytes(len(frame))

    def _next_burst(self, after_s: float) -> float:
        fault = self._faults.get("burst")
        return _NEVER_S if fault is None else after_s + self._drawn["burst"].uniform(0.5, 1.5) * BURST_EVERY_S

    # --- when it arrives ---

    def _stalled(self, now_s: float) -> float | None:
        """Until when, by the caller's seconds; None: it flows."""
        fault = self._faults.get("stall")
        if fault is None or fault.at_s is None:
            return None
        from_s = self._began_s + fault.at_s
        return from_s + fault.value if from_s <= now_s < from_s + fault.value else None

    def _arrival_s(self, now_s: float) -> float:
        at_s = now_s
        jitter, clump = self._faults.get("jitter"), self._faults.get("clump")
        if jitter is not None and self._reached(jitter, now_s):
            at_s += self._drawn["jitter"].uniform(0.0, jitter.value)
        if clump is not None and self._reached(clump, now_s) and self._began_s < _NEVER_S:
            passed = max(0.0, at_s - self._began_s)
            at_s = self._began_s + math.ceil(passed / clump.value) * clump.value
        until_s = self._stalled(now_s)
        if until_s is not None:
            if "stall" not in self._done:
                self._done.add("stall")
                self._told("stall", f"{self._faults['stall'].value:g} s")
            at_s = max(at_s, until_s)
        return at_s

    def _fly(self, arrival_s: float, piece: bytes) -> None:
        """Nothing overtakes what was sent before."""
        if piece:
            latest_s = self._flying[-1][0] if self._flying else arrival_s
            self._flying.append((max(latest_s, arrival_s), piece))

    # --- what it is ---

    def _type(self, frame: bytes) -> int | None:
        """The message's type byte."""
        message = self._message(frame) if self._framed else frame
        return message[0] if message else None

    @staticmethod
    def _message(frame: bytes) -> bytes:
        found = Deframer().feed(frame)
        return found[0] if found and isinstance(found[0], bytes) else b""
