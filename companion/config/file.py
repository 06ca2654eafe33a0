"""The settings as a file: read, and changed with its comments kept. It is replaced as a whole, never half."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from companion.config.keys import KEYS, Key
from companion.config.places import Paths
from companion.errors import ConfigError


def write_setting(paths: Paths, name: str, text: str) -> str | int:
    """Set one key in the file, keeping its comments, and give the value written.

    The file is replaced as a whole, so that nobody ever reads half of it. Raises ConfigError.
    """
    key = _key(name)
    try:
        value = key.rule.read(text)
    except ValueError as error:
        raise ConfigError(f"{name}: {text!r} is not allowed", f"allowed is {error}") from error
    _change(paths.config_file, lambda document: document.__setitem__(name, value))
    return value


def forget_setting(paths: Paths, name: str) -> None:
    """Take one key out of the file, so that its default holds again. Raises ConfigError."""
    _key(name)
    if name in read_file(paths.config_file):
        _change(paths.config_file, lambda document: document.pop(name))


def _key(name: str) -> Key:
    key = KEYS.get(name)
    if key is None:
        raise ConfigError(f"{name}: no such key", "the keys are " + " ".join(KEYS))
    return key


def _change(path: Path, change: Callable[[Any], object]) -> None:
    """Change the file, keeping its comments. Raises ConfigError."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    read_file(path)  # a file that cannot be read is not replaced
    try:
        target = path.resolve()  # a link to a file kept elsewhere stays a link
        document = tomlkit.parse(target.read_text("utf-8")) if target.exists() else tomlkit.document()
        change(document)
        _replace(target, tomlkit.dumps(document))
    except TOMLKitError as error:
        raise ConfigError(f"{path} cannot be changed here: {error}", "edit it by hand") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}", "see its permissions") from error


def read_file(path: Path) -> dict[str, Any]:
    """What stands in it; nothing where there is none. Raises ConfigError where it cannot be read."""
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}", "mend that line, or remove the file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text", "save it as UTF-8, or remove the file") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}", "see its permissions") from error


def _replace(target: Path, text: str) -> None:
    """Write beside it, then rename over it. Readable by its owner alone: it names a person."""
    from tempfile import mkstemp

    from sessions.private import make_directory

    make_directory(target.parent)
    handle, name = mkstemp(dir=target.parent, prefix=".config-", suffix=".toml")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
