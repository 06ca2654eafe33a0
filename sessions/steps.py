"""What became of a program in a session: its steps and holds, from the cues. Pure."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from sessions.events import Cue, Event, Fields, Json


@dataclass(frozen=True, slots=True)
class Hold:
    """One repetition. `held_s` are the seconds inside the band, of `seconds` asked for."""

    rep: int
    from_s: float | None  # the first scan in the band; None: there was none
    to_s: float
    held_s: float
    seconds: float
    cause: str  # "time", "limit", "closed", "next"

    @property
    def counts(self) -> bool:
        """Whether it was done: to its time, or until the limits had enough."""
        return self.cause in ("time", "limit")


@dataclass(slots=True)
class StepDone:
    """One step of the program, as far as it came."""

    number: int  # from 1
    title: str
    site: str
    region: str
    side: str
    technique: str
    band_kpa: tuple[float, float] | None
    seconds: float  # of one repetition
    repeats: int
    began_s: float | None = None  # None: it never did
    holds: list[Hold] = field(default_factory=list)
    skipped: str = ""  # why it was left out

    @property
    def held_s(self) -> float:
        return sum(hold.held_s for hold in self.holds)

    @property
    def state(self) -> str:
        """ "done", "part", "skipped" or "begun"."""
        done = sum(hold.counts for hold in self.holds)
        if done >= self.repeats:
            return "done"
        return "part" if done else "skipped" if self.skipped else "begun"

    def to_json(self) -> dict[str, Json]:
        band: list[Json] | None = None if self.band_kpa is None else [*self.band_kpa]
        holds: list[Json] = [asdict(hold) for hold in self.holds]
        return {**asdict(self), "band_kpa": band, "holds": holds, "held_s": self.held_s, "state": self.state}


@dataclass(frozen=True, slots=True)
class ProgramDone:
    """All steps that were announced, in the order they were."""

    steps: tuple[StepDone, ...]
    count: int | None  # of the program's steps
    cause: str | None  # why it was over: "done", "closed"; None: the session ended before

    def to_json(self) -> dict[str, Json]:
        return {
            "steps": self.count,
            "steps_done": sum(step.state == "done" for step in self.steps),
            "holds": sum(hold.counts for step in self.steps for hold in step.holds),
            "held_s": sum(step.held_s for step in self.steps),
            "end": self.cause,
        }


def program_done(events: Iterable[Event]) -> ProgramDone | None:
    """None where no program led."""
    steps: dict[int, StepDone] = {}
    count: int | None = None
    cause: str | None = None
    led = False
    for event in events:
        if not isinstance(event, Cue):
            continue
        led, number = True, _whole(event.step)
        match event.kind:
            case "program":
                count = _whole(event.fields.get("steps"))
            case "finish":
                cause = str(event.fields.get("cause"))
            case "next" | "step" if number is not None:
                step = steps.setdefault(number, _step(number, event.fields))
                if event.kind == "step":
                    step.began_s, step.band_kpa = event.t_s, _band(event.fields)
            case "done" if number in steps:
                steps[number].holds.append(_hold(event))
            case "skip" if number is not None:
                steps.setdefault(number, _step(number, event.fields)).skipped = str(event.fields.get("cause"))
    if not led:
        return None
    return ProgramDone(tuple(steps[number] for number in sorted(steps)), count, cause)


def _step(number: int, told: Fields) -> StepDone:
    texts = (str(told.get(name) or "") for name in ("title", "site", "region", "side", "technique"))
    title, site, region, side, technique = texts
    seconds, repeats = _number(told.get("seconds")), _whole(told.get("repeats")) or 1
    return StepDone(number, title, site, region, side, technique, _band(told), seconds, repeats)


def _hold(cue: Cue) -> Hold:
    told = cue.fields
    from_s = told.get("from_s")
    return Hold(
        _whole(told.get("rep")) or 1,
        float(from_s) if isinstance(from_s, int | float) else None,
        cue.t_s,
        _number(told.get("held_s")),
        _number(told.get("seconds")),
        str(told.get("cause") or ""),
    )


def _band(told: Fields) -> tuple[float, float] | None:
    band = told.get("band_kpa")
    if not isinstance(band, list) or len(band) != 2:
        return None
    low, high = (_number(edge) for edge in band)
    return low, high


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _whole(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
