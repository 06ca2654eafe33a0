"""Session ids: version 7, sorted by birth."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sessions.identity import uuid7

BORN = datetime(2026, 3, 1, 12, 0, 0, 5000, tzinfo=UTC)


def test_it_is_a_uuid_of_version_7() -> None:
    number = UUID(uuid7(BORN))
    assert number.version == 7
    assert number.variant == "specified in RFC 4122"


def test_its_head_is_its_birth() -> None:
    assert UUID(uuid7(BORN)).int >> 80 == int(BORN.timestamp() * 1000)


def test_the_later_sorts_behind() -> None:
    ids = [uuid7(BORN + timedelta(milliseconds=step)) for step in range(100)]
    assert ids == sorted(ids)


def test_no_two_are_alike() -> None:
    assert len({uuid7(BORN) for _ in range(1000)}) == 1000
