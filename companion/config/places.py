"""Where the user's settings, log and state lie: their own directories, or all three under KNEAD_HOME."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from companion.errors import ConfigError
from sessions.home import NAME, data_dir


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things lie. Nothing is made here."""

    config_file: Path
    data_dir: Path
    state_dir: Path

    @property
    def database(self) -> Path:
        return self.data_dir / NAME

    @property
    def programs_dir(self) -> Path:
        """The user's own programs, beside the settings."""
        return self.config_file.with_name("programs")


def find_paths(env: Mapping[str, str] | None = None) -> Paths:
    """Those of this user. ConfigError where KNEAD_HOME cannot be meant."""
    home = (os.environ if env is None else env).get("KNEAD_HOME")
    if home:
        root = _home(home)
        return Paths(root / "config" / "config.toml", data_dir(env), root / "state")
    import platformdirs

    here = platformdirs.PlatformDirs("knead", appauthor=False)
    return Paths(here.user_config_path / "config.toml", data_dir(env), here.user_state_path)


def _home(text: str) -> Path:
    """ConfigError where it is no path a person can have meant."""
    hint = "set it to a directory of yours"
    if not text.isprintable():
        raise ConfigError("KNEAD_HOME has characters that do not print", hint)
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # ~nobody
        raise ConfigError(f"KNEAD_HOME: {text} is no directory: {error}", hint) from error
