"""Which questions are due before a session, as the sheets that the screens show."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from companion.cli.text import DISCLAIMER

if TYPE_CHECKING:
    from companion.config import Settings
    from companion.past import Past
    from companion.safety.screening import Answer
    from companion.tui.sheet import Result, Sheet

_NAMES = 3  # of regions on a line of the first screen
_HALVED = "esc: skip; the limits are halved"
_TITLES = {
    "week": "questions before pressing",
    "session": "short check before this session",
    "after": "the day after your last session",
}


def due(settings: "Settings", person: str, address: str | None) -> "Sheet | None":
    """The next sheet to be shown before a session on an address, None being the last one; None where nothing is due.

    A virtual ball presses nobody, so nothing is asked. Raises SessionError.
    """
    from companion.compose import gather_anyhow
    from companion.safety.screening import Standing
    from companion.whereabouts import presses_nobody

    if presses_nobody(settings.paths, address):
        return None
    past = gather_anyhow(settings, person)
    if not past.known:
        return None  # no answer could be kept; the session says why, and what holds without one
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

    preface = DISCLAIMER if past.verdict.missing == "never" else ""
    database, name = settings.paths.database, past.person.name

    def keep(answers: "Mapping[str, Answer]") -> "Result":
        keeping.answered(database, name, when, answers, past)
        return _standing(settings, name)

    def skip() -> None:
        if when == "after":
            keeping.not_asked_again(database, name, past)

    return Sheet(_TITLES[when], questions().asked(when), keep, skip, skipping, preface, when != "after")


def _standing(settings: "Settings", name: str) -> "Result":
    from companion.compose import gather
    from companion.tui.sheet import Result

    verdict = gather(settings, name).verdict
    return Result(f"Yes to: {verdict.reasons[0]}", verdict.advice) if verdict.reasons else Result()


def today_lines(settings: "Settings") -> list[str]:
    """For the first screen: what is not free now, and what is left in all."""
    from companion.cli.text import span
    from companion.cli.today import again, why
    from companion.compose import gather
    from companion.safety.limits import regions

    past = gather(settings)
    if past.verdict.reasons:
        return [f"no session: {past.verdict.reasons[0]}", past.verdict.advice]
    rows = [left for key in regions() for left in past.sides(key)]
    lines = [f"today: {span(past.left_s)} of contact left in all, by judgement", *past.advice()]
    alike: dict[tuple[str, str], list[str]] = {}  # side and what is said -> regions
    for left in rows:
        side = "" if left.side == "both" else f" {left.side}"
        if not left.free:
            until = "" if left.again is None else f"again {again(left)}, "
            alike.setdefault((side, f"{until}{why(left)}"), []).append(left.region)
        elif left.used_s > 0 and left.region != "unknown":
            alike.setdefault((side, f"{span(left.left_s)} left"), []).append(left.region)
    for (side, told), names in alike.items():
        shown = ", ".join(names[:_NAMES]) + (f" and {len(names) - _NAMES} more" if len(names) > _NAMES else "")
        lines.append(f"{shown}{side}: {told}")
    if not alike:
        lines[0] += "; every region is free"
    return lines


def left_lines(settings: "Settings", region: str, side: str) -> list[str]:
    """For the screen after a session: what its region may still get today, or when again."""
    from companion.cli.text import span
    from companion.cli.today import again, place, why
    from companion.compose import gather

    past = gather(settings)
    lines = []
    for left in past.sides(region) if side == "both" else (past.today(region, side),):
        dose = f"{100 * left.dose_kpa_s / left.dose_limit_kpa_s:.0f} %" if left.dose_limit_kpa_s > 0 else "unknown"
        if left.free:
            lines.append(f"{place(left)}: {span(left.left_s)} left, {dose} of the day's dose used")
        else:
            lines.append(f"{place(left)}: again {again(left)}, {why(left)}; {dose} of the day's dose used")
    return [*lines, f"{span(past.left_s)} of contact left in all"]
