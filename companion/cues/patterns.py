"""What each warning sounds like, and that as a WAV file. Standard library only: the child makes the files.

Told apart by number, rhythm and pitch, not by pitch alone: one soft tone; three level tones; two falling ones; twice
five fast ones in the rhythm 3 + 2. Number by level as in the alarm table (F40). Fundamentals of 500 to 1000 Hz with
harmonics: small loudspeakers carry them, and an older ear hears them.
"""

import array
import io
import math
import sys
import wave
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

RATE_HZ = 22_050
FADE_S = 0.012  # in and out, so that no tone clicks
_FULL = 32_767


@dataclass(frozen=True, slots=True)
class Tone:
    hz: float
    s: float
    then_s: float = 0.0  # silence after it


@dataclass(frozen=True, slots=True)
class Pattern:
    tones: tuple[Tone, ...]
    loudness: float  # peak, of full scale
    harmonics: tuple[float, ...] = (1.0,)  # relative strength of the 1st, 2nd, ...

    @property
    def seconds(self) -> float:
        return sum(tone.s + tone.then_s for tone in self.tones)


_HIGH = 880.0
_SHORT, _PAUSE = Tone(_HIGH, 0.08, 0.04), Tone(_HIGH, 0.08, 0.12)
_END = Tone(_HIGH, 0.08)
_FIVE = (_SHORT, _SHORT, _PAUSE, _SHORT)
_RICH = (1.0, 0.6, 0.4, 0.25)

TICKS_S = 6.0  # so long ticks sound at once: a program started for each would cost a tenth of a core


def _ticks(per_s: int) -> Pattern:
    tick = Tone(1046.5 if per_s == 1 else 1318.5, 0.03, 1.0 / per_s - 0.03)
    return Pattern((tick,) * round(TICKS_S * per_s), 0.12 if per_s == 1 else 0.2)


PATTERNS: Mapping[str, Pattern] = MappingProxyType(
    {
        "check": Pattern((Tone(523.25, 0.09, 0.03), Tone(659.25, 0.12)), 0.15),
        "notice": Pattern((Tone(587.33, 0.25),), 0.2),
        "caution": Pattern((Tone(698.46, 0.18, 0.14), Tone(698.46, 0.18, 0.14), Tone(698.46, 0.18)), 0.5, _RICH),
        "technical": Pattern((Tone(784.0, 0.22, 0.06), Tone(523.25, 0.34)), 0.5, (1.0, 0.3)),
        "stop": Pattern((*_FIVE, Tone(_HIGH, 0.08, 0.18), *_FIVE, _END), 0.9, _RICH),
        # What guides is soft: three rising tones, one low, a short one to count with, a chord taken apart, and ticks.
        "begin": Pattern((Tone(523.25, 0.1, 0.03), Tone(659.25, 0.1, 0.03), Tone(783.99, 0.16)), 0.25),
        "away": Pattern((Tone(392.0, 0.3),), 0.25, (1.0, 0.4)),
        "count": Pattern((Tone(1046.5, 0.09),), 0.25),
        "done": Pattern((Tone(783.99, 0.1, 0.02), Tone(659.25, 0.1, 0.02), Tone(1046.5, 0.22)), 0.25),
        **{f"tick-{per_s}": _ticks(per_s) for per_s in (1, 2, 3, 4)},
    }
)


def samples_of(pattern: Pattern) -> "array.array[int]":
    """16 bit, mono, RATE_HZ."""
    made: dict[Tone, array.array[int]] = {}
    out = array.array("h")
    for tone in pattern.tones:
        if tone not in made:
            made[tone] = _render(tone, pattern)
        out.extend(made[tone])
    return out


def wav_of(pattern: Pattern) -> bytes:
    samples = samples_of(pattern)
    if sys.byteorder == "big":
        samples.byteswap()
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.tobytes())
    return file.getvalue()


def write_wavs(directory: Path) -> dict[str, Path]:
    """A file for each pattern, made only where it is not there yet. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {name: _written(directory, name, pattern) for name, pattern in PATTERNS.items()}


def _written(directory: Path, name: str, pattern: Pattern) -> Path:
    """A changed pattern has another name, and half a file another size: neither is taken for the tone."""
    path = directory / f"{name}-{zlib.crc32(repr((pattern, RATE_HZ)).encode()):08x}.wav"
    size = 44 + 2 * sum(_count(tone.s) + _count(tone.then_s) for tone in pattern.tones)
    if not path.is_file() or path.stat().st_size != size:
        beside = path.with_suffix(".part")
        beside.write_bytes(wav_of(pattern))
        beside.replace(path)
    return path


def _count(seconds: float) -> int:
    return round(seconds * RATE_HZ)


def _render(tone: Tone, pattern: Pattern) -> "array.array[int]":
    count, fade = _count(tone.s), max(1, _count(FADE_S))
    turn = 2.0 * math.pi * tone.hz / RATE_HZ
    parts = [(number * turn, strength) for number, strength in enumerate(pattern.harmonics, start=1)]
    sin = math.sin
    wave_ = [sum(strength * sin(step * at) for step, strength in parts) for at in range(count)]
    scale = pattern.loudness * _FULL / max(abs(value) for value in wave_)
    out = array.array("h", bytes(2 * (count + _count(tone.then_s))))
    for at, value in enumerate(wave_):
        edge = min(1.0, (at + 1) / fade, (count - at) / fade)
        out[at] = round(scale * edge * value)
    return out
