"""A guided session told in pieces of pressure: what the guard and the coach said to it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from companion.guiding import Guided
from companion.leading import Leading
from companion.programs.coach import Coach
from companion.programs.program import Routine, Step
from companion.programs.view import CoachView
from companion.safety.guard import Guard, Judged
from companion.safety.limits import GuardContext
from sessions.events import Action, Cue, Event, Floats, Notice
from tests.guard_story import GLUTE, judged

HZ = 50
Part = tuple[float, float]  # seconds, kPa; NaN is unknown

STEP = Step(
    title="Hold",
    site="gluteus_maximus",
    region="glute",
    side="left",
    tool="tennis",
    technique="hold",
    band_kpa=(45.0, 70.0),
    seconds=12.0,
    repeats=1,
    rest_s=5.0,
    cue="Stay, and breathe.",
)
LIGHT = replace(STEP, title="Light", technique="roll", band_kpa=(8.0, 40.0), seconds=8.0)
OUT = replace(STEP, title="Out", technique="ease", band_kpa=(5.0, 30.0), seconds=6.0, rest_s=0.0)


def routine(*steps: Step) -> Routine:
    return Routine("test", "Test", "left", "tennis", "Lie down.", steps, "Stretch.")


class GuidedStory:
    """12 cm2, one person without factors, unless told otherwise."""

    def __init__(self, *steps: Step, context: GuardContext = GLUTE, hz: float = HZ) -> None:
        self.guard = Guard(replace(context, region=steps[0].region, side=steps[0].side))
        self.coach = Coach(routine(*steps), self.guard.context)
        self.leading = Leading(self.guard, None, Guided(self.guard, self.coach))
        self.hz = hz
        self.t_s = 0.0
        self.index = 0
        self.said: list[Event] = []

    def press(self, *parts: Part) -> "GuidedStory":
        for seconds, kpa in parts:
            self.feed(np.full(round(seconds * self.hz), kpa))
        return self

    def feed(self, kpa: Floats) -> list[Event]:
        return self.take(scans(kpa, self.t_s, self.hz))

    def take(self, piece: Judged) -> list[Event]:
        said = self.leading.feed(piece, self.index)
        self.index += len(piece.t_s)
        self.t_s = round(float(piece.t_s[-1]) + 1 / self.hz, 6)
        self.said += said
        return said

    def wait(self, seconds: float) -> None:
        """Nothing comes."""
        self.t_s = round(self.t_s + seconds, 6)

    def act(self, kind: str, **fields: str | float | bool) -> list[Event]:
        t_s = self.t_s - 1 / self.hz
        said = self.leading.act(Action(kind, fields, t_s), t_s)
        self.said += said
        return said

    def tick(self, age_s: float) -> list[Event]:
        """The newest scan is so old."""
        t_s = self.t_s - 1 / self.hz + age_s
        said = [*self.leading.hear(self.guard.aged(age_s, t_s)), *self.leading.aged(age_s, t_s)]
        self.said += said
        return said

    @property
    def view(self) -> CoachView:
        assert self.coach.view is not None
        return self.coach.view

    def cues(self, *kinds: str) -> list[Cue]:
        return [event for event in self.said if isinstance(event, Cue) and (not kinds or event.kind in kinds)]

    def told(self, *kinds: str) -> list[tuple[float, str]]:
        """(second, kind) of the cues; without the small words where no kinds are named."""
        small = () if kinds else ("count", "breathe")
        return [(round(cue.t_s, 2), cue.kind) for cue in self.cues(*kinds) if cue.kind not in small]

    def actions(self) -> list[Action]:
        return [event for event in self.said if isinstance(event, Action)]

    def over(self) -> list[Notice]:
        return [event for event in self.said if isinstance(event, Notice) and event.kind == "over"]


def scans(kpa: Floats, start_s: float = 0.0, hz: float = HZ) -> Judged:
    force = np.asarray(kpa, np.float64) * 1.2
    unknown = np.isnan(force)
    piece = judged(np.where(unknown, 0.0, force), start_s, hz=hz)
    return replace(piece, force_n=force, raw_n=force) if unknown.any() else piece


def parted(piece: Judged, sizes: Sequence[int]) -> list[Judged]:
    """The same scans in pieces of these sizes, again and again."""
    out: list[Judged] = []
    at = 0
    while at < len(piece.t_s):
        run = slice(at, at + sizes[len(out) % len(sizes)])
        part = replace(
            piece,
            t_s=piece.t_s[run],
            force_n=piece.force_n[run],
            raw_n=piece.raw_n[run],
            cells_n=piece.cells_n[run],
            ramp_kpa_s=piece.ramp_kpa_s[run],
            saturated=piece.saturated[run],
        )
        out.append(part if at == 0 else replace(part, fresh=False, lost=0, gap_s=0.0))
        at = run.stop
    return out
