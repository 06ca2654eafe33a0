"""Changes of zero, none unsaid (R28, R52)."""

import pytest

from firmware_protocol.driver import ZeroChanged
from firmware_protocol.zero import ZeroWatch


def test_the_first_count_of_a_boot_is_where_it_begins() -> None:
    watch = ZeroWatch()
    watch.booted(1)
    assert watch.counted(7) is None
    assert watch.counted(7) is None
    assert watch.counted(8) == ZeroChanged(None, None, False)
    watch.booted(1)
    assert watch.counted(9) == ZeroChanged(None, None, False)
    watch.booted(2)
    assert watch.counted(0) is None


def test_a_change_that_was_told_is_expected_in_the_count() -> None:
    watch = ZeroWatch()
    watch.booted(1)
    watch.counted(255)
    assert watch.changed(3, 10, 0) == ZeroChanged(3, 10, True)
    assert watch.counted(0) is None


@pytest.mark.parametrize(
    ("value", "full_scale", "trusted"), [(50, 1000, True), (51, 1000, False), (-51, 1000, False), (1638, 0, True)]
)
def test_a_zero_beyond_5_percent_is_not_trusted(value: int, full_scale: int, trusted: bool) -> None:
    """R28; full scale 0 is unknown, at most 32766 (R16)."""
    assert ZeroWatch().changed(value, None, full_scale).trusted is trusted
