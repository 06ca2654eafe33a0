"""The lock that says a session is being recorded."""

import subprocess
import sys
from pathlib import Path

from sessions.lock import RecordingLock

HOLDER = """
import sys
from pathlib import Path
from sessions.lock import RecordingLock
assert RecordingLock(Path(sys.argv[1]), "s").take()
print("held", flush=True)
sys.stdin.read()
"""


def test_one_holds_it_others_do_not(tmp_path: Path) -> None:
    one, other = (RecordingLock(tmp_path / "knead.db", "s") for _ in range(2))
    assert one.take()
    assert one.take(), "whoever has it, has it"
    assert not other.take()
    one.close()
    assert other.take()
    other.close()
    assert list(tmp_path.iterdir()) == []


def test_sessions_do_not_share_it(tmp_path: Path) -> None:
    one, other = RecordingLock(tmp_path / "knead.db", "a"), RecordingLock(tmp_path / "knead.db", "b")
    assert one.take()
    assert other.take()
    one.close()
    other.close()


def test_closing_what_was_not_taken_removes_nothing(tmp_path: Path) -> None:
    one, other = (RecordingLock(tmp_path / "knead.db", "s") for _ in range(2))
    assert one.take()
    assert not other.take()
    other.close()
    assert one.path.exists()
    one.close()


def test_where_no_file_can_be_made_it_is_not_taken(tmp_path: Path) -> None:
    assert not RecordingLock(tmp_path / "nowhere" / "knead.db", "s").take()


def test_it_dies_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "knead.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert not RecordingLock(path, "s").take()
        holder.kill()
        holder.wait()
    lock = RecordingLock(path, "s")
    assert lock.take()
    lock.close()
