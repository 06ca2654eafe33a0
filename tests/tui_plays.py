"""A child process of the tests of the screens: the real app over a fake ball that plays, and events made to order.

Imports little: a start is measured with it.
"""

import json
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from companion.tui.deck import Deck, Live
from companion.tui.liveview import LiveView, Marks
from sessions.events import (
    Action,
    Alert,
    Closed,
    Event,
    Floats,
    Level,
    Notice,
    Opened,
    Phase,
    Reading,
    RegionTotals,
    Totals,
)

MARKS = Marks(light=5.0, work=35.0, high=87.0, over=121.0, stop=151.0)
STARTED_AT = datetime(2026, 11, 20, 21, 14, tzinfo=UTC)


# --- events made to order ---


def reading(
    t_s: float, kpa: float | Sequence[float] | Floats, *, arrival_s: float = 0.0, rate_hz: float = 100.0, **other: Any
) -> Reading:
    """A batch that begins at `t_s`; `other` are fields that differ from the usual."""
    pressure = np.atleast_1d(np.asarray(kpa, dtype=np.float64))
    scans = len(pressure)
    load = pressure * 1.2
    fields: dict[str, Any] = {
        "t_s": t_s + np.arange(scans) / rate_hz,
        "cells": load[:, None],
        "load": load,
        "pressure_kpa": pressure,
        "smooth_kpa": pressure,
        "ramp_kpa_s": np.zeros(scans),
        "saturated": np.zeros(scans, dtype=np.bool_),
        "unit": "N",
        "lost": 0,
        "values": np.zeros((scans, 1), dtype=np.int16),
        "index": 0,
        "t_us": 0,
        "span_us": 0,
        "segment": 0,
        "arrival_s": arrival_s,
    }
    return Reading(**(fields | other))


def opened(**other: Any) -> Opened:
    fields: dict[str, Any] = {
        "t_s": 0.0,
        "started_at": STARTED_AT,
        "device": {"model": "virtual", "serial": "7F2A"},
        "person": "me",
        "region": "piriformis",
        "side": "left",
        "tool": "hard",
        "area_cm2": 8.0,
        "program": None,
        "context": {"screened": False, "factor_k": 0.5, "region": "piriformis"},
        "smoothing": {},
        "simulated": True,
        "software": "test",
    }
    return Opened(**(fields | other))


def alert(cause: str, level: Level, phase: Phase = Phase.RAISED, **other: Any) -> Alert:
    fields: dict[str, Any] = {
        "t_s": 10.0,
        "value": 160.0,
        "limit": 151.0,
        "unit": "kPa",
        "region": "piriformis",
        "side": "left",
        "text": f"words about {cause}",
    }
    return Alert(cause=cause, level=level, phase=phase, **(fields | other))


def totals(t_s: float, **other: Any) -> Totals:
    fields: dict[str, Any] = {
        "region": "piriformis",
        "side": "left",
        "contact_s": 72.0,
        "dose_kpa_s": 6120.0,
        "dose_limit_kpa_s": 18000.0,
        "hold_load": 0.45,
        "hold_s": 18.0,
        "holds": 2,
        "peak_kpa": 93.0,
        "peak_force_n": 112.0,
        "zone_s": (1.0, 2.0, 3.0, 0.0, 0.0),
        "estimated_s": 0.0,
    }
    return Totals(t_s, 72.0, (RegionTotals(**(fields | other)),))


def notice(kind: str, text: str = "", t_s: float = 0.0, **fields: Any) -> Notice:
    return Notice(t_s, kind, text, fields)


@dataclass(frozen=True)
class FakeOutcome:
    code: int = 0
    text: str = ""
    hint: str = ""


@dataclass
class FakeClock:
    """Real time, until it is frozen."""

    speed: float = 1.0
    frozen_s: float | None = None

    def now_s(self) -> float:
        return time.monotonic() if self.frozen_s is None else self.frozen_s


class FakeRun:
    """A run driven by the test, or by a `play` in a thread of its own until that returns or is stopped."""

    def __init__(self, view: LiveView, play: "Callable[[FakeRun], None] | None" = None) -> None:
        self.view = view
        self.clock = FakeClock()
        self.outcome: FakeOutcome | None = None
        self.session_id: str | None = None  # kept nowhere: nothing is asked after it
        self.started = False
        self.actions: list[Action] = []
        self.causes: list[str] = []
        self.warning = self.remark = ""
        self.stopping = threading.Event()
        self.saved = threading.Event()
        self.saved.set()
        self._play = play
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self.started = True
        if self._play is not None:
            self._thread = threading.Thread(target=self._run, args=(self._play,), daemon=True)
            self._thread.start()

    def _run(self, play: "Callable[[FakeRun], None]") -> None:
        play(self)
        self.finish(FakeOutcome(0, "the fake run is over"))

    def emit(self, *events: Event) -> None:
        for event in events:
            self.view(event)

    def submit(self, action: Action) -> bool:
        self.actions.append(action)
        return True

    def stop(self, cause: str) -> None:
        self.causes.append(cause)
        self.stopping.set()
        if self._play is None and self.outcome is None:
            self.finish(FakeOutcome(0, "saved 0193-fake"))

    def finish(self, outcome: FakeOutcome) -> None:
        self.emit(Closed(0.0, self.causes[0] if self.causes else "seconds"))
        self.outcome = outcome

    def join(self, timeout_s: float | None) -> bool:
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self.saved.wait(timeout_s) and (self._thread is None or not self._thread.is_alive())


# --- plays for a child process ---

TOLD: dict[str, Any] = {}  # what a play has to report


def steady(run: FakeRun, seconds: float = math.inf) -> None:
    """100 Hz in batches of ten; reports how late the batches were."""
    begin = time.monotonic()
    holes: list[float] = []
    run.emit(notice("link", state="live"), opened())
    last = begin
    count = 0
    while not run.stopping.is_set() and time.monotonic() - begin < seconds:
        due = begin + (count + 1) * 0.1
        run.stopping.wait(max(0.0, due - time.monotonic()))
        now = time.monotonic()
        holes.append(now - last)
        last = now
        kpa = 60 + 30 * np.sin((count * 0.1 + np.arange(10) / 100) * 0.9)
        run.emit(reading(count * 0.1, kpa, arrival_s=now))
        if count % 10 == 0:
            run.emit(totals(count * 0.1))
        count += 1
    TOLD["longest_hole_s"] = max(holes, default=0.0) - 0.1


def fine(run: FakeRun, seconds: float = math.inf) -> None:
    """A scan every 10 ms, each an event of its own, after 30 s that are there at once; reports the longest hole."""
    filled = 60 + 30 * np.sin(np.arange(3000) * 0.009)
    run.emit(notice("link", state="live"), opened(), reading(0.0, filled, arrival_s=time.monotonic()))
    begin = last = time.monotonic()
    longest, count = 0.0, 0
    while not run.stopping.is_set() and last - begin < seconds:
        time.sleep(max(0.0, begin + (count + 1) * 0.01 - time.monotonic()))
        now = time.monotonic()
        longest, last = max(longest, now - last), now
        run.emit(reading(30.0 + count * 0.01, 60 + 30 * math.sin(count * 0.009), arrival_s=now))
        if count % 100 == 0:
            run.emit(totals(count * 0.01))
        count += 1
    TOLD["longest_hole_s"] = longest
    TOLD["scans"] = count


def stops(run: FakeRun, count: int = 100, every_s: float = 0.35) -> None:
    """A stop again and again; reports when each was raised."""
    run.emit(notice("link", state="live"), opened())
    raised: list[float] = []
    begin = time.monotonic()
    scans = 0
    for number in range(count):
        stop_at = begin + 1.0 + number * every_s + (number * 0.618 % 1) * 0.1  # anywhere within a frame
        while time.monotonic() < stop_at:
            run.emit(reading(scans * 0.01, [60.0] * 2, arrival_s=time.monotonic()))
            scans += 2
            time.sleep(0.02)
        raised.append(time.monotonic())
        run.emit(alert("peak", Level.STOP, text="stop, come off"))
        time.sleep(0.15)
        run.emit(alert("peak", Level.STOP, Phase.LATCHED), alert("peak", Level.OK, Phase.CONFIRMED))
    TOLD["raised_s"] = raised


PLAYS: Mapping[str, Callable[..., None]] = {"steady": steady, "fine": fine, "stops": stops}


def _no_session(name: str) -> NoReturn:
    raise LookupError(name)


def main(name: str, seconds: float, fps: float, report: str) -> int:
    """Run the app over a play and write what it has to tell."""
    from companion.tui.app import run_tui

    play = PLAYS[name]

    def played(run: FakeRun) -> None:
        play(run) if name == "stops" else play(run, seconds)
        Path(report + ".saved").write_text(" ".join(run.causes))

    view = LiveView(lambda _: MARKS)
    run = FakeRun(view, played)
    live = Live(run, view, title="demo")
    deck = Deck(
        devices=tuple,
        live=lambda _address: live,
        demo=lambda: live,
        tare=lambda _address: FakeOutcome(0, "zeroed"),
        sessions=tuple,
        load=_no_session,
        delete=_no_session,
        fps=fps,
    )
    cpu_s, wall_s = time.process_time(), time.monotonic()
    code = run_tui(deck, live)
    TOLD["cpu"] = (time.process_time() - cpu_s) / (time.monotonic() - wall_s)
    TOLD["causes"] = run.causes
    Path(report).write_text(json.dumps(TOLD))
    return code
