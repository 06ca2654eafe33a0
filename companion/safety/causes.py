"""The alarm table: per cause and level what raises it, after how long, what clears it, and what is said.

The guard is driven by these rows. A row is on once its signal was at least `set_at` for `on_s` (and `scans` scans), and
off once it was below `clear_at` for `off_s`. A cause has the level of its highest row that is on. Set and clear points
differ by at least a tenth of the limit, and no two rows share a clear point (F44: on-delay, off-delay and deadband are
the cure of chatter). Sums over time rise in steps of 10 % and need no delay: they cannot chatter.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from companion.safety.limits import whole_body
from companion.safety.scale import STOP_RATIO
from sessions.events import Level, Phase

SILENCE_S = 60.0  # how long a silenced cause stays quiet (F42: 2 min in a device manual)
WORDS_WINDOW_S, WORDS_MAX = 60.0, 3  # the same caution's words at most 3 a minute, then one hint
FIRM_TEXT = "tool too firm: use a softer ball or the wall"
HEAVY_RATIO = 1.6  # so far beyond the limit that most of the body must be on the ball
HEAVY_TEXT = "stop, come off: take weight on hands and feet, or use the wall"
FULL_TEXT = "stop, come off: at least the full scale of this ball"
BELOW_TEXT = "reads below nothing: come off, then set the zero"
CONFIRM_TEXT = "stopped: confirm to go on"
AGAIN_TEXT = "stop, come off: still stopped, confirm first"
STOPS_MAX = 3  # pressure stops of a session, then it ends once unloaded
RATING_MAX = 7.0  # of 10; at this or more it is a stop (F3: no gain there)
STEPS = 10  # sums are told once per tenth of what is allowed


@dataclass(frozen=True, slots=True)
class Manner:
    """How a level is told, for those who make sound."""

    repeat_s: float | None  # tones again after this while it is active
    latches: bool  # stays until a person confirms it
    tones: int


MANNERS: Mapping[Level, Manner] = MappingProxyType(
    {
        Level.OK: Manner(None, False, 0),
        Level.NOTICE: Manner(None, False, 1),
        Level.CAUTION: Manner(10.0, False, 3),
        Level.TECHNICAL: Manner(10.0, False, 2),
        Level.STOP: Manner(3.0, True, 10),  # sounds until the ball is free; the words have room between the tones
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """One cause at one level."""

    level: Level
    signal: str
    set_at: float
    clear_at: float
    on_s: float
    off_s: float = 0.0
    scans: int = 1
    text: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """One cause at one level, where a sum reaches this part of what is allowed."""

    level: Level
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Cause:
    """`rows` watch signals, `shares` watch the sum `meter`; a cause with neither is raised by hand."""

    key: str
    unit: str
    rows: tuple[Row, ...] = ()
    shares: tuple[Share, ...] = ()
    meter: str = ""
    once: bool = False  # told at its shares alone, not at each further tenth
    escalate_s: float | None = None  # this long a caution under load, then it is a stop
    of_region: bool = True  # begins anew where the region or side changes
    pressure: bool = False  # its stops count towards STOPS_MAX
    text: str = ""  # of a cause without rows, and of an escalation


_BODY = whole_body()
_EASE, _LIGHTEN, _STOP, _MOVE = "ease off soon", "lighten", "stop, come off", "move on"
_PRESSURE_ESCALATE_S, _TIME_ESCALATE_S = 5.0, 15.0


def _sum(key: str, unit: str, meter: str, of_region: bool, *shares: Share, once: bool = False) -> Cause:
    escalate = _TIME_ESCALATE_S if any(share.level is Level.CAUTION for share in shares) else None
    return Cause(key, unit, (), shares, meter, once, escalate, of_region, text=_STOP)


CAUSES: tuple[Cause, ...] = (
    Cause(
        "peak",
        "kPa",
        (
            Row(Level.NOTICE, "ratio", 0.85, 0.75, 1.0, text=_EASE),
            Row(Level.CAUTION, "ratio", 1.0, 0.90, 0.5, text=_LIGHTEN),
            # "strict" is x by the unraised limit, and STOP_RATIO where the force cap is reached
            Row(Level.STOP, "strict", STOP_RATIO, STOP_RATIO, 0.1, scans=2, text=_STOP),
        ),
        escalate_s=_PRESSURE_ESCALATE_S,
        pressure=True,
        text=_STOP,
    ),
    Cause("saturation", "N", (Row(Level.STOP, "saturated", 1.0, 1.0, 0.0, scans=2, text=FULL_TEXT),), pressure=True),
    Cause("locked", "", (Row(Level.STOP, "locked", 1.0, 1.0, 0.0, text="stop, come off: this area is locked"),)),
    Cause("symptom", "", of_region=False, text=_STOP),
    Cause(
        "hold",
        "",
        (
            Row(Level.NOTICE, "hold", 0.67, 0.55, 1.0, text="ease off soon: held long"),
            Row(Level.CAUTION, "hold", 1.0, math.nextafter(0.37, 1.0), 0.5, text="lift off and move"),
            Row(Level.STOP, "pressed_hold", 1.5, 1.5, 0.0, text=_STOP),
        ),
        escalate_s=_TIME_ESCALATE_S,
        text=_STOP,
    ),
    Cause("static", "s", (Row(Level.NOTICE, "static", 1.0, 1.0, 60.0, 1.0, text="ease off soon: move a little"),)),
    # Two marks of a region: over bone only rolling is meant, on tendon only a light touch.
    Cause("roll_only", "s", (Row(Level.NOTICE, "standing", 1.0, 1.0, 10.0, 1.0, text="keep rolling: bone lies here"),)),
    Cause("light_only", "s", (Row(Level.NOTICE, "firm", 1.0, 1.0, 5.0, 1.0, text="ease off: only lightly here"),)),
    Cause(
        "ramp",
        "kPa/s",
        (
            Row(Level.NOTICE, "ramp", _BODY["ramp_notice_kpa_s"], _BODY["ramp_notice_kpa_s"], 0.3, 2.0, text="slower"),
            Row(
                Level.CAUTION,
                "ramp",
                _BODY["ramp_caution_kpa_s"],
                _BODY["ramp_caution_kpa_s"],
                0.3,
                2.0,
                text="slow down",
            ),
        ),
    ),
    _sum(
        "dose",
        "kPa*s",
        "dose",
        True,
        Share(Level.NOTICE, 0.8, "move on soon"),
        Share(Level.CAUTION, 1.0, _MOVE),
        Share(Level.STOP, 1.2, _STOP),
    ),
    _sum("time", "s", "contact", True, Share(Level.NOTICE, 0.8, "move on soon"), Share(Level.CAUTION, 1.0, _MOVE)),
    _sum("time_advice", "s", "contact", True, Share(Level.NOTICE, 1.0, "long enough here: move on soon"), once=True),
    _sum("session", "s", "session", False, Share(Level.NOTICE, 0.8, "finish soon"), Share(Level.STOP, 1.0, _STOP)),
    _sum("session_advice", "s", "session", False, Share(Level.NOTICE, 1.0, "long enough: finish soon"), once=True),
    _sum(
        "day",
        "s",
        "contact",
        True,
        Share(Level.NOTICE, 0.8, "move on soon: enough here today"),
        Share(Level.CAUTION, 1.0, "move on: enough here today"),
    ),
    _sum(
        "day_dose",
        "kPa*s",
        "dose",
        True,
        Share(Level.NOTICE, 0.8, "move on soon: enough here today"),
        Share(Level.CAUTION, 1.0, "move on: enough here today"),
    ),
    _sum(
        "day_total",
        "s",
        "session",
        False,
        Share(Level.NOTICE, 0.8, "finish soon: enough for today"),
        Share(Level.CAUTION, 1.0, "finish: enough for today"),
    ),
    Cause(
        "closed",
        "",
        (Row(Level.CAUTION, "closed", 1.0, 1.0, 0.5, text="move on: unknown load here"),),
        escalate_s=_TIME_ESCALATE_S,
        text=_STOP,
    ),
    # Rests, weeks and crashes are said at contact and never refuse a recording: a notice, which does not escalate.
    Cause(
        "rest",
        "",
        (Row(Level.NOTICE, "resting", 1.0, 1.0, 0.5, 1.0, text="rest this area: knead today says until when"),),
    ),
    Cause("silence", "s", of_region=False, text="sensor lost, ease off"),
    Cause("zero", "", of_region=False, text="zero not trusted, ease off and come off"),
    Cause("dropped", "%", of_region=False, text="bad data, ease off"),
    Cause(
        "stuck",
        "s",
        (Row(Level.TECHNICAL, "stuck_s", math.nextafter(3.0, 4.0), 3.0, 0.0, text="sensor may be stuck, ease off"),),
        of_region=False,
    ),
    Cause(
        "battery",
        "",
        (
            Row(Level.NOTICE, "battery", 1.0, 1.0, 0.0, text="battery low: finish soon and charge the ball"),
            Row(Level.TECHNICAL, "battery_first", 1.0, 1.0, 0.0, text="battery low: charge the ball before you start"),
        ),
        of_region=False,
    ),
)
BY_KEY: Mapping[str, Cause] = MappingProxyType({cause.key: cause for cause in CAUSES})

_PHASE_TEXTS = {Phase.CLEARED: "cleared", Phase.CONFIRMED: "confirmed", Phase.SILENCED: "silenced for a minute"}


def text_of(cause: Cause, level: Level, phase: Phase) -> str:
    """The words of the table."""
    if phase in _PHASE_TEXTS:
        return _PHASE_TEXTS[phase]
    said = {row.level: row.text for row in cause.rows} | {share.level: share.text for share in cause.shares}
    return said.get(level, cause.text)
