"""The capture file: what is written comes back, what is cut or damaged is said and the rest is whole."""

import errno
import os
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.captures import format as fmt
from companion.captures import writer as writing
from companion.captures.format import HEADER, LATE_S, Kind, Record, Setup, action_of, bytes_of, of_action, of_bytes
from companion.captures.reader import Capture
from companion.captures.tap import Tap
from companion.captures.writer import CaptureWriter
from companion.errors import CaptureError, ConfigError
from companion.stages import Output
from firmware_protocol.driver import Chunk
from sessions.events import Action, Event, Notice
from tests.kit import LIMIT_S

SETUP = Setup("knead 1", "2026-03-01T18:30:15+00:00", 1.0, "sim:calm", "me", "calf", "left", None, 7, 1, 1)
RECORDS = [
    Record(Kind.OPENED, 0.5),
    of_bytes(Kind.IN, 0.6, "serial", b"\x00\x01\xff"),
    of_bytes(Kind.OUT, 0.6, "rx", b"hello"),
    Record(Kind.TICK, 1.0),
    of_action(1.5, Action("region", {"region": "calf"})),
    Record(Kind.CLOSED, 2.0, "gezogen ü".encode()),
    Record(Kind.END, 2.5, b"user"),
]


def written(path: Path, records: list[Record] = RECORDS) -> Path:
    writer = CaptureWriter(path, SETUP)
    for record in records:
        writer(record)
    assert writer.close() == ""
    return path


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return written(tmp_path / "a.cap")


def test_what_is_written_comes_back(capture: Path) -> None:
    found = Capture(capture)
    assert found.setup == SETUP
    assert list(found.records()) == RECORDS
    assert found.damage == ""
    assert found.context is None
    assert capture.read_bytes().startswith(b"knead capture 1\n")


@given(st.sampled_from([Kind.IN, Kind.OUT]), st.text(max_size=40), st.binary(max_size=300))
def test_bytes_keep_their_source(kind: Kind, source: str, data: bytes) -> None:
    assert bytes_of(of_bytes(kind, 1.0, source, data)) == (source, data)


def told(tmp_path: Path, name: str, *records: Record) -> tuple[list[Record], str]:
    """What is read of these records behind a setup, and what was wrong with them."""
    read = Capture(written(tmp_path / name, [*records, Record(Kind.END, 9.0, b"seconds")]))
    return list(read.records()), read.damage


def test_bytes_that_arrived_before_what_was_told_first_are_no_damage(tmp_path: Path) -> None:
    """A reader of its own thread stamps them while the engine is still opening, or at a tick."""
    waited = of_bytes(Kind.IN, 1.9998, "serial", b"hello")
    records = (Record(Kind.OPENED, 2.0), waited, Record(Kind.TICK, 2.1))
    assert told(tmp_path, "it.cap", *records) == ([*records, Record(Kind.END, 9.0, b"seconds")], "")
    for name, late in (("tick.cap", Record(Kind.TICK, 1.9)), ("hour.cap", replace(waited, at_s=2.0 - LATE_S - 1.0))):
        found, damage = told(tmp_path, name, records[0], late)
        assert found == [records[0]]
        assert damage.endswith("time goes back")


def test_actions_come_back() -> None:
    action = Action("symptom", {"symptom": "numb", "rating": 3, "deep": {"a": [1, None]}})
    assert action_of(of_action(1.0, action)) == action


def test_a_cut_anywhere_costs_what_lies_behind_it(capture: Path) -> None:
    whole = capture.read_bytes()
    first = len(HEADER) + len(fmt.encode(fmt.of_setup(SETUP)))
    ends = [first]
    for record in RECORDS:
        ends.append(ends[-1] + len(fmt.encode(record)))
    assert ends[-1] == len(whole)
    for cut in range(len(whole)):
        capture.write_bytes(whole[:cut])
        if cut < first:
            with pytest.raises(CaptureError):
                Capture(capture)
            continue
        found = Capture(capture)
        assert list(found.records()) == RECORDS[: sum(end <= cut for end in ends) - 1]
        assert found.damage == ("it ends before its session does" if cut in ends else found.damage)
        assert found.damage != ""


def test_a_damaged_byte_anywhere_is_seen(capture: Path) -> None:
    whole = capture.read_bytes()
    for at in range(len(whole)):
        capture.write_bytes(whole[:at] + bytes((whole[at] ^ 0x41,)) + whole[at + 1 :])
        try:
            found = Capture(capture)
        except CaptureError:
            continue
        kept = list(found.records())
        assert kept == RECORDS[: len(kept)]
        assert len(kept) < len(RECORDS)
        assert found.damage


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    path = Path(tempfile.gettempdir()) / f"knead-fuzz-{os.getpid()}.cap"
    path.write_bytes(HEADER + fmt.encode(fmt.of_setup(SETUP)) + data)
    try:
        found = Capture(path)
        list(found.records())
        assert found.damage
    except CaptureError:
        pass
    finally:
        path.unlink()


def test_a_file_that_exists_is_left_alone(tmp_path: Path) -> None:
    there, link = tmp_path / "notes", tmp_path / "link"
    there.write_text("mine")
    link.symlink_to(tmp_path / "elsewhere")
    for path in (there, link, tmp_path, tmp_path / "no" / "such"):
        with pytest.raises(ConfigError):
            CaptureWriter(path, SETUP)
    assert there.read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.name != "posix", reason="modes and pipes")
def test_it_is_its_owners_alone_and_a_plain_file(capture: Path, tmp_path: Path) -> None:
    assert capture.stat().st_mode & 0o777 == 0o600
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), tmp_path / "none"):
        with pytest.raises(CaptureError):
            Capture(path)


def test_a_newer_format_and_foreign_files_are_told(capture: Path) -> None:
    capture.write_bytes(b"knead capture 2\n" + b"x" * 100)
    with pytest.raises(CaptureError, match="newer knead"):
        Capture(capture)
    capture.write_bytes(b"SQLite format 3\0" * 9)
    with pytest.raises(CaptureError, match="is no capture"):
        Capture(capture)


class Disk:
    """The system calls of the writer, which fail or hang as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: int | None = None
        self.short = False
        self.free = threading.Event()
        self.free.set()
        self.tries = threading.Semaphore(0)
        self._write, self._sync = os.write, os.fsync
        monkeypatch.setattr("companion.captures.writer.os.write", self.write)
        monkeypatch.setattr("companion.captures.writer.os.fsync", self.sync)
        monkeypatch.setattr(writing, "FLUSH_S", 0.01)

    def write(self, handle: int, data: bytes) -> int:
        if self.error is not None:
            if not self.short:
                self.short = True
                return self._write(handle, bytes(data)[:5])  # a full disk takes a part first
            self.tries.release()
            raise OSError(self.error, os.strerror(self.error))
        return self._write(handle, data)

    def sync(self, handle: int) -> None:
        self.free.wait(LIMIT_S)
        self._sync(handle)


def test_a_full_disk_is_waited_for_and_half_a_record_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    writer = CaptureWriter(tmp_path / "a.cap", SETUP)
    tap = Tap(writer).around(Quiet())
    disk.error = errno.ENOSPC
    tap.opened(0.5)
    assert disk.tries.acquire(timeout=LIMIT_S)
    assert disk.tries.acquire(timeout=LIMIT_S)
    (told,) = tap.tick(1.0)
    assert isinstance(told, Notice)
    assert (told.kind, told.fields["state"]) == ("capture", "waiting")
    assert Capture(tmp_path / "a.cap").setup == SETUP  # whole, though it ends early
    whole = len(HEADER) + len(fmt.encode(fmt.of_setup(SETUP)))
    assert (tmp_path / "a.cap").stat().st_size == whole
    disk.error = None
    until_s = time.monotonic() + LIMIT_S
    while not tap.tick(1.0):
        assert time.monotonic() < until_s
        time.sleep(0.001)
    tap.finish(2.0, "user")
    assert tap.close() == ""
    kinds = [record.kind for record in Capture(tmp_path / "a.cap").records()]
    assert kinds[:2] == [Kind.OPENED, Kind.TICK]
    assert kinds[-1] is Kind.END


def test_a_disk_that_is_full_from_the_beginning_is_told_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Disk(monkeypatch).error = errno.ENOSPC
    with pytest.raises(ConfigError, match=os.strerror(errno.ENOSPC)) as found:
        CaptureWriter(tmp_path / "a.cap", SETUP)
    assert found.value.hint
    assert list(tmp_path.iterdir()) == [], "nothing is left of it"


def test_a_disk_that_stays_full_is_told_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    writer = CaptureWriter(tmp_path / "a.cap", SETUP)
    disk.error = errno.ENOSPC
    writer(RECORDS[0])
    assert writer.close() == os.strerror(errno.ENOSPC)


def test_a_disk_that_hangs_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    monkeypatch.setattr(writing, "WAITING_BYTES", 100_000)
    writer = CaptureWriter(tmp_path / "a.cap", SETUP)
    disk.free.clear()
    for number in range(10_000):  # a hundred times what may wait: the rest is refused, at once
        writer(of_bytes(Kind.IN, float(number), "serial", bytes(1000)))
    assert "did not answer" in writer.close(0.01)
    disk.free.set()
    assert writer.close() == "the disk was too slow"
    times = [record.at_s for record in Capture(tmp_path / "a.cap").records()]
    assert times == [float(number) for number in range(len(times))]
    assert 50 < len(times) <= 100


class Quiet:
    """A pipeline with nothing to say."""

    def opened(self, now_s: float) -> list[Output]:
        return []

    def closed(self, now_s: float, cause: str) -> list[Output]:
        return []

    def feed(self, chunk: Chunk) -> list[Output]:
        return []

    def tick(self, now_s: float) -> list[Output]:
        return []

    def act(self, action: Action, now_s: float) -> list[Output]:
        return []

    def finish(self, now_s: float, cause: str) -> list[Event]:
        return []

    def deadline(self) -> float | None:
        return 3.0

    def session_s(self, now_s: float) -> float | None:
        return None


def test_every_input_is_captured_before_it_is_judged(tmp_path: Path) -> None:
    class Falling(Quiet):
        def feed(self, chunk: Chunk) -> list[Output]:
            raise RuntimeError("a fault of the program")

    tap = Tap(CaptureWriter(tmp_path / "a.cap", SETUP)).around(Falling())
    with pytest.raises(RuntimeError):
        tap.feed(Chunk("serial", b"deadly", 1.0))
    tap.finish(1.5, "error")
    tap.finish(1.6, "error")
    assert tap.close() == ""
    assert list(Capture(tmp_path / "a.cap").records()) == [
        of_bytes(Kind.IN, 1.0, "serial", b"deadly"),
        Record(Kind.END, 1.5, b"error"),
    ]
    assert tap.deadline() == 3.0
