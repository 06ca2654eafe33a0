"""What a session's limits stand on: the tool's size, the ball's range, its calibration and its noise.

    what the ball claims -.
    what a person settled -+-> the stricter of those known -> GuardContext; and in words, what is doubtful or unknown
    what the person says --'

Nobody checks what a ball says of itself. So its word makes limits stricter at once, and loosens them only when a
person has confirmed it by pairing, or says the tool (R18: `tool` proposes; the user's choice stands).
"""

from dataclasses import dataclass
from datetime import date, timedelta

from companion.pairing.profile import Settled
from companion.safety.limits import DEFAULT_TOOL, tool_of_ball, tools
from companion.safety.table import AREA_RANGE
from firmware_protocol.driver import Profile, Unit
from firmware_protocol.messages import MAX_VALUE

CALIBRATION_OLD = timedelta(days=365)  # E: what force sensors are commonly calibrated within; nobody has measured ours
CLOCK_DOUBT = timedelta(days=2)  # a day stamped ahead of this clock by more is no date
DAY_ZERO = date(2000, 1, 1)  # of Profile.cal_day (R30)
NOISE_MOST_N = 5.0  # more would keep a caution on for good; the trust check says that the ball is noisy
_SAME = 0.02  # areas this close are the same

Told = tuple[tuple[str, str], ...]  # cause and words; causes are those of notices of kind `terms`


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether newtons are to be believed. `age_days` None: not known."""

    good: bool
    age_days: int | None
    word: str  # "good", "none", "old", "undated", "changed", "counts"
    text: str


@dataclass(frozen=True, slots=True)
class Footing:
    tool: str
    area_cm2: float
    cell_cm2: float | None
    full_scale_n: float | None
    calibrated: bool
    noise_n: float
    told: Told  # to be said before values are shown


def footing(profile: Profile, tool: str | None, settled: Settled | None, today: date) -> Footing:
    """`tool`: the person's own choice for this session. `settled`: None for a ball that is not paired."""
    told: list[tuple[str, str]] = []
    key, area_cm2 = _size(profile, tool, settled, told)
    calibration = calibration_of(profile, settled, today)
    newtons = profile.unit is Unit.NEWTON
    if newtons and not profile.simulated and calibration.word not in ("good", "none"):
        told.append(("calibration", calibration.text))
    return Footing(
        tool=key,
        area_cm2=area_cm2,
        cell_cm2=_cell_cm2(profile, settled, area_cm2),
        full_scale_n=_full_scale(profile, settled, told),
        calibrated=calibration.good or not newtons,
        noise_n=min(settled.noise_n or 0.0, NOISE_MOST_N) if newtons and settled is not None else 0.0,
        told=tuple(told),
    )


def claimed(profile: Profile) -> tuple[str | None, float | None]:
    """Tool and contact area as the ball says, the area never above what its tool has; None where it does not say."""
    key = tool_of_ball(profile.tool)
    area: float | None = profile.contact_mm2 / 100
    if area is not None and not AREA_RANGE[0] <= area <= AREA_RANGE[1]:
        area = None  # what no tool can be is the ball's mistake
    if key is not None:
        own = tools()[key].area_cm2
        area = own if area is None else min(area, own)
    return key, area


def calibration_of(profile: Profile, settled: Settled | None, today: date) -> Calibration:
    """What is known of how newtons were made of the ball's values."""
    settled = settled or Settled()
    if profile.unit is not Unit.NEWTON:
        return Calibration(False, None, "counts", "the ball gives counts: not calibrated")
    if profile.cal_crc == 0:
        return Calibration(False, None, "none", "the ball has no calibration")
    if settled.cal_crc is not None and settled.cal_crc != profile.cal_crc:
        text = f"its calibration is not the one it was paired with ({settled.cal_crc:04x}, now {profile.cal_crc:04x})"
        return Calibration(False, None, "changed", text)
    day = _day_of(profile, settled, today)
    if day is None:
        if profile.simulated:
            return Calibration(True, None, "good", "of a virtual ball")
        return Calibration(False, None, "undated", "nobody knows when it was calibrated")
    age = max(timedelta(0), today - day)
    if age > CALIBRATION_OLD:
        return Calibration(False, age.days, "old", f"its calibration is {age.days} days old")
    return Calibration(True, age.days, "good", f"calibrated {age.days} days ago")


def _day_of(profile: Profile, settled: Settled, today: date) -> date | None:
    """The ball's own date, else the person's; of two the older one. None: no date, or one that is yet to come."""
    days = []
    if profile.cal_day > 0:
        days.append(DAY_ZERO + timedelta(days=profile.cal_day))
    if settled.calibrated_on is not None and settled.cal_crc == profile.cal_crc:
        days.append(settled.calibrated_on)
    return min((day for day in days if day <= today + CLOCK_DOUBT), default=None)


def _size(
    profile: Profile, tool: str | None, settled: Settled | None, told: list[tuple[str, str]]
) -> tuple[str, float]:
    own_key, own_cm2 = claimed(profile)
    if tool is not None:  # the person's word for this session; a smaller area measured of that very tool stands
        area = tools()[tool].area_cm2
        if settled is not None and settled.area_cm2 is not None and settled.tool == tool:
            area = min(area, settled.area_cm2)
        return tool, area
    if settled is not None and (settled.tool is not None or settled.area_cm2 is not None):
        key = settled.tool or DEFAULT_TOOL
        area = settled.area_cm2 or tools()[key].area_cm2
        if own_cm2 is not None and own_cm2 < area * (1 - _SAME):
            told.append(("size", f"the ball says {own_cm2:g} cm2, its profile {area:g}: the smaller one holds"))
            area = own_cm2
        elif own_cm2 is not None and own_cm2 > area * (1 + _SAME):
            told.append(("size", f"the ball says {own_cm2:g} cm2, its profile {area:g}: its profile holds"))
        return key, area
    if profile.simulated:
        key = own_key or DEFAULT_TOOL
        return key, tools()[key].area_cm2 if own_cm2 is None else own_cm2
    return _unconfirmed(own_key, own_cm2, told, paired=settled is not None)


def _unconfirmed(
    own_key: str | None, own_cm2: float | None, told: list[tuple[str, str]], *, paired: bool
) -> tuple[str, float]:
    """Nobody has said how large it is: the hard ball, or what the ball says where that is stricter."""
    assumed = tools()[DEFAULT_TOOL]
    how = "say --tool, or its size: knead pair" if not paired else "say --tool, or pair it again with its size"
    if own_cm2 is None:
        text = f"its size is not known: taken for a hard ball of {assumed.area_cm2:g} cm2; {how}"
        told.append(("size", text))
        return DEFAULT_TOOL, assumed.area_cm2
    if own_cm2 <= assumed.area_cm2:
        smaller = own_key is not None and tools()[own_key].area_cm2 <= assumed.area_cm2
        return own_key if smaller and own_key is not None else DEFAULT_TOOL, own_cm2
    what = f"a {tools()[own_key].title.lower()}, {own_cm2:g} cm2" if own_key is not None else f"{own_cm2:g} cm2"
    text = f"the ball says that it is {what}: until you confirm it, {assumed.area_cm2:g} cm2 hold; {how}"
    told.append(("size", text))
    return DEFAULT_TOOL, assumed.area_cm2


def _cell_cm2(profile: Profile, settled: Settled | None, area_cm2: float) -> float | None:
    """None is a common shell, which has no limit of its own: any area known is stricter. No cell outgrows the tool."""
    known = [profile.cell_mm2 / 100] if profile.cell_mm2 > 0 else []
    if settled is not None and settled.cell_cm2 is not None:
        known.append(settled.cell_cm2)
    return min([*known, area_cm2]) if known else None


def _full_scale(profile: Profile, settled: Settled | None, told: list[tuple[str, str]]) -> float | None:
    """In the ball's unit; the smallest of what is known. What its numbers can carry is always known."""
    known = [profile.full_scale * profile.lsb] if profile.full_scale > 0 else []
    if profile.unit is Unit.NEWTON:
        if settled is not None and settled.full_scale_n is not None:
            known.append(settled.full_scale_n)
        if not known and not profile.simulated:
            most = MAX_VALUE * profile.lsb
            told.append(("full_scale", f"its full scale is not known: a load beyond {most:.0f} N cannot be told"))
        known.append(MAX_VALUE * profile.lsb)
    return min(known, default=None)
