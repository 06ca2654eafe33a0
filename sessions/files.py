"""Files for the user: written beside their place and put there whole, never over another one unasked."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

from sessions.errors import FileExistsRefusal, StoreDeniedError

OVERWRITE = "Choose another name, or say --force."


@contextmanager
def new_file(path: Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """A file that is at `path` once the block has ended well, and nowhere otherwise. Readable by its owner alone.

    FileExistsRefusal where something is there already, unless `force`; StoreDeniedError where it cannot be written.
    """
    refuse_existing(path, force=force)
    try:
        handle, name = mkstemp(dir=path.parent, prefix=f".{path.name[:40]}-", suffix=".part")  # mode 0600
    except OSError as error:
        raise _denied(path, error) from error
    beside = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if force:
            beside.replace(path)
        else:
            _place(beside, path)
    except OSError as error:
        raise _denied(path, error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def refuse_existing(path: Path, *, force: bool = False, hint: str = OVERWRITE) -> None:
    """FileExistsRefusal, with the hint, where `path` is taken: before any work is done."""
    if path.is_dir() or (not force and os.path.lexists(path)):
        raise FileExistsRefusal(f"{path} is there already; nothing was written.", hint)


def _place(beside: Path, path: Path) -> None:
    """Rename, but never over what has come there meanwhile."""
    try:
        os.link(beside, path)
    except FileExistsError as error:
        raise FileExistsRefusal(f"{path} is there already; nothing was written.", OVERWRITE) from error
    except (OSError, NotImplementedError):  # a file system without links
        refuse_existing(path)
        beside.rename(path)


def _denied(path: Path, error: OSError) -> StoreDeniedError:
    return StoreDeniedError(
        f"{path} cannot be written: {error.strerror or error}.", "Check the directory and its disk."
    )
