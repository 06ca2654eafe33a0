"""The tones, heard with a Fourier transform: as many as the alarm table says, each at its pitch, none that clicks."""

import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from companion.cues.patterns import PATTERNS, RATE_HZ, Pattern, samples_of, wav_of, write_wavs
from companion.cues.sounding import NAMES, PAUSE_S
from companion.safety.causes import MANNERS
from sessions.events import Floats, Level

WARNINGS = tuple(NAMES.values())


def sound(name: str) -> Floats:
    """-1 to 1, as it is in the file."""
    return np.array(samples_of(PATTERNS[name]), np.float64) / 32_768


def bursts(signal: Floats) -> list[tuple[int, int]]:
    """Where something sounds: stretches parted by at least 20 ms of silence."""
    loud = np.flatnonzero(np.abs(signal) > 1e-3)
    cuts = np.flatnonzero(np.diff(loud) > 0.02 * RATE_HZ)
    starts = [int(loud[0]), *(int(at) for at in loud[cuts + 1])]
    ends = [*(int(at) + 1 for at in loud[cuts]), int(loud[-1]) + 1]
    return list(zip(starts, ends, strict=True))


def pitch_hz(part: Floats) -> float:
    """The strongest frequency."""
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 17))
    return float(spectrum.argmax()) * RATE_HZ / (1 << 17)


@pytest.mark.parametrize("level", NAMES)
def test_each_level_has_as_many_tones_as_the_table_says(level: Level) -> None:
    assert len(bursts(sound(NAMES[level]))) == MANNERS[level].tones


@pytest.mark.parametrize("name", PATTERNS)
def test_every_tone_has_its_pitch_and_its_length(name: str) -> None:
    signal, pattern = sound(name), PATTERNS[name]
    for (start, end), tone in zip(bursts(signal), pattern.tones, strict=True):
        assert pitch_hz(signal[start:end]) == pytest.approx(tone.hz, rel=0.01)
        assert (end - start) / RATE_HZ == pytest.approx(tone.s, abs=0.005)


def test_the_louder_the_more_urgent_and_none_is_cut() -> None:
    peaks = [float(np.abs(sound(NAMES[level])).max()) for level in (Level.NOTICE, Level.CAUTION, Level.STOP)]
    assert all(1.5 * before < after for before, after in pairwise(peaks))
    assert peaks[-1] < 0.95, "room before full scale"
    assert float(np.abs(sound("check")).max()) <= peaks[0], "the check at the start must not startle"


def test_a_technical_alarm_falls_and_no_other_does() -> None:
    falls = {name: PATTERNS[name].tones[-1].hz < PATTERNS[name].tones[0].hz for name in WARNINGS}
    assert falls == {"notice": False, "caution": False, "technical": True, "stop": False}


def test_a_stop_is_twice_five_in_the_rhythm_three_and_two() -> None:
    found = bursts(sound("stop"))
    gaps = np.array([after[0] - before[1] for before, after in pairwise(found)]) / RATE_HZ
    long, short = max(gaps[[0, 1, 3]]), min(gaps[[2]])
    assert short > 2 * long, "a pause after the third"
    assert gaps[4] > gaps[2], "a longer one between the fives"
    assert np.allclose(gaps[:4], gaps[5:], atol=1e-3), "the second five are as the first"


@pytest.mark.parametrize("name", PATTERNS)
def test_no_tone_clicks(name: str) -> None:
    """It begins and ends at nothing, and its edges rise over some milliseconds."""
    signal = sound(name)
    for start, end in bursts(signal):
        edge = round(0.003 * RATE_HZ)
        peak = np.abs(signal[start:end]).max()
        assert np.abs(signal[start : start + edge]).max() < 0.5 * peak
        assert np.abs(signal[end - edge : end]).max() < 0.5 * peak


def test_the_words_have_room_between_two_rounds_of_a_stop() -> None:
    repeat_s = MANNERS[Level.STOP].repeat_s
    assert repeat_s is not None
    assert repeat_s - PATTERNS["stop"].seconds - PAUSE_S > 1.2, "'stop, come off' takes about a second"


def test_a_file_is_a_plain_wav(tmp_path: Path) -> None:
    path = write_wavs(tmp_path / "sounds")["caution"]
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE_HZ)
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert (frames == np.array(samples_of(PATTERNS["caution"]))).all()
    assert len(frames) / RATE_HZ == pytest.approx(PATTERNS["caution"].seconds, abs=0.01)


def test_files_are_made_once_and_mended(tmp_path: Path) -> None:
    first = write_wavs(tmp_path)
    kept, cut = first["notice"], first["stop"]
    before = kept.stat().st_mtime_ns
    cut.write_bytes(cut.read_bytes()[:100])
    assert write_wavs(tmp_path) == first
    assert kept.stat().st_mtime_ns == before
    assert cut.read_bytes() == wav_of(PATTERNS["stop"])
    assert len(list(tmp_path.iterdir())) == len(PATTERNS), "nothing is left beside them"


def test_another_pattern_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = write_wavs(tmp_path)["notice"]
    other: dict[str, Pattern] = {"notice": Pattern(PATTERNS["notice"].tones, 0.1)}
    monkeypatch.setattr("companion.cues.patterns.PATTERNS", other)
    after = write_wavs(tmp_path)["notice"]
    assert after != before
    assert after.stat().st_size == before.stat().st_size
