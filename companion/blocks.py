"""Adjacent batches judged as one: the same events, at a fraction of the price.

A stage costs the same for one scan as for a thousand, nearly; and any split gives the same events. So what need not be
judged at once, a replay, is joined before Contact, Smoother and Guard, and the events are put back behind the batch
they belong to: the one that holds the scan of their `t_s`.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from companion.pipeline import Pipeline
from companion.route import Route
from companion.stages import Output, Plan
from companion.timeline import Gap, Placed
from firmware_protocol.driver import Chunk, Close, Driver, DriverEvent, Samples, Send
from sessions.events import Action, Event, Reading

MAX_SCANS = 2048  # of a block: a few hundred kilobytes in all stages; larger ones are no faster (measured)

Column = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Batches that follow each other without a hole, as one. The columns have an entry per batch."""

    placed: Placed
    stops: Column  # scans up to the end of the batch
    t_us: Column
    span_us: Column
    arrival_s: NDArray[np.float64]

    @classmethod
    def of(cls, run: Sequence[Placed]) -> Self:
        """Of neighbours: each but the first is neither fresh nor late, and nothing is lost before it."""
        first, last = run[0], run[-1]
        t_s = np.concatenate([placed.t_s for placed in run])
        t_s.setflags(write=False)
        placed = dataclasses.replace(
            first,
            t_s=t_s,
            values=np.concatenate([placed.values for placed in run]),
            span_us=last.t_us + last.span_us - first.t_us,
            arrival_s=last.arrival_s,
        )
        return cls(
            placed,
            np.cumsum([len(placed.t_s) for placed in run]),
            np.array([placed.t_us for placed in run], np.int64),
            np.array([placed.span_us for placed in run], np.int64),
            np.array([placed.arrival_s for placed in run]),
        )

    def spread(self, reading: Reading, told: Iterable[Output]) -> list[Output]:
        """The block's reading, parted behind each batch that something was told of, and what was told there."""
        out: list[Output] = []
        start = 0  # the first batch that is still to come
        for event in told:
            stop = self._batch_of(event) + 1
            if stop > start:
                out.append(self._part(reading, start, stop))
                start = stop
            out.append(event)
        if start < len(self.stops):
            out.append(self._part(reading, start, len(self.stops)))
        return out

    def _batch_of(self, event: Output) -> int:
        t_s = getattr(event, "t_s", None)
        scan = len(self.placed.t_s) - 1 if t_s is None else int(self.placed.t_s.searchsorted(t_s))
        return min(int(self.stops.searchsorted(scan, side="right")), len(self.stops) - 1)

    def _part(self, reading: Reading, start: int, stop: int) -> Reading:
        """Batches `start` up to `stop`."""
        if start == 0 and stop == len(self.stops):
            return reading
        first = int(self.stops[start - 1]) if start else 0
        scans = slice(first, int(self.stops[stop - 1]))
        return dataclasses.replace(
            reading,
            t_s=reading.t_s[scans],
            cells=reading.cells[scans],
            load=reading.load[scans],
            pressure_kpa=reading.pressure_kpa[scans],
            smooth_kpa=reading.smooth_kpa[scans],
            ramp_kpa_s=reading.ramp_kpa_s[scans],
            saturated=reading.saturated[scans],
            values=reading.values[scans],
            lost=0 if start else reading.lost,
            index=reading.index + first,
            t_us=int(self.t_us[start]),
            span_us=int(self.t_us[stop - 1] + self.span_us[stop - 1] - self.t_us[start]),
            arrival_s=float(self.arrival_s[stop - 1]),
        )


class BlockPipeline(Pipeline):
    """A pipeline for a replay in haste. Events may come later than with `Pipeline`, never others, and in its order.

    Chunks that bring nothing but scans wait, until something else comes. What the guard says of them may have made the
    ball be told something: then `catch_up` is to be called behind the chunk that did, for its answer is on the way.
    """

    def __init__(self, driver: Driver, plan: Plan, route: Route | None = None) -> None:
        super().__init__(driver, plan, route)
        self._waiting: list[_Heard] = []
        self._scans_waiting = 0

    def opened(self, now_s: float) -> list[Output]:
        return self.catch_up() + super().opened(now_s)

    def closed(self, now_s: float, cause: str) -> list[Output]:
        return self.catch_up() + super().closed(now_s, cause)

    def feed(self, chunk: Chunk) -> list[Output]:
        heard = _Heard(chunk.arrival_s, self._driver.feed(chunk))
        if not self._route.begun or not heard.only_scans or self._signal_due(chunk.arrival_s):
            return self.catch_up() + self._hear(heard)
        if heard.events:
            self._waiting.append(heard)
            self._scans_waiting += heard.scans
        return self._judge_older() if self._scans_waiting >= MAX_SCANS else []

    def tick(self, now_s: float) -> list[Output]:
        return self.catch_up() + super().tick(now_s)

    def act(self, action: Action, now_s: float) -> list[Output]:
        return self.catch_up() + super().act(action, now_s)

    def finish(self, now_s: float, cause: str) -> list[Event]:
        before = [item for item in self.catch_up() if not isinstance(item, Send | Close)]
        return [*before, *super().finish(now_s, cause)]

    def catch_up(self) -> list[Output]:
        """Judge all that waits. The newest chunk as it came: what it made us send depends on that."""
        if not self._waiting:
            return []
        out = self._judge_older()
        newest = self._waiting.pop()
        self._scans_waiting = 0
        return out + self._hear(newest)

    def judge(self, block: Block) -> list[Output]:
        """Contact, smoothing and guard, over the whole block."""
        out = self._scans(block.placed)
        at = next((at for at, event in enumerate(out) if isinstance(event, Reading)), None)
        if at is None:
            return out
        reading = out[at]
        assert isinstance(reading, Reading)
        return out[:at] + block.spread(reading, out[at + 1 :])

    def _hear(self, heard: "_Heard") -> list[Output]:
        return self._warn_ball(self._drive(heard.events, heard.arrival_s), heard.arrival_s)

    def _judge_older(self) -> list[Output]:
        """All that waits but the newest chunk."""
        older, self._waiting = self._waiting[:-1], self._waiting[-1:]
        if not older:
            return []
        self._scans_waiting = self._waiting[0].scans
        out: list[Output] = []
        run: list[Placed] = []
        for placed in (placed for heard in older for samples in heard.samples for placed in self._route.place(samples)):
            if run and (isinstance(placed, Gap) or placed.fresh or placed.lost):
                out += self.judge(Block.of(run))
                run = []
            if isinstance(placed, Gap):
                out.append(self._route.gap(placed))
            else:
                run.append(placed)
        if run:
            out += self.judge(Block.of(run))
        return self._warn_ball(out, older[-1].arrival_s)

    def _signal_due(self, now_s: float) -> bool:
        """The ball is to be told something by itself, and what depends on whether it is pressed now."""
        due_s = None if self._side is None else self._side.deadline()
        return due_s is not None and due_s <= now_s


class _Heard:
    """What the driver made of a chunk."""

    __slots__ = ("arrival_s", "events", "only_scans", "samples", "scans")

    def __init__(self, arrival_s: float, events: Sequence[DriverEvent]) -> None:
        self.arrival_s, self.events = arrival_s, events
        self.samples = [event for event in events if isinstance(event, Samples) and not event.late]
        self.only_scans = len(self.samples) == len(events)
        self.scans = sum(len(samples.values) for samples in self.samples)
