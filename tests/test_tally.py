"""Damage is told soon, counted in full, and never fills the log."""

from companion.tally import DamageTally
from firmware_protocol.driver import Damaged
from sessions.events import Notice


def told(notices: list[Notice]) -> list[tuple[object, object]]:
    return [(notice.fields["reason"], notice.fields["count"]) for notice in notices]


def test_the_first_of_its_kind_is_told_at_once_and_the_rest_in_sums() -> None:
    tally = DamageTally()
    assert told(tally.take(Damaged("crc"), 5.0, 1.0)) == [("crc", 1)]
    assert tally.deadline() is None
    for number in range(1000):
        assert tally.take(Damaged("crc"), 5.0 + number * 0.0009, 1.0) == []
    assert told(tally.take(Damaged("cobs", 2), 5.5, 1.5)) == [("cobs", 2)]
    assert tally.deadline() == 6.0
    assert tally.due(5.99, 2.0) == []
    (notice,) = tally.due(6.0, 2.0)
    assert (told([notice]), notice.t_s) == ([("crc", 1000)], 2.0)
    assert tally.due(9.0, 5.0) == []


def test_what_waits_at_the_end_is_told() -> None:
    tally = DamageTally()
    for reason in ("crc", "cobs", "crc", "cobs", "cobs"):
        tally.take(Damaged(reason), 1.0, 0.0)
    assert told(tally.rest(1.1, 0.1)) == [("cobs", 2), ("crc", 1)]
    assert tally.rest(1.2, 0.2) == []
