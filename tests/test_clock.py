"""The clock of a session: seconds that may run faster, and the wall's time of this place."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from companion.clock import Clock

pytestmark = pytest.mark.skipif(not hasattr(time, "tzset"), reason="zones by TZ")


@pytest.fixture
def nepal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "NPT-05:45")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("nepal")
def test_the_wall_has_the_offset_of_this_place() -> None:
    before = datetime.now(UTC)
    begun = Clock().wall(0.0)
    assert begun.utcoffset() == timedelta(hours=5, minutes=45)
    assert before <= begun <= datetime.now(UTC)


def test_a_faster_clock_takes_less_of_the_walls_time() -> None:
    clock = Clock(speed=10.0)
    assert clock.wall(20.0) - clock.wall(0.0) == timedelta(seconds=2)
    assert clock.wait_s(clock.now_s() - 1.0) == 0.0
