"""The programs as the screens ask for them."""

from typing import TYPE_CHECKING

from companion.programs.library import Library, load_library
from companion.safety.sites import avoided
from companion.tui.books import ProgramPage

if TYPE_CHECKING:
    from companion.config import Settings

FOLDER = "programs"  # the user's own, beside the settings


def library(settings: "Settings") -> Library:
    return load_library(settings.paths.config_file.with_name(FOLDER))


def program_page(settings: "Settings") -> ProgramPage:
    """What is broken stands last."""
    entries = sorted(library(settings).entries.values(), key=lambda entry: entry.item is None)
    return ProgramPage(entries, [(place.title, place.why) for place in avoided().values()])
