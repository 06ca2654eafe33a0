"""The test of the sound for the first screen, and what the person said of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from companion.hearing import sound_programs, sound_test

if TYPE_CHECKING:
    from companion.cli.shelf import Shelf

_FILE = "heard"  # in the state directory: the programs that were heard


class Heard:
    """Asked again where other programs sound now, for then nobody has heard them."""

    def __init__(self, shelf: "Shelf") -> None:
        self._shelf = shelf

    @property
    def _path(self) -> Path:
        return self._shelf.settings.paths.state_dir / _FILE

    def _programs(self) -> str:
        """What would sound now; empty where the settings want nothing."""
        settings, found = self._shelf.settings, sound_programs()
        tones = found.tones[0][:1] if settings.sound else []
        voice = found.voice[0][:1] if settings.voice else []
        return " ".join([*tones, *voice])

    def due(self) -> bool:
        settings = self._shelf.settings
        if not (settings.sound or settings.voice):
            return False
        try:
            kept = self._path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return True
        return kept != self._programs() or not kept

    def play(self) -> str:
        settings, found = self._shelf.settings, sound_programs()
        if not (settings.sound or settings.voice):
            return "it is off by your settings"
        missing = []
        if settings.sound and not found.tones[0]:
            missing.append(f"nothing plays tones ({', '.join(found.tones[1][:3])} ...)")
        if settings.voice and not found.voice[0]:
            missing.append(f"nothing speaks ({', '.join(found.voice[1][:3])} ...)")
        wanted = settings.sound + settings.voice
        return "; ".join(missing) if len(missing) == wanted else sound_test(settings)

    def heard(self, yes: bool) -> str:
        if yes:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.write_text(self._programs() + "\n", "utf-8")
            return "heard; it is not asked again until other programs sound (t plays it)"
        self._path.unlink(missing_ok=True)
        return "not heard: the screen stands in; see volume and output, t plays it again"
