"""What may be set: a row for each key, with what it accepts. Its default stands in `Settings`, under its name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

SIDES = ("left", "right", "both")
THEMES = ("dark", "light", "high-contrast", "mono")
TICKS = ("auto", "on", "off")


class Rule(Protocol):
    """What a key accepts. `read` raises ValueError; `allowed` says in words what it would have taken."""

    def read(self, value: object) -> str | int: ...

    def allowed(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Choice:
    options: Callable[[], Iterable[str]]

    def read(self, value: object) -> str:
        if not isinstance(value, str) or value not in tuple(self.options()):
            raise ValueError(self.allowed())
        return value

    def allowed(self) -> str:
        return "one of " + " ".join(self.options())


@dataclass(frozen=True, slots=True)
class Whole:
    low: int
    high: int

    def read(self, value: object) -> int:
        text = value.strip() if isinstance(value, str) else value
        if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10:
            text = int(text)
        if isinstance(text, bool) or not isinstance(text, int) or not self.low <= text <= self.high:
            raise ValueError(self.allowed())
        return text

    def allowed(self) -> str:
        return f"a whole number from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Switch:
    def read(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in _SWITCHES:
            raise ValueError(self.allowed())
        return _SWITCHES[word]

    def options(self) -> Iterable[str]:
        return ("on", "off")

    def allowed(self) -> str:
        return "on or off"


_SWITCHES: Mapping[str, bool] = {
    **dict.fromkeys(("on", "true", "yes", "1"), True),
    **dict.fromkeys(("off", "false", "no", "0"), False),
}


@dataclass(frozen=True, slots=True)
class Name:
    longest: int

    def read(self, value: object) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > self.longest or not value.isprintable():
            raise ValueError(self.allowed())
        return value.strip()

    def allowed(self) -> str:
        return f"a name of 1 to {self.longest} printable characters"


def _regions() -> Iterable[str]:
    from companion.safety.limits import regions

    return regions()


def _tools() -> Iterable[str]:
    from companion.safety.limits import tools

    return tools()


def _modes() -> Iterable[str]:
    from companion.handsfree.terms import MODES

    return MODES


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. Its default stands in `Settings`."""

    name: str
    rule: Rule
    what: str

    @property
    def variable(self) -> str:
        return "KNEAD_" + self.name.upper()


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("person", Name(64), "whose sessions these are"),
        Key("region", Choice(_regions), "where the ball is, unless said otherwise"),
        Key("side", Choice(lambda: SIDES), "left, right or both"),
        Key("tool", Choice(_tools), "what is pressed with"),
        # Above 30 a terminal shows no more: the trace gets a new column at most 7.7 times a second.
        Key("fps", Whole(1, 30), "frames a second on the live screen"),
        Key("theme", Choice(lambda: THEMES), "colours"),
        Key("sound", Switch(), "tones with every warning"),
        Key("voice", Switch(), "words with every warning"),
        Key("ticks", Choice(lambda: TICKS), "ticks that follow the pressure; auto: in a session that is led"),
        Key("handsfree", Choice(_modes), "begin on contact, pause and end off the ball, listen to squeezes"),
        Key("awake", Switch(), "keep the display awake during a session"),
    )
}
