"""`python -m tests.reliability [--short] [--hours H] [FAMILY...]`: one table; exit 1 where a promise is broken."""

import argparse
import importlib
import sys
from time import monotonic

from tests.reliability.row import Row

FAMILIES = ("damage", "fuzz", "kill", "powercut", "ending", "disk", "storm", "soak")
HEAD = f"{'fault':<44} {'runs':>9}  {'lost':<26} {'invented':<12} {'noticed after':<14} promise"


def line(row: Row) -> str:
    text = f"{row.fault:<44} {row.runs:>9}  {row.lost:<26} {row.invented:<12} {row.notice:<14} "
    return text + (f"BROKEN: {row.broken}" if row.broken else "kept") + (f"  ({row.note})" if row.note else "")


def main(arguments: list[str]) -> int:
    """0: every promise was kept. 1: one was not. 2: no such family."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("family", nargs="*", help=f"of {', '.join(FAMILIES)}; none: all")
    parser.add_argument("--short", action="store_true", help="what the tests run: about a minute in all")
    parser.add_argument("--hours", type=float, help="how long the soak is, in simulated hours")
    given = parser.parse_args(arguments)
    if unknown := set(given.family) - set(FAMILIES):
        parser.error(f"no such family: {', '.join(sorted(unknown))}; there are {', '.join(FAMILIES)}")
    kept = True
    print(HEAD)
    for family in given.family or FAMILIES:
        start = monotonic()
        module = importlib.import_module(f"tests.reliability.{family}")
        options = {"hours": given.hours} if family == "soak" else {}
        for row in module.rows(short=given.short, **options):
            print(line(row), flush=True)
            kept = kept and not row.broken
        print(f"  {family}: {monotonic() - start:.0f} s", file=sys.stderr)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
