"""Ten seconds of a free ball: each fault has its word and its number, and no split changes them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from companion.pairing.footing import Calibration
from companion.pairing.trust import Finding, TrustCheck
from sessions.events import Event, Notice, Opened, Reading

HZ = 100
GOOD = Calibration(True, 10, "good", "calibrated 10 days ago")
AT = datetime(2026, 11, 21, tzinfo=UTC)


def opened(**device: Any) -> Opened:
    told = {"lsb": 0.05, "unit": 1, "full_scale": 20_000, "cal_crc": 1, **device}
    return Opened(0.0, AT, told, "me", "glute", "left", "hard", 8.0, None, {}, {}, False, "test")


def readings(values: NDArray[np.int16], *, hz: float = HZ, scans: int = 5, lost: int = 0) -> list[Reading]:
    """Batches of so many scans; `lost` scans are missing before each but the first."""
    out = []
    slot = 0
    for at in range(0, len(values), scans):
        part = values[at : at + scans]
        slot += lost if at else 0
        t_s = (slot + np.arange(len(part))) / hz
        slot += len(part)
        nan = np.full(len(part), np.nan)
        flags = np.zeros(len(part), np.bool_)
        missing = lost if at else 0
        cells: NDArray[np.float64] = np.multiply(part, 0.05, dtype=np.float64)
        out.append(Reading(t_s, cells, nan, nan, nan, nan, flags, "N", missing, part, at, 0, 0, 0, 0.0))
    return out


def noise(seconds: float = 10.2, *, sigma: float = 3.0, channels: int = 1, hz: float = HZ) -> NDArray[np.int16]:
    """Counts around 0, of 0.05 N each."""
    drawn = np.random.default_rng(1).normal(0.0, sigma, (round(seconds * hz), channels))
    return np.rint(drawn).astype(np.int16)


def checked(
    events: Sequence[Event], *, device: Opened | None = None, calibration: Calibration = GOOD
) -> dict[str, Finding]:
    check = TrustCheck()
    for event in (device or opened(), *events):
        check.feed(event)
    return {finding.check: finding for finding in check.findings(calibration)}


def test_a_good_ball_has_a_word_and_a_number_for_each() -> None:
    status = Notice(0.0, "status", "", {"battery_pct": 87, "battery_low": False, "charging": False})
    found = checked([*readings(noise()), status])
    assert list(found) == ["noise", "zero", "drift", "stuck", "rate", "battery", "calibration"]
    assert {finding.state for finding in found.values()} == {"ok"}
    assert {name: finding.word for name, finding in found.items()} == {
        "noise": "quiet",
        "zero": "at zero",
        "drift": "steady",
        "stuck": "alive",
        "rate": "fast enough",
        "battery": "charged",
        "calibration": "good",
    }
    assert found["noise"].value == pytest.approx(0.15, rel=0.1)
    assert found["rate"].value == pytest.approx(100, rel=0.01)
    assert (found["battery"].value, found["calibration"].value) == (87.0, 10.0)


@pytest.mark.parametrize("scans", [1, 7, 100, 5000])
def test_no_split_changes_what_is_found(scans: int) -> None:
    assert checked(readings(noise(), scans=scans)) == checked(readings(noise()))


def test_noise_is_measured_beside_drift() -> None:
    loud = checked(readings(noise(sigma=60.0)))
    assert (loud["noise"].word, loud["noise"].state) == ("noisy", "problem")
    assert loud["noise"].value == pytest.approx(3.0, rel=0.1)
    humming = np.rint(40 * np.sin(np.arange(1020) * 0.9)).astype(np.int16)[:, None]
    found = checked(readings(humming))
    assert found["noise"].value == pytest.approx(40 * 0.05 / 2**0.5, rel=0.02)
    assert found["noise"].word == "some noise"


def test_a_zero_that_is_off_is_told_with_its_cure() -> None:
    found = checked(readings(noise() + np.int16(200)))
    assert (found["zero"].word, found["zero"].state) == ("off", "problem")
    assert found["zero"].value == pytest.approx(10.0, abs=0.1)
    assert "zero it" in found["zero"].todo
    assert checked(readings(noise() + np.int16(100)))["zero"].word == "a little off"
    assert checked(readings(noise() - np.int16(200)))["zero"].word == "off"


def test_drift_is_told_only_where_it_is_no_noise() -> None:
    slope = np.rint(np.arange(1020) * 0.01 / 0.05 / 100 * 5).astype(np.int16)[:, None]  # 3 N a minute
    found = checked(readings(noise(sigma=1.0) + slope))
    assert (found["drift"].word, found["drift"].state) == ("drifting", "problem")
    assert found["drift"].value == pytest.approx(3.0, rel=0.1)
    assert checked(readings(noise(sigma=1.0) + slope // 3))["drift"].word == "drifts"
    assert checked(readings(noise(sigma=6.0)))["drift"].word == "steady"


def test_a_channel_that_does_not_move_among_others_may_be_stuck() -> None:
    values = noise(channels=3)
    values[:, 1] = 17
    found = checked(readings(values))
    assert (found["stuck"].word, found["stuck"].state) == ("may be stuck", "problem")
    assert "channel 2" in found["stuck"].text
    assert found["stuck"].value == pytest.approx(10.19, abs=0.01)
    alone = checked(readings(np.zeros((1020, 1), np.int16)))
    assert (alone["stuck"].word, alone["stuck"].state) == ("did not move", "note")


@pytest.mark.parametrize("code", [-32768, 32767, -32767])
def test_a_channel_without_a_value_is_dead(code: int) -> None:
    values = noise(channels=2)
    values[:, 0] = code
    found = checked(readings(values))
    assert (found["stuck"].word, found["stuck"].value) == ("dead", 1.0)
    assert found["zero"].word == found["noise"].word == "unknown"


@pytest.mark.parametrize(
    ("hz", "lost", "word", "state"),
    [
        (100, 0, "fast enough", "ok"),
        (15, 0, "slow", "note"),
        (8, 0, "too slow", "problem"),
        (100, 1, "lossy", "problem"),
    ],
)
def test_the_rate_is_measured(hz: float, lost: int, word: str, state: str) -> None:
    found = checked(readings(noise(hz=hz), hz=hz, lost=lost))["rate"]
    assert (found.word, found.state) == (word, state)
    assert found.value == pytest.approx(hz, rel=0.02)


@pytest.mark.parametrize(
    ("status", "word", "state"),
    [
        ({"battery_pct": 5, "battery_low": True}, "low", "problem"),
        ({"battery_pct": 80, "charging": True}, "charging", "ok"),
        ({"battery_mv": 3912}, "not judged", "ok"),
        ({"usb": True}, "on USB power", "ok"),
        ({}, "unknown", "note"),
    ],
)
def test_the_battery(status: dict[str, Any], word: str, state: str) -> None:
    found = checked([*readings(noise()), Notice(0.0, "status", "", status)])["battery"]
    assert (found.word, found.state) == (word, state)


@pytest.mark.parametrize(
    ("calibration", "word", "state"),
    [
        (Calibration(False, None, "none", ""), "none", "problem"),
        (Calibration(False, 400, "old", ""), "old", "problem"),
        (Calibration(False, None, "undated", ""), "undated", "note"),
        (Calibration(False, None, "counts", ""), "counts only", "problem"),
    ],
)
def test_the_calibration(calibration: Calibration, word: str, state: str) -> None:
    found = checked(readings(noise()), calibration=calibration)["calibration"]
    assert (found.word, found.state) == (word, state)
    assert found.todo


def test_counts_are_judged_by_full_scale_or_not_at_all() -> None:
    by_scale = checked(readings(noise()), device=opened(unit=0, lsb=1.0, full_scale=10_000))
    assert (by_scale["noise"].word, by_scale["zero"].word, by_scale["noise"].unit) == ("quiet", "at zero", "counts")
    unknown = checked(readings(noise()), device=opened(unit=0, lsb=1.0, full_scale=0))
    assert {unknown[name].word for name in ("noise", "zero", "drift")} == {"not judged"}
    assert unknown["noise"].value == pytest.approx(3.0, rel=0.1)


def test_a_touch_is_seen_and_ten_seconds_begin_anew() -> None:
    check = TrustCheck()
    check.feed(opened())
    values = noise()
    values[300:400] += 400
    for reading in readings(values):
        check.feed(reading)
    assert check.done
    assert check.touched
    assert check.noise_n is None
    check.begin()
    assert (check.done, check.touched, check.seen_s) == (False, False, 0.0)
    for reading in readings(noise()):
        check.feed(reading)
    assert check.done
    assert check.noise_n == pytest.approx(0.15, rel=0.1)


def test_without_readings_nothing_is_known() -> None:
    found = checked([])
    assert {finding.word for name, finding in found.items() if name not in ("battery", "calibration")} == {"unknown"}
    assert all(finding.value is None for name, finding in found.items() if name != "calibration")
