"""Pressure while in the working zone: what was stored against what is counted from the arrays by hand."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from companion.cli.zones import edges_of, working
from companion.safety.limits import GuardContext
from sessions import Journal, Store
from sessions.events import Action, Event, Opened, Reading
from sessions.inzone import Working
from tests import session_events

TODAY = session_events.STARTED.date()
SECONDS = 60.0
MOVE_S = 40.0
HARDER_S = 20.0  # from then on 7/5 of the force: 33 kPa, then 47


def keep(path: Path, *extra: Event, guard: GuardContext | None = None) -> None:
    journal = Journal(path, lambda _notice: None)
    for event in session_events.session(SECONDS):
        if isinstance(event, Opened):
            journal(replace(event, context={} if guard is None else guard.to_json()))
            continue
        if isinstance(event, Reading) and event.t_s[0] >= HARDER_S:
            event = session_events.reading(event.values * 7 // 5, event.index)
        journal(event)
        while extra and (extra[0].t_s or 0.0) <= _end_s(event):
            journal(extra[0])
            extra = extra[1:]
    journal.close(20.0)


def _end_s(event: Event) -> float:
    t_s = getattr(event, "t_s", 0.0)
    return float(t_s[-1]) if isinstance(t_s, np.ndarray) else float(t_s or 0.0)


def two_zones(opened: Opened, actions: Sequence[Action]) -> list[Working]:
    moved = [action for action in actions if action.kind == "side"]
    first = Working(opened.t_s, opened.region, opened.side, 30.0, 40.0)
    return [first, *(Working(action.t_s or 0.0, "glute", str(action.fields["side"]), 40.0, 50.0) for action in moved)]


def test_it_is_the_mean_of_the_scans_in_the_zone_of_each_place(tmp_path: Path) -> None:
    path = tmp_path / "knead.db"
    keep(path, Action("side", {"side": "right"}, MOVE_S, 0))
    with Store(path) as store:
        data = store.load("last")
        visits = store.visits(person="me", today=TODAY, weeks=2, zones=two_zones)
        again = store.visits(person="me", today=TODAY, weeks=2, zones=lambda opened, actions: pytest.fail("read twice"))
    assert again == visits
    left = data.t_s < MOVE_S
    kpa = data.pressure_kpa
    inside = kpa[left & (kpa >= 30.0) & (kpa < 40.0)]
    (visit,) = visits
    assert (visit.region, visit.side) == ("glute", "left")
    assert 0 < len(inside) < len(kpa)
    assert visit.zone_kpa == pytest.approx(inside.mean())
    assert visit.zone_s == pytest.approx(len(inside) * 0.01, abs=0.05)
    with closing(sqlite3.connect(path)) as raw:
        rows = {row[0]: row[1:] for row in raw.execute("SELECT side, zone_s, zone_kpa, damaged FROM session_zone")}
    right = kpa[~left & (kpa >= 40.0) & (kpa < 50.0)]
    assert rows["right"] == (pytest.approx(len(right) * 0.01, abs=0.05), pytest.approx(right.mean()), 0)


def test_the_zone_is_that_of_the_sessions_own_limits(tmp_path: Path) -> None:
    path = tmp_path / "knead.db"
    guard = GuardContext(
        person="me",
        screened=False,
        region="glute",
        side="left",
        tool="hard",
        area_cm2=12.0,
        cell_cm2=None,
        full_scale_n=300.0,
        judged=True,
    )
    edges = edges_of(guard.to_json())
    assert edges is not None
    keep(path, guard=guard)
    with Store(path) as store:
        kpa = store.load("last").pressure_kpa
        (visit,) = store.visits(person="me", today=TODAY, weeks=2, zones=working)
    inside = kpa[(kpa >= edges[1]) & (kpa < edges[2])]
    assert len(inside) > 0
    assert visit.zone_kpa == pytest.approx(inside.mean())
    assert visit.zone_s == pytest.approx(len(inside) * 0.01, abs=0.05)


def test_what_is_damaged_or_was_never_judged_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "knead.db"
    keep(path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE chunk SET data = x'00'")
        raw.commit()
    with Store(path) as store:
        (damaged,) = store.visits(person="me", today=TODAY, weeks=2, zones=two_zones)
        (plain,) = store.visits(person="me", today=TODAY, weeks=2)
    assert (damaged.zone_kpa, damaged.zone_s) == (None, 0.0)
    assert plain == damaged
