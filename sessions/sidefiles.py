"""A log as the files it is made of."""

import shutil
from pathlib import Path

from sessions.errors import ImportedError
from sessions.home import NAME


def copy_of(source: Path, directory: Path) -> Path:
    """A copy to open: opening a log recovers what a crash left in it, and another's log is not ours to change."""
    copy = directory / NAME
    for side in ("", "-wal"):
        beside = source.with_name(source.name + side)
        if side == "" or beside.exists():
            try:
                shutil.copyfile(beside, copy.with_name(copy.name + side))
            except OSError as error:
                raise ImportedError(f"{beside} cannot be copied: {error.strerror or error}.") from error
    return copy
