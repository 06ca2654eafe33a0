"""Disks that refuse under a running recording: alerts stay on time, the user is told, and all is written afterwards."""

import ctypes
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from sessions.store import Store
from tests.reliability.needs import require
from tests.reliability.recording import LIMIT_S, Kept, Recording, finding, kept
from tests.reliability.row import Row, milliseconds
from tests.reliability.stalls import Stalls

SCENARIO = "too_hard"  # alerts at 3.3 and 3.6 s
FAILS_S, BACK_S, ENDS_S = 1.5, 5.0, 6.0  # session seconds
TOLD_S = 2.0  # half a second to the next commit, and one in which it waits for a lock or hangs
ON_TIME_S = 0.25  # an alert on stdout after its moment: 40 ms until the batch is sent, the rest is the machine's
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # linux/prctl.h, linux/capability.h
LIBC = ctypes.CDLL(None)  # loaded before any fork
ROOM = "2m"


class Fault:
    """One way for a disk to refuse. The base does nothing."""

    name = "none"
    told_s = TOLD_S

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "data"
        self.database = self.data / "knead.db"
        self.env: dict[str, str] = {}
        self.before: Callable[[], None] | None = None

    def spoil(self, recording: Recording) -> None:
        """The disk begins to refuse."""

    def mend(self, recording: Recording) -> None:
        """It is back."""

    def close(self) -> None:
        """Take away what was set up."""


class Full(Fault):
    """A file system of two megabytes that another program fills; without the right to mount, a limit on file size."""

    name = "disk full"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.data.mkdir()
        self._mounted = _mount(self.data)
        self._filler = self.data / "filler"

    def spoil(self, recording: Recording) -> None:
        if not self._mounted:
            size = self.database.with_name("knead.db-wal").stat().st_size
            resource.prlimit(recording.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            return
        with suppress(OSError), self._filler.open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(512))

    def mend(self, recording: Recording) -> None:
        if self._mounted:
            self._filler.unlink()
        else:
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(recording.process.pid, resource.RLIMIT_FSIZE, unlimited)

    def close(self) -> None:
        if self._mounted:
            subprocess.run(["umount", "--lazy", str(self.data)], check=True)


class Locked(Fault):
    """Another program holds the log and does not let go."""

    name = "database locked"

    def spoil(self, recording: Recording) -> None:
        self._other = sqlite3.connect(self.database, isolation_level=None, check_same_thread=False, timeout=10)
        self._other.execute("BEGIN IMMEDIATE")

    def mend(self, recording: Recording) -> None:
        self._other.execute("COMMIT")
        self._other.close()


class Slow(Fault):
    """Every sync takes two seconds, to the very end of the session."""

    name = "slow disk (2 s a sync)"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        shim, self._flag = home / "slowdisk.so", home / "slow"
        source = Path(__file__).with_name("slowdisk.c")
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(shim), str(source), "-ldl"], check=True)
        self.env = {"LD_PRELOAD": str(shim), "KNEAD_SLOW_DISK": str(self._flag)}

    def spoil(self, recording: Recording) -> None:
        self._flag.touch()


class Deleted(Fault):
    """Somebody deletes the log while it is written; the disk itself would take it."""

    name = "database deleted"

    def spoil(self, recording: Recording) -> None:
        for file in self.data.glob("knead.db*"):
            if not file.name.endswith(".lock"):
                file.unlink()


class ReadOnly(Deleted):
    """The log is gone, and nothing can be made in its directory."""

    name = "database deleted, directory read-only"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.before = obey_modes

    def spoil(self, recording: Recording) -> None:
        super().spoil(recording)
        self.data.chmod(0o500)

    def mend(self, recording: Recording) -> None:
        self.data.chmod(0o700)


class Shut(Fault):
    """A directory that cannot be written when the session begins, and can be later."""

    name = "directory read-only at the start"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.before = obey_modes
        self.data.mkdir()
        self.data.chmod(0o500)

    def mend(self, recording: Recording) -> None:
        self.data.chmod(0o700)


FAULTS: tuple[type[Fault], ...] = (Full, Locked, Slow, Deleted, ReadOnly, Shut)


def rows(*, short: bool) -> Iterator[Row]:
    require("gcc")
    faults = FAULTS * (1 if short else 3)
    with (
        TemporaryDirectory() as directory,
        Stalls(Path(directory)) as stalls,
        ThreadPoolExecutor(len(FAULTS)) as lanes,
    ):
        played = list(lanes.map(lambda fault: _play(fault, stalls), faults))
    for number in range(len(FAULTS)):
        yield _worst(played[number :: len(FAULTS)])
    yield _never_opened()
    if not short:
        yield _eleven_minutes()


def _worst(rows_of_one: list[Row]) -> Row:
    broken = [row for row in rows_of_one if row.broken]
    row = (broken or sorted(rows_of_one, key=lambda each: float(each.notice.split()[0])))[-1]
    row.runs = len(rows_of_one)
    return row


def _play(make: type[Fault], stalls: Stalls) -> Row:
    row = Row(make.name, 1)
    with TemporaryDirectory() as directory:
        fault = make(Path(directory))
        started_s = monotonic()
        try:
            recording = Recording(fault.home, f"sim:{SCENARIO}", env=fault.env, before=fault.before)
            try:
                spoilt_s, mended_s = _spoil_and_mend(fault, recording)
                code = recording.end(signal.SIGTERM)
            finally:
                if recording.process.poll() is None:
                    recording.kill()
            row.promise(code == 128 + signal.SIGTERM, f"exit code {code}: {recording.words[-200:]}")
            _told(row, fault, recording, spoilt_s, stalls.since(started_s))
            _on_time(row, recording, spoilt_s, mended_s, stalls.since(started_s))
            _saved(row, fault, recording)
        finally:
            fault.close()
    return row


def _spoil_and_mend(fault: Fault, recording: Recording) -> tuple[float, float]:
    """When the disk failed, and when it was back, on the monotonic clock."""
    recording.until(FAILS_S)
    spoilt_s = monotonic()
    fault.spoil(recording)
    recording.until(BACK_S)
    fault.mend(recording)
    mended_s = monotonic()
    recording.until(ENDS_S)
    return spoilt_s, mended_s


def _told(row: Row, fault: Fault, recording: Recording, spoilt_s: float, stall_s: float) -> None:
    notices = [each for each in recording.of("notice") if each.event["kind"] == "storage"]
    if not notices:
        row.promise(False, "the user was not told")
        return
    took_s = max(notices[0].at_s - spoilt_s, 0.0)
    row.notice = milliseconds(took_s)
    row.promise(took_s < fault.told_s + stall_s, f"told after {took_s:.1f} s")
    row.promise(notices[-1].event["fields"]["state"] == "written" or isinstance(fault, Slow), "no word of its return")


def _on_time(row: Row, recording: Recording, spoilt_s: float, mended_s: float, stall_s: float) -> None:
    """Alerts while the disk refuses, against the clock of the readings before it did."""
    zero_s = min(each.at_s - each.t_s for each in recording.of("reading") if each.at_s < spoilt_s)
    late = [each.at_s - zero_s - each.t_s for each in recording.of("alert") if spoilt_s < each.at_s < mended_s]
    row.promise(len(late) >= 2, f"{len(late)} alerts while the disk refused")
    worst_s = max(late, default=0.0)
    row.promise(worst_s < ON_TIME_S + stall_s, f"an alert came {worst_s:.2f} s late")
    row.note = f"{len(late)} alerts meanwhile, {milliseconds(worst_s)} late at most"


def _saved(row: Row, fault: Fault, recording: Recording) -> None:
    if found := finding(fault.database):
        row.promise(False, found)
    with closing(Store(fault.database)) as store:
        row.promise(len(store.list()) == 1, f"{len(store.list())} sessions")
        held = kept(store, "last", SCENARIO)
    row.promise(held.data.row.state == "complete", f"state {held.data.row.state}")
    row.promise(not held.invented, f"{held.invented} scans invented")
    missing_s = _missing_s(recording, held)
    row.promise(missing_s < 1e-5, f"{missing_s:.2f} s not saved")


def _missing_s(recording: Recording, held: Kept) -> float:
    """What was received and is not in the log. What the link itself lost, and said so, is not the disk's."""
    readings = [each.event for each in recording.of("reading")]
    lost: int = sum(event["lost"] for event in readings)
    lost -= sum(len(event["t_s"]) for event in readings if event["late"])
    return max(recording.received_s - held.to_s, 0.0) + max(held.missing - lost, 0) / 100


def _never_opened() -> Row:
    """A directory that cannot be written from first to last: the user is told at once, and again at the end."""
    row = Row("directory read-only to the end", 1)
    with TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "data").mkdir()
        (home / "data").chmod(0o500)
        recording = Recording(home, f"sim:{SCENARIO}", "--seconds", "4", before=obey_modes)
        try:
            first = recording.until(0.0)
            told = recording.told("storage", state="waiting")
            code = recording.process.wait(LIMIT_S)
        finally:
            recording.kill()
        (home / "data").chmod(0o700)
        alerts = recording.of("alert")
        row.notice = milliseconds(max(told.at_s - first.at_s, 0.0))
        row.promise(code == 1, f"exit code {code}")
        row.promise("of the session are not saved" in recording.words, f"said {recording.words!r}")
        row.promise(len(alerts) >= 2, f"{len(alerts)} alerts")
        row.lost, row.note = "all, as was said", f"{len(alerts)} alerts all the same"
    return row


def _eleven_minutes() -> Row:
    """A log that is locked for eleven minutes of session time, at 60 times real time."""
    row = Row("database locked for 11 minutes of session", 1)
    with TemporaryDirectory() as directory:
        fault = Locked(Path(directory))
        recording = Recording(fault.home, "sim:calm", "--speed", "60")
        try:
            recording.until(30.0)
            fault.spoil(recording)
            recording.until(30.0 + 11 * 60)
            fault.mend(recording)
            recording.told("storage", state="written")
            row.promise(recording.end() == 128 + signal.SIGTERM, "it did not end in order")
        finally:
            if recording.process.poll() is None:
                recording.kill()
        with closing(Store(fault.database)) as store:
            held = kept(store, "last", "calm")
        missing_s = _missing_s(recording, held)
        row.promise(missing_s < 1e-5, f"{missing_s:.2f} s not saved")
        row.promise(not held.invented, f"{held.invented} scans invented")
    row.note = f"{held.to_s:.0f} s saved"
    return row


def obey_modes() -> None:
    """In a process about to start: the modes of files hold for root, too."""
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def _mount(directory: Path) -> bool:
    """Whether a small file system could be mounted there."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        return False
    options = ["-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(directory)]
    return subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0
