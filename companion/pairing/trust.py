"""The trust check: ten seconds of a ball that lies free, and what they say of it.

Fed with a session's events; each finding has a word and a number. Pure. The ball's own values are looked at (`values`
times `lsb`), not what trust or zero made of them. Bounds marked E are our own judgement: nobody has measured them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from companion.pairing.footing import Calibration
from sessions.events import Event, Fields, Floats, Json, Notice, Opened, Reading

CHECK_S = 10.0
SCANS_MOST = 20_000  # of one check: 40 s at the fastest rate; more is not kept
SCANS_LEAST = 8  # for a standard deviation worth its name; a scale that only advertises gives few
AREA_CM2 = 8.0  # the smallest ball, so the strictest: a newton is 1.25 kPa

# In newtons; and in parts of full scale, for a ball that gives none.
QUIET_N, NOISY_N = 0.5, 1.9  # E: three times the noise against 10 % of the lowest working limit (57 N), the deadband
QUIET_PART, NOISY_PART = 0.001, 0.005  # E
OFF_KPA, NEAR_KPA = 10.0, 3.0  # a zero further off is to be set anew (safety.md 4); below contact's end it is none
OFF_PART, NEAR_PART = 0.05, 0.01  # R28
DRIFT_N_MIN, RUNAWAY_N_MIN = 0.5, 2.0  # E: half an hour of it is a load that is not there
DRIFT_PART, RUNAWAY_PART = 0.0005, 0.002  # E, a minute
TOUCHED_KPA, TOUCHED_PART = 5.0, 0.05  # contact begins here; then it did not lie free
TOUCH_S = 0.5
SIGNIFICANT = 4.0  # standard errors: a slope below that is noise
SLOW_HZ, LATE_HZ = 10.0, 20.0  # R53
RATE_NEAR = 0.01  # a rate this close below a bound reaches it: clocks differ
LOSSY = 0.01  # R53


@dataclass(frozen=True, slots=True)
class Finding:
    """`state`: ok, note or problem. `value` None: not known."""

    check: str
    state: str
    word: str
    value: float | None
    unit: str
    text: str
    todo: str = ""

    def to_fields(self) -> Fields:
        fields: dict[str, Json] = {name: getattr(self, name) for name in self.__slots__}
        return fields


@dataclass(frozen=True, slots=True)
class _Scale:
    """Bounds in the ball's unit; None where nothing is known to measure them by."""

    unit: str
    quiet: float | None
    noisy: float | None
    near: float | None
    off: float | None
    drift: float | None
    runaway: float | None
    touched: float | None


class TrustCheck:
    """Feed it the events of a session from its beginning; ask for the findings once it is `done`."""

    def __init__(self, seconds: float = CHECK_S) -> None:
        self.seconds = seconds
        self._opened: Opened | None = None
        self.status: Fields = {}
        self.begin()

    def begin(self) -> None:
        """From the next scan on, anew: what was seen so far does not count."""
        self._t_s: list[Floats] = []
        self._values: list[NDArray[np.int16]] = []
        self._scans = 0
        self._lost = 0

    def feed(self, event: Event) -> None:
        match event:
            case Opened():
                self._opened = event
            case Reading(late=False) if self._scans < SCANS_MOST:
                if self._t_s:
                    self._lost += event.lost
                self._t_s.append(event.t_s)
                self._values.append(event.values)
                self._scans += len(event.t_s)
            case Notice(kind="status"):
                self.status = event.fields
            case _:
                pass

    @property
    def seen_s(self) -> float:
        """How much of it is done."""
        return float(self._t_s[-1][-1] - self._t_s[0][0]) if self._t_s else 0.0

    @property
    def done(self) -> bool:
        return self.seen_s >= self.seconds or self._scans >= SCANS_MOST

    @property
    def noise_n(self) -> float | None:
        """Standard deviation of the free ball's load, where it gives newtons and was left alone."""
        measured = self._measured()
        return None if measured is None or measured.unit != "N" or measured.touched else measured.noise

    @property
    def touched(self) -> bool:
        """Something pressed: what was measured is not the free ball."""
        measured = self._measured()
        return measured is not None and measured.touched

    def findings(self, calibration: Calibration) -> tuple[Finding, ...]:
        measured = self._measured()
        return (
            *(_unknown("noise", "zero", "drift", "stuck") if measured is None else _of_free_ball(measured)),
            self._rate(),
            _battery(self.status),
            _calibration(calibration),
        )

    def _measured(self) -> "_Measured | None":
        if self._opened is None or self._scans < SCANS_LEAST:
            return None
        return _Measured(self._opened.device, np.concatenate(self._t_s), np.concatenate(self._values))

    def _rate(self) -> Finding:
        """Measured, not told."""
        if self.seen_s <= 0 or self._scans < 2:
            return _unknown("rate")[0]
        hz = (self._scans + self._lost - 1) / self.seen_s
        lost = self._lost / (self._scans + self._lost)
        told = f"{hz:.1f} scans a second" + (f", {100 * lost:.1f} % lost" if self._lost else "")
        if hz < SLOW_HZ * (1 - RATE_NEAR):
            return Finding("rate", "problem", "too slow", hz, "Hz", told, "it can log, but not warn in time")
        if lost > LOSSY:
            return Finding("rate", "problem", "lossy", hz, "Hz", told, "bring it nearer, or take another cable or port")
        if hz < LATE_HZ * (1 - RATE_NEAR):
            return Finding("rate", "note", "slow", hz, "Hz", told, "warnings come late")
        return Finding("rate", "ok", "fast enough", hz, "Hz", told)


class _Measured:
    """The numbers of the scans of a check, in the ball's unit."""

    def __init__(self, device: Fields, t_s: Floats, values: NDArray[np.int16]) -> None:
        lsb = _number(device.get("lsb")) or 1.0
        self.unit = {1: "N", 2: "kPa gas"}.get(int(_number(device.get("unit"))), "counts")
        self.scale = _scale(self.unit, _number(device.get("full_scale")) * lsb)
        self.values, self.t_s = values, t_s
        invalid = (values == -32768) | (np.abs(values.astype(np.int32)) == 32767)
        self.dead = [channel for channel in range(values.shape[1]) if bool(invalid[:, channel].all())]
        sound = ~invalid.any(axis=1)
        self.sound = int(sound.sum())
        load = values[sound].astype(np.float64).sum(axis=1) * lsb
        self.zero = float(np.median(load)) if self.sound else math.nan
        self.touched = self.scale.touched is not None and _swing(t_s[sound], load) > self.scale.touched
        self.noise, self.per_min, self.error = _line(t_s[sound], load)
        still = [(channel, _unchanged_s(t_s, values[:, channel])) for channel in range(values.shape[1])]
        self.still = [channel for channel, seconds in still if seconds >= t_s[-1] - t_s[0]]
        self.still_s = max(seconds for _, seconds in still)


def _swing(t_s: Floats, load: Floats) -> float:
    """How far the means of half seconds lie apart: a hand stays longer than noise does."""
    if not len(load):
        return 0.0
    parts = ((t_s - t_s[0]) / TOUCH_S).astype(np.int64)
    counts = np.bincount(parts)
    means = np.bincount(parts, weights=load)[counts > 0] / counts[counts > 0]
    return float(np.ptp(means))


def _line(t_s: Floats, load: Floats) -> tuple[float, float, float]:
    """Standard deviation about the best line, its slope per minute, and the slope's standard error."""
    if len(load) < SCANS_LEAST or t_s[-1] <= t_s[0]:
        return math.nan, math.nan, math.nan
    from_middle = t_s - t_s.mean()
    squares = float(from_middle @ from_middle)
    slope = float(from_middle @ (load - load.mean())) / squares
    rest = load - load.mean() - slope * from_middle
    noise = math.sqrt(float(rest @ rest) / (len(load) - 2))
    return noise, 60.0 * slope, 60.0 * noise / math.sqrt(squares)


def _unchanged_s(t_s: Floats, values: NDArray[np.int16]) -> float:
    """The longest time a channel stood at one value."""
    edges = np.flatnonzero(np.diff(values)) + 1
    marks = np.concatenate(([t_s[0]], t_s[edges], [t_s[-1]]))
    return float(np.diff(marks).max())


def _scale(unit: str, full_scale: float) -> _Scale:
    if unit == "N":
        per_kpa = AREA_CM2 / 10.0
        return _Scale(
            "N",
            QUIET_N,
            NOISY_N,
            NEAR_KPA * per_kpa,
            OFF_KPA * per_kpa,
            DRIFT_N_MIN,
            RUNAWAY_N_MIN,
            TOUCHED_KPA * per_kpa,
        )
    if not full_scale > 0:
        return _Scale(unit, None, None, None, None, None, None, None)
    parts = (QUIET_PART, NOISY_PART, NEAR_PART, OFF_PART, DRIFT_PART, RUNAWAY_PART, TOUCHED_PART)
    return _Scale(unit, *(part * full_scale for part in parts))


def _of_free_ball(measured: _Measured) -> tuple[Finding, ...]:
    if measured.dead or measured.sound < SCANS_LEAST:
        names = ", ".join(str(channel + 1) for channel in measured.dead) or "all"
        text = f"no value from channel {names}"
        dead = Finding("stuck", "problem", "dead", float(len(measured.dead)), "channels", text, "have it repaired")
        return (*_unknown("noise", "zero", "drift"), dead)
    return (_noise(measured), _zero(measured), _drift(measured), _stuck(measured))


def _noise(measured: _Measured) -> Finding:
    scale, unit = measured.scale, measured.unit
    text = f"{measured.noise:.3g} {unit}"
    if measured.touched:
        return Finding("noise", "note", "touched", None, unit, "it was touched", "leave it alone, and check again")
    if scale.quiet is None or scale.noisy is None:
        return Finding("noise", "note", "not judged", measured.noise, unit, f"{text}; its full scale is not known")
    if measured.noise > scale.noisy:
        todo = "lay it on something that does not shake; see its cable and power"
        return Finding("noise", "problem", "noisy", measured.noise, unit, text, todo)
    word = "quiet" if measured.noise <= scale.quiet else "some noise"
    return Finding("noise", "ok", word, measured.noise, unit, text)


def _zero(measured: _Measured) -> Finding:
    scale, unit, zero = measured.scale, measured.unit, measured.zero
    text = f"reads {zero:.3g} {unit} with nothing on it"
    if measured.touched:
        return Finding("zero", "note", "touched", None, unit, "it was touched", "leave it alone, and check again")
    if scale.near is None or scale.off is None:
        return Finding("zero", "note", "not judged", zero, unit, f"{text}; its full scale is not known")
    if abs(zero) > scale.off:
        return Finding("zero", "problem", "off", zero, unit, text, "take everything off it and zero it: knead tare")
    word = "at zero" if abs(zero) <= scale.near else "a little off"
    return Finding("zero", "ok" if word == "at zero" else "note", word, zero, unit, text)


def _drift(measured: _Measured) -> Finding:
    scale, unit, per_min = measured.scale, measured.unit, measured.per_min
    text = f"{per_min:+.2g} {unit} a minute"
    if measured.touched:
        return Finding("drift", "note", "touched", None, f"{unit}/min", "it was touched", "")
    if scale.drift is None or scale.runaway is None:
        return Finding("drift", "note", "not judged", per_min, f"{unit}/min", text)
    plain = abs(per_min) > SIGNIFICANT * measured.error
    if plain and abs(per_min) > scale.runaway:
        todo = "let it lie for some minutes at the room's warmth, then check again"
        return Finding("drift", "problem", "drifting", per_min, f"{unit}/min", text, todo)
    if plain and abs(per_min) > scale.drift:
        return Finding("drift", "note", "drifts", per_min, f"{unit}/min", text, "zero it again during long sessions")
    if abs(per_min) > scale.drift:
        told = f"{text}, within its noise"
        return Finding("drift", "note", "not known", None, f"{unit}/min", told, "check again, for all ten seconds")
    return Finding("drift", "ok", "steady", per_min, f"{unit}/min", text)


def _stuck(measured: _Measured) -> Finding:
    """A free ball whose noise is finer than its step stands still, too: only others that move tell it from a fault."""
    channels, still = measured.values.shape[1], measured.still
    seconds = measured.still_s
    if not still:
        return Finding("stuck", "ok", "alive", seconds, "s", f"no value stood longer than {seconds:.2g} s")
    names = ", ".join(str(channel + 1) for channel in still)
    press = "press it once: the number must move"
    if len(still) < channels:
        text = f"channel {names} did not move, the others did"
        return Finding("stuck", "problem", "may be stuck", seconds, "s", text, press)
    return Finding("stuck", "note", "did not move", seconds, "s", f"one value for {seconds:.0f} s", press)


def _battery(status: Fields) -> Finding:
    percent = status.get("battery_pct")
    if status.get("battery_low") is True:
        value = float(percent) if isinstance(percent, int) else None
        told = "low" if value is None else f"{value:.0f} %"
        return Finding("battery", "problem", "low", value, "%", told, "charge it before a session")
    if isinstance(percent, int):
        word = "charging" if status.get("charging") is True else "charged"
        return Finding("battery", "ok", word, float(percent), "%", f"{percent} %")
    millivolt = status.get("battery_mv")
    if isinstance(millivolt, int):
        return Finding("battery", "ok", "not judged", millivolt / 1000, "V", f"{millivolt / 1000:.2f} V")
    word = "on USB power" if status.get("usb") is True else "unknown"
    return Finding("battery", "ok" if word != "unknown" else "note", word, None, "%", "it does not say")


def _calibration(calibration: Calibration) -> Finding:
    value = None if calibration.age_days is None else float(calibration.age_days)
    if calibration.good:
        return Finding("calibration", "ok", "good", value, "days", calibration.text)
    if calibration.word == "counts":
        todo = "no pressure limit can be judged until it is calibrated: knead calibrate"
        return Finding("calibration", "problem", "counts only", value, "days", calibration.text, todo)
    todo = "limits are lowered until it is calibrated, or its date is known"
    state = "note" if calibration.word == "undated" else "problem"
    return Finding("calibration", state, calibration.word, value, "days", calibration.text, todo)


def _unknown(*checks: str) -> Sequence[Finding]:
    return [Finding(check, "problem", "unknown", None, "", "no readings to judge by", "try again") for check in checks]


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
