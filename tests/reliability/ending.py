"""Ways to end a session from outside: signals, a closed terminal, a standard input with nothing in it."""

import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from fcntl import ioctl
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import psutil

from sessions.store import Store
from tests.reliability.recording import LIMIT_S, ROOT, Recording, kept
from tests.reliability.row import Row, milliseconds

SCENARIO = "calm"
IDLE_S, SHORT_IDLE_S = 10.0, 2.5  # how long the processor's use is measured
SPINS_FROM = 0.1  # of one core more than beside it: a loop that spins takes all it can get, and work takes a tenth
ROUNDING_S = 1e-5  # the log keeps microseconds, the lines print them
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def rows(*, short: bool) -> Iterator[Row]:
    runs = 1 if short else 5
    played: list[Callable[[], Row]] = [partial(_signal, number, runs) for number in SIGNALS]
    played += [partial(_terminal_closes, False), partial(_terminal_closes, True)]
    with ThreadPoolExecutor(len(played)) as lanes:
        yield from lanes.map(lambda play: play(), played)
    yield _input_ends(SHORT_IDLE_S if short else IDLE_S)


def _signal(number: signal.Signals, runs: int) -> Row:
    row = Row(f"{number.name} while recording", runs)
    worst_s, lost_s = 0.0, 0.0
    for _ in range(runs):
        with TemporaryDirectory() as home:
            recording = Recording(Path(home), f"sim:{SCENARIO}")
            recording.until(0.7)
            asked_s = monotonic()
            code = recording.end(number)
            worst_s = max(worst_s, monotonic() - asked_s)
            row.promise(code == 128 + number, f"exit code {code}")
            row.promise("Traceback" not in recording.words, "a traceback")
            with closing(Store(Path(home) / "data" / "knead.db")) as store:
                row.promise(not store.recovered, "it was not completed")
                held = kept(store, "last", SCENARIO)
            row.promise(held.data.row.state == "complete", held.data.row.state)
            row.promise(held.invented + held.missing == 0, "other scans than the ball's")
            lost_s = max(lost_s, recording.received_s - held.to_s)
    row.promise(lost_s < ROUNDING_S, f"{lost_s:.2f} s received and not saved")
    row.notice = milliseconds(worst_s)
    row.note = "until it had ended"
    return row


def _input_ends(measure_s: float) -> Row:
    """Headless commands never read it. Beside it, on the same busy machine, one whose input has not ended."""
    row = Row("standard input at its end", 1)
    with TemporaryDirectory() as directory, (Path(directory) / "input").open("w+b") as typed:
        typed.write(b"q" * 1000)
        typed.seek(0)
        inputs = (subprocess.DEVNULL, typed.fileno())
        recordings = [Recording(Path(directory) / str(at), f"sim:{SCENARIO}", stdin=at) for at in inputs]
        for recording in recordings:
            recording.until(0.5)
        ended, beside = _shares([recording.process.pid for recording in recordings], measure_s)
        codes = [recording.end() for recording in recordings]
        row.promise(os.lseek(typed.fileno(), 0, os.SEEK_CUR) == 0, "it was read")  # the children share the position
    row.promise(set(codes) == {128 + signal.SIGTERM}, f"it ended by itself with {codes}")
    row.promise(ended < beside + SPINS_FROM, f"{ended:.0%} of a core: it spins")
    row.note = f"{ended:.0%} of a core over {measure_s:.0f} s, {beside:.0%} where it has not ended"
    return row


def _terminal_closes(ignored: bool) -> Row:
    """The screen on a terminal that goes away; `ignored`: under nohup, where no signal tells of it."""
    row = Row("terminal closed" + (", SIGHUP ignored" if ignored else ""), 1)
    with TemporaryDirectory() as home:
        database = Path(home) / "data" / "knead.db"
        terminal, process = _on_terminal(Path(home), ignored)
        try:
            _until(lambda: database.exists() and _recorded(database) > 1.0, "nothing was recorded")
            closed_s = monotonic()
            os.close(terminal)
            terminal = -1
            with suppress(subprocess.TimeoutExpired):
                process.wait(LIMIT_S)
            took_s = monotonic() - closed_s
            if process.returncode is None:
                (share,) = _shares([process.pid], 1.0)
                row.promise(False, f"it lived on, with {share:.0%} of a core")
        finally:
            if terminal >= 0:
                os.close(terminal)
            process.kill()
            process.wait()
        with closing(Store(database)) as store:
            row.promise(store.row("last").state == "complete", f"state {store.row('last').state}")
    row.notice = milliseconds(took_s)
    row.note = f"until it had ended, exit code {process.returncode}"
    return row


def _on_terminal(home: Path, ignored: bool) -> tuple[int, subprocess.Popen[bytes]]:
    """`knead live` with its screen on a pseudo-terminal of 80 x 24, read by a thread until it is closed."""
    ours, theirs = pty.openpty()

    def before() -> None:
        os.setsid()
        ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)

    process = subprocess.Popen(
        [sys.executable, "-m", "companion", "live", f"sim:{SCENARIO}"],
        cwd=ROOT,
        env=os.environ | {"KNEAD_HOME": str(home), "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=before,
    )
    os.close(theirs)

    def drain() -> None:
        with suppress(OSError):
            while os.read(ours, 65536):
                pass

    threading.Thread(target=drain, daemon=True).start()
    return ours, process


def _recorded(database: Path) -> float:
    """Seconds in the newest session of a log that somebody is recording into."""
    with closing(Store(database)) as store:
        return max((row.duration_s for row in store.list()), default=0.0)


def _shares(pids: list[int], seconds: float) -> list[float]:
    """Of one core, as the system accounts it, in the same time."""
    processes = [psutil.Process(pid) for pid in pids]
    before = [sum(process.cpu_times()[:2]) for process in processes]
    threading.Event().wait(seconds)
    return [float(sum(process.cpu_times()[:2]) - was) / seconds for process, was in zip(processes, before, strict=True)]


def _until(seen: Callable[[], bool], otherwise: str) -> None:
    end_s = monotonic() + LIMIT_S
    while not seen():
        assert monotonic() < end_s, otherwise
        threading.Event().wait(0.05)
