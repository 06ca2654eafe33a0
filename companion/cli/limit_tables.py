"""What `knead limits show` has beside the regions: whole-body limits, days, tools, blocked sites, factors, sources."""

from typing import TYPE_CHECKING

from companion.cli.text import table

if TYPE_CHECKING:
    from companion.safety.days import Rule
    from companion.safety.limits import RegionLimits
    from companion.safety.table import Region
    from sessions.events import Json

_WIDTH = 80


def figures_of(limits: "RegionLimits") -> tuple[tuple[str, str, float | None], ...]:
    """Name, unit and number of each column; None: there is no such limit."""
    return (
        ("limit", "kPa", limits.mean_max_kpa),
        ("point pressure", "kPa", limits.peq_max_kpa),
        ("force", "N", limits.force_max_n),
        ("force, a stop", "N", limits.force_cap_n),
        ("work from", "kPa", limits.working_kpa[0]),
        ("work to", "kPa", limits.working_kpa[1]),
        ("hold", "s", limits.hold_s),
        ("rest", "s", limits.rest_s),
        ("a session", "s", limits.session_s),
        ("a day", "s", limits.day_s),
        ("dose", "kPa s", limits.dose_kpa_s),
    )


def remarks_of(region: "Region") -> tuple[str, ...]:
    """What is special of a region, a word or two each."""
    told = {
        "bony": region.bony,
        "roll only": region.roll_only,
        "light only": region.light_only,
        "off by default": region.off_by_default,
    }
    return tuple(remark for remark, true in told.items() if true)


def beside() -> "dict[str, Json]":
    """As JSON."""
    from companion.safety.days import CONFIDENCE, day_table
    from companion.safety.limits import regions
    from companion.safety.limits import table as limit_table
    from companion.safety.screening import questions

    limits, days = limit_table(), day_table()

    def rows(rules: "list[Rule]") -> "dict[str, Json]":
        return {
            row.key: {
                "value": row.value,
                "unit": row.unit,
                "title": row.title,
                "source": row.source,
                "confidence": CONFIDENCE,
            }
            for row in rules
        }

    return {
        "whole_body": rows(list(days.whole_body.values())),
        "days": rows(list(days.rules.values())),
        "week_days": {key: days_of(key) for key in regions()},
        "tools": {
            tool.key: {"title": tool.title, "area_cm2": tool.area_cm2, "source": "E", "confidence": CONFIDENCE}
            for tool in limits.tools.values()
        },
        "explained": {key: {"title": row.title, "why": row.why} for key, row in limits.explained.items()},
        "blocked": {key: {"title": row.title, "why": row.why} for key, row in limits.blocked.items()},
        "factors": {
            question.key: {
                "factor": question.factor,
                "ask": question.ask,
                "source": question.source,
                "confidence": CONFIDENCE,
            }
            for question in questions().all.values()
            if question.factor < 1
        },
        "sources": dict(limits.sources),
    }


def days_of(region: str) -> "dict[str, Json]":
    """On how many days of seven a region may be pressed: in its first weeks, and then."""
    from companion.safety.days import day_table, rule

    frequent = region in day_table().frequent
    return {"first_weeks": int(rule("early_days" if frequent else "week_days")), "then": int(rule("week_days"))}


def listed() -> list[str]:
    """As lines of at most 80 signs."""
    from companion.safety.days import day_table
    from companion.safety.limits import table as limit_table
    from companion.safety.screening import questions

    limits, days = limit_table(), day_table()
    lines = ["", "WHOLE BODY AND DAYS (confidence of all: choice)"]
    rules = [*days.whole_body.values(), *days.rules.values()]
    lines += table(
        ("VALUE", "WHAT", "SOURCE"), [(f"{row.value:g} {row.unit}".strip(), row.title, row.source) for row in rules]
    )
    lines += ["", "DAYS OF 7, PER REGION (first weeks, then; where 5, daily if all are light)"]
    early = [key for key in limits.regions if key in days.frequent]
    others = [key for key in limits.regions if key not in days.frequent]
    lines += wrapped("5, then 3  ", ", ".join(early)) + wrapped("3          ", ", ".join(others))
    lines += ["", "TOOLS (areas are a choice, uncertain: measure on a bench)"]
    lines += table(
        ("TOOL", "cm2", "WHAT"), [(tool.key, f"{tool.area_cm2:g}", tool.title) for tool in limits.tools.values()]
    )
    for row in limits.explained.values():
        lines += wrapped(f"{row.key:<7}", f"{row.title}, not offered: {row.why}")
    lines += ["", "BLOCKED SITES: no limit makes them fit"]
    for row in limits.blocked.values():
        lines += wrapped("", f"{row.title}: {row.why}")
    lines += ["", "FACTORS of the questions (multiplied, at least 0.5; confidence: choice)"]
    for question in questions().all.values():
        if question.factor < 1:
            lines += wrapped(f"{question.factor:g}  ", f"{question.ask} ({question.source})")
    return lines


def wrapped(head: str, text: str) -> list[str]:
    """The text in lines, those after the first under it."""
    import textwrap

    return textwrap.wrap(text, _WIDTH - 1, initial_indent=head, subsequent_indent=" " * max(2, len(head)))


def number(value: float) -> str:
    """To a tenth, cut and not rounded: what is printed is never more than what is allowed."""
    return f"{int(value * 10 + 1e-6) / 10:.1f}".removesuffix(".0")
