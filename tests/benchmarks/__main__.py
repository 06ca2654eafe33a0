"""`python -m tests.benchmarks [AREA...]`: one table of all figures, or of the areas named."""

import importlib
import pkgutil
import sys

import tests.benchmarks as package
from tests.benchmarks.figure import Figure

AREAS = [info.name for info in pkgutil.iter_modules(package.__path__) if info.name not in ("__main__", "figure")]


def bound(figure: Figure) -> str:
    if figure.at_least is not None:
        return f">= {figure.at_least:g}"
    return "" if figure.at_most is None else f"<= {figure.at_most:g}"


def row(figure: Figure) -> str:
    kept = "" if not bound(figure) else "kept" if figure.kept else "BROKEN"
    return f"{figure.name:<58} {figure.value:>10.4g} {figure.unit:<10} {bound(figure):>10} {kept:<6} {figure.note}"


def main(areas: list[str]) -> int:
    """Exit code 1 if a bound is broken, 2 if there is no such area."""
    if unknown := set(areas) - set(AREAS):
        print(f"no such area: {', '.join(sorted(unknown))}; there are {', '.join(AREAS)}", file=sys.stderr)
        return 2
    kept = True
    for area in areas or AREAS:
        for figure in importlib.import_module(f"tests.benchmarks.{area}").figures():
            print(row(figure), flush=True)
            kept = kept and figure.kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
