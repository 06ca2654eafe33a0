"""What a guided screen shows: one frozen picture of the coach, new with every batch of scans."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from companion.programs.program import Step


class Stand(StrEnum):
    """What the coach is at."""

    READY = "ready"  # the program is announced, nothing has been pressed yet
    NEXT = "next"  # the next step is announced
    WORK = "work"  # a repetition: its clock runs, or waits for the band
    REST = "rest"  # off the ball
    PAUSED = "paused"
    STOPPED = "stopped"  # a stop of the guard stands
    OVER = "over"


class Where(StrEnum):
    """The pressure beside the band."""

    FREE = "free"
    BELOW = "below"
    IN = "in"
    ABOVE = "above"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Board:
    """Where the newest picture hangs: written by one thread, looked at by others."""

    view: "CoachView | None" = None

    def show(self, view: "CoachView") -> None:
        self.view = view


@dataclass(frozen=True, slots=True)
class CoachView:
    """Pressures are mean contact pressure on the tool in use; times are seconds."""

    program: str
    title: str
    stand: Stand
    cause: str  # why it is paused or over; else empty
    number: int  # of the step, from 1
    step: "Step"  # present, or announced
    band_kpa: tuple[float, float]  # the lower of program and limits
    where: Where
    rep: int  # from 1
    held_s: float  # of this repetition, inside the band
    seconds: float  # of one repetition
    rest_left_s: float | None  # about; None: not resting, or until the hold load has fallen
    hold_load: float
    next_in_s: float | None  # until the announced step begins
    steps: tuple["Step", ...]
    done: tuple[str, ...]  # per step: "done", "part", "skipped" or ""

    @property
    def left_s(self) -> float:
        return max(0.0, self.seconds - self.held_s)

    @property
    def following(self) -> "Step | None":
        """The step after `step`."""
        return self.steps[self.number] if self.number < len(self.steps) else None
