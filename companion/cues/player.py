"""The child process that makes sound: `python -m companion.cues.player`. Standard library only.

Commands come on standard input, one JSON object a line: {"n", "play": PATTERN, "level"}, {"n", "say": TEXT, "level"},
{"n", "hush"}, and {"n", "quiet"} for tones of level 0 alone. Reports go to standard output:
{"ready": {"tones", "voice"}}, {"took": n}, and, when it changes, {"channel", "works", "by", "why"}. The end of
standard input is the end of the session: everything falls silent at once.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion.cues.equipment import PLAYERS, SPEAKERS, Program, found, names
from companion.cues.patterns import PATTERNS, write_wavs

Report = Callable[[dict[str, object]], None]

LONGEST_S = 8.0  # a tone or a sentence takes no longer: what does hangs
TONE_WAITS_S = 0.5  # a tone that could not be played by then is stale
WORDS_WAIT_S = 3.0
_WHY_MAX = 120


@dataclass(frozen=True, slots=True)
class Job:
    what: str  # a file, or a text
    level: int
    until_s: float  # stale from then on


class Channel:
    """One sound at a time. A more urgent one cuts the present one off; of those that wait the most urgent is kept."""

    def __init__(self, name: str, programs: Sequence[Program], report: Report, waits_s: float) -> None:
        self._name, self._report, self._waits_s = name, report, waits_s
        self._programs = list(programs)
        self._works: bool | None = None  # as told
        self._changed = threading.Condition()
        self._waiting: Job | None = None
        self._running: Job | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._cut = False  # the running one was ended by us
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, what: str, level: int) -> None:
        with self._changed:
            if self._waiting is None or level >= self._waiting.level:
                self._waiting = Job(what, level, time.monotonic() + self._waits_s)
            if self._running is not None and level > self._running.level:
                self._cut_off()
            self._changed.notify_all()

    def hush(self, up_to: int | None = None) -> None:
        """All, or what is of this level at most."""
        with self._changed:
            if self._waiting is not None and (up_to is None or self._waiting.level <= up_to):
                self._waiting = None
            if self._running is None or up_to is None or self._running.level <= up_to:
                self._cut_off()

    def close(self) -> None:
        with self._changed:
            self._closed, self._waiting = True, None
            self._cut_off()
            self._changed.notify_all()
        self._thread.join(1.0)

    def _was_cut(self) -> bool:
        with self._changed:
            return self._cut

    def _cut_off(self) -> None:
        self._cut = self._running is not None
        if self._process is not None:
            _kill(self._process)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            self._perform(job)
            with self._changed:
                self._running = None

    def _next(self) -> Job | None:
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._closed or self._waiting is not None)
                if self._closed:
                    return None
                job, self._waiting = self._waiting, None
                if job is not None and time.monotonic() < job.until_s:
                    self._running, self._cut = job, False
                    return job

    def _perform(self, job: Job) -> None:
        """With the first program that can; it is then the first to be asked."""
        why = ""
        for number, program in enumerate(self._programs):
            why = self._with(program, job)
            if self._was_cut():
                return
            if not why:
                if number:
                    self._programs.insert(0, self._programs.pop(number))
                self._tell(True, program.name, "")
                return
        self._tell(False, "", why)

    def _with(self, program: Program, job: Job) -> str:
        """Empty, or why it did not work."""
        argv = [*program.argv] if program.by_stdin else [*program.argv, job.what]
        stdin = subprocess.PIPE if program.by_stdin else subprocess.DEVNULL
        try:
            with self._changed:
                if self._cut:
                    return ""
                process = self._process = subprocess.Popen(  # noqa: S603  # from our table; the text is one argument
                    argv,
                    stdin=stdin,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # so that what it started itself is ended with it
                )
        except OSError as error:
            return f"{program.name}: {error.strerror or error}"
        try:
            _, said = process.communicate(job.what.encode() if program.by_stdin else None, LONGEST_S)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.communicate()
            return f"{program.name} hangs"
        finally:
            with self._changed:
                self._process = None
        if self._was_cut():
            if program.stop:
                _quietly(program.stop)
            return ""
        if process.returncode == 0:
            return ""
        return f"{program.name}: {_why(said, process.returncode).removeprefix(program.name + ': ')}"

    def _tell(self, works: bool, by: str, why: str) -> None:
        if works is not self._works:
            self._works = works
            self._report({"channel": self._name, "works": works, "by": by, "why": why})


class Player:
    """What the commands mean."""

    def __init__(self, sounds: Path, *, tones: bool, voice: bool, report: Report) -> None:
        self._report = report
        self._files: dict[str, Path] = {}
        self._own: tempfile.TemporaryDirectory[str] | None = None
        players = found(PLAYERS) if tones else []
        speakers = found(SPEAKERS) if voice else []
        why = "" if players else f"no player found ({names(PLAYERS)})"
        if players:
            try:
                self._files = self._written(sounds)
            except OSError as error:
                why = f"the tones cannot be written: {error.strerror or error}"
        self._tones = Channel("tones", players, report, TONE_WAITS_S) if self._files else None
        self._voice = Channel("voice", speakers, report, WORDS_WAIT_S) if speakers else None
        ready: dict[str, object] = {
            "tones": players[0].name if self._tones is not None else "",
            "voice": speakers[0].name if speakers else "",
            "why": why if tones else "",
        }
        report({"ready": ready})

    def take(self, command: dict[str, Any]) -> None:
        """Anything that is no command is ignored."""
        level = command.get("level")
        level = level if isinstance(level, int) else 0
        match command:
            case {"play": str(name)} if name in self._files and self._tones is not None:
                self._tones.submit(str(self._files[name]), level)
            case {"say": str(text)} if text and self._voice is not None:
                self._voice.submit(text, level)
            case {"hush": _}:
                for channel in self._channels():
                    channel.hush()
            case {"quiet": _} if self._tones is not None:
                self._tones.hush(up_to=0)
        self._report({"took": command.get("n")})

    def close(self) -> None:
        for channel in self._channels():
            channel.close()
        if self._own is not None:
            self._own.cleanup()

    def _written(self, sounds: Path) -> dict[str, Path]:
        """In a directory of our own if the given one cannot be written. Raises OSError."""
        try:
            return write_wavs(sounds)
        except OSError:
            self._own = tempfile.TemporaryDirectory(prefix="knead-sounds-", ignore_cleanup_errors=True)
            return write_wavs(Path(self._own.name))

    def _channels(self) -> list[Channel]:
        return [channel for channel in (self._tones, self._voice) if channel is not None]


def main(argv: Sequence[str] | None = None) -> int:
    """Until standard input ends."""
    parser = argparse.ArgumentParser(prog="companion.cues.player")
    parser.add_argument("--sounds", type=Path, required=True, help="directory of the tones")
    parser.add_argument("--no-tones", action="store_true")
    parser.add_argument("--no-voice", action="store_true")
    given = parser.parse_args(argv)
    for name in ("SIGINT", "SIGHUP"):  # the terminal's: our parent ends the session, and with it us
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    lock = threading.Lock()

    def report(said: dict[str, object]) -> None:
        with lock, suppress(OSError):
            os.write(1, json.dumps(said).encode() + b"\n")

    player = Player(given.sounds, tones=not given.no_tones, voice=not given.no_voice, report=report)
    for line in sys.stdin.buffer:
        with suppress(ValueError):
            command = json.loads(line)
            if isinstance(command, dict):
                player.take(command)
    player.close()
    return 0


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _quietly(argv: Sequence[str]) -> None:
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=1.0, check=False)  # noqa: S603  # from our table


def _why(said: bytes, code: int) -> str:
    """The last line a program said, harmless and short; else how it ended."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    text = "".join(sign for sign in lines[-1] if sign.isprintable())[:_WHY_MAX] if lines else ""
    return text or f"ended with {code}"


assert PATTERNS["stop"].seconds < LONGEST_S


if __name__ == "__main__":
    sys.exit(main())
