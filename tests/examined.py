"""The conformance list run in a time of its own: against balls of ours, right and wrong, and against the sketch."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from firmware_protocol.ball import Ball
from firmware_protocol.conformance.examiner import Examiner
from firmware_protocol.conformance.items import ITEMS
from firmware_protocol.conformance.verdict import Item, Outcome, Verdict
from firmware_protocol.driver import Chunk, Send
from firmware_protocol.framing import Deframer, encode_frame
from tests.ball_bench import spec
from tests.sketch import Stepped

BEGIN_US = 3_000_000
STEP_US = 4_000
LONGEST_STEP_US = 100_000
LONGEST_US = 300_000_000

Change = Callable[[bytes], "bytes | None"]  # a message to another one, or to none


class Subject(Protocol):
    def turn(self, now_us: int, data: bytes) -> bytes:
        """Bytes in, time passes until then, bytes out."""
        ...

    def next_us(self, now_us: int) -> int:
        """When to turn again."""
        ...


class OwnBall:
    """Our reference ball, at rest but for noise of a count. `out` and `asked` change messages on their way."""

    def __init__(self, out: Change | None = None, asked: Change | None = None, **changes: Any) -> None:
        self.ball = Ball(spec(**changes), self._sensor)
        self.ball.connect(0, framed=True)
        self._out, self._asked = out, asked
        self._ear, self._mouth = Deframer(), Deframer()

    def _sensor(self, first: int, count: int) -> NDArray[np.int16]:
        slots = np.arange(first, first + count, dtype=np.int64)[:, None] + np.arange(self.ball.spec.channels)
        return (40 + slots * 7919 % 3 - 1).astype(np.int16)

    def turn(self, now_us: int, data: bytes) -> bytes:
        self.ball.feed(0, data if self._asked is None else self._passed(self._ear, data, self._asked), now_us)
        self.ball.tick(now_us)
        said = b"".join(self.ball.outgoing(0))
        return said if self._out is None else self._passed(self._mouth, said, self._out)

    def next_us(self, now_us: int) -> int:
        due_us = self.ball.deadline_us()
        return now_us + LONGEST_STEP_US if due_us is None else max(now_us + 1, min(due_us, now_us + LONGEST_STEP_US))

    @staticmethod
    def _passed(deframer: Deframer, data: bytes, change: Change) -> bytes:
        messages = [change(part) for part in deframer.feed(data) if isinstance(part, bytes)]
        return b"".join(encode_frame(message) for message in messages if message is not None)


class Sketch:
    """The sketch, resting at 40 counts; its converter has a value every `period_us`."""

    def __init__(self, ball: Stepped, period_us: int = 12_137) -> None:
        self._ball = ball
        ball.tell(f"every {period_us} 40")
        ball.go(BEGIN_US)

    def turn(self, now_us: int, data: bytes) -> bytes:
        return b"".join(said for _, said in self._ball.go(now_us, data))

    def next_us(self, now_us: int) -> int:
        return now_us + STEP_US


def examined(subject: Subject, items: Sequence[Item] = ITEMS) -> dict[str, Verdict]:
    """The verdicts by the items' keys."""
    examiner = Examiner(framed=True, long=True, first_tag=250, items=items)
    now_us = BEGIN_US
    subject.turn(now_us, b"")
    found: dict[str, Verdict] = {}
    told = examiner.opened(now_us / 1e6)
    while True:
        sends = b"".join(one.data for one in told if isinstance(one, Send))
        found |= {one.item.key: one for one in told if isinstance(one, Verdict)}
        if examiner.done:
            return found
        assert now_us < BEGIN_US + LONGEST_US
        due_s = examiner.deadline()
        if not sends:
            due_us = subject.next_us(now_us)
            now_us = due_us if due_s is None else max(now_us + 1, min(due_us, round(due_s * 1e6)))
        said = subject.turn(now_us, sends)
        told = examiner.feed(Chunk("serial", said, now_us / 1e6)) if said else examiner.tick(now_us / 1e6)


def to_mend(found: dict[str, Verdict]) -> dict[str, str]:
    return {key: verdict.text for key, verdict in found.items() if verdict.outcome is Outcome.MEND}
