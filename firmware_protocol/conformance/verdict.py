"""What is looked at, and what was found."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from firmware_protocol.conformance.bench import Bench, Steps


class Outcome(Enum):
    PASS = "pass"  # noqa: S105  # a verdict, no password
    MEND = "mend"
    SKIPPED = "not looked at"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at. `steps` raises `Mend` where a rule is broken."""

    key: str
    rules: tuple[int, ...]  # Rn of PROTOCOL.md, the one it is about first
    title: str
    steps: Callable[[Bench], Steps]
    caps: int = 0  # only for balls with one of these bits
    long: bool = False  # takes half a minute of silence
    framed: bool = False  # only where there are frames


@dataclass(frozen=True, slots=True)
class Verdict:
    item: Item
    outcome: Outcome
    text: str = ""  # what to mend, or why it was not looked at
