"""What holds for one command: flag > KNEAD_* > config file > default, key by key, and where each value is from."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from companion.config.file import read_file
from companion.config.keys import KEYS
from companion.config.places import Paths, find_paths
from companion.errors import ConfigError

KEYS_TABLE, LONGEST_KEY = "keys", 20
_NOTHING: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for one command."""

    paths: Paths
    person: str = "me"
    region: str = "unknown"
    side: str = "both"
    tool: str | None = None  # None: the hard 8 cm2 ball is assumed
    fps: int | None = None  # None: 10, and 5 over SSH
    theme: str = "dark"
    sound: bool = True
    voice: bool = True
    ticks: str = "auto"
    handsfree: str = "auto"
    awake: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)  # what is done on a screen -> key
    warnings: tuple[str, ...] = ()  # one line each, for stderr


DEFAULTS: Mapping[str, Any] = {setting.name: setting.default for setting in fields(Settings) if setting.name in KEYS}


@dataclass(slots=True)
class Resolved:
    """Every setting with its origin; `problems` are the wrong ones, left out of `values`."""

    values: dict[str, str | int | None] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    problems: list[ConfigError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)


def resolve(paths: Paths, env: Mapping[str, str], flags: Mapping[str, object] = _NOTHING) -> Resolved:
    """Settle every key. Never raises; a broken file counts as empty and is a problem."""
    found = Resolved(dict(DEFAULTS), dict.fromkeys(KEYS, "default"))
    file: dict[str, Any] = {}
    try:
        file = read_file(paths.config_file)
    except ConfigError as error:
        found.problems.append(error)
    found.warnings += [_unknown(paths.config_file, name) for name in file if name not in KEYS and name != KEYS_TABLE]
    try:
        found.keys = _keys(paths.config_file, file.get(KEYS_TABLE, {}))
    except ConfigError as error:
        found.problems.append(error)
    for name, key in KEYS.items():
        places: tuple[tuple[str, str, object], ...] = (
            ("config", f"{paths.config_file}: {name}", file.get(name)),
            (key.variable, key.variable, env.get(key.variable) or None),
            ("flag", f"--{name}", flags.get(name)),
        )
        for origin, place, value in places:
            if value is None:
                continue
            try:
                found.values[name] = key.rule.read(value)
                found.origins[name] = origin
            except ValueError as error:
                shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "..."
                found.problems.append(ConfigError(f"{place}: {shown} is not allowed", f"allowed is {error}"))
    return found


def load_settings(env: Mapping[str, str] | None = None, flags: Mapping[str, object] = _NOTHING) -> Settings:
    """What holds for a command; `flags` with the value None were not given. Raises ConfigError."""
    env = os.environ if env is None else env
    paths = find_paths(env)
    found = resolve(paths, env, flags)
    if found.problems:
        raise found.problems[0]
    values: dict[str, Any] = found.values
    return Settings(paths, **values, keys=found.keys, warnings=tuple(found.warnings))


def _keys(path: Path, told: object) -> dict[str, str]:
    """The table of keys, made flat: `live.mark` is written with or without quotes. The screens know which there are."""
    if not isinstance(told, dict):
        raise ConfigError(f"{path}: {KEYS_TABLE} is no table", f'write [{KEYS_TABLE}], and below it: "live.mark" = "k"')
    found: dict[str, str] = {}
    for name, value in told.items():
        rows = {f"{name}.{deed}": key for deed, key in value.items()} if isinstance(value, dict) else {name: value}
        for deed, key in rows.items():
            if not isinstance(key, str) or not key.isprintable() or not 0 < len(key) <= LONGEST_KEY:
                raise ConfigError(f"{path}: {KEYS_TABLE}.{deed} = {key!r} is no key", 'write it as text: "k"')
            found[deed] = key
    return found


def _unknown(path: Path, name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, KEYS, n=1)
    meant = f"; is {near[0]} meant?" if near else f"; the keys are {' '.join(KEYS)}"
    return f"{path}: {name!r} is not a key{meant}"
