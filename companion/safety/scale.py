"""What every room says of pressure: the names of its zones and levels, where contact begins, which level shows."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sessions.events import Level

LEVELS: Mapping[Level, str] = MappingProxyType(
    {
        Level.OK: "OK",
        Level.NOTICE: "NOTICE",
        Level.CAUTION: "CAUTION",
        Level.TECHNICAL: "SENSOR",
        Level.STOP: "STOP",
    }
)
ZONES = ("REST", "LIGHT", "WORK", "HIGH", "OVER")
CONTACT_KPA = 5.0  # contact begins here (and ends below FREE_KPA)
FREE_KPA = 3.0
HOLD_FLOOR_KPA = 10.0  # below this nothing counts as holding
STOP_RATIO = 1.25  # of the limit x = 1: a stop at once


def shown_level(active: Iterable[Level], loaded: bool) -> Level:
    """The highest active level; a technical one counts as a notice while nothing presses."""
    return max(
        (Level.NOTICE if level is Level.TECHNICAL and not loaded else level for level in active), default=Level.OK
    )
