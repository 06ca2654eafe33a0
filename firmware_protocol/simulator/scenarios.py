"""Named scenarios, read from scenarios.toml: what a person does on a virtual ball, and when it is away."""

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from firmware_protocol.simulator.body import Body, Move, Step

DEFAULT_CHANNELS = 4  # cells under one shell
_SAME_S = 1e-6  # sums of the same seconds differ by less


@dataclass(frozen=True, slots=True)
class Interval:
    """[from_s, to_s) within one repeat of a scenario."""

    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One repeat of what happens. `away` and `silent` lie within it, apart from each other."""

    key: str
    title: str
    steps: tuple[Step, ...]
    channels: int = DEFAULT_CHANNELS
    away: tuple[Interval, ...] = ()  # unplugged
    silent: tuple[Interval, ...] = ()  # plugged in, but no byte passes
    button: tuple[float, ...] = ()  # seconds at which the person presses the ball's button, for a moment

    def __post_init__(self) -> None:
        Body(self.steps, channels=self.channels)  # says what is wrong with them
        intervals = sorted((*self.away, *self.silent), key=lambda interval: interval.from_s)
        edges = [edge for interval in intervals for edge in (interval.from_s, interval.to_s)]
        # A ball can be away only after it was there, and is back before the repeat.
        if any(a >= b for a, b in pairwise([0.0, *edges, self.seconds])):
            raise ValueError(f"away and silent are pairs that rise, apart, within {self.seconds} s, not {intervals}")
        if any(a >= b for a, b in pairwise([0.0, *self.button, self.seconds])):
            raise ValueError(f"button holds seconds that rise, within {self.seconds} s, not {self.button}")

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)

    def body(self, *, channels: int | None = None, seed: int = 0) -> Body:
        return Body(self.steps, channels=self.channels if channels is None else channels, seed=seed)


@dataclass(frozen=True, slots=True)
class ScenarioInfo:
    key: str
    title: str
    seconds: float  # of one repeat
    channels: int


@dataclass(frozen=True, slots=True)
class Absence:
    """[from_s, to_s) of a scenario's time, which goes on counting through its repeats."""

    from_s: float
    to_s: float
    silent: bool  # no byte passes; else the ball is unplugged


class Absences:
    """All absences of a scenario, repeated for ever, and some that are not."""

    def __init__(self, plot: Scenario, once: Iterable[Absence] = ()) -> None:
        """`once`: those that do not repeat."""
        self._extra = tuple(once)
        kinds = ((plot.away, False), (plot.silent, True))
        found = [Absence(at.from_s, at.to_s, silent) for intervals, silent in kinds for at in intervals]
        self._once = sorted(found, key=lambda absence: absence.from_s)
        self._period_s = plot.seconds

    def ending_after(self, scenario_s: float) -> Absence | None:
        """The first that is not over at this time (>= 0), within a microsecond; None: there are none."""
        left = [absence for absence in self._extra if absence.to_s > scenario_s + _SAME_S]
        repeated = self._repeated(scenario_s)
        return min([*left, *([] if repeated is None else [repeated])], key=lambda one: one.from_s, default=None)

    def _repeated(self, scenario_s: float) -> Absence | None:
        if not self._once:
            return None
        turn = math.floor(scenario_s / self._period_s)
        while True:
            start_s = turn * self._period_s
            for absence in self._once:
                if start_s + absence.to_s > scenario_s + _SAME_S:
                    return Absence(start_s + absence.from_s, start_s + absence.to_s, absence.silent)
            turn += 1


def list_scenarios() -> tuple[ScenarioInfo, ...]:
    """What there is, in the file's order."""
    return tuple(ScenarioInfo(s.key, s.title, s.seconds, s.channels) for s in _scenarios().values())


def load_scenario(key: str) -> Scenario:
    """ValueError, naming those there are, if `key` is none of them."""
    try:
        return _scenarios()[key]
    except KeyError:
        raise ValueError(f"there is no scenario {key!r}; there are {', '.join(_scenarios())}") from None


def parse_scenario(key: str, table: Mapping[str, Any]) -> Scenario:
    """A scenario from a table as in scenarios.toml. ValueError says what is wrong with it."""
    unknown = set(table) - {"title", "steps", "channels", "away", "silent", "button"}
    if unknown:
        raise ValueError(f"scenario {key}: unknown {', '.join(sorted(unknown))}")
    try:
        return Scenario(
            key=key,
            title=str(table["title"]),
            steps=_steps(table["steps"]),
            channels=int(table.get("channels", DEFAULT_CHANNELS)),
            away=_intervals(table.get("away", ())),
            silent=_intervals(table.get("silent", ())),
            button=tuple(float(at_s) for at_s in table.get("button", ())),
        )
    except KeyError as missing:
        raise ValueError(f"scenario {key}: {missing} is missing") from None
    except (TypeError, ValueError) as wrong:
        raise ValueError(f"scenario {key}: {wrong}") from None


@cache
def _scenarios() -> Mapping[str, Scenario]:
    text = (files("firmware_protocol.simulator") / "scenarios.toml").read_text(encoding="utf-8")
    return MappingProxyType({key: parse_scenario(key, table) for key, table in tomllib.loads(text).items()})


def _steps(rows: Any) -> tuple[Step, ...]:
    """A step that does not say where its load ends keeps it."""
    steps: list[Step] = []
    load_n = 0.0
    for row in rows:
        step = Step(**{"newton": load_n, **row, "move": Move(row["move"])})
        load_n = step.newton
        steps.append(step)
    return tuple(steps)


def _intervals(rows: Any) -> tuple[Interval, ...]:
    return tuple(Interval(float(from_s), float(to_s)) for from_s, to_s in rows)
