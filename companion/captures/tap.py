"""A pipeline whose every input is captured before it is judged."""

from collections.abc import Callable

from companion.captures.format import Kind, Record, of_action, of_bytes, to_json
from companion.captures.writer import CaptureWriter
from companion.safety.limits import GuardContext
from companion.stages import Output, Stages
from firmware_protocol.driver import Chunk, Profile, Send
from sessions.events import Action, Event, Notice

ContextOf = Callable[[Profile], GuardContext]


class Tap:
    """Stands between the engine and its pipeline. Says in the session when the capture is not kept."""

    def __init__(self, writer: CaptureWriter) -> None:
        self._write = writer
        self._inner: Stages | None = None
        self._at_s = 0.0
        self._problem = ""
        self._ended = False

    def around(self, pipeline: Stages) -> "Tap":
        self._inner = pipeline
        return self

    def context(self, make: ContextOf) -> ContextOf:
        """The same, with what it gives captured."""

        def made(profile: Profile) -> GuardContext:
            context = make(profile)
            self._write(Record(Kind.GUARD, self._at_s, to_json(context.to_json())))
            return context

        return made

    def close(self) -> str:
        """After `finish`: write what is left. Why the capture is not whole, or an empty line."""
        return self._write.close()

    def opened(self, now_s: float) -> list[Output]:
        self._take(Record(Kind.OPENED, now_s))
        return self._told(self._pipeline.opened(now_s))

    def closed(self, now_s: float, cause: str) -> list[Output]:
        self._take(Record(Kind.CLOSED, now_s, cause.encode("utf-8", "replace")))
        return self._told(self._pipeline.closed(now_s, cause))

    def feed(self, chunk: Chunk) -> list[Output]:
        self._take(of_bytes(Kind.IN, chunk.arrival_s, chunk.source, chunk.data))
        return self._told(self._pipeline.feed(chunk))

    def tick(self, now_s: float) -> list[Output]:
        self._take(Record(Kind.TICK, now_s))
        return self._told(self._pipeline.tick(now_s))

    def act(self, action: Action, now_s: float) -> list[Output]:
        self._take(of_action(now_s, action))
        return self._told(self._pipeline.act(action, now_s))

    def finish(self, now_s: float, cause: str) -> list[Event]:
        if not self._ended:
            self._ended = True
            self._take(Record(Kind.END, now_s, cause.encode("utf-8", "replace")))
        return self._pipeline.finish(now_s, cause)

    def deadline(self) -> float | None:
        return self._pipeline.deadline()

    def session_s(self, now_s: float) -> float | None:
        return self._pipeline.session_s(now_s)

    @property
    def _pipeline(self) -> Stages:
        assert self._inner is not None
        return self._inner

    def _take(self, record: Record) -> None:
        self._at_s = record.at_s
        self._write(record)

    def _told(self, out: list[Output]) -> list[Output]:
        for item in out:
            if isinstance(item, Send):
                self._write(of_bytes(Kind.OUT, self._at_s, item.source, item.data))
        problem = self._write.problem
        if bool(problem) == bool(self._problem):
            return out
        self._problem = problem
        text = f"the capture cannot be written: {problem}; it waits in memory" if problem else "the capture is written"
        fields = {"state": "waiting" if problem else "written"}
        return [*out, Notice(self.session_s(self._at_s) or 0.0, "capture", text, dict(fields))]
