"""Runs the list on one link. Sans-IO: bytes and time in, bytes and verdicts out."""

import random
from collections.abc import Sequence

from firmware_protocol import messages as m
from firmware_protocol.conformance.bench import LAST_TAG, Bench, MendError, Pause, SilentError, Steps
from firmware_protocol.conformance.items import ITEMS
from firmware_protocol.conformance.offered import OFF
from firmware_protocol.conformance.verdict import Item, Outcome, Verdict
from firmware_protocol.driver import Chunk, Send
from firmware_protocol.messages import Caps

GIVEN_UP = 2  # items in a row without an answer


class Examiner:
    """One link, opened once. `framed`: a stream of frames, else a message per chunk. `long`: also what takes silence.

    `answered` is whether there was a ball at all. After `done` nothing more comes.
    """

    def __init__(
        self, *, framed: bool, long: bool = False, first_tag: int | None = None, items: Sequence[Item] = ITEMS
    ) -> None:
        self._bench = Bench(framed, first_tag or random.randint(1, LAST_TAG))
        self._framed, self._long, self._items = framed, long, items
        self._course = self._run()
        self._pause: Pause | None = None
        self._verdicts: list[Verdict] = []
        self.done = False

    @property
    def answered(self) -> bool:
        return any(heard.is_reply for heard in self._bench.heard)

    @property
    def hello(self) -> m.HelloReply | None:
        """What the ball said of itself."""
        return self._bench.hello

    @property
    def virtual(self) -> bool:
        """Whether it said that it is a virtual ball: then a scenario may press it while it is examined."""
        return any(isinstance(heard.said, m.IdentReply) and heard.said.text == "virtual" for heard in self._bench.heard)

    def opened(self, now_s: float) -> list[Send | Verdict]:
        self._bench.now_s = now_s
        return self._go()

    def feed(self, chunk: Chunk) -> list[Send | Verdict]:
        self._bench.feed(chunk.data, chunk.arrival_s)
        return self._go()

    def tick(self, now_s: float) -> list[Send | Verdict]:
        self._bench.now_s = max(self._bench.now_s, now_s)
        return self._go()

    def deadline(self) -> float | None:
        return None if self.done or self._pause is None else self._pause.until_s

    def farewell(self) -> list[Send]:
        """To be sent when the check is broken off: the ball stops."""
        self._bench.send(bytes((m.REQUEST_TYPE[m.Stop], self._bench.tag())))
        return self._sends()

    def _go(self) -> list[Send | Verdict]:
        while not self.done and (self._pause is None or self._over(self._pause)):
            self._pause = next(self._course, None)
            self.done = self._pause is None
        verdicts, self._verdicts = self._verdicts, []
        return [*self._sends(), *verdicts]

    def _over(self, pause: Pause) -> bool:
        return self._bench.now_s >= pause.until_s or pause.done()

    def _sends(self) -> list[Send]:
        return [Send(data) for data in self._bench.outgoing()]

    def _run(self) -> Steps:
        silent, why = 0, ""
        for item in self._items:
            skipped = why or self._skipped(item)
            if skipped:
                self._verdicts.append(Verdict(item, Outcome.SKIPPED, skipped))
                continue
            try:
                yield from item.steps(self._bench)
            except MendError as error:
                self._verdicts.append(Verdict(item, Outcome.MEND, str(error)))
                silent = silent + 1 if isinstance(error, SilentError) else 0
            else:
                self._verdicts.append(Verdict(item, Outcome.PASS))
                silent = 0
            if self._bench.hello is None:
                why = "HELLO was not accepted"
            elif silent >= GIVEN_UP:
                why = "the ball answers no more"
        if not why:
            yield from self._leave()

    def _skipped(self, item: Item) -> str:
        """Why not to look, or ""."""
        hello = self._bench.hello
        if item.framed and not self._framed:
            return "there are no frames on this link"
        if item.caps and hello is not None and not hello.caps & item.caps:
            return "not offered by its caps"
        return "takes half a minute: --long" if item.long and not self._long else ""

    def _leave(self) -> Steps:
        """Idle, and nothing armed."""
        try:
            hello = yield from self._bench.idle()
            if hello.caps & Caps.LIMITS:
                yield from self._bench.ask(m.Limits(OFF))
        except MendError:
            return
