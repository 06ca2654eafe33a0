"""Asking a ball: one request outstanding at a time, each try under a new tag (R10, R44).

Knows tags, time-outs, tries and the queue behind; not what the requests are for.
"""

import random
from collections import deque
from dataclasses import dataclass

from firmware_protocol import messages as m
from firmware_protocol.codec import encode
from firmware_protocol.driver import Send
from firmware_protocol.framing import encode_frame

TRIES = 3  # R44
REPLY_S = 1.0  # R44
AVERAGE_S = 2.0  # R44: TARE and RAW, beyond avg_ms
DEFAULT_AVERAGE_MS = 500
CAL_SET_S = 3.0  # R44
BUSY_S = 0.2  # R44
BUSY_TRIES = 10  # R44
LAST_TAG = 255  # R10: 1..255, then 1


@dataclass(slots=True)
class Errand:
    """A request and how patiently it is asked."""

    request: m.Request
    own: bool = True  # the host's; else a person asked
    tries: int = TRIES  # left
    timeout_s: float = 0.0  # of one try; 0: as R44 has it for this request
    busy: int = BUSY_TRIES  # left

    def __post_init__(self) -> None:
        self.timeout_s = self.timeout_s or reply_s(self.request)

    def patient(self) -> bool:
        """The ball is busy: whether to ask again, in BUSY_S."""
        self.busy -= 1
        return self.busy >= 0


def reply_s(request: m.Request) -> float:
    """How long the reply may take (R44)."""
    match request:
        case m.Tare(avg_ms) | m.Raw(avg_ms):
            return (avg_ms or DEFAULT_AVERAGE_MS) / 1000 + AVERAGE_S
        case m.CalSet():
            return CAL_SET_S
        case _:
            return REPLY_S


class Conversation:
    """The outstanding errand and those that wait. `framed`: a stream, on which a 00 goes before each request (R6)."""

    def __init__(self, framed: bool, first_tag: int) -> None:
        if not 1 <= first_tag <= LAST_TAG:
            raise ValueError(f"request tags run 1 to {LAST_TAG}, not {first_tag}")
        self._framed = framed
        self._tags = random.Random(first_tag)  # R10 wants it random per link; from one seed, a session can be replayed
        self._tag = first_tag
        self._links = 0
        self._queue: deque[Errand] = deque()
        self._current: Errand | None = None
        self._asked_tag: int | None = None  # None while the errand pauses before its next try
        self._due_s = 0.0
        self.last_sent_s = 0.0

    def restart(self) -> None:
        """A new link: a new first tag. The caller has dropped what was asked on the old one."""
        if self._links:
            self._tag = self._tags.randint(1, LAST_TAG)
        self._links += 1

    def drop(self) -> list[Errand]:
        """Forget everything asked; gives what a person had asked for, oldest first."""
        dropped = [errand for errand in (self._current, *self._queue) if errand is not None and not errand.own]
        self._queue.clear()
        self._current = self._asked_tag = None
        return dropped

    @property
    def current(self) -> Errand | None:
        """The errand that is outstanding or pauses."""
        return self._current

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def ask(self, errand: Errand) -> None:
        self._queue.append(errand)

    def ask_first(self, errand: Errand) -> None:
        """Before all others, but the outstanding one."""
        self._queue.appendleft(errand)

    def ask_instead(self, errand: Errand) -> None:
        """Before all others, in place of an own one of its kind that still waits."""
        kind = type(errand.request)
        kept = [waiting for waiting in self._queue if not (waiting.own and isinstance(waiting.request, kind))]
        self._queue = deque((errand, *kept))

    def again(self, errand: Errand, at_s: float) -> None:
        """Ask an answered errand anew at a later moment, before all others."""
        self._current, self._asked_tag, self._due_s = errand, None, at_s

    def next(self, now_s: float) -> Send | None:
        """What to send now, if nothing is outstanding."""
        if self._current is not None or not self._queue:
            return None
        self._current = self._queue.popleft()
        return self._send(self._current, now_s)

    def answer(self, tag: int, reply: m.Reply) -> Errand | None:
        """The errand this replies to, which is then done; None: to nothing outstanding, or of another type (R54)."""
        errand = self._current
        if errand is None or tag != self._asked_tag or m.reply_type_of(reply) != m.reply_type_of(errand.request):
            return None
        self._current = self._asked_tag = None
        return errand

    def deadline(self) -> float | None:
        return None if self._current is None else self._due_s

    def tick(self, now_s: float) -> Send | Errand | None:
        """The next try if one is due; or the errand that had no answer to its last try, and is given up."""
        errand = self._current
        if errand is None or now_s < self._due_s:
            return None
        if self._asked_tag is not None:
            errand.tries -= 1
            if errand.tries <= 0:
                self._current = self._asked_tag = None
                return errand
        return self._send(errand, now_s)

    def _send(self, errand: Errand, now_s: float) -> Send:
        self._asked_tag = self._tag
        self._tag = self._tag % LAST_TAG + 1
        self._due_s = now_s + errand.timeout_s
        self.last_sent_s = now_s
        message = encode(errand.request, self._asked_tag)
        data = b"\0" + encode_frame(message) if self._framed else message
        return Send(data, with_response=isinstance(errand.request, m.CalSet))
