"""Synthetic events of a session, for the tests and figures of the log."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

from sessions.batches import Batch
from sessions.events import Alert, Event, Json, Level, Opened, Phase, Reading, RegionTotals, Totals

LSB = 0.01
AREA_CM2 = 12.0
STARTED = datetime(2026, 3, 1, 18, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2)))
PROFILE: dict[str, Json] = {
    "kind": "knead",
    "serial": "B-0042",
    "model": "ball",
    "lsb": LSB,
    "unit": 1,
    "full_scale": 30000,
}
ZONES = (0.0, 0.0, 0.0, 0.0, 0.0)


def opened(*, started_at: datetime = STARTED, simulated: bool = False, person: str = "me") -> Opened:
    return Opened(
        0.0,
        started_at,
        PROFILE,
        person,
        "glute",
        "left",
        "hard_ball",
        AREA_CM2,
        None,
        {"person": person, "factor_k": 0.5},
        {"delay_s": 0.1},
        simulated,
        "0.1.0",
    )


def force_counts(scans: int, channels: int, hz: float, seed: int = 1) -> NDArray[np.int16]:
    """Slow force, 20 to 60 N in all over half a minute, with 1 LSB rms of noise on each cell."""
    t_s = np.arange(scans)[:, None] / hz
    share = 1000.0 + 500.0 * np.sin(2 * np.pi * (t_s / 30 + np.arange(channels) / channels))
    noise = np.random.default_rng(seed).normal(0.0, 1.0, (scans, channels))
    return np.rint(share * 4 / channels + noise).astype(np.int16)


def reading(values: NDArray[np.int16], index: int, hz: float = 100.0, **changes: object) -> Reading:
    """One batch as the pipeline makes it; the device's clock was at 10 s when the session began."""
    scans = len(values)
    t_s = (index + np.arange(scans)) / hz
    cells = np.rint(values * LSB * 1024) / 1024
    load = cells.sum(axis=1)
    fields: dict[str, object] = {
        "t_s": t_s,
        "cells": cells,
        "load": load,
        "pressure_kpa": load * (10 / AREA_CM2),
        "smooth_kpa": load * (10 / AREA_CM2),
        "ramp_kpa_s": np.zeros(scans),
        "saturated": np.zeros(scans, np.bool_),
        "unit": "N",
        "lost": 0,
        "values": values,
        "index": index,
        "t_us": 10_000_000 + round(index * 1e6 / hz),
        "span_us": round((scans - 1) * 1e6 / hz),
        "segment": 0,
        "arrival_s": 500.0 + float(t_s[-1]) + 0.004 + 0.003 * np.sin(index),
    }
    return Reading(**{**fields, **changes})  # type: ignore[arg-type] # the fields above are all of them


def batch_of(each: Reading) -> Batch:
    """The batch the journal makes of a reading."""
    return Batch(
        each.values,
        each.index,
        each.t_us,
        each.span_us,
        float(each.t_s[0]),
        float(each.t_s[-1]),
        each.arrival_s,
        each.segment,
        each.lost,
        each.late,
        int(np.isnan(each.load).argmin()),
        AREA_CM2,
    )


def readings(seconds: float, *, channels: int = 4, hz: float = 100.0, batch: int = 5, seed: int = 1) -> list[Reading]:
    values = force_counts(round(seconds * hz), channels, hz, seed)
    return [reading(values[at : at + batch], at, hz) for at in range(0, len(values), batch)]


def totals(t_s: float, contact_s: float | None = None) -> Totals:
    """Totals whose numbers have more digits than a row on the way keeps."""
    contact = t_s if contact_s is None else contact_s
    region = RegionTotals("glute", "left", contact, contact * 37.123456789, 24000.0, 0.25, 3.5, 2, 51.2, 61.4, ZONES, 0)
    return Totals(t_s, contact, (region,))


def alert(t_s: float, level: Level = Level.CAUTION, phase: Phase = Phase.RAISED) -> Alert:
    return Alert(t_s, "peak", level, phase, 120.5, 100.0, "kPa", "glute", "left", "Too hard: ease off.")


def session(seconds: float, *, channels: int = 4, hz: float = 100.0, batch: int = 5) -> Iterator[Event]:
    """`Opened`, readings, and totals every second."""
    yield opened()
    due = 1.0
    for each in readings(seconds, channels=channels, hz=hz, batch=batch):
        yield each
        if each.t_s[-1] >= due:
            yield totals(due)
            due += 1.0


def later(days: int) -> datetime:
    return (STARTED + timedelta(days=days)).astimezone(UTC)
