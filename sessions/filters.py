"""The words one finds sessions by: `area:glute side:left since:2026-10 pain:>4 stop:yes "sharp spot"`.

Pure: text in, terms out. All terms must hold; a `-` before one turns it round. What is unknown matches no number,
neither plain nor turned round; `before:?` finds what is not known. Words without a key are looked for in notes,
tags and marks, whatever their case and accents.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

TEXT = "text"  # the key of a bare word
LONGEST = 1000  # signs of a filter
HINT = "Known are person area side program tool ball state tag since until pain before after change peak length contact"
HINT_MORE = f"{HINT} stop caution sensor simulated note, and words."

SORTS = ("date", "length", "peak", "contact", "pain", "change", "area", "program")


class FilterError(ValueError):
    """The text is no filter. `str()` is one line for the user; `hint` is what to do."""

    def __init__(self, text: str, hint: str = HINT_MORE) -> None:
        super().__init__(text)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `value` is text in lower case, a number in the unit of its column, or a local moment."""

    key: str
    test: str  # "=", "<", "<=", ">", ">=", or "?" for unknown
    value: str | float | datetime
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that must all hold."""

    terms: tuple[Term, ...] = ()


ALL = Filter()

_TERM = re.compile(r'(?P<no>-?)(?:(?P<key>[A-Za-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))|(?P<junk>\S)')
_OTHER_NAMES = {"region": "area", "device": "ball", "warning": "caution", "note": "noted", "text": TEXT}
_SIDES = {"l": "left", "r": "right", "b": "both", "left": "left", "right": "right", "both": "both"}
_YES = {"yes": True, "y": True, "no": False, "n": False}
_MAY_BE_UNKNOWN = frozenset(["pain", "before", "after", "change", "peak", "length", "contact", "program", "tag"])
_NUMBER = re.compile(r"(?P<test><=|>=|<|>|=)?(?P<number>-?\d+(?:\.\d*)?)(?P<unit>s|m|min|h)?")
_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, None: 60.0}
_AGO = re.compile(r"(\d{1,5})([dwmy])")
_AGO_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


def parse(text: str, today: date) -> Filter:
    """The filter a text stands for; `today` is what `7d` and `today` count from. FilterError."""
    if len(text) > LONGEST:
        raise FilterError(f"A filter has at most {LONGEST} signs.", "Leave some of it out.")
    return Filter(tuple(_term(found, today) for found in _TERM.finditer(text)))


def fold(text: str) -> str:
    """Text as it is compared: no case, no accents, runs of space as one."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split())


def _term(found: re.Match[str], today: date) -> Term:
    quoted, bare = found["quoted"], found["bare"]
    value = quoted if quoted is not None else bare or ""
    negated = bool(found["no"])
    if found["junk"]:
        raise FilterError(f"{found['junk']!r} finds nothing.")
    if found["key"] is None:
        if not fold(value):
            raise FilterError("Nothing stands between the quotation marks.")
        if quoted is None and re.fullmatch(r"[A-Za-z]+:", value):
            raise FilterError(f"{value} needs a value.")
        return Term(TEXT, "=", fold(value), negated)
    key = _OTHER_NAMES.get(found["key"].lower(), found["key"].lower())
    if key not in _READERS:
        raise FilterError(f"A filter knows no {found['key']!r}.")
    if not value:
        raise FilterError(f"{found['key']}: needs a value.")  # an empty pair of quotation marks
    try:
        test, meant = ("?", "") if value == "?" and key in _MAY_BE_UNKNOWN else _READERS[key](value, today)
    except ValueError:
        raise FilterError(f"{found['key']}:{value} cannot be read.", _SHAPES[key]) from None
    return Term(key, test, meant, negated)


def _name(value: str, _today: date) -> tuple[str, str]:
    return "=", value.lower()


def _side(value: str, _today: date) -> tuple[str, str]:
    if value.lower() not in _SIDES:
        raise ValueError(value)
    return "=", _SIDES[value.lower()]


def _number(value: str, _today: date) -> tuple[str, float]:
    found = _NUMBER.fullmatch(value)
    if found is None or found["unit"]:
        raise ValueError(value)
    return found["test"] or "=", float(found["number"])


def _length(value: str, _today: date) -> tuple[str, float]:
    """Seconds; a number alone is minutes."""
    found = _NUMBER.fullmatch(value)
    if found is None:
        raise ValueError(value)
    return found["test"] or ">=", float(found["number"]) * _SECONDS[found["unit"]]


def _count(value: str, today: date) -> tuple[str, float]:
    if value.lower() in _YES:
        return (">", 0.0) if _YES[value.lower()] else ("=", 0.0)
    return _number(value, today)


def _yes(value: str, _today: date) -> tuple[str, float]:
    if value.lower() not in _YES:
        raise ValueError(value)
    return "=", float(_YES[value.lower()])


def _since(value: str, today: date) -> tuple[str, datetime]:
    return ">=", _start(_days(value, today)[0])


def _until(value: str, today: date) -> tuple[str, datetime]:
    """Up to the end of the day, month or year named."""
    return "<", _start(_days(value, today)[1])


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001  # the place's own time, whatever its zone


def _days(value: str, today: date) -> tuple[date, date]:
    """The first day meant, and the first after."""
    one = timedelta(days=1)
    try:
        if value in ("today", "yesterday"):
            day = today if value == "today" else today - one
            return day, day + one
        if ago := _AGO.fullmatch(value):
            day = today - timedelta(days=int(ago[1]) * _AGO_DAYS[ago[2]])
            return day, day + one
        found = _DATE.fullmatch(value)
        if found is None:
            raise ValueError(value)
        year, month, day_of = (int(part) if part else None for part in found.groups())
        assert year is not None
        first = date(year, month or 1, day_of or 1)
        if day_of:
            return first, first + one
        return first, date(year + (month in (None, 12)), 1 if month in (None, 12) else (month or 0) + 1, 1)
    except OverflowError:
        raise ValueError(value) from None


_DATES = "A day, month or year such as 2026-10-05, 2026-10, 2026; or today, yesterday, 7d, 4w, 6m, 1y ago."
_NUMBERS = "A number such as 4, >4, >=4, <4; ? for unknown."
_COUNTS = "yes, no, or a number such as >2."
_WORDS = "A name; in quotation marks if it has spaces."
_LENGTHS = "A length such as >10m, <90s, 1h; a number alone is minutes."

_Reader = Callable[[str, date], tuple[str, str | float | datetime]]
_KINDS: Mapping[str, tuple[_Reader, str]] = {
    "person": (_name, _WORDS),
    "area": (_name, _WORDS),
    "program": (_name, _WORDS),
    "tool": (_name, _WORDS),
    "ball": (_name, _WORDS),
    "state": (_name, _WORDS),
    "tag": (_name, _WORDS),
    TEXT: (lambda value, _today: ("=", fold(value)), _WORDS),
    "side": (_side, "left, right or both."),
    "since": (_since, _DATES),
    "until": (_until, _DATES),
    "pain": (_number, _NUMBERS),
    "before": (_number, _NUMBERS),
    "after": (_number, _NUMBERS),
    "change": (_number, _NUMBERS),
    "peak": (_number, _NUMBERS),
    "length": (_length, _LENGTHS),
    "contact": (_length, _LENGTHS),
    "stop": (_count, _COUNTS),
    "caution": (_count, _COUNTS),
    "sensor": (_count, _COUNTS),
    "simulated": (_yes, "yes or no."),
    "noted": (_yes, "yes or no."),
}
_READERS: Mapping[str, _Reader] = {key: reader for key, (reader, _) in _KINDS.items()}
_SHAPES = {key: shape for key, (_, shape) in _KINDS.items()}


def microseconds(moment: datetime) -> int:
    """Of a naive moment, as if its clock were at Greenwich."""
    return math.floor((moment - datetime(1970, 1, 1)) / timedelta(microseconds=1))  # noqa: DTZ001  # naive by contract
