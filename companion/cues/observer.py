"""The observer that makes warnings heard. The engine's thread only lays an event into a bounded queue."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from companion.cues.band import Band
from companion.cues.bell import Bell
from companion.cues.child import Child
from companion.cues.equipment import PLAYERS, SPEAKERS, found, names
from companion.cues.guiding import Guiding
from companion.cues.pressing import Pressing
from companion.cues.sounding import Command, Hush, Play, Quiet, Say, Sounding
from sessions.events import Alert, Closed, Cue, Event, Json, Level, Notice, Reading

QUEUE_MAX = 1_000  # alerts are rare: so many wait only behind a thread that hangs
STARTS = 2  # of the player: at the beginning, and once more
READY_S = 10.0  # the player says what it found within
ANSWER_S = 5.0  # ... and that it has taken a command; longer, and it hangs
CLOSE_S = 2.0
URGENT = Level.CAUTION  # from here on the terminal's bell rings, too
WATCH = "watch the screen"

GUIDES = ("hands", "over")  # notices that lead a session

Tell = Callable[[Notice], object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants to hear."""

    tones: bool
    voice: bool
    sounds: Path  # directory of the tones
    ticks: bool = False  # they follow the band


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the child says; None: it is gone."""

    child: int
    report: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Rate:
    """Ticks, so fast."""

    rate: int


class _End:
    pass


_Item = Alert | Cue | Notice | bool | _Rate | _Heard | _End


class Cues:
    """One session's sound. `start`, give it every event, `close`.

    `tell` takes a Notice of kind "sound" from any thread: what was found at the start, and what fails later.
    """

    def __init__(self, wanted: Wanted, tell: Tell, bell: Bell | None = None) -> None:
        self._wanted, self._tell, self._bell = wanted, tell, bell
        self._pressing = Pressing()  # of the engine's thread
        self._band = Band(self._pressing)  # likewise
        self._queue: SimpleQueue[_Item] = SimpleQueue()
        self._missed = 0
        self._t_s = 0.0  # of the newest event
        self._thread: Thread | None = None
        # What follows is our own thread's.
        self._sounding = Sounding(tones=wanted.tones, voice=wanted.voice)
        self._guiding = Guiding(tones=wanted.tones, voice=wanted.voice, ticks=wanted.ticks)
        self._child: Child | None = None
        self._starts = 0
        self._number = 0  # of the last command
        self._waits: dict[int, float] = {}  # commands not taken yet, and when that is too late
        self._tones = self._voice = ""  # the programs; empty: there is none
        self._why = ""

    # --- from any thread ---

    def start(self) -> None:
        """With the session. What is wanted but cannot be is told."""
        if not (self._wanted.tones or self._wanted.voice):
            self._say_state("off", "sound is off by your settings: " + WATCH)
            return
        self._thread = Thread(target=self._run, name="knead cues", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Silence, at once. Idempotent."""
        if self._thread is not None:
            self._queue.put(_End())
            self._thread.join(2 * CLOSE_S)
        if self._bell is not None:
            self._bell.close()

    @property
    def pid(self) -> int | None:
        """Of the player; None where there is none."""
        return None if self._child is None else self._child.pid

    # --- in the engine's thread ---

    def __call__(self, event: Event) -> None:
        changed = self._pressing.feed(event)
        moved = self._wanted.ticks and self._band.feed(event)
        if isinstance(event, Reading):
            if len(event.t_s):
                self._t_s = float(event.t_s[-1])
        elif event.t_s is not None:
            self._t_s = event.t_s
        if self._thread is None:
            return
        if changed and self._pressing.pressed is not None:
            self._put(self._pressing.pressed)
        if moved:
            self._put(_Rate(self._band.rate))
        if isinstance(event, Alert | Cue) or (isinstance(event, Notice) and event.kind in GUIDES):
            self._put(event)
        elif isinstance(event, Closed):
            self._queue.put(_End())

    def _put(self, item: "_Item") -> None:
        if self._queue.qsize() < QUEUE_MAX:
            self._queue.put(item)
        else:
            self._missed += 1

    # --- in our own thread ---

    def _run(self) -> None:
        self._begin()
        while True:
            try:
                item = self._queue.get(timeout=self._wait_s())
            except Empty:
                item = None
            if isinstance(item, _End):
                break
            now_s = time.monotonic()
            match item:
                case Alert():
                    self._warn(self._sounding.hear(item, now_s), now_s)
                case bool():
                    self._warn(self._sounding.press(item, now_s), now_s)
                case _Rate():
                    self._send(self._guiding.band(item.rate, now_s))
                case Cue() | Notice():
                    self._send(self._guiding.hear(item, now_s))
                case _Heard():
                    self._hear(item)
            self._warn(self._sounding.tick(now_s), now_s)
            self._send(self._guiding.tick(now_s))
            self._look_at_child(now_s)
        self._close_child()

    def _wait_s(self) -> float | None:
        due = [self._sounding.deadline(), self._guiding.deadline(), *self._waits.values()]
        first_s = min((at_s for at_s in due if at_s is not None), default=None)
        return None if first_s is None else max(0.0, first_s - time.monotonic())

    def _warn(self, commands: list[Command], now_s: float) -> None:
        """Warnings, and room for them first."""
        stopped = self._sounding.level is Level.STOP
        self._send([*self._guiding.warned(commands, now_s, stopped=stopped), *commands])

    def _begin(self) -> None:
        if not (self._wanted.tones and found(PLAYERS)) and not (self._wanted.voice and found(SPEAKERS)):
            self._why = f"nothing found that plays or speaks ({names(PLAYERS)}; {names(SPEAKERS)})"
            self._say_state("failed", f"no sound, {self._why}: {WATCH}")
            return
        self._start_child()

    def _start_child(self) -> None:
        """A fresh player, unless it has had its chances."""
        self._child, self._starts = None, self._starts + 1
        self._waits.clear()
        arguments = ["--sounds", str(self._wanted.sounds)]
        arguments += [] if self._wanted.tones else ["--no-tones"]
        arguments += [] if self._wanted.voice else ["--no-voice"]
        number = self._starts
        try:
            self._child = Child(arguments, lambda report: self._queue.put(_Heard(number, report)))
        except OSError as error:
            self._say_state("failed", f"no sound, the player does not start: {error.strerror or error}: {WATCH}")
            return
        self._waits[0] = time.monotonic() + READY_S

    def _hear(self, heard: _Heard) -> None:
        if heard.child != self._starts or self._child is None:
            return
        match heard.report:
            case None:
                self._lost()
            case {"took": int(number)}:
                self._waits.pop(number, None)
            case {"ready": {"tones": str(tones), "voice": str(voice), "why": str(why)}}:
                self._waits.pop(0, None)
                self._ready(tones, voice, why)
            case {"channel": str(channel), "works": bool(works), "by": str(by), "why": str(why)}:
                self._turned(channel, works, by, why)

    def _ready(self, tones: str, voice: str, why: str) -> None:
        self._tones, self._voice, self._why = tones, voice, why
        self._told("restarted" if self._starts > 1 else "on")
        if self._starts > 1:
            self._send(self._sounding.again(time.monotonic()))
        elif self._sounding.level is Level.OK:
            self._send([Play("check", 0)])

    def _turned(self, channel: str, works: bool, by: str, why: str) -> None:
        """A player or a speaker has begun to fail, or works again."""
        before = (self._tones, self._voice)
        if channel == "tones":
            self._tones = by
        else:
            self._voice = by
        if not works:
            self._why = why
        if (self._tones, self._voice) != before:
            self._told("on")

    def _told(self, state: str) -> None:
        """What sounds, and what does not."""
        wanted = self._wanted
        self._sounding.words_wait = bool(self._tones)
        self._guiding.voice = bool(self._voice)
        parts = []
        if wanted.tones:
            parts.append(f"sound by {self._tones}" if self._tones else f"no tones, {self._why}")
        if wanted.voice:
            parts.append(f"voice by {self._voice}" if self._voice else "no voice")
        if not (self._tones or self._voice):
            state, parts = "failed", [f"no sound, {self._why}: {WATCH}"]
        elif state == "restarted":
            parts.insert(0, "the sound player stopped and was started again")
        self._say_state(state, ", ".join(parts))

    def _lost(self) -> None:
        """The player has died: once more, then never again."""
        self._close_child()
        if self._starts < STARTS:
            self._start_child()
            return
        self._tones = self._voice = ""
        self._why = "the sound player stopped twice"
        self._told("failed")

    def _look_at_child(self, now_s: float) -> None:
        """A player that does not answer hangs; its end is heard."""
        if self._child is not None and any(late_s <= now_s for late_s in self._waits.values()):
            self._waits.clear()
            self._child.kill()
        if self._missed:
            missed, self._missed = self._missed, 0
            self._say_state("on", f"{missed} warnings were not sounded: {WATCH}")

    def _send(self, commands: list[Command]) -> None:
        if self._bell is not None and any(
            isinstance(command, Play) and command.level >= URGENT for command in commands
        ):
            self._bell.ring()
        if self._child is None:
            return
        for command in commands:
            self._number += 1
            line: dict[str, object] = {"n": self._number}
            match command:
                case Play(pattern, level):
                    line |= {"play": pattern, "level": level}
                case Say(text, level):
                    line |= {"say": text, "level": level}
                case Hush():
                    line["hush"] = True
                case Quiet():
                    line["quiet"] = True
            if self._child.send(line):
                self._waits[self._number] = time.monotonic() + ANSWER_S
            else:
                self._child.kill()
                return

    def _close_child(self) -> None:
        child, self._child = self._child, None
        self._waits.clear()
        if child is not None:
            child.close(CLOSE_S)

    def _say_state(self, state: str, text: str) -> None:
        fields: dict[str, Json] = {"state": state, "tones": self._tones, "voice": self._voice, "why": self._why}
        self._tell(Notice(self._t_s, "sound", text, fields))
