"""Holes and how they are filled (R50)."""

import numpy as np
import pytest

from firmware_protocol import messages as m
from firmware_protocol.driver import (
    Continuity,
    Phase,
    Samples,
    Started,
)
from firmware_protocol.messages import Caps
from tests.ball_by_hand import BOOT, PERIOD_US, Table


def test_a_hole_is_asked_for_and_filled() -> None:
    """R50: at most 1000 scans, one at a time; late samples; R48: placed from LOG_READ's start."""
    table = Table().live()
    table.samples()
    table.samples(missed=1500)
    tag, asked = table.pop(m.LogRead)
    assert asked == m.LogRead(1005, 1000)
    start_us = 12_340_000 + 60_000
    table.say(m.LogReadReply(1005, 1000, start_us), tag)
    assert not table.asked
    for first in range(0, 1000, 50):
        batch = np.full((50, 1), first, np.int16)
        stamp_us = start_us + first * PERIOD_US
        table.say(m.SampleBatch((1005 + first) & 0xFFFF, stamp_us, 49_000, batch, backfill=True))
    late = [samples for samples in table.of(Samples) if samples.late]
    assert [samples.index for samples in late] == list(range(1005, 2005, 50))
    assert late[-1].t_us == start_us + 950 * PERIOD_US
    assert late[0].span_us == 490_000
    _, asked = table.pop(m.LogRead)
    assert asked == m.LogRead(2005, 500)
    assert not table.host.damage


def test_what_does_not_come_is_asked_for_three_times() -> None:
    """R50: 2 s after the reply or the last BACKFILL; then it is lost."""
    table = Table().live()
    table.samples()
    table.samples(missed=10)
    for tries in range(3):
        tag, asked = table.pop(m.LogRead)
        assert asked == m.LogRead(1010 if tries else 1005, 5 if tries else 10)
        table.say(m.LogReadReply(asked.first, asked.count, 12_400_000 + 50_000 * bool(tries)), tag)
        if not tries:
            table.say(m.SampleBatch(1005, 12_400_000, 4000, np.zeros((5, 1), np.int16), backfill=True))
        table.wait_with_samples(2.05)
    assert not [request for _, request in table.asked if isinstance(request, m.LogRead)]
    assert [samples.index for samples in table.of(Samples) if samples.late] == [1005]


def test_what_the_log_no_longer_has_is_lost_at_once() -> None:
    """R37, R50"""
    table = Table().live()
    table.samples()
    table.samples(missed=1500)
    tag, _ = table.pop(m.LogRead)
    table.say(m.LogReadReply(1005, 0, 0), tag)
    tag, asked = table.pop(m.LogRead)
    assert asked == m.LogRead(2005, 500)
    table.say(m.Refusal(0x0C, m.Status.NO_DATA), tag)
    assert not table.asked


@pytest.mark.parametrize(
    ("index", "t_us", "reason"),
    [(1005, 12_400_000, None), (999, 12_400_000, "stale"), (1014, 12_490_000, "stale"), (1007, 12_900_000, "order")],
)
def test_backfill_that_was_not_asked_for_is_dropped(index: int, t_us: int, reason: str | None) -> None:
    """R46, R49, R54"""
    table = Table().live()
    table.samples()
    late = m.SampleBatch(index, t_us, 1000, np.zeros((2, 1), np.int16), backfill=True)
    table.say(late)
    assert table.host.damage == {"anchor": 1}
    table.samples(missed=10)
    tag, _ = table.pop(m.LogRead)
    table.say(m.LogReadReply(1005, 10, 12_400_000), tag)
    table.say(late)
    assert table.host.damage == ({"anchor": 1} if reason is None else {"anchor": 1, reason: 1})
    assert table.host.phase is Phase.LIVE


def test_a_ball_without_a_log_is_not_asked() -> None:
    """R50"""
    table = Table()
    table.hello = m.HelloReply(1, Caps(0), 1, 1, 0.05, 200, 0xAFB0, BOOT)
    table.live()
    table.samples()
    table.samples(missed=10)
    assert not table.asked


def test_another_run_leaves_no_hole() -> None:
    """R47, R36: not measured, and not in the log."""
    table = Table().live()
    table.samples()
    table.take(table.host.closed(table.now_s))
    table.run, table.next_index, table.t_us = 2, 2000, 30_000_000
    table.open()
    table.answer_all()
    started = table.of(Started)[-1]
    assert (started.continuity, started.expected, started.next_index) == (Continuity.OTHER_RUN, 1005, 2000)
    assert not [request for _, request in table.asked if isinstance(request, m.LogRead)]
