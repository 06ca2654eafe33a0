"""Sessions to report on: one with a danger and a hole, and one with more of everything than a page holds."""

from dataclasses import replace
from pathlib import Path

from companion.safety.limits import GuardContext, regions
from sessions.events import Action, Alert, Closed, Event, Json, Level, Notice, Phase, RegionTotals, Totals
from sessions.store import Store
from tests import session_events
from tests.test_store import keep

NAME = "Ann <Example> & Söhne"
NOTE = "after the run\nleft side; <script>alert(1)</script>"


def context(region: str = "glute", **changed: Json) -> dict[str, Json]:
    known = GuardContext(person="me", screened=False, region=region, tool="tennis", area_cm2=12.0)
    return {**known.to_json(), **changed}


def usual(path: Path, day: int = 0, *, simulated: bool = False, region: str = "glute") -> str:
    """Half a minute with a stop, a mark and a hole of five seconds."""
    gap: dict[str, Json] = {"from_s": 10.0, "to_s": 15.0, "lost": 500, "cause": "link"}
    totals = RegionTotals(
        region, "left", 22.0, 900.0, 12000.0, 0.2, 3.5, 2, 84.0, 100.8, (1.0, 8.0, 10.0, 2.0, 1.0), 0.0
    )
    opened = replace(
        session_events.opened(started_at=session_events.later(day), simulated=simulated),
        region=region,
        tool="tennis",
        context=context(region),
    )
    batches = session_events.readings(30.0)
    session = keep(
        path,
        [
            opened,
            *(each for each in batches if each.t_s[-1] < 10.0),
            Action("mark", {"text": "knee"}, 5.0, 500),
            Alert(8.0, "peak", Level.STOP, Phase.RAISED, 91.1, 72.2, "kPa", region, "left", "stop, come off"),
            Notice(15.0, "gap", "5 s without data", gap),
            *(each for each in batches if each.t_s[0] >= 15.0),
            Totals(30.0, 22.0, (totals,)),
            Closed(30.0, "user"),
        ],
    )
    with Store(path) as store:
        store.annotate(session, note=NOTE, tags=["run"], pain_before=6, pain_after=4)
    return session


def crowded(path: Path) -> str:
    """Every region, hundreds of warnings and gaps, a note of a megabyte."""
    events: list[Event] = [replace(session_events.opened(), context=context())]
    events += [each for each in session_events.readings(60.0) if int(each.t_s[0] * 10) % 2]
    for number in range(300):
        at = number / 5
        words = "a warning with rather many words, to see where they end " * 3
        events.append(
            Alert(at, "hold", Level(1 + number % 4), Phase.RAISED, 1.0 + at, 1.0, "", "hamstring", "both", words)
        )
        gap: dict[str, Json] = {"from_s": at, "to_s": at + 0.1, "lost": 10, "cause": "a cause that is long " * 5}
        events.append(Notice(at + 0.1, "gap", "a gap", gap))
    places = tuple(
        RegionTotals(key, side, 60.0, 1e5, 12000.0, 0.2, 3.5, 20, 84.0, 100.8, (1.0, 8.0, 10.0, 2.0, 1.0), 5.0)
        for key in regions()
        for side in ("left", "right")
    )
    session = keep(path, [*events, Totals(60.0, 60.0, places), Closed(60.0, "user")])
    with Store(path) as store:
        store.annotate(session, note="no end of words " * 65536, tags=[f"tag-{number}" for number in range(300)])
    return session
