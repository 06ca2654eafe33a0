"""One log in the place of another: what was there stays, and what is made is nobody else's."""

import os
from pathlib import Path

import pytest

from sessions.replacing import directory_beside, put_in_place


def test_each_log_of_before_is_kept_however_soon_the_next_one_comes(tmp_path: Path) -> None:
    database = tmp_path / "knead.db"
    database.write_text("the first")
    kept = []
    for text in ("the second", "the third", "the fourth"):
        fresh = tmp_path / "fresh"
        fresh.write_text(text)
        before = put_in_place(fresh, database)
        assert before is not None
        kept.append(before)
    assert [path.read_text() for path in kept] == ["the first", "the second", "the third"]
    assert database.read_text() == "the fourth"


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_what_is_made_for_a_log_is_its_owners_alone(tmp_path: Path) -> None:
    database = tmp_path / "home" / "data" / "knead.db"
    with directory_beside(database) as beside:
        made = (beside, database.parent, database.parent.parent)
        assert [path.stat().st_mode & 0o777 for path in made] == [0o700] * 3
    assert not beside.exists()
