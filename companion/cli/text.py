"""Words and numbers for people: clean, short, and never a zero where nothing is known."""

from collections.abc import Sequence

from sessions.wording import amount as amount
from sessions.wording import clean as clean
from sessions.wording import number as number
from sessions.wording import place as place
from sessions.wording import span as span

DISCLAIMER = (
    "For general relaxation and muscle comfort. Not a medical device: it does not diagnose, treat, cure or prevent "
    "any condition. Readings are estimates; a quiet app does not mean safe. Stop for sharp, shooting or growing pain, "
    "numbness, tingling or weakness. If you are pregnant, ill, injured, take blood thinners or are unsure, ask a "
    "health professional first. In an emergency call your local number."
)


def measured(value: float, limit: float | None, unit: str) -> str:
    """`81.2 of 72.2 kPa`."""
    known = number(value, 0 if abs(value) >= 1000 else 1)
    of = "" if limit is None else f" of {number(limit, 0 if abs(limit) >= 1000 else 1)}"
    return f"{known}{of} {clean(unit)}".rstrip()


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
