"""Which questions are due before a session, as the sheets that the screens show."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from companion.config import Settings
    from companion.past import Past
    from companion.safety.screening import Answer
    from companion.tui.sheet import Result, Sheet

_HALVED = "esc: skip; the limits are halved"
_TITLES = {
    "week": "questions before pressing",
    "session": "short check before this session",
    "after": "the day after your last session",
}


def due(settings: "Settings", person: str) -> "Sheet | None":
    """The next sheet to be shown before a session; None where nothing is due. Raises SessionError."""
    from companion.compose import gather
    from companion.safety.screening import Standing

    past = gather(settings, person)
    if past.verdict.standing is Standing.EMERGENCY:
        return _sheet(settings, past, "week", "esc: back; no session without new answers")
    if past.after_due() is not None:
        return _sheet(settings, past, "after", "esc: do not ask again")
    if past.verdict.missing in ("never", "week"):
        return _sheet(settings, past, "week", _HALVED)
    if past.verdict.missing == "check" or past.verdict.standing is Standing.NOW:
        return _sheet(settings, past, "session", _HALVED)
    return None


def _sheet(settings: "Settings", past: "Past", when: str, skipping: str) -> "Sheet":
    from companion import keeping
    from companion.safety.screening import questions
    from companion.tui.sheet import Sheet

    database, name = settings.paths.database, past.person.name

    def keep(answers: "Mapping[str, Answer]") -> "Result":
        keeping.answered(database, name, when, answers, past)
        return _standing(settings, name)

    def skip() -> None:
        if when == "after":
            keeping.not_asked_again(database, name, past)

    return Sheet(_TITLES[when], questions().asked(when), keep, skip, skipping, when != "after")


def _standing(settings: "Settings", name: str) -> "Result":
    from companion.compose import gather
    from companion.tui.sheet import Result

    verdict = gather(settings, name).verdict
    return Result(f"Yes to: {verdict.reasons[0]}", verdict.advice) if verdict.reasons else Result()


def today_lines(settings: "Settings") -> list[str]:
    """For the first screen: what is not free now, and what is left in all."""
    from companion.cli.text import place, span
    from companion.cli.today import again, why
    from companion.compose import gather
    from companion.safety.limits import regions

    past = gather(settings)
    if past.verdict.reasons:
        return [f"no session: {past.verdict.reasons[0]}", past.verdict.advice]
    rows = [left for key in regions() for left in past.sides(key)]
    lines = [f"today: {span(past.left_s)} of contact left in all"]
    for left in rows:
        name = place(left.region, left.side)
        if not left.free:
            lines.append(f"{name}: again {again(left)} ({why(left)})")
        elif left.used_s > 0 and left.region != "unknown":
            lines.append(f"{name}: {span(left.left_s)} left")
    if len(lines) == 1:
        lines[0] += "; every region is free"
    return lines
