"""What a log of ten years costs to look through; the best of several runs, for others use the machine.

`python -m tests.benchmarks.library FILE [SESSIONS]` makes one.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sqlalchemy import insert

from companion.cli.zones import working
from sessions.batches import pack
from sessions.codec import encode
from sessions.database import Database
from sessions.digest import refresh
from sessions.filters import parse
from sessions.identity import uuid7
from sessions.schema import CHUNK, DEVICE, EVENT, PERSON, REGION, SESSION
from sessions.store import Store
from sessions.trends import trends
from tests import session_events
from tests.benchmarks.figure import Figure

SESSIONS = 10_000
WITH_SAMPLES = 200
YEARS = 10
EVENTS = 12  # rows of a session
TODAY = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
PLACES = (("glute", "left"), ("glute", "right"), ("calf", "right"), ("sole", "left"), ("thoracic", "both"))
WORDS = ("spot near the hip bone", "easier after the second hold", "sat for two hours before", "après le vélo", "")
FILTER = "person:me area:glute side:left since:2026-10 pain:>4"
SEARCH = "needle velo"
REPEATS = 7


def build(path: Path, sessions: int = SESSIONS, with_samples: int = WITH_SAMPLES) -> None:
    """A log of so many sessions over ten years up to TODAY; the newest of them have a minute of samples."""
    database, chance = Database(path), random.Random(1)
    data = encode(pack([session_events.batch_of(each) for each in session_events.readings(60.0)]))
    with database.writing() as connection:
        connection.execute(insert(PERSON).values(id=1, name="me"))
        kind = {"id": 1, "kind": "native", "serial": "B-0042", "model": "ball", "profile": session_events.PROFILE}
        connection.execute(insert(DEVICE).values(kind))
        every = timedelta(days=365 * YEARS) / sessions
        numbers = range(sessions)
        rows = [_row(chance, TODAY - every * (sessions - 1 - number), number) for number in numbers]
        connection.execute(insert(SESSION), [{**row, "person_id": 1, "device_id": 1} for row in rows])
        connection.execute(insert(REGION), [_region(row) for row in rows])
        connection.execute(insert(EVENT), [event for row in rows for event in _events(row["id"])])
        chunk = {"seq": 0, "from_s": 0, "to_s": 60, "scans": 6000, "data": data}
        newest = [{**chunk, "session_id": row["id"]} for row in rows[sessions - with_samples :]]
        if newest:
            connection.execute(insert(CHUNK), newest)
    refresh(database)
    database.close()


def _row(chance: random.Random, started_at: datetime, number: int) -> dict[str, Any]:
    region, side = chance.choice(PLACES)
    before = chance.choice((None, 3, 4, 5, 6, 7))
    return {
        "id": number + 1,
        "uuid": uuid7(started_at),
        "state": "complete",
        "started_us": int(started_at.timestamp() * 1e6),
        "utc_offset_s": 3600,
        "from_s": 0.0,
        "region": region,
        "side": side,
        "tool": "hard",
        "area_cm2": 8.0,
        "program": chance.choice((None, "glute-release")),
        "simulated": number % 50 == 49,
        "unit": "N",
        "end_cause": "user",
        "duration_s": chance.uniform(300, 900),
        "scans": 60_000,
        "lost": chance.randrange(20),
        "contact_s": chance.uniform(200, 300),
        "peak_kpa": chance.uniform(50, 90),
        "peak_force_n": 60.0,
        "alerts": {"caution": chance.randrange(3), "stop": int(chance.random() < 0.05)},
        "pain_before": before,
        "pain_after": None if before is None or chance.random() < 0.1 else max(0, before - chance.randrange(4)),
        "note": chance.choice(WORDS) + (" needle vélo" if number % 1000 == 3 else ""),
        "tags": ["evening"] if number % 3 else [],
        "software": "0.1.0",
        "profile": session_events.PROFILE,
        "smoothing": {"delay_s": 0.1},
        "context": {"person": "me", "factor_k": 0.5, "limits": {str(place): 1.5 for place in range(60)}},
    }


def _region(row: dict[str, Any]) -> dict[str, Any]:
    known = {name: row[name] for name in ("region", "side", "contact_s", "peak_kpa", "peak_force_n")}
    dose = {"dose_kpa_s": 4000.0, "dose_limit_kpa_s": 12000.0, "hold_load": 0.2, "hold_s": 0.0, "holds": 4}
    zones = {"rest_s": 20.0, "light_s": 60.0, "work_s": 150.0, "high_s": 15.0, "over_s": 1.0, "estimated_s": 0.0}
    return {"session_id": row["id"], "place": 0, **known, **dose, **zones}


def _events(key: int) -> Iterator[dict[str, Any]]:
    mark = {"kind": "mark", "fields": {"text": f"spot {key}"}, "after_index": key}
    other = {"kind": "clock", "text": "clock", "fields": {"offset_s": 1.0}}
    yield {"session_id": key, "seq": 0, "t_s": 5.0, "kind": "action", "fields": mark}
    for seq in range(1, EVENTS):
        yield {"session_id": key, "seq": seq, "t_s": 10.0 * seq, "kind": "notice", "fields": other}


def figures() -> Iterator[Figure]:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "data" / "knead.db"
        start = perf_counter()
        build(path)
        note = f"{SESSIONS} sessions over {YEARS} years, {path.stat().st_size / 1e6:.0f} MB"
        yield Figure("library, made", perf_counter() - start, "s", note=note)
        yield Figure("library, a list with a filter", _find_s(path, FILTER), "s", at_most=0.15, note="store opened too")
        yield Figure("library, a search", _find_s(path, SEARCH), "s", at_most=0.2, note="store opened too")
        yield Figure("library, first page of all, counted", _page_s(path), "s", at_most=0.15, note="200 lines")
        yield Figure("library, trends of 12 weeks", _trends_s(path, 12), "s", at_most=0.3, note="store opened too")
        yield Figure("library, trends of ten years", _trends_s(path, 522), "s", at_most=0.3, note="store opened too")
        yield Figure("library, the command with a filter", _command_s(directory), "s", note="with its imports")


def _find_s(path: Path, text: str) -> float:
    took = []
    for _ in range(REPEATS):
        start = perf_counter()
        with Store(path) as store:
            rows = store.find(parse(text, TODAY.date()))
            took.append(perf_counter() - start)
        assert 0 < len(rows) < 100
    return min(took)


def _page_s(path: Path) -> float:
    took = []
    for _ in range(REPEATS):
        start = perf_counter()
        with Store(path) as store:
            rows, counted = store.find(limit=200), store.count()
            took.append(perf_counter() - start)
        assert (len(rows), counted.sessions) == (200, SESSIONS)
    return min(took)


def _trends_s(path: Path, weeks: int) -> float:
    took = []
    for _ in range(REPEATS):
        start = perf_counter()
        with Store(path) as store:
            found = trends(store.visits(person="me", today=_today(), weeks=weeks, zones=working), _today(), weeks)
        took.append(perf_counter() - start)
        assert len(found) == len(PLACES)
    return min(took)


def _today() -> date:
    return TODAY.date()


def _command_s(home: str) -> float:
    took = []
    for _ in range(3):
        start = perf_counter()
        command = [sys.executable, "-m", "companion", "sessions", "list", *FILTER.split(), "--json"]
        found = subprocess.run(
            command, env={**os.environ, "KNEAD_HOME": home}, capture_output=True, text=True, check=True
        )
        took.append(perf_counter() - start)
        assert json.loads(found.stdout)["sessions"]
    return min(took)


if __name__ == "__main__":
    build(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else SESSIONS)
