"""Words and numbers for people: clean, short, and never a zero where nothing is known."""

from collections.abc import Sequence

from companion.plaintext import plain

DISCLAIMER = (
    "For general relaxation and muscle comfort. Not a medical device: it does not diagnose, treat, cure or prevent "
    "any condition. Readings are estimates; a quiet app does not mean safe. Stop for sharp, shooting or growing pain, "
    "numbness, tingling or weakness. If you are pregnant, ill, injured, take blood thinners or are unsure, ask a "
    "health professional first. In an emergency call your local number."
)


def clean(text: object, longest: int = 300) -> str:
    """A text that is not our own, as one line."""
    return plain(text, longest)


def number(value: float | None, digits: int = 0) -> str:
    """`47`, or `unknown`."""
    if value is None or value != value:
        return "unknown"
    return f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0: a small negative one is 0, not -0


def measured(value: float, limit: float | None, unit: str) -> str:
    """`81.2 of 72.2 kPa`."""
    known = number(value, 0 if abs(value) >= 1000 else 1)
    of = "" if limit is None else f" of {number(limit, 0 if abs(limit) >= 1000 else 1)}"
    return f"{known}{of} {clean(unit)}".rstrip()


def amount(value: float | None, unit: str, digits: int = 0) -> str:
    """`47 kPa`, or `unknown`."""
    known = number(value, digits)
    return known if known == "unknown" or not unit else f"{known} {unit}"


def span(seconds: float | None) -> str:
    """`45 s`, `1 min 5 s`, `2 h 3 min`."""
    if seconds is None or seconds != seconds:
        return "unknown"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def place(region: str, side: str) -> str:
    """`glute left`; both sides go without saying."""
    return clean(region if side in ("", "both") else f"{region} {side}", 60)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Lines in columns; those in `right` end together."""
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    return [
        " ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *rows)
    ]
