"""How long `knead --help` takes, beside the least any click program can."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.benchmarks.figure import Figure

REPEATS = 15
ROOT = Path(__file__).parents[2]
HELP = ("-m", "companion", "--help")
CLICK = ("-c", "import click")


def figures() -> Iterator[Figure]:
    """Interleaved, so that both meet the same machine."""
    _ = _seconds(HELP), _seconds(CLICK)  # the first run compiles and fills the disk's cache
    pairs = [(_seconds(HELP), _seconds(CLICK)) for _ in range(REPEATS)]
    help_s, click_s = (median(side) for side in zip(*pairs, strict=True))
    yield Figure("knead --help", help_s / click_s, "x", at_most=3.0, note=f"import click {1000 * click_s:.0f} ms")


def _seconds(arguments: tuple[str, ...]) -> float:
    begin_s = perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=dict(os.environ), check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - begin_s
