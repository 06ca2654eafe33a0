"""How far a routine has come."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from companion.programs.program import Step


class Turn(NamedTuple):
    """One repetition of a step."""

    step: int  # from 0
    rep: int  # from 1


def turns_of(steps: Sequence[Step]) -> list[Turn]:
    return [Turn(number, rep) for number, step in enumerate(steps) for rep in range(1, step.repeats + 1)]


@dataclass(slots=True)
class Progress:
    steps: Sequence[Step]
    done: list[int] = field(default_factory=list)  # repetitions, per step
    left_out: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.done = [0] * len(self.steps)

    @property
    def states(self) -> tuple[str, ...]:
        """Per step: "done", "part", "skipped" or ""."""
        return tuple(
            "done" if done >= step.repeats else "part" if done else "skipped" if number in self.left_out else ""
            for number, (step, done) in enumerate(zip(self.steps, self.done, strict=True))
        )
