"""Keys as the user wants them: `[keys]` of the config file, by the name of what they do (keys.py).

[keys]
"live.mark" = "k"
live.next = "space"      # the same, written as a table
"""

from collections.abc import Mapping
from dataclasses import replace

from textual.keys import Keys, _character_to_key

from companion.errors import ConfigError
from companion.tui.keys import TABLE, Key

NAMES = frozenset(key.value for key in Keys) | {"plus", "comma", "slash"}
HINT = "a plain letter or digit, or a name such as space, enter, tab, left, f5, ctrl+k; knead config keys lists all"


def rebound(told: Mapping[str, str]) -> dict[str, str]:
    """What is done -> key, as Textual names it. Raises ConfigError where it is none, or would do two things."""
    found = {name: _key(name, text) for name, text in told.items()}
    for screen, table in TABLE.items():
        taken: dict[str, str] = {}
        for key in table:
            name = f"{screen}.{key.deed}"
            for each in found.get(name, key.keys).split(","):
                if each in taken and (name in found or f"{screen}.{taken[each]}" in found):
                    text = f"keys: {name} and {screen}.{taken[each]} are both on {each}"
                    raise ConfigError(text, "one key does one thing on a screen; give the other one another key")
                taken[each] = key.deed
    return found


def table(told: Mapping[str, str]) -> Mapping[str, tuple[Key, ...]]:
    """All keys as they are now. Raises ConfigError."""
    found = rebound(told)

    def now(screen: str, key: Key) -> Key:
        new = found.get(f"{screen}.{key.deed}")
        return key if new is None else replace(key, keys=new, shown=told[f"{screen}.{key.deed}"])

    return {screen: tuple(now(screen, key) for key in keys) for screen, keys in TABLE.items()}


def _key(name: str, text: str) -> str:
    screen, _, deed = name.partition(".")
    if deed not in {key.deed for key in TABLE.get(screen, ())}:
        raise ConfigError(f"keys: {name} is nothing that can be done", "knead config keys lists what can")
    if len(text) == 1 and text.isprintable() and not text.isspace():
        return _character_to_key(text)
    if text not in NAMES:
        raise ConfigError(f"keys: {name} = {text!r} is no key", HINT)
    return text
