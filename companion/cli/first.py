"""What is said once, with the first session or the first screen: what knead is not."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from companion.cli.failures import mention
from companion.cli.text import DISCLAIMER

if TYPE_CHECKING:
    from companion.config import Paths

MARK = "disclaimer-said"  # a file in the state directory
_WIDTH = 79


def once(paths: "Paths") -> str:
    """The disclaimer, where it has not been said yet; from now on it has been. Said again where that cannot be kept."""
    mark = paths.state_dir / MARK
    if mark.exists():
        return ""
    with suppress(OSError):
        paths.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.touch(mode=0o600)
    return DISCLAIMER


def tell(paths: "Paths") -> None:
    """On stderr."""
    for line in Words(paths):
        mention(line)


class Words:
    """The disclaimer in lines, if this is the first time they are read, and then `others`."""

    def __init__(self, paths: "Paths", others: Sequence[str] = ()) -> None:
        self._paths, self._others = paths, others

    def __iter__(self) -> Iterator[str]:
        yield from click.wrap_text(once(self._paths), _WIDTH).splitlines()
        yield from self._others
