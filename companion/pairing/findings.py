"""What a trust check has found: for each thing it looks at a word, a number, and the one thing to do. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from companion.pairing.footing import Calibration
from companion.pairing.freeball import SCANS_LEAST, FreeBall
from sessions.events import Fields, Json

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


def of_rate(scans: int, missing: int, seen_s: float) -> Finding:
    """Of the rate as measured, not as told: scans that came and that were missing, over so many seconds."""
    if seen_s <= 0 or scans < 2:
        return unknown("rate")[0]
    hz = (scans + missing - 1) / seen_s
    lost = missing / (scans + missing)
    told = f"{hz:.1f} scans a second" + (f", {100 * lost:.1f} % lost" if missing else "")
    if hz < SLOW_HZ * (1 - RATE_NEAR):
        return Finding("rate", "problem", "too slow", hz, "Hz", told, "it can log, but not warn in time")
    if lost > LOSSY:
        return Finding("rate", "problem", "lossy", hz, "Hz", told, "bring it nearer, or take another cable or port")
    if hz < LATE_HZ * (1 - RATE_NEAR):
        return Finding("rate", "note", "slow", hz, "Hz", told, "warnings come late")
    return Finding("rate", "ok", "fast enough", hz, "Hz", told)


def of_free_ball(measured: FreeBall) -> tuple[Finding, ...]:
    """Noise, zero, drift and stuck cells. Without cells that tell anything the first three are unknown."""
    if measured.dead or measured.sound < SCANS_LEAST:
        names = ", ".join(str(channel + 1) for channel in measured.dead) or "all"
        text = f"no value from channel {names}"
        dead = Finding("stuck", "problem", "dead", float(len(measured.dead)), "channels", text, "have it repaired")
        return (*unknown("noise", "zero", "drift"), dead)
    return (_noise(measured), _zero(measured), _drift(measured), _stuck(measured))


def _noise(measured: FreeBall) -> Finding:
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


def _zero(measured: FreeBall) -> Finding:
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


def _drift(measured: FreeBall) -> Finding:
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


def _stuck(measured: FreeBall) -> Finding:
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


def of_battery(status: Fields) -> Finding:
    """By the newest status; empty: none has come."""
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


def of_calibration(calibration: Calibration) -> Finding:
    """Its age, and whether limits are lowered for it."""
    value = None if calibration.age_days is None else float(calibration.age_days)
    if calibration.good:
        return Finding("calibration", "ok", "good", value, "days", calibration.text)
    if calibration.word == "counts":
        todo = "no pressure limit can be judged until it is calibrated: knead calibrate"
        return Finding("calibration", "problem", "counts only", value, "days", calibration.text, todo)
    todo = "limits are lowered until it is calibrated, or its date is known"
    state = "note" if calibration.word == "undated" else "problem"
    return Finding("calibration", state, calibration.word, value, "days", calibration.text, todo)


def unknown(*checks: str) -> Sequence[Finding]:
    """One for each check that had nothing to judge by."""
    return [Finding(check, "problem", "unknown", None, "", "no readings to judge by", "try again") for check in checks]
