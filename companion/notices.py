"""What a ball and its link say of themselves, as notices for the user and the log."""

import dataclasses
from collections.abc import Sequence

from companion.timeline import Gap
from firmware_protocol.devices import kinds
from firmware_protocol.driver import (
    BallEvent,
    BallEventCode,
    Calibrated,
    Damaged,
    PhaseChanged,
    PointsTold,
    Profile,
    RawMeans,
    Refused,
    Started,
    Status,
    Unit,
)
from firmware_protocol.messages import LimitSettings
from sessions.events import Json, Notice

TOO_SLOW_S, LATE_S = 0.1, 0.05  # between two scans
_ROUNDING_S = 1e-6
_BALL_EVENTS = {code.value: code.name.lower() for code in BallEventCode}


def of_gap(gap: Gap) -> Notice:
    text = f"{gap.to_s - gap.from_s:.2f} s without data ({gap.cause})"
    if gap.lost:
        text += f", {gap.lost} scans lost"
    fields: dict[str, Json] = {"from_s": gap.from_s, "to_s": gap.to_s, "lost": gap.lost, "cause": gap.cause}
    return Notice(gap.to_s, "gap", text, fields)


def of_phase(changed: PhaseChanged, t_s: float, count: int = 1) -> Notice:
    """`count`: how many changes this newest one stands for."""
    state = changed.phase.value
    told: dict[str, Json] = {"state": state}
    if count == 1:
        return Notice(t_s, "link", f"link {state}", told)
    return Notice(t_s, "link", f"link {state}, {count} changes", told | {"count": count})


def of_profile(profile: Profile, t_s: float) -> Notice:
    fields: dict[str, Json] = {"serial": profile.serial, "model": profile.model, "simulated": profile.simulated}
    return Notice(t_s, "ball", f"ball {profile.serial or 'without a serial'}", fields)


def of_terms(told: Sequence[tuple[str, str]], t_s: float) -> list[Notice]:
    """What is to be known of a ball before its values are shown: cause and words."""
    return [Notice(t_s, "terms", words, {"cause": cause}) for cause, words in told]


def of_kind(profile: Profile, t_s: float) -> list[Notice]:
    """What is said at the start of a device that lacks what a ball has."""
    said = []
    if not profile.has_clock:
        text = "this ball has no clock: its scans are stamped as they arrive, and loss shows only as time"
        said.append(Notice(t_s, "terms", text, {"cause": "clock"}))
    if profile.unit is Unit.RAW:
        text = "its counts have no unit: knead calibrate tells what they mean; until then no pressure limit judges them"
        said.append(Notice(t_s, "terms", text, {"cause": "counts"}))
    kind = kinds().get(profile.kind)
    if kind is not None and not kind.compression:
        text = f"a {kind.title} is made to be pulled, not pressed: use it only in a frame that turns one into the other"
        said.append(Notice(t_s, "terms", text, {"cause": "compression"}))
    return said


def of_answer(told: Refused | RawMeans | PointsTold | Calibrated, t_s: float) -> Notice:
    """What the ball answered to a request of the user."""
    match told:
        case Refused():
            return of_refusal(told, t_s)
        case RawMeans():
            return _of_means(told, t_s)
        case PointsTold():
            points: list[Json] = [[number, newton] for number, newton in told.points]
            known: dict[str, Json] = {"channel": told.channel, "day": told.day, "points": points}
            return Notice(t_s, "points", f"cell {told.channel + 1} has {len(points)} calibration points", known)
        case Calibrated():
            return _of_points(told, t_s)


def _of_means(told: RawMeans, t_s: float) -> Notice:
    shown = ", ".join(f"{mean:.6g}" for mean in told.means)
    return Notice(t_s, "raw", f"mean before calibration: {shown}", {"means": list(told.means)})


def _of_points(told: Calibrated, t_s: float) -> Notice:
    fields: dict[str, Json] = {"channel": told.channel, "cal_crc": told.cal_crc}
    return Notice(t_s, "calibrated", f"cell {told.channel + 1} has new calibration points", fields)


def of_calibration(before: Profile, profile: Profile, t_s: float) -> Notice:
    fields: dict[str, Json] = {"cal_crc": profile.cal_crc, "before": before.cal_crc}
    return Notice(t_s, "calibration", "the ball's calibration has changed", fields)


def of_reboot(started: Started, t_s: float, *, loaded: bool) -> Notice:
    fields: dict[str, Json] = {"cause": "reboot", "boot_id": started.boot_id, "loaded": loaded}
    return Notice(t_s, "segment", "the ball has restarted; its zero is new", fields)


def of_rate(started: Started, t_s: float) -> Notice:
    text = f"the ball now takes {1.0 / started.period_s:.4g} scans a second"
    return Notice(t_s, "rate", text, {"period_s": started.period_s})


def of_slowness(period_s: float, t_s: float) -> list[Notice]:
    """Said at the start where scans are so far apart that warnings come late, or too late (R53)."""
    hz = 1.0 / period_s
    if period_s > TOO_SLOW_S + _ROUNDING_S:
        text = f"this ball measures only {hz:.1f} times a second: too slow to warn you in time"
        return [Notice(t_s, "slow", text, {"state": "too slow", "hz": hz})]
    if period_s > LATE_S + _ROUNDING_S:
        text = f"this ball measures {hz:.1f} times a second: warnings come late"
        return [Notice(t_s, "slow", text, {"state": "late", "hz": hz})]
    return []


def of_status(status: Status, t_s: float) -> Notice:
    fields: dict[str, Json] = dataclasses.asdict(status)
    charge = "unknown" if status.battery_pct is None else f"{status.battery_pct} %"
    return Notice(t_s, "status", f"battery {charge}", fields)


def of_ball_event(event: BallEvent, t_s: float, count: int = 1) -> Notice:
    """`count`: how often it was told, the newest being this one."""
    name = _BALL_EVENTS.get(event.code, f"event {event.code}")
    fields: dict[str, Json] = {"code": event.code, "channel": event.channel, "value": event.value, "name": name}
    text = f"ball: {name.replace('_', ' ')}"
    if count > 1:
        return Notice(t_s, "ball_event", f"{text}, {count} times", fields | {"count": count})
    return Notice(t_s, "ball_event", text, fields)


def of_limit(settings: LimitSettings, asked: LimitSettings, lsb: float, t_s: float) -> Notice:
    """What the ball says that it watches by itself, beside what it was asked to (R34: it may lower it)."""
    high_n = settings.high * lsb
    fields: dict[str, Json] = dataclasses.asdict(settings) | {"high_n": high_n, "asked_n": asked.high * lsb}
    if not settings.enable:
        return Notice(t_s, "limit", "the ball does not watch its limit by itself", fields | {"state": "off"})
    if settings.high < asked.high:
        text = f"the ball has lowered its own limit: it warns from {high_n:.0f} N on, not {asked.high * lsb:.0f} N"
        return Notice(t_s, "limit", text, fields | {"state": "lowered"})
    text = f"the ball watches, too: it warns by itself from {high_n:.0f} N on"
    return Notice(t_s, "limit", text, fields | {"state": "set"})


def of_refusal(refused: Refused, t_s: float) -> Notice:
    return Notice(t_s, "refused", refused.text, {"request": refused.request, "status": refused.status})


def of_damage(damaged: Damaged, t_s: float) -> Notice:
    text = f"{damaged.count} damaged or foreign frames dropped ({damaged.reason})"
    return Notice(t_s, "damaged", text, {"reason": damaged.reason, "count": damaged.count})
