"""Files and directories that only their owner may read: what lies in them is about a body."""

import os
import stat
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700


def make_directory(path: Path) -> None:
    """Make it, with all that is missing above it (`mkdir` alone would leave those open). OSError where it cannot be."""
    missing = []
    for place in (path, *path.parents):
        if place.exists():
            break
        missing.append(place)
    for place in reversed(missing):
        place.mkdir(mode=DIRECTORY_MODE, exist_ok=True)


def make_file(path: Path) -> None:
    """Make it empty where it is not there; take from others what they may do with one that is."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, FILE_MODE))
        return
    close_to_others(path)


def close_to_others(path: Path) -> None:
    """A file brought here by a copy may be open to all. One that is not ours stays as it is."""
    if os.name != "posix":
        return
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & ~FILE_MODE:
            path.chmod(mode & FILE_MODE)
