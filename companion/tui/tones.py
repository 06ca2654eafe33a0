"""What a span of text on a screen means. The palette says how that looks.

A tone is never the only sign of anything: the same span also has its word and its pattern.
"""

from enum import Enum, auto

Span = tuple[str, "Tone"]
Row = tuple[Span, ...]
Rows = tuple[Row, ...]


class Tone(Enum):
    PLAIN = auto()
    STRONG = auto()
    QUIET = auto()
    CURSOR = auto()  # the chosen row, a bar of its own
    REST = auto()
    LIGHT = auto()
    WORK = auto()
    HIGH = auto()
    OVER = auto()
    NOTICE = auto()
    CAUTION = auto()
    TECHNICAL = auto()
    STOP = auto()  # what is stopped, in inverse


ZONE_TONES = (Tone.REST, Tone.LIGHT, Tone.WORK, Tone.HIGH, Tone.OVER)
