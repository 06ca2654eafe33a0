"""A sound check: each warning as it sounds in a session, and whether the programs that were asked could do it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from companion.cues.child import Child
from companion.cues.equipment import SPEAKERS, names
from companion.cues.observer import CLOSE_S, READY_S, Wanted
from companion.cues.patterns import PATTERNS
from companion.cues.sounding import PAUSE_S

WORDS_S = 1.8  # left to the words of one warning
TEST_WORDS = "sound check"
WARNINGS = (
    ("notice", "one soft tone", "ease off soon"),
    ("caution", "three tones", "lighten"),
    ("technical", "two falling tones", "sensor lost, ease off"),
    ("stop", "twice five tones", "stop, come off"),
)


@dataclass(frozen=True, slots=True)
class Sounded:
    """One warning that is sounding now; or, at the end, what went wrong: empty if nothing did."""

    name: str
    text: str


def check(wanted: Wanted, hurry: float = 1.0) -> Iterator[Sounded]:
    """Takes about twelve seconds, by `hurry` less; no time where nothing could sound.

    Raises OSError if the player cannot be started.
    """
    if not (wanted.tones or wanted.voice):
        yield Sounded("end", "tones and words are off by your settings")
        return
    heard: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
    child = Child(_arguments(wanted), heard.put)
    failures: dict[str, str] = {}
    try:
        _listen(heard, READY_S, failures, until="ready")
        if not wanted.voice:
            failures.pop("voice", None)
        can = [*(["tones"] if wanted.tones else []), *(["voice"] if wanted.voice else [])]
        for level, (name, tones, words) in enumerate(WARNINGS if set(can) - set(failures) else (), start=1):
            yield Sounded(
                name, ", ".join([*([tones] if wanted.tones else []), *([f'"{words}"'] if wanted.voice else [])])
            )
            child.send({"n": 2 * level, "play": name, "level": level})
            _listen(heard, (PATTERNS[name].seconds + PAUSE_S) / hurry if wanted.tones else 0.0, failures)
            child.send({"n": 2 * level + 1, "say": words, "level": level})
            _listen(heard, (WORDS_S if wanted.voice else PAUSE_S) / hurry, failures)
    finally:
        child.close(CLOSE_S)
    yield Sounded("end", "; ".join(failures.values()))


def test(wanted: Wanted, hurry: float = 1.0) -> str:
    """One soft tone and two words, in about two seconds, by `hurry` less; gives what went wrong, or nothing.

    Raises OSError.
    """
    heard: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
    child = Child(_arguments(wanted), heard.put)
    failures: dict[str, str] = {}
    try:
        _listen(heard, READY_S, failures, until="ready")
        child.send({"n": 1, "play": "check", "level": 1})
        _listen(heard, (PATTERNS["check"].seconds + PAUSE_S) / hurry if wanted.tones else 0.0, failures)
        child.send({"n": 2, "say": TEST_WORDS, "level": 1})
        _listen(heard, (WORDS_S if wanted.voice else PAUSE_S) / hurry, failures)
        wanted_channels = {"player", *(["tones"] if wanted.tones else []), *(["voice"] if wanted.voice else [])}
        failures = {name: why for name, why in failures.items() if name in wanted_channels}
    finally:
        child.close(CLOSE_S)
    return "; ".join(failures.values())


def _arguments(wanted: Wanted) -> list[str]:
    left_out = [*([] if wanted.tones else ["--no-tones"]), *([] if wanted.voice else ["--no-voice"])]
    return ["--sounds", str(wanted.sounds), *left_out]


def _listen(
    heard: "SimpleQueue[dict[str, Any] | None]", seconds: float, failures: dict[str, str], until: str = ""
) -> None:
    """For so long, or until a report has this key; what each channel said last stands."""
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        try:
            report = heard.get(timeout=left_s)
        except Empty:
            return
        match report:
            case None:
                failures["player"] = "the sound player stopped"
                return
            case {"ready": {"why": str(why), "voice": str(voice)}}:
                failures |= {"tones": why} if why else {}
                failures |= {} if voice else {"voice": f"no speaker found ({names(SPEAKERS)})"}
            case {"channel": str(channel), "works": False, "why": str(why)}:
                failures[channel] = f"{channel}: {why}"
            case {"channel": str(channel), "works": True}:
                failures.pop(channel, None)
        if until and until in report:
            return
