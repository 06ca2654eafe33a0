"""The live screen on a real pseudo-terminal of 120 x 40: what it costs, and how soon it warns.

Bounds are for 100 scans a second, each an event of its own, at 10 frames a second.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.benchmarks.figure import Figure
from tests.loudspeaker import Loudspeaker
from tests.test_tui_stage import Child, child

LIMIT_S = 60.0
WARM_S, MEASURE_S, STALL_S = 3.0, 10.0, 8.0
STARTS = 7
# Signs of a full first frame: the title, the zone, the plot's last row and the keys; the way out is the last of them.
FULL_LIVE = (b"REC", b"WORK", b"-30 s", b"Help")
FULL_HOME = (b"knead", b"looking for balls", b"Quit")
DANGER = b"ends by itself"  # the last line of the danger screen


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        told = Path(directory) / "told"
        yield _cpu(told)
        yield _sounding(Path(directory))
        yield from _first_frames(Path(directory))
        yield _danger(told)
        yield _hole(told)


def _wait_for_screen(process: Child, signs: tuple[bytes, ...] = FULL_LIVE) -> None:
    if not process.read(lambda: all(sign in process.output for sign in signs), LIMIT_S):
        raise RuntimeError(f"no full frame: {process.output[-500:]!r}")


def _cpu(told: Path) -> Figure:
    """User and system time of the whole process, the feeding thread included."""
    with child(told, "fine", seconds=LIMIT_S) as process:
        _wait_for_screen(process)
        process.read(lambda: False, WARM_S)
        running = psutil.Process(process.process.pid)
        before, began_s, size = running.cpu_times(), time.monotonic(), len(process.output)
        process.read(lambda: False, MEASURE_S)
        after, took_s = running.cpu_times(), time.monotonic() - began_s
        used_s = after.user + after.system - before.user - before.system
        kilobytes = (len(process.output) - size) / took_s / 1000
    note = f"of one core, 120x40, 10 fps, 100 Hz; {kilobytes:.0f} kB/s to the terminal"
    return Figure("live screen CPU", 100 * used_s / took_s, "%", at_most=12.0, note=note)


def _sounding(directory: Path) -> Figure:
    """A whole session in far view with ticks, tones and words: screen, engine, journal, and the player with its own.

    The players are scripts that end at once: what a real one needs to play is not ours.
    """
    speaker = Loudspeaker(directory / "speaker", "aplay", "espeak-ng")
    variables = speaker.environment | {"KNEAD_HOME": str(directory / "home")}
    command = [sys.executable, "-m", "companion", "demo"]
    with child(directory / "told", "", seconds=LIMIT_S, command=command, variables=variables) as process:
        if not process.read(lambda: "tick-1" in [given.what for given in speaker.given()], LIMIT_S):
            raise RuntimeError(f"it does not tick: {speaker.given()}")
        before_s, began_s, size = _spent_s(process), time.monotonic(), len(process.output)
        process.read(lambda: False, MEASURE_S)
        used_s, took_s = _spent_s(process) - before_s, time.monotonic() - began_s
        kilobytes = (len(process.output) - size) / took_s / 1000
    played = len(speaker.given())
    note = f"of one core, the demo at 120x40; {kilobytes:.0f} kB/s to the terminal, {played} sounds"
    return Figure("far view with sound on, CPU", 100 * used_s / took_s, "%", at_most=15.0, note=note)


def _spent_s(process: Child) -> float:
    """Of the process and all its children, those that have ended too."""
    running = psutil.Process(process.process.pid)
    times = [each.cpu_times() for each in (running, *running.children(recursive=True))]
    return sum(each.user + each.system + each.children_user + each.children_system for each in times)


def _first_frames(directory: Path) -> Iterator[Figure]:
    """From the start of a process, against one that only imports what any such app must.

    All compiled, as they are from their second start on.
    """
    variables = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(directory / "compiled")}
    home = variables | {"KNEAD_HOME": str(directory / "home")}
    frames: tuple[list[float], list[float]] = [], []
    imports = []
    for number in range(STARTS + 1):
        began_s = time.monotonic()
        imported = [sys.executable, "-c", "import textual.app, numpy, serial"]
        subprocess.run(imported, check=True, env=os.environ | variables)
        import_s = time.monotonic() - began_s
        with child(directory / "told", "fine", seconds=LIMIT_S, variables=variables) as process:
            _wait_for_screen(process, FULL_LIVE)
            live_s = process.chunks[-1][0] - process.began_s
        command = [sys.executable, "-m", "companion"]
        with child(directory / "told", "", seconds=LIMIT_S, command=command, variables=home) as process:
            _wait_for_screen(process, FULL_HOME)
            home_s = process.chunks[-1][0] - process.began_s
        if number:
            imports.append(import_s)
            frames[0].append(live_s)
            frames[1].append(home_s)
    import_s = statistics.median(imports)
    for name, took_s in zip(("the live screen", "knead's first screen"), map(statistics.median, frames), strict=True):
        note = f"{took_s * 1000:.0f} ms against {import_s * 1000:.0f} ms, medians of {STARTS} in turn"
        yield Figure(f"full frame of {name} / imports", took_s / import_s, "x", at_most=1.5, note=note)


def _danger(told: Path) -> Figure:
    """From a stop's event in the engine's thread to the last line of the danger screen at the terminal."""
    with child(told, "stops", seconds=LIMIT_S) as process:
        report = process.finish(LIMIT_S)
    seen, tail = [], b""
    for at_s, data in process.chunks:
        if DANGER in tail + data:
            seen.append(at_s)
        tail = data[-len(DANGER) + 1 :]
    took_ms = []
    for raised_s in report["raised_s"]:
        shown_s = next((at_s for at_s in seen if at_s >= raised_s), None)
        took_ms.append(float("inf") if shown_s is None else 1000 * (shown_s - raised_s))
    took_ms.sort()
    worst = took_ms[round(0.99 * (len(took_ms) - 1))]
    note = f"p99 of {len(took_ms)}; median {statistics.median(took_ms):.1f} ms"
    return Figure("stop to danger screen", worst, "ms", at_most=60.0, note=note)


def _hole(told: Path) -> Figure:
    """A terminal that does not read for eight seconds, and the thread that feeds the view."""
    with child(told, "fine", seconds=WARM_S + STALL_S + 2.0) as process:
        _wait_for_screen(process)
        time.sleep(STALL_S)
        report = process.finish(LIMIT_S)
    note = f"between two scans 10 ms apart, while the terminal does not read for {STALL_S:.0f} s"
    return Figure("longest engine hole in a stall", 1000 * report["longest_hole_s"], "ms", at_most=50.0, note=note)
