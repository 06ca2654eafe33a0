"""How the plans go that have begun, from the log."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sessions.adherence import Adherence, Asked, adherence

if TYPE_CHECKING:
    from companion.programs.program import Course
    from sessions.store import Store


def kept_to(store: "Store", course: "Course", person: str, today: date) -> Adherence:
    """How one plan goes. Raises SessionError."""
    from companion.safety.days import rule

    asked = [Asked(stage.weeks, stage.days) for stage in course.stages]
    done = store.guided(person=person, programs=course.programs, least_s=rule("counts_from_s"))
    return adherence(asked, done, today)


def begun(store: "Store", folder: Path, person: str, today: date) -> dict[str, Adherence]:
    """Every plan, bundled or of the person's own, that has begun; by its key. Raises SessionError."""
    from companion.programs.library import load_library

    found = {course.key: kept_to(store, course, person, today) for course in load_library(folder).courses()}
    return {key: each for key, each in found.items() if each.began is not None}


def plan_lines(plans: "dict[str, Adherence]") -> list[str]:
    """A line for each plan."""
    from companion.cli.text import clean

    return [each.lines(clean(key, 60))[0] for key, each in plans.items()]
