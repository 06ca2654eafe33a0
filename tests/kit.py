"""What several tests share: observers to wait on, and events made comparable."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import TypeVar

import numpy as np

from sessions.events import Event, Reading

LIMIT_S = 20.0  # how long a test waits for an event before it fails

T = TypeVar("T")


class Recorder:
    """An observer that keeps every event and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in list(self.events) if isinstance(event, kind)]

    def wait(self, kind: type[T], where: Callable[[T], bool] = lambda _: True, limit_s: float = LIMIT_S) -> T:
        """The first event of a kind that fits, past or to come."""
        return self.wait_for(1, kind, where, limit_s)[0]

    def wait_for(
        self, count: int, kind: type[T], where: Callable[[T], bool] = lambda _: True, limit_s: float = LIMIT_S
    ) -> list[T]:
        """The events of a kind that fit, once there are so many."""
        found: list[T] = []

        def look() -> bool:
            found[:] = [event for event in self.events if isinstance(event, kind) and where(event)]
            return len(found) >= count

        with self._changed:
            enough = self._changed.wait_for(look, limit_s)
            assert enough, f"no {kind.__name__} number {count} within {limit_s} s: {self.events[-5:]}"
        return found


def joined(events: Iterable[object]) -> list[object]:
    """Events with runs of adjacent readings put together: what "the same answer" means for any split."""
    out: list[object] = []
    run: list[Reading] = []
    for event in events:
        if isinstance(event, Reading):
            run.append(event)
            continue
        if run:
            out.append(_key(run))
            run = []
        out.append(event)
    if run:
        out.append(_key(run))
    return out


def _key(run: Sequence[Reading]) -> tuple[object, ...]:
    arrays = ("t_s", "cells", "load", "pressure_kpa", "smooth_kpa", "ramp_kpa_s", "saturated", "values")
    assert {field.name for field in fields(Reading)} >= set(arrays)
    parts = tuple(np.concatenate([getattr(reading, name) for reading in run]).tobytes() for name in arrays)
    return (*parts, sum(reading.lost for reading in run), run[0].index, run[0].unit, run[-1].segment)
