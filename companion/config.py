"""Where knead keeps its files, and what the user has set.

Precedence: flag > KNEAD_* > config file > default. A wrong value stops a command and names its place, its key and
what is allowed. An unknown key is only a warning, so that a file of a newer version can still be read.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

from companion.errors import ConfigError
from sessions.home import NAME, data_dir

SIDES = ("left", "right", "both")
THEMES = ("dark", "light", "high-contrast", "mono")
TICKS = ("auto", "on", "off")
KEYS_TABLE, LONGEST_KEY = "keys", 20
_NOTHING: Mapping[str, object] = {}


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
    """The user's own directories, or all three under KNEAD_HOME."""
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


class Rule(Protocol):
    """What a key accepts. `read` raises ValueError; `allowed` says in words what it would have taken."""

    def read(self, value: object) -> str | int: ...

    def allowed(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Choice:
    options: Callable[[], Iterable[str]]

    def read(self, value: object) -> str:
        if not isinstance(value, str) or value not in tuple(self.options()):
            raise ValueError(self.allowed())
        return value

    def allowed(self) -> str:
        return "one of " + " ".join(self.options())


@dataclass(frozen=True, slots=True)
class Whole:
    low: int
    high: int

    def read(self, value: object) -> int:
        text = value.strip() if isinstance(value, str) else value
        if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10:
            text = int(text)
        if isinstance(text, bool) or not isinstance(text, int) or not self.low <= text <= self.high:
            raise ValueError(self.allowed())
        return text

    def allowed(self) -> str:
        return f"a whole number from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Switch:
    def read(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in _SWITCHES:
            raise ValueError(self.allowed())
        return _SWITCHES[word]

    def options(self) -> Iterable[str]:
        return ("on", "off")

    def allowed(self) -> str:
        return "on or off"


_SWITCHES: Mapping[str, bool] = {
    **dict.fromkeys(("on", "true", "yes", "1"), True),
    **dict.fromkeys(("off", "false", "no", "0"), False),
}


@dataclass(frozen=True, slots=True)
class Name:
    longest: int

    def read(self, value: object) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > self.longest or not value.isprintable():
            raise ValueError(self.allowed())
        return value.strip()

    def allowed(self) -> str:
        return f"a name of 1 to {self.longest} printable characters"


def _regions() -> Iterable[str]:
    from companion.safety.limits import regions

    return regions()


def _tools() -> Iterable[str]:
    from companion.safety.limits import tools

    return tools()


def _modes() -> Iterable[str]:
    from companion.handsfree.terms import MODES

    return MODES


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. Its default stands in `Settings`."""

    name: str
    rule: Rule
    what: str

    @property
    def variable(self) -> str:
        return "KNEAD_" + self.name.upper()


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("person", Name(64), "whose sessions these are"),
        Key("region", Choice(_regions), "where the ball is, unless said otherwise"),
        Key("side", Choice(lambda: SIDES), "left, right or both"),
        Key("tool", Choice(_tools), "what is pressed with"),
        # Above 30 a terminal shows no more: the trace gets a new column at most 7.7 times a second.
        Key("fps", Whole(1, 30), "frames a second on the live screen"),
        Key("theme", Choice(lambda: THEMES), "colours"),
        Key("sound", Switch(), "tones with every warning"),
        Key("voice", Switch(), "words with every warning"),
        Key("ticks", Choice(lambda: TICKS), "ticks that follow the pressure; auto: in a session that is led"),
        Key("handsfree", Choice(_modes), "begin on contact, pause and end off the ball, listen to squeezes"),
        Key("awake", Switch(), "keep the display awake during a session"),
    )
}


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
        file = _read_file(paths.config_file)
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


def write_setting(paths: Paths, name: str, text: str) -> str | int:
    """Set one key in the file, keeping its comments, and give the value written.

    The file is replaced as a whole, so that nobody ever reads half of it. Raises ConfigError.
    """
    key = KEYS.get(name)
    if key is None:
        raise ConfigError(f"{name}: no such key", "the keys are " + " ".join(KEYS))
    try:
        value = key.rule.read(text)
    except ValueError as error:
        raise ConfigError(f"{name}: {text!r} is not allowed", f"allowed is {error}") from error
    _change(paths.config_file, lambda document: document.__setitem__(name, value))
    return value


def forget_setting(paths: Paths, name: str) -> None:
    """Take one key out of the file, so that its default holds again. Raises ConfigError."""
    if name not in KEYS:
        raise ConfigError(f"{name}: no such key", "the keys are " + " ".join(KEYS))
    if name in _read_file(paths.config_file):
        _change(paths.config_file, lambda document: document.pop(name))


def _change(path: Path, change: Callable[[Any], object]) -> None:
    """Change the file, keeping its comments. Raises ConfigError."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    _read_file(path)  # a file that cannot be read is not replaced
    try:
        target = path.resolve()  # a link to a file kept elsewhere stays a link
        document = tomlkit.parse(target.read_text("utf-8")) if target.exists() else tomlkit.document()
        change(document)
        _replace(target, tomlkit.dumps(document))
    except TOMLKitError as error:
        raise ConfigError(f"{path} cannot be changed here: {error}", "edit it by hand") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}", "see its permissions") from error


def _read_file(path: Path) -> dict[str, Any]:
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


def _unknown(path: Path, name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, KEYS, n=1)
    meant = f"; is {near[0]} meant?" if near else f"; the keys are {' '.join(KEYS)}"
    return f"{path}: {name!r} is not a key{meant}"


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
