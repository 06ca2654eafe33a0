"""Events as rows, and back."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.errors import UnreadableError
from sessions.events import Action, Alert, Json, Level, Notice, Phase, Totals
from sessions.record import EventRow, Kept, Tally, event_of, in_order, opened_of, row_of, session_columns, totals_of
from tests import session_events

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TIMES = st.floats(0, 1e6)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(WORDS, JSON, max_size=4)
ALERTS = st.builds(
    Alert,
    TIMES,
    WORDS,
    st.sampled_from(Level),
    st.sampled_from(Phase),
    st.none() | NUMBERS,
    st.none() | NUMBERS,
    WORDS,
    WORDS,
    WORDS,
    WORDS,
)
NOTICES = st.builds(Notice, TIMES, WORDS, WORDS, FIELDS)
ACTIONS = st.builds(Action, WORDS, FIELDS, st.none() | TIMES, st.none() | st.integers(0, 2**60))


def stored(row: EventRow) -> EventRow:
    return row._replace(fields=json.loads(json.dumps(row.fields, allow_nan=False)))


@given(ALERTS | NOTICES | ACTIONS)
def test_events_come_back_as_they_were(event: Alert | Notice | Action) -> None:
    assert event_of(stored(row_of(event, 3)), "x") == event


def test_opened_comes_back_as_it_was() -> None:
    assert opened_of(session_columns(session_events.opened())) == session_events.opened()


def test_numbers_of_numpy_are_plain_numbers() -> None:
    fields: dict[str, Json] = {"a": np.float32(1.5), "b": np.int16(3), "c": [np.nan]}  # type: ignore[dict-item] # on purpose
    row = stored(row_of(Action("mark", fields, 1.0, np.int64(7)), 0))  # type: ignore[arg-type] # on purpose
    assert event_of(row, "x") == Action("mark", {"a": 1.5, "b": 3, "c": [None]}, 1.0, 7)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("alert", {}),
        ("alert", {"phase": "raised", "level": "STOPP"}),
        ("alert", {"phase": "raised", "level": 4}),
        ("notice", {"kind": "x"}),
        ("action", {"kind": "x", "fields": {}, "more": 1}),
        ("diary", {}),
        ("totals", {"contact_s": 1, "regions": [["calf"]]}),
        ("totals", {}),
        ("totals", []),
        ("notice", None),
    ],
)
def test_damaged_rows_are_named(kind: str, fields: dict[str, Json]) -> None:
    row = EventRow(12, 1.0, kind, fields)
    with pytest.raises(UnreadableError, match="Event 12 of session ab"):
        _ = totals_of([row], "session ab") if kind == "totals" else event_of(row, "session ab")


def test_a_row_of_totals_holds_ten_seconds_and_what_changed() -> None:
    tally = Tally()
    rows: dict[int, EventRow] = {}
    glute = session_events.totals(1.0).regions[0]
    calf = replace(glute, region="calf")
    for second in range(1, 31):
        regions = (replace(glute, contact_s=float(second)), calf)
        row = stored(tally.take(Totals(float(second), second + 0.0004, regions), len(rows)))
        rows[row.seq] = row
    assert [(row.seq, row.t_s) for row in rows.values()] == [(0, 10.0), (1, 20.0), (2, 30.0)]
    assert [len(row.fields["regions"]) for row in rows.values()] == [2, 1, 1]  # type: ignore[arg-type] # a list
    found = totals_of(rows.values(), "x")
    assert [[entry.region for entry in each.regions] for each in found] == [["glute", "calf"]] * 3
    assert [each.regions[0].contact_s for each in found] == [10.0, 20.0, 30.0]
    assert found[0].contact_s == 10.0
    assert tally.last is not None
    assert tally.last.contact_s == 30.0004
    assert all(len(json.dumps(row.fields, separators=(",", ":"))) < 220 for row in rows.values())


def test_unknown_totals_stay_unknown() -> None:
    unknown = replace(session_events.totals(1.0).regions[0], dose_limit_kpa_s=math.nan)
    (found,) = totals_of([stored(Tally().take(Totals(1.0, math.nan, (unknown,)), 0))], "x")
    assert math.isnan(found.contact_s)
    assert math.isnan(found.regions[0].dose_limit_kpa_s)


def test_totals_stand_where_their_time_is() -> None:
    others: list[Kept] = [Notice(1.0, "a", ""), Action("b", {}, 12.0), Notice(11.0, "c", "")]
    totals = [session_events.totals(10.0), session_events.totals(20.0)]
    assert in_order(others, totals) == [others[0], totals[0], *others[1:], totals[1]]
