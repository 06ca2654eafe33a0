"""A program: steps of a guided session, as in its file. A routine: one program for one side, ready to run.

Pressures are mean contact pressure in kPa on 12 cm2 and for factor 1, as in limits.toml; the coach brings them to
the tool and the person. Times are seconds.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from companion.safety.limits import regions
from sessions.events import Fields, Json

CHOSEN = "chosen"  # the side that the session is for
SIDES = (CHOSEN, "left", "right", "both")
TECHNIQUES: Mapping[str, str] = {  # how the ball moves; those that roll are told to the guard
    "roll": "roll slowly, one stroke in 2 to 4 seconds",
    "glide": "glide slowly in one direction",
    "search": "move a little, and stop where it is tender",
    "hold": "stay still",
    "ease": "ease off",
}
ROLLING = ("roll", "glide")
STATIC = ("hold",)
SECONDS_MAX = 600.0
REPEATS_MAX = 20
REST_MAX = 300.0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, `repeats` times. `seconds` count only inside `band_kpa`."""

    title: str
    site: str  # a muscle or a place, a key of sites.toml
    region: str  # the row of limits it is judged by
    side: str  # one of SIDES; in a routine never CHOSEN
    tool: str  # a key of the limits' tools
    technique: str  # a key of TECHNIQUES
    band_kpa: tuple[float, float]
    seconds: float  # of one repetition
    repeats: int
    rest_s: float  # after each repetition, at least
    cue: str  # said when the step begins: where, how, and how to breathe
    note: str = ""
    caution: str = ""
    sources: tuple[str, ...] = ()

    @property
    def rolling(self) -> bool:
        return self.technique in ROLLING

    @property
    def work_s(self) -> float:
        """All repetitions, without rests."""
        return self.seconds * self.repeats

    @property
    def whole_s(self) -> float:
        """About what it takes, with the rests that the program asks for."""
        return self.repeats * (self.seconds + self.rest_s)

    def to_json(self) -> dict[str, Json]:
        told: dict[str, Json] = dataclasses.asdict(self)
        return told | {"band_kpa": list(self.band_kpa), "sources": list(self.sources)}

    @classmethod
    def from_json(cls, told: Fields) -> "Step":
        """Of a stored routine. ValueError where it is none."""
        known: dict[str, Any] = {
            field.name: told[field.name] for field in dataclasses.fields(cls) if field.name in told
        }
        texts = ("title", "site", "region", "side", "tool", "technique", "cue")
        try:
            low, high = (float(edge) for edge in known["band_kpa"])
            known |= {"band_kpa": (low, high), "sources": tuple(known.get("sources", ()))}
            known |= {name: float(known[name]) for name in ("seconds", "rest_s")}
            if not all(isinstance(known[name], str) for name in texts) or not isinstance(known["repeats"], int):
                raise ValueError("words and numbers are mixed up")
            step = cls(**known)
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise ValueError(f"no step: {error}") from error
        named = step.region in regions() and step.side in SIDES[1:] and step.technique in TECHNIQUES
        timed = 0 < step.seconds <= SECONDS_MAX and 0 <= step.rest_s <= REST_MAX
        if not named or not timed or not 0 <= low < high < 1e6 or not 1 <= step.repeats <= REPEATS_MAX:
            raise ValueError("no step: a place or a time that there is not")
        return step


@dataclass(frozen=True, slots=True)
class Avoided:
    """A place that is left alone, and why."""

    site: str
    title: str
    why: str

    def to_json(self) -> dict[str, Json]:
        return {"site": self.site, "title": self.title, "why": self.why}


@dataclass(frozen=True, slots=True)
class Program:
    """One file: how a place is worked on."""

    key: str  # the name of its file
    title: str
    about: str  # what it is, in a sentence or two
    position: str  # how to lie or stand
    technique: str  # in words, of the whole
    tool: str
    steps: tuple[Step, ...]
    stretch: str  # the reminder at the end
    cautions: tuple[str, ...]  # who should leave it, and what to stop for
    avoid: tuple[Avoided, ...]
    sources: tuple[str, ...]
    origin: str = "bundled"  # or "yours"
    path: str = ""

    @property
    def sites(self) -> tuple[str, ...]:
        """In order of first use."""
        return tuple(dict.fromkeys(step.site for step in self.steps))

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(step.region for step in self.steps))

    @property
    def one_sided(self) -> bool:
        """Whether a side is to be chosen."""
        return any(step.side == CHOSEN for step in self.steps)

    @property
    def whole_s(self) -> float:
        """About how long it takes on one side."""
        return sum(step.whole_s for step in self.steps)

    def routine(self, side: str) -> "Routine":
        """For a side; with "both" what is one-sided is done left, then right."""
        sides = (side,) if side != "both" else ("left", "right") if self.one_sided else ("both",)
        steps = [
            dataclasses.replace(step, side=one if step.side == CHOSEN else step.side)
            for one in sides
            for step in self.steps
            if one == sides[0] or step.side == CHOSEN
        ]
        return Routine(self.key, self.title, side, self.tool, self.position, tuple(steps), self.stretch)


@dataclass(frozen=True, slots=True)
class Routine:
    """What the coach leads through. Kept whole with the session, so that a replay leads through the same."""

    program: str  # its key
    title: str
    side: str
    tool: str
    position: str
    steps: tuple[Step, ...]
    stretch: str

    @property
    def whole_s(self) -> float:
        return sum(step.whole_s for step in self.steps)

    def to_json(self) -> dict[str, Json]:
        told: dict[str, Json] = {name: getattr(self, name) for name in ("program", "title", "side", "tool", "position")}
        return told | {"steps": [step.to_json() for step in self.steps], "stretch": self.stretch}

    @classmethod
    def from_json(cls, told: Fields) -> "Routine":
        """ValueError where it is none."""
        rows = told.get("steps")
        if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
            raise ValueError("a routine without steps")
        texts = {name: str(told.get(name, "")) for name in ("program", "title", "side", "tool", "position", "stretch")}
        steps = tuple(Step.from_json(row) for row in rows if isinstance(row, Mapping))
        return cls(steps=steps, **texts)


@dataclass(frozen=True, slots=True)
class Stage:
    """Some weeks of a plan: on how many days of a week, and with what. The programs take turns, day after day."""

    weeks: int | None  # None: from then on
    days: int  # of a week
    programs: tuple[str, ...]  # keys


@dataclass(frozen=True, slots=True)
class Course:
    """A plan over weeks, as one file."""

    key: str
    title: str
    about: str
    stages: tuple[Stage, ...]
    cautions: tuple[str, ...]
    sources: tuple[str, ...]
    origin: str = "bundled"
    path: str = ""

    @property
    def programs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key for stage in self.stages for key in stage.programs))
