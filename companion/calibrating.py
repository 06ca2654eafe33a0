"""A ball on the bench: numbers are asked of it, and what they mean is kept, in the ball or beside it.

A ball that keeps points gets them itself (CAL_SET); of any other they are kept in its profile here, and its driver is
told them. What was there before is kept, too, so that it can be undone.
"""

import queue
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from companion import whereabouts
from companion.config import Paths
from companion.engine import Outcome
from companion.underway import Session
from firmware_protocol.driver import Unit
from firmware_protocol.foreign.known import Points, points_of
from firmware_protocol.foreign.scale import checksum
from firmware_protocol.messages import Caps
from sessions.events import Action, Event, Fields, Json, Notice, Opened

if TYPE_CHECKING:
    from sessions.devices import Device

MEANS, MEAN_MS = 3, 700  # so often, and so long each: what moves between them is no weight at rest
ANSWER_S = 20.0  # a ball that does not answer is told by its driver long before
DAY_ZERO = date(2000, 1, 1)  # R30
PARTS = "points_of_cells"  # profile: points of a ball of several cells, before all have them
BEFORE = "points_before"  # profile: what was there before the last calibration


class FailedError(Exception):
    """The ball is gone, or refuses. `outcome`: what to say, and the exit code."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class Bench:
    """Made, not started. All calls from one thread, not the engine's; FailedError where the session ends meanwhile."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._told: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._session: Session | None = None
        self._address = ""
        self.device: Fields = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, Opened | Notice):
            self._told.put(event)

    def attach(self, session: Session, address: str) -> None:
        self._session, self._address = session, address

    def open(self) -> None:
        """Until the ball measures."""
        self._run.start()
        opened = self._await(lambda event: isinstance(event, Opened))
        assert isinstance(opened, Opened)
        self.device = opened.device
        if self.device.get("kind") == "native" and not self.in_ball:
            raise FailedError(Outcome(1, "this ball converts by itself and takes no points", "see its maker's notes"))

    def close(self) -> None:
        self._run.stop("user")
        self._run.join()

    @property
    def in_ball(self) -> bool:
        """The ball keeps points itself."""
        caps = self.device.get("caps")
        return self.device.get("kind") == "native" and isinstance(caps, int) and bool(caps & Caps.CALIBRATION)

    @property
    def channels(self) -> int:
        return int(str(self.device.get("channels", 1)))

    def numbers(self) -> list[tuple[float, float]]:
        """Per channel the mean before calibration, and how far three means of it were apart."""
        means = [self._means() for _ in range(MEANS)]
        return [(sum(each) / MEANS, max(each) - min(each)) for each in zip(*means, strict=True)]

    def keep(self, channel: int, points: Points, today: date) -> str:
        """Store them; gives where. One calibration before is kept for `undo`."""
        if self.in_ball:
            before = self._asked("points", "CAL_GET", {"channel": channel})
            old: Json = {name: before.fields.get(name) for name in ("channel", "day", "points")}
            self._write(channel, points, (today - DAY_ZERO).days, today, old)
            return "ball"
        self._settle(lambda kept: _with_points(kept, channel, points, self.channels, today))
        return "profile"

    def wanting(self) -> str:
        """What is still missing before newtons count; or nothing."""
        if self.in_ball:
            counts = self.device.get("unit") == int(Unit.RAW) and self.channels > 1
            return "the ball gives counts until each of its cells has points: --cell 2, and so on" if counts else ""
        if self._address.partition(":")[0] in whereabouts.NOBODY:
            return ""
        device = self._device()
        if device is None or "points" not in device.kept:
            return "its numbers stay counts until every cell has its points: --cell 2, and so on"
        if device.paired_at is None:
            return f"pair it, so that its newtons count as calibrated: knead pair {self._address}"
        return ""

    def undo(self, today: date) -> str:
        """The points of before the last calibration again; gives where they were stored."""
        device = self._device()
        kept: Fields = {} if device is None else device.kept
        before = kept.get(BEFORE)
        if self.in_ball and isinstance(before, dict):
            points, day = points_of(before.get("points")), before.get("day")
            channel = before.get("channel")
            now = self._asked("points", "CAL_GET", {"channel": channel})
            old: Json = {name: now.fields.get(name) for name in ("channel", "day", "points")}
            self._write(int(str(channel)), points, day if isinstance(day, int) else 0, None, old)
            return "ball"
        if self.in_ball or BEFORE not in kept:
            raise FailedError(Outcome(1, "nothing is known of this ball from before its last calibration"))
        self._settle(_swapped)
        return "profile"

    # --- asking ---

    @property
    def _run(self) -> Session:
        assert self._session is not None
        return self._session

    def _means(self) -> list[float]:
        means = self._asked("raw", "RAW", {"avg_ms": MEAN_MS}).fields.get("means")
        return [float(str(mean)) for mean in means] if isinstance(means, list) else []

    def _asked(self, kind: str, request: str, fields: Fields, answer: str = "") -> Notice:
        """Ask, and wait for the notice that answers."""
        while not self._told.empty():
            self._told.get()
        self._run.submit(Action(kind, fields))

        def answers(event: Event) -> bool:
            if not isinstance(event, Notice):
                return False
            refused = event.kind == "refused" and event.fields.get("request") in (request, kind)
            return refused or event.kind == (answer or kind)

        told = self._await(answers)
        assert isinstance(told, Notice)
        if told.kind == "refused":
            raise FailedError(Outcome(1, f"the ball refuses: {told.text}", "leave it at rest, then try again"))
        return told

    def _await(self, fits: Callable[[Event], bool]) -> Event:
        waited_s = 0.0
        while waited_s < ANSWER_S:
            try:
                event = self._told.get(timeout=0.2)
            except queue.Empty:
                waited_s += 0.2
            else:
                if fits(event):
                    return event
            outcome = self._run.outcome
            if outcome is not None and self._told.empty():
                raise FailedError(outcome if outcome.code else Outcome(3, "the ball has ended the session", ""))
        raise FailedError(Outcome(3, "the ball does not answer", "check that it is on, then try again"))

    # --- storing ---

    def _write(self, channel: int, points: Points, day: int, on: date | None, old: Json) -> None:
        pairs: list[Json] = [[number, newton] for number, newton in points]
        told = self._asked("calibrate", "CAL_SET", {"channel": channel, "day": day, "points": pairs}, "calibrated")
        dated: dict[str, Json] = {} if on is None else {"calibrated_on": on.isoformat()}
        crc = told.fields.get("cal_crc")
        self._settle(lambda kept: {**_without(kept, "calibrated_on"), BEFORE: old, "cal_crc": crc, **dated})

    def _settle(self, make: Callable[[Fields], Fields]) -> None:
        if self._address.partition(":")[0] not in whereabouts.NOBODY:
            whereabouts.settle(self._paths, self.device, self._address, make)

    def _device(self) -> "Device | None":
        names = ("kind", "serial", "model")
        devices = whereabouts.remembered(self._paths)
        return next(
            (row for row in devices if all(getattr(row, name) == self.device.get(name) for name in names)), None
        )


def _with_points(kept: Fields, channel: int, points: Points, channels: int, today: date) -> Fields:
    """All cells or none: until the last one has its points, they wait."""
    parts = kept.get(PARTS)
    found: dict[str, Json] = dict(parts) if isinstance(parts, dict) else {}
    found[str(channel)] = [[number, newton] for number, newton in points]
    whole = kept.get("points")
    if isinstance(whole, list) and len(whole) == channels:
        found = {str(cell): table for cell, table in enumerate(whole)} | found
    if any(str(cell) not in found for cell in range(channels)):
        return {**kept, PARTS: found}
    tables: list[Json] = [found[str(cell)] for cell in range(channels)]
    before: Json = {name: kept.get(name) for name in ("points", "points_on", "cal_crc", "calibrated_on")}
    day = today.isoformat()
    dated: dict[str, Json] = {"points_on": day, "calibrated_on": day}
    return {
        **_without(kept, PARTS),
        BEFORE: before,
        "points": tables,
        "cal_crc": checksum(tuple(points_of(table) for table in tables)),
        **dated,
    }


def _swapped(kept: Fields) -> Fields:
    before = kept.get(BEFORE)
    names = ("points", "points_on", "cal_crc", "calibrated_on")
    now: Json = {name: kept.get(name) for name in names}
    old = before if isinstance(before, dict) else {}
    return {**_without(kept, *names), BEFORE: now, **{name: old[name] for name in names if old.get(name) is not None}}


def _without(kept: Fields, *names: str) -> dict[str, Json]:
    return {name: value for name, value in kept.items() if name not in names}
