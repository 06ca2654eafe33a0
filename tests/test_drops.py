"""A link too slow for its rate (R53)."""

from firmware_protocol import messages as m
from firmware_protocol.driver import (
    Phase,
)
from firmware_protocol.messages import Caps
from tests.ball_by_hand import BOOT, Table


def dropping(table: Table, seconds: int, broken_tags: bool = False) -> None:
    """Each second 4 of 104 scans are dropped."""
    for _ in range(seconds):
        for batch in range(20):
            if batch == 0 and broken_tags:
                table.tag = (table.tag + 1) & 0xFF
            table.samples(missed=4 if batch == 0 else 0)
            table.wait(0.052)


def test_a_ball_that_drops_too_much_is_slowed_down() -> None:
    """R53: over 1 % for 5 s: START with half the rate, down to 10 Hz."""
    table = Table()
    table.hello = m.HelloReply(1, Caps(0), 1, 1, 0.05, 200, 0xAFB0, BOOT)
    table.live()
    dropping(table, 4)
    assert table.phases()[-1] is Phase.LIVE
    dropping(table, 3)
    _, start = table.asked[0]
    assert start == m.Start(50, 0)
    table.answer_all()
    dropping(table, 7)
    assert table.asked[0][1] == m.Start(25, 0)  # the ball could not go lower: asked for less


def test_what_the_link_lost_is_no_reason_to_slow_down() -> None:
    """R11: a hole in the tags says that the link lost it, not the ball."""
    table = Table()
    table.hello = m.HelloReply(1, Caps(0), 1, 1, 0.05, 200, 0xAFB0, BOOT)
    table.live()
    dropping(table, 9, broken_tags=True)
    assert table.phases()[-1] is Phase.LIVE


def test_late_warnings_are_said() -> None:
    """R53: below 20 Hz, or over 100 ms of latency."""
    assert Table(latency_ms=101).host.warnings_late
    table = Table().live()
    assert not table.host.warnings_late
