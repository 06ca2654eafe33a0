"""One table: the page that is read, the rows that judge, and the rules they were written from say the same."""

from pathlib import Path

import pytest

from companion.safety.causes import CAUSES, MANNERS, Cause, Row
from sessions.events import Level
from tests.alarm_page import BY_HAND, LIMITS, SIGNALS, page

PAGE = Path(__file__).parents[1] / "companion" / "safety" / "ALARMS.md"
N, C, T, S = Level.NOTICE, Level.CAUTION, Level.TECHNICAL, Level.STOP

# The rules once more, typed by hand: (set, clear, on-delay, off-delay, scans).
ROWS = {
    ("peak", N): (0.85, 0.75, 1.0, 0.0, 1),
    ("peak", C): (1.0, 0.90, 0.5, 0.0, 1),
    ("peak", S): (1.25, 1.25, 0.1, 0.0, 2),
    ("saturation", S): (1.0, 1.0, 0.0, 0.0, 2),
    ("locked", S): (1.0, 1.0, 0.0, 0.0, 1),
    ("hold", N): (0.67, 0.55, 1.0, 0.0, 1),
    ("hold", C): (1.0, 0.37, 0.5, 0.0, 1),
    ("hold", S): (1.5, 1.5, 0.0, 0.0, 1),
    ("static", N): (1.0, 1.0, 60.0, 1.0, 1),
    ("roll_only", N): (1.0, 1.0, 10.0, 1.0, 1),
    ("light_only", N): (1.0, 1.0, 5.0, 1.0, 1),
    ("ramp", N): (150.0, 150.0, 0.3, 2.0, 1),
    ("ramp", C): (300.0, 300.0, 0.3, 2.0, 1),
    ("closed", C): (1.0, 1.0, 0.5, 0.0, 1),
    ("stuck", T): (3.0, 3.0, 0.0, 0.0, 1),
    ("battery", N): (1.0, 1.0, 0.0, 0.0, 1),
    ("battery", T): (1.0, 1.0, 0.0, 0.0, 1),
}
SHARES = {
    "dose": ((N, 0.8), (C, 1.0), (S, 1.2)),
    "time": ((N, 0.8), (C, 1.0)),
    "time_advice": ((N, 1.0),),
    "session": ((N, 0.8), (S, 1.0)),
    "session_advice": ((N, 1.0),),
    "day": ((N, 0.8), (C, 1.0)),
    "day_dose": ((N, 0.8), (C, 1.0)),
    "day_total": ((N, 0.8), (C, 1.0)),
}
ESCALATES_S = {"peak": 5.0, "hold": 15.0, "dose": 15.0, "time": 15.0, "day": 15.0, "day_dose": 15.0, "day_total": 15.0}


def test_the_page_is_made_from_the_rows() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.alarm_page > companion/safety/ALARMS.md"


def test_every_signal_and_sum_has_its_words() -> None:
    assert {row.signal for cause in CAUSES for row in cause.rows} == set(SIGNALS)
    assert {cause.key for cause in CAUSES if cause.shares} == set(LIMITS)
    assert {cause.key for cause in CAUSES if not cause.rows and not cause.shares} == set(BY_HAND)


def test_the_rows_are_those_of_the_rules() -> None:
    built = {(cause.key, row.level): row for cause in CAUSES for row in cause.rows}
    assert set(built) == set(ROWS)
    for key, row in built.items():
        assert _numbers(row) == pytest.approx(ROWS[key]), key


def _numbers(row: Row) -> tuple[float, ...]:
    return (row.set_at, row.clear_at, row.on_s, row.off_s, row.scans)


def test_the_shares_are_those_of_the_rules() -> None:
    built = {cause.key: tuple((share.level, share.at) for share in cause.shares) for cause in CAUSES if cause.shares}
    assert built == SHARES
    assert {cause.key for cause in CAUSES if cause.once} == {"time_advice", "session_advice"}


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.key)
def test_what_lasts_grows_and_what_cannot_last_does_not(cause: Cause) -> None:
    expected = 15.0 if cause.key == "closed" else ESCALATES_S.get(cause.key)
    assert cause.escalate_s == expected


def test_urgency_is_heard() -> None:
    """1, 3 and 2x5 tones; a technical alarm sounds unlike any of them. Only a stop latches."""
    assert [MANNERS[level].tones for level in (N, C, S)] == [1, 3, 10]
    assert MANNERS[T].tones not in (1, 3, 10)
    assert [level for level in Level if MANNERS[level].latches] == [S]
    assert MANNERS[C].repeat_s == 10.0
