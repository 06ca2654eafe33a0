"""Tools that are not ours. Missing on somebody's machine: a reason to skip; where changes are judged: a failure."""

import os
import shutil
from importlib.util import find_spec

JUDGED = "KNEAD_CI"  # set by .ci/run


class MissingError(Exception):
    """A tool is not here; the text says which, and what it is for."""


def require(tool: str) -> None:
    """Raises MissingError where neither a command nor a module of that name is to be had."""
    if shutil.which(tool) is None and find_spec(tool) is None:
        raise MissingError(f"there is no {tool} on this machine")


def judged() -> bool:
    """Whether a missing tool is a failure: this run decides about a change."""
    return os.environ.get(JUDGED, "") not in ("", "0")
